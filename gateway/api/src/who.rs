//! Who asks: an API token, or a session that a browser keeps in a cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap};
use ring::digest::{SHA256, digest};
use shuzha_control::Caller;
use shuzha_control::accounts::SignedOn;
use shuzha_core::Code;
use subtle::ConstantTimeEq as _;

use crate::ask::Ask;
use crate::conditions::single;
use crate::problem::Problem;
use crate::shared::Shared;

/// The header that a page of ours sends with every change, and that no other site can make a browser send.
pub(crate) const CSRF: &str = "x-csrf-token";

/// The cookie's name. The prefix makes browsers refuse it from elsewhere, and works over HTTPS only.
pub(crate) const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-shuzha" } else { "shuzha" }
}

/// The mark against cross-site forgery that belongs to a session: whoever can read it could read the session's answers.
pub(crate) fn csrf(session: &str) -> String {
    let text = format!("shuzha csrf {session}");
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// The session in the cookies of a request.
pub(crate) fn session(headers: &HeaderMap, https: bool) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == cookie_name(https)).map(|(_, value)| value)
}

/// The API token of a request.
///
/// # Errors
/// C1101 for any other way of signing on.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(authorization) = single(headers, AUTHORIZATION.as_str())? else { return Ok(None) };
    let (scheme, token) = authorization.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(Code::C1101.into()) }
}

/// Whoever the headers sign on, without asking for what a change needs beside it.
///
/// # Errors
/// C1101 without a sign-on that holds.
pub(crate) fn signed_on_by(shared: &Shared, headers: &HeaderMap) -> Result<SignedOn, Problem> {
    match token(headers)? {
        Some(token) => Ok(shared.accounts.token(token)?),
        None => Ok(shared.accounts.session(session(headers, shared.https).ok_or(Code::C1101)?)?),
    }
}

/// The signed-on person, who may have to enrol a one-time code before anything else.
///
/// # Errors
/// C1101 without a sign-on that holds; C1108 for a change by cookie without its mark.
pub(crate) fn signed_on(ask: &Ask) -> Result<SignedOn, Problem> {
    let signed_on = signed_on_by(&ask.shared, &ask.headers)?;
    // Asked for once per request; a second time would name the same person. Before the mark is looked at, so that the
    // record of a refusal names whose browser was used.
    let _ = ask.asker.set(signed_on.caller.clone());
    if !signed_on.caller.by_token && !matches!(ask.method, Method::GET | Method::HEAD) {
        let session = session(&ask.headers, ask.shared.https).ok_or(Code::C1101)?;
        let mark = single(&ask.headers, CSRF)?.unwrap_or_default();
        if !bool::from(mark.as_bytes().ct_eq(csrf(session).as_bytes())) {
            return Err(Code::C1108.into());
        }
    }
    Ok(signed_on)
}

/// The signed-on person, as whom the control plane knows them.
///
/// # Errors
/// As [`signed_on`]; C1110 where their roles demand a one-time code and none is enrolled.
pub(crate) fn caller(ask: &Ask) -> Result<Caller, Problem> {
    let signed_on = signed_on(ask)?;
    if signed_on.must_enrol { Err(Code::C1110.into()) } else { Ok(signed_on.caller) }
}

/// The signed-on person, for what remains open to whoever has to enrol a one-time code first.
///
/// # Errors
/// As [`signed_on`].
pub(crate) fn caller_enrolling(ask: &Ask) -> Result<Caller, Problem> {
    signed_on(ask).map(|signed_on| signed_on.caller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let headers = HeaderMap::from_iter([
            (COOKIE, HeaderValue::from_static("lang=zh; shuzha=abc")),
            (COOKIE, HeaderValue::from_static("__Host-shuzha=def")),
        ]);
        assert_eq!(session(&headers, false), Some("abc"));
        assert_eq!(session(&headers, true), Some("def"));
        assert_eq!(session(&HeaderMap::new(), true), None);
    }
}
