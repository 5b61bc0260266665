//! Stage 10 of 10, settle: one record, durable, then the answer leaves.
//!
//! Money and quota are posted for an answer that was produced, at the price of its outcome; nothing is charged for
//! our failure or the product service's.

use std::sync::Arc;

use bytes::Bytes;
use shuzha_core::{Code, MicroYuan, Refusal};
use shuzha_evidence::{Commitment, Decision, Delivery as DeliveryRecord, Entry, Outcome};
use shuzha_pricing::{Basis, Outcome as Billed};

use super::release::{Released, ReleasedBody};
use crate::delivery::{Delivery, Marking};
use crate::env::{Ending, Env, unavailable};
use crate::idempotency::Kept;
use crate::{Opened, Payload, Reply};

/// Settles the call and hands its answer out.
pub(crate) async fn run<'e, S>(env: &mut Env<'e>, released: Released<'e, S>) -> Result<Reply<S>, Refusal> {
    let (admission, outcome, body) = released.into_parts();
    let ask = admission.spend().slot().agreed().ask();
    let (grant, parts) = (ask.right().grant().name.as_str(), ask.parts());
    let mut basis = admission.basis(outcome);
    // Of several first fetches at once, one pays.
    let claims = outcome == Billed::Package && basis.is_charged() && env.holds.money.is_some();
    let claimed = claims && env.gate.packages.claim(grant);
    if claims && !claimed {
        basis = Basis::Repeated;
    }
    env.facts.basis = basis;
    let charged = env.holds.money.as_mut().filter(|_| basis.is_charged());
    let amount = charged.map_or(MicroYuan::ZERO, |hold| hold.charge());
    let quantity = if env.was_answered() { 0 } else { parts };
    let settled = answer(env, body, amount, quantity).await;
    if settled.is_err() && claimed {
        env.gate.packages.unclaim(grant);
    }
    settled
}

/// Settles a trial: free, of no quantity.
pub(super) async fn trial<S>(env: &mut Env<'_>, body: ReleasedBody<S>) -> Result<Reply<S>, Refusal> {
    answer(env, body, MicroYuan::ZERO, 0).await
}

/// Records the answer at `amount`, and hands it out.
async fn answer<S>(
    env: &mut Env<'_>,
    body: ReleasedBody<S>,
    amount: MicroYuan,
    quantity: u32,
) -> Result<Reply<S>, Refusal> {
    let (status, bytes, commitment) = match &body {
        ReleasedBody::Whole(bytes) => (200, bytes.len() as u64, Some(committed(env, bytes)?)),
        ReleasedBody::Stream(opened, _) => (opened.status, opened.length.unwrap_or(0), None),
    };
    let replayed = env.was_answered();
    let ending = Ending {
        decision: if replayed { Decision::Replayed } else { Decision::Answered },
        code: None,
        outcome: if quantity > 0 && env.facts.basis.is_charged() {
            Outcome::Charged
        } else {
            Outcome::Uncharged
        },
        quantity,
        amount,
        response_bytes: bytes,
        response_commitment: commitment,
    };
    let receipt = record(env, &ending).await?;
    let payload = match body {
        ReleasedBody::Whole(body) => {
            keep(env, &body, amount, &receipt);
            Payload::Answer(body)
        }
        ReleasedBody::Stream(opened, marking) => stream(env, opened, marking),
    };
    Ok(reply(env, status, receipt, amount, replayed, payload))
}

/// Gives the answer of an earlier try again: recorded, not charged, not counted.
pub(crate) async fn again<S>(env: &mut Env<'_>, kept: Kept) -> Result<Reply<S>, Refusal> {
    if let Some(consents) = &kept.consent {
        env.gate.check_withdrawals_known()?;
        if env.gate.consents.is_withdrawn(consents) {
            return Err(Code::C408.into());
        }
    }
    let ending = Ending {
        decision: Decision::Replayed,
        code: None,
        outcome: Outcome::Uncharged,
        quantity: 0,
        amount: MicroYuan::ZERO,
        response_bytes: kept.body.len() as u64,
        response_commitment: Some(committed(env, &kept.body)?),
    };
    record(env, &ending).await?;
    Ok(reply(env, 200, kept.receipt, kept.fee, true, Payload::Answer(kept.body)))
}

/// Waits until the record is on disk. If it cannot be, nothing leaves and no money is taken.
async fn record(env: &mut Env<'_>, ending: &Ending) -> Result<String, Refusal> {
    let durable = env.close(ending)?;
    match durable.await {
        Ok(position) => Ok(position.to_string()),
        Err(why) => {
            env.not_recorded();
            Err(unavailable(why))
        }
    }
}

fn keep(env: &mut Env<'_>, body: &Bytes, fee: MicroYuan, receipt: &str) {
    if let Some(key) = env.in_use.take() {
        let consent = env.facts.consent;
        key.answered(Kept { body: body.clone(), fee, receipt: receipt.to_owned(), consent });
    }
}

pub(super) fn committed(env: &Env<'_>, body: &[u8]) -> Result<Commitment, Refusal> {
    let request = &env.call.request;
    let committer = env.gate.keys.period(env.call.received)?;
    Ok(committer.opening(request.as_bytes()).answer(request, body))
}

/// A package on its way: what arrives is counted, and recorded when the stream ends.
fn stream<S>(env: &Env<'_>, opened: Opened<S>, marking: Option<Box<Marking>>) -> Payload<S> {
    let journal = env.gate.journal.clone();
    let clock = Arc::clone(&env.gate.clock);
    let request = env.call.request;
    let grant = env.facts.terms.grant.to_owned();
    let from = opened.content_range.as_ref().and_then(|range| first_byte(range.as_bytes())).unwrap_or(0);
    let opening = env.gate.keys.period(env.call.received).ok().map(|keys| keys.opening(request.as_bytes()));
    let delivery = Delivery::new(move |delivered| {
        let (at, bytes, complete) = (clock.now(), delivered.bytes, delivered.is_complete());
        let digest = delivered.sha256.as_ref().zip(opening.as_ref());
        let digest = digest.map(|(sha256, opening)| opening.delivered(&request, sha256));
        let entry = DeliveryRecord { request, at, grant: &grant, from, bytes, complete, digest };
        if journal.append(&Entry::Delivery(entry)).is_err() {
            tracing::error!(%request, bytes, "the delivery of a package could not be recorded");
        }
    });
    Payload::Stream {
        length: opened.length,
        content_range: opened.content_range,
        etag: opened.etag,
        stream: opened.stream,
        delivery: delivery.marked(marking),
    }
}

/// The first byte of `bytes FIRST-LAST/SIZE` (RFC 9110 §14.4).
fn first_byte(content_range: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(content_range).ok()?;
    text.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn reply<S>(
    env: &Env<'_>,
    status: u16,
    receipt: String,
    fee: MicroYuan,
    replayed: bool,
    payload: Payload<S>,
) -> Reply<S> {
    Reply {
        request: env.call.request,
        status,
        receipt: Some(receipt),
        fee: Some(fee),
        limit: env.facts.limit,
        replayed,
        sandbox: env.sandbox,
        payload,
    }
}
