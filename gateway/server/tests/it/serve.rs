//! `shuzha serve`: pages, draining, and one process per data folder.

use rustix::process::Signal;

use crate::books::Books;
use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home};
use crate::node::{Node, PATIENCE};
use crate::service::HELD_NAME;

#[test]
fn the_operations_listener_tells_how_it_is_doing() {
    let home = Home::new();
    let node = Node::start(&home);
    let (caller, operations) = (Caller::new(node.data), Caller::new(node.operations));
    let answer = caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(operations.get("/livez").json()["alive"], true);
    let ready = operations.get("/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &true.into()));
    let status = operations.get("/status").json();
    assert_eq!((&status["node"], &status["journal"]["health"]), (&"gate-1".into(), &"Serving".into()));
    assert!(status["journal"]["durable_seq"].as_u64() >= Some(3), "a boot, an intent, a record: {status}");
    assert_eq!(status["snapshot"]["grants"], 5);
    let metrics = operations.get("/metrics").body;
    let sample = |name: &str| metrics.lines().any(|line| line.starts_with(name));
    for name in ["shuzha_journal_", "shuzha_upstream_"] {
        assert!(sample(name), "{name} in {metrics}");
    }
    assert!(metrics.contains("product=\"company-check\""), "{metrics}");
    assert_eq!(caller.get("/metrics").status, 404, "not on the listener for callers");
    assert_eq!(operations.get("/v1/products/company-check/verify").status, 404, "nor calls on this one");
}

#[test]
fn refusals_point_at_pages_that_are_served() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let refused = caller.call(&home.credential("bank-1"), &Ask::person(None));
    assert_eq!((refused.status, refused.code().as_deref()), (403, Some("C401")));
    let page = refused.json()["type"].as_str().expect("a problem has a type").to_owned();
    let path = page.find("/errors/").map(|at| &page[at..]).expect("the page is ours");
    let page = caller.get(path);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("C401") && page.body.contains("<h1"), "{}", page.body);
    assert_eq!(caller.get("/errors/C999").status, 404);
}

#[test]
fn a_terminated_node_answers_what_is_in_flight_and_ends_well() {
    let home = Home::new();
    let mut node = Node::start(&home);
    let (address, bank) = (node.data, home.credential("bank-1"));
    let ask = Ask::company("bank-scenario", HELD_NAME);
    let in_flight = std::thread::spawn(move || Caller::new(address).call(&bank, &ask));
    let let_go = home.service.held.recv_timeout(PATIENCE).expect("the call reaches the product service");
    let operations = Caller::new(node.operations);
    node.signal(Signal::TERM);
    // The listener for operators stays while calls are under way, and says so.
    while operations.get("/readyz").status == 200 {
        std::thread::yield_now();
    }
    drop(let_go);
    let answer = in_flight.join().expect("no panic");
    assert_eq!(answer.status, 200, "{answer:?}");
    let (status, log) = node.ended();
    assert!(status.success(), "{status}: {log:#?}");
    let mut books = Books::new(home.journal());
    books.read_on();
    books.record_of(&answer);
    assert!(books.state.open.is_empty(), "every intent is closed");
}

#[test]
fn an_interrupted_node_ends_at_once() {
    let home = Home::new();
    let mut node = Node::start(&home);
    let (address, bank) = (node.data, home.credential("bank-1"));
    let call = Ask::company("bank-scenario", HELD_NAME).signed(&bank);
    let in_flight = std::thread::spawn(move || Caller::new(address).send(&call).is_err());
    let _held = home.service.held.recv_timeout(PATIENCE).expect("the call reaches the product service");
    node.signal(Signal::INT);
    node.ended();
    assert!(in_flight.join().expect("no panic"), "the call is cut off");
}

#[test]
fn a_second_process_on_the_same_data_is_refused_with_a_sentence() {
    let home = Home::new();
    let node = Node::start(&home);
    let mut second = Node::spawn(&home, &[]);
    let (status, log) = second.ended();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    let last = log.last().expect("it says why");
    let last: serde_json::Value = serde_json::from_str(last).expect("the log is JSON to its last line");
    assert_eq!((&last["level"], &last["message"]), (&"ERROR".into(), &"not serving".into()));
    let why = last["error"].as_str().expect("a sentence");
    assert!(why.contains("is in use by another process"), "{why}");
    let answer =
        Caller::new(node.data).call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "the first one is not disturbed: {answer:?}");
}

#[test]
fn a_taken_address_is_a_sentence_too() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let config = home.file("shuzha.toml", &format!("[data_plane]\nlisten = ['{address}']\n"));
    let done = home.command(&["serve"]).arg("--config").arg(&config).output().expect("it starts");
    assert_eq!(done.status.code(), Some(1));
    let errors = crate::home::text(&done.stderr);
    assert!(errors.contains("listening sockets") && errors.contains(&address), "{errors}");
}
