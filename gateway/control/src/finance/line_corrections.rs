//! Corrections of single lines (单行更正): one person proposes that a line comes to more or to less, another decides.
//!
//! While the line's month is open, the close takes the correction beside the line; after, it is a line of the first open month that
//! names the month it is about. Either way the ceilings hold for what the line then comes to, and nothing that was closed or
//! recorded is changed.

use shuzha_core::{Code, MicroYuan, Role};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{close, most};
use shuzha_pricing::metering::Row;
use shuzha_store::ledger::{LineChange, LineCorrection};

use super::Finance;
use super::acts::{Noted, unrated};
use super::terms::Instead;
use crate::{Caller, Error};

/// Longest reason, in bytes: it stands on the statement.
const REASON_BYTES_MAX: usize = 600;

impl Finance {
    /// Proposes to correct one line: the first of two persons. What could not be billed now is refused now.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1002 without a reason or for a difference of nothing; C1003 where there is no such line;
    /// C1604 where the month cannot be rated with it; C1630 where it leaves the line below nothing or above its ceiling, or
    /// the line is not charged; C090 where the act cannot be recorded.
    pub fn propose_line_correction(
        &self,
        caller: &Caller,
        asked: &LineChange,
    ) -> Result<LineCorrection, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let reason = asked.reason.trim();
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.contains(char::is_control) {
            return Err(Error::fault(Code::C1002, "reason", "has 1 to 600 bytes on one line"));
        }
        if asked.exact.is_zero() {
            return Err(Error::fault(Code::C1002, "amount", "is nothing"));
        }
        let change = LineChange { reason: reason.to_owned(), ..asked.clone() };
        self.judge(&change)?;
        let (name, at) = (change.month.to_string(), self.0.clock.now());
        let noted = Noted { verb: "propose-correction", kind: "Period", name: &name, reason: said(&change) };
        self.act(&actor, noted, || self.books().propose_line_correction(&change, (&actor.account, at)))
    }

    /// Approves a correction: the second person. It is judged anew, and billed with the line's month where that is open, else
    /// with the first month that is.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is none of this number; C1614 for who proposed it; C1622 where it is
    /// decided; otherwise as [`Self::propose_line_correction`].
    pub fn approve_line_correction(&self, caller: &Caller, number: u64) -> Result<LineCorrection, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let proposed = self.undecided_correction(number)?;
        if self.0.control.same_person(&proposed.proposed.0, &actor.account)? {
            return Err(Code::C1614.into());
        }
        let period = self.judge(&proposed.change)?;
        let (name, at) = (proposed.change.month.to_string(), self.0.clock.now());
        let reason = format!("{number} {}", said(&proposed.change));
        let noted = Noted { verb: "approve-correction", kind: "Period", name: &name, reason };
        self.act(&actor, noted, || self.books().approve_line_correction(number, period, (&actor.account, at)))
    }

    /// Declines a correction, or withdraws one's own: nothing is billed.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is none of this number; C1622 where it is decided; C090.
    pub fn decline_line_correction(&self, caller: &Caller, number: u64) -> Result<LineCorrection, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let proposed = self.undecided_correction(number)?;
        let (name, at) = (proposed.change.month.to_string(), self.0.clock.now());
        let noted =
            Noted { verb: "decline-correction", kind: "Period", name: &name, reason: number.to_string() };
        self.act(&actor, noted, || self.books().decline_line_correction(number, (&actor.account, at)))
    }

    /// Every correction of a line, the latest first.
    ///
    /// # Errors
    /// C1104, C1106 without the role, or of the books.
    pub fn line_corrections(&self, caller: &Caller) -> Result<Vec<LineCorrection>, Error> {
        self.reader(caller)?;
        Ok(self.books().line_corrections()?)
    }

    fn undecided_correction(&self, number: u64) -> Result<LineCorrection, Error> {
        let found = self.books().line_correction(number)?.ok_or(Code::C1003)?;
        if found.decided.is_some() { Err(Code::C1622.into()) } else { Ok(found) }
    }

    /// Whether the correction may stand; the period that it would be billed in.
    fn judge(&self, change: &LineChange) -> Result<Month, Error> {
        let LineChange { line, month, exact, .. } = change;
        self.catch_up()?;
        let period = self.books().billed_with(*month)?;
        let mut from = self.books().gatherings(*month)?;
        let terms = self.terms_of_month(*month, &Instead::new())?.terms;
        let sum = if period == *month {
            let is_of = |row: &Row| row.0.line == *line && Month::of(row.0.hour.begin()) == Ok(*month);
            if !from.rows.iter().any(is_of) {
                return Err(Code::C1003.into());
            }
            from.corrections.push(change.billed(0));
            let closing = close(&from.input(*month, &terms)).map_err(unrated)?;
            let of = closing.lines.iter().filter(|one| one.line == *line && one.month == *month);
            of.map(|one| one.exact).try_fold(MicroYuan::ZERO, MicroYuan::checked_add)
        } else {
            let billed = self.books().billed(*month)?.lines.into_iter().find(|one| one.line == *line);
            let billed = billed.ok_or(Code::C1003)?.exact;
            let before = billed.checked_add(self.books().corrected_by(line, *month)?);
            before.and_then(|before| before.checked_add(*exact))
        };
        let sum = sum.ok_or(Code::C1604)?;
        let most = most(&terms.book, &from.rows, (line, *month)).map_err(|fault| unrated(vec![fault]))?;
        let stands = sum >= MicroYuan::ZERO && most.is_none_or(|most| sum <= most);
        if line.basis.is_charged() && stands { Ok(period) } else { Err(Code::C1630.into()) }
    }
}

/// What an act says of a correction.
fn said(change: &LineChange) -> String {
    let LineChange { line, exact, reason, .. } = change;
    let (unit, agreement, scenario) = (&line.unit, &line.agreement, &line.scenario);
    format!("{unit}/{agreement}/{scenario}/{}/{} {exact}: {reason}", line.product, line.price)
}
