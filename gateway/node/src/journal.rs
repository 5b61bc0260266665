//! Opens the call journal of a data folder, and says what to do where it cannot be.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use shuzha_core::clock::ShiftedClock;
use shuzha_files::secret;
use shuzha_journal::disk::Disk;
use shuzha_journal::{Journal, JournalError, Options as JournalOptions};

use crate::config::Config;
use crate::data_folder::JOURNAL_DIR;

/// Opens the journal of the data folder: recovered, and locked against other processes.
///
/// # Errors
/// Another process has it, or it is not whole.
pub fn open_journal(
    config: &Config,
    (clock, within): (&ShiftedClock, Option<(Duration, Duration)>),
    disk: Option<&Arc<dyn Disk>>,
    wait: Duration,
) -> Result<Journal> {
    let dir = config.data_dir.join(JOURNAL_DIR);
    secret::private_dir(&dir)?;
    let mut options = JournalOptions::new(dir, config.node.clone(), env!("CARGO_PKG_VERSION"));
    options.segment_bytes = config.segment_bytes;
    options.queue_records_max = config.queue_records_max;
    options.free_bytes_min = config.free_bytes_min;
    options.clock_within = within;
    let clock = Arc::new(clock.clone());
    let opened = match disk {
        Some(disk) => Journal::open_on(Arc::clone(disk), options, clock),
        None => Journal::open_wait(options, clock, wait),
    };
    let journal = opened.map_err(|error| match error {
        JournalError::Clock { .. } => anyhow!(
            "{error}: 请校正时钟；若时钟无误，以 --clock-is-right 启动一次 set the clock right, or start once with \
             --clock-is-right if it is"
        ),
        damaged @ JournalError::Damaged { .. } => anyhow::Error::from(damaged).context(
            "the call journal: 从备份的 journal/ 放回该段，或 `shuzha restore` put the segment back from a backup's journal/, or \
             `shuzha restore` the whole",
        ),
        other => anyhow::Error::from(other).context("the call journal"),
    })?;
    if let Some(tail) = journal.torn_tail() {
        tracing::warn!(?tail, "a torn tail of the journal was cut off: it was never acknowledged");
    }
    Ok(journal)
}
