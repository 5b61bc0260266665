//! Re-rating by two persons, the ledger's verification, prices stopped by ceilings.

use serde_json::Value;
use shuzha_control::Caller;
use shuzha_control::finance::Finance;
use shuzha_core::Code;
use shuzha_pricing::Month;
use shuzha_schema::finance::{Broken, Proposed, StoppedPrice, Verification};

use super::{POST, asked, changes_of, list, only, shown};
use crate::ask::{Ask, Reply};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::shown::instant;

/// What is done to a re-rating.
pub(crate) const APPROVE: &str = "approve";

/// `POST /api/v1/finance/periods/{month}:rerate`.
pub(super) fn propose(
    finance: &Finance,
    caller: &Caller,
    month: Month,
    body: &Value,
) -> Result<Reply, Problem> {
    let mut fields = Fields::of(body);
    let changes = fields.required("changes").and_then(Value::as_array).cloned();
    let reason = fields.reason();
    let (changes, reason) = fields.done(|| Some((changes?, reason?)))?;
    let (corrections, kept) = finance.propose_rerating(caller, month, &changes_of(&changes)?, &reason)?;
    let corrections = corrections.iter().map(shown::correction).collect();
    Ok(Reply::ok(&match &kept {
        Some(kept) => Proposed::Kept { rerating: Box::new(shown::rerating(kept)), corrections },
        None => Proposed::Nothing { number: None, month: shuzha_schema::Month::of(month), corrections },
    }))
}

/// `GET /api/v1/finance/reratings`.
pub(crate) fn reratings(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.reratings(&caller)?.iter().map(shown::rerating)))
}

/// `POST /api/v1/finance/reratings/{number}:approve`.
pub(crate) fn approve(ask: &Ask) -> Result<Reply, Problem> {
    let (number, verb) = ask.part("number").split_once(':').ok_or(Code::C006)?;
    if verb != APPROVE {
        return Err(Code::C006.into());
    }
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Fields::of(&ask.json_or_empty()?).done(|| Some(()))?;
    let number = number.parse().map_err(|_| Code::C1003)?;
    Ok(Reply::ok(&shown::rerating(&finance.approve_rerating(&caller, number)?)))
}

/// Any other method on a re-rating.
pub(crate) fn no_such_method(_: &Ask) -> Result<Reply, Problem> {
    Err(only(POST))
}

/// `GET /api/v1/finance/ledger/verification`.
pub(crate) fn verification(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    let found = finance.verify_ledger(&caller)?;
    Ok(Reply::ok(&Verification {
        whole: found.broken.is_none() && found.balance == 0,
        transactions: found.transactions,
        entries: found.entries,
        balance: found.balance.to_string(),
        broken: found.broken.map(|one| Broken { number: one.number, why: one.why.to_string() }),
    }))
}

/// `GET /api/v1/finance/stopped-prices`.
pub(crate) fn stopped(ask: &Ask) -> Result<Reply, Problem> {
    let (finance, caller) = asked(ask)?;
    ask.parameters().done()?;
    Ok(list(finance.stopped(&caller)?.into_iter().map(|one| StoppedPrice {
        price: one.price.to_string(),
        product: one.product.to_string(),
        ceiling: one.ceiling.to_string(),
        act: one.act,
        from: instant(one.from),
    })))
}
