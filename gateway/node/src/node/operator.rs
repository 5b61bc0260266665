//! What joins the gate to the data plane: the calls it serves, and what it tells of its own state.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;
use shuzha_core::clock::GuardedClock;
use shuzha_core::{Clock as _, Code, Id, Lang, Refusal, RequestId, Timestamp};
use shuzha_journal::Health;
use shuzha_policy::{Gate, Inbound, Payload, RateLimits, Reply, Snapshot, Upstream, Weight};
use shuzha_products::instant_text;
use shuzha_products::jurisdiction::Jurisdiction;
use shuzha_proxy::{Handle, LogFile, Operator};
use shuzha_store::Watch;

use super::upstreams;
use crate::config;
use crate::control::Standing;
use crate::evidence::Desk;
use crate::followers::Followers;
use crate::wal::Wals;

/// Records by which the projection may lag before the node calls itself unready: restarting would take long then.
const PROJECTION_LAG_MAX: u64 = 2_000_000;

/// The gate as the data plane calls it.
pub(crate) struct Served {
    pub(crate) gate: Arc<Gate>,
    pub(crate) desk: Arc<Desk>,
}

impl shuzha_proxy::Gate for Served {
    async fn serve<U: Upstream>(&self, call: &Inbound<'_>, upstream: &U) -> Reply<U::Stream> {
        match self.desk.closed() {
            None => self.gate.serve(call, upstream).await,
            Some(code) => self.gate.refuse(call, code),
        }
    }

    fn weigh(&self, path: &str, headers: &HeaderMap, peer: IpAddr) -> Weight {
        self.gate.weigh(path, headers, peer)
    }

    async fn withdraw(&self, request: RequestId, token: &str) -> Reply<Infallible> {
        let outcome = self.gate.withdraw(request, token).await;
        let (status, receipt, payload) = match outcome {
            Ok(receipt) => (200, Some(receipt), Payload::Answer(r#"{"withdrawn":true}"#.into())),
            Err(refusal) => (refusal.code.status(), None, Payload::Refused(refusal)),
        };
        Reply {
            request,
            status,
            receipt,
            fee: None,
            limit: RateLimits::default(),
            replayed: false,
            sandbox: false,
            payload,
        }
    }

    async fn receipt(&self, call: &Inbound<'_>, id: &str, sm3: bool) -> Result<Bytes, Refusal> {
        let whose = self.gate.unit_of(call)?;
        Arc::clone(&self.desk).receipt(whose, id.to_owned(), sm3).await.map(Bytes::from)
    }

    async fn log_file(&self, address: &str) -> Result<Option<LogFile>, Refusal> {
        Arc::clone(&self.desk).file(address.to_owned(), false).await
    }

    fn refused_at_edge(&self, code: Code) {
        self.gate.refused_at_edge(code);
    }
}

/// The state of the node, for the operations listener.
pub(crate) struct Running {
    gate: Arc<Gate>,
    projector: Watch,
    followers: Followers,
    desk: Arc<Desk>,
    standing: Arc<Standing>,
    node: Id,
    /// Where the world in force came from at the start.
    world: &'static str,
    /// How it was read.
    begun: String,
    /// What is said where nobody outside watches the log.
    unwatched: Option<&'static str>,
    /// The rules, which may end.
    rules: Jurisdiction,
    clock: Arc<GuardedClock>,
    wals: Wals,
    /// The data plane, once it is built.
    reached: Arc<OnceLock<Handle>>,
}

impl Running {
    pub(crate) fn new(
        gate: Arc<Gate>,
        (projector, followers, clock, wals): (Watch, Followers, Arc<GuardedClock>, Wals),
        (desk, reached): (Arc<Desk>, Arc<OnceLock<Handle>>),
        standing: Arc<Standing>,
        node: Id,
        (world, begun): (&'static str, String),
        (unwatched, rules): (Option<&'static str>, Jurisdiction),
    ) -> Self {
        Self {
            gate,
            projector,
            followers,
            desk,
            standing,
            node,
            world,
            begun,
            unwatched,
            rules,
            clock,
            wals,
            reached,
        }
    }
}

impl Operator for Running {
    fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        match self.gate.journal().health() {
            Health::Serving => {}
            unhealthy => reasons.push(format!("{}: {unhealthy:?}", Code::C090.title(Lang::En))),
        }
        if self.projector.lag() > PROJECTION_LAG_MAX {
            reasons.push("the projection lags far behind the journal".to_owned());
        }
        reasons.extend(self.clock.astray().map(|apart| {
            let seconds = apart.as_secs();
            format!("the machine's clock was set {seconds} s away from the node's: set it right, or restart the node")
        }));
        reasons.extend(self.followers.unready());
        reasons.extend(self.wals.unready());
        reasons.extend(self.standing.unready());
        reasons.extend(self.standing.lacking());
        reasons.extend(self.desk.unready());
        reasons.extend(self.desk.closed().map(|code| format!("{code}: {}", code.title(Lang::En))));
        reasons
    }

    fn status(&self) -> String {
        let snapshot = self.gate.snapshot();
        // One report whose service keeps another domain is refused by itself: it makes no other product unready.
        let asked = |handle: &Handle| upstreams::unconfirmed(handle, &snapshot, self.clock.now());
        let unconfirmed = self.reached.get().map(asked).unwrap_or_default();
        let ending = config::ending(&self.rules, self.clock.now());
        let passing = transition(&snapshot, self.clock.now());
        let warnings =
            self.unwatched.map(str::to_owned).into_iter().chain(ending).chain(unconfirmed).chain(passing);
        let stopped: serde_json::Map<_, _> = self
            .gate
            .stopped_scenarios()
            .iter()
            .map(|(name, at)| (name.to_string(), at.seconds().into()))
            .collect();
        json!({
            "node": self.node.as_str(),
            "version": env!("CARGO_PKG_VERSION"),
            "journal": {
                "health": format!("{:?}", self.gate.journal().health()),
                "durable_seq": self.gate.journal().durable_seq(),
                "projected_seq": self.projector.reached(),
            },
            "followers": self.followers.status(),
            "evidence": self.desk.status(),
            "snapshot": {"digest": snapshot.short_hash(), "grants": snapshot.grant_count()},
            "world": self.world,
            "stopped_for_abnormal_use": stopped,
            "started_from": self.begun,
            "not_in_force": self.standing.status(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
        .to_string()
    }

    async fn log_file(&self, address: &str) -> Result<Option<LogFile>, Refusal> {
        Arc::clone(&self.desk).file(address.to_owned(), true).await
    }
}

/// Who operates without an operating agreement in the time of transition, and what comes at its end.
fn transition(snapshot: &Snapshot, now: Timestamp) -> Option<String> {
    let (ends, operators) = snapshot.in_transition(now)?;
    let operators: Vec<_> = operators.into_iter().map(Id::as_str).collect();
    let (operators, ends) = (operators.join(", "), instant_text(ends));
    Some(format!("no operating agreement of {operators}: from {ends} their products are refused with C211"))
}
