//! The keys of commitments by half-year, as files: made when a half-year is first met, erased on demand.
//!
//! An erased key leaves a mark in its place, so that none is made again under its name; the mark is what a later start
//! records in the journal.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use shuzha_core::{OsRng, Rng as _, Timestamp};
use shuzha_evidence::commit::{HalfYear, PeriodKeys};
use shuzha_files::secret::{self, KEY_BYTES};

/// Name of a key's file: `commit-2026h2.key`.
const PREFIX: &str = "commit-";
const KEY: &str = "key";
/// Stands where a key was erased, and not recorded yet.
const ERASED: &str = "erased";
/// Stands where that is in the journal.
const RECORDED: &str = "erased-recorded";

/// The keys in one folder.
#[derive(Clone, Debug)]
pub struct PeriodKeyFiles {
    dir: PathBuf,
}

impl PeriodKeyFiles {
    /// The keys in `keys/` of the data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("keys") }
    }

    fn path(&self, period: HalfYear, what: &str) -> PathBuf {
        self.dir.join(format!("{PREFIX}{period}.{what}"))
    }

    fn is_erased(&self, period: HalfYear) -> bool {
        self.path(period, ERASED).exists() || self.path(period, RECORDED).exists()
    }

    /// Half-years that have a file of this kind, in order.
    fn periods(&self, what: &str) -> Vec<HalfYear> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let end = format!(".{what}");
        let mut found: Vec<HalfYear> =
            names.filter_map(|name| name.strip_prefix(PREFIX)?.strip_suffix(&end)?.parse().ok()).collect();
        found.sort_unstable();
        found
    }

    /// Half-years whose keys are there.
    pub fn list(&self) -> Vec<HalfYear> {
        self.periods(KEY)
    }

    /// Erases the key of a half-year that is over: overwritten, removed, and a mark left. What was committed to under it can
    /// then not be opened, tested or found by anyone.
    ///
    /// # Errors
    /// For a half-year that is not over, or has no key.
    pub fn erase(&self, period: HalfYear, now: Timestamp) -> Result<()> {
        if period >= HalfYear::of(now) {
            bail!("{period} is not over: calls are recorded under its key");
        }
        let path = self.path(period, KEY);
        if !path.exists() {
            bail!("there is no key of {period} in {}", self.dir.display());
        }
        let shown = || format!("{} cannot be erased", path.display());
        // First the mark: a key that is gone without one would be made again.
        let mark = self.path(period, ERASED);
        secret::write_new(&mark, b"").with_context(|| mark.display().to_string())?;
        let mut file = OpenOptions::new().write(true).open(&path).with_context(shown)?;
        file.write_all(&OsRng.bytes::<KEY_BYTES>()).with_context(shown)?;
        file.sync_all().with_context(shown)?;
        std::fs::remove_file(&path).with_context(shown)?;
        std::fs::File::open(&self.dir).and_then(|dir| dir.sync_all()).with_context(shown)
    }

    /// Half-years whose keys were erased and that `record` has not taken yet.
    ///
    /// # Errors
    /// What `record` says, or of the files.
    pub fn record_erased(&self, mut record: impl FnMut(HalfYear) -> Result<()>) -> Result<()> {
        for period in self.periods(ERASED) {
            record(period)?;
            std::fs::rename(self.path(period, ERASED), self.path(period, RECORDED))?;
        }
        Ok(())
    }
}

impl PeriodKeys for PeriodKeyFiles {
    fn current(&self, period: HalfYear) -> Option<[u8; KEY_BYTES]> {
        if self.is_erased(period) {
            tracing::error!(%period, "the key of this half-year was erased; nothing can be recorded in it");
            return None;
        }
        secret::load_or_create(&self.path(period, KEY))
            .inspect_err(
                |error| tracing::error!(%period, error = format!("{error:#}"), "no key for commitments"),
            )
            .ok()
    }

    fn kept(&self) -> Vec<[u8; KEY_BYTES]> {
        self.list().into_iter().filter_map(|period| secret::load(&self.path(period, KEY)).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use shuzha_core::calendar::Day;
    use shuzha_evidence::commit::PeriodCommitters;

    use super::*;

    fn at(year: i32, month: u8) -> Timestamp {
        Day::new(year, month, 1).expect("a date").start()
    }

    #[test]
    fn h2_a_key_is_made_once_and_erased_for_good() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = PeriodKeyFiles::new(dir.path());
        let committers = PeriodCommitters::new(keys.clone());
        let tag = |at| committers.at(at).map(|committer| committer.commit("subject", &[b"somebody"]));
        let first = tag(at(2026, 2)).expect("made");
        assert!(tag(at(2026, 9)).is_some());
        let again = PeriodCommitters::new(keys.clone());
        let kept = again.at(at(2026, 2)).expect("read").commit("subject", &[b"somebody"]);
        assert_eq!(kept, first);
        let (one, two) = (HalfYear::of(at(2026, 2)), HalfYear::of(at(2026, 9)));
        assert!(keys.erase(two, at(2026, 9)).is_err(), "it is going on");
        keys.erase(one, at(2026, 9)).expect("erased");
        assert!(keys.erase(one, at(2026, 9)).is_err(), "it is gone");
        assert_eq!(keys.list(), [two]);
        assert_eq!(keys.kept().len(), 1);
        assert!(keys.current(one).is_none(), "it is not made again");
        let mut recorded = Vec::new();
        let mut record = || {
            keys.record_erased(|period| {
                recorded.push(period);
                Ok(())
            })
        };
        record().expect("recorded");
        record().expect("nothing is left to record");
        assert_eq!(recorded, [one]);
        assert!(keys.current(one).is_none(), "nor after that");
    }
}
