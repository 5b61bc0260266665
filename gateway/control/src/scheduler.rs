//! Deadlines: time itself acts on cases, or they become overdue. Right after any time away: what was due is dealt with
//! in the order in which it fell due, each as of the instant it was due.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_products::case::{Act, By, Subject};
use shuzha_products::exit_review::Digest;
use shuzha_store::register::{Deadline, Filter, Object};

use crate::control::{Rules, Stalled, Writer};
use crate::force::json;
use crate::writing::{Ready, Said, decided_as, state_of};
use crate::{Control, Error, Kind, stored};

/// Most deadlines of one round, so that callers get their turn.
const ROUND_MAX: usize = 1_000;

/// By when an emergency stop is confirmed by a second person.
const CONFIRMATION: &str = "confirmation";

/// By when an exit review that binds no service, and that a service outlived, is made anew.
const BINDING: &str = "binding";

/// How long kept answers are kept.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// Most deadlines that may wait for another try at once; beyond that the oldest of them hold the others up again.
const STALLED_MAX: usize = 1_000;

/// Longest time between two tries of a deadline that could not be dealt with.
const RETRY_MAX: Duration = Duration::from_secs(600);

impl Control {
    /// Deals with everything that is due; says how much that was. Call at start, and when [`Control::next_due`] comes. Each
    /// deadline has a turn of its own, so that whoever stops something waits for one of them at most; one that cannot be dealt
    /// with is tried again later and holds no other up.
    ///
    /// # Errors
    /// Of the register or the journal; what was done before stays done.
    pub fn tick(&self) -> Result<usize, Error> {
        let now = self.now();
        let mut done = 0;
        while done < ROUND_MAX {
            // One at a time: what the first brings about may be due before what was second.
            let Some(deadline) = self.next_to_pass(now)? else { break };
            match self.pass(&deadline, now) {
                // The act is recorded; the node itself goes on trying to put it in force.
                Ok(()) | Err(Error::NotInForce(_)) => drop(self.stalled().remove(&key_of(&deadline))),
                Err(Error::Unrecorded) => return Err(Error::Unrecorded),
                Err(error) if error.is_of_the_register() => return Err(error),
                Err(error) => self.stall(&deadline, now, &error),
            }
            done += 1;
        }
        self.register.forget_answers(now.minus(ANSWERS_KEPT))?;
        self.flush()?;
        Ok(done)
    }

    /// The deadline that is due first, but for those that wait for another try.
    fn next_to_pass(&self, now: Timestamp) -> Result<Option<Deadline>, Error> {
        let mut stalled = self.stalled();
        // What nobody tried for long is gone: its case was decided otherwise.
        stalled.retain(|_, (again, _)| now < again.plus(2 * RETRY_MAX));
        let due = self.register.due(now, stalled.len().min(STALLED_MAX) + 1)?;
        let waits =
            |deadline: &Deadline| stalled.get(&key_of(deadline)).is_some_and(|(again, _)| now < *again);
        Ok(due.into_iter().find(|deadline| !waits(deadline)))
    }

    fn stall(&self, deadline: &Deadline, now: Timestamp, error: &Error) {
        let Deadline { kind, name, what, .. } = deadline;
        tracing::error!(kind, %name, what, %error, "a deadline cannot be dealt with and is tried again");
        let mut stalled = self.stalled();
        let (again, tries) = stalled.entry(key_of(deadline)).or_insert((now, 0));
        let pause = Duration::from_secs(1 << (*tries).min(10)).min(RETRY_MAX);
        (*again, *tries) = (now.plus(pause), *tries + 1);
    }

    fn stalled(&self) -> MutexGuard<'_, Stalled> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
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
        let turn = self.writer()?;
        let rules = self.replace_rules(rules);
        let provisional = self.register.provisional()?;
        drop(turn);
        for (kind, name) in provisional {
            let _turn = self.writer()?;
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
        self.date_reviews()?;
        Ok(rules)
    }

    /// Ends exit reviews of before reviews bound the services behind a product, where one of these was declared anew after the
    /// review passed: what was reviewed is not what is there now, and nobody asked again.
    fn date_reviews(&self) -> Result<(), Error> {
        const KIND: &str = "ExitReview";
        let mut after = None;
        loop {
            let filter = Filter {
                kind: KIND,
                state: Some("passed"),
                after: after.as_ref(),
                limit: ROUND_MAX,
                ..Filter::default()
            };
            let page = self.register.list(&filter)?;
            let Some(last) = page.last() else { return Ok(()) };
            let next = last.name.clone();
            for review in page {
                if self.is_outlived(&review)? {
                    let known = self.register.deadlines(KIND, review.name.as_str())?;
                    let known = known.into_iter().map(|known| (known.what, known.at, known.provisional));
                    let term = (BINDING.to_owned(), self.now(), false);
                    self.register.redate(KIND, &review.name, &known.chain([term]).collect::<Vec<_>>())?;
                }
            }
            after = Some(next);
        }
    }

    /// Whether a passed review binds its product alone, and a service behind that was written after it passed.
    fn is_outlived(&self, review: &Object) -> Result<bool, Error> {
        let (spec, state) = (json(review, &review.spec)?, state_of(review)?);
        let product = spec["product"].as_str().unwrap_or_default();
        let Some(product) = self.register.get("Product", product)? else { return Ok(false) };
        let product = json(&product, &product.spec)?;
        if state["digest"].as_str() != Some(&*Digest::of_spec(&product).to_string()) {
            return Ok(false);
        }
        for service in ["/upstream", "/sandbox/upstream"] {
            let Some(service) = product.pointer(service).and_then(Value::as_str) else { continue };
            let service = self.register.get("Upstream", service)?;
            if service.is_some_and(|service| service.updated > review.updated) {
                return Ok(true);
            }
        }
        Ok(false)
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
            reasons: self,
        };
        let (decided, met) = self.force().fetching(|fetch| {
            case.passed(&mut Subject { name, spec: &spec, fetch }, &state, &deadline.what, &act)
        })?;
        let refused = match decided {
            Some(Ok(decided)) => {
                let ready = decided_as(kind, name, object, decided, met, &deadline.what, None);
                match self.passes(&mut writer, ready, deadline, now) {
                    Err(Error::Refused(refusal)) if refusal.retry_after.is_none() => refusal.code,
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
        self.check_force(&change.put, &change.removed)?;
        let said = Said { by: None, at: now, reason: "", attachments: stored::write_attachments(&[]) };
        let batch = self.batch(ready, said, Some(deadline.clone()));
        self.accept(writer, batch, change.put, change.removed).map(drop)
    }
}

fn key_of(deadline: &Deadline) -> (String, Id, String) {
    (deadline.kind.clone(), deadline.name.clone(), deadline.what.clone())
}
