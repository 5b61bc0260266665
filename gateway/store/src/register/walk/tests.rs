//! Whatever another program changes in a register is found, and named.

use std::path::PathBuf;

use rusqlite::Connection;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, OsRng, Role, Timestamp};

use super::*;
use crate::database::Database;
use crate::register::{
    Account, Batch, CaseState, Change, Content, Effect, Link, MIGRATIONS, Password, Token,
};

fn name(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn act(verb: &str, kind: &str) -> super::acts::Act {
    let (clock, reason) = (ManualClock::at(Timestamp::from_seconds(1)), "because".to_owned());
    super::acts::Act { reason, ..super::acts::Act::new(&clock, &OsRng, verb, kind, name("a")) }
}

fn content(spec: &str) -> Content {
    let state = CaseState { name: "open".to_owned(), json: "{\"at\":1}".to_owned(), editable: false };
    Content {
        owner: Some(name("bank")),
        spec: spec.to_owned(),
        state: Some(state),
        deadlines: vec![("review".to_owned(), Timestamp::from_seconds(9), false)],
        ..Content::default()
    }
}

fn commit(register: &Register, changes: Vec<Change>, effects: Vec<Effect>) -> u64 {
    register.commit(&Batch { changes, effects, ..Batch::of(act("put", "Unit")) }).expect("committed")
}

fn change(of: &str, expected: Option<u64>, to: Option<Content>) -> Vec<Change> {
    vec![Change { kind: "Unit".to_owned(), name: name(of), expected, to }]
}

fn account() -> Effect {
    let (roles, person) = (vec![Role::Finance], "王某".to_owned());
    let account =
        Account { name: name("eve"), version: 0, organisation: name("bank"), person, roles, disabled: false };
    Effect::Account { account, expected: None }
}

/// A register with objects that were replaced and removed, and an account with all that belongs to one.
fn filled(register: &Register) {
    let first = commit(register, change("a", None, Some(content("{\"limit\":1}"))), Vec::new());
    commit(register, change("a", Some(first), Some(content("{\"limit\":2}"))), Vec::new());
    let second = commit(register, change("b", None, Some(content("{}"))), Vec::new());
    let third = commit(register, change("c", None, Some(content("{}"))), Vec::new());
    commit(register, change("c", Some(third), None), Vec::new());
    commit(register, change("c", None, Some(content("{\"again\":true}"))), Vec::new());
    assert!(second < third);
    let eve = name("eve");
    let password = Password {
        account: eve.clone(),
        memory_kib: 1,
        passes: 1,
        lanes: 1,
        salt: [1; 16],
        hash: [2; 32],
        temporary: false,
    };
    let token = Token {
        hash: [3; 32],
        name: name("t"),
        account: eve.clone(),
        roles: vec![Role::Finance],
        read_only: true,
        created: Timestamp::from_seconds(1),
        until: Timestamp::from_seconds(2),
    };
    let link = Link { issuer: "https://idp".to_owned(), subject: "s 1".to_owned(), account: eve };
    let effects = vec![account(), Effect::Password(password), Effect::Token(token), Effect::Link(link)];
    commit(register, Vec::new(), effects);
}

/// A file with such a register.
fn sample() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("control.db");
    filled(&Register::open(&path).expect("opens"));
    (dir, path)
}

fn findings(path: &Path) -> Vec<String> {
    let walked = Register::open_read_only(path).expect("opens").walk::<StoreError>(None).expect("walked");
    assert_eq!(walked.wrong, walked.findings.len() as u64);
    walked.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_register_that_only_acts_changed_is_good_and_every_version_is_kept() {
    let (_dir, path) = sample();
    assert_eq!(findings(&path), Vec::<String>::new());
    let walked = Register::open(&path).expect("opens").walk::<StoreError>(None).expect("walked");
    assert_eq!((walked.acts, walked.bound, walked.things, walked.versions), (7, 7, 7, 2));
    let connection = Connection::open(&path).expect("opens");
    let kept: String = connection
        .query_row("SELECT spec FROM versions WHERE name = 'a' AND version = 1", [], |row| row.get(0))
        .expect("kept");
    assert_eq!(kept, "{\"limit\":1}");
}

#[test]
fn whatever_is_edited_is_named_with_what_differs() {
    for (sql, wanted) in [
        ("UPDATE objects SET spec = '{\"limit\":9}' WHERE name = 'a'", "Unit/a version 2: spec not as act 2"),
        ("UPDATE objects SET owner = 'eve' WHERE name = 'a'", "Unit/a version 2: owner not"),
        ("UPDATE objects SET owner = NULL WHERE name = 'a'", "Unit/a version 2: owner not"),
        ("UPDATE objects SET state_name = 'certified' WHERE name = 'b'", "Unit/b version 3: state not"),
        ("UPDATE objects SET editable = 1 WHERE name = 'b'", "Unit/b version 3: state not"),
        ("UPDATE objects SET version = 1 WHERE name = 'a'", "Unit/a version 1: its version is 2"),
        ("DELETE FROM objects WHERE name = 'b'", "Unit/b version 3: is gone"),
        (
            "INSERT INTO objects SELECT kind, 'z', version, owner, spec, state_name, state, editable, 1, 1 FROM objects WHERE name = 'a'",
            "Unit/z version 2: no act made it",
        ),
        (
            "UPDATE objects SET spec = (SELECT spec FROM versions WHERE name = 'a') WHERE name = 'a'",
            "Unit/a version 2: spec",
        ),
        ("UPDATE accounts SET roles = 'authority operator'", "Account/eve: roles not as act 7"),
        ("UPDATE accounts SET organisation = 'police'", "Account/eve: organisation not"),
        ("UPDATE accounts SET person = '李某'", "Account/eve: person not"),
        ("UPDATE accounts SET disabled = 1", "Account/eve: disabled not"),
        ("UPDATE accounts SET person_key = zeroblob(32)", "Account/eve: identity not"),
        ("UPDATE accounts SET epoch = epoch - 1", "Account/eve: sign-ons not"),
        (
            "INSERT INTO accounts VALUES ('mallory', 7, 'bank', 'm', 'authority', 0, 1, 1, NULL, 0)",
            "Account/mallory: no act made it",
        ),
        ("UPDATE passwords SET hash = zeroblob(32)", "Password/eve: password not"),
        ("UPDATE passwords SET temporary = 1", "Password/eve: password not"),
        ("UPDATE tokens SET read_only = 0", "Token/eve/t: term not"),
        ("UPDATE tokens SET roles = 'authority'", "Token/eve/t: roles not"),
        ("UPDATE tokens SET hash = zeroblob(32)", "Token/eve/t: token not"),
        ("DELETE FROM links", "is gone"),
        ("INSERT INTO links VALUES ('https://idp', 'other', 'eve')", "no act made it"),
        (
            "INSERT INTO credential_secrets VALUES ('bank-1', 'hmac-sha256', zeroblob(12), zeroblob(48))",
            "CredentialSecret/bank-1: no act made it",
        ),
        ("UPDATE versions SET spec = '{}' WHERE name = 'a'", "Unit/a version 1: this former version is not"),
        ("DELETE FROM versions WHERE name = 'a'", "Unit/a version 1: this former version is gone"),
        (
            "INSERT INTO versions SELECT kind, name, 5, owner, spec, state_name, state, editable, 1 FROM versions WHERE name = 'a'",
            "Unit/a version 5: this former version is not",
        ),
        ("UPDATE acts SET reason = 'another' WHERE revision = 3", "act 3: is not what its digest"),
        (
            "UPDATE acts SET actor = 'x', organisation = 'y', role = 'finance' WHERE revision = 7",
            "act 7: is not what",
        ),
        ("DELETE FROM acts WHERE revision = 4", "act 4: is missing"),
        ("DELETE FROM acts WHERE revision = 7", "act 7: is missing"),
        ("UPDATE acts SET digest = NULL WHERE revision = 7", "act 7: binds nothing"),
        ("UPDATE revision SET value = 9", "act 9: is missing"),
        ("DELETE FROM bindings WHERE name = 'a' AND act = 2", "act 2: is not what"),
    ] {
        let (_dir, path) = sample();
        let connection = Connection::open(&path).expect("opens");
        connection.pragma_update(None, "foreign_keys", false).expect("set");
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        drop(connection);
        let found = findings(&path);
        assert!(found.iter().any(|finding| finding.contains(wanted)), "{sql}: {found:#?}");
    }
}

#[test]
fn two_rows_that_were_swapped_are_both_named() {
    let (_dir, path) = sample();
    let connection = Connection::open(&path).expect("opens");
    let swap = "CREATE TEMP TABLE kept AS SELECT name, spec FROM objects;
                UPDATE objects SET spec = (SELECT kept.spec FROM kept WHERE kept.name = CASE objects.name WHEN 'a' THEN 'c' ELSE 'a' END)
                WHERE name IN ('a', 'c')";
    connection.execute_batch(swap).expect("swapped");
    drop(connection);
    let found = findings(&path);
    for wanted in ["Unit/a version 2: spec", "Unit/c version 6: spec"] {
        assert!(found.iter().any(|finding| finding.contains(wanted)), "{found:#?}");
    }
}

/// The same content has another digest under another act, and the digests in the journal confirm no guess.
#[test]
fn what_acts_bind_is_salted() {
    let register = Register::in_memory().expect("opens");
    let first = commit(&register, change("a", None, Some(content("{}"))), Vec::new());
    let second = commit(&register, change("a", Some(first), Some(content("{}"))), Vec::new());
    let digests: Vec<Vec<u8>> = crate::register::rows(
        &register.lock(),
        "SELECT digest FROM bindings WHERE name = 'a' ORDER BY act",
        [],
        |row| Ok(row.get(0)?),
    )
    .expect("read");
    assert_eq!(digests.len(), 2);
    assert!(digests[0].chunks(16).zip(digests[1].chunks(16)).all(|(one, other)| one != other));
    assert_ne!(
        register.act(first).expect("read").expect("there").digest,
        register.act(second).expect("read").expect("there").digest
    );
}

fn in_journal(register: &Register) -> Vec<InJournal> {
    let waiting = register.outbox().expect("read");
    let placed = waiting.iter().map(|act| (act.revision, act.revision + 10)).collect::<Vec<_>>();
    register.mark_journalled(&placed).expect("marked");
    waiting
        .iter()
        .map(|act| InJournal {
            revision: act.revision,
            id: *act.act.id.as_bytes(),
            digest: act.digest.expect("bound"),
            seq: act.revision + 10,
        })
        .collect()
}

fn against(register: &Register, journal: &[InJournal]) -> Vec<String> {
    let mut acts = journal.iter().copied().map(Ok::<_, StoreError>);
    let walked = register.walk(Some(&mut acts)).expect("walked");
    walked.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn acts_that_the_journal_does_not_have_or_has_otherwise_are_named() {
    let (_dir, path) = sample();
    let register = Register::open(&path).expect("opens");
    let journal = in_journal(&register);
    assert_eq!(against(&register, &journal), Vec::<String>::new());
    // An older copy of the register: the journal has more.
    let mut more = journal.clone();
    more.push(InJournal { revision: 8, id: [9; 16], digest: [9; 32], seq: 18 });
    assert_eq!(against(&register, &more), ["act 8: is in the journal at record 18 and not here"]);
    // An older copy of the journal.
    assert_eq!(
        against(&register, &journal[..6]),
        ["act 7: is not in the journal, where record 17 should have it"]
    );
    let mut other = journal.clone();
    other[2].digest[0] ^= 1;
    assert_eq!(against(&register, &other), ["act 3: is another than record 13 of the journal says"]);
    // An act outside the register, or of software that did not bind, is not looked for here.
    other = journal;
    other.push(InJournal { revision: 0, id: [7; 16], digest: [7; 32], seq: 19 });
    assert_eq!(against(&register, &other), Vec::<String>::new());
}

/// A register as the last version left it: its content becomes the first kept version, by one act.
#[test]
fn a_register_of_the_last_version_is_bound_as_it_stands_by_one_act() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("control.db");
    drop(Database::open(&path, &MIGRATIONS[..6]).expect("made"));
    let connection = Connection::open(&path).expect("opens");
    connection
        .execute_batch(
            "UPDATE revision SET value = 2;
             INSERT INTO objects VALUES ('Unit', 'a', 1, 'bank', '{\"limit\":1}', NULL, NULL, 0, 1, 1);
             INSERT INTO accounts VALUES ('eve', 2, 'bank', 'e', 'finance', 0, 1, 1, NULL, 0);
             INSERT INTO acts VALUES (1, randomblob(16), randomblob(16), 1, NULL, NULL, NULL, NULL, 'put', 'Unit', 'a', NULL, '', '[]', 5);
             INSERT INTO acts VALUES (2, randomblob(16), randomblob(16), 1, NULL, NULL, NULL, NULL, 'create', 'Account', 'eve', NULL, '', '[]', 6);",
        )
        .expect("filled");
    drop(connection);
    assert!(matches!(Register::open_read_only(&path), Err(StoreError::Unbound)));
    let register = Register::open(&path).expect("migrates");
    assert!(register.is_unbound().expect("read"));
    assert_eq!(register.bind_all(&act("bind", bound::REGISTER), 0).expect("bound"), 3);
    assert!(!register.is_unbound().expect("read"));
    assert_eq!(register.get("Unit", "a").expect("read").expect("there").version, 1, "its version stays");
    assert_eq!(register.touched_after(2).expect("read"), [], "binding changes nothing");
    commit(&register, change("a", Some(1), Some(content("{\"limit\":2}"))), Vec::new());
    assert_eq!(register.touched_after(2).expect("read"), [("Unit".to_owned(), "a".to_owned())]);
    drop(register);
    assert_eq!(findings(&path), Vec::<String>::new());
    for (sql, wanted) in [
        ("UPDATE accounts SET roles = 'authority'", "Account/eve: roles not as act 3"),
        ("UPDATE versions SET spec = '{}'", "Unit/a version 1: this former version is not"),
        ("UPDATE acts SET reason = 'x' WHERE revision = 1", "act 3: an act before it was changed"),
        ("DELETE FROM acts WHERE revision = 1", "act 1: is missing"),
    ] {
        let copy = dir.path().join("copy.db");
        std::fs::copy(&path, &copy).expect("copied");
        Connection::open(&copy).expect("opens").execute_batch(sql).expect("edited");
        let found = findings(&copy);
        assert!(found.iter().any(|finding| finding.contains(wanted)), "{sql}: {found:#?}");
    }
}

/// A register that was taken over as it stands goes on above the journal's last act.
#[test]
fn a_register_that_was_adopted_is_good_again() {
    let (_dir, path) = sample();
    let connection = Connection::open(&path).expect("opens");
    connection
        .execute_batch(
            "UPDATE objects SET spec = '{}' WHERE name = 'a'; DELETE FROM objects WHERE name = 'b'",
        )
        .expect("edited");
    drop(connection);
    assert!(!findings(&path).is_empty());
    let register = Register::open(&path).expect("opens");
    assert_eq!(register.bind_all(&act("adopt", bound::REGISTER), 20).expect("adopted"), 21);
    drop(register);
    assert_eq!(findings(&path), Vec::<String>::new());
}
