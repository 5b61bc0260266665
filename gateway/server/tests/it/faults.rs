//! What a gateway does when its evidence log cannot go on: another's folder, another process, a disk that takes no more.

use std::os::unix::process::ExitStatusExt as _;

use shuzha_core::{Clock as _, SystemClock};

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home};
use crate::node::{Node, patiently};

fn answers(node: &Node, path: &str) -> u16 {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    agent.get(format!("http://{}{path}", node.operations)).call().expect("it answers").status().as_u16()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    patiently(what, || done().then_some(()));
}

/// E3: no checkpoint can be written: callers are served, `/health` fails after five seconds, and is well again by itself.
#[test]
fn e3_health_fails_while_no_checkpoint_can_be_written_and_calls_go_on() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let call = || caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1)).status;
    assert_eq!(call(), 200);
    wait_for("health", || answers(&node, "/health") == 200);
    let evidence = home.data().join("evidence");
    let mut folders = std::fs::read_dir(&evidence).expect("there").map(|entry| entry.expect("there").path());
    let entries = folders.find(|path| path.is_dir()).expect("a half-year").join("tile/entries");
    wait_for("a bundle", || entries.exists());
    // As on a full disk, what is to be written cannot be: a file stands where its folder must be.
    let aside = home.data().join("aside");
    std::fs::rename(&entries, &aside).expect("moved");
    std::fs::write(&entries, "").expect("written");
    let begun = SystemClock.now();
    assert_eq!(call(), 200, "no call waits for the log");
    wait_for("the failure", || answers(&node, "/health") == 503);
    assert!(SystemClock.now().micros_since(begun) > 4_000_000, "not before five seconds");
    assert_eq!((call(), answers(&node, "/readyz"), answers(&node, "/livez")), (200, 503, 200));
    std::fs::remove_file(&entries).expect("there");
    std::fs::rename(&aside, &entries).expect("moved");
    wait_for("health", || answers(&node, "/health") == 200);
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("C1715") || line.contains("C1713")), "{log:#?}");
}

/// Two processes on one log, and a folder with the log of another origin: nothing is written, and the code says which.
#[test]
fn c1711_c1712_a_log_that_is_in_use_or_anothers_is_not_written() {
    let home = Home::new();
    Node::start(&home).drain();
    let lock = std::fs::File::open(home.data().join("evidence/LOCK")).expect("there");
    lock.lock().expect("nobody has it");
    let refused = |arguments: &[&str]| {
        let mut node = Node::spawn(&home, arguments);
        let (status, log) = node.ended();
        assert!(!status.success() && status.signal().is_none(), "{log:#?}");
        log.join("\n")
    };
    let said = refused(&[]);
    assert!(said.contains("C1711"), "{said}");
    lock.unlock().expect("ours");
    let config = home.file("other.toml", "[evidence]\norigin = \"other.example/log\"\n");
    let said = refused(&["--config", config.to_str().expect("UTF-8")]);
    assert!(said.contains("C1712") && said.contains("other.example/log"), "{said}");
    let (status, log) = Node::start(&home).drain();
    assert!(status.success(), "{log:#?}");
}
