//! Administering other people's accounts.

use http::{HeaderValue, StatusCode};
use serde::Serialize;
use shuzha_control::accounts::{AccountRequest, Handled, Made, Profile};
use shuzha_core::{Code, Id};
use shuzha_schema::account::{MadeAccount, WaitingRequest};

use super::objects::REPLAYED;
use crate::ask::{Ask, Reply};
use crate::conditions;
use crate::fields::{Fields, TEXT_BYTES_MAX};
use crate::problem::Problem;
use crate::{shown, who};

/// What can be done to an account beside changing it.
pub(crate) const VERBS: [&str; 4] = ["reset-password", "link", "unlink", "remove-one-time-code"];

/// `GET /api/v1/accounts`.
pub(crate) fn list(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    let mut parameters = ask.parameters();
    let limit = parameters.limit();
    let after: Option<Id> = parameters.parsed("cursor");
    let organisation: Option<Id> = parameters.parsed("organisation");
    parameters.done()?;
    let page = ask.shared.accounts.list(&caller, organisation.as_ref(), after.as_ref(), limit)?;
    Ok(Reply::page(&page, shown::account))
}

/// `GET /api/v1/accounts/{name}`.
pub(crate) fn get(ask: &Ask) -> Result<Reply, Problem> {
    not_a_verb(ask)?;
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let account = ask.shared.accounts.get(&caller, &ask.id("name")?)?;
    if conditions::has_already(&ask.headers, account.version) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED).version(account.version));
    }
    Ok(Reply::ok(&shown::account(&account)).version(account.version))
}

/// `POST /api/v1/accounts`: the person is invited, or a second person is asked. No answer ever holds what signs on.
pub(crate) fn create(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let name = fields.id("name");
    let profile = profile(&mut fields);
    let (name, profile) = fields.done(|| Some((name?, profile?)))?;
    let profile = profile.known(ask)?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let handled = ask.shared.accounts.create(&caller, &name, profile, key)?;
    Ok(match handled {
        Handled::Done(made) => made_reply(StatusCode::CREATED, &made)
            .version(made.account.version)
            .location(&format!("/api/v1/accounts/{name}")),
        Handled::Waits(request) => waits(ask, &request),
    })
}

/// `PUT /api/v1/accounts/{name}`.
pub(crate) fn change(ask: &Ask) -> Result<Reply, Problem> {
    not_a_verb(ask)?;
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let expected = conditions::expected(&ask.headers)?;
    let name = ask.id("name")?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let profile = profile(&mut fields);
    let profile = fields.done(|| profile)?.known(ask)?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let handled = ask.shared.accounts.change(&caller, &name, expected.version(), profile, key)?;
    Ok(match handled {
        Handled::Done(made) => Reply::ok(&shown::account(&made.account)).version(made.account.version),
        Handled::Waits(request) => waits(ask, &request),
    })
}

/// An account that was made or reset, and until when its invitation holds.
fn made_reply(status: StatusCode, made: &Made) -> Reply {
    let invited_until = made.invited_until.map(shown::instant);
    Reply::with(status, &MadeAccount { account: shown::account(&made.account), invited_until })
}

/// The answer to what waits for a second person.
pub(crate) fn waits(ask: &Ask, request: &AccountRequest) -> Reply {
    let shown = shown::account_request(request, ask.shared.control.looked_at());
    Reply::with(StatusCode::ACCEPTED, &WaitingRequest { request: shown })
        .location(&format!("/api/v1/account-requests/{}", request.name))
}

/// What was made with a secret that is shown once; the answer to a retry says that it was shown already.
pub(crate) fn shown_once(body: &impl Serialize, already_shown: bool) -> Reply {
    let reply = Reply::with(StatusCode::CREATED, body);
    if already_shown { reply.header(REPLAYED, HeaderValue::from_static("true")) } else { reply }
}

/// A profile as it was sent.
struct Sent<'v> {
    profile: Profile,
    id_number: Option<&'v str>,
}

impl Sent<'_> {
    /// With the natural person, whose number is forgotten here.
    fn known(self, ask: &Ask) -> Result<Profile, Problem> {
        let person_key = match self.id_number {
            Some(number) => Some(ask.shared.accounts.person_of(number)?),
            None => None,
        };
        Ok(Profile { person_key, ..self.profile })
    }
}

fn profile<'v>(fields: &mut Fields<'v>) -> Option<Sent<'v>> {
    let organisation = fields.id("organisation");
    let person = fields.text("person", 1..=TEXT_BYTES_MAX).map(str::to_owned);
    let roles = fields.roles("roles");
    let disabled = fields.boolean("disabled", false);
    let id_number = fields.text_or_none("idNumber", 1..=TEXT_BYTES_MAX)?;
    let profile = Profile {
        organisation: organisation?,
        person: person?,
        roles: roles?,
        disabled: disabled?,
        person_key: None,
    };
    Some(Sent { profile, id_number })
}

/// `POST /api/v1/accounts/{name}:{verb}`.
pub(crate) fn act(ask: &Ask) -> Result<Reply, Problem> {
    let Some((name, verb)) = ask.part("name").split_once(':') else { return no_such_method(ask) };
    if !VERBS.contains(&verb) {
        return Err(Code::C006.into());
    }
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let name = Id::new(name).map_err(|_| Problem::from(Code::C1003))?;
    let accounts = &ask.shared.accounts;
    let body = ask.json_or_empty()?;
    let mut fields = Fields::of(&body);
    if let "link" | "unlink" = verb {
        let issuer = fields.text("issuer", 1..=TEXT_BYTES_MAX);
        let subject = fields.text("subject", 1..=TEXT_BYTES_MAX);
        let (issuer, subject) = fields.done(|| Some((issuer?, subject?)))?;
        if verb == "link" {
            return Ok(waits(ask, &accounts.link(&caller, &name, issuer, subject)?));
        }
        accounts.unlink(&caller, &name, issuer, subject)?;
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    fields.done(|| Some(()))?;
    if name == caller.account {
        // One's own needs the present password, or a code: `/api/v1/me`.
        return Err(Code::C1105.into());
    }
    let handled = if verb == "reset-password" {
        accounts.reset_password(&caller, &name, conditions::idempotency_key(&ask.headers)?)?
    } else {
        accounts.reset_one_time(&caller, &name)?
    };
    Ok(match handled {
        Handled::Done(made) => made_reply(StatusCode::OK, &made),
        Handled::Waits(request) => waits(ask, &request),
    })
}

/// `DELETE /api/v1/accounts/{name}/tokens/{token}`.
pub(crate) fn remove_token(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    ask.shared.accounts.remove_token(&caller, &ask.id("name")?, &ask.id("token")?)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Any other method on one account, or on one of its verbs.
pub(crate) fn no_such_method(ask: &Ask) -> Result<Reply, Problem> {
    not_a_verb(ask)?;
    Err(Problem { allow: Some("GET, HEAD, PUT"), ..Code::C007.into() })
}

fn not_a_verb(ask: &Ask) -> Result<(), Problem> {
    match ask.part("name").split_once(':') {
        Some((_, verb)) if VERBS.contains(&verb) => Err(Problem { allow: Some("POST"), ..Code::C007.into() }),
        _ => Ok(()),
    }
}
