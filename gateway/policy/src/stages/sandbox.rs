//! Stages 2–10 for a test credential (沙箱, REQUIREMENTS K1): the same questions in the same order, on synthetic data.
//!
//! The fork is after stage 1, and by type: everything real is reached through a [`Caller`](super::identify::Caller),
//! and here is only a [`Trial`]. Of a trial's own are what it asks for (any product of the catalogue, with or without a
//! scenario of the unit's own, no certificate, review, agreement or grant) and whom it asks (the product's synthetic
//! service or its example). It takes no consent, budget or money, and holds only its place in the sandbox's own limits.

use shuzha_core::{Code, Id, Refusal};
use shuzha_privacy::dp::Query;
use shuzha_privacy::output::Cut;

use super::forward::{self, Answer, Outgoing};
use super::identify::Trial;
use super::release::{self, ReleasedBody};
use super::{authorise, plan, settle, validate};
use crate::env::Env;
use crate::idempotency::Found;
use crate::sandbox::Sandbox;
use crate::signature::single;
use crate::snapshot::{Operation, Product, Scenario, Snapshot, Statistics};
use crate::{Reply, Upstream};

/// What is tried.
struct Offer<'e> {
    trial: Trial<'e>,
    product: &'e Product,
    operation: &'e Operation,
    scenario: Option<&'e Scenario>,
    source: Source<'e>,
}

/// Where the answer comes from.
enum Source<'e> {
    /// The product's synthetic service; that it is one was checked when the world was read.
    Service(&'e Id),
    /// The declared example.
    Example(&'e [u8]),
}

/// A query over the synthetic data, as stage 3 read it.
type Asked<'e> = Option<(Query, &'e Statistics)>;

/// Walks a trial through the other stages.
pub(crate) async fn walk<'e, U: Upstream>(
    env: &mut Env<'e>,
    trial: Trial<'e>,
    upstream: &U,
) -> Result<Reply<U::Stream>, Refusal> {
    let offer = authorise(env, trial)?;
    let parsed = validate::parse(env, offer.operation)?;
    let query = match &parsed {
        Some(parsed) => validate::query(offer.product, offer.operation, parsed)?,
        None => None,
    };
    if env.plans {
        limit(env, &offer)?;
        let (query, statistics) = query.as_ref().ok_or(Code::C610)?;
        return plan::trial(env, query, statistics).await;
    }
    let keys = &env.gate.sandbox.keys;
    match validate::begin_try(env, "sandbox idempotency", keys)? {
        Found::Answered(kept) => return settle::again(env, kept).await,
        Found::First | Found::Spent(_) | Found::AnsweredBefore(_) => {}
    }
    consent(env, &offer)?;
    limit(env, &offer)?;
    env.facts.admitted = Some(env.now());
    let body = answer(env, &offer, query, upstream).await?;
    offer.check_suspension(&env.gate.snapshot(), env).map_err(|_| Code::C903)?;
    settle::trial(env, body).await
}

/// Stage 2: a product with a sandbox, nothing of it suspended. A scenario may be named and must then be the unit's own;
/// it need not be approved yet.
fn authorise<'e>(env: &mut Env<'e>, trial: Trial<'e>) -> Result<Offer<'e>, Refusal> {
    let snapshot: &'e Snapshot = env.snapshot;
    let (product, operation) = authorise::route(env)?;
    let source = match (&product.sandbox, operation.example()) {
        (Some(service), _) => Source::Service(service),
        (None, Some(example)) => Source::Example(example),
        (None, None) => return Err(Code::C210.into()),
    };
    let scenario = match single(env.call.headers, "x-scenario")? {
        Some(named) => {
            let own = snapshot.scenarios.get(named).filter(|scenario| scenario.unit == trial.unit().name);
            Some(&**own.ok_or(Code::C204)?)
        }
        None => None,
    };
    if let Some(scenario) = scenario {
        env.facts.terms.scenario = scenario.name.as_str();
        env.facts.terms.purpose = Some(scenario.purpose);
    }
    let offer = Offer { trial, product, operation, scenario, source };
    offer.check_suspension(snapshot, env)?;
    Ok(offer)
}

impl Offer<'_> {
    /// Refuses when anything that the trial stands on is suspended in `snapshot`.
    fn check_suspension(&self, snapshot: &Snapshot, env: &Env<'_>) -> Result<(), Refusal> {
        let (unit, now) = (&self.trial.unit().name, env.now());
        if let Some(told) = snapshot.suspensions.stop(unit, self.product, self.scenario, now) {
            return Err(Refusal::at(Code::C208, told));
        }
        let stands =
            snapshot.unit_by(env.facts.terms.credential, true, now).is_some_and(|one| one.name == *unit);
        if stands { Ok(()) } else { Err(Code::C208.into()) }
    }
}

/// Stage 4: there are only made-up persons here, so none is needed, and one that a person gave is not to be shown.
fn consent(env: &Env<'_>, offer: &Offer<'_>) -> Result<(), Refusal> {
    if (offer.operation.personal || offer.operation.secret)
        && single(env.call.headers, "x-consent")?.is_some()
    {
        return Err(Refusal::at(Code::C405, "x-consent"));
    }
    Ok(())
}

/// Stage 5: the sandbox's limits of the unit. As in the real stage, a retry is not counted again.
fn limit(env: &mut Env<'_>, offer: &Offer<'_>) -> Result<(), Refusal> {
    let units = &env.gate.sandbox.units;
    let state = units.state(&offer.trial.unit().name);
    let hold = units.take(&state, Sandbox::limits(), 1, env.call.received, &mut env.facts.limit)?;
    if !env.was_answered() {
        env.holds.quota = Some(hold);
    }
    Ok(())
}

/// Stages 8 and 9: the synthetic answer, through the whole output contract.
async fn answer<'e, U: Upstream>(
    env: &mut Env<'e>,
    offer: &Offer<'e>,
    asked: Asked<'e>,
    upstream: &U,
) -> Result<ReleasedBody<U::Stream>, Refusal> {
    let operation = offer.operation;
    let all = operation.all_fields();
    let unit = &offer.trial.unit().name;
    // A trial may name no scenario; its pseudonyms are then those of the product's own name, which no scenario shares.
    let scenario = offer.scenario.map_or(&offer.product.name, |scenario| &scenario.name);
    let key = release::mask_key(env, operation, unit, scenario, offer.product);
    let released = |status, body: &[u8]| {
        let cut = Cut { fields: all, key: key.as_ref() };
        let released = operation.release(cut, status, body).map_err(|(refusal, _)| refusal)?;
        Ok(ReleasedBody::Whole(released.bytes.into()))
    };
    let service = match offer.source {
        Source::Example(example) => return released(200, example),
        Source::Service(service) => service,
    };
    let query = asked.as_ref().map(|(query, statistics)| (query, *statistics));
    forward::confirm(upstream, service, query)?;
    let noise = forward::draw(env, query).await?;
    // It holds nothing, so there is no intent to write.
    env.dispatching();
    let outgoing = Outgoing {
        upstream: service,
        operation,
        unit: &offer.trial.unit().name,
        scenario: offer.scenario.map_or("", |scenario| scenario.name.as_str()),
        fields: all,
        query,
    };
    let answered = forward::send(env, outgoing, noise, upstream).await;
    env.facts.answered = Some(env.now());
    match answered.map_err(|fault| forward::refuse(env, fault))? {
        Answer::Whole(fetched) => released(fetched.status, &fetched.body),
        Answer::Stream(opened) => {
            let whose = (offer.product, offer.operation, &offer.trial.unit().name);
            release::check_opened(env, whose, opened)
        }
        Answer::Released(bytes) => Ok(ReleasedBody::Whole(bytes)),
        Answer::Aggregates { body, noise } => {
            let (query, statistics) = query.expect("only a query is answered by aggregates");
            // Not kept: it spent nothing that a repetition could save.
            let released = release::noised(env, offer.product, (query, statistics), &body, noise)?;
            release::presented(operation, (query, statistics), &released).map(ReleasedBody::Whole)
        }
    }
}
