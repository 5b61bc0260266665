//! The seal finds every row that was changed without its key, and costs the same whatever the table's size.

use super::*;

const SCHEMA: &str = "
    CREATE TABLE parents (name TEXT PRIMARY KEY, worth INTEGER NOT NULL, key BLOB) STRICT, WITHOUT ROWID;
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent TEXT NOT NULL REFERENCES parents (name) ON DELETE CASCADE) STRICT;
    CREATE TABLE seal (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB) STRICT;";

fn key() -> SealKey {
    SealKey::new(&[7; 32])
}

fn sealed() -> Connection {
    let connection = Connection::open_in_memory().expect("opens");
    connection.execute_batch(SCHEMA).expect("made");
    connection.pragma_update(None, "foreign_keys", true).expect("set");
    connection.pragma_update(None, "trusted_schema", false).expect("set");
    seal(&connection, &key()).expect("sealed");
    follow(&connection, &key()).expect("followed");
    connection
}

fn run(connection: &Connection, sql: &str) {
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn differ(connection: &Connection) -> Vec<String> {
    check(connection, &key(), u64::MAX).expect("checked").differ
}

/// Takes our triggers away, as another program has none.
fn as_another_program(connection: &Connection) {
    let mut named =
        connection.prepare("SELECT name FROM temp.sqlite_master WHERE type = 'trigger'").expect("asked");
    let names = named.query_map([], |row| row.get(0)).expect("asked").collect::<Result<Vec<String>, _>>();
    for name in names.expect("read") {
        run(connection, &format!("DROP TRIGGER temp.{name}"));
    }
    connection.pragma_update(None, "foreign_keys", false).expect("set");
}

#[test]
fn the_seal_follows_every_way_in_which_our_connection_changes_rows() {
    let connection = sealed();
    for sql in [
        "INSERT INTO parents VALUES ('a', 1, x'00'), ('b', 2, NULL), ('c', -3, x'')",
        "INSERT INTO children (parent) VALUES ('a'), ('a'), ('b')",
        "REPLACE INTO parents VALUES ('c', 4, x'01')",
        "INSERT INTO parents VALUES ('b', 0, NULL) ON CONFLICT (name) DO UPDATE SET worth = worth + 1",
        "INSERT INTO parents VALUES ('b', 9, NULL) ON CONFLICT DO NOTHING",
        "UPDATE parents SET worth = worth * 2",
        "UPDATE parents SET worth = 7 WHERE name = 'nobody'",
        "DELETE FROM parents WHERE name = 'a'",
        "BEGIN; DELETE FROM children; ROLLBACK",
        "DELETE FROM children",
    ] {
        run(&connection, sql);
        assert_eq!(differ(&connection), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn what_another_program_changes_adds_or_takes_away_is_named_by_table() {
    for (sql, table) in [
        ("UPDATE parents SET worth = 100 WHERE name = 'a'", "parents"),
        ("UPDATE parents SET name = 'd' WHERE name = 'b'", "parents"),
        ("DELETE FROM parents WHERE name = 'b'", "parents"),
        ("INSERT INTO parents VALUES ('z', 1, NULL)", "parents"),
        ("UPDATE children SET parent = CASE parent WHEN 'a' THEN 'b' ELSE 'a' END", "children"),
        ("UPDATE seal SET value = zeroblob(length(value))", BROKEN),
        ("DELETE FROM seal", BROKEN),
        ("CREATE TABLE more (a INTEGER) STRICT", "more"),
    ] {
        let connection = sealed();
        run(&connection, "INSERT INTO parents VALUES ('a', 1, NULL), ('b', 1, NULL)");
        run(&connection, "INSERT INTO children VALUES (1, 'a'), (2, 'b'), (3, 'a')");
        as_another_program(&connection);
        run(&connection, sql);
        assert_eq!(differ(&connection), [table], "{sql}");
    }
}

#[test]
fn a_seal_of_another_key_is_refused_and_no_change_makes_it_ours() {
    let connection = sealed();
    assert_eq!(check(&connection, &SealKey::new(&[8; 32]), u64::MAX).expect("checked").differ, [BROKEN]);
    as_another_program(&connection);
    run(&connection, "UPDATE seal SET value = zeroblob(length(value))");
    follow(&connection, &key()).expect("followed");
    let refused = connection.execute("INSERT INTO parents VALUES ('a', 1, NULL)", []);
    assert!(refused.is_err(), "a change must not seal what was edited");
}

#[test]
fn a_table_that_is_too_large_is_left_and_said_to_be() {
    let connection = sealed();
    run(&connection, "INSERT INTO parents VALUES ('a', 1, NULL), ('b', 1, NULL)");
    let found = check(&connection, &key(), 1).expect("checked");
    assert_eq!((found.differ, found.left), (Vec::new(), vec!["parents".to_owned()]));
}
