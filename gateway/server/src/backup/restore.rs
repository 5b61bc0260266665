//! `shuzha restore`: a data folder from a backup, with the records behind it where the old journal is still there.
//!
//! Nothing is put into a folder that holds something, and nothing is put there that is not what the manifest says. The restored
//! journal says by an act that it was restored, and from where on what it held before may be missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock as _, Id};
use shuzha_evidence::{Act, ActKind, Entry};
use shuzha_files::terminal::Out;
use shuzha_journal::{Journal, Options};
use shuzha_node::config::Config;
use shuzha_node::control::REGISTER_FILE;
use shuzha_node::node::{CLOCK_WITHIN, JOURNAL_DIR};

use super::files::{self, Listed};
use super::manifest::Content;
use super::verify::{Checked, check};

/// What `shuzha restore` is asked with.
#[derive(clap::Args, Debug)]
pub(crate) struct RestoreArgs {
    /// The backup.
    folder: PathBuf,
    /// The data folder to make; it must be missing or empty.
    #[arg(long)]
    into: PathBuf,
    /// The folder of the backup's keys.
    #[arg(long)]
    keys: Option<PathBuf>,
    /// File of the evidence log's public keys: one of them must have signed the backup.
    #[arg(long)]
    log_keys: Option<PathBuf>,
    /// The journal of the node that was lost, where it is still there: its records behind the backup are kept.
    #[arg(long)]
    journal: Option<PathBuf>,
}

/// Makes the data folder.
pub(crate) fn restore(out: &mut Out, config: &Config, args: &RestoreArgs) -> Result<()> {
    let Checked { manifest, faults, .. } =
        check(&args.folder, args.keys.as_deref(), args.log_keys.as_deref())?;
    if let Some(fault) = faults.first() {
        bail!("备份有误，未恢复 the backup is not whole, nothing was restored: {fault}");
    }
    let content = &manifest.content;
    if args.keys.is_none() && !content.secrets.is_empty() {
        bail!(
            "须以 --keys 指明密钥目录 the keys of the backup lie in a folder of their own: name it by --keys ({} files)",
            content.secrets.len()
        );
    }
    let last = match &args.journal {
        Some(old) => continues(old, &args.folder.join(JOURNAL_DIR), content.last_record)?,
        None => content.last_record,
    };
    files::new_folder(&args.into)?;
    if let Err(error) = fill(config, args, (content, &manifest.files), last) {
        // A part of a data folder is none, and would stand in the way of the next try.
        std::fs::remove_dir_all(&args.into).with_context(|| args.into.display().to_string())?;
        return Err(error);
    }
    out.line(&format!("已恢复 Restored, up to record {last}: {}", args.into.display()))?;
    if args.journal.is_none() {
        out.line(
            "备份之后的一切已丢失：之后停用、撤销、撤回的须重新办理；存证日志若已公布到备份之后，见证方会指出分叉。 What came after \
             the backup is lost: revoke, stop and withdraw again what was since; where the evidence log had published more, whoever \
             kept that sees two histories.",
        )?;
    }
    let differs = || !matches!(crate::verify::differs(&args.into), Ok(None));
    if args.journal.is_some() && args.into.join(REGISTER_FILE).exists() && differs() {
        out.line(
            "登记簿停在备份之时，日志更新：核对后须接管，否则启动被拒绝（C1740）。 The register is as old as the backup, the journal is \
             not: check it and take it over, or the start is refused (C1740): shuzha register adopt --reason …",
        )?;
    }
    out.line("启动前核对 Before the start: shuzha journal verify; shuzha register verify; shuzha doctor")
}

/// Puts what the backup has into the new folder.
fn fill(
    config: &Config,
    args: &RestoreArgs,
    (content, listed): (&Content, &[Listed]),
    last: u64,
) -> Result<()> {
    for file in listed {
        if args.journal.is_none() || !Path::new(&file.path).starts_with(JOURNAL_DIR) {
            files::copy(&args.folder.join(&file.path), &args.into.join(&file.path))?;
        }
    }
    if let Some(keys) = &args.keys {
        for file in &content.secrets {
            files::copy(&keys.join(&file.path), &args.into.join(&file.path))?;
        }
    }
    let journal = args.into.join(JOURNAL_DIR);
    if let Some(old) = &args.journal {
        shuzha_journal::copy(old, &journal, last).context("the old journal")?;
    }
    let node = shuzha_journal::node_of(&journal).context("the restored journal")?;
    note(config, node.as_deref().unwrap_or(&content.node), &journal, last)?;
    files::settle(&args.into)
}

/// The last record of the journal in `old`, which holds what the backup's ends with.
fn continues(old: &Path, backed_up: &Path, last: u64) -> Result<u64> {
    let record = |dir: &Path| -> Result<Option<shuzha_journal::RawRecord>> {
        Ok(shuzha_journal::read(dir, last)?.next().transpose()?)
    };
    let (theirs, ours) =
        (record(old).context("the old journal")?, record(backed_up).context("the backup's journal")?);
    if theirs.is_none() || theirs != ours {
        bail!(
            "{} 与备份不是同一本日志 is another journal than the backup's, or ends before it: record {last} differs",
            old.display()
        );
    }
    shuzha_journal::last_seq(old).context("the old journal")
}

/// Says by an act in the journal that it was restored, behind which record.
fn note(config: &Config, node: &str, journal: &Path, last: u64) -> Result<()> {
    let clock = ShiftedClock::default();
    let node = Id::new(node).context("the node's name")?;
    let mut options = Options::new(journal.to_owned(), node, env!("CARGO_PKG_VERSION"));
    options.segment_bytes = config.segment_bytes;
    options.free_bytes_min = config.free_bytes_min;
    // A backup of long ago is no clock that is wrong, and a clock behind it is.
    options.clock_within = Some((CLOCK_WITHIN.0, std::time::Duration::MAX));
    let journal = Journal::open(options, Arc::new(clock.clone())).context("the restored journal")?;
    let object = last.to_string();
    let act = Act {
        at: clock.now(),
        kind: ActKind::Restored,
        actor: "operator",
        object: &object,
        commitment: None,
        target: "",
    };
    let durable = journal.append_durable(&Entry::Act(act)).context("the restored journal")?;
    durable.wait().context("the restored journal")?;
    journal.close();
    Ok(())
}
