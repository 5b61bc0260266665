//! Signals: those that `shuzha serve` obeys, at whatever moment they come, and all others, which end nothing.

use rustix::process::Signal;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::Node;

/// What is said of a signal that is none of ours.
const IGNORED: &str = "a signal that means nothing here is ignored; SIGTERM drains, SIGQUIT hands over, SIGHUP reloads, \
                       SIGINT ends at once";
/// What a new process says while it waits for the sockets.
const WAITING: &str = "waiting for the sockets: send SIGQUIT to the running process";

/// Signals whose default ends or stops a process, by number: SIGUSR1, SIGUSR2, SIGALRM, SIGSTKFLT, SIGTTIN, SIGTTOU,
/// SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, and real-time ones.
const STRAY: [i32; 15] = [10, 12, 14, 16, 21, 22, 24, 25, 26, 27, 29, 30, 34, 40, 64];
const SIGPIPE: i32 = 13;

#[test]
fn no_stray_signal_ends_or_stops_a_node() {
    let home = Home::new();
    let mut node = Node::start(&home);
    let caller = Caller::new(node.data);
    let call = || caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1)).status;
    for number in STRAY {
        node.kill_with(number);
        let told = node.wait_line(IGNORED);
        assert_eq!((&told["signal"], &told["level"]), (&number.into(), &"WARN".into()));
        assert_eq!(call(), 200, "after signal {number}");
    }
    node.kill_with(SIGPIPE);
    assert_eq!(call(), 200, "after SIGPIPE");
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
}

#[test]
fn before_it_is_ready_a_node_ends_when_told_to_and_for_nothing_else() {
    let home = Home::new();
    for end in [Signal::TERM, Signal::INT] {
        let mut waiting = Node::spawn(&home, &["--upgrade"]);
        waiting.wait_line(WAITING);
        waiting.signal(Signal::HUP);
        waiting.signal(Signal::QUIT);
        waiting.wait_line("not ready: there is nothing to hand over yet");
        waiting.signal(Signal::USR1);
        waiting.wait_line(IGNORED);
        waiting.signal(end);
        let (status, log) = waiting.ended();
        assert_eq!(status.code(), Some(0), "{log:#?}");
        assert!(log.iter().any(|line| line.contains("told to end before it was ready")), "{log:#?}");
    }
}

#[test]
fn a_reload_that_was_ordered_too_early_is_made_once_there_is_something_to_reload() {
    let home = Home::new();
    let mut old = Node::start(&home);
    let (data, operations) = (old.data.to_string(), old.operations.to_string());
    let mut new = Node::spawn(&home, &["--upgrade", "--listen", &data, "--operations", &operations]);
    new.wait_line(WAITING);
    new.signal(Signal::HUP);
    old.signal(Signal::QUIT);
    let (status, log) = old.ended();
    assert!(status.success(), "{log:#?}");
    new.wait_line("reloaded");
    let (status, log) = new.drain();
    assert!(status.success(), "{log:#?}");
}

#[test]
fn sockets_of_another_configuration_are_not_taken_and_the_old_process_serves_on() {
    let home = Home::new();
    let mut old = Node::start(&home);
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let elsewhere = elsewhere.local_addr().expect("bound").to_string();
    let mut new = Node::spawn(&home, &["--upgrade", "--listen", &elsewhere]);
    new.wait_line(WAITING);
    old.signal(Signal::QUIT);
    let (status, log) = new.ended();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    assert!(log.iter().any(|line| line.contains(&elsewhere) && line.contains("configured")), "{log:#?}");
    old.wait_line("the upgrade failed; this process goes on serving");
    let caller = Caller::new(old.data);
    let answer = caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn help_says_what_each_signal_does() {
    let help = shuzha().args(["serve", "--help"]).output().expect("it starts");
    let said = text(&help.stdout);
    for word in ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "--upgrade", "kill -QUIT"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}
