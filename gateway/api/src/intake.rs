//! How a request is taken: its body whole, then its turn, then its answer on a thread where blocking does no harm.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use shuzha_control::Caller;
use shuzha_core::Code;

use crate::ask::{Ask, Reply, accepts_json};
use crate::connections::{Held, UseOf};
use crate::deed::Deed;
use crate::guard::Asker;
use crate::limits::{DISCARD_BYTES_MAX, RETRY};
use crate::problem::Problem;
use crate::public::disclosed;
use crate::room::{Arriving, Turn};
use crate::shared::Shared;
use crate::source::Source;
use crate::who;

/// What answers one method of one route. Runs on a thread where it may block.
pub(crate) type Handler = fn(&Ask) -> Result<Reply, Problem>;

/// The parts of a path, where they are percent-encoded UTF-8.
pub(crate) type Path = Result<RawPathParams, RawPathParamsRejection>;

/// Whether an address answers JSON; files, papers and pictures are what they are.
fn answers_json(path: &str) -> bool {
    const FILES: [&str; 2] = ["/api/v1/exports/", "/api/v1/finance/charts/"];
    let sheet = path.starts_with("/api/v1/public/") && path.ends_with(disclosed::CSV);
    path.starts_with("/api/")
        && !sheet
        && !FILES.iter().any(|files| path.starts_with(files))
        && !path.ends_with("/paper")
}

/// Takes a request whole, waits for nothing but its own bytes, and has it answered.
pub(crate) async fn answer(
    handler: Handler,
    State(shared): State<Arc<Shared>>,
    path: Path,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if answers_json(parts.uri.path()) && !accepts_json(&parts.headers) {
        return Problem::from(Code::C1012).into_response();
    }
    let Ok(path) = path else {
        return Problem::fault(Code::C1001, "/", "is not percent-encoded UTF-8").into_response();
    };
    let nobody = Source(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let source = parts.extensions.get().copied().unwrap_or(nobody).0;
    let body = match whole(&shared, &parts, body, source).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    // From here on the connection is not closed for another one.
    let answering = parts.extensions.remove::<UseOf>().map(|connection| connection.answering());
    let what = Deed::of(&parts.method, parts.uri.path());
    let Some(turn) = turn(&shared, &parts, what.as_ref()).await else {
        return Problem { retry_after: Some(RETRY), ..Code::C092.into() }.into_response();
    };
    let ask = Ask {
        path: path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        method: parts.method,
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
        source,
        asker: OnceLock::new(),
        shared,
    };
    let run = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let answered = handler(&ask);
        if let (Err(problem), Some(caller), Some(what)) = (&answered, ask.asker.get(), &what) {
            note(&ask, caller, what, problem);
        }
        let asker = ask.asker.into_inner().map(|caller| Asker { account: caller.account, what });
        (answered, asker)
    });
    match run.await {
        Ok((answered, asker)) => {
            let mut response = answered.into_response();
            if let Some(asker) = asker {
                response.extensions_mut().insert(asker);
            }
            response.map(|body| Held::body(body, answering))
        }
        Err(_) => {
            tracing::error!("a request met a bug");
            Problem::from(Code::C093).into_response()
        }
    }
}

/// Keeps a record of an act that was refused to a signed-on person.
fn note(ask: &Ask, caller: &Caller, what: &Deed, problem: &Problem) {
    if !(400..500).contains(&problem.code.status()) {
        return;
    }
    let about = (what.verb.as_str(), what.kind.as_str(), what.name.as_str());
    if let Err(error) = ask.shared.accounts.refused(caller, about, problem.code) {
        tracing::error!(%error, "a refused act could not be recorded");
    }
}

/// A turn to be answered. Where everything is taken, persons who are signed on have places of their own.
async fn turn(shared: &Arc<Shared>, parts: &Parts, what: Option<&Deed>) -> Option<Turn> {
    if let Some(turn) = shared.room.turn() {
        return Some(turn);
    }
    let account = person(shared, parts).await?.account;
    shared.room.reserved(&account, what.is_some_and(Deed::stops))
}

/// Whoever the request is signed on as, looked up where blocking does no harm; none where nobody is.
async fn person(shared: &Arc<Shared>, parts: &Parts) -> Option<Caller> {
    if !parts.headers.contains_key(AUTHORIZATION) && !parts.headers.contains_key(COOKIE) {
        return None;
    }
    let (shared, headers) = (Arc::clone(shared), parts.headers.clone());
    let looked = tokio::task::spawn_blocking(move || who::signed_on_by(&shared, &headers).ok());
    looked.await.ok().flatten().map(|signed_on| signed_on.caller)
}

/// The whole body, within its time.
async fn whole(shared: &Arc<Shared>, parts: &Parts, body: Body, source: IpAddr) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut arriving = shared.room.arrives(source);
    let evicted = arriving.evicted();
    tokio::select! {
        // A body that is whole is taken even if another request came at the same moment.
        biased;
        read = read(shared, parts, body, &mut arriving) => read,
        () = evicted.notified() => Err(busy()),
        () = tokio::time::sleep(shared.limits.body) => Err(Code::C005.into()),
    }
}

fn busy() -> Problem {
    Problem { retry_after: Some(RETRY), ..Code::C094.into() }
}

/// Reads the body. What is too large is still read for a while, so that the caller gets to read the refusal.
async fn read(
    shared: &Arc<Shared>,
    parts: &Parts,
    mut body: Body,
    arriving: &mut Arriving,
) -> Result<Bytes, Problem> {
    let bytes_max = shared.limits.body_bytes_max;
    let mut whole = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::fault(Code::C1001, "", "the body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= bytes_max {
            if !arriving.grow(data.len()) {
                // All room is taken; a person who is signed on has some apart.
                if arriving.of_a_person() || person(shared, parts).await.is_none() {
                    return Err(busy());
                }
                arriving.is_of_a_person();
                if !arriving.grow(data.len()) {
                    return Err(busy());
                }
            }
            whole.extend_from_slice(&data);
        } else if seen > bytes_max.saturating_add(DISCARD_BYTES_MAX) {
            break;
        }
    }
    if seen > bytes_max { Err(Code::C003.into()) } else { Ok(whole.freeze()) }
}
