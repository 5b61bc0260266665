//! Accounts: named natural persons (实名) of named organisations, and how they sign on.
//!
//! Nothing here tells an unknown name from a wrong password, in words or in work: both cost one hash.

mod administer;
mod decide;
mod first;
mod invitations;
mod issue;
mod once;
mod one_time;
mod own;
mod password;
mod profile;
mod refused;
pub(crate) mod requests;
pub mod roles;
mod sign_on;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use shuzha_core::{Code, Id, Role};
use shuzha_privacy::subject::{CanonicalId, IdKind};
use shuzha_products::case::Actor;
use shuzha_store::MasterKey;
use shuzha_store::register::{self, Answer, Author, Batch, Effect};
use zeroize::Zeroizing;

pub use administer::Made;
pub use decide::Confirmed;
pub use first::First;
pub use invitations::{Accepted, Deliver, Letter, Opened, Undelivered};
pub use issue::Issued;
pub use one_time::{Enrolment, device_code};
pub use profile::Profile;
pub use requests::Handled;
pub use shuzha_store::register::{Account, AccountRequest, RequestState, Token};
pub use sign_on::{SignedOn, Started};

use crate::control::Writer;
use crate::{Control, Error};
use turns::Turns;

/// The kind under which acts on accounts stand in the audit trail.
pub const KIND: &str = "Account";

/// What an API token begins with.
pub const TOKEN_PREFIX: &str = "szt_";

/// Separates the hash of a person's number from every other use of the master key.
const PERSON: &[u8] = b"shuzha natural person 1";

/// How accounts sign on.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// How long an invitation holds.
    pub invitation_life: Duration,
    /// Roles that are acted in only with one-time codes enrolled.
    pub one_time_roles: Vec<Role>,
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
            invitation_life: Duration::from_secs(86_400),
            one_time_roles: vec![Role::Authority, Role::Registrar, Role::Finance, Role::Sre],
        }
    }
}

/// The accounts of a control plane.
pub struct Accounts {
    control: Arc<Control>,
    master: Arc<MasterKey>,
    options: Options,
    /// Who hashes passwords, each taking [`Options::memory_kib`].
    turns: Turns,
    /// How invitations reach persons; nobody is invited without.
    deliver: Option<Arc<dyn Deliver>>,
}

impl Accounts {
    /// Accounts in the register of `control`; `master` seals the secrets of one-time codes.
    ///
    /// # Panics
    /// When `options` are below [`Options::FLOOR`]: configuration refuses them before.
    #[must_use]
    pub fn new(control: Arc<Control>, master: Arc<MasterKey>, options: Options) -> Self {
        assert!(options.strong_enough(), "password hashing is below its floor");
        Self { control, master, options, turns: Turns::default(), deliver: None }
    }

    /// The same, with a way by which invitations reach persons.
    #[must_use]
    pub fn delivering(mut self, deliver: Arc<dyn Deliver>) -> Self {
        self.deliver = Some(deliver);
        self
    }

    /// The keyed hash by which the person with this number in their papers is known; the number is not kept.
    ///
    /// # Errors
    /// C1002 for what is no number of a person; the fault says where, and never shows it.
    pub fn person_of(&self, id_number: &str) -> Result<[u8; 32], Error> {
        let person = CanonicalId::new(IdKind::Person, id_number)
            .map_err(|error| Error::fault(Code::C1002, "idNumber", error.to_string()))?;
        Ok(self.master.keyed_hash(PERSON, person.expose().as_bytes()))
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
        self.accept_in(&mut writer, by, verb, whose, effects, answer)
    }

    /// The same in a turn that was begun, for what was checked in it.
    fn accept_in(
        &self,
        writer: &mut Writer,
        by: Author,
        verb: &str,
        whose: &Id,
        effects: Vec<Effect>,
        answer: Option<Answer>,
    ) -> Result<u64, Error> {
        let act = self.act_on(by, verb, (KIND, whose), "");
        self.control.accept(writer, batch(act, effects, answer), Vec::new(), Vec::new())
    }

    /// An act outside every case.
    fn act_on(&self, by: Author, verb: &str, (kind, name): (&str, &Id), reason: &str) -> register::Act {
        let act = self.control.new_act(verb, kind, name.clone());
        register::Act { by: Some(by), reason: reason.to_owned(), ..act }
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
