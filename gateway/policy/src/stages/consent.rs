//! Stage 4 of 10, consent: does the person's live consent (个人授权) cover exactly this? Of a business secret (商业秘密), the
//! enterprise's authorisation (企业授权): the same token, whose subject is the enterprise.
//!
//! Asks: the token, which is verified once and then known; unit, scenario, product, operation, purpose, fields and subject, which are
//! compared on every call; whether every withdrawal is known here. What may leave is contract ∩ grant ∩ consent: a consent never
//! widens anything. In the sandbox there are made-up persons only: none is needed, and one that a person gave is not to be shown.
//! Takes: one use of the consent, and one of the consent that it was derived from.
//! Refuses: C401 C402 C403 C404 C405 C406 C407 C408 C409 C410 C411 C412; C009 for a header that repeats.

use std::sync::Arc;

use shuzha_core::{Code, Refusal};
use shuzha_privacy::consent::{self, Asked, Consent};
use shuzha_privacy::output::FieldSet;

use super::authorise::{Authorization, Granted, Right};
use super::identify::AuthenticatedCaller;
use super::validate::{Validated, ValidatedRequest};
use crate::consent_cache::Known;
use crate::context::CallContext;
use crate::holds::{ConsentBounds, Consents};
use crate::signature::single;

/// The state of a call that whoever it is about agrees to.
pub(crate) struct Consented<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
}

/// Proof that the person or the enterprise agrees, where the product asks for it.
pub(crate) struct ConsentedRequest {
    /// The fields that may leave.
    pub(crate) fields: FieldSet,
    /// The consent, and the one that it was derived from.
    pub(crate) consents: Option<Consents>,
    _checked: (),
}

/// Checks the consent and holds one use of it.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Validated<'e>>,
) -> Result<CallContext<'c, 'e, Consented<'e>>, Refusal> {
    let Authorization { operation, fields, basis, .. } = call.authorization;
    let (fields, consents) = match (operation.personal, operation.secret, basis) {
        (false, false, _) => (fields, None),
        (true, _, Right::Granted(granted)) => take(&mut call, granted, Code::C401)?,
        (false, true, Right::Granted(granted)) => take(&mut call, granted, Code::C412)?,
        (_, _, Right::Sandbox(_)) => {
            if single(call.inbound.headers, "x-consent")?.is_some() {
                return Err(Refusal::at(Code::C405, "x-consent"));
            }
            (fields, None)
        }
    };
    let consent = ConsentedRequest { fields, consents, _checked: () };
    Ok(call.advance(|Validated { caller, authorization, request }| Consented {
        caller,
        authorization,
        request,
        consent,
    }))
}

/// The fields that the consent leaves, and the consent, of which one use is held. Without any, the call is refused as `missing`.
fn take<'e>(
    call: &mut CallContext<'_, 'e, Validated<'e>>,
    granted: Granted<'e>,
    missing: Code,
) -> Result<(FieldSet, Option<Consents>), Refusal> {
    let (gate, Authorization { product, operation, .. }) = (call.gate, call.authorization);
    let token = single(call.inbound.headers, "x-consent")?.ok_or(missing)?;
    let known = verified(call, token)?;
    let consent = &known.consent;
    consent.covers(&Asked {
        unit: call.caller.unit.name.as_str(),
        scenario: granted.scenario.name.as_str(),
        product: product.name.as_str(),
        action: operation.name.as_str(),
        purpose: granted.scenario.purpose.as_str(),
    })?;
    check_subject(call, consent)?;
    let fields = call.authorization.fields.and(operation.fields_among(&consent.fields));
    if operation.has_fields() && fields.is_empty() {
        return Err(Code::C405.into());
    }
    call.open.draft.consent = Some(known.consents);
    gate.check_withdrawals_known()?;
    if !call.request.replay.covers_consent(&known.consents.own) {
        let parent_max = consent.parent.as_ref().map_or(0, |parent| parent.max);
        let bounds = ConsentBounds { max: consent.uses_max, parent_max, expires: consent.expires };
        let taken = gate.consents.take(known.consents, bounds, call.now());
        call.open.holds.consent = Some(taken?);
    } else if gate.consents.is_withdrawn(&known.consents) {
        return Err(Code::C408.into());
    }
    Ok((fields, Some(known.consents)))
}

/// Whether the consent is of whom the request is about: named by the same function and key, or by the one blinded element.
fn check_subject(call: &CallContext<'_, '_, Validated<'_>>, consent: &Consent) -> Result<(), Code> {
    if call.request.is_blinded {
        consent.check_subject_is_element()?;
    } else {
        let prf = call.gate.keys.pseudonymiser.prf();
        consent.check_subject_named_by(prf.algorithm(), prf.key_id())?;
    }
    consent.check_subject(&call.request.subject.as_ref().ok_or(Code::C406)?.pseudonym)
}

/// The consent in `token`: from the cache, or verified now.
fn verified(call: &CallContext<'_, '_, Validated<'_>>, token: &str) -> Result<Arc<Known>, Refusal> {
    let (now, gate) = (call.now(), call.gate);
    // An issuer is a signer like any other: its clock may be as far ahead as a unit's.
    let ahead_max = gate.options.signature_window;
    let generation = call.snapshot.issuers_generation;
    if let Some(known) = gate.consent_cache.get(token, generation) {
        known.consent.check_time_within(now, ahead_max)?;
        return Ok(known);
    }
    let issuers = &call.snapshot.issuers;
    let (fresh, _) = consent::verify_within(token, issuers, &gate.options.audience, now, ahead_max)?;
    let committed = |jti: &str| gate.keys.consent_commitment(&fresh.issuer, jti);
    let parent = fresh.parent.as_ref().map(|parent| committed(&parent.jti));
    let consents = Consents { own: committed(&fresh.jti), parent };
    let fresh = Known::new(token, generation, fresh, consents);
    gate.consent_cache.put(Arc::clone(&fresh), now);
    Ok(fresh)
}
