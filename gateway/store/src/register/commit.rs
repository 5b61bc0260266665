//! One accepted act and everything that comes of it, in one transaction.

use rusqlite::{Connection, Transaction, params};
use shuzha_core::{Id, Timestamp};

use super::accounts::{Account, Link, Password, Token, apply};
use super::acts::{self, Act};
use super::deadlines::{self, Deadline};
use super::marks::{self, Mark};
use super::objects::{CaseState, Reference};
use super::requests::{AccountRequest, Invitation, RequestDecision};
use super::sign_on::OneTimeSecret;
use super::touched::touched;
use super::{Register, bound, first, integer, number};
use crate::{SealedSecret, StoreError};

/// What an object becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Whose it is.
    pub owner: Option<Id>,
    /// Spec, JSON.
    pub spec: String,
    /// Where a case stands.
    pub state: Option<CaseState>,
    /// What it refers to.
    pub refers: Vec<Reference>,
    /// What it puts in force, for cases.
    pub in_force: Vec<Reference>,
    /// What it claims for itself.
    pub marks: Vec<Mark>,
    /// What is due, as (what, at, provisional).
    pub deadlines: Vec<(String, Timestamp, bool)>,
}

/// A change of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: Id,
    /// The version that must stand there; none when there must be no such object.
    pub expected: Option<u64>,
    /// What it becomes; none removes it.
    pub to: Option<Content>,
}

/// A change of an account or of what it signs on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The account as it shall stand; `expected` as in [`Change`]. Disabling ends its sessions.
    Account {
        /// The account; its version is ignored.
        account: Account,
        /// The version that must stand there.
        expected: Option<u64>,
    },
    /// A new password; ends every session of the account.
    Password(Password),
    /// A secret for one-time codes.
    OneTime(OneTimeSecret),
    /// The secret was proved to be in the person's hands.
    ConfirmOneTime(Id),
    /// No more one-time codes; recovery codes go too.
    RemoveOneTime(Id),
    /// The account's recovery codes, hashed, in place of all before.
    RecoveryCodes(Id, Vec<[u8; 32]>),
    /// A new API token.
    Token(Token),
    /// No such API token any more, of (account, name).
    RemoveToken(Id, Id),
    /// A link to an identity elsewhere.
    Link(Link),
    /// No such link any more.
    Unlink(Link),
    /// The secret of a credential that has none.
    Secret(SealedSecret),
    /// No secret any more, where the credential had one.
    ForgetSecret(Id),
    /// The credential holds this key, which is no other's and not gone.
    HoldKey(Id, String),
    /// Every key of the credential is gone for good, but for this one.
    RetireKeys(Id, Option<String>),
    /// No credential of this name is in force any more.
    RetireName(Id),
    /// A notice about an object: what, and since or until when.
    Notice(Reference, &'static str, Timestamp),
    /// The token for the first administrator was used.
    FirstToken([u8; 32]),
    /// Every session and API token of the account ends, but for the session with this hash.
    EndSignOns(Id, Option<[u8; 32]>),
    /// No password any more, where there is one.
    ForgetPassword(Id),
    /// No one-time codes any more, where there are some.
    ForgetOneTime(Id),
    /// Which natural person the account is, as a keyed hash.
    Person(Id, [u8; 32]),
    /// A one-time link, in place of any before.
    Invite(Invitation),
    /// The one-time link with this hash was used.
    TakeInvitation([u8; 32]),
    /// No one-time link any more, where there is one.
    ForgetInvitation(Id),
    /// Something to be decided by a second person.
    Request(AccountRequest),
    /// Their decision.
    Decide(RequestDecision),
}

/// The answer kept for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose key.
    pub account: Id,
    /// The key.
    pub key: String,
    /// Digest of the request that it stands for.
    pub request: [u8; 32],
    /// What was answered.
    pub answer: String,
}

/// An accepted act and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The act.
    pub act: Act,
    /// Objects.
    pub changes: Vec<Change>,
    /// Accounts.
    pub effects: Vec<Effect>,
    /// The deadline that brought the act about, which must still be open.
    pub passed: Option<Deadline>,
    /// What to keep for its idempotency key.
    pub answer: Option<Answer>,
    /// Where earlier acts are known to stand in the journal.
    pub journalled: Vec<(u64, u64)>,
}

impl Batch {
    /// An act that nothing comes of.
    #[must_use]
    pub fn of(act: Act) -> Self {
        let (changes, effects, journalled) = (Vec::new(), Vec::new(), Vec::new());
        Self { act, changes, effects, passed: None, answer: None, journalled }
    }
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another version stands there than expected; or nothing, or something, where there should be the other.
    #[error("another version stands there")]
    Conflict,
    /// Another case puts an object of the same name in force.
    #[error("another case holds {} {}", .0.0, .0.1)]
    Held(Reference),
    /// Another object claims what this one does.
    #[error("{} {} claims the same", .0.0, .0.1)]
    Clash(Reference),
    /// Something still refers to the object that should go.
    #[error("{} {} refers to it", .0.0, .0.1)]
    Referred(Reference),
    /// The idempotency key was used.
    #[error("the idempotency key was used")]
    KeyUsed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Register {
    /// Commits one act, whole or not at all, durable on return. Answers its revision, which is now the version of every
    /// object and account in it.
    ///
    /// # Errors
    /// [`CommitError`]; nothing has changed then.
    pub fn commit(&self, batch: &Batch) -> Result<u64, CommitError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let revision: i64 = transaction
            .prepare_cached("UPDATE revision SET value = value + 1 RETURNING value")?
            .query_one([], |row| row.get(0))?;
        let at = batch.act.at;
        for change in &batch.changes {
            write(&transaction, change, revision, at)?;
        }
        for effect in &batch.effects {
            apply(&transaction, effect, revision, at)?;
        }
        if let Some(deadline) = &batch.passed {
            // A case that stays as it was due must not be asked about the same instant again, and one that was dealt
            // with by another process must not be dealt with twice.
            let open = transaction
                .prepare_cached(
                    "SELECT 1 FROM deadlines WHERE kind = ?1 AND name = ?2 AND what = ?3 AND at_micros = ?4",
                )?
                .exists(params![
                    deadline.kind,
                    deadline.name.as_str(),
                    deadline.what,
                    deadline.at.micros()
                ])?;
            if open && !deadlines::pass(&transaction, deadline)? {
                return Err(CommitError::Conflict);
            }
        }
        acts::record(&transaction, &batch.act, revision)?;
        let things = touched(&batch.changes, &batch.effects);
        let digest = bound::bind(&transaction, &batch.act, revision, &things)?;
        acts::put_digest(&transaction, revision, &digest)?;
        if let Some(answer) = &batch.answer {
            keep(&transaction, answer, revision, at)?;
        }
        acts::mark(&transaction, &batch.journalled)?;
        transaction.commit()?;
        Ok(number(revision, "revision")?)
    }

    /// The answer kept for an account's idempotency key, with the revision of its act.
    ///
    /// # Errors
    /// Of the database.
    pub fn answer(&self, account: &Id, key: &str) -> Result<Option<(Answer, u64)>, StoreError> {
        let sql = "SELECT request, answer, revision FROM answers WHERE account = ?1 AND key = ?2";
        first(&self.lock(), sql, [account.as_str(), key], |row| {
            let (account, key) = (account.clone(), key.to_owned());
            let answer = Answer { account, key, request: row.get(0)?, answer: row.get(1)? };
            Ok((answer, number(row.get(2)?, "answers")?))
        })
    }

    /// Forgets answers older than `before`.
    ///
    /// # Errors
    /// Of the database.
    pub fn forget_answers(&self, before: Timestamp) -> Result<usize, StoreError> {
        Ok(self.lock().execute("DELETE FROM answers WHERE at_micros < ?1", [before.micros()])?)
    }
}

fn write(
    transaction: &Transaction<'_>,
    change: &Change,
    revision: i64,
    at: Timestamp,
) -> Result<(), CommitError> {
    let (kind, name) = (change.kind.as_str(), change.name.as_str());
    let expected = change.expected.map(|version| integer(version, "objects")).transpose()?;
    // Every version is kept: the one that goes now, before the next takes its place.
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO versions SELECT kind, name, version, owner, spec, state_name, state, editable, updated_micros
             FROM objects WHERE kind = ?1 AND name = ?2 AND version IS ?3",
        )?
        .execute(params![kind, name, expected])?;
    let Some(to) = &change.to else { return remove(transaction, kind, name, expected) };
    let state = to.state.as_ref().map(|state| (state.name.as_str(), state.json.as_str())).unzip();
    let editable = to.state.as_ref().is_some_and(|state| state.editable);
    let owner = to.owner.as_ref().map(Id::as_str);
    let written = match expected {
        None => transaction
            .prepare_cached("INSERT INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) ON CONFLICT DO NOTHING")?
            .execute(params![kind, name, revision, owner, to.spec, state.0, state.1, editable, at.micros()])?,
        Some(version) => transaction
            .prepare_cached(
                "UPDATE objects SET version = ?3, owner = ?4, spec = ?5, state_name = ?6, state = ?7, editable = ?8,
                 updated_micros = ?9 WHERE kind = ?1 AND name = ?2 AND version = ?10",
            )?
            .execute(params![kind, name, revision, owner, to.spec, state.0, state.1, editable, at.micros(), version])?,
    };
    if written != 1 {
        return Err(CommitError::Conflict);
    }
    transaction.prepare_cached("DELETE FROM refers WHERE kind = ?1 AND name = ?2")?.execute([kind, name])?;
    let mut refer = transaction.prepare_cached("INSERT OR IGNORE INTO refers VALUES (?1, ?2, ?3, ?4)")?;
    for (to_kind, to_name) in &to.refers {
        refer.execute([kind, name, to_kind, to_name.as_str()])?;
    }
    transaction
        .prepare_cached("DELETE FROM in_force WHERE case_kind = ?1 AND case_name = ?2")?
        .execute([kind, name])?;
    let mut hold =
        transaction.prepare_cached("INSERT INTO in_force VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")?;
    for held in &to.in_force {
        if hold.execute([&held.0, held.1.as_str(), kind, name])? != 1 {
            return Err(CommitError::Held(held.clone()));
        }
    }
    marks::replace(transaction, kind, name, &to.marks)?;
    if let Some((_, other)) = marks::clash(transaction, kind, name, &to.marks)? {
        return Err(CommitError::Clash(other));
    }
    deadlines::replace(transaction, kind, &change.name, &to.deadlines)?;
    Ok(())
}

fn remove(
    transaction: &Transaction<'_>,
    kind: &str,
    name: &str,
    expected: Option<i64>,
) -> Result<(), CommitError> {
    let sql = "SELECT kind, name FROM refers WHERE to_kind = ?1 AND to_name = ?2 LIMIT 1";
    let referrer =
        first(transaction, sql, [kind, name], |row| Ok((row.get(0)?, super::id(row, 1, "refers")?)))?;
    if let Some(referrer) = referrer {
        return Err(CommitError::Referred(referrer));
    }
    let removed = transaction
        .prepare_cached("DELETE FROM objects WHERE kind = ?1 AND name = ?2 AND version = ?3")?
        .execute(params![kind, name, expected])?;
    if removed == 1 { Ok(()) } else { Err(CommitError::Conflict) }
}

fn keep(connection: &Connection, answer: &Answer, revision: i64, at: Timestamp) -> Result<(), CommitError> {
    let kept = connection
        .prepare_cached("INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING")?
        .execute(params![
            answer.account.as_str(),
            answer.key,
            answer.request,
            answer.answer,
            revision,
            at.micros()
        ])?;
    if kept == 1 { Ok(()) } else { Err(CommitError::KeyUsed) }
}
