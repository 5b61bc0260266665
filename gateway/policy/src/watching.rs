//! What is done about abnormal use (异常使用): each answered and each refused call is seen, and a signal is acted on at once.

use std::hash::BuildHasher as _;
use std::time::Duration;

use shuzha_core::{Code, Id, Refusal, Timestamp};
use shuzha_evidence::{Act, ActKind};
use shuzha_pricing::Outcome;
use shuzha_privacy::abuse::{Seen, Signal, Step};

use crate::abuse::{UNITS_MAX, make_room};
use crate::gate::Gate;
use crate::shards::{SHARDS, lock};
use crate::snapshot::{Product, Scenario, Snapshot};
use crate::stages::validate::ValidatedRequest;

/// An alarm of one kind about one unit or product is recorded at most so often. Those between are counted, and the next act says
/// how many they were: acts are kept for good.
const ALARM_INTERVAL: Duration = Duration::from_hours(1);

/// Whether a refusal may come of somebody's trying what they may not. It does not where somebody else has decided (C208 a
/// suspension), where time has passed (C309, C311, C314) or where we are at fault (C410): every unit would be alarmed about then.
/// Nor does what stages 5 to 7 refuse: a limit, a budget (C607 its pace, C609 a query under way) or a price that is met.
fn is_trying(code: Code) -> bool {
    let ours = matches!(code, Code::C208 | Code::C309 | Code::C311 | Code::C314 | Code::C410);
    matches!(code.stage(), 2..=4) && !ours
}

impl Gate {
    /// The scenarios that this gate has stopped for abnormal use, and since when.
    #[must_use]
    pub fn stopped_scenarios(&self) -> Vec<(Id, Timestamp)> {
        self.abuse.stops()
    }

    /// Whether this gate has stopped the scenario.
    pub(crate) fn is_use_stopped(&self, scenario: &Id) -> bool {
        self.abuse.is_stopped(scenario)
    }

    /// Lets one call of a slow scenario through every few seconds, of any other at once.
    ///
    /// # Errors
    /// C504 with the time to wait.
    pub(crate) fn admit_use(&self, scenario: &Id) -> Result<(), Refusal> {
        let now = self.clock.now();
        let admitted = self.abuse.with_watch(scenario, |watch| watch.admit(now));
        admitted.map_err(|wait| Refusal::retry(Code::C504, wait))
    }

    /// An answer to `request`, whose body has the digest `body`, is about to leave; `asked` is of which scenario, product and
    /// operation.
    pub(crate) fn saw_answer(
        &self,
        (scenario, product, operation): (&Scenario, &Id, &Id),
        request: &ValidatedRequest<'_>,
        body: &[u8; 32],
        outcome: Outcome,
    ) {
        let about = request.subject.is_some();
        let missed = match outcome {
            Outcome::Consistent | Outcome::Answer => Some(false),
            Outcome::Inconsistent | Outcome::NoRecord => Some(true),
            Outcome::Package => None,
        };
        // Known from one operation is new in another: an honest list is asked about in each.
        let hash = |about: &[u8]| self.abuse.hasher.hash_one(((product, operation), about));
        let (volume, scenario, now) = (scenario.volume, &scenario.name, self.clock.now());
        let probed = |input: &[u32]| self.abuse.models.probed(scenario, product, input, now);
        let seen = Seen {
            parts: request.parts,
            missed: missed.filter(|_| about),
            subject: request.subject.as_ref().map(|subject| hash(&subject.tag)),
            question: hash(body),
            probing: request.input.as_deref().is_some_and(probed),
            volume,
        };
        let signal = self.abuse.with_watch(scenario, |watch| watch.observe(&seen, now));
        match signal {
            None => {}
            // It was approved before volumes were asked for: its reviewers are told, and what it was given stays.
            Some(Signal::Undeclared) => self.alarm_seldom(Signal::Undeclared, scenario),
            Some(signal) => self.signal(signal, scenario),
        }
    }

    /// A canary record was asked for.
    pub(crate) fn saw_canary(&self, scenario: &Id) {
        self.signal(Signal::Canary, scenario);
    }

    /// A call was refused. Only refusals that a caller can provoke by trying things out are counted.
    pub(crate) fn saw_refusal(&self, unit: &str, code: Code) {
        let Ok(unit) = Id::new(unit) else { return };
        if !is_trying(code) {
            return;
        }
        let now = self.clock.now();
        let alarm = self.abuse.units.with(&unit, |shard| {
            if !shard.contains_key(&unit) {
                make_room(shard, UNITS_MAX / SHARDS, |refusals| refusals.latest());
            }
            shard.entry(unit.clone()).or_default().observe(now)
        });
        if alarm {
            self.alarm_seldom(Signal::Refusals, &unit);
        }
    }

    /// The product service sent leaves that no contract lists.
    pub(crate) fn saw_drift(&self, product: &Product) {
        self.alarm_seldom(Signal::Drift, &product.name);
    }

    /// One unit has taken much of what all units together may match with a list of the product.
    pub(crate) fn saw_share(&self, unit: &Id) {
        self.alarm_seldom(Signal::List, unit);
    }

    /// Records an alarm, unless one of its kind about `object` was recorded a short while ago: then it is counted.
    fn alarm_seldom(&self, signal: Signal, object: &Id) {
        let now = self.clock.now();
        let mut alarmed = lock(&self.abuse.alarmed);
        let folded = match alarmed.get_mut(&(signal, object.clone())) {
            Some((before, folded)) if *before <= now && now < before.plus(ALARM_INTERVAL) => {
                *folded += 1;
                return;
            }
            Some((before, folded)) => {
                *before = now;
                std::mem::take(folded)
            }
            None => {
                // Beyond as many as are watched, all of this is forgotten: an act more is better than an alarm less.
                if alarmed.len() >= UNITS_MAX {
                    alarmed.clear();
                }
                alarmed.insert((signal, object.clone()), (now, 0));
                0
            }
        };
        drop(alarmed);
        let target = if folded == 0 { String::new() } else { format!("folded:{folded}") };
        tracing::warn!(signal = signal.as_str(), %object, step = "alarmed", folded, "abnormal use");
        self.metrics.use_signal(signal, self.abuse.stopped());
        self.write_with(ActKind::UseAlarmed, signal.as_str(), object, &target);
    }

    /// Slows the scenario down, or stops it.
    fn signal(&self, signal: Signal, scenario: &Id) {
        let now = self.clock.now();
        match self.abuse.with_watch(scenario, |watch| watch.step(signal, now)) {
            Step::Slow => self.alarm(signal, ActKind::UseSlowed, scenario),
            Step::Stop => {
                // In force first, then recorded: this order errs on the side of stopping.
                self.abuse.stop(scenario, now);
                self.alarm(signal, ActKind::UseStopped, scenario);
            }
        }
    }

    /// Ends stops whose scenario's declared suspension was in force before `next` and is not in it.
    pub(crate) fn lift_stops(&self, before: &Snapshot, next: &Snapshot) {
        let now = self.clock.now();
        let suspended = |snapshot: &Snapshot, scenario: &Id| snapshot.suspensions.of_scenario(scenario, now);
        for (scenario, _) in self.abuse.stops() {
            if suspended(before, &scenario) && !suspended(next, &scenario) {
                tracing::info!(%scenario, "a stop for abnormal use has ended");
                // Recorded first, then over: no answer stands in the journal between a stop and its end.
                self.write(ActKind::UseResumed, "gateway", &scenario);
                self.abuse.lift(&scenario);
            }
        }
        self.metrics.use_stopped(self.abuse.stopped());
    }

    fn alarm(&self, signal: Signal, kind: ActKind, object: &Id) {
        let step = match kind {
            ActKind::UseStopped => "stopped",
            ActKind::UseSlowed => "slowed",
            _ => "alarmed",
        };
        tracing::warn!(signal = signal.as_str(), %object, step, "abnormal use");
        self.metrics.use_signal(signal, self.abuse.stopped());
        self.write(kind, signal.as_str(), object);
    }

    fn write(&self, kind: ActKind, actor: &str, object: &Id) {
        self.write_with(kind, actor, object, "");
    }

    fn write_with(&self, kind: ActKind, actor: &str, object: &Id, target: &str) {
        let (at, object) = (self.clock.now(), object.as_str());
        self.note(&Act { at, kind, actor, object, commitment: None, target });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I3: waiting for a pace or a query under way, a suspension, a stale feed are nobody's guessing.
    #[test]
    fn i3_only_what_a_caller_tries_is_held_against_them() {
        let theirs = [Code::C201, Code::C206, Code::C301, Code::C305, Code::C403, Code::C406, Code::C407];
        assert!(theirs.into_iter().all(is_trying));
        let not_theirs = [
            Code::C208,
            Code::C309,
            Code::C311,
            Code::C314,
            Code::C410,
            Code::C501,
            Code::C607,
            Code::C609,
            Code::C704,
        ];
        assert!(!not_theirs.into_iter().any(is_trying));
        let counted = Code::ALL.iter().filter(|code| is_trying(**code));
        assert!(counted.clone().all(|code| (2..=4).contains(&code.stage())) && counted.count() > 25);
    }
}
