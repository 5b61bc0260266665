//! Stage 7 of 10, price: exactly one price in force, under the ceiling, for a product that may be traded, and the unit can pay it.
//!
//! Asks: the price of product, operation, scenario and purpose; the purpose class of the approved scenario decides free or paid, never
//! the request. In the sandbox nothing has a price.
//! Takes: the most that the call may cost of the unit's credit; what its outcome costs is posted in stage 10. A plan is judged alike
//! and takes nothing.
//! Refuses: C701 C702 C703 C704 C705 C706.

use shuzha_core::{Code, MicroYuan, Refusal};
use shuzha_pricing::rating::{basis, with_outcome};
use shuzha_pricing::{Asked, Basis, Month, Outcome, Price};

use super::authorise::{Authorization, Granted, Right};
use super::budget::{Budgeted, PrivacyReservation};
use super::consent::ConsentedRequest;
use super::identify::AuthenticatedCaller;
use super::validate::ValidatedRequest;
use crate::context::CallContext;
use crate::holds::{CountKey, Ordered};

/// The state of a call that stages 1 to 7 admit. Only from here can a request leave for a product service.
pub(crate) struct Admitted<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
    pub(crate) privacy: PrivacyReservation,
    pub(crate) price: PriceInForce<'e>,
}

/// The price of a call; a trial has none.
#[derive(Clone, Copy)]
pub(crate) struct PriceInForce<'e> {
    price: Option<(&'e Price, Basis)>,
}

impl PriceInForce<'_> {
    /// On what basis an answer of this kind is charged or free.
    pub(crate) fn basis(&self, outcome: Outcome) -> Basis {
        self.price.map_or_else(Basis::default, |(price, basis)| with_outcome(basis, price, outcome))
    }
}

/// Resolves the price and holds the most the call may cost.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Budgeted<'e>>,
) -> Result<CallContext<'c, 'e, Admitted<'e>>, Refusal> {
    let price = match call.authorization.basis {
        Right::Granted(granted) => Some(resolve(&mut call, granted)?),
        Right::Sandbox(_) => None,
    };
    if !call.authorization.is_plan {
        call.open.draft.admitted = Some(call.now());
    }
    let price = PriceInForce { price };
    Ok(call.advance(|Budgeted { caller, authorization, request, consent, privacy }| Admitted {
        caller,
        authorization,
        request,
        consent,
        privacy,
        price,
    }))
}

/// The price of a real call, and on what basis it is charged; what it may cost is held.
fn resolve<'e>(
    call: &mut CallContext<'_, 'e, Budgeted<'e>>,
    granted: Granted<'e>,
) -> Result<(&'e Price, Basis), Refusal> {
    let Authorization { product, operation, is_plan, .. } = call.authorization;
    let Granted { scenario, grant, .. } = granted;
    let asked = Asked {
        product: product.name.as_str(),
        operation: operation.name.as_str(),
        scenario: scenario.name.as_str(),
        purpose: scenario.purpose,
    };
    let price = call.snapshot.prices.resolve(&asked, call.inbound.received)?;
    if !is_plan {
        call.open.draft.terms.price = price.id.as_str();
    }
    let unit = call.caller.unit;
    let provider = price.provider_parts.is_some() && call.snapshot.provides(unit, product);
    let mut basis = basis(price, scenario.purpose, provider);
    // A package is charged once per grant (REQUIREMENTS E9): ranges and resumptions of a paid one are free.
    if basis.is_charged() && operation.streamed() && call.gate.packages.is_paid(grant.name.as_str()) {
        basis = Basis::Repeated;
    }
    if basis.is_charged() && !call.request.replay.was_answered() {
        let (limit, ordered) = ordered(call, granted, price, basis)?;
        if is_plan {
            call.gate.purses.would(&unit.name, limit, &ordered)?;
        } else {
            call.open.holds.money = Some(call.gate.purses.hold(&unit.name, limit, ordered)?);
        }
    }
    Ok((price, basis))
}

/// What is to be held, and the credit it is held of. Where every call costs nothing it needs no credit.
fn ordered<'e>(
    call: &CallContext<'_, 'e, Budgeted<'e>>,
    Granted { scenario, agreement, .. }: Granted<'e>,
    price: &Price,
    basis: Basis,
) -> Result<(MicroYuan, Ordered), Refusal> {
    let (snapshot, received) = (call.snapshot, call.inbound.received);
    let nothing = basis == Basis::Price && price.tariff.flat().is_some_and(MicroYuan::is_zero);
    // REQUIREMENTS G6: free purposes need no exchange.
    let listings = &call.authorization.product.listings;
    if !nothing && !snapshot.rules.listing.permits_payment(listings, received) {
        return Err(Code::C706.into());
    }
    let limit = match call.caller.unit.credit_limit {
        None if nothing => MicroYuan::ZERO,
        limit => limit.ok_or(Code::C704)?,
    };
    let key = CountKey {
        price: price.id.clone(),
        scenario: scenario.name.clone(),
        agreement: agreement.name.clone(),
        purpose: scenario.purpose,
        basis,
        month: Month::of(received).map_err(|_| Code::C705)?,
    };
    Ok((limit, Ordered::new(key, call.request.parts, price, &snapshot.prices)))
}
