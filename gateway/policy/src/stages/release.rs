//! Stage 9 of 10, release: what of the answer may leave?
//!
//! Asks: the output contract; the answer is cut to the fields of grant and consent, verification answers are normalised, statistics
//! noised and kept, so that the same query is never noised twice. Consent, suspension, credential, grant and what else the
//! authorization was made of are asked again, with the snapshot of this moment: what was taken away meanwhile does not leave. A trial
//! is let out through the whole contract, and nothing of it is kept.
//! Takes: nothing; a release is kept on disk before its first byte leaves.
//! Refuses: C901 C902 C903 C904; C804 for what a product service says of an error or a range; C314 for another answer than a try
//! before was given; C410 where withdrawals are not known; C090 C093.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use shuzha_core::{Code, NanoCharge, Refusal};
use shuzha_pricing::Outcome as Billed;
use shuzha_privacy::dp::{Noise, Query};
use shuzha_privacy::output::{Cut, MaskKey};
use shuzha_privacy::watermark::Marker;

use super::authorise::{Authorization, Right};
use super::consent::ConsentedRequest;
use super::forward::{Answer, Forwarded};
use super::price::PriceInForce;
use super::validate::ValidatedRequest;
use crate::context::CallContext;
use crate::delivery::Marking;
use crate::gate::Gate;
use crate::releases::NewRelease;
use crate::snapshot::{Operation, Product, ReleaseName, Statistics};
use crate::{Fetched, Opened, range};

/// The state of a call whose answer may leave.
pub(crate) struct Released<'e> {
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
    pub(crate) price: PriceInForce<'e>,
    /// What kind of answer it is, for its price.
    pub(crate) outcome: Billed,
    _checked: (),
}

/// What leaves.
pub(crate) enum ReleasedBody<S> {
    /// A JSON answer.
    Whole(Bytes),
    /// A package, and how the unit's file is made of it where it is marked.
    Stream(Opened<S>, Option<Box<Marking>>),
}

/// Releases the answer.
pub(crate) async fn run<'c, 'e, S>(
    mut call: CallContext<'c, 'e, Forwarded<'e>>,
    answer: Answer<'e, S>,
) -> Result<(CallContext<'c, 'e, Released<'e>>, ReleasedBody<S>), Refusal> {
    let is_real = matches!(call.authorization.basis, Right::Granted(_));
    let (outcome, body) = match answer {
        Answer::Stream(opened) => (Billed::Package, check_opened(&call, opened)?),
        Answer::Released(kept) => (Billed::Answer, ReleasedBody::Whole(given_again(&call, kept)?)),
        Answer::Aggregates { body, noise } => {
            let bytes = match is_real {
                true => publish(&mut call, &body, noise).await?,
                false => try_out(&call, &body, noise)?,
            };
            (Billed::Answer, ReleasedBody::Whole(bytes))
        }
        Answer::Whole(fetched) if is_real => {
            let (outcome, bytes) = cut_real(&mut call, &fetched).await?;
            (outcome, ReleasedBody::Whole(bytes))
        }
        Answer::Whole(fetched) => cut_trial(&call, fetched.status, &fetched.body)?,
        Answer::Example(example) => cut_trial(&call, 200, example)?,
    };
    if is_real && let ReleasedBody::Whole(bytes) = &body {
        call.request.replay.check_same_answer(&call.gate.keys, bytes)?;
    }
    check_again(&call)?;
    if let Right::Granted(granted) = call.authorization.basis
        && !call.request.replay.was_answered()
    {
        let (product, operation) = (call.authorization.product, call.authorization.operation);
        let asked = (granted.scenario, &product.name, &operation.name);
        call.gate.saw_answer(asked, &call.request, &call.caller.body_sha256, outcome);
    }
    let call = call.advance(|forwarded| {
        let Forwarded { authorization, request, consent, price, .. } = forwarded;
        Released { authorization, request, consent, price, outcome, _checked: () }
    });
    Ok((call, body))
}

/// A release that is kept, as this call is given it.
fn given_again(call: &CallContext<'_, '_, Forwarded<'_>>, kept: Bytes) -> Result<Bytes, Refusal> {
    match call.request.query() {
        Some(query) => presented(call.authorization.operation, query, &kept),
        // A table whose small groups are hidden is kept as it left.
        None => Ok(kept),
    }
}

/// A whole answer, cut to what may leave.
async fn cut_real(
    call: &mut CallContext<'_, '_, Forwarded<'_>>,
    fetched: &Fetched,
) -> Result<(Billed, Bytes), Refusal> {
    let Authorization { product, operation, .. } = call.authorization;
    let (gate, key) = (call.gate, mask_key(call));
    let key = match (key, &call.request.subject) {
        (Some(key), Some(subject)) => Some(key.about(subject.pseudonym.as_bytes())),
        (key, _) => key,
    };
    let cut = Cut { fields: call.consent.fields, key: key.as_ref() };
    let released = operation.release(cut, fetched.status, &fetched.body);
    let released = released.map_err(|(refusal, unlisted)| {
        drifted(gate, product, unlisted);
        refusal
    })?;
    operation.verify(&call.inbound.body, &fetched.body)?;
    drifted(gate, product, released.unlisted);
    // As many answers as were asked for, or somebody pays for what did not come.
    if released.parts != call.request.parts {
        return Err(Code::C901.into());
    }
    let bytes = match call.privacy.name {
        Some(name) => keep_table(call, name, released.bytes.into()).await?,
        None => released.bytes.into(),
    };
    Ok((released.outcome, bytes))
}

/// A synthetic answer, through the whole output contract.
fn cut_trial<S>(
    call: &CallContext<'_, '_, Forwarded<'_>>,
    status: u16,
    body: &[u8],
) -> Result<(Billed, ReleasedBody<S>), Refusal> {
    let key = mask_key(call);
    let cut = Cut { fields: call.consent.fields, key: key.as_ref() };
    let released = call.authorization.operation.release(cut, status, body);
    let released = released.map_err(|(refusal, _)| refusal)?;
    Ok((released.outcome, ReleasedBody::Whole(released.bytes.into())))
}

/// The key of the operation's masks for this unit and scenario, where one needs it.
fn mask_key(call: &CallContext<'_, '_, Forwarded<'_>>) -> Option<MaskKey> {
    let Authorization { product, operation, .. } = call.authorization;
    // A trial may name no scenario; its pseudonyms are then those of the product's own name, which no scenario shares.
    let scenario = call.authorization.scenario().map_or(&product.name, |scenario| &scenario.name);
    operation.is_keyed().then(|| {
        let key = call.gate.keys.pseudonymiser.mask_key(&call.caller.unit.name, scenario, &product.name);
        operation.mask_key(&key, &call.inbound.body)
    })
}

/// A package service may answer 200, 206 or 416, and what it says of a range must be so. Of a marked package it was asked for
/// all: each unit has a file of its own, with an entity tag of its own, from which its ranges are cut here.
fn check_opened<S>(
    call: &CallContext<'_, '_, Forwarded<'_>>,
    opened: Opened<S>,
) -> Result<ReleasedBody<S>, Refusal> {
    let Authorization { product, operation, .. } = call.authorization;
    let unit = &call.caller.unit.name;
    let field = |name| call.inbound.headers.get(name);
    let Some(layout) = operation.watermark() else {
        let opened = range::check(opened, field(http::header::RANGE))?;
        return Ok(ReleasedBody::Stream(opened, None));
    };
    if opened.status != 200 || opened.content_range.is_some() {
        return Err(Code::C804.into());
    }
    let marks = call.gate.keys.watermarks.product(product.name.as_str());
    let tag = opened.etag.as_ref().map(|tag| marks.tag(unit.as_str(), tag.as_bytes()));
    let tag = tag.map(|tag| HeaderValue::try_from(format!("\"{tag}\"")).expect("hexadecimal in quotes"));
    // A part of another file than the one that the caller has is of no use (RFC 9110 §13.1.5).
    let same = field(http::header::IF_RANGE).is_none_or(|wanted| Some(wanted) == tag.as_ref());
    let part = match opened.length {
        Some(total) if same => range::part(field(http::header::RANGE), total)?,
        _ => None,
    };
    let total = opened.length;
    let marking = Box::new(Marking::new(Marker::new(Arc::clone(layout), marks, unit.as_str()), part));
    let opened = match part {
        Some((first, last)) => {
            let stated = format!("bytes {first}-{last}/{}", total.expect("a part is of a length"));
            let content_range = Some(HeaderValue::try_from(stated).expect("digits"));
            Opened { status: 206, length: Some(last - first + 1), content_range, etag: tag, ..opened }
        }
        None => Opened { etag: tag, ..opened },
    };
    Ok(ReleasedBody::Stream(opened, Some(marking)))
}

/// An alarm for what the product service sent and nobody declared.
fn drifted(gate: &Gate, product: &Product, unlisted: u32) {
    if unlisted > 0 {
        gate.metrics.unlisted_fields(unlisted);
        gate.saw_drift(product);
    }
}

/// Keeps a table whose small groups are hidden before its first byte may leave: it, and no other, is given from now on.
async fn keep_table(
    call: &mut CallContext<'_, '_, Forwarded<'_>>,
    name: ReleaseName,
    answer: Bytes,
) -> Result<Bytes, Refusal> {
    let asked_by = call.gate.asker(&call.caller.unit.name);
    let dated = name.family.map(|family| (family, call.now()));
    let new = NewRelease { answer, charge: NanoCharge::ZERO, asked_by, dated };
    let (known, _) = call.split();
    let place = known.privacy.in_flight.take();
    call.gate.releases.put(name.key, new, place).await
}

/// Adds the noise, and keeps the answer on disk before its first byte may leave. From before it is kept the call's record will
/// say so, whatever becomes of the call: whoever hangs up meanwhile does not undo it.
async fn publish(
    call: &mut CallContext<'_, '_, Forwarded<'_>>,
    aggregates: &[u8],
    noise: Noise,
) -> Result<Bytes, Refusal> {
    let (gate, operation) = (call.gate, call.authorization.operation);
    let query = call.request.query().expect("only a query is answered by aggregates");
    let name = call.privacy.name.expect("what a query is answered with is a release");
    let answer = noised(call, query, aggregates, noise)?;
    let delivered = presented(operation, query, &answer)?;
    let dated = name.family.map(|family| (family, call.now()));
    let charge = query.0.charge();
    let kept = (super::settle::committed(call, &delivered)?, delivered.len() as u64);
    let asked_by = gate.asker(&call.caller.unit.name);
    call.open.draft.kept = Some(kept);
    let new = NewRelease { answer: answer.into(), charge, asked_by, dated };
    let (known, open) = call.split();
    let place = known.privacy.in_flight.take();
    let kept = match gate.releases.put(name.key, new, place).await {
        Ok(kept) => kept,
        Err(refusal) => {
            open.draft.kept = None;
            return Err(refusal);
        }
    };
    let query = call.request.query().expect("only a query is answered by aggregates");
    let delivered = presented(operation, query, &kept)?;
    let kept = (super::settle::committed(call, &delivered)?, delivered.len() as u64);
    call.open.draft.kept = Some(kept);
    Ok(delivered)
}

/// The answer to a trial's query. It is not kept: it spent nothing that a repetition could save.
fn try_out(
    call: &CallContext<'_, '_, Forwarded<'_>>,
    aggregates: &[u8],
    noise: Noise,
) -> Result<Bytes, Refusal> {
    let query = call.request.query().expect("only a query is answered by aggregates");
    presented(call.authorization.operation, query, &noised(call, query, aggregates, noise)?)
}

/// The answer to `query` out of the release that is kept; of a table, the view of it that `operation` is.
fn presented(
    operation: &Operation,
    (query, statistics): (&Query, &Statistics),
    kept: &[u8],
) -> Result<Bytes, Refusal> {
    let domain = statistics.domain();
    let table = operation.fixed_query().map(|_| query.noised(kept, domain));
    let presented = match table {
        Some(Ok(noised)) => return operation.tabulate(noised).map(Bytes::from),
        Some(Err(violation)) => Err(violation),
        None => query.present(kept, domain).map(Bytes::from),
    };
    presented.map_err(|violation| {
        tracing::error!(why = violation.what, "a release that is kept cannot be presented");
        Code::C093.into()
    })
}

/// The aggregates with their noise: the release of the query, before any post-processing. Aggregates outside the domain are
/// brought into it and alarmed: the caller is told nothing of it, because whether they are is data.
fn noised(
    call: &CallContext<'_, '_, Forwarded<'_>>,
    (query, statistics): (&Query, &Statistics),
    aggregates: &[u8],
    noise: Noise,
) -> Result<Vec<u8>, Refusal> {
    let released = query.base().release(noise, aggregates, statistics.domain());
    let released = released.map_err(|violation| Refusal::at(Code::C901, violation.at))?;
    if released.astray > 0 {
        let product = call.authorization.product;
        tracing::error!(product = %product.name, astray = released.astray, "aggregates lie outside the declared domain");
        call.gate.saw_drift(product);
    }
    Ok(released.bytes)
}

/// Whether consent and access still stand.
fn check_again(call: &CallContext<'_, '_, Forwarded<'_>>) -> Result<(), Refusal> {
    let gate = call.gate;
    let withdrawn = match &call.consent.consents {
        Some(consents) => {
            gate.check_withdrawals_known()?;
            gate.consents.is_withdrawn(consents)
        }
        None => false,
    };
    if withdrawn || !call.authorization.still_stands(&call.caller, gate, call.now()) {
        return Err(Code::C903.into());
    }
    Ok(())
}
