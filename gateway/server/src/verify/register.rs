//! 登记簿 `shuzha register verify`: whether the register is what its acts made it, and whether the journal, or a signed copy of
//! the evidence log, has the same acts.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;
use shuzha_core::files::{self, Links};
use shuzha_evidence::Entry;
use shuzha_evidence::merkle::Sha256;
use shuzha_evidence::verify::for_each_entry;
use shuzha_files::secret;
use shuzha_journal::{JournalError, RawRecord};
use shuzha_node::control::REGISTER_FILE;
use shuzha_node::node::JOURNAL_DIR;
use shuzha_node::node::beside::SEALED;
use shuzha_node::node::integrity::REGISTER_SEAL_FILE;
use shuzha_store::register::{InJournal, Walked};
use shuzha_store::seal::BROKEN;
use shuzha_store::{Register, SealKey, StoreError, check_seal_of};

use shuzha_files::terminal::Out;
use shuzha_verify::trust::{self, TrustArgs};
use shuzha_verify::whole::{check_log, threads};
use shuzha_verify::{Trouble, copy};

/// What to check.
#[derive(clap::Args, Debug)]
pub(crate) struct RegisterArgs {
    /// Data folder, or a copy of one; that of the configuration where it is left out.
    pub(crate) folder: Option<PathBuf>,
    /// Compare with this copy of the evidence log instead of the journal; needs `--keys`.
    #[arg(long, requires = "keys")]
    log: Option<PathBuf>,
    /// File of the log's public keys, one a line. May be repeated.
    #[arg(long, requires = "log")]
    keys: Vec<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// The acts of the register in the journal of `folder`.
fn journalled(folder: &Path) -> Result<impl Iterator<Item = Result<InJournal>>> {
    let first = shuzha_journal::first_seq(folder)?;
    Ok(shuzha_journal::read(folder, first)?.filter_map(|record| act_of(record).transpose()))
}

fn act_of(record: Result<RawRecord, JournalError>) -> Result<Option<InJournal>> {
    let record = record?;
    Ok(act_in(&record.entry()?, record.position.seq))
}

fn act_in(entry: &Entry<'_>, seq: u64) -> Option<InJournal> {
    let Entry::Registered(act) = entry else { return None };
    Some(InJournal { revision: act.revision, id: *act.id.as_bytes(), digest: act.digest, seq })
}

/// The acts in a copy of the evidence log, every entry of which is checked.
fn logged(folder: &Path, keys: &[PathBuf]) -> Result<Vec<Result<InJournal>>, Trouble> {
    let mut policy = TrustArgs::of(keys).policy()?;
    trust::follow(&mut policy, &copy::handovers(folder)?)?;
    let mut acts = Vec::new();
    for (_, log) in copy::logs(folder)? {
        let (head, _) = check_log::<Sha256>(&log, &policy, (0, None), threads(None))?;
        for_each_entry(&log, head.size, 0..head.size, |index, bytes| {
            acts.extend(Entry::decode(bytes).ok().and_then(|entry| act_in(&entry, index)).map(Ok));
        })?;
    }
    Ok(acts)
}

fn open(folder: &Path) -> Result<Register, Trouble> {
    let path = folder.join(REGISTER_FILE);
    files::open(&path, Links::Refuse)
        .map_err(|error| Trouble::Incomplete(format!("{}: {error}", path.display())))?;
    Register::open_read_only(&path).map_err(|error| match error {
        StoreError::Unbound => Trouble::Incomplete(format!("{REGISTER_FILE}: {error}")),
        other => Trouble::Bad(format!("{REGISTER_FILE}: {other}")),
    })
}

/// Compares with the seals, where their keys are at hand, the register and the databases beside it; says whether the
/// register's was.
fn sealed(folder: &Path, walked: &mut Vec<String>) -> Result<bool, Trouble> {
    let beside = SEALED.iter().map(|beside| (beside.file, beside.key));
    for (file, key) in [(REGISTER_FILE, REGISTER_SEAL_FILE)].into_iter().chain(beside) {
        let (path, key) = (folder.join(file), folder.join(key));
        if !key.exists() {
            continue;
        }
        if !path.exists() {
            walked.push(format!("{file}：文件不在而封印密钥在 it is gone, and the key of its seal is there"));
            continue;
        }
        let key = SealKey::new(&secret::load(&key)?);
        let checked = check_seal_of(&path, &key);
        let checked = checked.map_err(|error| Trouble::Incomplete(format!("{file}: {error}")))?;
        walked.extend(checked.differ.into_iter().map(|table| {
            if table == BROKEN {
                format!("{file}：封印不是本节点的 the seal is not of this node's key")
            } else {
                format!("{file}：表 {table} 与封印不符 table {table}: rows are not those that were sealed")
            }
        }));
    }
    Ok(folder.join(REGISTER_SEAL_FILE).exists())
}

/// What a walk over the register and a look at the seals found.
struct Checked {
    walked: Walked,
    /// Everything that is wrong, as it is told.
    wrong: Vec<String>,
    /// Whether there was something to compare the acts with.
    compared: bool,
    /// Whether the register's seal was checked.
    keyed: bool,
}

fn checked(args: &RegisterArgs, folder: &Path) -> Result<Checked, Trouble> {
    let register = open(folder)?;
    let (walked, compared) = walk(&register, args, folder)?;
    let mut wrong: Vec<String> = walked.findings.iter().map(ToString::to_string).collect();
    let keyed = sealed(folder, &mut wrong)?;
    Ok(Checked { walked, wrong, compared, keyed })
}

/// What in the register of `folder` would keep a node from starting, by what the journal beside it says; none where it is sound.
pub(crate) fn differs(folder: &Path) -> Result<Option<String>, Trouble> {
    let args = RegisterArgs { folder: None, log: None, keys: Vec::new(), json: false };
    let found = checked(&args, folder)?;
    let more = found.wrong.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!("; 另有 {more} 处 and {more} more") };
    Ok(found.wrong.into_iter().next().map(|first| format!("{first}{more}")))
}

/// Walks over the register and says what is wrong with it.
pub(crate) fn run(out: &mut Out, args: &RegisterArgs, folder: &Path) -> Result<(), Trouble> {
    let Checked { walked, wrong, compared, keyed } = checked(args, folder)?;
    let by_acts = walked.wrong;
    show(out, args, (&walked, &wrong), (compared, keyed))?;
    match wrong.first() {
        Some(first) => {
            let count = by_acts.max(wrong.len() as u64);
            Err(Trouble::Bad(format!("登记簿有 {count} 处与行为记录不符 the register differs in {count} places, the first: {first}")))
        }
        None if walked.acts > 0 && walked.bound == 0 => Err(Trouble::Incomplete(
            "登记簿的行为未约束内容：请先以本版本启动一次 no act of this register binds what it left: start this software on it once".to_owned(),
        )),
        None if !compared => {
            Err(Trouble::Incomplete("没有调用日志可比对 there is no journal to compare the acts with".to_owned()))
        }
        None => Ok(()),
    }
}

/// The walk, and whether there was something to compare the acts with.
fn walk(register: &Register, args: &RegisterArgs, folder: &Path) -> Result<(Walked, bool), Trouble> {
    let broken = |error: anyhow::Error| match error.downcast::<StoreError>() {
        Ok(error) => Trouble::Bad(format!("{REGISTER_FILE}: {error}")),
        Err(error) => Trouble::Bad(format!("{error:#}")),
    };
    if let Some(log) = &args.log {
        let mut acts = logged(log, &args.keys)?.into_iter();
        return Ok((register.walk(Some(&mut acts)).map_err(broken)?, true));
    }
    let journal = folder.join(JOURNAL_DIR);
    if !journal.is_dir() {
        return Ok((register.walk::<anyhow::Error>(None).map_err(broken)?, false));
    }
    let mut acts = journalled(&journal).map_err(broken)?;
    Ok((register.walk(Some(&mut acts)).map_err(broken)?, true))
}

fn show(
    out: &mut Out,
    args: &RegisterArgs,
    (walked, wrong): (&Walked, &[String]),
    (compared, keyed): (bool, bool),
) -> Result<()> {
    if args.json {
        return out.line(
            &json!({
                "good": wrong.is_empty(), "acts": walked.acts, "bound": walked.bound, "journalled": walked.journalled,
                "things": walked.things, "versions": walked.versions, "compared": compared, "sealChecked": keyed,
                "findings": wrong,
            })
            .to_string(),
        );
    }
    for finding in wrong {
        out.line(&format!("  {finding}"))?;
    }
    if wrong.is_empty() {
        out.line(&format!(
            "属实 GOOD: {} 个行为（其中 {} 个约束内容，{} 个见于日志），{} 个对象与账号，{} 个旧版本 acts {}, binding {}, in the log {}, \
             objects and accounts {}, former versions {}",
            walked.acts,
            walked.bound,
            walked.journalled,
            walked.things,
            walked.versions,
            walked.acts,
            walked.bound,
            walked.journalled,
            walked.things,
            walked.versions
        ))?;
    }
    if !keyed {
        out.line("  封印未核对：没有密钥 the seal was not checked: its key is not in this folder")?;
    }
    Ok(())
}
