//! What is in force after a crash, a restart and the loss of the register.

use super::*;

/// What was decided after the world was last kept is in force again after a crash, and nothing else is read.
#[test]
fn c6_a_crash_after_a_decision_leaves_it_in_force() {
    let mut house = TestGateway::start();
    {
        let root = house.root();
        everyone(&house, &root);
        settle(&house, &demo_world());
    }
    house.end();
    house.start_again();
    house.person("wang").done(&[
        "suspend",
        "product",
        "person-check",
        "--reason",
        "疑似泄露",
        "--case",
        "stop-1",
    ]);
    house.crash();
    let status = house.start_again();
    // One act, unless this machine took so long that it was kept meanwhile.
    let from = status["started_from"].as_str().expect("a text");
    assert!(from.starts_with("the kept world and "), "{status}");
    let digest = status["snapshot"]["digest"].clone();
    house.crash();
    std::fs::remove_file(house.data().join("world.kept")).expect("it was kept");
    let status = house.start_again();
    assert_eq!(status["started_from"], "the whole register", "{status}");
    assert_eq!(status["snapshot"]["digest"], digest);
    house.end();
}

#[test]
fn c6_what_is_in_force_outlives_a_restart_and_the_loss_of_the_register() {
    let mut house = TestGateway::start();
    {
        let root = house.root();
        let wang = everyone(&house, &root);
        settle(&house, &demo_world());
        wang.done(&["suspend", "product", "person-check", "--reason", "疑似泄露", "--case", "stop-1"]);
    }
    house.end();
    let status = house.start_again();
    assert_eq!(status["world"], "register", "{status}");
    let digest = status["snapshot"]["digest"].clone();
    assert!(digest.is_string(), "{status}");
    assert_eq!(status["started_from"], "the kept world and 0 acts since", "{status}");
    house.end();
    std::fs::remove_file(house.data().join("world.kept")).expect("it was kept");
    let status = house.start_again();
    assert_eq!(status["started_from"], "the whole register", "{status}");
    assert_eq!(status["snapshot"]["digest"], digest, "the same world, however it was read");
    house.end();

    for file in ["control.db", "control.db-wal", "control.db-shm"] {
        let _ = std::fs::remove_file(house.data().join(file));
    }
    std::fs::write(house.data().join("control.db"), "no database").expect("written");
    let status = house.start_again();
    assert_eq!(status["world"], "last known good; the register is away", "{status}");
    assert_eq!(status["snapshot"]["digest"], digest, "the same world is served");
    house.end();
}
