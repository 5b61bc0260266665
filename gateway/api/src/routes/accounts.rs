//! Administering other people's accounts.

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use shuzha_control::accounts::Profile;
use shuzha_core::{Code, Id};

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
    let items: Vec<_> = page.items.iter().map(shown::account).collect();
    Ok(Reply::ok(&json!({"items": items, "next": page.next.as_ref().map(Id::as_str)})))
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

/// `POST /api/v1/accounts`; the first password is shown here and never again.
pub(crate) fn create(ask: &Ask) -> Result<Reply, Problem> {
    let caller = who::caller(ask)?;
    ask.parameters().done()?;
    let body = ask.json()?;
    let mut fields = Fields::of(&body);
    let name = fields.id("name");
    let profile = profile(&mut fields);
    let (name, profile) = fields.done(|| Some((name?, profile?)))?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let made = ask.shared.accounts.create(&caller, &name, profile, key)?;
    let account = json!({"account": shown::account(&made.account)});
    Ok(shown_once(StatusCode::CREATED, account, "password", made.password.as_deref())
        .version(made.account.version)
        .location(&format!("/api/v1/accounts/{name}")))
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
    let profile = fields.done(|| profile)?;
    let key = conditions::idempotency_key(&ask.headers)?;
    let account = ask.shared.accounts.change(&caller, &name, expected.version(), profile, key)?;
    Ok(Reply::ok(&shown::account(&account)).version(account.version))
}

/// An answer with a secret that is shown once; the answer to a retry says that it was shown already.
pub(crate) fn shown_once(status: StatusCode, mut body: Value, field: &str, secret: Option<&String>) -> Reply {
    body[field] = secret.map(String::as_str).into();
    body["alreadyShown"] = secret.is_none().into();
    let reply = Reply::with(status, &body);
    if secret.is_some() { reply } else { reply.header(REPLAYED, HeaderValue::from_static("true")) }
}

fn profile(fields: &mut Fields<'_>) -> Option<Profile> {
    let organisation = fields.id("organisation");
    let person = fields.text("person", 1..=TEXT_BYTES_MAX).map(str::to_owned);
    let roles = fields.roles("roles");
    let disabled = fields.boolean("disabled", false);
    Some(Profile { organisation: organisation?, person: person?, roles: roles?, disabled: disabled? })
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
        match verb {
            "link" => accounts.link(&caller, &name, issuer, subject)?,
            _ => accounts.unlink(&caller, &name, issuer, subject)?,
        }
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    fields.done(|| Some(()))?;
    if verb == "reset-password" {
        let key = conditions::idempotency_key(&ask.headers)?;
        let password = accounts.reset_password(&caller, &name, key)?;
        return Ok(shown_once(StatusCode::OK, json!({}), "password", password.as_deref()));
    }
    if name == caller.account {
        // One's own needs a code: `DELETE /api/v1/me/one-time-code`.
        return Err(Code::C1105.into());
    }
    accounts.remove_one_time(&caller, &name, None)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
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
