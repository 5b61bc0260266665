//! Files of objects, as `apply` and `diff` read them, compared with the register.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use shuzha_client::{ClientError, ControlClient, ControlRefusal, Expect};
use shuzha_control::Kind;
use shuzha_core::Fault;
use shuzha_core::Id;
use shuzha_core::files::{self, Links};
use shuzha_files::terminal::say;
use shuzha_products::World;
use shuzha_products::case::{CaseKind, Subject};
use shuzha_products::world::{Document, documents};
use shuzha_schema::object::Consequences;

use super::api::{address, put};

/// Most bytes of all files together.
const SOURCE_BYTES_MAX: u64 = 1 << 30;

/// Where objects are read from.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Files {
    /// A file, a folder of `*.yaml` files, or `-` for the standard input; may be given again.
    #[arg(short = 'f', long = "file", value_name = "FILE", required = true)]
    file: Vec<PathBuf>,
}

/// One object as a file wants it.
pub(super) struct Wanted {
    pub(super) kind: Kind,
    pub(super) document: Document,
}

impl Wanted {
    /// Kind and name.
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.document.kind, self.document.name)
    }

    /// File and line of the field at `path`.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}:{}", self.document.file, self.document.line_of(path))
    }
}

/// Reads every object, in an order in which references point backwards. What cannot be read is told, and `None` answered.
pub(super) fn read(files: &Files) -> Result<Option<Vec<Wanted>>> {
    let mut texts = Vec::new();
    let mut total = 0;
    for path in shuzha_files::expand(&files.file)? {
        let (name, text) = text(&path, SOURCE_BYTES_MAX - total)?;
        total += text.len() as u64;
        texts.push((name, text));
    }
    let kinds: Vec<_> = Kind::all().map(|kind| kind.name()).collect();
    let documents = match documents(&texts, &kinds) {
        Ok(documents) => documents,
        Err(faults) => {
            say(&format!(
                "文件有 {0} 处错误，什么也没有写入 The files have {0} faults; nothing was written:",
                faults.len()
            ));
            faults.iter().for_each(|fault| say(&format!("  {}", fault.in_both())));
            return Ok(None);
        }
    };
    let wanted = documents
        .into_iter()
        .filter_map(|document| Some(Wanted { kind: Kind::find(document.kind)?, document }));
    let mut wanted: Vec<_> = wanted.collect();
    wanted.sort_by_key(|wanted| kinds.iter().position(|kind| *kind == wanted.document.kind));
    Ok(Some(wanted))
}

fn text(path: &Path, bytes_max: u64) -> Result<(String, String)> {
    let mut text = String::new();
    let (name, read) = if path == Path::new("-") {
        let read = std::io::stdin().lock().take(bytes_max + 1).read_to_string(&mut text);
        ("-".to_owned(), read)
    } else {
        let read = files::open(path, Links::Follow)
            .and_then(|file| file.take(bytes_max + 1).read_to_string(&mut text));
        (path.display().to_string(), read)
    };
    read.with_context(|| name.clone())?;
    if text.len() as u64 > bytes_max {
        bail!("the files have more than {SOURCE_BYTES_MAX} bytes");
    }
    Ok((name, text))
}

/// How the register stands to what a file wants.
pub(super) enum Standing {
    /// There is no such object.
    New,
    /// It is as the file has it.
    Same,
    /// It is otherwise.
    Other {
        /// Its version.
        version: u64,
        /// Its spec.
        spec: Value,
    },
}

impl Standing {
    /// Asks the register.
    pub(super) fn of(api: &ControlClient, wanted: &Wanted) -> Result<Self> {
        let Some(object) = api.object(&address(wanted.kind, wanted.document.name.as_str()))? else {
            return Ok(Self::New);
        };
        if object.spec == wanted.document.spec {
            return Ok(Self::Same);
        }
        Ok(Self::Other { version: object.metadata.version, spec: object.spec })
    }

    /// What a change of it expects; none where nothing is to change.
    pub(super) const fn expect(&self) -> Option<Expect> {
        match self {
            Self::New => Some(Expect::New),
            Self::Same => None,
            Self::Other { version, .. } => Some(Expect::Version(*version)),
        }
    }
}

/// What trying a change came to.
pub(super) enum Tried {
    /// The register would accept it, with these consequences.
    Accepted(Consequences),
    /// It is in order together with objects that the same files would write first: the register cannot try it before.
    With(Vec<String>),
    /// It would be refused.
    Refused(Box<ControlRefusal>, Vec<Fault>),
}

/// Tries changes against the register as it is, and where that cannot know better, as the files before would make it.
#[derive(Default)]
pub(super) struct Trial {
    /// Declared objects that the files change, as they will be.
    ahead: HashMap<(&'static str, Id), Value>,
}

impl Trial {
    /// Tries to write `wanted`.
    pub(super) fn put(
        &mut self,
        api: &ControlClient,
        wanted: &Wanted,
        expect: Expect,
        reason: Option<&str>,
    ) -> Result<Tried> {
        let Document { kind, name, spec, .. } = &wanted.document;
        let tried = match put(api, (wanted.kind, name.as_str()), spec, reason, (expect, true)) {
            Ok(change) => Tried::Accepted(change.consequences),
            Err(ClientError::Refused(problem)) if problem.code() == "C1002" => {
                let (relied, faults) = self.check(api, wanted)?;
                match (relied.is_empty(), faults.is_empty()) {
                    (true, _) => Tried::Refused(problem, Vec::new()),
                    (false, true) => Tried::With(relied),
                    (false, false) => Tried::Refused(problem, faults),
                }
            }
            Err(ClientError::Refused(problem)) => Tried::Refused(problem, Vec::new()),
            Err(error) => return Err(error.into()),
        };
        if matches!(wanted.kind, Kind::Declared(..)) && !matches!(tried, Tried::Refused(..)) {
            self.ahead.insert((kind, name.clone()), spec.clone());
        }
        Ok(tried)
    }

    /// Reads the object as it would be read after the files before it: which of theirs it relies on, and its faults.
    fn check(&self, api: &ControlClient, wanted: &Wanted) -> Result<(Vec<String>, Vec<Fault>)> {
        let Document { kind, name, spec, .. } = &wanted.document;
        let (mut relied, mut failed) = (Vec::new(), None);
        let mut fetch = |kind: &'static str, name: &Id| {
            if let Some(spec) = self.ahead.get(&(kind, name.clone())) {
                relied.push(format!("{kind}/{name}"));
                return Some(spec.clone());
            }
            in_force(api, kind, name).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                None
            })
        };
        let read = match wanted.kind {
            Kind::Declared(..) => World::read_closure(kind, name, spec, &mut fetch).map(drop),
            Kind::Case(case) => case.read(&mut Subject { name, spec, fetch: &mut fetch }),
        };
        match failed {
            Some(error) => Err(error),
            None => Ok((relied, read.err().unwrap_or_default())),
        }
    }
}

/// What is in force by the register under this kind and name.
fn in_force(api: &ControlClient, kind: &'static str, name: &Id) -> Result<Option<Value>> {
    let Some(found) = Kind::find(kind) else { return Ok(None) };
    let Some(object) = api.object(&address(found, name.as_str()))? else { return Ok(None) };
    let Some(case) = CaseKind::find(kind) else { return Ok(Some(object.spec)) };
    let details = object.status.map(|status| status.details).unwrap_or_default();
    let held = case.in_force(name, &object.spec, &details).unwrap_or_default();
    Ok(held.into_iter().find(|held| held.kind == kind && held.name == *name).map(|held| held.spec))
}
