//! Papers (结算单、收益分配账单) of closed periods, as HTML to be printed.

use std::collections::BTreeMap;

use shuzha_core::calendar::Day;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::closing::{Share, ShareBill};
use shuzha_pricing::statement_page::{FORM, Frame, Party, share_bill, statement};
use shuzha_pricing::{Basis, Month};

use super::names::Named;
use super::{BillView, Finance};
use crate::{Caller, Error};

/// What people call products, scenarios and agreements.
type Titles = BTreeMap<Id, String>;

impl Finance {
    /// A statement as a paper, in the form of today or in a former one; a unit sees its own.
    ///
    /// # Errors
    /// C1001 for a form that there is not; C1003 where there is none the caller sees; C1104; of the books.
    pub fn statement_paper(&self, caller: &Caller, number: &str, form: Option<u32>) -> Result<String, Error> {
        let form = known(form)?;
        let view = self.statement(caller, number)?;
        let (mut titles, at) = (Titles::new(), self.closed_at(view.stated.month)?);
        for line in &view.lines {
            self.call(&mut titles, ("Product", &line.line.product), at)?;
            self.call(&mut titles, ("Scenario", &line.line.scenario), at)?;
            if matches!(line.line.basis, Basis::FreePrice | Basis::FreeProvider) {
                self.call(&mut titles, ("Price", &line.line.price), at)?;
            }
        }
        let unit = &view.stated.statement.unit;
        let recipient =
            self.organisation(&self.organisation_of(unit)?.unwrap_or_else(|| unit.clone()), at)?;
        let products = view.lines.iter().map(|line| &line.line.product);
        let printed = self.framed((form, view.stated.month), products, &recipient, &titles, |frame| {
            statement(&view.stated.statement, &view.lines, &Frame { free_use: &view.free_use, ..*frame })
        })?;
        printed.map_err(|_| Code::C1604.into())
    }

    /// A share bill with its shares; a party sees its own.
    ///
    /// # Errors
    /// C1003 where there is none the caller sees; C1104, C1106; of the books.
    pub fn bill(&self, caller: &Caller, number: &str) -> Result<(Month, BillView), Error> {
        let all = self.party_reader(caller)?;
        let (month, bill, shares) = self.books().bill(number)?.ok_or(Code::C1003)?;
        if !all && bill.party != caller.organisation {
            return Err(Code::C1003.into());
        }
        Ok((month, self.billed(bill, shares)?))
    }

    /// A bill with the units whose calls its shares are of.
    pub(super) fn billed(&self, bill: ShareBill, shares: Vec<Share>) -> Result<BillView, Error> {
        let units = shares.iter().map(|share| self.unit_of(&share.agreement)).collect::<Result<_, _>>()?;
        Ok(BillView { bill, shares, units })
    }

    /// A share bill as a paper, in the form of today or in a former one; a party sees its own.
    ///
    /// # Errors
    /// C1001 for a form that there is not; otherwise as [`Self::bill`].
    pub fn bill_paper(&self, caller: &Caller, number: &str, form: Option<u32>) -> Result<String, Error> {
        let form = known(form)?;
        let (month, view) = self.bill(caller, number)?;
        let (mut titles, at) = (Titles::new(), self.closed_at(month)?);
        for share in &view.shares {
            self.call(&mut titles, ("Product", &share.product), at)?;
        }
        let recipient = self.organisation(&view.bill.party, at)?;
        let products = view.shares.iter().map(|share| &share.product);
        let printed = self.framed((form, month), products, &recipient, &titles, |frame| {
            share_bill(&view.bill, &view.shares, frame)
        })?;
        printed.map_err(|_| Code::C1604.into())
    }

    /// When a period was closed; now, where it is not.
    pub(super) fn closed_at(&self, month: Month) -> Result<Timestamp, Error> {
        let closed = self.books().period(month)?.closed;
        Ok(closed.map_or_else(|| self.0.clock.now(), |(_, at)| at))
    }

    fn call(&self, titles: &mut Titles, (kind, name): (&str, &Id), at: Timestamp) -> Result<(), Error> {
        if !titles.contains_key(name) {
            titles.insert(name.clone(), self.title(kind, name, at)?);
        }
        Ok(())
    }

    /// Prints what stands in the frame of a closed period: issued by whoever operates the products.
    fn framed<'p, T>(
        &self,
        (form, month): (u32, Month),
        mut products: impl Iterator<Item = &'p Id>,
        recipient: &Named,
        titles: &Titles,
        print: impl FnOnce(&Frame<'_>) -> T,
    ) -> Result<T, Error> {
        let period = self.books().period(month)?;
        let (Some((_, closed)), Some(digest)) = (period.closed, period.digest) else {
            return Err(Code::C1003.into());
        };
        let operator = products.next().map_or(Ok(None), |product| self.operator_of(product, closed))?;
        let issuer = match operator {
            Some(operator) => self.organisation(&operator, closed)?,
            None => Named { name: String::new(), credit_code: String::new() },
        };
        let names = |id: &Id| titles.get(id).map_or_else(|| id.to_string(), Clone::clone);
        Ok(print(&Frame {
            form,
            month,
            digest: &digest,
            issued: Day::of(closed),
            issuer: party(&issuer),
            recipient: party(recipient),
            free_use: &[],
            // Nothing here takes silence for consent, so that no day is named.
            reply_by: None,
            names: &names,
        }))
    }
}

/// The form that is asked for; that of today where none is.
fn known(form: Option<u32>) -> Result<u32, Error> {
    let form = form.unwrap_or(FORM);
    if (1..=FORM).contains(&form) {
        return Ok(form);
    }
    Err(Error::fault(Code::C1001, "?form", format!("is 1 to {FORM}")))
}

fn party(named: &Named) -> Party<'_> {
    Party { name: &named.name, credit_code: &named.credit_code }
}
