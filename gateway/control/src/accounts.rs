//! Accounts: named natural persons (实名) of named organisations, and how they sign on.
//!
//! Nothing here tells an unknown name from a wrong password, in words or in work: both cost one hash.

mod administer;
mod issue;
mod once;
mod one_time;
mod own;
mod password;
mod sign_on;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use shuzha_core::{Id, Role};
use shuzha_products::case::Actor;
use shuzha_store::MasterKey;
use shuzha_store::register::{self, Answer, Author, Batch, Effect};
use zeroize::Zeroizing;

pub use administer::{NewAccount, Profile};
pub use issue::Issued;
pub use one_time::Enrolment;
pub use shuzha_store::register::{Account, Token};
pub use sign_on::{SignedOn, Started};

use crate::{Control, Error, stored};

/// The kind under which acts on accounts stand in the audit trail.
pub const KIND: &str = "Account";

/// What an API token begins with.
pub const TOKEN_PREFIX: &str = "szt_";

/// Most passwords that are hashed at once: each takes [`Options::memory_kib`].
const HASHES_MAX: usize = 4;

/// How accounts sign on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Memory of argon2id in KiB.
    pub memory_kib: u32,
    /// Passes of argon2id.
    pub passes: u32,
    /// After how long without use a session ends.
    pub session_idle: Duration,
    /// After how long a session ends in any case.
    pub session_life: Duration,
    /// Longest life of an API token.
    pub token_life_max: Duration,
    /// How long the first administrator's token holds.
    pub first_token_life: Duration,
}

impl Options {
    /// Least memory in KiB and least passes: what OWASP's Password Storage Cheat Sheet gives for argon2id.
    pub const FLOOR: (u32, u32) = (19 * 1024, 2);

    /// Whether these are at least as strong as they must be.
    #[must_use]
    pub fn strong_enough(&self) -> bool {
        self.memory_kib >= Self::FLOOR.0 && self.passes >= Self::FLOOR.1
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_kib: Self::FLOOR.0,
            passes: Self::FLOOR.1,
            session_idle: Duration::from_secs(30 * 60),
            session_life: Duration::from_secs(12 * 3_600),
            token_life_max: Duration::from_secs(366 * 86_400),
            first_token_life: Duration::from_secs(86_400),
        }
    }
}

/// The accounts of a control plane.
pub struct Accounts {
    control: Arc<Control>,
    master: Arc<MasterKey>,
    options: Options,
    /// How many hashes are being computed.
    hashing: Mutex<usize>,
    hashed: Condvar,
}

impl Accounts {
    /// Accounts in the register of `control`; `master` seals the secrets of one-time codes.
    ///
    /// # Panics
    /// When `options` are below [`Options::FLOOR`]: configuration refuses them before.
    #[must_use]
    pub fn new(control: Arc<Control>, master: Arc<MasterKey>, options: Options) -> Self {
        assert!(options.strong_enough(), "password hashing is below its floor");
        Self { control, master, options, hashing: Mutex::new(0), hashed: Condvar::new() }
    }

    /// Waits for a turn at hashing and computes.
    fn in_turn<T>(&self, compute: impl FnOnce() -> T) -> T {
        let lock = || self.hashing.lock().expect("nothing panics while it holds the count");
        let wait = self.hashed.wait_while(lock(), |count| *count >= HASHES_MAX);
        *wait.expect("nothing panics while it holds the count") += 1;
        let answer = compute();
        *lock() -= 1;
        self.hashed.notify_one();
        answer
    }

    /// Accepts an act on an account. Answers its revision.
    fn accept(&self, by: Author, verb: &str, whose: &Id, effects: Vec<Effect>) -> Result<u64, Error> {
        self.accept_once(by, verb, whose, effects, None)
    }

    /// The same, with the answer to keep for its retries.
    fn accept_once(
        &self,
        by: Author,
        verb: &str,
        whose: &Id,
        effects: Vec<Effect>,
        answer: Option<Answer>,
    ) -> Result<u64, Error> {
        let mut writer = self.control.writer()?;
        let act = self.act_on(by, verb, (KIND, whose), "");
        self.control.accept(&mut writer, batch(act, effects, answer), Vec::new(), Vec::new())
    }

    /// An act outside every case.
    fn act_on(&self, by: Author, verb: &str, (kind, name): (&str, &Id), reason: &str) -> register::Act {
        let control = &self.control;
        register::Act {
            id: control.new_act_id(),
            salt: control.random(),
            at: control.now(),
            by: Some(by),
            duty: None,
            verb: verb.to_owned(),
            kind: kind.to_owned(),
            name: name.clone(),
            state: None,
            reason: reason.to_owned(),
            attachments: stored::write_attachments(&[]),
        }
    }

    /// An unguessable text of 256 bits after `prefix`, and the hash under which it is kept.
    fn secret(&self, prefix: &str) -> (Zeroizing<String>, [u8; 32]) {
        let bytes = Zeroizing::new(self.control.random::<32>());
        let text = Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(*bytes)));
        let hash = hash(&text);
        (text, hash)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

/// The hash under which an unguessable text is kept: SHA-256 is enough where nothing can be guessed.
fn hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// An act that changes no object.
fn batch(act: register::Act, effects: Vec<Effect>, answer: Option<Answer>) -> Batch {
    Batch { act, changes: Vec::new(), effects, passed: None, answer, journalled: Vec::new() }
}

/// Whoever acts, as the register names them.
fn author_as(actor: &Actor) -> Author {
    Author { account: actor.account.clone(), organisation: actor.organisation.clone(), role: actor.role }
}

/// Whoever acts on their own account, in the role they have first.
fn author(account: &Account) -> Author {
    let role = account.roles.first().copied().unwrap_or(Role::DataSubject);
    Author { account: account.name.clone(), organisation: account.organisation.clone(), role }
}

/// A conflict that means something else here than another version.
fn conflict_is(code: shuzha_core::Code) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::Refused(refusal) if refusal.code == shuzha_core::Code::C1005 => code.into(),
        other => other,
    }
}
