//! The data plane: callers' connections in, policy in the middle, product services behind.
//!
//! Pingora hosts it (runtimes, services, TLS acceptor, load balancing, health checks); hyper speaks HTTP on the
//! connections. `docs/adr/0001-http-on-pingora.md` says why. Reading order: [`server`](Options) builds and stops,
//! `connection` serves one socket, `guard` judges request heads, `edge` routes, [`Gate`] is policy, `upstream` fetches,
//! `reply` answers.
//!
//! **Invariant:** a request reaches [`Gate::serve`] whole, unambiguously framed, on a canonical path, and once.
//! **Invariant:** nothing a caller sent reaches a product service but through [`shuzha_policy::Dispatch`].

mod client;
mod conn;
mod connection;
mod edge;
mod egress;
mod error;
mod gate;
mod guard;
mod limits;
mod metrics;
mod pages;
mod path;
mod peers;
mod reply;
mod server;
mod upstream;

pub use client::{Told, TrustedProxies};
pub use egress::{Egress, EgressRule, EgressRuleError};
pub use error::ProxyError;
pub use gate::{Gate, LogFile, Operator};
pub use limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, Limits};
pub use path::{authority_is_plain, is_canonical, query_is_plain};
pub use server::{Addresses, CertificateState, Handle, Options, Proxy, RENEW_DAYS, Sockets, TlsOptions};
pub use upstream::{
    Described, Endpoint, PackageBody, Prove, Resolve, StreamFault, SystemResolver, UpstreamOptions, Upstreams,
};
