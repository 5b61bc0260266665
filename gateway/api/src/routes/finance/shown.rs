//! What finance answers, as JSON. Money is decimal text in yuan.

use serde_json::{Value, json};
use shuzha_control::finance::{BillView, Standing};
use shuzha_core::{Id, hex};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Closing, Contribution, RatedLine, Share};
use shuzha_pricing::ledger::Transaction;
use shuzha_pricing::metering::{Line, Row};
use shuzha_pricing::rerating::Correction;
use shuzha_pricing::vat::Taxed;
use shuzha_store::ledger::{Period, Posted, Rerating, Stated};

use crate::parameters::instant_text;

pub(super) fn period(period: &Period) -> Value {
    let by = |act: &Option<(shuzha_core::Id, shuzha_core::Timestamp)>| {
        act.as_ref().map(|(who, at)| json!({"by": who.as_str(), "at": instant_text(*at)}))
    };
    json!({
        "month": period.month.to_string(),
        "state": period.state.as_str(),
        "softClosed": by(&period.soft),
        "closed": by(&period.closed),
        "reached": period.reached,
        "digest": period.digest.as_ref().map(|bytes| hex::encode(bytes)),
    })
}

fn of_line(line: &Line) -> Value {
    json!({
        "unit": line.unit.as_str(), "agreement": line.agreement.as_str(), "scenario": line.scenario.as_str(),
        "product": line.product.as_str(), "price": line.price.as_str(), "purpose": line.purpose.as_str(),
        "basis": line.basis.as_str(),
    })
}

pub(super) fn usage((dimensions, sums): &Row) -> Value {
    let mut shown = of_line(&dimensions.line);
    shown["hour"] = instant_text(dimensions.hour.begin()).into();
    shown["operation"] = dimensions.operation.as_str().into();
    shown["calls"] = sums.calls.into();
    shown["quantity"] = sums.quantity.into();
    shown["amount"] = sums.amount.to_string().into();
    shown["sequences"] = json!([sums.first_seq, sums.last_seq]);
    shown
}

fn taxed(taxed: &Taxed) -> Value {
    json!({"gross": taxed.gross.to_string(), "net": taxed.net.to_string(), "tax": taxed.tax.to_string()})
}

pub(super) fn line(line: &RatedLine) -> Value {
    let mut shown = of_line(&line.line);
    shown["month"] = line.month.to_string().into();
    shown["calls"] = line.calls.into();
    shown["quantity"] = line.quantity.into();
    shown["exact"] = line.exact.to_string().into();
    shown["adjustment"] = line.adjustment.to_string().into();
    shown["notional"] = line.notional.to_string().into();
    shown["residue"] = line.residue.to_string().into();
    shown["amounts"] = taxed(&line.taxed);
    shown["vatParts"] = line.vat_parts.into();
    shown["act"] = line.act.as_str().into();
    shown["sequences"] = json!([line.first_seq, line.last_seq]);
    shown
}

pub(super) fn statement(stated: &Stated) -> Value {
    let one = &stated.statement;
    let acts = stated.acts.iter().map(|act| {
        json!({
            "act": act.word.as_str(), "account": act.account.as_str(),
            "organisation": act.organisation.as_str(), "at": instant_text(act.at), "reason": act.reason,
        })
    });
    json!({
        "number": one.number, "month": stated.month.to_string(), "unit": one.unit.as_str(),
        "state": stated.state.as_str(), "amounts": taxed(&one.taxed), "acts": acts.collect::<Vec<_>>(),
        "calls": one.tree.as_ref().map(|tree| json!({
            "root": hex::encode(&tree.root), "size": tree.size, "sequences": [tree.first_seq, tree.last_seq],
        })),
    })
}

pub(super) fn bill(month: Month, view: &BillView) -> Value {
    let (from, until) = (month.begin(), month.end());
    let calls = |share: &Share, unit: Option<&Id>| {
        let unit = unit.map(|unit| format!("&unit={unit}")).unwrap_or_default();
        let [from, until] = [from, until].map(|at| instant_text(at).replace('+', "%2B"));
        format!("/api/v1/traces?product={}{unit}&from={from}&until={until}", share.product)
    };
    let shares = view.shares.iter().zip(&view.units).map(|(share, unit)| {
        json!({
            "agreement": share.agreement.as_str(), "product": share.product.as_str(),
            "base": share.base.to_string(), "weight": share.weight.to_string(),
            "whole": share.whole.to_string(), "amount": share.amount.to_string(),
            "calls": calls(share, unit.as_ref()),
        })
    });
    json!({
        "number": view.bill.number, "party": view.bill.party.as_str(),
        "amount": view.bill.amount.to_string(), "shares": shares.collect::<Vec<_>>(),
    })
}

pub(super) fn contribution(one: &Contribution) -> Value {
    json!({
        "party": one.party.as_str(), "product": one.product.as_str(), "calls": one.calls,
        "records": one.records, "charged": one.charged, "revenue": one.revenue.to_string(),
        "notional": one.notional.to_string(), "share": one.share.to_string(),
    })
}

pub(super) fn transaction(one: &Transaction) -> Value {
    let entries = one
        .entries
        .iter()
        .map(|entry| json!({"account": entry.account.to_string(), "amount": entry.amount.to_string()}));
    json!({
        "template": one.template.as_str(), "key": one.key, "period": one.period.to_string(),
        "reason": one.reason, "corrects": one.corrects, "entries": entries.collect::<Vec<_>>(),
    })
}

pub(super) fn posted(posted: &Posted) -> Value {
    let mut shown = transaction(&posted.transaction);
    shown["number"] = posted.number.into();
    shown["recorded"] = instant_text(posted.recorded).into();
    shown["hash"] = hex::encode(&posted.hash).into();
    shown
}

pub(super) fn rerating(one: &Rerating) -> Value {
    let (by, at) = &one.proposed;
    json!({
        "number": one.number, "month": one.month.to_string(), "reason": one.reason, "lines": one.lines,
        "digest": hex::encode(&one.digest), "state": if one.approved.is_some() { "approved" } else { "proposed" },
        "changes": serde_json::from_str::<Value>(&one.changes).unwrap_or_default(),
        "proposed": {"by": by.as_str(), "at": instant_text(*at)},
        "approved": one.approved.as_ref().map(|(by, at)| json!({"by": by.as_str(), "at": instant_text(*at)})),
        "period": one.period.map(|period| period.to_string()),
    })
}

pub(super) fn correction(one: &Correction) -> Value {
    let mut shown = of_line(&one.line);
    shown["month"] = one.month.to_string().into();
    shown["exact"] = one.exact.to_string().into();
    shown["notional"] = one.notional.to_string().into();
    shown["act"] = one.act.as_str().into();
    shown
}

pub(super) fn closing(closing: &Closing) -> Value {
    json!({
        "digest": hex::encode(&closing.digest),
        "lines": closing.lines.len(),
        "transactions": closing.transactions.len(),
        "statements": closing.statements.iter().map(|one| json!({
            "number": one.number, "unit": one.unit.as_str(), "amounts": taxed(&one.taxed),
        })).collect::<Vec<_>>(),
        "bills": closing.bills.iter().map(|bill| json!({
            "number": bill.number, "party": bill.party.as_str(), "amount": bill.amount.to_string(),
        })).collect::<Vec<_>>(),
    })
}

pub(super) fn standing(one: &Standing) -> Value {
    let permitted = &one.permitted;
    json!({
        "name": permitted.id.as_str(), "act": permitted.act, "operator": permitted.operator.as_str(),
        "amount": permitted.amount.to_string(), "carried": permitted.carried.to_string(),
        "from": instant_text(permitted.cycle.from()), "until": permitted.cycle.until().map(instant_text),
        "closed": one.closed.to_string(), "open": one.open.to_string(), "left": one.level.left.to_string(),
        "forecast": one.level.forecast.to_string(), "carry": one.level.carry.to_string(),
        "reached": one.level.reached,
    })
}
