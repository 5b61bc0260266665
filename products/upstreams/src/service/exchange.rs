//! One request, from its head to the answer: health, the gateway's signature, then the product.

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::{Answer, BODY_BYTES_MAX, BODY_TIMEOUT, Call, Shared};
use crate::description;
use crate::signature::{self, FIELDS, REQUEST_ID, SCENARIO, SIGNATURE, Signed, TIMESTAMP, UNIT};

/// The path of the health check.
const HEALTH: &str = "/healthz";

/// Answers one request.
pub(super) async fn run(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let answer = match decide(shared, request).await {
        Ok(answer) => answer,
        Err(mut refused) => {
            tracing::debug!(
                service = shared.product.name(),
                status = refused.status.as_u16(),
                "refused at the door"
            );
            // What is left of the body was not read; the connection cannot be used again.
            refused.set(CONNECTION, HeaderValue::from_static("close"));
            refused
        }
    };
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    if let Some(id) = request_id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The product's answer; `Err` is what the door answers in its place.
async fn decide(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if head.uri.query().is_some() {
        return Err(Answer::refused(StatusCode::BAD_REQUEST, "query_not_allowed"));
    }
    if path == HEALTH {
        return match head.method {
            Method::GET | Method::HEAD => {
                Ok(Answer::json(StatusCode::OK, &Health { service: shared.product.name() }))
            }
            _ => Err(Answer::method_not_allowed("GET, HEAD")),
        };
    }
    let claim = Claim::read(&head.headers).ok_or_else(gateway_only)?;
    if !signature::in_window(claim.timestamp, shared.clock.now().seconds()) {
        return Err(gateway_only());
    }
    let body = read(body).await?;
    let signed = Signed {
        method: head.method.as_str(),
        path,
        request_id: claim.request_id,
        unit: claim.unit,
        scenario: claim.scenario,
        fields: claim.fields,
        timestamp: claim.timestamp,
        body: &body,
    };
    if !signature::verify(&shared.key, &signed, claim.signature) {
        return Err(gateway_only());
    }
    if path == description::PATH {
        return match head.method {
            Method::GET => Ok(shared.description.answer(&shared.key, claim.request_id)),
            _ => Err(Answer::method_not_allowed("GET")),
        };
    }
    Ok(shared.product.answer(&Call { method: &head.method, path, headers: &head.headers, body }))
}

/// The answer to whoever is not the gateway: the same for every fault, so that it teaches nothing.
fn gateway_only() -> Answer {
    Answer::refused(StatusCode::FORBIDDEN, "gateway_only")
}

/// `GET /healthz`.
#[derive(serde::Serialize)]
struct Health {
    service: &'static str,
}

/// The gateway's headers, each present once and plain ASCII.
struct Claim<'a> {
    request_id: &'a str,
    unit: &'a str,
    scenario: &'a str,
    fields: &'a str,
    timestamp: &'a str,
    signature: &'a str,
}

impl<'a> Claim<'a> {
    fn read(headers: &'a HeaderMap) -> Option<Self> {
        Some(Self {
            request_id: only(headers, REQUEST_ID)?,
            unit: only(headers, UNIT)?,
            scenario: only(headers, SCENARIO)?,
            fields: only(headers, FIELDS)?,
            timestamp: only(headers, TIMESTAMP)?,
            signature: only(headers, SIGNATURE)?,
        })
    }
}

/// The value of a header that must be there exactly once: of two, one would go unsigned.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The whole body, within [`BODY_BYTES_MAX`] and [`BODY_TIMEOUT`].
async fn read(body: Incoming) -> Result<Bytes, Answer> {
    let too_large = || Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large");
    let stated = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if stated > BODY_BYTES_MAX {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Answer::refused(StatusCode::BAD_REQUEST, "body_broken")),
        Err(_elapsed) => Err(Answer::refused(StatusCode::REQUEST_TIMEOUT, "timeout")),
    }
}
