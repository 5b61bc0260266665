//! The write-ahead logs beside the databases: how large they are, for `/metrics` and `/readyz`.
//!
//! `SQLite` brings a log into its file behind every transaction, but no further than the oldest reader has got: somebody who reads
//! for hours, or forgets a shell, keeps all of them from being reused. Nothing is lost by it; the disk fills, and every read grows slower.

use std::path::{Path, PathBuf};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Registry};

use crate::data_folder::DATABASES;

/// Size of a write-ahead log from which on the node calls itself unready: a hundred times what it has while nobody holds it up.
const BYTES_MAX: u64 = 1 << 30;

/// The databases of a data folder.
#[derive(Clone, Debug)]
pub(crate) struct Wals {
    data_dir: PathBuf,
    bytes_max: u64,
}

impl Wals {
    /// Those in `data_dir`.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), bytes_max: BYTES_MAX }
    }

    fn bytes(&self, file: &str) -> u64 {
        std::fs::metadata(self.data_dir.join(format!("{file}-wal"))).map_or(0, |found| found.len())
    }

    /// Those that are too large, in words.
    pub(crate) fn unready(&self) -> Vec<String> {
        let large = DATABASES.iter().filter(|file| self.bytes(file) > self.bytes_max);
        large
            .map(|file| {
                let mib = self.bytes(file) >> 20;
                format!("{file}-wal: {mib} MiB: somebody has been reading {file} for long; end that process")
            })
            .collect()
    }

    /// Registers their gauge.
    ///
    /// # Errors
    /// When a metric of this name is registered already.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let help = "Size of the write-ahead log beside a database; it shrinks when nobody reads an old state";
        let bytes = IntGaugeVec::new(Opts::new("shuzha_store_wal_bytes", help), &["store"])?;
        registry.register(Box::new(Gauge { wals: self.clone(), bytes }))
    }
}

/// Looks at each scrape.
struct Gauge {
    wals: Wals,
    bytes: IntGaugeVec,
}

impl Collector for Gauge {
    fn desc(&self) -> Vec<&Desc> {
        self.bytes.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for file in DATABASES {
            let bytes = i64::try_from(self.wals.bytes(file)).unwrap_or(i64::MAX);
            self.bytes.with_label_values(&[file.trim_end_matches(".db")]).set(bytes);
        }
        self.bytes.collect()
    }
}

#[cfg(test)]
mod tests {
    use shuzha_core::{NanoCharge, OsRng, Rng as _};
    use shuzha_store::Store;
    use shuzha_store::backup::Moment;

    use super::*;
    use crate::data_folder::STORE_FILE;

    /// Before, a log grew without a word, and kept its size for good.
    #[test]
    fn a_log_that_a_reader_holds_up_is_seen_and_bounded_afterwards() {
        const MIB: u64 = 1 << 20;
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join(STORE_FILE)).expect("opens");
        let wals = Wals { data_dir: dir.path().to_owned(), bytes_max: 80 * MIB };
        let registry = Registry::new();
        wals.register(&registry).expect("the first");
        let gauge = || {
            let families = registry.gather();
            let all = families[0].get_metric();
            let of_store = |one: &&prometheus::proto::Metric| one.get_label()[0].value() == "shuzha";
            (all.len(), all.iter().find(of_store).expect("the store's").get_gauge().get_value())
        };
        let mut query = [0; 32];
        let mut put = |mib: usize| {
            for _ in 0..mib {
                query = OsRng.bytes();
                store.release_put(&query, &vec![7; 1 << 20], NanoCharge::ZERO, &[1; 16], None).expect("kept");
            }
        };
        put(90);
        assert_eq!(wals.unready(), [""; 0], "nobody holds it up");
        let reader = Moment::hold(&[dir.path().join(STORE_FILE)]).expect("held");
        put(90);
        let told = wals.unready();
        assert!(told.len() == 1 && told[0].contains("shuzha.db-wal"), "{told:?}");
        assert!(gauge().1 > 80.0 * 1_048_576.0, "{:?}", gauge());
        drop(reader);
        put(2);
        assert_eq!(wals.unready(), [""; 0]);
        assert!(gauge().1 <= 65.0 * 1_048_576.0, "{:?}", gauge());
        assert_eq!(gauge().0, DATABASES.len());
    }
}
