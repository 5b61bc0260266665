//! Accounts: named persons (实名) of organisations, and what they sign on with. Passwords, sessions and tokens stand here
//! as hashes only.

use rusqlite::{Connection, OptionalExtension, Row, params};
use shuzha_core::{Id, Role, Timestamp};

use super::commit::{CommitError, Effect};
use super::{
    Register, at, credential_keys, deadlines, first, id, integer, number, requests, rows, secrets, sign_on,
};
use crate::StoreError;

/// A named person of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name to sign on with.
    pub name: Id,
    /// The revision that wrote it last.
    pub version: u64,
    /// The organisation they act for.
    pub organisation: Id,
    /// The person's name.
    pub person: String,
    /// What they may act as.
    pub roles: Vec<Role>,
    /// Whether signing on is closed to them.
    pub disabled: bool,
}

/// A password's hash by argon2id, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    /// Whose.
    pub account: Id,
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Salt.
    pub salt: [u8; 16],
    /// Hash.
    pub hash: [u8; 32],
    /// Whether it was set by someone else and must be changed first.
    pub temporary: bool,
}

/// A signed-on session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of what the browser holds.
    pub hash: [u8; 32],
    /// Whose.
    pub account: Id,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// Whether an identity elsewhere signed on, and no password was asked for.
    pub linked: bool,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// What its owner calls it.
    pub name: Id,
    /// Whose.
    pub account: Id,
    /// What it may act as.
    pub roles: Vec<Role>,
    /// Whether it may only read.
    pub read_only: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub until: Timestamp,
}

/// An identity elsewhere that signs on as an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The identity provider.
    pub issuer: String,
    /// Its name for the person.
    pub subject: String,
    /// The account.
    pub account: Id,
}

pub(super) fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
}

fn roles(row: &Row<'_>, column: usize, table: &'static str) -> Result<Vec<Role>, StoreError> {
    let text: String = row.get(column)?;
    text.split_whitespace().map(|word| word.parse().map_err(|_| StoreError::BadRow(table))).collect()
}

pub(super) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        name: id(row, 0, "accounts")?,
        version: number(row.get(1)?, "accounts")?,
        organisation: id(row, 2, "accounts")?,
        person: row.get(3)?,
        roles: roles(row, 4, "accounts")?,
        disabled: row.get(5)?,
    })
}

fn token(row: &Row<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        hash: row.get(0)?,
        name: id(row, 1, "tokens")?,
        account: id(row, 2, "tokens")?,
        roles: roles(row, 3, "tokens")?,
        read_only: row.get(4)?,
        created: at(row, 5)?,
        until: at(row, 6)?,
    })
}

pub(super) const ACCOUNT: &str = "name, version, organisation, person, roles, disabled";
const TOKEN: &str = "hash, name, account, roles, read_only, created_micros, until_micros";

impl Register {
    /// The account of this name.
    ///
    /// # Errors
    /// Of the database.
    pub fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        first(&self.lock(), &format!("SELECT {ACCOUNT} FROM accounts WHERE name = ?1"), [name], account)
    }

    /// Accounts after `after` in order of name, at most `limit`; of one organisation, where given.
    ///
    /// # Errors
    /// Of the database.
    pub fn accounts(
        &self,
        organisation: Option<&Id>,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<Account>, StoreError> {
        let limit = i64::try_from(limit).map_err(|_| StoreError::Range("accounts"))?;
        let sql = format!(
            "SELECT {ACCOUNT} FROM accounts WHERE (?1 IS NULL OR organisation = ?1) AND (?2 IS NULL OR name > ?2)
             ORDER BY name LIMIT ?3"
        );
        let parameters = params![organisation.map(Id::as_str), after.map(Id::as_str), limit];
        rows(&self.lock(), &sql, parameters, account)
    }

    /// The account's password.
    ///
    /// # Errors
    /// Of the database.
    pub fn password(&self, account: &Id) -> Result<Option<Password>, StoreError> {
        let sql = "SELECT memory_kib, passes, lanes, salt, hash, temporary FROM passwords WHERE account = ?1";
        first(&self.lock(), sql, [account.as_str()], |row| {
            Ok(Password {
                account: account.clone(),
                memory_kib: row.get(0)?,
                passes: row.get(1)?,
                lanes: row.get(2)?,
                salt: row.get(3)?,
                hash: row.get(4)?,
                temporary: row.get(5)?,
            })
        })
    }

    /// The account that the identity of `issuer` and `subject` signs on as.
    ///
    /// # Errors
    /// Of the database.
    pub fn linked(&self, issuer: &str, subject: &str) -> Result<Option<Id>, StoreError> {
        let sql = "SELECT account FROM links WHERE issuer = ?1 AND subject = ?2";
        first(&self.lock(), sql, [issuer, subject], |row| id(row, 0, "links"))
    }

    /// The account's API tokens.
    ///
    /// # Errors
    /// Of the database.
    pub fn tokens(&self, account: &Id) -> Result<Vec<Token>, StoreError> {
        let sql = format!("SELECT {TOKEN} FROM tokens WHERE account = ?1 ORDER BY name");
        rows(&self.lock(), &sql, [account.as_str()], token)
    }

    /// The API token with this hash, while no change of the account has ended it.
    ///
    /// # Errors
    /// Of the database.
    pub fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError> {
        let sql = format!(
            "SELECT {TOKEN} FROM tokens WHERE hash = ?1
             AND epoch = (SELECT epoch FROM accounts WHERE accounts.name = tokens.account)"
        );
        first(&self.lock(), &sql, [hash], token)
    }
}

/// Applies one effect within the transaction of its act.
pub(super) fn apply(
    connection: &Connection,
    effect: &Effect,
    revision: i64,
    now: Timestamp,
) -> Result<(), CommitError> {
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> Result<usize, CommitError> {
        Ok(connection.prepare_cached(sql)?.execute(parameters)?)
    };
    let changed = match effect {
        Effect::Account { account, expected } => {
            return put_account(connection, account, *expected, revision, now);
        }
        Effect::Password(p) => {
            run("DELETE FROM sessions WHERE account = ?1", &[&p.account.as_str()])?;
            connection
                .prepare_cached("REPLACE INTO passwords VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    p.account.as_str(),
                    p.memory_kib,
                    p.passes,
                    p.lanes,
                    p.salt,
                    p.hash,
                    p.temporary,
                    now.micros()
                ])?
        }
        Effect::OneTime(secret) => sign_on::put_one_time(connection, secret)?,
        Effect::ConfirmOneTime(account) => run(
            "UPDATE one_time_secrets SET confirmed = 1 WHERE account = ?1 AND confirmed = 0",
            &[&account.as_str()],
        )?,
        Effect::RemoveOneTime(account) => {
            run("DELETE FROM recovery_codes WHERE account = ?1", &[&account.as_str()])?;
            run("DELETE FROM one_time_secrets WHERE account = ?1", &[&account.as_str()])?
        }
        Effect::RecoveryCodes(account, hashes) => {
            run("DELETE FROM recovery_codes WHERE account = ?1", &[&account.as_str()])?;
            for hash in hashes {
                run("INSERT INTO recovery_codes VALUES (?1, ?2)", &[hash, &account.as_str()])?;
            }
            1
        }
        Effect::Token(t) => connection
            .prepare_cached(
                "INSERT INTO tokens SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, epoch FROM accounts WHERE name = ?3
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                t.hash,
                t.name.as_str(),
                t.account.as_str(),
                words(&t.roles),
                t.read_only,
                t.created.micros(),
                t.until.micros()
            ])?,
        Effect::RemoveToken(account, name) => {
            run("DELETE FROM tokens WHERE account = ?1 AND name = ?2", &[&account.as_str(), &name.as_str()])?
        }
        Effect::Link(link) => run(
            "INSERT INTO links VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            &[&link.issuer, &link.subject, &link.account.as_str()],
        )?,
        Effect::Unlink(link) => run(
            "DELETE FROM links WHERE issuer = ?1 AND subject = ?2 AND account = ?3",
            &[&link.issuer, &link.subject, &link.account.as_str()],
        )?,
        Effect::Secret(secret) => secrets::put(connection, secret)?,
        Effect::ForgetSecret(credential) => {
            secrets::forget(connection, credential)?;
            1
        }
        Effect::HoldKey(credential, key) => {
            credential_keys::claim(connection, credential, &credential_keys::Held::Key(key.clone()))?
        }
        Effect::RetireKeys(credential, keep) => {
            credential_keys::retire(connection, credential, keep.as_deref())?;
            1
        }
        Effect::RetireName(credential) => credential_keys::retire_name(connection, credential)?,
        Effect::Notice((kind, name), what, due) => {
            deadlines::note(connection, (kind, name.as_str()), what, *due, now)?
        }
        Effect::FirstToken(hash) => run("DELETE FROM first_token WHERE hash = ?1", &[hash])?,
        _ => apply_access(connection, effect, now)?,
    };
    if changed == 1 { Ok(()) } else { Err(CommitError::Conflict) }
}

/// The same for what lets persons sign on, and for what a second person decides.
fn apply_access(connection: &Connection, effect: &Effect, now: Timestamp) -> Result<usize, CommitError> {
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> Result<usize, CommitError> {
        Ok(connection.prepare_cached(sql)?.execute(parameters)?)
    };
    Ok(match effect {
        Effect::EndSignOns(account, keep) => end_sign_ons(connection, account, keep.as_ref())?,
        Effect::ForgetPassword(account) => {
            run("DELETE FROM passwords WHERE account = ?1", &[&account.as_str()])?;
            1
        }
        Effect::ForgetOneTime(account) => {
            run("DELETE FROM recovery_codes WHERE account = ?1", &[&account.as_str()])?;
            run("DELETE FROM one_time_secrets WHERE account = ?1", &[&account.as_str()])?;
            1
        }
        Effect::Person(account, key) => {
            run("UPDATE accounts SET person_key = ?2 WHERE name = ?1", &[&account.as_str(), key])?
        }
        Effect::Invite(invitation) => requests::invite(connection, invitation)?,
        Effect::TakeInvitation(hash) => {
            run("DELETE FROM invitations WHERE hash = ?1 AND until_micros > ?2", &[hash, &now.micros()])?
        }
        Effect::ForgetInvitation(account) => {
            run("DELETE FROM invitations WHERE account = ?1", &[&account.as_str()])?;
            1
        }
        Effect::Request(new) => requests::put_request(connection, new)?,
        Effect::Decide(decision) => requests::decide(connection, decision, now)?,
        _ => unreachable!("every other effect is applied before"),
    })
}

fn put_account(
    connection: &Connection,
    account: &Account,
    expected: Option<u64>,
    revision: i64,
    now: Timestamp,
) -> Result<(), CommitError> {
    let name = account.name.as_str();
    let (organisation, person) = (account.organisation.as_str(), account.person.as_str());
    let roles = words(&account.roles);
    let written = match expected {
        None => connection
            .prepare_cached(
                "INSERT INTO accounts (name, version, organisation, person, roles, disabled, created_micros, updated_micros)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT DO NOTHING",
            )?
            .execute(params![name, revision, organisation, person, roles, account.disabled, now.micros()])?,
        Some(version) => connection
            .prepare_cached(
                "UPDATE accounts SET version = ?2, organisation = ?3, person = ?4, roles = ?5, disabled = ?6,
                 updated_micros = ?7 WHERE name = ?1 AND version = ?8",
            )?
            .execute(params![
                name,
                revision,
                organisation,
                person,
                roles,
                account.disabled,
                now.micros(),
                integer(version, "accounts")?
            ])?,
    };
    if account.disabled {
        connection.prepare_cached("DELETE FROM sessions WHERE account = ?1")?.execute([name])?;
    }
    if written == 1 { Ok(()) } else { Err(CommitError::Conflict) }
}

/// Ends every sign-on of an account, but for one session.
fn end_sign_ons(
    connection: &Connection,
    account: &Id,
    keep: Option<&[u8; 32]>,
) -> Result<usize, CommitError> {
    let name = account.as_str();
    connection
        .prepare_cached("DELETE FROM sessions WHERE account = ?1 AND hash IS NOT ?2")?
        .execute(params![name, keep])?;
    connection.prepare_cached("DELETE FROM tokens WHERE account = ?1")?.execute([name])?;
    let changed = connection
        .prepare_cached("UPDATE accounts SET epoch = epoch + 1 WHERE name = ?1")?
        .execute([name])?;
    let sql = "UPDATE sessions SET epoch = (SELECT epoch FROM accounts WHERE name = ?1) WHERE account = ?1";
    connection.prepare_cached(sql)?.execute([name])?;
    Ok(changed)
}

/// Whether a row came back.
pub(super) fn exists(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row(parameters, |_| Ok(())).optional()?.is_some())
}
