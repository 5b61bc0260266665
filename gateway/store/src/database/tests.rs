//! Files, migrations and their settings.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::Store;
use crate::store::MIGRATIONS;

#[test]
fn the_file_is_its_owners_and_opens_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("state").join("shuzha.db");
    for _ in 0..2 {
        let store = Store::open(&path).expect("opens");
        let pragma = |name| store.lock().pragma_query_value(None, name, |row| row.get::<_, String>(0));
        assert_eq!(pragma("journal_mode").expect("answers"), "wal");
        let full: i64 =
            store.lock().pragma_query_value(None, "synchronous", |row| row.get(0)).expect("answers");
        assert_eq!(full, 2);
    }
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("has one"))), (0o600, 0o700));
}

#[test]
fn edited_and_unknown_migrations_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("shuzha.db");
    drop(Store::open(&path).expect("opens"));
    let with = |migrations: &Migrations| Database::open(&path, migrations);
    let edited = [MIGRATIONS[0], (MIGRATIONS[1].0, "CREATE TABLE other (a INTEGER) STRICT;")];
    assert!(matches!(with(&edited), Err(StoreError::Migration(_))));
    assert!(matches!(with(&MIGRATIONS[..1]), Err(StoreError::Migration(_))), "older software, newer file");
    assert!(with(&MIGRATIONS).is_ok());
}
