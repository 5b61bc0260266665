//! A statistics service that keeps another domain than was declared: not served, not charged, named by the status; nothing else is refused for it.

use crate::caller::{Ask, Caller};
use crate::home::Home;
use crate::node::{Node, patiently};
use crate::service::AGE_MAX;

/// Asked when the node starts and every five seconds: a bound that is off by one is known before a caller comes, and its end
/// too.
#[test]
fn e6_a_service_of_another_domain_makes_its_report_not_servable() {
    let home = Home::new();
    home.service.keep(Some(AGE_MAX + 1));
    let node = Node::start(&home);
    let (caller, operations) = (Caller::new(node.data), Caller::new(node.operations));
    let bank = home.credential("bank-1");
    patiently("a status that names the report", || {
        let warned = operations.get("/status").json()["warnings"].to_string();
        (warned.contains("census-report") && warned.contains("another domain")).then_some(())
    });
    assert_eq!(operations.get("/readyz").status, 200, "what other products answer is not its matter");
    let charge = || {
        let plan = caller.call(&bank, &Ask { operation: "query:plan", ..Ask::report((20, 60), "0.05") });
        plan.json()["quota"]["spent"].as_str().map(str::to_owned)
    };
    for _ in 0..3 {
        let refused = caller.call(&bank, &Ask::report((20, 60), "0.05"));
        assert_eq!(refused.code().as_deref(), Some("C810"), "{refused:?}");
    }
    assert_eq!(charge().as_deref(), Some("0.0"), "nothing was charged");
    home.service.keep(Some(AGE_MAX));
    patiently("the report", || {
        (caller.call(&bank, &Ask::report((20, 60), "0.05")).status == 200).then_some(())
    });
    assert_eq!(charge().as_deref(), Some("0.05"));
    let warned = operations.get("/status").json()["warnings"].to_string();
    assert!(!warned.contains("census-report"), "{warned}");
}
