//! What became of what a case put in force, where the node finds that out: it is an act on the case like every other, so that
//! a restart, a reader and the journal are told the same.

use shuzha_core::{Code, Id};
use shuzha_products::case::{Act, By, Subject};

use crate::force::json;
use crate::writing::{Said, decided_as, state_of};
use crate::{Control, Error, Kind, stored};

/// The verbs of such acts.
const MADE: &str = "made";
const REFUSED: &str = "refused";

impl Control {
    /// Ends a case that waits for the report of its effect: it was had, or refused for good with the code `refusal`. A case
    /// that does not wait for one is left as it is, so that a report that is made twice changes nothing.
    ///
    /// # Errors
    /// Of the register or the journal; C1003 where there is no such case; C1002 where it cannot be read.
    pub fn report_effect(&self, kind: &str, name: &Id, refusal: Option<Code>) -> Result<(), Error> {
        let Some(kind @ Kind::Case(case)) = Kind::find(kind) else { return Err(Code::C1003.into()) };
        let mut writer = self.writer()?;
        let object = self.register.get(kind.name(), name.as_str())?.ok_or(Code::C1003)?;
        let (spec, state) = (json(&object, &object.spec)?, state_of(&object)?);
        let (at, rules) = (self.now(), self.rules());
        let reason = refusal.map(|code| code.to_string()).unwrap_or_default();
        let (rules, calendar) = (&rules.jurisdiction, &rules.calendar);
        let act = Act { by: By::Node, at, reason: &reason, rules, calendar, reasons: self };
        let (decided, met) = self.force().fetching(|fetch| {
            case.reported(&mut Subject { name, spec: &spec, fetch }, &state, refusal, &act)
        })?;
        let Some(decided) = decided else { return Ok(()) };
        let verb = if refusal.is_some() { REFUSED } else { MADE };
        let mut ready = decided_as(kind, name, object, decided?, met, verb, None);
        let change = self.difference(&ready)?;
        self.claim(&mut ready, None, &change)?;
        let said = Said { by: None, at, reason: &reason, attachments: stored::write_attachments(&[]) };
        let batch = self.batch(ready, said, None);
        self.accept(&mut writer, batch, change.put, change.removed).map(drop)
    }
}
