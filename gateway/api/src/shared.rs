//! What every request is answered from.

use std::sync::Arc;

use bytes::Bytes;
use shuzha_control::Control;
use shuzha_control::accounts::Accounts;
use shuzha_control::consents::ConsentService;
use shuzha_control::evidence::Evidence;
use shuzha_control::finance::Finance;
use shuzha_core::Clock;
use tokio::sync::Semaphore;

use crate::limits::Limits;
use crate::room::Room;

/// Shared by all requests; nothing in it changes while the API runs, but for what [`Control`] guards itself.
pub(crate) struct Shared {
    pub(crate) control: Arc<Control>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) consents: Arc<ConsentService>,
    /// The books, where this node keeps them.
    pub(crate) finance: Option<Arc<Finance>>,
    /// Evidence, where this node keeps an index of it.
    pub(crate) evidence: Option<Arc<Evidence>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    /// Room for requests that arrive and that are answered.
    pub(crate) room: Arc<Room>,
    /// Exports that may still begin.
    pub(crate) exports: Arc<Semaphore>,
    /// Whether browsers come by HTTPS.
    pub(crate) https: bool,
    /// Code and Markdown of the pages that problems point at.
    pub(crate) error_pages: &'static [(&'static str, &'static str)],
    /// The identity provider, where there is one.
    #[cfg(feature = "oidc")]
    pub(crate) oidc: Option<crate::oidc::Oidc>,
    /// The OpenAPI document, rendered once.
    pub(crate) openapi: Bytes,
}
