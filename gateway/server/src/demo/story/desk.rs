//! The persons of the story at the control API: each with an account and a token of their own.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};
use shuzha_control::Kind;
use shuzha_core::{Clock as _, OsRng, Rng, Timestamp};
use shuzha_products::world::API_VERSION;

use super::founding::Founding;
use super::persons::{PERSONS, Person};
use super::{date, refusal};
use crate::client::{Answer, Client, Request};

/// How long the persons' tokens hold: longer than the story lasts by its own clock.
const TOKEN_LIFE: Duration = Duration::from_secs(200 * 86_400);

pub(super) type Headers = Vec<(String, String)>;

/// The control API, and who is signed on to it.
pub(super) struct Desk {
    client: Client,
    /// Headers by account.
    persons: HashMap<&'static str, Headers>,
    /// Versions of cases as last seen, by path: what an act is about.
    versions: HashMap<String, String>,
}

/// What came of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Came {
    /// A state, a verdict, a code, or what was refused.
    pub(super) what: String,
    /// What else a reader wants to know of it.
    pub(super) note: String,
    /// Whether it is what should have come.
    pub(super) ok: bool,
}

impl Came {
    pub(super) fn new(what: impl Into<String>, ok: bool) -> Self {
        Self { what: what.into(), note: String::new(), ok }
    }
}

impl Desk {
    /// Makes the first administrator, and by them an account for everyone: the first of the authority by the founder alone,
    /// all others with that person as the second one. Each sets a password of their own by an invitation.
    pub(super) fn open(founding: &Founding<'_>) -> Result<Self> {
        let client = Client::new(founding.base)?;
        let until = date(founding.clock.now().plus(TOKEN_LIFE));
        let admin = founding.administrator(&client)?;
        let (first, others) = PERSONS.split_first().context("the story has persons")?;
        let welcome = |person: &Person, place: usize, second: Option<&Headers>| {
            founding.welcome(&client, &admin, second, (person, place), &until)
        };
        let second = welcome(first, 1, None)?;
        // Most of it is the hashing of passwords, which is slow on purpose: every processor takes some.
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let mut persons = std::thread::scope(|scope| {
            let welcome = |at: usize| {
                let (welcome, second) = (&welcome, &second);
                let mine = others.iter().zip(2..).skip(at).step_by(threads);
                scope.spawn(move || {
                    mine.map(|(person, place)| Ok((person.account, welcome(person, place, Some(second))?)))
                        .collect()
                })
            };
            let working: Vec<_> = (0..threads).map(welcome).collect();
            let mut all = HashMap::new();
            for done in working {
                let some: Result<Vec<(&'static str, Headers)>> =
                    done.join().map_err(|_| anyhow!("making accounts panicked"))?;
                all.extend(some?);
            }
            Ok::<_, anyhow::Error>(all)
        })?;
        Founding::bind(&client, &admin, &second)?;
        persons.insert(first.account, second);
        Ok(Self { client, persons, versions: HashMap::new() })
    }

    /// Writes an object, or opens a case.
    pub(super) fn put(&mut self, who: &str, kind: Kind, name: &str, spec: &Value) -> Result<Came> {
        let body =
            json!({"apiVersion": API_VERSION, "kind": kind.name(), "metadata": {"name": name}, "spec": spec});
        let short = format!("{}/{name}", kind.plural());
        let mut headers = self.of(who)?.to_vec();
        headers.extend(self.versions.get(&short).map(|version| ("If-Match".to_owned(), version.clone())));
        let answer = send(&self.client, &headers, "PUT", &format!("/api/v1/{short}"), &body)?;
        if answer.status >= 300 {
            return Ok(Came::new(refusal(&answer), false));
        }
        self.remember(short, &answer);
        Ok(Came::new(answer.json()["object"]["status"]["state"].as_str().unwrap_or("declared"), true))
    }

    /// Does something to a case, which must be in `state` then; or, for a code, must be refused with it.
    pub(super) fn act(
        &mut self,
        who: &str,
        path: &str,
        verb: &str,
        body: &Value,
        state: &str,
    ) -> Result<Came> {
        let mut headers = self.of(who)?.to_vec();
        if !self.versions.contains_key(path) {
            self.look(who, path, "")?;
        }
        headers.extend(self.versions.get(path).map(|version| ("If-Match".to_owned(), version.clone())));
        let answer = send(&self.client, &headers, "POST", &format!("/api/v1/{path}:{verb}"), body)?;
        let json = answer.json();
        if json["code"] == state {
            return Ok(Came::new(state, true));
        }
        let came = json["object"]["status"]["state"].as_str().filter(|_| answer.status < 300);
        let Some(came) = came else { return Ok(Came::new(refusal(&answer), false)) };
        self.remember(path.to_owned(), &answer);
        Ok(Came::new(came, came == state))
    }

    /// Reads a case, which must be in `state`. Notes its certificate where it has one.
    pub(super) fn look(&mut self, who: &str, path: &str, state: &str) -> Result<Came> {
        let answer = send(&self.client, self.of(who)?, "GET", &format!("/api/v1/{path}"), &Value::Null)?;
        let json = answer.json();
        let Some(came) = json["status"]["state"].as_str() else {
            return Ok(Came::new(refusal(&answer), false));
        };
        self.remember(path.to_owned(), &answer);
        let certificate = &json["status"]["details"]["certificate"];
        let note = certificate["code"].as_str().zip(certificate["until"].as_i64());
        let note = note.map(|(code, until)| {
            let last = Timestamp::from_micros(until).minus(Duration::from_secs(1));
            format!("{code} 至 until {}", date(last))
        });
        Ok(Came { what: came.to_owned(), note: note.unwrap_or_default(), ok: came == state })
    }

    fn of(&self, who: &str) -> Result<&[(String, String)]> {
        self.persons.get(who).map(Vec::as_slice).with_context(|| format!("{who} has no account"))
    }

    /// The API token of an account.
    pub(super) fn token(&self, who: &str) -> Result<&str> {
        let token = self.of(who)?.iter().find_map(|(_, value)| value.strip_prefix("Bearer "));
        token.context("an account signs on by its token")
    }

    fn remember(&mut self, path: String, answer: &Answer) {
        if let Some(version) = answer.header("etag") {
            self.versions.insert(path, version.to_owned());
        }
    }
}

/// Signs on; the headers of the session.
pub(super) fn sign_in(client: &Client, name: &str, password: &str) -> Result<Headers> {
    let body = json!({"name": name, "password": password});
    let answer = send(client, &[], "POST", "/api/v1/sessions", &body)?;
    session(&answer, name)
}

/// The headers of a session that was begun.
pub(super) fn session(answer: &Answer, name: &str) -> Result<Headers> {
    let json = expect(answer, name)?;
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let mark = json["csrf"].as_str().map(str::to_owned);
    Ok(vec![
        ("Cookie".to_owned(), cookie.context("a cookie")?.to_owned()),
        ("X-Csrf-Token".to_owned(), mark.context("a mark")?),
    ])
}

pub(super) fn send(
    client: &Client,
    headers: &[(String, String)],
    method: &str,
    path: &str,
    body: &Value,
) -> Result<Answer> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let (method, path) = (method.to_owned(), path.to_owned());
    client.send(None, &Request { method, path, body, headers: headers.to_vec(), nonce: None })
}

/// The body of an answer, or what the control API said went wrong.
pub(super) fn expect(answer: &Answer, what: &str) -> Result<Value> {
    anyhow::ensure!(answer.status < 300, "{what}: {}", refusal(answer));
    Ok(answer.json())
}

/// A password nobody needs to remember. Digits alone: it must not hold anyone's name, not even by chance.
pub(super) fn secret() -> String {
    OsRng.bytes::<16>().iter().map(|byte| format!("{byte:03}")).collect()
}
