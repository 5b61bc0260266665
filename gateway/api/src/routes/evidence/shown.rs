//! The shapes of evidence.

use serde_json::{Value, json};
use shuzha_control::evidence::{Step, Trace};
use shuzha_core::{Lang, hex};
use shuzha_evidence::Commitment;
use shuzha_store::retention::{Decided, HalfYear, Hold};
use shuzha_store::traces::TracedUse;

use crate::parameters::instant_text;
use crate::shown::act;

/// A name that is empty where there is none.
fn name(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn commitment(commitment: Option<Commitment>) -> Option<String> {
    commitment.map(|commitment| hex::encode(&commitment))
}

/// A use in a list.
pub(super) fn traced_use(one: &TracedUse) -> Value {
    json!({
        "request": one.request.to_string(), "at": instant_text(one.at), "sequence": one.seq,
        "decision": one.decision.as_str(), "unit": name(&one.unit), "product": one.product,
        "version": one.version, "operation": name(&one.operation), "scenario": name(&one.scenario),
        "grant": name(&one.grant), "agreement": name(&one.agreement), "price": name(&one.price),
    })
}

/// A trace.
pub(super) fn trace(trace: &Trace) -> Value {
    let call = trace.call();
    let terms = &call.terms;
    let code = call.code.map(|code| json!({"code": code.as_str(), "title": code.title(Lang::Zh)}));
    let mut shown = json!({
        "request": call.request.to_string(), "at": instant_text(call.received),
        "decision": call.decision.as_str(), "refusal": code, "sandbox": call.sandbox,
        "unit": name(terms.unit), "product": name(terms.product), "version": terms.version,
        "operation": name(terms.operation), "scenario": name(terms.scenario), "grant": name(terms.grant),
        "agreement": name(terms.agreement), "purpose": terms.purpose.map(shuzha_core::PurposeClass::as_str),
        "chargedDataSet": name(terms.data_set), "snapshot": hex::encode(&terms.snapshot),
    });
    if trace.whole {
        shown["credential"] = json!(name(terms.credential));
        shown["price"] = json!(name(terms.price));
        shown["quantity"] = json!(call.quantity);
        shown["amount"] = json!(call.amount.to_string());
        shown["privacyCharge"] = json!(call.charge.to_string());
        shown["consent"] = json!(commitment(call.consent));
        shown["consentParent"] = json!(commitment(call.consent_parent));
        shown["requestCommitment"] = json!(commitment(call.request_commitment));
        shown["answerCommitment"] = json!(commitment(call.response_commitment));
    }
    let made_of = trace.edition.as_ref().map(|edition| {
        let sets = edition.data_sets.iter().map(|(set, by)| json!({"dataSet": set, "provider": by}));
        json!({"operator": edition.operator, "exact": edition.exact, "dataSets": sets.collect::<Vec<_>>()})
    });
    json!({
        "call": shown,
        "leaf": {"log": trace.leaf.0, "index": trace.leaf.1},
        "madeOf": made_of,
        "steps": trace.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Value {
    let facts: Value = step.facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    json!({
        "kind": step.kind, "name": step.name.as_str(), "title": step.title, "facts": facts,
        "changedSince": step.changed_since, "acts": step.acts.iter().map(act).collect::<Vec<_>>(),
        "withheld": step.withheld,
    })
}

/// A half-year.
pub(super) fn half_year(year: &HalfYear) -> Value {
    let decided = |decided: &Decided| {
        let decision = decided.decision.as_ref();
        json!({
            "askedBy": decided.asked.0.as_str(), "askedAt": instant_text(decided.asked.1),
            "reason": decided.reason,
            "decidedBy": decision.map(|decision| decision.by.0.as_str()),
            "decidedAt": decision.map(|decision| instant_text(decision.by.1)),
            "finishedAt": decided.finished.map(instant_text),
            "document": decision.map(|decision| decision.document.as_str()),
        })
    };
    let finished = |one: &Option<Decided>| one.as_ref().is_some_and(|one| one.finished.is_some());
    let state = match &year.destroyed {
        Some(destroyed) if destroyed.finished.is_some() => "destroyed",
        Some(destroyed) if destroyed.decision.is_some() => "destroying",
        Some(_) => "destruction-asked-for",
        None if finished(&year.sealed) => "sealed",
        None if year.holds.contains(&Hold::Open) => "open",
        None => "over",
    };
    json!({
        "log": year.shard.to_string(), "state": state, "firstSequence": year.first_seq,
        "lastSequence": year.last_seq(), "entries": year.size, "keptUntil": instant_text(year.free_from),
        "sealing": year.sealed.as_ref().map(decided), "destruction": year.destroyed.as_ref().map(decided),
        "holds": year.holds.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
