//! What the data plane counts: names, labels and handles resolved beforehand.
//!
//! Labels come from closed enums and from published product ids only, at most [`PRODUCTS_MAX`] of them; anything else is
//! counted as [`OTHER`]. A series appears when it first counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use shuzha_core::{Code, Id};

use crate::conn::Protocol;

/// Product ids that get a label value of their own.
pub(crate) const PRODUCTS_MAX: usize = 1_000;
/// The label value of everything else.
pub(crate) const OTHER: &str = "__other__";

/// Buckets of durations in seconds, from what the gateway adds to what a product service may take.
const SECONDS: &[f64] = &[
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

/// Who made the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A product service answered.
    Upstream,
    /// The gateway answered by itself.
    Gateway,
}

const SOURCES: [&str; 2] = ["upstream", "gateway"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one product, made when they first count.
#[derive(Debug, Default)]
struct ProductCounters([[OnceLock<IntCounter>; CLASSES.len()]; SOURCES.len()]);

/// The data plane's metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: IntCounterVec,
    products: ArcSwap<HashMap<Box<str>, Arc<ProductCounters>>>,
    other: ProductCounters,
    total: Histogram,
    gateway: Histogram,
    upstream: Histogram,
    connections: [IntGauge; 2],
    rejected: IntCounterVec,
    upstream_requests: IntCounterVec,
    upstream_health: IntGaugeVec,
    bound_used: IntGaugeVec,
    bound_max: IntGaugeVec,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// [`prometheus::Error`] when a name is taken in `registry`.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let made = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(made.clone())).map(|()| made)
        };
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "shuzha_http_request_duration_seconds",
                "Time of calls: as a whole, in the gateway, at the product service.",
            )
            .buckets(SECONDS.to_vec()),
            &["phase"],
        )?;
        registry.register(Box::new(duration.clone()))?;
        let connections =
            gauge("shuzha_downstream_connections", "Open connections of callers.", &["protocol"])?;
        gauge("shuzha_build_info", "1; the label says which version runs.", &["version"])?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        Ok(Self {
            requests: counter(
                "shuzha_http_requests_total",
                "Calls answered, by product, class of status and who answered.",
                &["product", "code_class", "source"],
            )?,
            products: ArcSwap::default(),
            other: ProductCounters::default(),
            total: duration.with_label_values(&["total"]),
            gateway: duration.with_label_values(&["gateway"]),
            upstream: duration.with_label_values(&["upstream"]),
            connections: ["h1", "h2"].map(|protocol| connections.with_label_values(&[protocol])),
            rejected: counter(
                "shuzha_rejected_requests_total",
                "Requests refused before they were calls.",
                &["reason"],
            )?,
            upstream_requests: counter(
                "shuzha_upstream_requests_total",
                "Requests to product services.",
                &["upstream", "outcome"],
            )?,
            upstream_health: gauge(
                "shuzha_upstream_health",
                "Instances of a product service by health.",
                &["upstream", "state"],
            )?,
            bound_used: gauge(
                "shuzha_downstream_bound_used",
                "What callers hold of what is bounded: connections, bytes of bodies; in all and of the fullest address.",
                &["bound"],
            )?,
            bound_max: gauge("shuzha_downstream_bound_max", "Most that they may hold of it.", &["bound"])?,
        })
    }

    /// Names the products whose ids may be label values. Counts of ids that stay are kept.
    pub(crate) fn publish<'a>(&self, products: impl IntoIterator<Item = &'a Id>) {
        let old = self.products.load();
        let kept = |id: &Id| old.get(id.as_str()).cloned().unwrap_or_default();
        let new: HashMap<Box<str>, _> =
            products.into_iter().take(PRODUCTS_MAX).map(|id| (Box::from(id.as_str()), kept(id))).collect();
        self.products.store(Arc::new(new));
    }

    /// Counts a call.
    pub(crate) fn served(
        &self,
        product: &str,
        status: u16,
        source: Source,
        total: Duration,
        upstream: Duration,
    ) {
        let products = self.products.load();
        let (label, counters) = match products.get(product) {
            Some(counters) => (product, &**counters),
            None => (OTHER, &self.other),
        };
        let class = usize::from((status / 100).clamp(1, 5) - 1);
        counters.0[source as usize][class]
            .get_or_init(|| {
                self.requests.with_label_values(&[label, CLASSES[class], SOURCES[source as usize]])
            })
            .inc();
        self.total.observe(total.as_secs_f64());
        self.gateway.observe(total.saturating_sub(upstream).as_secs_f64());
        if !upstream.is_zero() {
            self.upstream.observe(upstream.as_secs_f64());
        }
    }

    /// Counts a request that never became a call.
    pub(crate) fn rejected(&self, code: Code) {
        let reason = match code {
            Code::C001 | Code::C008 => "framing",
            Code::C002 => "path",
            Code::C003 => "size",
            Code::C004 | Code::C009 => "header",
            Code::C005 => "timeout",
            Code::C006 | Code::C007 => "address",
            Code::C010 => "stranger",
            Code::C011 => "share",
            Code::C096 => "memory",
            _ => "other",
        };
        self.rejected.with_label_values(&[reason]).inc();
    }

    /// Counts a connection that was closed at once: its address has as many as it may.
    pub(crate) fn turned_away(&self) {
        self.rejected.with_label_values(&["connections"]).inc();
    }

    /// Shows how much is held of what callers may hold.
    pub(crate) fn bounds(&self, held: &[(&str, u64, u64)]) {
        let value = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (bound, used, max) in held {
            self.bound_used.with_label_values(&[bound]).set(value(*used));
            self.bound_max.with_label_values(&[bound]).set(value(*max));
        }
    }

    /// Counts a connection in until the guard is dropped.
    pub(crate) fn connection(&self, protocol: Protocol) -> Open {
        let gauge = self.connections[protocol as usize].clone();
        gauge.inc();
        Open(gauge)
    }

    /// The counter of an upstream's requests with `outcome`.
    pub(crate) fn upstream(&self, upstream: &Id, outcome: &str) -> IntCounter {
        self.upstream_requests.with_label_values(&[upstream.as_str(), outcome])
    }

    /// Sets how many instances of an upstream are healthy and how many are not, and logs a change by the upstream's name.
    pub(crate) fn health(&self, upstream: &Id, healthy: usize, unhealthy: usize) {
        let before = self.upstream_health.with_label_values(&[upstream.as_str(), "unhealthy"]).get();
        let (upstream_name, now) = (upstream.as_str(), i64::try_from(unhealthy).unwrap_or(i64::MAX));
        if now > before {
            tracing::warn!(upstream = upstream_name, healthy, unhealthy, "a product service is not healthy");
        } else if now < before {
            tracing::info!(
                upstream = upstream_name,
                healthy,
                unhealthy,
                "a product service is healthy again"
            );
        }
        for (state, count) in [("healthy", healthy), ("unhealthy", unhealthy)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.upstream_health.with_label_values(&[upstream.as_str(), state]).set(count);
        }
    }
}

/// An open connection's place in the gauge.
#[derive(Debug)]
pub(crate) struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Microseconds added up without a lock; for one call's time upstream.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(AtomicI64);

impl Stopwatch {
    /// Adds `time`.
    pub(crate) fn add(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_micros()).unwrap_or(i64::MAX), Relaxed);
    }

    /// The sum.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_micros(self.0.load(Relaxed).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_products_share_one_series() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).expect("an empty registry takes every name");
        metrics.publish([&Id::new("score").expect("a good name")]);
        for product in ["score", "score", "x1", "x2", "x3"] {
            metrics.served(product, 200, Source::Gateway, Duration::from_micros(5), Duration::ZERO);
        }
        let families = registry.gather();
        let requests =
            families.iter().find(|f| f.name() == "shuzha_http_requests_total").expect("the family exists");
        let mut counts: Vec<_> = requests.get_metric().iter().map(|m| m.get_counter().get_value()).collect();
        counts.sort_by(f64::total_cmp);
        assert_eq!(counts, [2.0, 3.0]);
    }
}
