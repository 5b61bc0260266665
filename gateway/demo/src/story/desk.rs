//! The persons of the story at the control API: each with an account and a token of their own.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use shuzha_client::{ClientError, ControlAnswer, ControlClient, Expect};
use shuzha_control::Kind;
use shuzha_core::{Clock as _, OsRng, Rng, Timestamp};
use shuzha_schema::object::{Change, Object};

use super::founding::Founding;
use super::persons::{PERSONS, Person};
use super::{date, refusal};

/// How long the persons' tokens hold: longer than the story lasts by its own clock.
const TOKEN_LIFE: Duration = Duration::from_secs(200 * 86_400);

/// A person's client, and the API token that it calls with.
pub(super) struct SignedOn {
    pub(super) api: ControlClient,
    pub(super) token: String,
}

/// The control API, and who is signed on to it.
pub(super) struct Desk {
    persons: HashMap<&'static str, SignedOn>,
    /// Versions of cases as last seen, by path: what an act is about.
    versions: HashMap<String, u64>,
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
        let until = date(founding.clock.now().plus(TOKEN_LIFE));
        let admin = founding.administrator()?;
        let (first, others) = PERSONS.split_first().context("the story has persons")?;
        let welcome = |person: &Person, place: usize, second: Option<&ControlClient>| {
            founding.welcome(&admin, second, (person, place), &until)
        };
        let second = welcome(first, 1, None)?;
        // Most of it is the hashing of passwords, which is slow on purpose: every processor takes some.
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let mut persons = std::thread::scope(|scope| {
            let welcome = |at: usize| {
                let (welcome, second) = (&welcome, &second.api);
                let mine = others.iter().zip(2..).skip(at).step_by(threads);
                scope.spawn(move || {
                    mine.map(|(person, place)| Ok((person.account, welcome(person, place, Some(second))?)))
                        .collect()
                })
            };
            let working: Vec<_> = (0..threads).map(welcome).collect();
            let mut all = HashMap::new();
            for done in working {
                let some: Result<Vec<(&'static str, SignedOn)>> =
                    done.join().map_err(|_| anyhow!("making accounts panicked"))?;
                all.extend(some?);
            }
            Ok::<_, anyhow::Error>(all)
        })?;
        Founding::bind(&admin, &second.api)?;
        persons.insert(first.account, second);
        Ok(Self { persons, versions: HashMap::new() })
    }

    /// Writes an object, or opens a case.
    pub(super) fn put(&mut self, who: &str, kind: Kind, name: &str, spec: &Value) -> Result<Came> {
        let short = format!("{}/{name}", kind.plural());
        let path = format!("/api/v1/{short}");
        let expect = self.versions.get(&short).map_or(Expect::Any, |version| Expect::Version(*version));
        match self.of(who)?.api.put((kind.name(), &path, name), spec, None, (expect, false)) {
            Ok(answer) => {
                self.remember(short, &answer);
                let state = answer.body.object.and_then(|object| object.status).map(|status| status.state);
                Ok(Came::new(state.unwrap_or_else(|| "declared".to_owned()), true))
            }
            Err(error) => Ok(Came::new(refused(error)?.1, false)),
        }
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
        if !self.versions.contains_key(path) {
            self.look(who, path, "")?;
        }
        let expect = self.versions.get(path).map_or(Expect::Any, |version| Expect::Version(*version));
        let address = format!("/api/v1/{path}:{verb}");
        match self.of(who)?.api.call::<Change>("POST", &address, body, expect) {
            Ok(answer) => {
                self.remember(path.to_owned(), &answer);
                let came = answer.body.object.and_then(|object| object.status).map(|status| status.state);
                let came = came.context("a case has a state")?;
                Ok(Came { ok: came == state, ..Came::new(came, true) })
            }
            Err(error) => {
                let (code, told) = refused(error)?;
                Ok(if code == state { Came::new(state, true) } else { Came::new(told, false) })
            }
        }
    }

    /// Reads a case, which must be in `state`. Notes its certificate where it has one.
    pub(super) fn look(&mut self, who: &str, path: &str, state: &str) -> Result<Came> {
        let found = self.of(who)?.api.call::<Object>("GET", &format!("/api/v1/{path}"), &(), Expect::Any);
        let answer = match found {
            Ok(answer) => answer,
            Err(error) => return Ok(Came::new(refused(error)?.1, false)),
        };
        self.remember(path.to_owned(), &answer);
        let status = answer.body.status.context("a case has a state")?;
        let certified: Certified = serde_json::from_value(status.details).unwrap_or_default();
        let note = certified.certificate.map(|certificate| {
            let last = Timestamp::from_micros(certificate.until).minus(Duration::from_secs(1));
            format!("{} → {}", certificate.code, date(last))
        });
        let ok = status.state == state;
        Ok(Came { what: status.state, note: note.unwrap_or_default(), ok })
    }

    fn of(&self, who: &str) -> Result<&SignedOn> {
        self.persons.get(who).with_context(|| format!("{who} has no account"))
    }

    /// The API token of an account.
    pub(super) fn token(&self, who: &str) -> Result<&str> {
        Ok(&self.of(who)?.token)
    }

    fn remember<T>(&mut self, path: String, answer: &ControlAnswer<T>) {
        if let Some(version) = answer.version() {
            self.versions.insert(path, version);
        }
    }
}

/// What a registration has gathered, as far as the story tells it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Certified {
    certificate: Option<Certificate>,
}

#[derive(Deserialize)]
struct Certificate {
    code: String,
    until: i64,
}

/// The code of a refusal, and what it says; any other error is one of the story.
fn refused(error: ClientError) -> Result<(String, String)> {
    match error {
        ClientError::Refused(told) => Ok((told.code().to_owned(), refusal(&told))),
        other => Err(other.into()),
    }
}

/// A password nobody needs to remember. Digits alone: it must not hold anyone's name, not even by chance.
pub(super) fn secret() -> String {
    OsRng.bytes::<16>().iter().map(|byte| format!("{byte:03}")).collect()
}
