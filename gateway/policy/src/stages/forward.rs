//! Stage 8 of 10, forward: the product service answers.
//!
//! Asks: whether a statistics service is known to keep another domain than was declared: then nothing is sent and the charge is void.
//! The intent, naming what is held, goes to the journal; for ε its debit is on disk before anything else happens. Then noise is drawn,
//! so that its timing carries nothing about it or the data; then the request leaves. A trial holds nothing, writes no intent, and asks
//! the product's synthetic service or its declared example.
//! Takes: from here on consent use and ε are spent, whatever the product service does, unless nothing was sent.
//! Refuses: C801 C802 C803 C805 C806 C808 C809 C810, and C804 in stage 9, which reads the answer; C807 where the caller has gone; C314
//! for a release that has gone; C090 C092 C093.

use std::time::Duration;

use bytes::Bytes;
use shuzha_core::{Code, Id, Refusal};
use shuzha_privacy::dp::Noise;

use super::authorise::{Authorization, Right, Source};
use super::budget::PrivacyReservation;
use super::consent::ConsentedRequest;
use super::identify::AuthenticatedCaller;
use super::price::{Admitted, PriceInForce};
use super::validate::ValidatedRequest;
use crate::context::CallContext;
use crate::releases::ReleaseKey;
use crate::signature::sha256;
use crate::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};

/// The state of a call that was answered.
pub(crate) struct Forwarded<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
    pub(crate) privacy: PrivacyReservation,
    pub(crate) price: PriceInForce<'e>,
    _answered: (),
}

/// What came back.
pub(crate) enum Answer<'e, S> {
    /// A whole answer.
    Whole(Fetched),
    /// Exact aggregates, and the noise drawn for them before they were asked for.
    Aggregates { body: Bytes, noise: Noise },
    /// An earlier release of the same query.
    Released(Bytes),
    /// An opened package.
    Stream(Opened<S>),
    /// The declared example, in the sandbox.
    Example(&'e [u8]),
}

/// Sends the request.
pub(crate) async fn run<'c, 'e, U: Upstream>(
    mut call: CallContext<'c, 'e, Admitted<'e>>,
    upstream: &U,
) -> Result<(CallContext<'c, 'e, Forwarded<'e>>, Answer<'e, U::Stream>), Refusal> {
    let answer = match (call.privacy.release, call.authorization.basis) {
        (Some(key), _) => Answer::Released(earlier(&call, key).await?),
        (None, Right::Sandbox(offer)) => match offer.source {
            Source::Example(example) => Answer::Example(example),
            Source::Service(service) => ask(&mut call, service, upstream).await?,
        },
        (None, Right::Granted(_)) => {
            let service = &call.authorization.product.upstream;
            ask(&mut call, service, upstream).await?
        }
    };
    let call = call.advance(|Admitted { caller, authorization, request, consent, privacy, price }| {
        Forwarded { caller, authorization, request, consent, privacy, price, _answered: () }
    });
    Ok((call, answer))
}

/// The release that the same query was answered with.
async fn earlier(call: &CallContext<'_, '_, Admitted<'_>>, key: ReleaseKey) -> Result<Bytes, Refusal> {
    let releases = &call.gate.releases;
    let (was_answered, is_query) = (call.request.replay.was_answered(), call.request.query().is_some());
    match releases.read(key).await? {
        Some(release) => Ok(release),
        // It was lost with its store. Whoever was answered with it is not answered by another.
        None if was_answered => Err(Code::C314.into()),
        // What is published once is not published again for having been lost.
        None if !is_query => Err(Code::C090.into()),
        None => {
            releases.lost(&key);
            Err(Code::C090.into())
        }
    }
}

/// Asks the product service.
async fn ask<'e, U: Upstream>(
    call: &mut CallContext<'_, 'e, Admitted<'e>>,
    service: &Id,
    upstream: &U,
) -> Result<Answer<'e, U::Stream>, Refusal> {
    confirm(call, upstream)?;
    let is_real = matches!(call.authorization.basis, Right::Granted(_));
    if is_real {
        let is_retry = call.request.replay.is_retry();
        call.open.intend(is_retry).await?;
    }
    let noise = draw(call).await?;
    if !is_real {
        // It holds nothing, so there is no intent to write.
        call.open.dispatching();
    }
    let answered = send(call, service, noise, upstream).await;
    call.open.draft.answered = Some(call.now());
    answered.map_err(|fault| refuse(call, fault))
}

/// Makes sure that the statistics service is not known to keep another domain than the noise would be drawn for.
///
/// # Errors
/// C810. Nothing was debited for good, and no query is sent.
pub(super) fn confirm<U: Upstream>(
    call: &CallContext<'_, '_, Admitted<'_>>,
    upstream: &U,
) -> Result<(), Refusal> {
    let service = match call.authorization.basis {
        Right::Granted(_) => &call.authorization.product.upstream,
        Right::Sandbox(offer) => match offer.source {
            Source::Service(service) => service,
            Source::Example(_) => return Ok(()),
        },
    };
    match call.request.query() {
        Some((_, statistics))
            if call.privacy.release.is_none() && !upstream.keeps(service, statistics.domain().digest()) =>
        {
            Err(Code::C810.into())
        }
        _ => Ok(()),
    }
}

/// Drawing noise takes this long, whatever is drawn: the sampler's own time follows the size of the noise (correlation
/// about 0.6, `docs/adr/0002-noise.md`), and the caller sees the sum. A whole answer of 4,096 cells is drawn in less.
pub(super) const DRAW_SLOT: Duration = Duration::from_millis(5);

/// Draws the noise for a report. What is wrong with it here is ours: the charge stays spent.
async fn draw(call: &CallContext<'_, '_, Admitted<'_>>) -> Result<Option<Noise>, Refusal> {
    let Some((query, statistics)) = call.request.query() else { return Ok(None) };
    // Its end is fixed before the first number is drawn.
    let slot = tokio::time::sleep(DRAW_SLOT);
    let noise = query.base().draw(statistics.domain(), &*call.gate.rng).map_err(|fault| {
        tracing::error!(%fault, "no noise was drawn");
        Code::C093
    })?;
    slot.await;
    Ok(Some(noise))
}

/// Sends, and reads the answer or opens it.
async fn send<'e, U: Upstream>(
    call: &mut CallContext<'_, 'e, Admitted<'e>>,
    service: &Id,
    noise: Option<Noise>,
    upstream: &U,
) -> Result<Answer<'e, U::Stream>, UpstreamFault> {
    let (gate, inbound) = (call.gate, call.inbound);
    let (known, open) = call.split();
    let (operation, query) = (known.authorization.operation, known.request.query());
    let (body, body_sha256) = match query {
        // The engine is asked this instead of the caller's words.
        Some((query, statistics)) => {
            let body = Bytes::from(query.engine_request(statistics.domain()).to_string());
            let digest = sha256(&body);
            (body, digest)
        }
        None => (inbound.body.clone(), known.caller.body_sha256),
    };
    let fields = operation.field_list(known.consent.fields);
    let scenario = known.authorization.scenario();
    let dispatch = Dispatch {
        request: inbound.request,
        upstream: service,
        method: operation.method.clone(),
        path: operation.upstream_path(),
        body,
        body_sha256,
        unit: known.caller.unit.name.as_str(),
        scenario: scenario.map_or("", |scenario| scenario.name.as_str()),
        fields: &fields,
        range: inbound
            .headers
            .get(http::header::RANGE)
            .filter(|_| operation.streamed() && operation.watermark().is_none()),
        timeout: operation.timeout(),
        // How long exact aggregates are follows from data, so a limit that some of them pass would tell.
        answer_bytes_max: query
            .map_or(0, |(query, of)| query.answer_bytes_max(of.domain()))
            .max(operation.answer_bytes_max()),
        persons: operation.persons,
        domain: query.map(|(_, statistics)| statistics.domain().digest()),
    };
    open.draft.sent = Some(gate.clock.now());
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
fn refuse<S>(call: &mut CallContext<'_, '_, S>, fault: UpstreamFault) -> Refusal {
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
        call.open.not_dispatched();
    }
    code.into()
}
