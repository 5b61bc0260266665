//! Abnormal use on a running node: slowed down, stopped, shown to operators, remembered over `kill -9`.

use serde_json::json;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home};
use crate::node::Node;
use crate::service::WRONG_NAME;

/// REQUIREMENTS E7, I3: a unit that guesses is told to wait; the metric, the log and the journal say so; a restart does not
/// let it go on.
#[test]
fn e7_a_guesser_is_slowed_down_and_a_restart_does_not_help() {
    let home = Home::new();
    let node = Node::start(&home);
    let bank = home.credential("bank-1");
    let caller = Caller::new(node.data);
    let mut guess = Ask::company("bank-scenario", WRONG_NAME);
    guess.body = json!({"uscc": COMPANY.0, "name": WRONG_NAME});
    for _ in 0..6 {
        assert_eq!(caller.call(&bank, &guess).status, 200);
    }
    let slow = caller.call(&bank, &guess);
    assert_eq!((slow.status, slow.code().as_deref()), (429, Some("C504")));
    // Another unit is not touched.
    let insurer = home.credential("insurer-1");
    assert_eq!(caller.call(&insurer, &Ask::company("insurer-scenario", COMPANY.1)).status, 200);
    let metrics = Caller::new(node.operations).get("/metrics").body;
    assert!(metrics.contains("shuzha_abuse_signals_total{signal=\"abuse-misses\"} 1"), "{metrics}");
    assert!(metrics.contains("shuzha_abuse_stopped_scenarios 0"), "{metrics}");
    // What is durable is known after the kill: the insurer's answer stands behind the act in the one journal.
    let log = node.kill();
    assert!(
        log.iter().any(|line| line.contains("abnormal use") && line.contains("bank-scenario")),
        "{log:#?}"
    );

    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    assert_eq!(caller.call(&bank, &guess).status, 200, "one call");
    assert_eq!(caller.call(&bank, &guess).code().as_deref(), Some("C504"), "and then a wait");
    // Guessing on as fast as it may, it would be stopped; operators see by name what is.
    let status = Caller::new(node.operations).get("/status").json();
    assert_eq!(status["stopped_for_abnormal_use"], json!({}), "{status}");
    let inspected = home.run(&["journal", "inspect", "--limit", "200"]);
    let inspected = crate::home::text(&inspected.stdout).to_owned();
    assert!(inspected.contains("abuse-misses"), "{inspected}");
}
