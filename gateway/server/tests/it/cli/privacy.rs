//! Privacy from end to end, in the binary: what persons and offices decide over the control API is what the gate does in
//! the next call.

use serde_json::{Value, json};

use super::world::TestWorld;
use crate::answers::Answer;
use crate::caller::{Ask, Caller};
use crate::home::{PERSON, text};
use crate::node::patiently;

/// A consent that zhang gives the bank for `uses` verifications: its id and its token.
pub(super) fn give(town: &TestWorld, uses: &str) -> (String, String) {
    let hash = "A".repeat(43);
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let until = until.to_string();
    let arguments = [
        &["consent", "give", "--unit", "bank", "--scenario", "bank-onboarding"][..],
        &["--product", "person-check", "--field", "/result", "--action", "verify", "--uses", uses],
        &["--until", &until, "--notice", "person-check@1", "--notice-hash", &hash, "--sensitive"],
    ];
    let given = town.by("zhang").told(&arguments.concat(), PERSON.0);
    assert!(given.status.success(), "{given:?}");
    // It stands behind the question for the identity number.
    let id = text(&given.stderr).lines().find_map(|line| line.split_once("授权编号 consent: "));
    (id.expect("its id is told").1.to_owned(), text(&given.stdout).trim().to_owned())
}

pub(super) fn verify(town: &TestWorld, caller: &Caller, token: &str) -> Answer {
    let ask = Ask { scenario: "bank-onboarding", ..Ask::person(Some(token.to_owned())) };
    caller.call(&town.credential, &ask)
}

/// D1, D3, D4: a consent given at a terminal opens exactly its uses at the gate; its person sees each of them, takes it
/// back, and the gate refuses the next call; after a crash as before it.
#[test]
fn d3_a_consent_given_at_a_terminal_is_used_and_withdrawn_at_the_gate() {
    let mut town = TestWorld::open();
    let root = town.by("root");
    let bound = root.told(&["consent", "bind", "zhang"], PERSON.0);
    assert!(bound.status.success(), "{bound:?}");
    super::consents::confirm(&town.house, &bound);
    let (once, token) = give(&town, "1");
    let caller = Caller::new(town.house.data_plane);
    let answered = verify(&town, &caller, &token);
    assert_eq!(answered.json()["result"].as_str().map(str::trim_end), Some("consistent"), "{answered:?}");
    assert_eq!(verify(&town, &caller, &token).code().as_deref(), Some("C407"));
    // What became of a call is shown from the projection, which follows the journal.
    let shown = || town.by("zhang").done(&["consent", "uses", &once]);
    let uses = patiently("two uses", || Some(shown()).filter(|uses| uses.lines().count() >= 2));
    let mut lines = uses.lines();
    let (refused, answered) = (lines.next().expect("a line"), lines.next().expect("another"));
    assert!(refused.contains("refused C407") && answered.contains("answered"), "{uses}");
    assert!(answered.ends_with("bank bank-onboarding person-check/verify"), "{uses}");
    assert_eq!(lines.next(), None);

    let (several, token) = give(&town, "5");
    assert_eq!(verify(&town, &caller, &token).code(), None);
    let withdrawn = town.by("zhang").done(&["consent", "withdraw", &several]);
    assert!(withdrawn.contains("已撤回 withdrawn"), "{withdrawn}");
    assert_eq!(verify(&town, &caller, &token).code().as_deref(), Some("C408"), "the very next call");
    town.house.crash();
    town.house.start_again();
    let caller = Caller::new(town.house.data_plane);
    assert_eq!(verify(&town, &caller, &token).code().as_deref(), Some("C408"));
    let listed = town.by("zhang").done(&["consent", "list"]);
    assert!(listed.lines().any(|line| line.starts_with(&several) && line.contains("withdrawn")), "{listed}");
}

/// The plan of a query, by the bank for its research.
fn plan(town: &TestWorld, ask: &Ask) -> Value {
    let ask = Ask { operation: "query:plan", ..ask.clone() };
    let told = Caller::new(town.house.data_plane).call(&town.credential, &ask);
    assert_eq!(told.status, 200, "{told:?}");
    told.json()
}

fn nanos(text: &Value) -> u64 {
    let charge: shuzha_core::NanoCharge = text.as_str().and_then(|text| text.parse().ok()).expect("a charge");
    charge.nanos()
}

/// E6: what a plan says beforehand is what the call is charged; a charge that bought nothing is given back by two persons,
/// neither of whom can do it alone, and the balance at the gate says so before and after a crash.
#[test]
fn e6_a_plan_a_charge_and_a_refund_agree_at_the_gate() {
    let mut town = TestWorld::open();
    let report = |from: u32| Ask { scenario: "bank-research", ..Ask::report((from, 60), "0.05") };
    let (asked, lost) = (report(20), report(30));
    let caller = Caller::new(town.house.data_plane);
    let before = plan(&town, &asked);
    let answered = caller.call(&town.credential, &asked);
    assert_eq!(answered.status, 200, "{answered:?}");
    let after = plan(&town, &asked);
    let charge = nanos(&before["charge_now"]);
    assert_eq!((charge, answered.charge().nanos()), (50_000_000, 50_000_000));
    assert_eq!(before["noise"][0]["accuracy_95"], answered.json()["noise"][0]["accuracy_95"], "{before}");
    assert_eq!(nanos(&after["quota"]["spent"]), nanos(&before["quota"]["spent"]) + charge);
    assert_eq!((nanos(&after["charge_now"]), after["released_before"].as_bool()), (0, Some(true)));

    town.freeze("statistics");
    let failed = caller.call(&town.credential, &lost);
    assert!(failed.code().is_some_and(|code| code.starts_with("C80")), "{failed:?}");
    let spent = |town: &TestWorld| nanos(&plan(town, &lost)["quota"]["spent"]);
    assert_eq!(spent(&town), 2 * charge, "a failure refunds nothing by itself");
    let case =
        json!({"unit": "bank", "dataSet": "census", "request": failed.request, "cause": "统计服务停机"});
    town.case("PrivacyRefund", "refund-1", &case, &[("wu", "submit", &[])]);
    let approve = ["privacy-refund", "approve", "refund-1", "--reason", "停机属实"];
    for alone in ["wu", "sun"] {
        let refused = town.by(alone).run(&approve);
        assert!(text(&refused.stderr).contains("C1104"), "{refused:?}");
    }
    assert_eq!(spent(&town), 2 * charge);
    town.by("li").done(&approve);
    let stands = |town: &TestWorld, case: &str, state: &str| {
        let shown = || town.by("wu").done(&["privacy-refund", "show", case]);
        patiently("the outcome", || Some(shown()).filter(|shown| shown.contains(state)))
    };
    stands(&town, "refund-1", "made");
    assert_eq!(spent(&town), charge, "given back before its case says so");
    town.house.crash();
    town.house.start_again();
    assert_eq!(spent(&town), charge);
    // The same call is not refunded twice.
    town.case("PrivacyRefund", "refund-2", &case, &[("wu", "submit", &[])]);
    town.by("li").done(&["privacy-refund", "approve", "refund-2", "--reason", "停机属实"]);
    assert!(stands(&town, "refund-2", "refused").contains("C1550"));
    assert_eq!(spent(&town), charge);
}
