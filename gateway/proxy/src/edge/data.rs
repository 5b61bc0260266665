//! The data listener: from a request to policy and back.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use shuzha_core::{Clock, Code, IdRng, RequestId, Timestamp};
use shuzha_policy::Inbound;

use super::{Edge, body, lang, route};
use crate::conn::Conn;
use crate::gate::Gate;
use crate::guard::head::REFUSED_METHOD;
use crate::limits::Limits;
use crate::metrics::{Metrics, Source};
use crate::pages::Pages;
use crate::path;
use crate::peers::{Peer, Peers};
use crate::reply::{self, Body};
use crate::upstream::{Timed, Upstreams};

/// Most bytes of a withdrawal: one compact JWS.
const WITHDRAWAL_BYTES_MAX: usize = 4 * 1024;

/// The data listener's edge.
pub(crate) struct DataEdge<G, C> {
    pub(crate) gate: Arc<G>,
    pub(crate) clock: C,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) pages: Pages,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) peers: Arc<Peers>,
}

/// A request refused before it was a call.
struct Edgewise {
    code: Code,
    allow: Option<&'static str>,
    /// Whether the rest of the connection can still be trusted, or is worth having.
    close: bool,
}

impl From<Code> for Edgewise {
    fn from(code: Code) -> Self {
        let framing =
            matches!(code, Code::C001 | Code::C003 | Code::C004 | Code::C005 | Code::C008 | Code::C009);
        let bound = matches!(code, Code::C010 | Code::C011 | Code::C096);
        Self { code, allow: None, close: framing || bound }
    }
}

/// One request's name, time and caller.
struct Arrival {
    request: RequestId,
    received: Timestamp,
    /// Address of the caller, as a trusted proxy told it where there is one.
    peer: IpAddr,
    /// What that address holds.
    account: Arc<Peer>,
}

impl<G: Gate, C: Clock> Edge for DataEdge<G, C> {
    async fn answer(self: Arc<Self>, conn: Arc<Conn>, request: Request<Incoming>) -> Response<Body> {
        let (serving, last) = conn.begin(&self.limits);
        let (parts, incoming) = request.into_parts();
        let arrival = self.arrival(&conn, &parts);
        let (mut close, mut end) = (last, last);
        let mut response = match self.route(&conn, &arrival, &parts, incoming).await {
            Ok(response) => response,
            Err(refused) => {
                close |= refused.close;
                end |= refused.code == Code::C010;
                self.metrics.rejected(refused.code);
                self.gate.refused_at_edge(refused.code);
                reply::refuse(arrival.request, refused.code, lang(&parts.headers), refused.allow)
            }
        };
        if close {
            if parts.version < Version::HTTP_2 {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            // Over HTTP/2 a refused stream leaves its neighbours alone; only the last permitted request and a flood end it.
            if end {
                conn.close();
            }
        }
        response.body_mut().hold(serving);
        response
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl<G: Gate, C: Clock> DataEdge<G, C> {
    fn arrival(&self, conn: &Conn, parts: &Parts) -> Arrival {
        let peer = if conn.trusted {
            self.limits.trusted_proxies.caller(conn.peer, &parts.headers)
        } else {
            conn.peer
        };
        let account = if peer == conn.peer { Arc::clone(&conn.account) } else { self.peers.of(peer) };
        let request = RequestId::generate(&self.clock, &IdRng);
        Arrival { request, received: self.clock.now(), peer, account }
    }

    async fn route(
        &self,
        conn: &Conn,
        arrival: &Arrival,
        parts: &Parts,
        incoming: Incoming,
    ) -> Result<Response<Body>, Edgewise> {
        let (to, authority) = match self.direct(conn, parts) {
            Ok(directed) => directed,
            Err(astray) => {
                self.peers.stranger(&arrival.account)?;
                return Err(astray);
            }
        };
        let path = parts.uri.path();
        let inbound = |body| Inbound {
            request: arrival.request,
            received: arrival.received,
            method: &parts.method,
            path,
            query: parts.uri.query(),
            scheme: if conn.secure { "https" } else { "http" },
            authority,
            headers: &parts.headers,
            body,
            peer: arrival.peer,
        };
        // Held for as long as the body is: until the answer is made.
        let mut room = self.peers.room(Arc::clone(&arrival.account), Arc::clone(&conn.body_bytes));
        match to {
            route::Route::ErrorPage(code) => {
                let page = self.pages.get(code);
                Ok(reply::page(StatusCode::OK, "text/html; charset=utf-8", page))
            }
            route::Route::Withdraw => {
                self.peers.stranger(&arrival.account)?;
                let token = body::read(incoming, WITHDRAWAL_BYTES_MAX, self.limits.body, &mut room).await?;
                let token = std::str::from_utf8(&token).map_err(|_| Code::C301)?.trim_ascii();
                let reply = self.gate.withdraw(arrival.request, token).await;
                Ok(reply::respond(reply, lang(&parts.headers)))
            }
            route::Route::Log(address) => match self.gate.log_file(address).await {
                Ok(Some(file)) => Ok(reply::log_file(file)),
                Ok(None) => {
                    self.peers.stranger(&arrival.account)?;
                    Err(Code::C006.into())
                }
                Err(refusal) => Ok(reply::decline(arrival.request, &refusal, lang(&parts.headers))),
            },
            route::Route::Receipt { id, sm3 } => {
                let bytes_max = self.body_bytes_max(arrival, parts)?;
                let body = body::read(incoming, bytes_max, self.limits.body, &mut room).await?;
                Ok(self.receipt(&inbound(body), id, sm3).await)
            }
            route::Route::Call { product } => {
                let bytes_max = self.body_bytes_max(arrival, parts)?;
                let body = body::read(incoming, bytes_max, self.limits.body, &mut room).await?;
                Ok(self.call(&inbound(body), product).await)
            }
        }
    }

    /// Where a request goes, and under which authority, from its head alone.
    fn direct<'p>(&self, conn: &Conn, parts: &'p Parts) -> Result<(route::Route<'p>, &'p str), Edgewise> {
        // Over HTTP/1 the harmless head stands for the refused one; over HTTP/2 all that comes after it is refused.
        if (parts.method.as_str() == REFUSED_METHOD || parts.version == Version::HTTP_2)
            && let Some(code) = conn.refused()
        {
            return Err(code.into());
        }
        let authority = authority(parts)?;
        let path = parts.uri.path();
        if !path::is_canonical(path) || !parts.uri.query().is_none_or(path::query_is_plain) {
            return Err(Code::C002.into());
        }
        let to = route::route(&parts.method, path).map_err(|astray| Edgewise {
            code: astray.code,
            allow: astray.allow,
            close: false,
        })?;
        Ok((to, authority))
    }

    /// Most bytes of a signed request's body, before any of it is read: what the operation declares, and few where the head names
    /// no live credential, or asks for what takes no body.
    ///
    /// # Errors
    /// C010 when the address sends too many that name none.
    fn body_bytes_max(&self, arrival: &Arrival, parts: &Parts) -> Result<usize, Code> {
        let weight = self.gate.weigh(parts.uri.path(), &parts.headers, arrival.peer);
        if !weight.identified {
            self.peers.stranger(&arrival.account)?;
        }
        let most = self.limits.body_bytes_max.min(weight.body_bytes_max.unwrap_or(usize::MAX));
        let few = self.limits.unidentified_body_bytes_max.min(most);
        Ok(if weight.identified && weight.takes_body { most } else { few })
    }

    async fn receipt(&self, call: &Inbound<'_>, id: &str, sm3: bool) -> Response<Body> {
        match self.gate.receipt(call, id, sm3).await {
            Ok(receipt) => reply::page(StatusCode::OK, "text/plain; charset=utf-8", receipt),
            Err(refusal) => reply::decline(call.request, &refusal, lang(call.headers)),
        }
    }

    async fn call(&self, call: &Inbound<'_>, product: &str) -> Response<Body> {
        let started = tokio::time::Instant::now();
        let upstream = Timed::new(&self.upstreams);
        let reply = self.gate.serve(call, &upstream).await;
        let source = if upstream.answered() { Source::Upstream } else { Source::Gateway };
        self.metrics.served(product, reply.status, source, started.elapsed(), upstream.spent());
        reply::respond(reply, lang(call.headers))
    }
}

/// Host and port as the caller sees them: `:authority` over HTTP/2, `Host` over HTTP/1; both only when they agree.
fn authority(parts: &Parts) -> Result<&str, Code> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(Code::C001),
        (Some(host), None) => Some(host.to_str().map_err(|_| Code::C001)?),
        (None, None) => None,
    };
    let target = parts.uri.authority().map(http::uri::Authority::as_str);
    let authority = match (target, host) {
        (Some(target), Some(host)) if !target.eq_ignore_ascii_case(host) => return Err(Code::C001),
        (Some(target), _) => target,
        (None, Some(host)) => host,
        (None, None) => return Err(Code::C001),
    };
    if path::authority_is_plain(authority) { Ok(authority) } else { Err(Code::C001) }
}
