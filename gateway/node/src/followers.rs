//! What follows the journal on this node, and how far: for `/metrics` and `/readyz`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Registry};
use shuzha_store::Watch;

/// How long a follower may be behind before the node calls itself unready: what is derived from the journal, money and budgets
/// among it, is then not what people take it for.
const BEHIND_MAX: Duration = Duration::from_secs(60);

/// The followers that were started.
#[derive(Clone, Default)]
pub(crate) struct Followers(Arc<Mutex<Vec<Watch>>>);

impl Followers {
    /// Adds one.
    pub(crate) fn add(&self, watch: Watch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(watch);
    }

    fn all(&self) -> Vec<Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that are too far behind, in words.
    pub(crate) fn unready(&self) -> Vec<String> {
        let late = self.all().into_iter().filter(|watch| watch.behind() > BEHIND_MAX);
        late.map(|watch| {
            let (name, records, behind) = (watch.name(), watch.lag(), watch.behind().as_secs());
            let why = watch.fault().map(|fault| format!(": {fault}")).unwrap_or_default();
            format!("{name}: {records} records and {behind} s behind the journal{why}")
        })
        .collect()
    }

    /// How far each is, for `/status`.
    pub(crate) fn status(&self) -> serde_json::Value {
        let one = |watch: &Watch| {
            let state = serde_json::json!({
                "reached": watch.reached(),
                "lag_records": watch.lag(),
                "lag_seconds": watch.behind().as_secs(),
                "fault": watch.fault(),
            });
            (watch.name().to_owned(), state)
        };
        self.all().iter().map(one).collect::<serde_json::Map<_, _>>().into()
    }

    /// Registers their gauges.
    ///
    /// # Errors
    /// When metrics of these names are registered already.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let gauge = |name: &str, help: &str| IntGaugeVec::new(Opts::new(name, help), &["follower"]);
        registry.register(Box::new(Gauges {
            followers: self.clone(),
            records: gauge(
                "shuzha_follower_lag_records",
                "Durable records that a follower has not dealt with",
            )?,
            seconds: gauge(
                "shuzha_follower_lag_seconds",
                "How long something durable has waited for a follower; 0 where nothing waits",
            )?,
            failing: gauge("shuzha_follower_failing", "Whether a follower failed when it last tried, as 1")?,
        }))
    }
}

/// Asks the followers at each scrape.
struct Gauges {
    followers: Followers,
    records: IntGaugeVec,
    seconds: IntGaugeVec,
    failing: IntGaugeVec,
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        [self.records.desc(), self.seconds.desc(), self.failing.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for watch in self.followers.all() {
            let named = &[watch.name()];
            self.records.with_label_values(named).set(whole(watch.lag()));
            self.seconds.with_label_values(named).set(whole(watch.behind().as_secs()));
            self.failing.with_label_values(named).set(watch.fault().is_some().into());
        }
        [&self.records, &self.seconds, &self.failing].into_iter().flat_map(Collector::collect).collect()
    }
}
