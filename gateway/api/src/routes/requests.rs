//! What an administrator asked for and a second person decides; and the invitations that come of it.

use http::StatusCode;
use http::header::SET_COOKIE;
use shuzha_control::accounts::AccountRequest;
use shuzha_core::{Code, Id};
use shuzha_schema::account as of;

use super::sign_on::{PASSWORD_BYTES_MAX, session_cookie, signed_in};
use crate::ask::{Ask, Reply};
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::problem::Problem;
use crate::{shown, who};

/// What can be done to a request.
pub(crate) const VERBS: [&str; 3] = ["confirm", "refuse", "withdraw"];

/// `GET /api/v1/account-requests`.
pub(crate) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    let open = parameters.flag("open");
    parameters.done()?;
    let page = ask.shared.control.account_requests(&caller, open, after.as_ref(), limit)?;
    Ok(Reply::page(&page, |request| one(ask, request)))
}

/// `GET /api/v1/account-requests/{name}`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    not_a_verb(ask)?;
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    Ok(Reply::ok(&one(ask, &ask.shared.control.account_request(&caller, &ask.id("name")?)?)))
}

/// `POST /api/v1/account-requests/{name}:{verb}`.
pub(crate) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let Some((name, verb)) = ask.part("name").split_once(':') else { return no_such_method(ask) };
    if !VERBS.contains(&verb) {
        return Err(Code::C006.into());
    }
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let name = Id::new(name).map_err(|_| Problem::from(Code::C1003))?;
    Fields::of(&ask.json_or_empty()?).done(|| Some(()))?;
    let (control, accounts) = (&ask.shared.control, &ask.shared.accounts);
    let request = match verb {
        "refuse" => accounts.refuse(&caller, &name)?,
        "withdraw" => accounts.withdraw(&caller, &name)?,
        _ if control.account_request(&caller, &name)?.verb == "bind" => {
            ask.shared.consents.confirm_binding(&caller, &name)?
        }
        _ => {
            let confirmed = accounts.confirm(&caller, &name)?;
            return Ok(Reply::ok(&of::DecidedRequest {
                request: one(ask, &confirmed.request),
                account: Some(shown::account(&confirmed.made.account)),
                invited_until: confirmed.made.invited_until.map(shown::instant),
                code: confirmed.code.as_ref().map(|code| code.to_string()),
            }));
        }
    };
    let request = one(ask, &request);
    Ok(Reply::ok(&of::DecidedRequest { request, account: None, invited_until: None, code: None }))
}

fn one(ask: &Ask, request: &AccountRequest) -> of::AccountRequest {
    shown::account_request(request, ask.shared.control.looked_at())
}

/// Any other method on one request, or on one of its verbs.
pub(crate) fn no_such_method(ask: &Ask) -> Result<Reply, Problem> {
    not_a_verb(ask)?;
    Err(Problem { allow: Some("GET, HEAD"), ..Code::C007.into() })
}

fn not_a_verb(ask: &Ask) -> Result<(), Problem> {
    match ask.part("name").split_once(':') {
        Some((_, verb)) if VERBS.contains(&verb) => Err(Problem { allow: Some("POST"), ..Code::C007.into() }),
        _ => Ok(()),
    }
}

/// `POST /api/v1/invitations:open`: whose it is, and what a device is set up with.
pub(crate) fn open(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let token = fields.text("token", 1..=TEXT_BYTES_MAX);
    let code = fields.text_or_none("code", 1..=TEXT_BYTES_MAX);
    let (token, code) = fields.done(|| Some((token?, code?)))?;
    let opened = ask.shared.accounts.open_invitation(token, code)?;
    Ok(Reply::ok(&of::OpenedInvitation {
        account: shown::account(&opened.account),
        until: shown::instant(opened.until),
        enrolment: opened.enrolment.as_ref().map(shown::enrolment),
    }))
}

/// `POST /api/v1/invitations:accept`: the person's own password, and the first code of their device; signs on.
pub(crate) fn accept(ask: &Ask) -> Result<Reply, Problem> {
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let token = fields.text("token", 1..=TEXT_BYTES_MAX);
    let code = fields.text_or_none("code", 1..=TEXT_BYTES_MAX);
    let password = fields.text("password", 1..=PASSWORD_BYTES_MAX);
    let one_time = fields.text_or_none("oneTimeCode", 1..=TEXT_BYTES_MAX);
    let (token, code, password, one_time) = fields.done(|| Some((token?, code?, password?, one_time?)))?;
    let accepted = ask.shared.accounts.accept_invitation(token, code, password, one_time)?;
    let recovery_codes = accepted.recovery_codes.iter().map(|code| code.to_string()).collect();
    let (signed_in, recovery) = (signed_in(&accepted.started), of::RecoveryCodes { recovery_codes });
    let body = of::AcceptedInvitation { signed_in, recovery };
    let cookie = session_cookie(ask, &accepted.started);
    Ok(Reply::with(StatusCode::CREATED, &body).header(SET_COOKIE, cookie))
}
