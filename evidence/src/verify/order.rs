//! No answer behind a suspension: what was stopped was stopped (C6, E11).

use std::collections::BTreeMap;

use shuzha_core::{RequestId, Timestamp};

use crate::record::{Act, ActKind, Call, Decision, Entry};

/// What stands for the gate's own stop of a scenario, beside the targets of suspensions.
const ABNORMAL_USE: &str = "abnormal-use";

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

/// Follows entries in order and finds answers to calls that began under a suspension.
///
/// A process says at its start what is suspended, so a new epoch begins with nothing; a scenario that the gate itself stopped for abnormal
/// use (异常使用) stays stopped until it says that this has ended. An emergency stop is a suspension like any other. A data set is known by the calls that charge
/// its budget; others do not name it.
#[derive(Clone, Debug, Default)]
pub struct Suspensions {
    in_force: BTreeMap<(String, String), (u64, Timestamp)>,
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
        match entry {
            Entry::Boot(_) => self.in_force.retain(|(kind, _), _| kind == ABNORMAL_USE),
            Entry::Act(act) => self.act(index, act),
            Entry::Call(call) if call.decision == Decision::Answered => self.answer(index, call),
            _ => {}
        }
    }

    fn act(&mut self, index: u64, act: &Act<'_>) {
        let target = (act.target.to_owned(), act.object.to_owned());
        match act.kind {
            ActKind::Suspended => {
                self.seen += 1;
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

    fn answer(&mut self, index: u64, call: &Call<'_>) {
        self.answers += 1;
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
