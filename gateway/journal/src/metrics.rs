//! What the journal counts. Names are prefixed `shuzha_journal_`; `kind` comes from the closed set of entry kinds.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

const RECORDS: (&str, &str) =
    ("shuzha_journal_records_total", "Records appended to the journal, by kind of entry");
const SYNC: (&str, &str) = ("shuzha_journal_sync_duration_seconds", "Time one fdatasync of the journal took");
const BATCH: (&str, &str) = ("shuzha_journal_batch_records", "Records made durable by one sync");
const QUEUE: (&str, &str) = ("shuzha_journal_queue_records", "Records appended and not yet durable");
const BYTES: (&str, &str) = ("shuzha_journal_bytes_total", "Bytes written to the journal's segments");
const OWED: (&str, &str) =
    ("shuzha_journal_owed_acts", "Acts that nobody waits for and that are written once the disk has room");
const LOST: (&str, &str) = (
    "shuzha_journal_lost_records_total",
    "Records that nobody waited for, lost for want of space on the disk",
);
const UP: (&str, &str) =
    ("shuzha_journal_up", "1 while the journal takes entries, 0 when it is full, failed or closed");

const SYNC_BUCKETS: [f64; 11] = [0.0002, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1.0];
const BATCH_BUCKETS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];

/// The journal's metrics.
#[derive(Clone)]
pub(crate) struct Metrics {
    records: IntCounterVec,
    kinds: [(&'static str, IntCounter); 6],
    pub(crate) sync: Histogram,
    pub(crate) batch: Histogram,
    pub(crate) queue: IntGauge,
    pub(crate) bytes: IntCounter,
    pub(crate) up: IntGauge,
    pub(crate) owed: IntGauge,
    pub(crate) lost: IntCounter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        const VALID: &str = "the names above are valid";
        let histogram = |(name, help), buckets: &[f64]| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())).expect(VALID)
        };
        let records = IntCounterVec::new(Opts::new(RECORDS.0, RECORDS.1), &["kind"]).expect(VALID);
        let kinds = ["call", "intent", "act", "delivery", "boot", "refusal_count"];
        Self {
            kinds: kinds.map(|kind| (kind, records.with_label_values(&[kind]))),
            records,
            sync: histogram(SYNC, &SYNC_BUCKETS),
            batch: histogram(BATCH, &BATCH_BUCKETS),
            queue: IntGauge::new(QUEUE.0, QUEUE.1).expect(VALID),
            bytes: IntCounter::new(BYTES.0, BYTES.1).expect(VALID),
            up: IntGauge::new(UP.0, UP.1).expect(VALID),
            owed: IntGauge::new(OWED.0, OWED.1).expect(VALID),
            lost: IntCounter::new(LOST.0, LOST.1).expect(VALID),
        }
    }

    pub(crate) fn count(&self, kind: &str) {
        if let Some((_, counter)) = self.kinds.iter().find(|(name, _)| *name == kind) {
            counter.inc();
        }
    }

    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.records.clone()))?;
        registry.register(Box::new(self.sync.clone()))?;
        registry.register(Box::new(self.batch.clone()))?;
        registry.register(Box::new(self.queue.clone()))?;
        registry.register(Box::new(self.bytes.clone()))?;
        registry.register(Box::new(self.owed.clone()))?;
        registry.register(Box::new(self.lost.clone()))?;
        registry.register(Box::new(self.up.clone()))
    }
}
