//! Intents and calls, and the terms they share.

use shuzha_core::{Code, Measure, MicroYuan, NanoCharge, PurposeClass};

use super::{DecodeError, Numbered, read_at, read_request, write_option};
use crate::cbor::{MapReader, MapWriter};
use crate::field::{self, Field};
use crate::record::{Call, Decision, Intent, Outcome, RefusalCount, Terms};

fn write_terms(w: &mut MapWriter<'_>, terms: &Terms<'_>) {
    w.name(&field::UNIT, terms.unit);
    w.name(&field::CREDENTIAL, terms.credential);
    w.name(&field::PRODUCT, terms.product);
    w.uint_unless_zero(&field::PRODUCT_VERSION, terms.version.into());
    w.name(&field::OPERATION, terms.operation);
    w.name(&field::SCENARIO, terms.scenario);
    w.name(&field::GRANT, terms.grant);
    w.name(&field::AGREEMENT, terms.agreement);
    w.uint_unless_zero(&field::PURPOSE, terms.purpose.map_or(0, Numbered::number));
    w.name(&field::PRICE, terms.price);
    w.name(&field::DATA_SET, terms.data_set);
    write_tag(w, &field::SNAPSHOT, &terms.snapshot);
}

fn read_terms<'a>(r: &mut MapReader<'a>) -> Result<Terms<'a>, DecodeError> {
    Ok(Terms {
        unit: r.name(&field::UNIT)?,
        credential: r.name(&field::CREDENTIAL)?,
        product: r.name(&field::PRODUCT)?,
        version: r.u32_or_zero(&field::PRODUCT_VERSION)?,
        operation: r.name(&field::OPERATION)?,
        scenario: r.name(&field::SCENARIO)?,
        grant: r.name(&field::GRANT)?,
        agreement: r.name(&field::AGREEMENT)?,
        purpose: match r.uint_or_zero(&field::PURPOSE)? {
            0 => None,
            number => Some(PurposeClass::from_number(number, &field::PURPOSE)?),
        },
        price: r.name(&field::PRICE)?,
        data_set: r.name(&field::DATA_SET)?,
        snapshot: read_tag(r, &field::SNAPSHOT)?,
    })
}

/// Eight bytes that are left out when all are zero: the stage that sets them was not reached.
fn write_tag(w: &mut MapWriter<'_>, field: &Field, tag: &[u8; 8]) {
    if *tag != [0; 8] {
        w.bytes(field, tag);
    }
}

fn read_tag(r: &mut MapReader<'_>, field: &Field) -> Result<[u8; 8], DecodeError> {
    match r.bytes(field)? {
        Some([0, 0, 0, 0, 0, 0, 0, 0]) => Err(DecodeError::NotCanonical),
        tag => Ok(tag.unwrap_or_default()),
    }
}

fn write_amount(w: &mut MapWriter<'_>, amount: MicroYuan) {
    if !amount.is_zero() {
        w.int(&field::AMOUNT, amount.micros());
    }
}

fn read_amount(r: &mut MapReader<'_>) -> Result<MicroYuan, DecodeError> {
    match r.int(&field::AMOUNT)? {
        Some(0) => Err(DecodeError::NotCanonical),
        micros => Ok(MicroYuan::from_micros(micros.unwrap_or(0))),
    }
}

pub(super) fn write_intent(w: &mut MapWriter<'_>, intent: &Intent<'_>) {
    w.uint(&field::KIND, super::INTENT);
    w.bytes(&field::REQUEST, intent.request.as_bytes());
    w.int(&field::AT, intent.received.micros());
    write_terms(w, &intent.terms);
    write_tag(w, &field::NONCE, &intent.nonce);
    write_option(w, &field::IDEMPOTENCY, intent.idempotency.as_ref());
    w.bytes(&field::REQUEST_COMMITMENT, &intent.request_commitment);
    write_option(w, &field::CONSENT, intent.consent.as_ref());
    w.uint_unless_zero(&field::CHARGE, intent.charge.nanos());
    write_amount(w, intent.amount);
    write_option(w, &field::CONSENT_PARENT, intent.consent_parent.as_ref());
    w.name(&field::SPACE, intent.space);
    w.uint_unless_zero(&field::MEASURE, intent.measure.map_or(0, Numbered::number));
    write_option(w, &field::RELEASE, intent.release.as_ref());
}

pub(super) fn read_intent<'a>(r: &mut MapReader<'a>) -> Result<Intent<'a>, DecodeError> {
    Ok(Intent {
        request: read_request(r)?,
        received: read_at(r)?,
        terms: read_terms(r)?,
        nonce: read_tag(r, &field::NONCE)?,
        idempotency: r.bytes(&field::IDEMPOTENCY)?,
        request_commitment: r
            .bytes(&field::REQUEST_COMMITMENT)?
            .ok_or(DecodeError::Missing(field::REQUEST_COMMITMENT.name))?,
        consent: r.bytes(&field::CONSENT)?,
        charge: NanoCharge::from_nanos(r.uint_or_zero(&field::CHARGE)?),
        amount: read_amount(r)?,
        consent_parent: r.bytes(&field::CONSENT_PARENT)?,
        space: r.name(&field::SPACE)?,
        measure: match r.uint_or_zero(&field::MEASURE)? {
            0 => None,
            number => Some(Measure::from_number(number, &field::MEASURE)?),
        },
        release: r.bytes(&field::RELEASE)?,
    })
}

pub(super) fn write_call(w: &mut MapWriter<'_>, call: &Call<'_>) {
    w.uint(&field::KIND, super::CALL);
    w.bytes(&field::REQUEST, call.request.as_bytes());
    w.int(&field::AT, call.received.micros());
    write_terms(w, &call.terms);
    write_tag(w, &field::NONCE, &call.nonce);
    write_option(w, &field::IDEMPOTENCY, call.idempotency.as_ref());
    write_option(w, &field::REQUEST_COMMITMENT, call.request_commitment.as_ref());
    write_option(w, &field::CONSENT, call.consent.as_ref());
    w.uint_unless_zero(&field::CHARGE, call.charge.nanos());
    write_amount(w, call.amount);
    w.uint(&field::DECISION, call.decision.number());
    w.uint_unless_zero(&field::OUTCOME, call.outcome.number());
    w.uint_unless_zero(&field::CODE, call.code.map_or(0, |code| code.number().into()));
    w.uint_unless_zero(&field::QUANTITY, call.quantity.into());
    write_option(w, &field::SUBJECT, call.subject.as_ref());
    w.uint_unless_zero(&field::ADMITTED_AFTER, call.admitted_after.into());
    w.uint_unless_zero(&field::SENT_AFTER, call.sent_after.into());
    w.uint_unless_zero(&field::ANSWERED_AFTER, call.answered_after.into());
    w.uint_unless_zero(&field::REQUEST_BYTES, call.request_bytes.into());
    w.uint_unless_zero(&field::RESPONSE_BYTES, call.response_bytes.into());
    write_option(w, &field::RESPONSE_COMMITMENT, call.response_commitment.as_ref());
    w.flag_unless_false(&field::SANDBOX, call.sandbox);
    write_option(w, &field::CONSENT_PARENT, call.consent_parent.as_ref());
    w.uint_unless_zero(&field::BASIS, call.basis.into());
    write_option(w, &field::OPENINGS, call.openings.as_ref());
}

pub(super) fn read_call<'a>(r: &mut MapReader<'a>) -> Result<Call<'a>, DecodeError> {
    // A struct's fields are evaluated in the order written: ascending keys, not the order of declaration.
    Ok(Call {
        request: read_request(r)?,
        received: read_at(r)?,
        terms: read_terms(r)?,
        nonce: read_tag(r, &field::NONCE)?,
        idempotency: r.bytes(&field::IDEMPOTENCY)?,
        request_commitment: r.bytes(&field::REQUEST_COMMITMENT)?,
        consent: r.bytes(&field::CONSENT)?,
        charge: NanoCharge::from_nanos(r.uint_or_zero(&field::CHARGE)?),
        amount: read_amount(r)?,
        decision: Decision::from_number(r.uint(&field::DECISION)?, &field::DECISION)?,
        outcome: Outcome::from_number(r.uint_or_zero(&field::OUTCOME)?, &field::OUTCOME)?,
        code: match r.uint_or_zero(&field::CODE)? {
            0 => None,
            number => {
                let code = u16::try_from(number).ok().and_then(Code::from_number);
                Some(code.ok_or(DecodeError::OutOfRange(field::CODE.name))?)
            }
        },
        quantity: r.u32_or_zero(&field::QUANTITY)?,
        subject: r.bytes(&field::SUBJECT)?,
        admitted_after: r.u32_or_zero(&field::ADMITTED_AFTER)?,
        sent_after: r.u32_or_zero(&field::SENT_AFTER)?,
        answered_after: r.u32_or_zero(&field::ANSWERED_AFTER)?,
        request_bytes: r.u32_or_zero(&field::REQUEST_BYTES)?,
        response_bytes: r.u32_or_zero(&field::RESPONSE_BYTES)?,
        response_commitment: r.bytes(&field::RESPONSE_COMMITMENT)?,
        sandbox: r.flag_or_false(&field::SANDBOX)?,
        consent_parent: r.bytes(&field::CONSENT_PARENT)?,
        basis: u8::try_from(r.uint_or_zero(&field::BASIS)?)
            .map_err(|_| DecodeError::OutOfRange(field::BASIS.name))?,
        openings: r.bytes(&field::OPENINGS)?,
    })
}

pub(super) fn write_refusal_count(w: &mut MapWriter<'_>, counted: &RefusalCount) {
    w.uint(&field::KIND, super::REFUSAL_COUNT);
    w.int(&field::AT, counted.at.micros());
    w.uint(&field::CODE, counted.code.number().into());
    w.uint(&field::COUNT, counted.count);
}

pub(super) fn read_refusal_count(r: &mut MapReader<'_>) -> Result<RefusalCount, DecodeError> {
    let at = read_at(r)?;
    let code = u16::try_from(r.uint(&field::CODE)?).ok().and_then(Code::from_number);
    let code = code.ok_or(DecodeError::OutOfRange(field::CODE.name))?;
    match r.uint(&field::COUNT)? {
        0 => Err(DecodeError::OutOfRange(field::COUNT.name)),
        count => Ok(RefusalCount { at, code, count }),
    }
}
