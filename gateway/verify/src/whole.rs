//! Whole logs: every entry, checkpoints against each other, what was stopped.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use shuzha_evidence::Entry;
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::LogReader;
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::note::Note;
use shuzha_evidence::policy::{Distrust, Policy};
use shuzha_evidence::verify::{
    Checked, Finding, Head, IN_FORCE_WITHIN, Suspensions, check_begins_with, check_pruned, check_range,
    for_each_entry, head,
};
use shuzha_files::terminal::Out;

use crate::CopyArgs;
use crate::Trouble;
use crate::TrustArgs;
use crate::another;
use crate::copy;
use crate::instant::instant;
use crate::malformed;
use crate::read_file;

/// What to check.
#[derive(clap::Args, Debug)]
pub struct RangeArgs {
    #[command(flatten)]
    copy: CopyArgs,
    /// Check the SM3 tree instead of the SHA-256 tree.
    #[arg(long)]
    sm3: bool,
    /// First entry.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Behind the last entry; the end of the log where it is left out.
    #[arg(long)]
    to: Option<u64>,
    /// A checkpoint that was kept: the log must begin with its tree. May be repeated.
    #[arg(long)]
    kept: Vec<PathBuf>,
    /// Threads; one per core where it is left out.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// What to compare.
#[derive(clap::Args, Debug)]
pub struct ConsistencyArgs {
    /// The older checkpoint.
    old: PathBuf,
    /// The newer checkpoint.
    new: PathBuf,
    /// Folder of the half-year's log, or a copy of it; its hashes lead from one to the other.
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What to check.
#[derive(clap::Args, Debug)]
pub struct SuspensionArgs {
    #[command(flatten)]
    copy: CopyArgs,
}

/// How many threads check, as asked or as the machine has.
#[must_use]
pub fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// A signed checkpoint in a file.
fn kept(path: &Path, policy: &Policy) -> Result<Head, Trouble> {
    let note = Note::parse(&read_file(path)?).map_err(malformed("检查点 the checkpoint"))?;
    let tree = opened(&note, policy)?;
    Ok(Head { origin: tree.origin, size: tree.size, root: tree.root })
}

/// The checkpoint in a note that is believed.
pub(crate) fn opened(note: &Note, policy: &Policy) -> Result<Checkpoint, Trouble> {
    policy.open(note).map_err(|why| match (why, Checkpoint::parse(note.text())) {
        (Distrust::UnknownLog, Ok(tree)) => another(&tree.origin, policy),
        _ => why.into(),
    })
}

/// What the log states now; where its key is not at hand, which log it is.
fn head_of<D: Digest>(log: &LogReader, policy: &Policy) -> Result<Head, Trouble> {
    head::<D>(log, policy).map_err(|finding| {
        let note = match finding {
            Finding::Checkpoint(Distrust::UnknownLog) => log.checkpoint::<D>().ok().flatten(),
            _ => None,
        };
        let tree = note.and_then(|note| Checkpoint::parse(note.text()).ok());
        tree.map_or_else(|| finding.into(), |tree| another(&tree.origin, policy))
    })
}

/// Where the calls of this half-year were destroyed: what is left of it checks, and how much that is. The certificate must be the log's.
fn pruned<D: Digest>(log: &LogReader, policy: &Policy) -> Result<Option<Trouble>, Trouble> {
    let Some(certificate) = log.destroyed().map_err(Finding::from)? else { return Ok(None) };
    let (head, kept) = (head_of::<D>(log, policy)?, log.kept().map_err(Finding::from)?);
    // The certificate is signed by the key of the SHA-256 tree.
    let origin = head.origin.trim_end_matches(D::SUFFIX);
    let signed = policy.log.iter().filter_map(|key| key.renamed(origin).ok());
    if !signed.into_iter().any(|key| certificate.verified_by(&key).is_ok()) {
        let text = "销毁证明没有本日志的签名 the certificate of destruction is not signed by the log's key";
        return Err(Trouble::Bad(text.to_owned()));
    }
    let checked = check_pruned::<D>(log, &head, kept.iter().map(Vec::as_slice))?;
    Ok(Some(Trouble::Incomplete(format!(
        "已按期销毁（有销毁证明）：{0} 条中调用记录不复存在，保留的 {1} 条与全部 {2} 个上层散列相符 \
         pruned by a signed certificate: of {0} entries the calls are gone; the {1} that are kept and all {2} hashes above check",
        head.size, checked.entries, checked.nodes
    ))))
}

/// Checks all of a log, or the entries from `from` to `to`.
///
/// # Errors
/// [`Trouble`] says whether it is bad or cannot be said.
pub fn check_log<D: Digest>(
    log: &LogReader,
    policy: &Policy,
    range: (u64, Option<u64>),
    threads: NonZeroUsize,
) -> Result<(Head, Checked), Trouble> {
    let head = head_of::<D>(log, policy)?;
    if let Some(incomplete) = pruned::<D>(log, policy)? {
        return Err(incomplete);
    }
    let to = range.1.unwrap_or(head.size);
    if range.0 > to || to > head.size {
        return Err(Trouble::Usage(format!("日志只有 {0} 条记录 the log has {0} entries", head.size)));
    }
    let checked = check_range::<D>(log, &head, range.0..to, threads)?;
    Ok((head, checked))
}

/// Checks every entry.
pub(crate) fn range(out: &mut Out, args: &RangeArgs) -> Result<(), Trouble> {
    let policy = args.copy.policy()?;
    if (args.from, args.to) != (0, None) || !args.kept.is_empty() {
        copy::log(&args.copy.folder)?;
    }
    let kept: Vec<Head> = args.kept.iter().map(|path| kept(path, &policy)).collect::<Result<_, _>>()?;
    let mut incomplete = None;
    for (name, log) in copy::logs(&args.copy.folder)? {
        // What was destroyed does not keep the others from being checked.
        let gone = if args.sm3 { pruned::<Sm3>(&log, &policy)? } else { pruned::<Sha256>(&log, &policy)? };
        if let Some(gone) = gone {
            incomplete.get_or_insert(gone.within(&name));
            continue;
        }
        let threads = threads(args.threads);
        let range = (args.from, args.to);
        let (head, checked) = if args.sm3 {
            check_log::<Sm3>(&log, &policy, range, threads)?
        } else {
            check_log::<Sha256>(&log, &policy, range, threads)?
        };
        for kept in &kept {
            if args.sm3 {
                check_begins_with::<Sm3>(&log, &head, kept)?;
            } else {
                check_begins_with::<Sha256>(&log, &head, kept)?;
            }
        }
        out.line(&format!(
            "属实 GOOD: {name} {}，{} 条记录，{} 字节，{} 个上层散列 entries {}, bytes {}, hashes above {}",
            head.origin,
            checked.entries,
            checked.bytes,
            checked.nodes,
            checked.entries,
            checked.bytes,
            checked.nodes
        ))?;
        if checked.unknown > 0 {
            out.line(&format!(
                "  {} 条本软件不识 of these cannot be read by this software",
                checked.unknown
            ))?;
        }
    }
    incomplete.map_or(Ok(()), Err)
}

/// Compares two checkpoints.
pub(crate) fn consistency(out: &mut Out, args: &ConsistencyArgs) -> Result<(), Trouble> {
    let policy = args.trust.policy()?;
    let (old, new) = (kept(&args.old, &policy)?, kept(&args.new, &policy)?);
    let log = copy::log(&args.folder)?;
    if new.origin.ends_with(Sm3::SUFFIX) {
        check_begins_with::<Sm3>(&log, &new, &old)?;
    } else {
        check_begins_with::<Sha256>(&log, &new, &old)?;
    }
    let (old, new) = (old.size, new.size);
    Ok(out.line(&format!(
        "属实 GOOD: 前 {old} 条未变 the first {old} entries are the same in the tree of {new}"
    ))?)
}

/// Follows the suspensions through logs that are sound.
pub(crate) fn follow(logs: &[(String, LogReader)], policy: &Policy) -> Result<Suspensions, Trouble> {
    let mut found = Suspensions::default();
    let mut before = 0;
    for (_, log) in logs {
        let (head, _) = check_log::<Sha256>(log, policy, (0, None), threads(None))?;
        for_each_entry(log, head.size, 0..head.size, |index, bytes| {
            if let Ok(entry) = Entry::decode(bytes) {
                found.visit(before + index, &entry);
            }
        })?;
        before += head.size;
    }
    Ok(found)
}

/// Checks that nothing was answered that was stopped.
pub(crate) fn suspension(out: &mut Out, args: &SuspensionArgs) -> Result<(), Trouble> {
    let policy = args.copy.policy()?;
    let found = follow(&copy::logs(&args.copy.folder)?, &policy)?;
    for breach in &found.breaches {
        out.line(&format!(
            "第 {} 条：{} 自 {} 起暂停（第 {} 条），却于 {} 受理并答复 entry {}: {} was suspended, and answered",
            breach.index,
            breach.target,
            instant(breach.since),
            breach.suspension,
            instant(breach.received),
            breach.index,
            breach.target
        ))?;
    }
    let unkept = found.unkept();
    for one in &unkept {
        let name = format!("Suspension/{}", one.name);
        let effect = match one.noted {
            Some(at) => format!("{} 才生效 was in force only then", instant(at)),
            None => "没有生效的记录 nothing shows that it was in force".to_owned(),
        };
        out.line(&format!(
            "第 {} 条：{name} 于 {} 决定，{effect} entry {}: {name}",
            one.index,
            instant(one.at),
            one.index
        ))?;
    }
    if let Some(first) = found.breaches.first() {
        return Err(Trouble::Bad(format!(
            "暂停之后仍有答复 {} answers stand behind a suspension, the first at {}",
            found.breaches.len(),
            first.index
        )));
    }
    if let Some(first) = unkept.first() {
        return Err(Trouble::Bad(format!(
            "暂停的决定未在 {} 秒内生效 {} suspensions of the register were not in force within that time, the first at {}",
            IN_FORCE_WITHIN.as_secs(),
            unkept.len(),
            first.index
        )));
    }
    Ok(out.line(&format!(
        "属实 GOOD: {} 次暂停，{} 次答复，无一在暂停之后 suspensions {}, answers {}, none behind a suspension",
        found.seen, found.answers, found.seen, found.answers
    ))?)
}
