//! 锚定 `shuzha verify anchors`: what people outside were shown of a log, and that the log is still what they saw.

use shuzha_core::hex;
use shuzha_files::terminal::Out;
use std::collections::BTreeMap;
use std::path::PathBuf;

use shuzha_evidence::Entry;
use shuzha_evidence::anchor::{Anchor, Kind, stamped};
use shuzha_evidence::folder::Folder;
use shuzha_evidence::merkle::{Hash, Sha256};
use shuzha_evidence::timestamp::{self, Authorities};
use shuzha_evidence::verify::{Head, check_begins_with, for_each_entry};

use crate::CopyArgs;
use crate::Trouble;
use crate::copy;
use crate::instant::instant;
use crate::malformed;
use crate::read_file;
use crate::whole::{check_log, threads};

/// What to check.
#[derive(clap::Args, Debug)]
pub struct AnchorsArgs {
    #[command(flatten)]
    copy: CopyArgs,
    /// Certificates (PEM) of the time-stamping authorities that are trusted. May be repeated.
    #[arg(long)]
    authorities: Vec<PathBuf>,
}

/// Anchorings as the log records them: by anchor and size, digests of checkpoint and token.
type Recorded = BTreeMap<(String, u64), (Hash, Hash)>;

/// Checks every anchor of every half-year.
pub(crate) fn run(out: &mut Out, args: &AnchorsArgs) -> Result<(), Trouble> {
    let policy = args.copy.policy()?;
    let mut pem = Vec::new();
    for path in &args.authorities {
        pem.extend(read_file(path)?);
        pem.push(b'\n');
    }
    let trusted = match pem.is_empty() {
        true => Authorities::default(),
        false => {
            Authorities::parse(&pem).map_err(|error| Trouble::Usage(format!("--authorities: {error}")))?
        }
    };
    let (logs, files) = (copy::logs(&args.copy.folder)?, Folder::new(&args.copy.folder));
    let single = args.copy.folder.join(shuzha_evidence::log::CHECKPOINT).exists();
    let mut heads = Vec::new();
    let mut recorded: BTreeMap<String, Recorded> = BTreeMap::new();
    // An anchoring is recorded in the half-year in which it came back, which may be the one after.
    for (name, log) in &logs {
        let (head, _) = check_log::<Sha256>(log, &policy, (0, None), threads(None))?;
        for_each_entry(log, head.size, 0..head.size, |_, bytes| {
            if let Ok(Entry::Anchored(one)) = Entry::decode(bytes) {
                let of = recorded.entry(one.log.to_owned()).or_default();
                of.insert((one.anchor.to_owned(), one.size), (one.checkpoint, one.token));
            }
        })?;
        heads.push((name, log, head));
    }
    let (mut checked, mut incomplete) = (0_u64, None);
    for (name, log, head) in heads {
        let folder = if single { String::new() } else { format!("{name}/") };
        let half_year = head.origin.rsplit('/').next().unwrap_or_default().to_owned();
        let mut of = recorded.remove(&half_year).unwrap_or_default();
        let mut seen = 0;
        for (path, anchor) in files.anchors(&folder).map_err(damaged)? {
            let kept = opened(&anchor, &policy, &path)?;
            check_begins_with::<Sha256>(log, &head, &kept)?;
            let key = (anchor.name.to_string(), kept.size);
            compare(&anchor, of.remove(&key), &path)?;
            match by_whom(&anchor, &trusted) {
                Ok(said) => {
                    out.line(&format!(
                        "属实 GOOD: {half_year} 前 {0} 条 first {0} entries: {said}",
                        kept.size
                    ))?;
                    (checked, seen) = (checked + 1, kept.size.max(seen));
                }
                Err(why) if why.is_bad() => return Err(Trouble::Bad(format!("{path}: {why}"))),
                Err(why) => drop(incomplete.get_or_insert(format!("{path}: {why}"))),
            }
        }
        if let Some((anchor, size)) = of.keys().next() {
            let text =
                format!("{half_year}: 缺少锚定回执 what {anchor} answered to {size} entries is missing");
            incomplete.get_or_insert(text);
        }
        out.line(&format!(
            "  {half_year}: 其后尚有 {0} 条未锚定 entries that no anchor has seen: {0}",
            head.size - seen
        ))?;
    }
    match incomplete {
        Some(text) => Err(Trouble::Incomplete(text)),
        None if checked == 0 => Err(Trouble::Incomplete("没有锚定 nothing was anchored".to_owned())),
        None => Ok(()),
    }
}

fn damaged(error: shuzha_evidence::log::LogError) -> Trouble {
    match error {
        shuzha_evidence::log::LogError::Damaged { .. } => Trouble::Bad(error.to_string()),
        other => Trouble::Incomplete(other.to_string()),
    }
}

/// The tree that the anchor was shown, if the log signed it.
fn opened(anchor: &Anchor, policy: &shuzha_evidence::policy::Policy, path: &str) -> Result<Head, Trouble> {
    // Witnesses may have come later than anchors: the log's own signature is what was shown.
    let own = shuzha_evidence::policy::Policy { quorum: 0, ..policy.clone() };
    let tree = own.open(&anchor.note).map_err(|why| Trouble::from(why).within(path))?;
    let name = format!("{:020}-{}.anchor", tree.size, anchor.name);
    if path.rsplit('/').next() != Some(&name) {
        return Err(malformed("锚定的文件名 the name of an anchor's file")(
            shuzha_evidence::Malformed("an anchor"),
        ));
    }
    Ok(Head { origin: tree.origin, size: tree.size, root: tree.root })
}

fn compare(anchor: &Anchor, recorded: Option<(Hash, Hash)>, path: &str) -> Result<(), Trouble> {
    match recorded {
        None => Err(Trouble::Incomplete(format!("{path}: 日志中没有此次锚定 the log does not record it"))),
        Some(digests) if digests == (stamped(&anchor.note), anchor.token_digest()) => Ok(()),
        Some(_) => {
            Err(Trouble::Bad(format!("{path}: 与日志所记不符 it is not the one that the log records")))
        }
    }
}

/// Who saw it when, as far as that can be said here.
fn by_whom(anchor: &Anchor, trusted: &Authorities) -> Result<String, timestamp::BadTimestamp> {
    let (name, kind) = (&anchor.name, anchor.kind.as_str());
    if anchor.kind == Kind::Timestamp {
        let said = timestamp::check(&anchor.token, &stamped(&anchor.note), trusted)?;
        return Ok(format!("{name} ({kind}) {} {}", instant(said.at), said.authority));
    }
    // What others answer is theirs to explain: its digest is in the log.
    Ok(format!("{name} ({kind}) {} sha256:{}", instant(anchor.at), hex::encode(&anchor.token_digest())))
}
