//! No answer behind a suspension: what was stopped was stopped (C6, E11).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shuzha_core::{RequestId, Timestamp};

use crate::record::{Act, ActKind, Call, Decision, Entry, Registered};

/// What stands for the gate's own stop of a scenario, beside the targets of suspensions.
const ABNORMAL_USE: &str = "abnormal-use";
/// The kind of the register's cases that stop something.
const SUSPENSION: &str = "Suspension";
/// States of such a case in which it stops something.
const STOPS: &[&str] = &["emergency", "in-force", "terminated"];
/// Within which time of its act a suspension is in force.
pub const IN_FORCE_WITHIN: Duration = Duration::from_secs(1);

/// An answer that must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The call.
    pub request: RequestId,
    /// Index of its entry.
    pub index: u64,
    /// When it was received.
    pub received: Timestamp,
    /// What was suspended, as `kind/name`.
    pub target: String,
    /// Index of the suspension.
    pub suspension: u64,
    /// From when it was in force.
    pub since: Timestamp,
}

/// A suspension that the register claims and the gate did not put in force in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// Index of the register's act.
    pub index: u64,
    /// The suspension's name.
    pub name: String,
    /// When it was decided.
    pub at: Timestamp,
    /// When the gate noted it; none where it never did.
    pub noted: Option<Timestamp>,
}

/// What the register claims and the gate has not noted yet.
#[derive(Clone, Debug)]
struct Claim {
    index: u64,
    at: Timestamp,
    /// From when the time to put it in force runs: a process that ended has served nobody since.
    from: Timestamp,
    /// Whether something was answered later than that time allows.
    answered: bool,
    /// Whether the gate of its time noted suspensions by what they stop only.
    unnamed: bool,
}

/// Follows entries in order and finds answers to calls that began under a suspension, and suspensions that the register
/// decided and the gate did not put in force.
///
/// The register's act is the claim, the gate's note the effect. A process says at its start what is suspended, so a new epoch begins with nothing; a scenario that the gate itself stopped for abnormal
/// use (异常使用) stays stopped until it says that this has ended. An emergency stop is a suspension like any other. A data set is known by the calls that charge
/// its budget; others do not name it.
#[derive(Clone, Debug, Default)]
pub struct Suspensions {
    in_force: BTreeMap<(String, String), (u64, Timestamp)>,
    /// Suspensions of the register that the gate of this process noted, by name.
    noted: BTreeSet<String>,
    claims: BTreeMap<String, Claim>,
    latest: Option<Timestamp>,
    unkept: Vec<Unkept>,
    /// Suspensions seen.
    pub seen: u64,
    /// Answers seen.
    pub answers: u64,
    /// Answers that must not be there.
    pub breaches: Vec<Breach>,
}

impl Suspensions {
    /// Takes the next entry.
    pub fn visit(&mut self, index: u64, entry: &Entry<'_>) {
        self.latest = self.latest.max(Some(entry.at()));
        match entry {
            Entry::Boot(boot) => {
                self.in_force.retain(|(kind, _), _| kind == ABNORMAL_USE);
                self.noted.clear();
                for claim in self.claims.values_mut() {
                    claim.from = claim.from.max(boot.at);
                }
            }
            Entry::Act(act) => self.act(index, act),
            Entry::Registered(act) if act.kind == SUSPENSION => self.claimed(index, act),
            Entry::Call(call) if call.decision == Decision::Answered => self.answer(index, call),
            _ => {}
        }
    }

    fn act(&mut self, index: u64, act: &Act<'_>) {
        let target = (act.target.to_owned(), act.object.to_owned());
        match act.kind {
            ActKind::SuspensionInForce => {
                self.noted.insert(act.object.to_owned());
                if let Some(claim) = self.claims.remove(act.object) {
                    self.kept(act.object, &claim, act.at);
                }
            }
            ActKind::Suspended => {
                self.seen += 1;
                let unnamed: Vec<_> = self.claims.extract_if(.., |_, claim| claim.unnamed).collect();
                for (name, claim) in unnamed {
                    self.kept(&name, &claim, act.at);
                }
                self.in_force.entry(target).or_insert((index, act.at));
            }
            ActKind::Resumed => drop(self.in_force.remove(&target)),
            ActKind::UseStopped => {
                self.seen += 1;
                let scenario = (ABNORMAL_USE.to_owned(), act.object.to_owned());
                self.in_force.entry(scenario).or_insert((index, act.at));
            }
            ActKind::UseResumed => {
                self.in_force.remove(&(ABNORMAL_USE.to_owned(), act.object.to_owned()));
            }
            _ => {}
        }
    }

    /// What an act of the register claims to be in force, or not any more.
    fn claimed(&mut self, index: u64, act: &Registered<'_>) {
        // A record older than the state of its case tells by its verb, but for an authority's opening, which may be a proposal.
        let unnamed = act.state.is_empty();
        let stops = if unnamed {
            matches!(act.verb, "order" | "confirm") || (act.verb == "open" && act.role != "authority")
        } else {
            STOPS.contains(&act.state)
        };
        if !stops {
            if let Some(claim) = self.claims.remove(act.object).filter(|claim| claim.is_overdue(act.at)) {
                self.unkept.push(claim.unkept(act.object, None));
            }
            self.noted.remove(act.object);
            return;
        }
        let known = self.noted.contains(act.object) || (unnamed && !self.in_force.is_empty());
        if !known {
            let claim = Claim { index, at: act.at, from: act.at, answered: false, unnamed };
            self.claims.entry(act.object.to_owned()).or_insert(claim);
        }
    }

    /// A claim that the gate noted at `at`: in time, or too late for somebody.
    fn kept(&mut self, name: &str, claim: &Claim, at: Timestamp) {
        if claim.answered && claim.is_overdue(at) {
            self.unkept.push(claim.unkept(name, Some(at)));
        }
    }

    /// Suspensions that the register decided and that were not in force within [`IN_FORCE_WITHIN`]: those the gate noted
    /// later, while it went on answering, and those it had not noted when so much time had passed in the log.
    #[must_use]
    pub fn unkept(&self) -> Vec<Unkept> {
        let overdue =
            self.claims.iter().filter(|(_, claim)| self.latest.is_some_and(|at| claim.is_overdue(at)));
        let missing = overdue.map(|(name, claim)| claim.unkept(name, None));
        let mut all: Vec<_> = self.unkept.iter().cloned().chain(missing).collect();
        all.sort_by_key(|one| one.index);
        all
    }

    fn answer(&mut self, index: u64, call: &Call<'_>) {
        self.answers += 1;
        for claim in self.claims.values_mut() {
            claim.answered |= claim.is_overdue(call.received);
        }
        if self.in_force.is_empty() {
            return;
        }
        let terms = &call.terms;
        let stands_on = [
            ("everything", ""),
            ("unit", terms.unit),
            ("product", terms.product),
            ("scenario", terms.scenario),
            ("data-set", terms.data_set),
            // A trial in the sandbox tells nothing about anyone, and goes on.
            (ABNORMAL_USE, if call.sandbox { "" } else { terms.scenario }),
        ];
        for (kind, name) in stands_on {
            let found = self.in_force.get(&(kind.to_owned(), name.to_owned()));
            if let Some((suspension, since)) = found.filter(|(_, since)| call.received > *since) {
                self.breaches.push(Breach {
                    request: call.request,
                    index,
                    received: call.received,
                    target: format!("{kind}/{name}"),
                    suspension: *suspension,
                    since: *since,
                });
            }
        }
    }
}

impl Claim {
    fn is_overdue(&self, at: Timestamp) -> bool {
        at > self.from.plus(IN_FORCE_WITHIN)
    }

    fn unkept(&self, name: &str, noted: Option<Timestamp>) -> Unkept {
        Unkept { index: self.index, name: name.to_owned(), at: self.at, noted }
    }
}
