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
    registry.register(Box::new(Progress { desk: Arc::clone(desk), published, overdue }))
}

impl Collector for Progress {
    fn desc(&self) -> Vec<&Desc> {
        [self.published.desc(), self.overdue.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.published.set(i64::try_from(self.desk.handle.reached()).unwrap_or(i64::MAX));
        self.overdue.set(i64::try_from(self.desk.overdue().as_secs()).unwrap_or(i64::MAX));
        [self.published.collect(), self.overdue.collect()].concat()
    }
}
