//! What a backup brings back of a node whose world is in its register.

use super::gateway::TestGateway;
use super::register::{refused, run};
use crate::home::text;

#[test]
fn a_register_comes_back_from_a_backup_and_what_came_after_is_said_to_be_missing() {
    let mut house = TestGateway::start();
    let root = house.root();
    house.member(&root, "sun", "yunze-data", &["operator"]);
    drop(root);
    let data = house.data();
    let at = |name: &str| data.with_file_name(name).display().to_string();
    let (folder, keys, into) = (at("backup"), at("backup-keys"), at("data"));
    let done = |house: &TestGateway, arguments: &[&str]| {
        let output = run(house, arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    };
    done(&house, &["backup", &folder, "--keys", &keys]);
    done(&house, &["backup", "verify", &folder, "--keys", &keys]);
    // An act that the backup does not have.
    let root = house.person("root");
    house.member(&root, "qian", "yunze-data", &["operator"]);
    drop(root);
    house.crash();
    std::fs::rename(&data, at("lost")).expect("moved");

    let restore = ["restore", &folder, "--keys", &keys, "--into", &into];
    done(&house, &restore);
    house.start_again();
    house.end();
    done(&house, &["register", "verify", &into]);
    done(&house, &["journal", "verify"]);

    // With the old journal the register is behind it: what acts left since is nowhere else, and somebody says that it is so.
    std::fs::rename(&data, at("second")).expect("moved");
    done(&house, &[&restore[..], &["--journal", &at("lost/journal")]].concat());
    let doctor = run(&house, &["doctor"]);
    let found = text(&doctor.stdout);
    assert!(!doctor.status.success() && found.contains("BAD   register: C1740"), "{found}");
    assert!(found.contains("register adopt"), "{found}");
    let told = refused(&house);
    assert!(told.contains("C1740") && told.contains("older copy"), "{told}");
    done(&house, &["register", "adopt", "--reason", "restored from the backup"]);
    house.start_again();
    house.end();
    done(&house, &["register", "verify", &into]);
    done(&house, &["journal", "verify"]);
}
