//! One caller does not fill the node's disk: on a running node, over real sockets.

use serde_json::Value;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, text};
use crate::node::Node;

/// Requests of strangers that the test makes.
const STRANGERS: u64 = 300;

/// Security 7, logic H9: each was two records for good. Now the journal and the log hold counts, and whatever reads them goes on.
#[test]
fn strangers_leave_counts_in_the_journal_and_no_records() {
    let home = Home::new();
    let node = Node::start(&home);
    let bank = home.credential("bank-1");
    let caller = Caller::new(node.data);
    let ask = Ask::company("bank-scenario", COMPANY.1);
    assert_eq!(caller.call(&bank, &ask).status, 200);
    for _ in 0..STRANGERS {
        assert_eq!(caller.get("/nowhere").status, 404);
    }
    let again = ask.signed(&bank);
    assert_eq!(caller.send(&again).expect("an answer").status, 200);
    assert_eq!(
        caller.send(&again).expect("an answer").code().as_deref(),
        Some("C105"),
        "a refusal of a known unit"
    );
    let metrics = Caller::new(node.operations).get("/metrics").body;
    assert!(metrics.contains("shuzha_table_used{table=\"nonces\"}"), "{metrics}");
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");

    let inspected = home.run(&["journal", "inspect", "--limit", "10000"]);
    let records: Vec<Value> =
        text(&inspected.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |kind: &str| records.iter().filter(|record| record["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("call").len(), 3, "{records:#?}");
    let counted: u64 = of("refusal_count").iter().map(|one| one["count"].as_u64().expect("a number")).sum();
    assert_eq!(counted, STRANGERS, "{records:#?}");
    assert!(of("refusal_count").iter().all(|one| one["code"] == "C006"));
    assert!(home.run(&["journal", "verify"]).status.success());
    // And the next start continues from them.
    let node = Node::start(&home);
    assert_eq!(Caller::new(node.data).call(&bank, &ask).status, 200);
}
