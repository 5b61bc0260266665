//! Around every request: its id, security headers, problems written out, the access log.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shuzha_core::{Code, IdRng, Lang, RequestId};

use crate::deed::Deed;
use crate::problem::Problem;
use crate::shared::Shared;

/// Says which request an answer belongs to.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Who asked and what for, for the access log; the routes that know add it to their answers.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) account: shuzha_core::Id,
    pub(crate) what: Option<Deed>,
}

/// Runs one request.
pub(crate) async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let id = RequestId::generate(&*shared.clock, &IdRng);
    let lang = language(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let began = tokio::time::Instant::now();
    let framing = Framing::of(&request);
    let mut response = match framing {
        Framing::Ambiguous => Problem::from(Code::C001).into_response(),
        Framing::Length | Framing::Chunks => next.run(request).await,
    };
    // Before a refusal is written out anew: it says who was refused.
    let asker = response.extensions_mut().remove::<Asker>();
    let what = asker.as_ref().and_then(|asker| asker.what.as_ref());
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let headers = std::mem::take(response.headers_mut());
        response = problem.render(id, lang);
        // `Allow`, which axum knows, and cookies that end.
        for (name, value) in headers.into_iter().filter_map(|(name, value)| Some((name?, value))) {
            let other = name == CONTENT_LENGTH || (name == ALLOW && problem.code != Code::C007);
            if !other && !response.headers().contains_key(&name) {
                response.headers_mut().append(name, value);
            }
        }
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"shuzha\""));
    }
    if framing != Framing::Length {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    protect(response.headers_mut(), id, shared.https);
    tracing::info!(
        request_id = %id,
        method = %method,
        route,
        status = response.status().as_u16(),
        code = problem.as_ref().map(|problem| problem.code.as_str()),
        account = asker.as_ref().map(|asker| asker.account.as_str()),
        verb = what.map(|what| what.verb.as_str()),
        kind = what.map(|what| what.kind.as_str()),
        object = what.map(|what| what.name.as_str()),
        micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// How a request of HTTP/1 says where it ends; one of HTTP/2 cannot be mistaken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// By its length, or by having no body.
    Length,
    /// In chunks. A proxy in front may have gone by a length that stood beside and that the server no longer shows: nothing that
    /// follows on this connection is taken for a request.
    Chunks,
    /// It can be read in two ways, or is meant for no one host.
    Ambiguous,
}

impl Framing {
    fn of(request: &Request) -> Self {
        if request.version() >= http::Version::HTTP_2 {
            return Self::Length;
        }
        let fields = |name| request.headers().get_all(name).iter().count();
        let hosts = fields(HOST);
        match (fields(TRANSFER_ENCODING), fields(CONTENT_LENGTH)) {
            _ if hosts > 1 || (hosts == 0 && request.version() == http::Version::HTTP_11) => Self::Ambiguous,
            (0, 0 | 1) => Self::Length,
            (1, 0) => Self::Chunks,
            _ => Self::Ambiguous,
        }
    }
}

/// The language of messages.
fn language(headers: &HeaderMap) -> Lang {
    headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .map_or(Lang::Zh, Lang::from_accept_language)
}

fn protect(headers: &mut HeaderMap, id: RequestId, https: bool) {
    let id = HeaderValue::from_str(&id.to_string()).expect("an id is ASCII");
    headers.insert(REQUEST_ID, id);
    // The public register says for how long its answers may be kept; nothing else may.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // A page with a style sheet says so itself, by its hash.
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    for (name, value) in [
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// What is answered where no route is.
pub(crate) async fn nowhere() -> Response {
    Problem::from(Code::C006).into_response()
}

/// What is answered where the method is not among the route's; axum adds `Allow`.
pub(crate) async fn no_such_method() -> Response {
    let response = Problem::from(Code::C007).into_response();
    debug_assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    response
}
