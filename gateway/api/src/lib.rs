//! The control API over HTTP: REST under `/api/v1`, problem details, an OpenAPI 3.1 document generated from the code.
//!
//! - [`Options`] → [`Options::build`] → [`Api::serve`] until its drain.
//! - [`openapi::document`] is the published document; `docs/api/openapi.json` is the same, kept current by a test.
//!
//! Objects and cases of every kind go through the same handlers: adding a kind changes nothing here but the document. What
//! a person may do, see and decide is the business of `shuzha-control`; here requests become its calls, and its answers
//! become JSON.
//!
//! **Invariant:** a request is answered with JSON or a problem document, whatever came in; a bug is a C093, not a dead
//! connection.
//! **Invariant:** no body, cookie, token or password reaches the log.

mod ask;
mod conditions;
mod connections;
mod deed;
mod fields;
mod guard;
mod intake;
pub mod limits;
#[cfg(feature = "oidc")]
mod oidc;
pub mod openapi;
mod parameters;
mod problem;
mod public;
mod room;
mod routes;
mod server;
mod shared;
mod shown;
mod source;
#[cfg(any(test, feature = "oidc"))]
mod starts;
mod streamed;
mod who;
pub mod witness;

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use shuzha_control::Control;
use shuzha_control::accounts::Accounts;
use shuzha_control::consents::ConsentService;
use shuzha_control::evidence::Evidence;
use shuzha_control::finance::Finance;
use shuzha_core::Clock;
use tokio::sync::Semaphore;

pub use limits::Limits;
#[cfg(feature = "oidc")]
pub use oidc::OidcOptions;
use room::Room;
use shared::Shared;

/// What the API is built from.
pub struct Options {
    /// The register's use cases.
    pub control: Arc<Control>,
    /// Those of accounts.
    pub accounts: Arc<Accounts>,
    /// Consents of persons.
    pub consents: Arc<ConsentService>,
    /// Those of finance, where this node keeps the books.
    pub finance: Option<Arc<Finance>>,
    /// Those of evidence, where this node keeps an index of it.
    pub evidence: Option<Arc<Evidence>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What connections and requests may take.
    pub limits: Limits,
    /// Whether browsers come by HTTPS, through something that ends TLS in front: cookies are then bound to it.
    pub https: bool,
    /// Refusal codes and the Markdown that explains each.
    pub error_pages: &'static [(&'static str, &'static str)],
}

impl Options {
    /// Builds the API.
    #[must_use]
    pub fn build(self) -> Api {
        let limits = self.limits.clone();
        Api { router: routes::router(Arc::new(self.shared())), limits }
    }

    /// Builds the API with sign-on by an identity provider.
    #[cfg(feature = "oidc")]
    #[must_use]
    pub fn build_with_oidc(self, provider: OidcOptions) -> Api {
        let limits = self.limits.clone();
        let shared = Shared { oidc: Some(oidc::Oidc::new(provider)), ..self.shared() };
        Api { router: routes::router(Arc::new(shared)), limits }
    }

    fn shared(self) -> Shared {
        Shared {
            control: self.control,
            accounts: self.accounts,
            consents: self.consents,
            finance: self.finance,
            evidence: self.evidence,
            clock: self.clock,
            room: Arc::new(Room::new(&self.limits)),
            exports: Arc::new(Semaphore::new(self.limits.exports_max)),
            limits: self.limits,
            https: self.https,
            error_pages: self.error_pages,
            #[cfg(feature = "oidc")]
            oidc: None,
            openapi: Bytes::from(openapi::document().to_string()),
        }
    }
}

/// The API, ready to serve.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
    limits: Limits,
}
