//! 密钥 `shuzha verify keys`: how the log's keys were handed over.

use std::collections::BTreeMap;

use shuzha_evidence::Entry;
use shuzha_evidence::handover::{Handover, digest};
use shuzha_evidence::merkle::Sha256;
use shuzha_evidence::verify::for_each_entry;
use shuzha_files::terminal::Out;

use crate::CopyArgs;
use crate::Trouble;
use crate::copy;
use crate::instant::instant;
use crate::malformed;
use crate::whole::{check_log, threads};

/// What to check.
#[derive(clap::Args, Debug)]
pub struct KeysArgs {
    #[command(flatten)]
    copy: CopyArgs,
}

/// Checks every handover, and that the log has it where it says.
pub(crate) fn run(out: &mut Out, args: &KeysArgs) -> Result<(), Trouble> {
    let policy = args.copy.policy()?;
    let mut recorded = BTreeMap::new();
    let mut sizes = BTreeMap::new();
    for (_, log) in copy::logs(&args.copy.folder)? {
        let (head, _) = check_log::<Sha256>(&log, &policy, (0, None), threads(None))?;
        for_each_entry(&log, head.size, 0..head.size, |index, bytes| {
            if let Ok(Entry::KeysRotated(rotated)) = Entry::decode(bytes) {
                recorded.insert(rotated.digest, (rotated.log.to_owned(), rotated.size, index));
            }
        })?;
        sizes.insert(head.origin.rsplit('/').next().unwrap_or_default().to_owned(), head.size);
    }
    for note in copy::handovers(&args.copy.folder)? {
        let handover = Handover::parse(&note).map_err(malformed("密钥交接 a handover of keys"))?;
        let shard = handover.shard.to_string();
        match recorded.get(&digest(&note)) {
            Some((log, size, index))
                if (log, *size, *index + 1) == (&shard, handover.size, handover.size) => {}
            None if !sizes.contains_key(&shard) => {
                return Err(Trouble::Incomplete(format!("缺少半年期 the half-year {shard} is not there")));
            }
            _ => {
                let text = format!(
                    "日志中没有此次密钥交接 the log does not record the handover at entry {}",
                    handover.size - 1
                );
                return Err(Trouble::Bad(text));
            }
        }
        let (from, to) = (&handover.from, &handover.to);
        out.line(&format!(
            "属实 GOOD: {} {shard} 第 {} 条 entry {}",
            instant(handover.at),
            handover.size - 1,
            handover.size - 1
        ))?;
        for (old, new) in from.iter().zip(to) {
            out.line(&format!("  {:?} {:08x} → {:08x}", old.algorithm(), old.key_id(), new.key_id()))?;
        }
    }
    let present = policy
        .log
        .iter()
        .filter(|key| policy.retired.iter().all(|one| one.key.to_string() != key.to_string()));
    for key in present {
        out.line(&format!("  现用 present: {key}"))?;
    }
    Ok(())
}
