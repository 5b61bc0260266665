//! Stage 9 of 10, release: what of the answer may leave?
//!
//! Parsed against the output contract and cut to the fields of grant and consent; verification answers normalised;
//! statistics noised and kept, so that the same query is never noised twice. Consent, suspension, credential, grant and what
//! else the right was made of are asked again, with the snapshot of this moment: what was taken away meanwhile does not leave.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use shuzha_core::{Code, Id, NanoCharge, Refusal};
use shuzha_pricing::Outcome as Billed;
use shuzha_privacy::dp::{Noise, Query};
use shuzha_privacy::output::{Cut, MaskKey};
use shuzha_privacy::watermark::Marker;

use super::forward::{Answer, Forwarded};
use super::price::Admission;
use crate::delivery::Marking;
use crate::env::Env;
use crate::releases::NewRelease;
use crate::snapshot::{Operation, Product, ReleaseName, Statistics};
use crate::{Opened, range};

/// Proof that the answer may leave.
pub(crate) struct Released<'e, S> {
    admission: Admission<'e>,
    outcome: Billed,
    body: ReleasedBody<S>,
}

/// What leaves.
pub(super) enum ReleasedBody<S> {
    /// A JSON answer.
    Whole(Bytes),
    /// A package, and how the unit's file is made of it where it is marked.
    Stream(Opened<S>, Option<Box<Marking>>),
}

impl<'e, S> Released<'e, S> {
    pub(super) fn into_parts(self) -> (Admission<'e>, Billed, ReleasedBody<S>) {
        (self.admission, self.outcome, self.body)
    }
}

/// Releases the answer.
pub(crate) async fn run<'e, S>(
    env: &mut Env<'e>,
    forwarded: Forwarded<'e, S>,
) -> Result<Released<'e, S>, Refusal> {
    let (mut admission, answer) = forwarded.into_parts();
    let (outcome, body) = match answer {
        Answer::Stream(opened) => {
            let right = admission.spend().slot().agreed().ask().right();
            let whose = (right.product(), right.operation(), &right.unit().name);
            (Billed::Package, check_opened(env, whose, opened)?)
        }
        Answer::Released(kept) => {
            let ask = admission.spend().slot().agreed().ask();
            let answer = match ask.query() {
                Some(query) => presented(ask.right().operation(), query, &kept)?,
                // A table whose small groups are hidden is kept as it left.
                None => kept,
            };
            (Billed::Answer, ReleasedBody::Whole(answer))
        }
        Answer::Aggregates { body, noise } => {
            let bytes = publish(env, &mut admission, &body, noise).await?;
            (Billed::Answer, ReleasedBody::Whole(bytes))
        }
        Answer::Whole(fetched) => {
            let agreed = admission.spend().slot().agreed();
            let operation = agreed.ask().right().operation();
            let right = agreed.ask().right();
            let key = mask_key(env, operation, &right.unit().name, &right.scenario().name, right.product());
            let key = match (key, agreed.ask().subject()) {
                (Some(key), Some(subject)) => Some(key.about(subject.as_bytes())),
                (key, _) => key,
            };
            let cut = Cut { fields: agreed.fields(), key: key.as_ref() };
            let released = operation.release(cut, fetched.status, &fetched.body);
            let released = released.map_err(|(refusal, unlisted)| {
                drifted(env, right.product(), unlisted);
                refusal
            })?;
            operation.verify(&env.call.body, &fetched.body)?;
            drifted(env, right.product(), released.unlisted);
            // As many answers as were asked for, or somebody pays for what did not come.
            if released.parts != agreed.ask().parts() {
                return Err(Code::C901.into());
            }
            let name = agreed.ask().release_name();
            let bytes = match name {
                Some(name) => keep_table(env, &mut admission, name, released.bytes.into()).await?,
                None => released.bytes.into(),
            };
            (released.outcome, ReleasedBody::Whole(bytes))
        }
    };
    if let ReleasedBody::Whole(bytes) = &body {
        env.check_same_answer(bytes)?;
    }
    check_again(env, &admission)?;
    if !env.was_answered() {
        let ask = admission.spend().slot().agreed().ask();
        env.gate.saw_answer(ask, env.facts.subject.as_ref(), &env.facts.body_sha256, outcome);
    }
    Ok(Released { admission, outcome, body })
}

/// The key of the operation's masks for this unit and scenario, where one needs it.
pub(super) fn mask_key(
    env: &Env<'_>,
    operation: &Operation,
    unit: &Id,
    scenario: &Id,
    product: &Product,
) -> Option<MaskKey> {
    operation.is_keyed().then(|| {
        let key = env.gate.keys.pseudonymiser.mask_key(unit, scenario, &product.name);
        operation.mask_key(&key, &env.call.body)
    })
}

/// A package service may answer 200, 206 or 416, and what it says of a range must be so. Of a marked package it was asked for
/// all: each unit has a file of its own, with an entity tag of its own, from which its ranges are cut here.
pub(super) fn check_opened<S>(
    env: &Env<'_>,
    (product, operation, unit): (&Product, &Operation, &Id),
    opened: Opened<S>,
) -> Result<ReleasedBody<S>, Refusal> {
    let field = |name| env.call.headers.get(name);
    let Some(layout) = operation.watermark() else {
        let opened = range::check(opened, field(http::header::RANGE))?;
        return Ok(ReleasedBody::Stream(opened, None));
    };
    if opened.status != 200 || opened.content_range.is_some() {
        return Err(Code::C804.into());
    }
    let marks = env.gate.keys.watermarks.product(product.name.as_str());
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
fn drifted(env: &Env<'_>, product: &Product, unlisted: u32) {
    if unlisted > 0 {
        env.gate.metrics.unlisted_fields(unlisted);
        env.gate.saw_drift(product);
    }
}

/// Keeps a table whose small groups are hidden before its first byte may leave: it, and no other, is given from now on.
async fn keep_table(
    env: &mut Env<'_>,
    admission: &mut Admission<'_>,
    name: ReleaseName,
    answer: Bytes,
) -> Result<Bytes, Refusal> {
    let asked_by = env.gate.asker(&admission.spend().slot().agreed().ask().right().unit().name);
    let dated = name.family.map(|family| (family, env.now()));
    let new = NewRelease { answer, charge: NanoCharge::ZERO, asked_by, dated };
    let place = admission.spend_mut().take_in_flight();
    env.gate.releases.put(name.key, new, place).await
}

/// Adds the noise, and keeps the answer on disk before its first byte may leave. From before it is kept the call's record will
/// say so, whatever becomes of the call: whoever hangs up meanwhile does not undo it.
async fn publish(
    env: &mut Env<'_>,
    admission: &mut Admission<'_>,
    aggregates: &[u8],
    noise: Noise,
) -> Result<Bytes, Refusal> {
    let ask = admission.spend().slot().agreed().ask();
    let (query, statistics) = ask.query().expect("only a query is answered by aggregates");
    let operation = ask.right().operation();
    let answer = noised(env, ask.right().product(), (query, statistics), aggregates, noise)?;
    let delivered = presented(operation, (query, statistics), &answer)?;
    let name = ask.release_name().expect("what a query is answered with is a release");
    let dated = name.family.map(|family| (family, env.now()));
    let charge = query.charge();
    env.facts.kept = Some((super::settle::committed(env, &delivered)?, delivered.len() as u64));
    let asked_by = env.gate.asker(&ask.right().unit().name);
    let new = NewRelease { answer: answer.into(), charge, asked_by, dated };
    let place = admission.spend_mut().take_in_flight();
    let kept = match env.gate.releases.put(name.key, new, place).await {
        Ok(kept) => kept,
        Err(refusal) => {
            env.facts.kept = None;
            return Err(refusal);
        }
    };
    let ask = admission.spend().slot().agreed().ask();
    let query = ask.query().expect("only a query is answered by aggregates");
    let delivered = presented(ask.right().operation(), query, &kept)?;
    env.facts.kept = Some((super::settle::committed(env, &delivered)?, delivered.len() as u64));
    Ok(delivered)
}

/// The answer to `query` out of the release that is kept; of a table, the view of it that `operation` is.
pub(super) fn presented(
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
pub(super) fn noised(
    env: &Env<'_>,
    product: &Product,
    (query, statistics): (&Query, &Statistics),
    aggregates: &[u8],
    noise: Noise,
) -> Result<Vec<u8>, Refusal> {
    let released = query.base().release(noise, aggregates, statistics.domain());
    let released = released.map_err(|violation| Refusal::at(Code::C901, violation.at))?;
    if released.astray > 0 {
        tracing::error!(product = %product.name, astray = released.astray, "aggregates lie outside the declared domain");
        env.gate.saw_drift(product);
    }
    Ok(released.bytes)
}

/// Whether consent and access still stand.
fn check_again(env: &Env<'_>, admission: &Admission<'_>) -> Result<(), Refusal> {
    if env.facts.consent.is_some() {
        env.gate.check_withdrawals_known()?;
    }
    let withdrawn = env.facts.consent.is_some_and(|consents| env.gate.consents.is_withdrawn(&consents));
    let right = admission.spend().slot().agreed().ask().right();
    let latest = env.gate.snapshot();
    let stopped = env.gate.is_use_stopped(&right.scenario().name);
    let now = env.now();
    let stands = right.stands_in(&latest, env.facts.terms.credential, now);
    if withdrawn || stopped || !stands || right.check_suspension(&latest, now).is_err() {
        return Err(Code::C903.into());
    }
    Ok(())
}
