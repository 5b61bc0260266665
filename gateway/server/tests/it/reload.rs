//! SIGHUP: world files and keys are read again while calls go on.

use rustix::process::Signal;
use serde_json::Value;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, WORLD};
use crate::load::Load;
use crate::node::Node;
use crate::service::Service;

/// Reloads under load, and answers in between.
const RELOADS: usize = 10;
const ANSWERS: usize = 20;

fn digest(operations: &Caller) -> Value {
    operations.get("/status").json()["snapshot"]["digest"].clone()
}

#[test]
fn a_change_takes_effect_and_counters_stay() {
    let home = Home::new();
    let mut node = Node::start(&home);
    let (caller, operations) = (Caller::new(node.data), Caller::new(node.operations));
    let bank = home.credential("bank-1");
    let company = || caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    let insurer = || caller.call(&home.credential("insurer-1"), &Ask::company("insurer-scenario", COMPANY.1));
    assert_eq!((company().status, insurer().status), (200, 200));
    let before = digest(&operations);

    // The bank is suspended, and one call is all that is left of the insurer's quota.
    let suspended = "---\napiVersion: shuzha/v1\nkind: Suspension\nmetadata: {name: bank}\nspec:\n  \
                     target: {kind: ApplicationUnit, name: bank}\n  since: 2025-03-03T09:00:00+08:00\n  reason: 限期整改\n";
    home.declare(&[&WORLD.replace("max: 60", "max: 2"), suspended].concat());
    node.signal(Signal::HUP);
    let told = node.wait_line("reloaded");
    assert_eq!(company().code().as_deref(), Some("C208"));
    assert_eq!(insurer().status, 200);
    assert_eq!(insurer().code().as_deref(), Some("C503"), "the call before the reload counts");
    let after = digest(&operations);
    assert_ne!(before, after);
    assert_eq!(told["snapshot"], after);

    home.declare(WORLD);
    node.signal(Signal::HUP);
    assert_eq!(node.wait_line("reloaded")["snapshot"], before, "the same files are the same policy");
    assert_eq!(company().status, 200);
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
}

#[test]
fn faulty_files_change_nothing_and_every_fault_is_told() {
    let home = Home::new();
    let mut node = Node::start(&home);
    let (caller, operations) = (Caller::new(node.data), Caller::new(node.operations));
    let before = digest(&operations);
    home.declare(
        &WORLD.replace("perCall: \"0.30\"", "perCall: three").replace("purpose: industry", "purpose: fun"),
    );
    node.signal(Signal::HUP);
    let told = node.wait_line("not reloaded: what was in force stays in force");
    let faults = told["faults"].as_str().expect("they are named");
    assert!(faults.contains("Price/company-check") && faults.contains("Scenario/bank-scenario"), "{faults}");
    assert_eq!(told["level"], "ERROR");
    assert_eq!(digest(&operations), before);
    let answer = caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "{answer:?}");

    std::fs::remove_file(home.world()).expect("ours");
    node.signal(Signal::HUP);
    node.wait_line("not reloaded: what was in force stays in force");
    assert_eq!(digest(&operations), before);
}

#[test]
fn a_new_secret_and_a_moved_service_are_taken_up() {
    let mut home = Home::new();
    let mut node = Node::start(&home);
    let caller = Caller::new(node.data);
    let old = home.credential("bank-1");
    let company = Ask::company("bank-scenario", COMPANY.1);
    assert_eq!(caller.call(&old, &company).status, 200);
    home.issue("bank-1", "hmac-sha256");
    home.service = Service::start(&home.data());
    home.declare(WORLD);
    node.signal(Signal::HUP);
    node.wait_line("reloaded");
    assert_eq!(
        caller.call(&old, &company).code().as_deref(),
        Some("C103"),
        "the old secret is worth nothing"
    );
    assert_eq!(caller.call(&home.credential("bank-1"), &company).status, 200);
    let held = Ask::company("bank-scenario", crate::service::HELD_NAME);
    let new = home.credential("bank-1");
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| caller.call(&new, &held));
        let let_go =
            home.service.held.recv_timeout(crate::node::PATIENCE).expect("it reaches the new address");
        drop(let_go);
        assert_eq!(answer.join().expect("no panic").status, 200);
    });
}

#[test]
fn reloading_under_load_fails_no_call() {
    let mut home = Home::new();
    let mut node = Node::start(&home);
    let load = Load::start(&node, &home.credential("bank-1"));
    let mut answers = load.wait(ANSWERS);
    for _ in 0..RELOADS {
        // Every time the product service has moved; the one before goes on answering what is in flight.
        home.service = Service::start(&home.data());
        home.declare(WORLD);
        node.signal(Signal::HUP);
        node.wait_line("reloaded");
        answers.extend(load.wait(ANSWERS));
    }
    answers.extend(load.stop());
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}
