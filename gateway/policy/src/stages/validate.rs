//! Stage 3 of 10, validate: is the request what the product's input contract asks for, and whom is it about?
//!
//! Parsed once, strictly, into a document that the later stages read; the subject's identifier is checked and
//! turned into a keyed pseudonym here, and travels on only inside the body.

use shuzha_core::{Code, Refusal};
use shuzha_evidence::commit::{HalfYear, Opening};
use shuzha_privacy::dp::Query;
use shuzha_privacy::subject::Pseudonym;
use shuzha_products::input::Parsed;

use super::authorise::Right;
use crate::env::Env;
use crate::gate::subject_tag;
use crate::idempotency::{Found, Idempotency, KEY_BYTES_MAX, RETENTION};
use crate::signature::single;
use crate::snapshot::{Operation, Product, ReleaseName, Statistics};

/// Proof that the request meets the contract.
pub(crate) struct Ask<'e> {
    right: Right<'e>,
    subject: Option<Pseudonym>,
    query: Option<(Query, &'e Statistics)>,
    parts: u32,
    is_blinded: bool,
    input: Option<Vec<u32>>,
}

impl<'e> Ask<'e> {
    /// The right it is made under.
    pub(crate) fn right(&self) -> &Right<'e> {
        &self.right
    }

    /// The pairwise pseudonym of the person or organisation it is about.
    pub(crate) fn subject(&self) -> Option<&Pseudonym> {
        self.subject.as_ref()
    }

    /// Whether its subject is a blinded element, and nobody here can tell whose.
    pub(crate) fn is_blinded(&self) -> bool {
        self.is_blinded
    }

    /// How many answers are asked for: each is metered and paid for.
    pub(crate) fn parts(&self) -> u32 {
        self.parts
    }

    /// The leaves of a model's input, hashed.
    pub(crate) fn input(&self) -> Option<&[u32]> {
        self.input.as_deref()
    }

    /// The statistical query, for a report.
    pub(crate) fn query(&self) -> Option<(&Query, &'e Statistics)> {
        self.query.as_ref().map(|(query, statistics)| (query, *statistics))
    }

    /// The names under which the answer is released and kept, where it is.
    pub(crate) fn release_name(&self) -> Option<ReleaseName> {
        ReleaseName::of(self.right.product(), self.right.operation(), self.query())
    }

    /// Looks the idempotency key up, if one was sent.
    pub(crate) fn begin_try(&self, env: &mut Env<'e>) -> Result<Found, Refusal> {
        let keys = &env.gate.idempotency;
        begin_try(env, "idempotency", keys)
    }
}

/// Looks the idempotency key up among `keys`, if one was sent; `purpose` keeps its commitment apart from those of others.
pub(super) fn begin_try<'e>(
    env: &mut Env<'e>,
    purpose: &str,
    keys: &'e Idempotency,
) -> Result<Found, Refusal> {
    let Some(key) = single(env.call.headers, "idempotency-key")? else { return Ok(Found::First) };
    let well_formed =
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !well_formed {
        return Err(Refusal::at(Code::C009, "idempotency-key"));
    }
    let committer = &env.gate.keys.committer;
    let unit = env.facts.terms.unit;
    let commitment = committer.commit(purpose, &[unit.as_bytes(), key.as_bytes()]);
    // Without the consent, a retry could be answered under one of which no use was ever taken.
    let consent = single(env.call.headers, "x-consent")?.unwrap_or_default();
    let opening = env.gate.keys.period(env.call.received)?.opening(&commitment);
    let tried =
        |opening: &Opening| opening.retried(&env.committed_request(), env.facts.terms.scenario, consent);
    let request = tried(&opening);
    // The half-year may have turned since the first try, and the keys of commitments turn with it.
    let before = env.call.received.minus(RETENTION);
    let turned = HalfYear::of(before) != HalfYear::of(env.call.received);
    let earlier = turned.then(|| env.gate.keys.periods.at(before)).flatten();
    let earlier = earlier.map_or(request, |committer| tried(&committer.opening(&commitment)));
    env.facts.request_commitment = Some(request);
    env.facts.openings = env.facts.answer_opening.map(|answer| Opening::bound(&opening, &answer));
    env.facts.idempotency = Some(commitment);
    let (found, in_use) = keys.begin(unit, commitment, &[request, earlier], env.call.received)?;
    env.retry_of(&found, in_use);
    Ok(found)
}

/// Validates the request.
pub(crate) fn run<'e>(env: &mut Env<'e>, right: Right<'e>) -> Result<Ask<'e>, Refusal> {
    let Some(parsed) = parse(env, right.operation())? else {
        return Ok(Ask { right, subject: None, query: None, parts: 1, is_blinded: false, input: None });
    };
    let subject = pseudonym(env, &right, &parsed)?;
    if right.operation().is_canary(&env.gate.keys.pseudonymiser, &right.product().name, &parsed) {
        env.gate.saw_canary(&right.scenario().name);
    }
    let query = query(right.product(), right.operation(), &parsed)?;
    let input = right.operation().probed().then(|| env.gate.abuse.leaves(&parsed));
    let is_blinded = !parsed.blinded.is_empty();
    Ok(Ask { right, subject, query, parts: parsed.parts(), is_blinded, input })
}

/// The body under the operation's input contract; none where it takes no body.
pub(super) fn parse(env: &Env<'_>, operation: &Operation) -> Result<Option<Parsed>, Refusal> {
    let call = env.call;
    if call.query.is_some() {
        return Err(Code::C307.into());
    }
    if !operation.takes_body() {
        return if call.body.is_empty() { Ok(None) } else { Err(Code::C302.into()) };
    }
    if !is_json_in_utf8(single(call.headers, "content-type")?.unwrap_or_default()) {
        return Err(Refusal::at(Code::C303, "content-type"));
    }
    operation.check(&call.body).map(Some)
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
pub(super) fn query<'e>(
    product: &'e Product,
    operation: &Operation,
    parsed: &Parsed,
) -> Result<Option<(Query, &'e Statistics)>, Refusal> {
    if !operation.statistical() {
        return Ok(None);
    }
    let statistics = product.statistics.as_deref().ok_or(Code::C606)?;
    // A table's was checked when it was declared, against the domain of then.
    let asked = operation.fixed_query().unwrap_or(&parsed.value);
    Ok(Some((Query::parse(asked, statistics.domain())?, statistics)))
}

/// The pseudonym of the subject under this unit and scenario, and its tag for the record. Of a blinded person there is
/// the element alone: the consent binds it.
fn pseudonym<'e>(
    env: &mut Env<'e>,
    right: &Right<'e>,
    parsed: &Parsed,
) -> Result<Option<Pseudonym>, Refusal> {
    let (unit, scenario) = (&right.unit().name, &right.scenario().name);
    let pseudonym = match (&parsed.subject, &*parsed.blinded) {
        (Some(subject), _) => env.gate.keys.pseudonymiser.pseudonym(unit, scenario, subject),
        (None, [element]) if right.operation().personal => Pseudonym::of_blinded(unit, scenario, element),
        _ => return Ok(None),
    };
    let committer = env.gate.keys.period(env.call.received)?;
    env.facts.subject = Some(subject_tag(&committer, &pseudonym));
    Ok(Some(pseudonym))
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
