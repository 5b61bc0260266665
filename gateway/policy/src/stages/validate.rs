//! Stage 3 of 10, validate: is the request what the product's input contract asks for, and whom is it about?
//!
//! Asks: the body, parsed once, strictly, into a document that the later stages read; the subject's identifier, which is checked and
//! turned into a keyed pseudonym here, and travels on only inside the body; whether the idempotency key was used before.
//! Takes: the idempotency key, for as long as the call lasts. A plan takes none: there is nothing that a second try must not take again.
//! Refuses: C301 C302 C303 C304 C305 C306 C307 C308 C309 C310 C311 C312 C313 C314; C604 C605 C606 for a query; C009 for a header that
//! repeats or a key that is malformed; C092 C093 C097.

use shuzha_core::{Code, Refusal};
use shuzha_evidence::Commitment;
use shuzha_evidence::commit::{HalfYear, Opening};
use shuzha_privacy::dp::Query;
use shuzha_privacy::subject::Pseudonym;
use shuzha_products::input::Parsed;

use super::authorise::{Authorization, Authorized, Granted, Right};
use super::identify::{AuthenticatedCaller, committed};
use crate::context::CallContext;
use crate::gate::subject_tag;
use crate::idempotency::{Found, KEY_BYTES_MAX, Kept, RETENTION};
use crate::replay::ReplayPolicy;
use crate::signature::single;
use crate::snapshot::{Operation, ReleaseName, Statistics};

/// The state of a call whose request meets the contract.
pub(crate) struct Validated<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
}

/// Proof that the request meets the contract.
pub(crate) struct ValidatedRequest<'e> {
    /// The person or organisation it is about.
    pub(crate) subject: Option<Subject>,
    /// Whether its subject is a blinded element, and nobody here can tell whose.
    pub(crate) is_blinded: bool,
    /// How many answers are asked for: each is metered and paid for.
    pub(crate) parts: u32,
    /// The leaves of a model's input, hashed.
    pub(crate) input: Option<Vec<u32>>,
    /// What earlier tries under the same idempotency key leave to be taken.
    pub(crate) replay: ReplayPolicy,
    query: Option<(Query, &'e Statistics)>,
}

/// A subject as this unit and scenario know it, and as records do.
pub(crate) struct Subject {
    /// Pairwise: of this unit and scenario.
    pub(crate) pseudonym: Pseudonym,
    pub(crate) tag: Commitment,
}

impl<'e> ValidatedRequest<'e> {
    /// The statistical query, for a report.
    pub(crate) fn query(&self) -> Option<(&Query, &'e Statistics)> {
        self.query.as_ref().map(|(query, statistics)| (query, *statistics))
    }

    /// The names under which the answer is released and kept, where it is.
    pub(crate) fn release_name(&self, authorization: &Authorization<'_>) -> Option<ReleaseName> {
        ReleaseName::of(authorization.product, authorization.operation, self.query())
    }
}

/// Where a valid request leads.
pub(crate) enum Validation<'c, 'e> {
    /// Through the other stages.
    ToAnswer(CallContext<'c, 'e, Validated<'e>>),
    /// To the answer that an earlier try with the same idempotency key was given.
    Answered(CallContext<'c, 'e, Validated<'e>>, Kept),
}

/// Validates the request.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Authorized<'e>>,
) -> Result<Validation<'c, 'e>, Refusal> {
    let operation = call.authorization.operation;
    let parsed = parse(&call, operation)?;
    let mut request = ValidatedRequest {
        subject: None,
        is_blinded: false,
        parts: 1,
        input: None,
        replay: ReplayPolicy::First,
        query: None,
    };
    if let Some(parsed) = &parsed {
        if let Right::Granted(granted) = call.authorization.basis {
            watch(&mut call, &granted, parsed, &mut request)?;
        }
        request.query = query(&call.authorization, parsed)?;
    }
    let found = if call.authorization.is_plan { Found::First } else { begin_try(&mut call)? };
    request.replay = ReplayPolicy::from(&found);
    let call =
        call.advance(|Authorized { caller, authorization }| Validated { caller, authorization, request });
    Ok(match found {
        Found::Answered(kept) => Validation::Answered(call, kept),
        Found::First | Found::Spent(_) | Found::AnsweredBefore(_) => Validation::ToAnswer(call),
    })
}

/// The body under the operation's input contract; none where it takes no body.
fn parse(
    call: &CallContext<'_, '_, Authorized<'_>>,
    operation: &Operation,
) -> Result<Option<Parsed>, Refusal> {
    let inbound = call.inbound;
    if inbound.query.is_some() {
        return Err(Code::C307.into());
    }
    if !operation.takes_body() {
        return if inbound.body.is_empty() { Ok(None) } else { Err(Code::C302.into()) };
    }
    if !is_json_in_utf8(single(inbound.headers, "content-type")?.unwrap_or_default()) {
        return Err(Refusal::at(Code::C303, "content-type"));
    }
    operation.check(&inbound.body).map(Some)
}

/// Learns of a real request whom it is about, how much it asks for, and what tells abnormal use.
fn watch<'e>(
    call: &mut CallContext<'_, 'e, Authorized<'e>>,
    granted: &Granted<'_>,
    parsed: &Parsed,
    request: &mut ValidatedRequest<'e>,
) -> Result<(), Refusal> {
    let Authorization { product, operation, .. } = call.authorization;
    let gate = call.gate;
    request.subject = subject(call, granted, parsed)?;
    let keys = &gate.keys.pseudonymiser;
    if operation.is_canary(keys, &product.name, parsed) || call.snapshot.is_bait(keys, parsed) {
        gate.saw_canary(&granted.scenario.name);
    }
    request.input = operation.probed().then(|| gate.abuse.leaves(parsed));
    request.is_blinded = !parsed.blinded.is_empty();
    request.parts = parsed.parts();
    Ok(())
}

/// Looks the idempotency key up, if one was sent. Its commitment is kept apart from those of other purposes; the sandbox has keys of
/// its own.
fn begin_try<'e>(call: &mut CallContext<'_, 'e, Authorized<'e>>) -> Result<Found, Refusal> {
    let (gate, inbound) = (call.gate, call.inbound);
    let Some(key) = single(inbound.headers, "idempotency-key")? else { return Ok(Found::First) };
    let well_formed =
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !well_formed {
        return Err(Refusal::at(Code::C009, "idempotency-key"));
    }
    let (purpose, keys) = match call.authorization.basis {
        Right::Granted(_) => ("idempotency", &gate.idempotency),
        Right::Sandbox(_) => ("sandbox idempotency", &gate.sandbox.keys),
    };
    let unit = call.caller.unit.name.as_str();
    let commitment = gate.keys.committer.commit(purpose, &[unit.as_bytes(), key.as_bytes()]);
    // Without the consent, a retry could be answered under one of which no use was ever taken.
    let consent = single(inbound.headers, "x-consent")?.unwrap_or_default();
    let scenario = call.authorization.scenario().map_or("", |scenario| scenario.name.as_str());
    let opening = gate.keys.period(inbound.received)?.opening(&commitment);
    let (body, answer) = (&call.caller.body_sha256, &call.caller.opening);
    let tried = |opening: &Opening| opening.retried(&committed(inbound, body), scenario, consent);
    let request = tried(&opening);
    // The half-year may have turned since the first try, and the keys of commitments turn with it.
    let before = inbound.received.minus(RETENTION);
    let turned = HalfYear::of(before) != HalfYear::of(inbound.received);
    let earlier = turned.then(|| gate.keys.periods.at(before)).flatten();
    let earlier = earlier.map_or(request, |committer| tried(&committer.opening(&commitment)));
    let openings = Opening::bound(&opening, answer);
    let draft = &mut call.open.draft;
    draft.request_commitment = Some(request);
    draft.openings = Some(openings);
    draft.idempotency = Some(commitment);
    let (found, in_use) = keys.begin(unit, commitment, &[request, earlier], inbound.received)?;
    call.open.key = in_use;
    Ok(found)
}

/// Whether a content type (RFC 9110 §8.3.1) is `application/json`, with no parameter but `charset=utf-8`. Under another
/// charset the same bytes are other text to the product service; a parameter that is not understood may say so too.
fn is_json_in_utf8(kind: &str) -> bool {
    let mut parts = kind.split(';').map(|part| part.trim_matches([' ', '\t']));
    let essence = parts.next().unwrap_or_default();
    let mut charsets = 0;
    let parameters = parts.all(|parameter| {
        charsets += 1;
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let value = value.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(value);
        name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && parameters && charsets <= 1
}

/// The statistical query, for a report.
fn query<'e>(
    authorization: &Authorization<'e>,
    parsed: &Parsed,
) -> Result<Option<(Query, &'e Statistics)>, Refusal> {
    let Authorization { product, operation, .. } = *authorization;
    if !operation.statistical() {
        return Ok(None);
    }
    let statistics = product.statistics.as_deref().ok_or(Code::C606)?;
    // A table's was checked when it was declared, against the domain of then.
    let asked = operation.fixed_query().unwrap_or(&parsed.value);
    Ok(Some((Query::parse(asked, statistics.domain())?, statistics)))
}

/// The subject under this unit and scenario. Of a blinded person there is the element alone: the consent binds it.
fn subject<'e>(
    call: &mut CallContext<'_, 'e, Authorized<'e>>,
    granted: &Granted<'_>,
    parsed: &Parsed,
) -> Result<Option<Subject>, Refusal> {
    let (unit, scenario) = (&call.caller.unit.name, &granted.scenario.name);
    let pseudonym = match (&parsed.subject, &*parsed.blinded) {
        (Some(subject), _) => call.gate.keys.pseudonymiser.pseudonym(unit, scenario, subject),
        (None, [element]) if call.authorization.operation.personal => {
            Pseudonym::of_blinded(unit, scenario, element)
        }
        _ => return Ok(None),
    };
    let tag = subject_tag(&*call.gate.keys.period(call.inbound.received)?, &pseudonym);
    call.open.draft.subject = Some(tag);
    Ok(Some(Subject { pseudonym, tag }))
}

#[cfg(test)]
mod tests {
    use super::is_json_in_utf8;

    /// Public reports F10: a charset that is not UTF-8 was taken, and other parameters were not looked at.
    #[test]
    fn only_json_in_utf8_is_taken() {
        for kind in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json ; Charset=\"UTF-8\"",
        ] {
            assert!(is_json_in_utf8(kind), "{kind}");
        }
        for kind in [
            "",
            "text/json",
            "application/jsonx",
            "application/json; charset=gb18030",
            "application/json; charset=utf-16",
            "application/json; charset=utf8",
            "application/json; charset=",
            "application/json; charset",
            "application/json; charset=\"utf-8",
            "application/json; charset=utf-8; charset=gb18030",
            "application/json; charset=utf-8; charset=utf-8",
            "application/json; version=1",
            "application/json;",
            "application/json; charset = utf-8",
            "application/json, text/plain",
            "application/vnd.api+json",
        ] {
            assert!(!is_json_in_utf8(kind), "{kind}");
        }
    }
}
