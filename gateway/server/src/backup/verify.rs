//! `shuzha backup verify`: every file by its digest, the databases in themselves, the journal frame by frame, and that what the
//! databases know stands in the journal. Nothing is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use shuzha_files::terminal::Out;
use shuzha_node::node::JOURNAL_DIR;
use shuzha_store::backup::{check_file, reached_of};
use shuzha_verify::trust::read_keys;

use super::files::{Listed, listed};
use super::manifest::{FILES, MANIFEST, Read};

/// Most faults that are named.
const NAMED_MAX: usize = 20;

/// What `shuzha backup verify` is asked with.
#[derive(clap::Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The backup.
    folder: PathBuf,
    /// The folder of its keys.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// File of the evidence log's public keys, as `shuzha keys log` prints them: one of them must have signed the backup.
    #[arg(long)]
    log_keys: Option<PathBuf>,
}

/// A backup that was looked through.
pub(super) struct Checked {
    pub(super) manifest: Read,
    /// Whether it is signed by one of the public keys that were given.
    pub(super) signed: Option<bool>,
    /// What is wrong with it, by file.
    pub(super) faults: Vec<String>,
}

/// Looks the backup in `folder` through, its secrets in `keys`, and who signed it.
///
/// # Errors
/// Where there is no manifest that can be read.
pub(super) fn check(folder: &Path, keys: Option<&Path>, log_keys: Option<&Path>) -> Result<Checked> {
    let manifest = Read::of(folder)?;
    let mut faults = differences(folder, &manifest.files)?;
    let signed = log_keys.map(|path| anyhow::Ok(manifest.signed_by(&read_keys(path)?))).transpose()?;
    if signed == Some(false) {
        faults.push(format!("{MANIFEST}: 不是这些公钥签的 is signed by none of these keys"));
    }
    if let Some(keys) = keys {
        faults.extend(differences(keys, &manifest.content.secrets)?);
    }
    if faults.is_empty() {
        let databases = manifest.files.iter().filter(|file| !file.path.contains('/'));
        let databases = databases.filter(|file| file.path.ends_with(".db"));
        let mut reached = 0;
        for file in databases {
            let path = folder.join(&file.path);
            match check_file(&path).and_then(|()| reached_of(&path)) {
                Ok(found) => reached = reached.max(found),
                Err(error) => faults.push(format!("{}: {error}", file.path)),
            }
        }
        match shuzha_journal::verify(&folder.join(JOURNAL_DIR)) {
            Ok(found) if found.last.seq != manifest.content.last_record || found.last.seq < reached => {
                faults.push(format!("{JOURNAL_DIR}: ends at record {}", found.last.seq));
            }
            Ok(_) => {}
            Err(error) => faults.push(format!("{JOURNAL_DIR}: {error}")),
        }
    }
    Ok(Checked { manifest, signed, faults })
}

fn differences(folder: &Path, expected: &[Listed]) -> Result<Vec<String>> {
    let mut there: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in listed(folder)? {
        there.insert(path.to_string_lossy().into_owned(), path);
    }
    let mut faults = Vec::new();
    for file in expected {
        match there.remove(&file.path) {
            None => faults.push(format!("{}: 缺失 is missing", file.path)),
            Some(path) if Listed::of(folder, &path)? != *file => {
                faults.push(format!("{}: 与清单不符 is not what the manifest says", file.path));
            }
            Some(_) => {}
        }
    }
    let own = [MANIFEST, FILES];
    let more = there.keys().filter(|path| !own.contains(&path.as_str()));
    faults.extend(more.map(|path| format!("{path}: 清单中没有 is not in the manifest")));
    Ok(faults)
}

/// Looks a backup through and says what is wrong; `false` where something is.
pub(super) fn run(out: &mut Out, args: &VerifyArgs) -> Result<bool> {
    let Checked { manifest, signed, faults } =
        check(&args.folder, args.keys.as_deref(), args.log_keys.as_deref())?;
    let signature = match signed {
        Some(_) => "签名有效 its signature is good",
        None => "未核对签名 (--log-keys) its signature was not looked at",
    };
    if faults.is_empty() {
        out.line(&format!(
            "备份完整 The backup is whole: node {}, up to record {}, {} files; {signature}",
            manifest.content.node,
            manifest.content.last_record,
            manifest.files.len()
        ))?;
        if args.keys.is_none() && !manifest.content.secrets.is_empty() {
            out.line("未核对密钥 (--keys) Its keys were not looked at.")?;
        }
        return Ok(true);
    }
    out.line(&format!("备份有误 The backup is not whole: {} faults", faults.len()))?;
    for fault in faults.iter().take(NAMED_MAX) {
        out.line(&format!("  {fault}"))?;
    }
    Ok(false)
}
