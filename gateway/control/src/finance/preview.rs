//! What a change of prices, ceilings or splits would have come to on a period's real usage, before anyone approves it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shuzha_core::{Code, Fen, Id, Role};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Closing, close};

use super::acts::unrated;
use super::terms::Instead;
use super::{Finance, in_fen, may_read};
use crate::{Caller, Error};

/// Most objects of one preview.
const CHANGES_MAX: usize = 100;

/// Roles that may ask what a change would come to.
const ASKERS: [Role; 4] = [Role::Finance, Role::Auditor, Role::Pricing, Role::Operator];

/// An object as it would be: a price, ceiling, tax rate, or an agreement with its split.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its kind.
    pub kind: String,
    /// Its name; that of a price in use changes what calls under it would have cost.
    pub name: Id,
    /// Its spec.
    pub spec: Value,
}

/// What something came to, and would have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// As it is.
    pub now: Fen,
    /// As it would be.
    pub then: Fen,
}

/// The effect of a change on one name.
pub type Effect = BTreeMap<Id, Sums>;

/// The effect of a change on a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// All statements together, tax included.
    pub total: Sums,
    /// By unit: its statement, tax included.
    pub units: Effect,
    /// By party: its share bill.
    pub parties: Effect,
    /// By product: tax included.
    pub products: Effect,
}

/// What is declared instead; `known` answers the kinds that may be.
pub(super) fn instead(
    changes: &[Change],
    known: impl Fn(&str) -> Option<&'static str>,
) -> Result<Instead, Error> {
    if changes.len() > CHANGES_MAX {
        return Err(Error::fault(Code::C1002, "changes", format!("at most {CHANGES_MAX} objects")));
    }
    let mut instead = Instead::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(kind) = known(&change.kind) else {
            let reason = "is not of a kind that can be changed here";
            return Err(Error::fault(Code::C1002, &format!("changes[{at}].kind"), reason));
        };
        instead.insert((kind, change.name.clone()), change.spec.clone());
    }
    Ok(instead)
}

impl Finance {
    /// Works a period out twice, as it is and with `changes`, and compares.
    ///
    /// # Errors
    /// C1104, C1106 without a role that may ask; C1002 for a kind that terms are not made of; C1604 with every reason why
    /// either cannot be rated — a price above its ceiling in some hour is one.
    pub fn preview(&self, caller: &Caller, month: Month, changes: &[Change]) -> Result<Preview, Error> {
        may_read(caller, &ASKERS)?;
        let instead = instead(changes, Self::kind_instead)?;
        self.catch_up()?;
        let from = self.books().gatherings(month)?;
        let closed = |instead: &Instead| {
            let terms = self.changed_terms(month, instead)?;
            let input = from.input(month, &terms);
            close(&input).map_err(unrated)
        };
        compare(&closed(&Instead::new())?, &closed(&instead)?)
    }
}

fn compare(now: &Closing, then: &Closing) -> Result<Preview, Error> {
    let units = |closing: &Closing| -> Vec<(Id, Fen)> {
        closing.statements.iter().map(|one| (one.unit.clone(), one.taxed.gross)).collect()
    };
    let parties = |closing: &Closing| -> Vec<(Id, Fen)> {
        closing.bills.iter().map(|one| (one.party.clone(), one.amount)).collect()
    };
    let products = |closing: &Closing| -> Vec<(Id, Fen)> {
        closing.lines.iter().map(|one| (one.line.product.clone(), one.taxed.gross)).collect()
    };
    let total = |closing: &Closing| in_fen(closing.statements.iter().map(|one| one.taxed.gross));
    Ok(Preview {
        total: Sums { now: total(now)?, then: total(then)? },
        units: effect(&units(now), &units(then))?,
        parties: effect(&parties(now), &parties(then))?,
        products: effect(&products(now), &products(then))?,
    })
}

fn effect(now: &[(Id, Fen)], then: &[(Id, Fen)]) -> Result<Effect, Error> {
    let names: BTreeSet<&Id> = now.iter().chain(then).map(|(name, _)| name).collect();
    let of = |all: &[(Id, Fen)], name: &Id| {
        in_fen(all.iter().filter(|(one, _)| one == name).map(|(_, amount)| *amount))
    };
    names
        .into_iter()
        .map(|name| Ok((name.clone(), Sums { now: of(now, name)?, then: of(then, name)? })))
        .collect()
}
