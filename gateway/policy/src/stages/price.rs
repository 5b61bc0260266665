//! Stage 7 of 10, price: exactly one price in force, under the ceiling, for a product that may be traded, and the unit can
//! pay it.
//!
//! The purpose class of the approved scenario decides free or paid, never the request. The most the call may cost
//! is held; what its outcome costs is posted in stage 10.

use shuzha_core::{Code, MicroYuan, Refusal};
use shuzha_pricing::rating::{basis, with_outcome};
use shuzha_pricing::{Asked, Basis, Month, Outcome, Price};

use super::authorise::Right;
use super::budget::Spend;
use crate::env::Env;
use crate::holds::{CountKey, Ordered};

/// Proof that stages 1–7 passed. Only with this can a request leave for a product service.
pub(crate) struct Admission<'e> {
    spend: Spend<'e>,
    price: &'e Price,
    basis: Basis,
}

impl<'e> Admission<'e> {
    /// What is spent.
    pub(crate) fn spend(&self) -> &Spend<'e> {
        &self.spend
    }
    /// What is spent.
    pub(crate) fn spend_mut(&mut self) -> &mut Spend<'e> {
        &mut self.spend
    }

    /// On what basis an answer of this kind is charged or free.
    pub(crate) fn basis(&self, outcome: Outcome) -> Basis {
        with_outcome(self.basis, self.price, outcome)
    }
}

/// Resolves the price and holds the most the call may cost.
pub(crate) fn run<'e>(env: &mut Env<'e>, spend: Spend<'e>) -> Result<Admission<'e>, Refusal> {
    let ask = spend.slot().agreed().ask();
    let (right, parts) = (ask.right(), ask.parts());
    let (product, scenario) = (right.product(), right.scenario());
    let asked = Asked {
        product: product.name.as_str(),
        operation: right.operation().name.as_str(),
        scenario: scenario.name.as_str(),
        purpose: scenario.purpose,
    };
    let price = env.snapshot.prices.resolve(&asked, env.call.received)?;
    env.facts.terms.price = price.id.as_str();
    let provider = price.provider_parts.is_some() && env.snapshot.provides(right.unit(), product);
    let mut basis = basis(price, scenario.purpose, provider);
    // A package is charged once per grant (REQUIREMENTS E9): ranges and resumptions of a paid one are free.
    if basis.is_charged()
        && right.operation().streamed()
        && env.gate.packages.is_paid(right.grant().name.as_str())
    {
        basis = Basis::Repeated;
    }
    if basis.is_charged() && !env.was_answered() {
        hold(env, right, price, (basis, parts))?;
    }
    env.facts.admitted = Some(env.now());
    Ok(Admission { spend, price, basis })
}

/// Holds what the call may cost, and its place among the calls of its price. Where every call costs nothing it needs no credit.
fn hold<'e>(
    env: &mut Env<'e>,
    right: &Right<'e>,
    price: &Price,
    (basis, parts): (Basis, u32),
) -> Result<(), Refusal> {
    let unit = right.unit();
    let nothing = basis == Basis::Price && price.tariff.flat().is_some_and(MicroYuan::is_zero);
    // REQUIREMENTS G6: free purposes need no exchange.
    if !nothing && !env.snapshot.rules.listing.permits_payment(&right.product().listings, env.call.received) {
        return Err(Code::C706.into());
    }
    let limit = match unit.credit_limit {
        None if nothing => MicroYuan::ZERO,
        limit => limit.ok_or(Code::C704)?,
    };
    let agreement = env.snapshot.agreement(right.grant()).ok_or(Code::C205)?;
    let key = CountKey {
        price: price.id.clone(),
        scenario: right.scenario().name.clone(),
        agreement: agreement.name.clone(),
        purpose: right.scenario().purpose,
        basis,
        month: Month::of(env.call.received).map_err(|_| Code::C705)?,
    };
    let ordered = Ordered::new(key, parts, price, &env.snapshot.prices);
    env.holds.money = Some(env.gate.purses.hold(&unit.name, limit, ordered)?);
    Ok(())
}
