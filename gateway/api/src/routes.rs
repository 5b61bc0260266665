//! Where what is answered. Objects and cases of every kind share five handlers; adding a kind adds no route.

pub(crate) mod about;
pub(crate) mod acts;
pub(crate) mod objects;
pub(crate) mod verbs;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use shuzha_core::Code;

use crate::ask::{Ask, Reply, accepts_json};
use crate::guard;
use crate::limits::DISCARD_BYTES_MAX;
use crate::problem::Problem;
use crate::shared::Shared;

/// The address a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source(pub(crate) IpAddr);

/// What answers one method of one route. Runs on a thread where it may block.
pub(crate) type Handler = fn(&Ask) -> Result<Reply, Problem>;

type Route = MethodRouter<Arc<Shared>>;

fn on(method: fn(AxumHandler) -> Route, handler: Handler) -> Route {
    method(AxumHandler(handler))
}

/// Every route.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/v1/openapi.json", reading(about::openapi))
        .route("/errors/{code}", reading(about::error_page))
        .route("/api/v1/roles", reading(about::roles))
        .route("/api/v1/acts", reading(acts::audit))
        .route("/api/v1/deadlines", reading(acts::deadlines))
        .route("/api/v1/notices", reading(acts::notices))
        .route("/api/v1/{plural}", reading(objects::list))
        .route(
            "/api/v1/{plural}/{name}",
            get(run(objects::get)).put(run(objects::put)).delete(run(objects::remove)).post(run(verbs::act)),
        )
        .route("/api/v1/{plural}/{name}/history", reading(acts::history))
        .fallback(guard::nowhere)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::around))
        .with_state(shared)
}
