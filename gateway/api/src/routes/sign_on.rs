//! Signing on and off; the first administrator.

use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use shuzha_control::accounts::{First, Started};
use shuzha_core::Code;
use shuzha_schema::account::SignedIn;

use crate::ask::{Ask, Reply};
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::problem::Problem;
use crate::source::place;
use crate::{shown, who};

/// Longest password in bytes: longer ones are refused before they are hashed.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1_024;

/// `POST /api/v1/sessions`.
pub(crate) fn begin(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let name = fields.text("name", 1..=TEXT_BYTES_MAX);
    let password = fields.text("password", 1..=PASSWORD_BYTES_MAX);
    let code = fields.text_or_none("code", 1..=TEXT_BYTES_MAX);
    let (name, password, code) = fields.done(|| Some((name?, password?, code?)))?;
    let started = ask.shared.accounts.sign_in(name, password, code, &source(ask))?;
    Ok(started_reply(ask, &started))
}

/// Where a sign-on comes from, for counting its failures.
pub(crate) fn source(ask: &Ask) -> String {
    place(ask.source).to_string()
}

/// The answer to a sign-on: the session in a cookie, and its mark for the page.
pub(crate) fn started_reply(ask: &Ask, started: &Started) -> Reply {
    Reply::with(StatusCode::CREATED, &signed_in(started)).header(SET_COOKIE, session_cookie(ask, started))
}

/// What a person is told when they have signed on.
pub(crate) fn signed_in(started: &Started) -> SignedIn {
    SignedIn {
        account: shown::account(&started.account),
        csrf: who::csrf(&started.session),
        until: shown::instant(started.until),
        must_change_password: started.must_change_password,
        must_enrol_one_time_code: started.must_enrol,
    }
}

/// The session, for the browser to keep.
pub(crate) fn session_cookie(ask: &Ask, started: &Started) -> HeaderValue {
    let https = ask.shared.https;
    let seconds = started.until.micros_since(ask.shared.clock.now()) / 1_000_000;
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}",
        who::cookie_name(https),
        *started.session
    );
    let mut cookie = HeaderValue::from_str(&cookie).expect("names, base 64 and digits are a header value");
    cookie.set_sensitive(true);
    cookie
}

/// `DELETE /api/v1/sessions/current`: ends the session, or the API token, that the request comes with.
pub(crate) fn end(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let caller = who::caller_enrolling(ask)?;
    if let Some(token) = who::token(&ask.headers)?.filter(|_| caller.by_token) {
        ask.shared.accounts.give_up_token(token)?;
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let https = ask.shared.https;
    let session = who::session(&ask.headers, https).ok_or(Code::C1101)?;
    ask.shared.accounts.sign_out(session)?;
    let secure = if https { "; Secure" } else { "" };
    let cookie =
        format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}", who::cookie_name(https));
    let cookie = HeaderValue::from_str(&cookie).expect("it is ASCII");
    Ok(Reply::empty(StatusCode::NO_CONTENT).header(SET_COOKIE, cookie))
}

/// `POST /api/v1/first-administrator`: by the token that the first start left in a file.
pub(crate) fn first_administrator(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let token = fields.text("token", 1..=TEXT_BYTES_MAX);
    let name = fields.id("name");
    let organisation = fields.id("organisation");
    let person = fields.text("person", 1..=TEXT_BYTES_MAX);
    let id_number = fields.text("idNumber", 1..=TEXT_BYTES_MAX);
    let password = fields.text("password", 1..=PASSWORD_BYTES_MAX);
    let (token, name, organisation, person, id_number, password) =
        fields.done(|| Some((token?, name?, organisation?, person?, id_number?, password?)))?;
    let first = First { token, name: &name, organisation: &organisation, person, id_number, password };
    let account = ask.shared.accounts.create_first(&first, &source(ask))?;
    Ok(Reply::with(StatusCode::CREATED, &shown::account(&account))
        .location(&format!("/api/v1/accounts/{name}")))
}
