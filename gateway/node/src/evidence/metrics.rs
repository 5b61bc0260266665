//! How far the evidence log is, for `/metrics`.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, Registry};

use super::Desk;

/// Asks the desk at each scrape.
struct Progress {
    desk: Arc<Desk>,
    published: IntGauge,
    overdue: IntGauge,
    failing: IntGauge,
    unanchored: IntGauge,
}

/// Registers the log's gauges.
///
/// # Errors
/// When metrics of these names are registered already.
pub(super) fn register(desk: &Arc<Desk>, registry: &Registry) -> prometheus::Result<()> {
    let published = IntGauge::new(
        "shuzha_evidence_published_seq",
        "Sequence of the last journal record under a checkpoint of the evidence log",
    )?;
    let overdue = IntGauge::new(
        "shuzha_evidence_overdue_seconds",
        "How long a durable record has waited for a checkpoint; 0 when none waits",
    )?;
    let failing = IntGauge::new(
        "shuzha_evidence_anchors_failing",
        "Anchors of the evidence log that did not answer when they were last asked",
    )?;
    let unanchored = IntGauge::new(
        "shuzha_evidence_unanchored_seconds",
        "How long something in the evidence log has been seen by no anchor; 0 without anchors",
    )?;
    registry.register(Box::new(Progress { desk: Arc::clone(desk), published, overdue, failing, unanchored }))
}

impl Collector for Progress {
    fn desc(&self) -> Vec<&Desc> {
        [self.published.desc(), self.overdue.desc(), self.failing.desc(), self.unanchored.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.published.set(i64::try_from(self.desk.handle.reached()).unwrap_or(i64::MAX));
        self.overdue.set(i64::try_from(self.desk.overdue().as_secs()).unwrap_or(i64::MAX));
        if let Some(watch) = &self.desk.anchoring {
            self.failing.set(i64::try_from(watch.failing()).unwrap_or(i64::MAX));
            let unanchored = watch.uncovered(self.desk.clock.now()).as_secs();
            self.unanchored.set(i64::try_from(unanchored).unwrap_or(i64::MAX));
        }
        let gauges = [&self.published, &self.overdue, &self.failing, &self.unanchored];
        gauges.into_iter().flat_map(Collector::collect).collect()
    }
}
