//! What the stages count. Names and labels follow `research/gateways.md` §5: closed enums only.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use shuzha_core::Code;
use shuzha_evidence::Decision;
use shuzha_privacy::abuse::Signal;

use crate::bounds::Use;

/// `shuzha_decisions_total`: ends of calls by stage, decision and reason.
pub const DECISIONS_TOTAL: &str = "shuzha_decisions_total";
/// `shuzha_sandbox_calls_total`: calls of the sandbox by decision; they are in no other count of decisions.
pub const SANDBOX_CALLS_TOTAL: &str = "shuzha_sandbox_calls_total";
/// `shuzha_meter_events_total`: records handed to the journal, and records that could not be.
pub const METER_EVENTS_TOTAL: &str = "shuzha_meter_events_total";
/// `shuzha_privacy_debits_total`: privacy charges by outcome.
pub const PRIVACY_DEBITS_TOTAL: &str = "shuzha_privacy_debits_total";
/// `shuzha_unlisted_fields_total`: leaves of answers that no contract lists, dropped.
pub const UNLISTED_FIELDS_TOTAL: &str = "shuzha_unlisted_fields_total";
/// `shuzha_abuse_signals_total`: signs of abnormal use by kind.
pub const ABUSE_SIGNALS_TOTAL: &str = "shuzha_abuse_signals_total";
/// `shuzha_abuse_stopped_scenarios`: scenarios that this gate has stopped.
pub const ABUSE_STOPPED: &str = "shuzha_abuse_stopped_scenarios";
/// `shuzha_config_info`: the policy snapshot in force.
pub const CONFIG_INFO: &str = "shuzha_config_info";
/// `shuzha_config_grants`: grants in the snapshot in force.
pub const CONFIG_GRANTS: &str = "shuzha_config_grants";

/// `shuzha_table_used`: what is in a table that callers fill.
pub const TABLE_USED: &str = "shuzha_table_used";
/// `shuzha_table_max`: what may be in it.
pub const TABLE_MAX: &str = "shuzha_table_max";

/// Counters of the stages, with every label resolved beforehand.
pub(crate) struct Metrics {
    answered: IntCounter,
    replayed: IntCounter,
    planned: IntCounter,
    refused: Vec<(Code, [IntCounter; 2])>,
    sandbox: IntCounterVec,
    recorded: IntCounter,
    unrecorded: IntCounter,
    privacy_debits: IntCounterVec,
    unlisted_fields: IntCounter,
    abuse_signals: IntCounterVec,
    abuse_stopped: IntGauge,
    config_info: IntGaugeVec,
    config_grants: IntGauge,
    bound_used: IntGaugeVec,
    bound_max: IntGaugeVec,
}

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When a name is registered already.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let decisions = IntCounterVec::new(
            Opts::new(DECISIONS_TOTAL, "Calls by the stage that ended them, decision and reason"),
            &["stage", "decision", "reason"],
        )?;
        let sandbox = IntCounterVec::new(
            Opts::new(SANDBOX_CALLS_TOTAL, "Calls of the sandbox by decision"),
            &["decision"],
        )?;
        let events = IntCounterVec::new(
            Opts::new(METER_EVENTS_TOTAL, "Call records handed to the journal (recorded) or not (lost)"),
            &["state"],
        )?;
        let privacy_debits =
            IntCounterVec::new(Opts::new(PRIVACY_DEBITS_TOTAL, "Privacy charges by outcome"), &["outcome"])?;
        // As for signals below: a rate over a counter that appears with its first event would miss that event.
        for outcome in ["committed", "refused", "replayed"] {
            privacy_debits.with_label_values(&[outcome]);
        }
        let unlisted_fields = IntCounter::new(
            UNLISTED_FIELDS_TOTAL,
            "Leaves of answers that no output contract lists, dropped",
        )?;
        let abuse_signals =
            IntCounterVec::new(Opts::new(ABUSE_SIGNALS_TOTAL, "Signs of abnormal use by kind"), &["signal"])?;
        for signal in Signal::ALL {
            // A rate over a counter that appears with its first event would miss that event.
            abuse_signals.with_label_values(&[signal.as_str()]);
        }
        let abuse_stopped = IntGauge::new(ABUSE_STOPPED, "Scenarios stopped for abnormal use")?;
        let config_info =
            IntGaugeVec::new(Opts::new(CONFIG_INFO, "The policy snapshot in force"), &["snapshot_hash"])?;
        let config_grants = IntGauge::new(CONFIG_GRANTS, "Grants in the policy snapshot in force")?;
        let bound_used = IntGaugeVec::new(
            Opts::new(TABLE_USED, "Entries or bytes in a table that callers fill"),
            &["table"],
        )?;
        let bound_max =
            IntGaugeVec::new(Opts::new(TABLE_MAX, "Most that such a table may hold"), &["table"])?;
        registry.register(Box::new(bound_used.clone()))?;
        registry.register(Box::new(bound_max.clone()))?;
        registry.register(Box::new(decisions.clone()))?;
        registry.register(Box::new(sandbox.clone()))?;
        registry.register(Box::new(events.clone()))?;
        registry.register(Box::new(privacy_debits.clone()))?;
        registry.register(Box::new(unlisted_fields.clone()))?;
        registry.register(Box::new(abuse_signals.clone()))?;
        registry.register(Box::new(abuse_stopped.clone()))?;
        registry.register(Box::new(config_info.clone()))?;
        registry.register(Box::new(config_grants.clone()))?;
        let refused = Code::ALL.iter().map(|&code| {
            let stage = code.stage().to_string();
            let counter = |decision| decisions.with_label_values(&[stage.as_str(), decision, code.as_str()]);
            (code, [counter("refused"), counter("failed")])
        });
        Ok(Self {
            answered: decisions.with_label_values(&["10", "answered", ""]),
            replayed: decisions.with_label_values(&["10", "replayed", ""]),
            planned: decisions.with_label_values(&["6", "planned", ""]),
            refused: refused.collect(),
            sandbox,
            recorded: events.with_label_values(&["recorded"]),
            unrecorded: events.with_label_values(&["lost"]),
            privacy_debits,
            unlisted_fields,
            abuse_signals,
            abuse_stopped,
            config_info,
            config_grants,
            bound_used,
            bound_max,
        })
    }

    /// A call ended.
    pub(crate) fn ended(&self, sandbox: bool, decision: Decision, code: Option<Code>) {
        self.recorded.inc();
        if sandbox {
            return self.sandbox.with_label_values(&[decision.as_str()]).inc();
        }
        let refused = |at: usize| {
            if let Some(code) = code
                && let Ok(found) = self.refused.binary_search_by_key(&code, |(code, _)| *code)
            {
                self.refused[found].1[at].inc();
            }
        };
        match decision {
            Decision::Answered => self.answered.inc(),
            Decision::Replayed => self.replayed.inc(),
            Decision::Refused => refused(0),
            Decision::Failed => refused(1),
            Decision::Planned => self.planned.inc(),
        }
    }

    /// A refusal was counted that has no record of its own.
    pub(crate) fn counted(&self, decision: Decision, code: Code) {
        let at = usize::from(decision == Decision::Failed);
        if let Ok(found) = self.refused.binary_search_by_key(&code, |(code, _)| *code) {
            self.refused[found].1[at].inc();
        }
    }

    /// How full the tables that callers fill are.
    pub(crate) fn bounds(&self, uses: &[Use]) {
        for Use { bound, used, max } in uses {
            let value = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            self.bound_used.with_label_values(&[bound]).set(value(*used));
            self.bound_max.with_label_values(&[bound]).set(value(*max));
        }
    }

    /// A record could not be written.
    pub(crate) fn unrecorded(&self) {
        self.unrecorded.inc();
    }

    /// A privacy charge was committed, refused, or answered from a release.
    pub(crate) fn privacy_debit(&self, outcome: &'static str) {
        self.privacy_debits.with_label_values(&[outcome]).inc();
    }

    /// Leaves were dropped.
    pub(crate) fn unlisted_fields(&self, count: u32) {
        self.unlisted_fields.inc_by(u64::from(count));
    }

    /// Abnormal use was noticed.
    pub(crate) fn use_signal(&self, signal: Signal, stopped: usize) {
        self.abuse_signals.with_label_values(&[signal.as_str()]).inc();
        self.use_stopped(stopped);
    }

    /// How many scenarios are stopped for abnormal use.
    pub(crate) fn use_stopped(&self, scenarios: usize) {
        self.abuse_stopped.set(i64::try_from(scenarios).unwrap_or(i64::MAX));
    }

    /// A snapshot took effect.
    pub(crate) fn installed(&self, hash: &str, grants: usize) {
        self.config_info.reset();
        self.config_info.with_label_values(&[hash]).set(1);
        self.config_grants.set(i64::try_from(grants).unwrap_or(i64::MAX));
    }
}
