//! An OpenID Connect provider as a client sees it, and the sign-ons that are under way there.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use openidconnect::core::{CoreClient, CoreProviderMetadata};
use openidconnect::{
    ClientId, ClientSecret, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    PkceCodeVerifier, RedirectUrl,
};
use shuzha_core::{Code, Timestamp};

use crate::problem::Problem;
use crate::starts::Starts;

/// How long the provider's metadata and keys are taken as they were.
const METADATA_LIFE: Duration = Duration::from_secs(600);
/// Time for one request to the provider.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer of the provider in bytes.
const PROVIDER_BYTES_MAX: u64 = 1 << 20;

/// An OpenID Connect provider, and us as its client.
#[derive(Clone)]
pub struct OidcOptions {
    /// The provider's issuer address, from which everything else is discovered.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: Option<String>,
    /// The public address of `/api/v1/sign-on/oidc/callback`, as registered there.
    pub redirect: String,
    /// Where a browser goes once it is signed on: a path on our own origin.
    pub return_to: String,
}

impl std::fmt::Debug for OidcOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcOptions").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A sign-on under way.
pub(crate) struct Pending {
    pub(crate) nonce: Nonce,
    pub(crate) verifier: PkceCodeVerifier,
    /// What the browser's cookie must hold.
    pub(crate) browser: String,
}

/// The provider as known, and the sign-ons under way.
pub(crate) struct Oidc {
    pub(crate) options: OidcOptions,
    agent: ureq::Agent,
    metadata: Mutex<Option<(CoreProviderMetadata, Timestamp)>>,
    pending: Mutex<Starts<Pending>>,
}

pub(crate) type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Oidc {
    /// Nothing is asked of the provider yet.
    pub(crate) fn new(options: OidcOptions) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PROVIDER_TIMEOUT))
            .http_status_as_error(false)
            // A provider that sends us elsewhere is not the one that was configured.
            .max_redirects(0)
            .build()
            .into();
        Self { options, agent, metadata: Mutex::default(), pending: Mutex::default() }
    }

    pub(crate) fn http(
        &self,
        request: openidconnect::HttpRequest,
    ) -> Result<openidconnect::HttpResponse, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let body = body.with_config().limit(PROVIDER_BYTES_MAX).read_to_vec()?;
        Ok(http::Response::from_parts(parts, body))
    }

    pub(crate) fn client(&self, now: Timestamp) -> Result<Client, Problem> {
        let kept = self.metadata.lock().expect("nothing panics while it holds the metadata").clone();
        let metadata = match kept {
            Some((metadata, until)) if now < until => metadata,
            _ => {
                let issuer = IssuerUrl::new(self.options.issuer.clone()).map_err(away)?;
                let found = CoreProviderMetadata::discover(&issuer, &|ask| self.http(ask)).map_err(away)?;
                let mut kept = self.metadata.lock().expect("nothing panics while it holds the metadata");
                *kept = Some((found.clone(), now.plus(METADATA_LIFE)));
                found
            }
        };
        let secret = self.options.client_secret.clone().map(ClientSecret::new);
        let redirect = RedirectUrl::new(self.options.redirect.clone()).map_err(away)?;
        let client = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new(self.options.client_id.clone()),
            secret,
        );
        Ok(client.set_redirect_uri(redirect))
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Starts<Pending>> {
        self.pending.lock().expect("nothing panics while it holds the sign-ons")
    }
}

/// The provider does not answer as one does: nothing of what it said is shown.
pub(crate) fn away(error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, "the identity provider cannot be used");
    Problem { retry_after: Some(Duration::from_secs(10)), ..Code::C1109.into() }
}
