//! What a person does to their own account.

use http::StatusCode;
use serde_json::json;
use shuzha_core::Timestamp;

use super::accounts::shown_once;
use super::sign_on::PASSWORD_BYTES_MAX;
use crate::ask::{Ask, Reply};
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::parameters::{instant, instant_text};
use crate::problem::Problem;
use crate::{conditions, shown, who};

/// `GET /api/v1/me`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    let signed_on = who::signed_on(ask)?;
    ask.parameters().done()?;
    let caller = &signed_on.caller;
    let csrf = match who::session(&ask.headers, ask.shared.https) {
        Some(session) if !caller.by_token => Some(who::csrf(session)),
        _ => None,
    };
    Ok(Reply::ok(&json!({
        "account": caller.account.as_str(),
        "organisation": caller.organisation.as_str(),
        "person": signed_on.person,
        "roles": caller.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "byToken": caller.by_token,
        "readOnly": caller.read_only,
        "until": instant_text(signed_on.until),
        "mustChangePassword": signed_on.must_change_password,
        "mustEnrolOneTimeCode": signed_on.must_enrol,
        "csrf": csrf,
    })))
}

/// `PUT /api/v1/me/password`.
pub(crate) fn set_password(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller_enrolling(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let present = fields.text("present", 1..=PASSWORD_BYTES_MAX);
    let password = fields.text("password", 1..=PASSWORD_BYTES_MAX);
    let (present, password) = fields.done(|| Some((present?, password?)))?;
    ask.shared.accounts.set_password(&caller, present, password)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /api/v1/me/one-time-code`: a secret for one-time codes, in use once confirmed.
pub(crate) fn enrol(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller_enrolling(ask)?;
    ask.parameters().done()?;
    Fields::of(&ask.json_or_empty()?).done(|| Some(()))?;
    let enrolment = ask.shared.accounts.enrol_one_time(&caller)?;
    let body = json!({"secret": enrolment.secret.as_str(), "address": enrolment.address.as_str()});
    Ok(Reply::with(StatusCode::CREATED, &body))
}

/// `POST /api/v1/me/one-time-code:confirm`.
pub(crate) fn confirm(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller_enrolling(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let code = fields.text("code", 1..=TEXT_BYTES_MAX);
    let code = fields.done(|| code)?;
    // This session goes on; every other sign-on of the account ends.
    let session = who::session(&ask.headers, ask.shared.https);
    let codes = ask.shared.accounts.confirm_one_time(&caller, code, session)?;
    let codes: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    Ok(Reply::ok(&json!({"recoveryCodes": codes})))
}

/// `DELETE /api/v1/me/one-time-code`, by a last code.
pub(crate) fn remove_one_time(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let code = fields.text("code", 1..=TEXT_BYTES_MAX);
    let code = fields.done(|| code)?;
    ask.shared.accounts.remove_one_time(&caller, code)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `GET /api/v1/me/tokens`.
pub(crate) fn tokens(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let tokens = ask.shared.accounts.tokens(&caller)?;
    let items: Vec<_> = tokens.iter().map(shown::token).collect();
    Ok(Reply::ok(&json!({"items": items, "next": null})))
}

/// `POST /api/v1/me/tokens`; the token itself is shown here and never again.
pub(crate) fn create_token(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let name = fields.id("name");
    let roles = fields.roles("roles");
    let read_only = fields.boolean("readOnly", false);
    let until: Option<Timestamp> = match fields.text("until", 1..=TEXT_BYTES_MAX).map(instant) {
        Some(None) => {
            fields.fail("until", "must be a date (2026-01-31) or an instant (2026-01-31T08:00:00+08:00)")
        }
        read => read.flatten(),
    };
    let (name, roles, read_only, until) = fields.done(|| Some((name?, roles?, read_only?, until?)))?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let token = ask.shared.accounts.create_token(&caller, &name, &roles, read_only, until, key)?;
    let body = json!({"name": name.as_str(), "until": instant_text(until)});
    let reply = shown_once(StatusCode::CREATED, body, "token", token.as_deref());
    Ok(reply.location(&format!("/api/v1/me/tokens/{name}")))
}

/// `DELETE /api/v1/me/tokens/{token}`.
pub(crate) fn remove_token(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let name = ask.id("token")?;
    ask.shared.accounts.remove_token(&caller, &caller.account, &name)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
