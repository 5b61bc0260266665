//! Stage 10 of 10, settle: one record, durable, then the answer leaves.
//!
//! Asks: what the outcome costs at the price of stage 7. Nothing is charged for our failure, the product service's, or a trial.
//! Takes: money and quota are posted for an answer that was produced; of several first fetches of a package at once, one pays.
//! Refuses: C090 C092 C093: nothing leaves without its record. For an answer that is given again: C408 C410.

use std::sync::Arc;

use bytes::Bytes;
use shuzha_core::{Code, MicroYuan, Refusal};
use shuzha_evidence::{Commitment, Decision, Delivery as DeliveryRecord, Entry, Outcome};
use shuzha_pricing::{Basis, Outcome as Billed};

use super::authorise::Right;
use super::limit::Paced;
use super::release::{Released, ReleasedBody};
use crate::context::CallContext;
use crate::delivery::{Delivery, Marking};
use crate::draft::CallOutcome;
use crate::idempotency::Kept;
use crate::open_call::unavailable;
use crate::{Opened, Payload, Reply};

/// Settles the call and hands its answer out.
pub(crate) async fn run<'e, S>(
    mut call: CallContext<'_, 'e, Released<'e>>,
    body: ReleasedBody<S>,
) -> Result<Reply<S>, Refusal> {
    // A trial is free, and of no quantity.
    let Right::Granted(granted) = call.authorization.basis else {
        return answer(&mut call, body, MicroYuan::ZERO, 0).await;
    };
    let gate = call.gate;
    let mut basis = call.price.basis(call.outcome);
    // Of several first fetches at once, one pays.
    let claims = call.outcome == Billed::Package && basis.is_charged() && call.open.holds.money.is_some();
    let claimed = claims && gate.packages.claim(granted.grant.name.as_str());
    if claims && !claimed {
        basis = Basis::Repeated;
    }
    call.open.draft.basis = basis;
    let charged = call.open.holds.money.as_mut().filter(|_| basis.is_charged());
    let amount = charged.map_or(MicroYuan::ZERO, |hold| hold.charge());
    let quantity = if call.request.replay.was_answered() { 0 } else { call.request.parts };
    let settled = answer(&mut call, body, amount, quantity).await;
    if settled.is_err() && claimed {
        gate.packages.unclaim(granted.grant.name.as_str());
    }
    settled
}

/// Records the answer at `amount`, and hands it out.
async fn answer<'e, S>(
    call: &mut CallContext<'_, 'e, Released<'e>>,
    body: ReleasedBody<S>,
    amount: MicroYuan,
    quantity: u32,
) -> Result<Reply<S>, Refusal> {
    let (status, bytes, commitment) = match &body {
        ReleasedBody::Whole(bytes) => (200, bytes.len() as u64, Some(committed(call, bytes)?)),
        ReleasedBody::Stream(opened, _) => (opened.status, opened.length.unwrap_or(0), None),
    };
    let replayed = call.request.replay.was_answered();
    let charged = quantity > 0 && call.open.draft.basis.is_charged();
    let ended = CallOutcome {
        decision: if replayed { Decision::Replayed } else { Decision::Answered },
        code: None,
        outcome: if charged { Outcome::Charged } else { Outcome::Uncharged },
        quantity,
        amount,
        response_bytes: bytes,
        response_commitment: commitment,
    };
    let receipt = record(call, &ended).await?;
    let payload = match body {
        ReleasedBody::Whole(body) => {
            keep(call, &body, amount, &receipt);
            Payload::Answer(body)
        }
        ReleasedBody::Stream(opened, marking) => stream(call, opened, marking),
    };
    Ok(reply(call, status, receipt, amount, replayed, payload))
}

/// Gives the answer of an earlier try again: recorded, not charged, not counted.
pub(crate) async fn again<S>(mut call: CallContext<'_, '_, Paced>, kept: Kept) -> Result<Reply<S>, Refusal> {
    if let Some(consents) = &kept.consent {
        call.gate.check_withdrawals_known()?;
        if call.gate.consents.is_withdrawn(consents) {
            return Err(Code::C408.into());
        }
    }
    let ended = CallOutcome {
        decision: Decision::Replayed,
        code: None,
        outcome: Outcome::Uncharged,
        quantity: 0,
        amount: MicroYuan::ZERO,
        response_bytes: kept.body.len() as u64,
        response_commitment: Some(committed(&call, &kept.body)?),
    };
    record(&mut call, &ended).await?;
    Ok(reply(&call, 200, kept.receipt, kept.fee, true, Payload::Answer(kept.body)))
}

/// Waits until the record is on disk. If it cannot be, nothing leaves and no money is taken.
async fn record<S>(call: &mut CallContext<'_, '_, S>, ended: &CallOutcome) -> Result<String, Refusal> {
    let durable = call.open.close(ended)?;
    match durable.await {
        Ok(position) => Ok(position.to_string()),
        Err(why) => {
            call.open.not_recorded();
            Err(unavailable(why))
        }
    }
}

fn keep<'e>(call: &mut CallContext<'_, 'e, Released<'e>>, body: &Bytes, fee: MicroYuan, receipt: &str) {
    if let Some(key) = call.open.key.take() {
        let consent = call.consent.consents;
        key.answered(Kept { body: body.clone(), fee, receipt: receipt.to_owned(), consent });
    }
}

/// The commitment to an answer.
pub(super) fn committed<S>(call: &CallContext<'_, '_, S>, body: &[u8]) -> Result<Commitment, Refusal> {
    let request = &call.inbound.request;
    let committer = call.gate.keys.period(call.inbound.received)?;
    Ok(committer.opening(request.as_bytes()).answer(request, body))
}

/// A package on its way: what arrives is counted, and recorded when the stream ends.
fn stream<'e, S>(
    call: &CallContext<'_, 'e, Released<'e>>,
    opened: Opened<S>,
    marking: Option<Box<Marking>>,
) -> Payload<S> {
    let journal = call.gate.journal.clone();
    let clock = Arc::clone(&call.gate.clock);
    let request = call.inbound.request;
    let grant = call.open.draft.terms.grant.to_owned();
    let from = opened.content_range.as_ref().and_then(|range| first_byte(range.as_bytes())).unwrap_or(0);
    let opening =
        call.gate.keys.period(call.inbound.received).ok().map(|keys| keys.opening(request.as_bytes()));
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

fn reply<S, T>(
    call: &CallContext<'_, '_, T>,
    status: u16,
    receipt: String,
    fee: MicroYuan,
    replayed: bool,
    payload: Payload<S>,
) -> Reply<S> {
    Reply {
        request: call.inbound.request,
        status,
        receipt: Some(receipt),
        fee: Some(fee),
        limit: call.open.limits,
        replayed,
        sandbox: call.open.draft.sandbox,
        payload,
    }
}
