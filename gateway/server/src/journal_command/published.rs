//! The journal against the evidence log beside it: whoever rewrites records with their checksums must rewrite what was
//! published as well.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::merkle::{Digest as _, Frontier, Hash, Sha256};
use shuzha_node::evidence::EVIDENCE_DIR;
use shuzha_node::node::JOURNAL_DIR;
use shuzha_store::tiles::{Directory, Library};

/// A half-year's log whose checkpoint is not what the journal's records add up to.
pub(super) struct Differs {
    shard: String,
    /// Sequences of the first and the last record under the checkpoint.
    from: u64,
    to: u64,
    /// Where the journal ends before them.
    ends: Option<u64>,
}

/// What comparing showed.
#[derive(Default)]
pub(super) struct Published {
    /// How many records are under checkpoints that they agree with.
    agree: u64,
    /// How many are not there any more to be compared, because they were destroyed when due.
    gone: u64,
    pub(super) differ: Vec<Differs>,
}

/// A half-year as it was published.
struct Head {
    shard: String,
    first_seq: u64,
    size: u64,
    root: Hash,
}

/// Compares the journal in `data_dir` with the checkpoints of the log beside it; none where no log was published yet. Who
/// signed the checkpoints is for `verify range` to say, which is told whose keys to believe.
///
/// # Errors
/// When either cannot be read.
pub(super) fn compare(data_dir: &Path) -> Result<Option<Published>> {
    // Before the journal is read: a node may go on writing meanwhile.
    let heads = heads(&data_dir.join(EVIDENCE_DIR)).context("the evidence log")?;
    if heads.is_empty() {
        return Ok(None);
    }
    let journal = data_dir.join(JOURNAL_DIR);
    let (first, last) = (shuzha_journal::first_seq(&journal)?, shuzha_journal::last_seq(&journal)?);
    let mut found = Published::default();
    for head in heads {
        let to = head.first_seq + head.size - 1;
        let differs = |ends| Differs { shard: head.shard.clone(), from: head.first_seq, to, ends };
        if head.first_seq < first {
            found.gone += head.size;
        } else if last < to {
            found.differ.push(differs(Some(last)));
        } else if root(&journal, &head)? == head.root {
            found.agree += head.size;
        } else {
            found.differ.push(differs(None));
        }
    }
    Ok(Some(found))
}

fn heads(folder: &Path) -> Result<Vec<Head>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let library = Library::new(Arc::new(Directory::new(folder)));
    let mut heads = Vec::new();
    for (shard, first_seq, size) in library.half_years()? {
        let Some(note) = library.log(shard).checkpoint::<Sha256>()?.filter(|_| size > 0) else { continue };
        let tree = Checkpoint::parse(note.text()).context("not a checkpoint")?;
        heads.push(Head { shard: shard.to_string(), first_seq, size: tree.size, root: tree.root });
    }
    Ok(heads)
}

/// The root over the journal's records that are under the checkpoint.
fn root(journal: &Path, head: &Head) -> Result<Hash> {
    let mut frontier = Frontier::default();
    let records = shuzha_journal::read(journal, head.first_seq)?;
    for record in records.take(usize::try_from(head.size).unwrap_or(usize::MAX)) {
        frontier.push::<Sha256>(Sha256::leaf(&record?.bytes));
    }
    Ok(frontier.root::<Sha256>())
}

impl Published {
    /// For scripts.
    pub(super) fn json(&self) -> Value {
        let differ = self
            .differ
            .iter()
            .map(|one| json!({"log": one.shard, "from": one.from, "to": one.to, "journal_ends": one.ends}));
        json!({
            "agrees": self.differ.is_empty(),
            "records": self.agree,
            "destroyed": self.gone,
            "differences": differ.collect::<Vec<_>>(),
        })
    }

    /// For people, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.differ.is_empty() {
            lines.push(format!(
                "日志与存证日志一致：{0} 条 The journal agrees with the evidence log beside it: {0} records.",
                self.agree
            ));
        }
        for Differs { shard, from, to, ends } in &self.differ {
            let what = ends.map_or_else(
                || "与其检查点不符 do not add up to its checkpoint".to_owned(),
                |last| format!("日志止于 {last} the journal ends at {last}"),
            );
            lines.push(format!("日志与存证日志 {shard} 不符：记录 {from}–{to} 条 The journal differs from log {shard}: records {from} to {to}: {what}"));
        }
        if self.gone > 0 {
            lines.push(format!(
                "  已按期销毁、未比对 {0} 条 destroyed when due and not compared: {0} records",
                self.gone
            ));
        }
        lines
    }
}
