//! What a person does to their own account.

use http::StatusCode;
use shuzha_core::Timestamp;
use shuzha_schema::account::{MadeToken, Me, RecoveryCodes};
use shuzha_schema::{Name, Page, Role};

use super::accounts::shown_once;
use super::sign_on::PASSWORD_BYTES_MAX;
use crate::ask::{Ask, Reply};
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::parameters::instant;
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
    Ok(Reply::ok(&Me {
        account: Name::of(&caller.account),
        organisation: Name::of(&caller.organisation),
        person: signed_on.person.clone(),
        roles: caller.roles.iter().map(Role::of).collect(),
        by_token: caller.by_token,
        read_only: caller.read_only,
        until: shown::instant(signed_on.until),
        must_change_password: signed_on.must_change_password,
        must_enrol_one_time_code: signed_on.must_enrol,
        csrf,
    }))
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
    Ok(Reply::with(StatusCode::CREATED, &shown::enrolment(&enrolment)))
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
    let recovery_codes = codes.iter().map(|code| code.to_string()).collect();
    Ok(Reply::ok(&RecoveryCodes { recovery_codes }))
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
    Ok(Reply::ok(&Page { items: tokens.iter().map(shown::token).collect(), next: None }))
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
    let already_shown = token.is_none();
    let token = token.as_deref().cloned();
    let body = MadeToken { name: Name::of(&name), until: shown::instant(until), token, already_shown };
    Ok(shown_once(&body, already_shown).location(&format!("/api/v1/me/tokens/{name}")))
}

/// `DELETE /api/v1/me/tokens/{token}`.
pub(crate) fn remove_token(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let name = ask.id("token")?;
    ask.shared.accounts.remove_token(&caller, &caller.account, &name)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
