//! Stage 8 of 10, forward: the product service answers.
//!
//! A statistics service that is known to keep another domain than was declared is asked nothing, and the charge is void (C810).
//! Then the intent, naming what is held, goes to the journal; for ε its debit is on disk before anything else
//! happens. Then noise is drawn, so that its timing carries nothing about it or the data; then the request leaves.
//! From there on consent use and ε are spent, whatever the product service does.

use std::time::Duration;

use bytes::Bytes;
use shuzha_core::{Code, Id, Refusal};
use shuzha_privacy::dp::{Noise, Query};
use shuzha_privacy::output::FieldSet;

use super::price::Admission;
use crate::env::Env;
use crate::signature::sha256;
use crate::snapshot::{Operation, Statistics};
use crate::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};

/// Proof that the product service answered, and what.
pub(crate) struct Forwarded<'e, S> {
    admission: Admission<'e>,
    pub(super) answer: Answer<S>,
}

/// What came back.
pub(super) enum Answer<S> {
    /// A whole answer.
    Whole(Fetched),
    /// Exact aggregates, and the noise drawn for them before they were asked for.
    Aggregates { body: Bytes, noise: Noise },
    /// An earlier release of the same query.
    Released(Bytes),
    /// An opened package.
    Stream(Opened<S>),
}

impl<'e, S> Forwarded<'e, S> {
    /// The admission it was forwarded under, and the answer.
    pub(super) fn into_parts(self) -> (Admission<'e>, Answer<S>) {
        (self.admission, self.answer)
    }
}

/// Sends the request.
pub(crate) async fn run<'e, U: Upstream>(
    env: &mut Env<'e>,
    mut admission: Admission<'e>,
    upstream: &U,
) -> Result<Forwarded<'e, U::Stream>, Refusal> {
    if let Some(key) = admission.spend_mut().take_release() {
        return match env.gate.releases.read(key).await? {
            Some(release) => Ok(Forwarded { admission, answer: Answer::Released(release) }),
            // It was lost with its store. Whoever was answered with it is not answered by another.
            None if env.was_answered() => Err(Code::C314.into()),
            // What is published once is not published again for having been lost.
            None if admission.spend().slot().agreed().ask().query().is_none() => Err(Code::C090.into()),
            None => {
                env.gate.releases.lost(&key);
                Err(Code::C090.into())
            }
        };
    }
    let agreed = admission.spend().slot().agreed();
    let right = agreed.ask().right();
    let query = agreed.ask().query();
    confirm(upstream, &right.product().upstream, query)?;
    env.intend().await?;
    let noise = draw(env, query).await?;
    let outgoing = Outgoing {
        upstream: &right.product().upstream,
        operation: right.operation(),
        unit: &right.unit().name,
        scenario: right.scenario().name.as_str(),
        fields: agreed.fields(),
        query,
    };
    let answered = send(env, outgoing, noise, upstream).await;
    env.facts.answered = Some(env.now());
    match answered {
        Ok(answer) => Ok(Forwarded { admission, answer }),
        Err(fault) => Err(refuse(env, fault)),
    }
}

/// Makes sure that the statistics service is not known to keep another domain than the noise would be drawn for.
///
/// # Errors
/// C810. Nothing was debited for good, and no query is sent.
pub(super) fn confirm<U: Upstream>(
    upstream: &U,
    service: &Id,
    query: Option<(&Query, &Statistics)>,
) -> Result<(), Refusal> {
    match query {
        Some((_, statistics)) if !upstream.keeps(service, statistics.domain().digest()) => {
            Err(Code::C810.into())
        }
        _ => Ok(()),
    }
}

/// Drawing noise takes this long, whatever is drawn: the sampler's own time follows the size of the noise (correlation
/// about 0.6, `docs/adr/0002-noise.md`), and the caller sees the sum. A whole answer of 4,096 cells is drawn in less.
pub(super) const DRAW_SLOT: Duration = Duration::from_millis(5);

/// Draws the noise for a report. What is wrong with it here is ours: the charge stays spent.
pub(super) async fn draw(
    env: &Env<'_>,
    query: Option<(&Query, &Statistics)>,
) -> Result<Option<Noise>, Refusal> {
    let Some((query, statistics)) = query else { return Ok(None) };
    // Its end is fixed before the first number is drawn.
    let slot = tokio::time::sleep(DRAW_SLOT);
    let noise = query.base().draw(statistics.domain(), &*env.gate.rng).map_err(|fault| {
        tracing::error!(%fault, "no noise was drawn");
        Code::C093
    })?;
    slot.await;
    Ok(Some(noise))
}

/// What goes to which product service, beside the request itself.
pub(super) struct Outgoing<'d> {
    pub(super) upstream: &'d Id,
    pub(super) operation: &'d Operation,
    pub(super) unit: &'d Id,
    pub(super) scenario: &'d str,
    pub(super) fields: FieldSet,
    /// For a report: what the engine is asked instead of the caller's words.
    pub(super) query: Option<(&'d Query, &'d Statistics)>,
}

/// Sends, and reads the answer or opens it.
pub(super) async fn send<U: Upstream>(
    env: &mut Env<'_>,
    outgoing: Outgoing<'_>,
    noise: Option<Noise>,
    upstream: &U,
) -> Result<Answer<U::Stream>, UpstreamFault> {
    let operation = outgoing.operation;
    let (body, body_sha256) = match outgoing.query {
        Some((query, statistics)) => {
            let body = Bytes::from(query.engine_request(statistics.domain()).to_string());
            let digest = sha256(&body);
            (body, digest)
        }
        None => (env.call.body.clone(), env.facts.body_sha256),
    };
    let fields = operation.field_list(outgoing.fields);
    let dispatch = Dispatch {
        request: env.call.request,
        upstream: outgoing.upstream,
        method: operation.method.clone(),
        path: operation.upstream_path(),
        body,
        body_sha256,
        unit: outgoing.unit.as_str(),
        scenario: outgoing.scenario,
        fields: &fields,
        range: env
            .call
            .headers
            .get(http::header::RANGE)
            .filter(|_| operation.streamed() && operation.watermark().is_none()),
        timeout: operation.timeout(),
        // How long exact aggregates are follows from data, so a limit that some of them pass would tell.
        answer_bytes_max: outgoing
            .query
            .map_or(0, |(query, of)| query.answer_bytes_max(of.domain()))
            .max(operation.answer_bytes_max()),
        persons: operation.persons,
        domain: outgoing.query.map(|(_, statistics)| statistics.domain().digest()),
    };
    env.facts.sent = Some(env.now());
    if operation.streamed() {
        return upstream.open(dispatch).await.map(Answer::Stream);
    }
    let fetched = upstream.fetch(dispatch).await?;
    match noise {
        Some(noise) if fetched.status == 200 => Ok(Answer::Aggregates { body: fetched.body, noise }),
        _ => Ok(Answer::Whole(fetched)),
    }
}

/// The code for a fault. Where nothing was sent, nothing is spent.
pub(super) fn refuse(env: &mut Env<'_>, fault: UpstreamFault) -> Refusal {
    let code = match fault {
        UpstreamFault::Unreachable => Code::C801,
        UpstreamFault::Timeout => Code::C802,
        UpstreamFault::Closed => Code::C803,
        UpstreamFault::TooLarge => Code::C805,
        UpstreamFault::NoneHealthy => Code::C806,
        UpstreamFault::NotAllowed => Code::C808,
        UpstreamFault::Unproved => Code::C809,
        UpstreamFault::OtherDomain => Code::C810,
    };
    let unsent = match fault {
        UpstreamFault::Unreachable
        | UpstreamFault::NoneHealthy
        | UpstreamFault::NotAllowed
        | UpstreamFault::Unproved
        | UpstreamFault::OtherDomain => true,
        UpstreamFault::Timeout | UpstreamFault::Closed | UpstreamFault::TooLarge => false,
    };
    if unsent {
        env.not_dispatched();
    }
    code.into()
}
