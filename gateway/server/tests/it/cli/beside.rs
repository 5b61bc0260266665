//! The databases beside the register: edited, they are named and nothing starts; after a clean end they are whole files; and a
//! copy that nobody may write is read like any other.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use shuzha_store::dangerous_edit;

use super::gateway::TestGateway;
use super::register::{refused, restore, run};
use crate::home::{shuzha, text};

/// What another program does to each of them.
const EDITS: [(&str, &str); 3] = [
    ("finance.db", "UPDATE position SET seq = seq + 1"),
    ("consents.db", "INSERT INTO holders VALUES ('mallory', zeroblob(32), 1)"),
    (
        "retention.db",
        "INSERT INTO acts (shard, what, asked_by, asked_at, reason) VALUES ('2026h1', 2, 'mallory', 1, 'x')",
    ),
];

#[test]
fn what_another_program_edits_beside_the_register_is_named_and_nothing_starts() {
    let mut house = TestGateway::start();
    house.end();
    let folder = house.data().display().to_string();
    let verify = || run(&house, &["register", "verify", &folder]);
    assert_eq!(verify().status.code(), Some(0), "{:?}", verify());
    for (file, sql) in EDITS {
        let (database, good) = (house.data().join(file), house.data().join("good.copy"));
        std::fs::copy(&database, &good).expect("copied");
        dangerous_edit(&database, sql).expect("edited");
        let told = refused(&house);
        assert!(told.contains("C1743") && told.contains(file), "{told}");
        let verified = verify();
        assert_eq!(verified.status.code(), Some(1), "{verified:?}");
        assert!(text(&verified.stdout).contains(file), "{verified:?}");
        // Nor is it taken without its seal, or when it is gone.
        dangerous_edit(&database, "UPDATE seal SET value = NULL").expect("edited");
        assert!(refused(&house).contains("C1743"));
        std::fs::remove_file(&database).expect("removed");
        assert!(refused(&house).contains("is gone"));
        restore(&house, file, &good);
    }
    house.start_again();
    house.end();
    // Whoever has no copy takes it over as it stands, and that is on record.
    for (file, sql) in EDITS {
        if file != "finance.db" {
            dangerous_edit(&house.data().join(file), sql).expect("edited");
        }
    }
    assert!(refused(&house).contains("C1743"));
    let adopted = run(&house, &["register", "adopt", "--reason", "restored by hand"]);
    assert!(adopted.status.success(), "{adopted:?}");
    let verified = run(&house, &["register", "verify", &folder]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

/// Every file below `from`, in the same place below `to`, for `owner` to read and for nobody to write.
fn copy_to_read(from: &Path, to: &Path, owner: Option<u32>) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("lists") {
        let entry = entry.expect("an entry");
        let (kind, at) = (entry.file_type().expect("known"), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_to_read(&entry.path(), &at, owner);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &at).expect("copied");
            chown(&at, owner, owner).expect("given");
            std::fs::set_permissions(&at, Permissions::from_mode(0o400)).expect("set");
        }
    }
    chown(to, owner, owner).expect("given");
    std::fs::set_permissions(to, Permissions::from_mode(0o500)).expect("set");
}

#[test]
fn a_clean_end_leaves_whole_files_and_a_copy_that_nobody_may_write_is_verified() {
    let mut house = TestGateway::start();
    let root = house.root();
    house.member(&root, "fay", "treasury", &["finance"]);
    house.end();
    for entry in std::fs::read_dir(house.data()).expect("lists") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        let bytes = entry.metadata().expect("there").len();
        assert!(!name.ends_with("-wal") || bytes == 0, "{name}: {bytes} bytes are in no database");
    }
    let away = tempfile::tempdir().expect("a folder");
    let copy = away.path().join("copy");
    // Nothing keeps an administrator from writing anywhere: somebody else reads.
    let nobody = rustix::process::geteuid().is_root().then_some(65_534);
    std::fs::set_permissions(away.path(), Permissions::from_mode(0o755)).expect("set");
    copy_to_read(&house.data(), &copy, nobody);
    let mut verify = shuzha();
    if let Some(nobody) = nobody {
        // Where it was built may be closed to others.
        let program = away.path().join("shuzha");
        std::fs::copy(verify.get_program(), &program).expect("copied");
        verify = Command::new(program);
        verify.current_dir(away.path()).uid(nobody);
    }
    verify.args(["register", "verify"]).arg(&copy);
    let verified = verify.output().expect("it starts");
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    // So that it can be removed.
    let writable = |path: &Path| std::fs::set_permissions(path, Permissions::from_mode(0o700));
    let mut folders = vec![copy];
    while let Some(folder) = folders.pop() {
        writable(&folder).expect("set");
        let entries = std::fs::read_dir(&folder).expect("lists").map(|entry| entry.expect("an entry").path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
}
