//! Sign-on by an OpenID Connect provider (OpenID Connect Core 1.0): authorization code with PKCE, nonce, and a state that
//! only the browser that began can end. An identity signs on as the account it is linked to; none is ever made.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{
    AuthorizationCode, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, TokenResponse as _,
};
use shuzha_core::{Code, OsRng, Rng as _};
use subtle::ConstantTimeEq as _;

use super::sign_on::started_reply;
use crate::ask::{Ask, Reply};
use crate::oidc::{Oidc, Pending, away};
use crate::problem::Problem;
use crate::source::place;

/// How long a person may take at the provider.
const PENDING_LIFE: Duration = Duration::from_secs(600);
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
