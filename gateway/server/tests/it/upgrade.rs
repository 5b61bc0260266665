//! `shuzha serve --upgrade`: a new process takes over under load, and no call fails.

use rustix::process::Signal;

use crate::books::Books;
use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home};
use crate::load::Load;
use crate::node::Node;

/// Answers before the hand-over begins, and after the new process is ready.
const ANSWERS: usize = 40;
/// What a process says when nobody takes its sockets.
const NO_SUCCESSOR: &str = "the upgrade failed; this process goes on serving";

#[test]
fn a_new_process_takes_over_under_load_and_no_call_fails() {
    let home = Home::new();
    let mut old = Node::start(&home);
    let load = Load::start(&old, &home.credential("bank-1"));
    let mut answers = load.wait(ANSWERS);

    let listen =
        ["--listen".to_owned(), old.data.to_string(), "--operations".to_owned(), old.operations.to_string()];
    let listen: Vec<&str> = listen.iter().map(String::as_str).collect();
    let mut new = Node::spawn(&home, &[&["--upgrade"], listen.as_slice()].concat());
    let told = new.wait_line("waiting for the sockets: send SIGQUIT to the running process");
    assert!(told["socket"].as_str().is_some_and(|socket| socket.ends_with("upgrade.sock")), "{told}");
    old.signal(Signal::QUIT);
    let (status, log) = old.ended();
    assert!(status.success(), "{status}: {log:#?}");
    new.wait_ready();
    assert_eq!(new.data, old.data, "the same sockets");
    answers.extend(load.wait(ANSWERS));
    answers.extend(load.stop());
    let (status, log) = new.drain();
    assert!(status.success(), "{status}: {log:#?}");

    let mut books = Books::new(home.journal());
    books.read_on();
    let epochs: Vec<&str> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            books.record_of(answer).position.split('.').next().expect("epoch.sequence")
        })
        .collect();
    assert!(epochs.contains(&"1") && epochs.contains(&"2"), "both processes answered");
    assert!(books.state.open.is_empty(), "no call was abandoned");
}

#[test]
fn without_a_successor_the_old_process_goes_on() {
    let home = Home::new();
    let mut node = Node::start(&home);
    node.signal(Signal::QUIT);
    node.wait_line(NO_SUCCESSOR);
    let caller = Caller::new(node.data);
    let answer = caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "{answer:?}");
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
}
