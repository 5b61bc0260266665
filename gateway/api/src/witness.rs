//! The one route of a witness (C2SP tlog-witness), on the same listener as everything else over HTTP here.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::post;

use crate::{Api, Limits};

/// What a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub kind: &'static str,
    /// Body.
    pub body: String,
}

/// An API with `POST /add-checkpoint` and nothing else: a body of at most `bytes_max` bytes goes to `answer`, on a thread that
/// may wait for a disk.
pub fn witness(
    limits: Limits,
    bytes_max: usize,
    answer: impl Fn(&[u8]) -> Answered + Send + Sync + 'static,
) -> Api {
    let answer = Arc::new(answer);
    let time = limits.body;
    let add = move |body: Body| add_checkpoint(body, bytes_max, time, Arc::clone(&answer));
    Api { router: Router::new().route("/add-checkpoint", post(add)), limits }
}

async fn add_checkpoint(
    body: Body,
    bytes_max: usize,
    time: Duration,
    answer: Arc<impl Fn(&[u8]) -> Answered + Send + Sync + 'static>,
) -> Response<Body> {
    let plain = |status: u16| Answered { status, kind: "text/plain; charset=utf-8", body: String::new() };
    let answered = match tokio::time::timeout(time, to_bytes(body, bytes_max)).await {
        Err(_) => plain(408),
        Ok(Err(_)) => plain(413),
        Ok(Ok(bytes)) => {
            let answered = tokio::task::spawn_blocking(move || answer(&bytes)).await;
            answered.unwrap_or_else(|_| plain(500))
        }
    };
    let mut response = Response::new(Body::from(answered.body));
    *response.status_mut() =
        StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answered.kind));
    response
}
