//! The persons of the story at the control API: each with an account and a token of their own.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_core::{OsRng, Rng, Timestamp};
use shuzha_products::world::API_VERSION;

use super::steps::PERSONS;
use super::{expect, refusal};
use crate::client::{Answer, Client, Request};

/// How long the persons' tokens hold: longer than the story lasts by its own clock.
const TOKEN_LIFE: Duration = Duration::from_secs(200 * 86_400);

/// The control API, and who is signed on to it.
pub(super) struct Desk {
    client: Client,
    /// Headers by person.
    persons: HashMap<&'static str, Vec<(String, String)>>,
}

impl Desk {
    /// Makes the first administrator, and by them an account for everyone.
    pub(super) fn open(base: &str, first_token: &str, now: Timestamp) -> Result<Self> {
        let mut desk = Self { client: Client::new(base)?, persons: HashMap::new() };
        let (password, until) = (secret(), date(now.plus(TOKEN_LIFE)));
        let first = json!({"token": first_token, "name": "admin", "organisation": "yunze-data",
            "person": "林知微", "password": password});
        expect(&desk.send(&[], "POST", "/api/v1/first-administrator", &first)?, "the first administrator")?;
        let admin = desk.sign_in("admin", &password)?;
        for (name, person, organisation, role) in PERSONS {
            let profile = json!({"name": name, "organisation": organisation, "person": person, "roles": [role.as_str()]});
            let made = desk.send(&admin, "POST", "/api/v1/accounts", &profile)?;
            expect(&made, name)?;
            let first = made.json()["password"].as_str().context("a first password")?.to_owned();
            let session = desk.sign_in(name, &first)?;
            let own = secret();
            let change = json!({"present": first, "password": own});
            expect(&desk.send(&session, "PUT", "/api/v1/me/password", &change)?, name)?;
            let session = desk.sign_in(name, &own)?;
            let asked = json!({"name": "story", "roles": [role.as_str()], "readOnly": false, "until": until});
            let token = desk.send(&session, "POST", "/api/v1/me/tokens", &asked)?;
            expect(&token, name)?;
            let token = token.json()["token"].as_str().context("a token")?.to_owned();
            desk.persons.insert(name, vec![("Authorization".to_owned(), format!("Bearer {token}"))]);
        }
        Ok(desk)
    }

    /// Submits an object; what came of it.
    pub(super) fn put(
        &self,
        who: &str,
        plural: &str,
        kind: &str,
        name: &str,
        spec: &Value,
    ) -> Result<(String, bool)> {
        let body = json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec});
        let answer = self.send(self.of(who)?, "PUT", &format!("/api/v1/{plural}/{name}"), &body)?;
        let state = answer.json()["object"]["status"]["state"].as_str().unwrap_or("declared").to_owned();
        Ok(if answer.status < 300 { (state, true) } else { (refusal(&answer), false) })
    }

    /// Does something to a case, which must be in `state` then; or, for a code, must be refused with it.
    pub(super) fn act(
        &self,
        who: &str,
        path: &str,
        verb: &str,
        body: &Value,
        state: &str,
    ) -> Result<(String, bool)> {
        let mut headers = self.of(who)?.to_vec();
        let path = format!("/api/v1/{path}");
        let before = self.send(&headers, "GET", &path, &Value::Null)?;
        if let Some(version) = before.header("etag") {
            headers.push(("If-Match".to_owned(), version.to_owned()));
        }
        let answer = self.send(&headers, "POST", &format!("{path}:{verb}"), body)?;
        let json = answer.json();
        if json["code"] == state {
            return Ok((state.to_owned(), true));
        }
        let came = json["object"]["status"]["state"].as_str().map(str::to_owned);
        let came = came.filter(|_| answer.status < 300).unwrap_or_else(|| refusal(&answer));
        let ok = came == state;
        Ok((came, ok))
    }

    /// Reads a case, which must be in `state`.
    pub(super) fn look(&self, who: &str, path: &str, state: &str) -> Result<(String, bool)> {
        let answer = self.send(self.of(who)?, "GET", &format!("/api/v1/{path}"), &Value::Null)?;
        let came = answer.json()["status"]["state"].as_str().map(str::to_owned);
        let came = came.unwrap_or_else(|| refusal(&answer));
        let ok = came == state;
        Ok((came, ok))
    }

    fn of(&self, who: &str) -> Result<&[(String, String)]> {
        self.persons.get(who).map(Vec::as_slice).with_context(|| format!("{who} has no account"))
    }

    /// Signs on; the headers of the session.
    fn sign_in(&self, name: &str, password: &str) -> Result<Vec<(String, String)>> {
        let answer =
            self.send(&[], "POST", "/api/v1/sessions", &json!({"name": name, "password": password}))?;
        expect(&answer, name)?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let mark = answer.json()["csrf"].as_str().map(str::to_owned);
        Ok(vec![
            ("Cookie".to_owned(), cookie.context("a cookie")?.to_owned()),
            ("X-Csrf-Token".to_owned(), mark.context("a mark")?),
        ])
    }

    fn send(&self, headers: &[(String, String)], method: &str, path: &str, body: &Value) -> Result<Answer> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request {
            method: method.into(),
            path: path.into(),
            body,
            headers: headers.to_vec(),
            nonce: None,
        };
        self.client.send(None, &request)
    }
}

/// A password nobody needs to remember. Digits alone: it must not hold anyone's name, not even by chance.
fn secret() -> String {
    OsRng.bytes::<16>().iter().map(|byte| format!("{byte:03}")).collect()
}

/// The date in China.
pub(super) fn date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or_default();
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    at.to_zoned(zone).date().to_string()
}
