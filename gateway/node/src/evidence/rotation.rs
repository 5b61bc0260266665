//! Putting new keys of the evidence log in place (密钥轮换), at a start of the node, before anything else is recorded.
//!
//! The old keys publish all that is durable; the statement that hands over to the new ones is signed by both and recorded, and the old keys
//! publish that as their last leaf; the statement is kept, and the new keys take the old ones' place. A process that ends in between begins
//! again, or goes on where the statement is kept.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use shuzha_core::Clock;
use shuzha_evidence::handover::{Handover, digest};
use shuzha_evidence::log::{LogKeys, ProvidedKeys, Shard};
use shuzha_evidence::merkle::Sha256;
use shuzha_evidence::{Entry, KeysRotated};
use shuzha_journal::Journal;
use shuzha_store::tiles::{Library, Options};

use super::custody::Custody;

/// The keys that sign from now on.
///
/// # Errors
/// What keeps the old keys from signing their last, or the new ones from being kept.
pub(super) fn keys(
    custody: &Custody<'_>,
    journal: &Journal,
    clock: &dyn Clock,
    options: impl Fn(Arc<dyn LogKeys>) -> Options,
) -> Result<ProvidedKeys> {
    let Some(next) = custody.next()? else { return custody.present() };
    let stated = custody.handovers()?.pop().map(|note| Handover::parse(&note)).transpose()?;
    let same = |stated: &Handover| {
        stated.to.iter().map(ToString::to_string).eq(next.present().iter().map(ToString::to_string))
    };
    if !stated.as_ref().is_some_and(same) {
        hand_over(custody, &next, journal, clock, options).context("handing the log's keys over")?;
    }
    custody.replace()?;
    let present = custody.present()?;
    tracing::info!(key = %present.present()[0], "the evidence log's keys were handed over");
    Ok(present)
}

fn hand_over(
    custody: &Custody<'_>,
    next: &ProvidedKeys,
    journal: &Journal,
    clock: &dyn Clock,
    options: impl Fn(Arc<dyn LogKeys>) -> Options,
) -> Result<()> {
    let old = Arc::new(custody.present()?);
    let publish = || -> Result<Library> {
        let follower = options(Arc::clone(&old) as _).build(journal.clone())?;
        let (handle, library) = (follower.handle(), follower.library());
        handle.drain();
        follower.run();
        match handle.fault() {
            None => Ok(library),
            Some(fault) => anyhow::bail!(fault),
        }
    };
    let library = publish()?;
    let at = clock.now();
    // Nobody else writes yet: the statement's entry is the next leaf.
    let latest = library.logs()?.pop();
    let (shard, size) = match latest {
        Some((shard, log)) if shard.then(at) == shard => {
            let note = log.checkpoint::<Sha256>()?.context("a log without a checkpoint")?;
            (shard, shuzha_evidence::checkpoint::Checkpoint::parse(note.text())?.size + 1)
        }
        Some((shard, _)) => (shard.then(at), 1),
        None => (Shard::of(at), 1),
    };
    let log = custody.origin.to_owned();
    let (from, to) = (old.present().to_vec(), next.present().to_vec());
    let note = Handover { log, shard, size, at, from, to }.sign(&*old, next)?;
    let name = shard.to_string();
    let entry = Entry::KeysRotated(KeysRotated { at, log: &name, size, digest: digest(&note) });
    journal.append_durable(&entry).and_then(|durable| durable.wait()).context("the call journal")?;
    publish()?;
    custody.keep(&note)
}
