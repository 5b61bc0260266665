//! `shuzha consent` against a running node: binding, giving, listing; the identifier is asked for and never kept.

use std::process::Output;

use crate::home::text;
use crate::secrecy::files;

use super::gateway::TestGateway;

/// The worked example of GB 11643.
const ID: &str = "11010519491231002X";

/// The notary saw the papers too.
pub(super) fn confirm(house: &TestGateway, asked: &Output) {
    let request = text(&asked.stdout).split_whitespace().next().expect("a name").to_owned();
    house.notary().done(&["account", "confirm", &request]);
}

#[test]
fn d3_a_person_is_bound_and_deals_with_consents_at_the_terminal() {
    let house = TestGateway::start();
    let root = house.root();
    let zhang = house.member(&root, "zhang", "people", &["data_subject"]);
    let before = zhang.run(&["consent", "list"]);
    assert!(text(&before.stderr).contains("C1501"), "{before:?}");
    let bound = root.told(&["consent", "bind", "zhang"], ID);
    assert!(bound.status.success(), "{bound:?}");
    confirm(&house, &bound);
    let again = root.told(&["consent", "bind", "zhang"], ID);
    assert!(text(&again.stderr).contains("C1504"), "{again:?}");
    let none = zhang.run(&["consent", "list"]);
    assert!(none.status.success() && none.stdout.is_empty(), "{none:?}");
    let give = |product: &str| {
        let hash = "A".repeat(43);
        let arguments = [
            "consent",
            "give",
            "--unit",
            "bank",
            "--scenario",
            "onboarding",
            "--product",
            product,
            "--field",
            "/result",
            "--action",
            "verify",
            "--uses",
            "1",
            "--until",
            "2099-01-01",
            "--notice",
            "n@1",
            "--notice-hash",
            &hash,
        ];
        zhang.told(&arguments, ID)
    };
    // Nothing is approved here; and a wildcard would not help.
    let refused = give("person-check");
    assert!(text(&refused.stderr).contains("C1002") && !refused.status.success(), "{refused:?}");
    assert!(!text(&refused.stderr).contains(ID), "{refused:?}");
    let uses = zhang.run(&["consent", "uses"]);
    assert!(uses.status.success() && uses.stdout.is_empty(), "{uses:?}");
    let all = zhang.run(&["consent", "withdraw", "--all"]);
    assert!(text(&all.stdout).contains("withdrawn: 0"), "{all:?}");
    let public = std::fs::read_to_string(house.data().join("keys/consent-issuer.pub")).expect("written");
    assert_eq!(public.len(), 44);
    for (name, content) in files(&house.data()) {
        assert!(
            !content.windows(ID.len()).any(|window| window == ID.as_bytes()),
            "{name} holds the identifier"
        );
    }
}
