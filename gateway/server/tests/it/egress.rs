//! Where a node connects to for product services, as it is installed.

use rustix::process::Signal;

use crate::answers::Answer;
use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, WORLD};
use crate::node::Node;

fn call(home: &Home, node: &Node) -> Answer {
    Caller::new(node.data).call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1))
}

/// The small world with its product service at `endpoint`.
fn declare(home: &Home, endpoint: &str) {
    home.declare(&WORLD.replace("UPSTREAM", endpoint));
}

/// A name that leads to this machine is refused until the configuration lists what it leads to.
#[test]
fn this_machine_by_name_is_refused_until_it_is_listed() {
    let home = Home::new();
    let port = home.service.address.port();
    declare(&home, &format!("localhost:{port}"));
    let node = Node::start(&home);
    let refused = call(&home, &node);
    assert_eq!((refused.status, refused.code().as_deref()), (503, Some("C808")), "{refused:?}");
    node.kill();
    let config =
        home.file("shuzha.toml", &format!("[egress]\nallow = [\"127.0.0.1:{port}\", \"[::1]:{port}\"]\n"));
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    assert_eq!(call(&home, &node).status, 200);
}

/// A name that nobody resolves keeps no node from starting, and says C806 for its own products.
#[test]
fn a_name_without_an_address_keeps_no_node_from_starting() {
    let home = Home::new();
    declare(&home, "no-such-host.invalid:80");
    let mut node = Node::start(&home);
    let refused = call(&home, &node);
    assert_eq!((refused.status, refused.code().as_deref()), (503, Some("C806")), "{refused:?}");
    declare(&home, &home.service.address.to_string());
    node.signal(Signal::HUP);
    node.wait_line("reloaded");
    assert_eq!(call(&home, &node).status, 200);
}

/// The operations listener of the node itself, which shows what belongs to all, is no product service.
#[test]
fn the_nodes_own_listeners_are_no_product_services() {
    let home = Home::new();
    let config = home.file("shuzha.toml", "[egress]\nallow = [\"127.0.0.0/8\", \"::1\"]\n");
    let mut node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    assert_eq!(call(&home, &node).status, 200);
    let port = node.operations.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        declare(&home, &format!("{host}:{port}"));
        node.signal(Signal::HUP);
        node.wait_line("reloaded");
        let refused = call(&home, &node);
        assert_eq!(refused.code().as_deref(), Some("C808"), "{host}: {refused:?}");
    }
}

/// As a node is installed, no service is asked about persons before it has proved what it is; about others it may be.
#[test]
fn a_naive_service_is_not_asked_about_persons() {
    let mut home = Home::new();
    home.self_description = "persons";
    home.service.keep(None);
    let node = Node::start(&home);
    assert_eq!(call(&home, &node).status, 200, "about a company");
    let (caller, bank) = (Caller::new(node.data), home.credential("bank-1"));
    let refused = caller.call(&bank, &Ask::report((20, 60), "0.05"));
    assert_eq!(refused.code().as_deref(), Some("C809"), "{refused:?}");
}
