//! Sign-on by an OpenID Connect provider (OpenID Connect Core 1.0): authorization code with PKCE, nonce, and a state that
//! only the browser that began can end. An identity signs on as the account it is linked to; none is ever made.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse as _,
};
use shuzha_core::{Code, OsRng, Rng as _, Timestamp};
use subtle::ConstantTimeEq as _;

use super::sign_on::started_reply;
use crate::ask::{Ask, Reply};
use crate::problem::Problem;
use crate::source::place;
use crate::starts::Starts;

/// How long a person may take at the provider.
const PENDING_LIFE: Duration = Duration::from_secs(600);
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
struct Pending {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// What the browser's cookie must hold.
    browser: String,
}

/// The provider as known, and the sign-ons under way.
pub(crate) struct Oidc {
    options: OidcOptions,
    agent: ureq::Agent,
    metadata: Mutex<Option<(CoreProviderMetadata, Timestamp)>>,
    pending: Mutex<Starts<Pending>>,
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Oidc {
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

    fn http(&self, request: openidconnect::HttpRequest) -> Result<openidconnect::HttpResponse, ureq::Error> {
        let (parts, mut body) = self.agent.run(request)?.into_parts();
        let body = body.with_config().limit(PROVIDER_BYTES_MAX).read_to_vec()?;
        Ok(http::Response::from_parts(parts, body))
    }

    fn client(&self, now: Timestamp) -> Result<Client, Problem> {
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

    fn pending(&self) -> MutexGuard<'_, Starts<Pending>> {
        self.pending.lock().expect("nothing panics while it holds the sign-ons")
    }
}

/// The provider does not answer as one does: nothing of what it said is shown.
fn away(error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, "the identity provider cannot be used");
    Problem { retry_after: Some(Duration::from_secs(10)), ..Code::C1109.into() }
}

fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(OsRng.bytes::<32>())
}

const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-shuzha-sign-on" } else { "shuzha-sign-on" }
}

/// A cookie that comes back with the provider's redirect, which is why it is `Lax`.
fn cookie(https: bool, value: &str, seconds: u64) -> HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let text =
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(https));
    HeaderValue::from_str(&text).expect("names, base 64 and digits are a header value")
}

fn provider(ask: &Ask) -> Result<&Oidc, Problem> {
    ask.shared.oidc.as_ref().ok_or_else(|| Code::C006.into())
}

/// `GET /api/v1/sign-on/oidc`: sends the browser to the provider.
pub(crate) fn begin(ask: &Ask) -> Result<Reply, Problem> {
    let oidc = provider(ask)?;
    ask.parameters().done()?;
    let now = ask.shared.clock.now();
    let verifier = PkceCodeVerifier::new(unguessable());
    let (url, state, nonce) = oidc
        .client(now)?
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new(unguessable()),
            || Nonce::new(unguessable()),
        )
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    let browser = unguessable();
    let sent = cookie(ask.shared.https, &browser, PENDING_LIFE.as_secs());
    let (term, pending) = ((now, now.plus(PENDING_LIFE)), Pending { nonce, verifier, browser });
    oidc.pending().put(state.into_secret(), pending, place(ask.source), term);
    let url = HeaderValue::from_str(url.as_str()).map_err(away)?;
    Ok(Reply::empty(StatusCode::FOUND).header(LOCATION, url).header(SET_COOKIE, sent))
}

/// `GET /api/v1/sign-on/oidc/callback`: the browser comes back with a code.
pub(crate) fn end(ask: &Ask) -> Result<Reply, Problem> {
    let oidc = provider(ask)?;
    let refused = || Problem::from(Code::C1102);
    // A provider may add parameters of its own.
    let mut parameters = ask.parameters();
    let (state, code) = (parameters.long("state"), parameters.long("code"));
    let (state, code) = state.zip(code).ok_or_else(refused)?;
    if parameters.long("iss").is_some_and(|issuer| issuer != oidc.options.issuer) {
        return Err(refused());
    }
    let now = ask.shared.clock.now();
    let pending = oidc.pending().take(&state, now).ok_or_else(refused)?;
    let cookies = ask.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let name = cookie_name(ask.shared.https);
    let (_, browser) = pairs.find(|(known, _)| *known == name).ok_or_else(refused)?;
    if !bool::from(browser.as_bytes().ct_eq(pending.browser.as_bytes())) {
        return Err(refused());
    }
    let client = oidc.client(now)?;
    let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(away)?;
    let exchange = exchange.set_pkce_verifier(pending.verifier);
    let tokens = exchange.request(&|ask| oidc.http(ask)).map_err(|error| match error {
        openidconnect::RequestTokenError::ServerResponse(_) => refused(),
        other => away(other),
    })?;
    let token = tokens.id_token().ok_or_else(refused)?;
    let claims = token.claims(&client.id_token_verifier(), &pending.nonce).map_err(|error| {
        tracing::warn!(%error, "an identity token does not hold");
        refused()
    })?;
    let started = ask.shared.accounts.sign_in_linked(&oidc.options.issuer, claims.subject().as_str())?;
    let to = HeaderValue::from_str(&oidc.options.return_to).map_err(away)?;
    let reply = started_reply(ask, &started);
    Ok(reply.moved(to).header(SET_COOKIE, cookie(ask.shared.https, "", 0)))
}
