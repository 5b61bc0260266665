//! Stage 7 of 10, price: exactly one price in force, under the ceiling, for a product that may be traded, and the unit can
//! pay it.
//!
//! The purpose class of the approved scenario decides free or paid, never the request. The most the call may cost
//! is held; what its outcome costs is posted in stage 10.

use shuzha_core::{Code, MicroYuan, Refusal};
use shuzha_pricing::{Outcome, Price};

use super::budget::Spend;
use crate::env::{Env, Takes};

/// Proof that stages 1–7 passed. Only with this can a request leave for a product service.
pub(crate) struct Admission<'e> {
    spend: Spend<'e>,
    price: &'e Price,
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

    /// What an answer of this kind costs here.
    pub(crate) fn amount(&self, env: &Env<'_>, outcome: Outcome) -> Result<MicroYuan, Refusal> {
        if env.takes == Takes::Nothing {
            return Ok(MicroYuan::ZERO);
        }
        let ask = self.spend.slot().agreed().ask();
        let purpose = ask.right().scenario().purpose;
        Ok(shuzha_pricing::rate(self.price, purpose, ask.parts().into(), outcome)?.amount)
    }
}

/// Resolves the price and holds the most the call may cost.
pub(crate) fn run<'e>(env: &mut Env<'e>, spend: Spend<'e>) -> Result<Admission<'e>, Refusal> {
    let right = spend.slot().agreed().ask().right();
    let product = right.product();
    let paid_before = right.operation().streamed() && env.gate.packages.is_paid(right.grant().name.as_str());
    let operation = right.operation().name.as_str();
    let price = env.snapshot.prices.resolve(product.name.as_str(), operation, env.now())?;
    env.facts.terms.price = price.id.as_str();
    let most = if env.takes == Takes::Nothing {
        MicroYuan::ZERO
    } else {
        shuzha_pricing::quote(price, right.scenario().purpose, spend.slot().agreed().ask().parts().into())?
            .amount
    };
    let unit = right.unit();
    // A package is charged once per grant (REQUIREMENTS E9): ranges and resumptions of a paid one are free.
    if !most.is_zero() && !paid_before {
        // REQUIREMENTS G6: free purposes need no exchange.
        if !env.snapshot.rules.listing.permits_payment(&product.listings, env.now()) {
            return Err(Code::C706.into());
        }
        let limit = unit.credit_limit.ok_or(Code::C704)?;
        env.holds.money = Some(env.gate.purses.hold(&unit.name, limit, most)?);
    }
    env.facts.admitted = Some(env.now());
    Ok(Admission { spend, price })
}
