//! What evidence answers, made of what the index and the log have.

use shuzha_control::evidence::{Step, Trace};
use shuzha_core::{Lang, hex};
use shuzha_evidence::Commitment;
use shuzha_schema::evidence as shown;
use shuzha_store::retention::{Decided, HalfYear, Hold};
use shuzha_store::traces::TracedUse;

use crate::shown::{act, instant};

/// A name that is empty where there is none.
fn name(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn commitment(commitment: Option<Commitment>) -> Option<String> {
    commitment.map(|commitment| hex::encode(&commitment))
}

/// A use in a list.
pub(super) fn traced_use(one: &TracedUse) -> shown::TracedUse {
    shown::TracedUse {
        request: one.request.to_string(),
        at: instant(one.at),
        sequence: one.seq,
        decision: one.decision.as_str().to_owned(),
        unit: name(&one.unit),
        product: one.product.clone(),
        version: one.version,
        operation: name(&one.operation),
        scenario: name(&one.scenario),
        grant: name(&one.grant),
        agreement: name(&one.agreement),
        price: name(&one.price),
    }
}

/// A trace.
pub(super) fn trace(trace: &Trace) -> shown::Trace {
    let made_of = trace.edition.as_ref().map(|edition| {
        let sets = edition
            .data_sets
            .iter()
            .map(|(set, by)| shown::Provided { data_set: set.to_string(), provider: by.to_string() });
        shown::MadeOf { operator: edition.operator.clone(), exact: edition.exact, data_sets: sets.collect() }
    });
    shown::Trace {
        call: call(trace),
        leaf: shown::Leaf { log: trace.leaf.0.to_string(), index: trace.leaf.1 },
        made_of,
        steps: trace.steps.iter().map(step).collect(),
    }
}

fn call(trace: &Trace) -> shown::Call {
    let call = trace.call();
    let terms = &call.terms;
    let details = || shown::CallDetails {
        credential: name(terms.credential),
        price: name(terms.price),
        quantity: call.quantity,
        amount: call.amount.to_string(),
        privacy_charge: call.charge.to_string(),
        consent: commitment(call.consent),
        consent_parent: commitment(call.consent_parent),
        request_commitment: commitment(call.request_commitment),
        answer_commitment: commitment(call.response_commitment),
    };
    shown::Call {
        request: call.request.to_string(),
        at: instant(call.received),
        decision: call.decision.as_str().to_owned(),
        refusal: call.code.map(|code| shown::Refusal {
            code: code.as_str().to_owned(),
            title: code.title(Lang::Zh).to_owned(),
        }),
        sandbox: call.sandbox,
        unit: name(terms.unit),
        product: name(terms.product),
        version: terms.version,
        operation: name(terms.operation),
        scenario: name(terms.scenario),
        grant: name(terms.grant),
        agreement: name(terms.agreement),
        purpose: terms.purpose.map(|purpose| purpose.as_str().to_owned()),
        charged_data_set: name(terms.data_set),
        snapshot: hex::encode(&terms.snapshot),
        details: trace.whole.then(details),
    }
}

fn step(step: &Step) -> shown::Step {
    shown::Step {
        kind: step.kind.to_owned(),
        name: step.name.to_string(),
        title: step.title.clone(),
        facts: step.facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        changed_since: step.changed_since,
        acts: step.acts.iter().map(act).collect(),
        withheld: step.withheld,
    }
}

/// A half-year.
pub(super) fn half_year(year: &HalfYear) -> shown::HalfYear {
    let decided = |decided: &Decided| {
        let decision = decided.decision.as_ref();
        shown::Decided {
            asked_by: decided.asked.0.to_string(),
            asked_at: instant(decided.asked.1),
            reason: decided.reason.clone(),
            decided_by: decision.map(|decision| decision.by.0.to_string()),
            decided_at: decision.map(|decision| instant(decision.by.1)),
            finished_at: decided.finished.map(instant),
            document: decision.map(|decision| decision.document.clone()),
        }
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
    shown::HalfYear {
        log: year.shard.to_string(),
        state: state.to_owned(),
        first_sequence: year.first_seq,
        last_sequence: year.last_seq(),
        entries: year.size,
        kept_until: instant(year.free_from),
        sealing: year.sealed.as_ref().map(decided),
        destruction: year.destroyed.as_ref().map(decided),
        holds: year.holds.iter().map(ToString::to_string).collect(),
    }
}
