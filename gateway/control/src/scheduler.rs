//! Deadlines: time itself acts on cases, or they become overdue. Right after any time away: what was due is dealt with
//! in the order in which it fell due, each as of the instant it was due.

use std::sync::Arc;
use std::time::Duration;

use shuzha_core::{Id, Timestamp};
use shuzha_products::case::{Act, By, Subject};
use shuzha_store::register::{Deadline, Filter};

use crate::control::{Rules, Writer};
use crate::force::json;
use crate::writing::{Ready, Said, decided_as, state_of};
use crate::{Control, Error, Kind, stored};

/// Most deadlines of one round, so that callers get their turn.
const ROUND_MAX: usize = 1_000;

/// By when an emergency stop is confirmed by a second person.
const CONFIRMATION: &str = "confirmation";

/// How long kept answers are kept.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);

impl Control {
    /// Deals with everything that is due; says how much that was. Call at start, and when [`Control::next_due`] comes.
    ///
    /// # Errors
    /// Of the register or the journal; what was done before stays done.
    pub fn tick(&self) -> Result<usize, Error> {
        let now = self.now();
        let mut done = 0;
        while done < ROUND_MAX {
            // One at a time: what the first brings about may be due before what was second.
            let Some(deadline) = self.register.due(now, 1)?.pop() else { break };
            self.pass(&deadline, now)?;
            done += 1;
        }
        self.register.forget_answers(now.minus(ANSWERS_KEPT))?;
        self.flush()?;
        Ok(done)
    }

    /// When something is due next; in the past when it is due already.
    ///
    /// # Errors
    /// Of the register.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.register.next_due()?)
    }

    /// Puts other rules into use, after a year was added to the calendar; deadlines that were provisional are computed again.
    ///
    /// # Errors
    /// Of the register.
    pub fn set_rules(&self, rules: Rules) -> Result<Arc<Rules>, Error> {
        let _turn = self.writer()?;
        let rules = self.replace_rules(rules);
        for (kind, name) in self.register.provisional()? {
            let Some(Kind::Case(case)) = Kind::find(&kind) else { continue };
            let Some(object) = self.register.get(&kind, name.as_str())? else { continue };
            let (spec, state) = (json(&object, &object.spec)?, state_of(&object)?);
            let (deadlines, _) = self.force().fetching(|fetch| {
                let mut subject = Subject { name: &name, spec: &spec, fetch };
                case.deadlines(&mut subject, &state, &rules.jurisdiction, &rules.calendar)
            })?;
            match deadlines {
                Ok(list) => {
                    let list = list.into_iter().map(|d| (d.what.to_owned(), d.due.at, d.due.provisional));
                    self.register.redate(&kind, &name, &list.collect::<Vec<_>>())?;
                }
                Err(refused) => {
                    tracing::warn!(kind, %name, code = %refused.code, "a case keeps its provisional deadlines")
                }
            }
        }
        self.date_emergencies(&rules)?;
        Ok(rules)
    }

    /// Gives emergency stops of before such stops had a term one that begins now: none lasts for ever by one person's word.
    fn date_emergencies(&self, rules: &Rules) -> Result<(), Error> {
        const KIND: &str = "Suspension";
        let term = Duration::from_secs(3_600) * u32::from(rules.jurisdiction.emergency_hours);
        let filter = Filter { kind: KIND, state: Some("emergency"), limit: ROUND_MAX, ..Filter::default() };
        for object in self.register.list(&filter)? {
            let known = self.register.deadlines(KIND, object.name.as_str())?;
            if known.iter().any(|deadline| deadline.what == CONFIRMATION) {
                continue;
            }
            let known = known.into_iter().map(|known| (known.what, known.at, known.provisional));
            let term = (CONFIRMATION.to_owned(), self.now().plus(term), false);
            self.register.redate(KIND, &object.name, &known.chain([term]).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn pass(&self, deadline: &Deadline, now: Timestamp) -> Result<(), Error> {
        let mut writer = self.writer()?;
        let name: &Id = &deadline.name;
        let (kind, object) =
            match (Kind::find(&deadline.kind), self.register.get(&deadline.kind, name.as_str())?) {
                (Some(kind @ Kind::Case(_)), Some(object)) => (kind, object),
                _ => {
                    self.register.overdue(deadline, now)?;
                    return Ok(());
                }
            };
        let Kind::Case(case) = kind else { unreachable!("matched above") };
        let (spec, state) = (json(&object, &object.spec)?, state_of(&object)?);
        let rules = self.rules();
        let act = Act {
            by: By::Clock,
            at: deadline.at,
            reason: "",
            rules: &rules.jurisdiction,
            calendar: &rules.calendar,
        };
        let (decided, met) = self.force().fetching(|fetch| {
            case.passed(&mut Subject { name, spec: &spec, fetch }, &state, &deadline.what, &act)
        })?;
        let refused = match decided {
            Some(Ok(decided)) => {
                let ready = decided_as(kind, name, object, decided, met, &deadline.what, None);
                match self.passes(&mut writer, ready, deadline, now) {
                    Err(Error::Refused(refusal)) => refusal.code,
                    done => return done,
                }
            }
            Some(Err(refused)) => refused.code,
            None => {
                self.register.overdue(deadline, now)?;
                return Ok(());
            }
        };
        // Not time's to mend: it shows on the desk of whoever can.
        tracing::warn!(kind = deadline.kind, %name, what = deadline.what, code = %refused, "a deadline passed without effect");
        self.register.overdue(deadline, now)?;
        Ok(())
    }

    /// What time does to a case that is in order.
    fn passes(
        &self,
        writer: &mut Writer,
        mut ready: Ready,
        deadline: &Deadline,
        now: Timestamp,
    ) -> Result<(), Error> {
        let change = self.difference(&ready)?;
        self.claim(&mut ready, None, &change)?;
        let said = Said { by: None, at: now, reason: "", attachments: stored::write_attachments(&[]) };
        let batch = self.batch(ready, said, Some(deadline.clone()));
        self.accept(writer, batch, change.put, change.removed).map(drop)
    }
}
