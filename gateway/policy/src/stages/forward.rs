//! Stage 8 of 10, forward: the product service answers.
//!
//! First the intent, naming what is held, goes to the journal; for ε its debit is on disk before anything else
//! happens. Then noise is drawn, so that its timing carries nothing about it or the data; then the request leaves.
//! From there on consent use and ε are spent, whatever the product service does.

use bytes::Bytes;
use shuzha_core::{Code, Refusal};
use shuzha_privacy::dp::Noise;

use super::price::Admission;
use crate::env::Env;
use crate::signature::sha256;
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
    if let Some(release) = admission.spend_mut().take_release() {
        return Ok(Forwarded { admission, answer: Answer::Released(release) });
    }
    env.intend().await?;
    let noise = draw(env, &admission)?;
    let answered = send(env, &admission, noise, upstream).await;
    env.facts.answered = Some(env.now());
    match answered {
        Ok(answer) => Ok(Forwarded { admission, answer }),
        Err(fault) => Err(refuse(env, fault)),
    }
}

/// Draws the noise for a report. What is wrong with it here is ours: the charge stays spent.
fn draw(env: &Env<'_>, admission: &Admission<'_>) -> Result<Option<Noise>, Refusal> {
    let Some((query, statistics)) = admission.spend().slot().agreed().ask().query() else { return Ok(None) };
    let noise = query.draw(&statistics.domain, &*env.gate.rng).map_err(|fault| {
        tracing::error!(%fault, "no noise was drawn");
        Code::C093
    })?;
    Ok(Some(noise))
}

async fn send<'e, U: Upstream>(
    env: &mut Env<'e>,
    admission: &Admission<'e>,
    noise: Option<Noise>,
    upstream: &U,
) -> Result<Answer<U::Stream>, UpstreamFault> {
    let agreed = admission.spend().slot().agreed();
    let right = agreed.ask().right();
    let operation = right.operation();
    let query = agreed.ask().query();
    let (body, body_sha256) = match query {
        Some((query, _)) => {
            let body = Bytes::from(query.engine_request().to_string());
            let digest = sha256(&body);
            (body, digest)
        }
        None => (env.call.body.clone(), env.facts.body_sha256),
    };
    let fields = operation.field_list(agreed.fields());
    let dispatch = Dispatch {
        request: env.call.request,
        upstream: &right.product().upstream,
        method: operation.method.clone(),
        path: operation.upstream_path(),
        body,
        body_sha256,
        unit: right.unit().name.as_str(),
        scenario: right.scenario().name.as_str(),
        fields: &fields,
        range: env.call.headers.get(http::header::RANGE).filter(|_| operation.streamed()),
        timeout: operation.timeout(),
        answer_bytes_max: operation.answer_bytes_max(),
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
fn refuse(env: &mut Env<'_>, fault: UpstreamFault) -> Refusal {
    let code = match fault {
        UpstreamFault::Unreachable => Code::C801,
        UpstreamFault::Timeout => Code::C802,
        UpstreamFault::Closed => Code::C803,
        UpstreamFault::TooLarge => Code::C805,
        UpstreamFault::NoneHealthy => Code::C806,
    };
    if matches!(fault, UpstreamFault::Unreachable | UpstreamFault::NoneHealthy) {
        env.not_dispatched();
    }
    code.into()
}
