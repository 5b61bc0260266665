//! Re-rating of a closed month, by two persons.

use shuzha_control::Error;
use shuzha_store::ledger::Rerating;

use super::*;

fn price(each: &str) -> Vec<Change> {
    let spec = json!({"act": "operator-2025", "product": "company-check", "perCall": each,
        "charged": ["consistent", "inconsistent"], "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    vec![Change { kind: "Price".to_owned(), name: id("company-check-2025"), spec }]
}

impl Treasury {
    fn close(&self, month: Month) {
        self.at(month.end());
        self.finance.soft_close(&li(), month).expect("the first person");
        self.at(month.end().plus(GRACE));
        self.finance.close(&wang(), month, false).expect("the second person");
    }

    fn propose(&self, month: Month, each: &str) -> Option<Rerating> {
        self.finance.propose_rerating(&li(), month, &price(each), "价格录入有误").expect("proposes").1
    }
}

#[test]
fn r12_g3_a_closed_month_is_corrected_by_differences_in_a_later_one_and_only_once() {
    let treasury = Treasury::new();
    let (finance, february, march) = (&treasury.finance, month("2026-02"), month("2026-03"));
    treasury.calls(333, 40);
    assert_eq!(code(finance.propose_rerating(&li(), february, &price("0.29"), "x")), Code::C1600);
    treasury.close(february);
    let before = finance.lines(&li(), february).expect("reads");
    assert_eq!(treasury.propose(february, "0.30"), None, "the same price gives no difference");
    // 333 × 0.01 less.
    let (corrections, kept) =
        finance.propose_rerating(&li(), february, &price("0.29"), "价格录入有误").expect("proposes");
    let exact: Vec<_> = corrections.iter().map(|one| one.exact.to_string()).collect();
    let notional: Vec<_> = corrections.iter().map(|one| one.notional.to_string()).collect();
    assert_eq!(
        (exact, notional),
        (vec!["-3.33".to_owned(), "0.00".into()], vec!["0.00".to_owned(), "-0.40".into()])
    );
    let number = kept.expect("is kept").number;
    let approve = |who: &Caller, number| finance.approve_rerating(who, number);
    assert_eq!(code(approve(&li(), number)), Code::C1614);
    assert_eq!(code(approve(&by("sun"), number)), Code::C1104);
    assert_eq!(code(approve(&wang(), number + 1)), Code::C1003);
    let approved = approve(&wang(), number).expect("another person");
    assert_eq!(approved.period, Some(march));
    assert_eq!(code(approve(&wang(), number)), Code::C1615, "once");
    assert_eq!(treasury.propose(february, "0.29"), None, "twice is nothing, before it is billed");
    // Ten calls in March at 0.30, and the difference.
    treasury.at(march.begin());
    treasury.calls(10, 0);
    treasury.close(march);
    assert_eq!(treasury.propose(february, "0.29"), None, "and after");
    assert_eq!(finance.lines(&li(), february).expect("reads"), before, "what is closed is closed");
    let lines = finance.lines(&li(), march).expect("reads");
    let shown: Vec<_> = lines.iter().map(|one| (one.month, one.calls, one.taxed.gross)).collect();
    assert_eq!(shown, [(february, 0, fen("-3.33")), (march, 10, fen("3.00")), (february, 0, fen("0.00"))]);
    let stated = finance.statements(&by("wu"), march).expect("reads").remove(0);
    assert_eq!(stated.statement.taxed.gross, fen("-0.33"));
    let paper = finance.statement_paper(&by("wu"), &stated.statement.number, None).expect("prints");
    assert!(paper.contains("2026-02"));
    let shared: Fen = finance
        .bills(&li(), march)
        .expect("reads")
        .iter()
        .map(|view| view.bill.amount)
        .fold(Fen::ZERO, |sum, amount| sum.checked_add(amount).expect("small"));
    assert_eq!(shared, fen("-0.33"));
    let verified = finance.verify_ledger(&li()).expect("reads");
    assert_eq!((verified.balance, verified.broken), (0, None));
    // Up again: exactly what was taken off.
    let again = treasury.propose(february, "0.30").expect("differs now");
    assert_eq!(approve(&wang(), again.number).expect("another person").lines, 2);
    assert_eq!(finance.reratings(&li()).expect("reads").len(), 2);
    assert_eq!(code(finance.reratings(&by("wu"))), Code::C1104);
}

/// A corrected list of charged outcomes is billed where records tell which calls it is about, and refused where they do not.
#[test]
fn g2_a_re_rating_follows_a_changed_list_of_charged_outcomes_or_is_refused() {
    let treasury = Treasury::new();
    let (finance, february, march) = (&treasury.finance, month("2026-02"), month("2026-03"));
    treasury.calls(333, 40);
    treasury.close(february);
    let charging = |outcomes: serde_json::Value| {
        let mut changes = price("0.30");
        changes[0].spec["charged"] = outcomes;
        changes
    };
    let propose =
        |outcomes| finance.propose_rerating(&li(), february, &charging(outcomes), "收费结果录入有误");
    assert_eq!(code(propose(json!(["consistent"]))), Code::C1604, "no record says which calls were 一致");
    let all = json!(["consistent", "inconsistent", "no_record"]);
    let (corrections, kept) = propose(all.clone()).expect("the free calls were all 查无");
    let shown: Vec<_> =
        corrections.iter().map(|one| (one.exact.to_string(), one.notional.to_string())).collect();
    assert_eq!(shown, [("12.00".to_owned(), "-12.00".to_owned())], "40 × 0.30, once");
    finance.approve_rerating(&wang(), kept.expect("is kept").number).expect("another person");
    assert_eq!(propose(all.clone()).expect("works out").0, [], "twice is nothing");
    treasury.close(march);
    assert_eq!(propose(all).expect("works out").0, []);
    let stated = finance.statements(&by("wu"), march).expect("reads").remove(0);
    assert_eq!(stated.statement.taxed.gross, fen("12.00"));
    // Back to what it was: exactly what was added.
    let (back, _) = propose(json!(["consistent", "inconsistent"])).expect("works out");
    assert_eq!(back.iter().map(|one| one.exact.to_string()).collect::<Vec<_>>(), ["-12.00"]);
    assert_eq!(finance.verify_ledger(&li()).expect("reads").balance, 0);
}

/// What is approved is what was proposed, or nothing.
#[test]
fn r12_a_proposal_that_comes_to_something_else_by_now_is_not_approved() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.calls(100, 0);
    treasury.close(february);
    let (first, second) = (treasury.propose(february, "0.29"), treasury.propose(february, "0.28"));
    let approve = |one: Option<Rerating>| finance.approve_rerating(&wang(), one.expect("is kept").number);
    approve(first).expect("another person");
    assert_eq!(code(approve(second)), Code::C1615);
    let rest = treasury.propose(february, "0.28").expect("differs");
    assert_eq!(rest.lines, 1);
    let refused =
        |changes: &[Change], reason: &str| code(finance.propose_rerating(&li(), february, changes, reason));
    assert_eq!(refused(&price("0.60"), "x"), Code::C1604, "above the ceiling");
    assert_eq!(refused(&price("0.20"), " "), Code::C1002);
    let ceiling = Change { kind: "Ceiling".to_owned(), ..price("0.20").remove(0) };
    assert_eq!(refused(&[ceiling], "x"), Code::C1002);
    assert_eq!(code(finance.propose_rerating(&by("sun"), february, &price("0.20"), "x")), Code::C1104);
}

/// A month without calls that has differences to bill is closed before a later one.
#[test]
fn g3_differences_are_not_left_behind_in_a_month_without_calls() {
    let treasury = Treasury::new();
    let (finance, february, march, april) =
        (&treasury.finance, month("2026-02"), month("2026-03"), month("2026-04"));
    treasury.calls(100, 0);
    treasury.close(february);
    let number = treasury.propose(february, "0.29").expect("is kept").number;
    finance.approve_rerating(&wang(), number).expect("another person");
    treasury.at(april.begin());
    treasury.calls(1, 0);
    treasury.at(april.end());
    finance.soft_close(&li(), april).expect("the first person");
    treasury.at(april.end().plus(GRACE));
    let refused: Result<_, Error> = finance.close(&wang(), april, false);
    assert_eq!(code(refused), Code::C1605);
    finance.soft_close(&li(), march).expect("the first person");
    treasury.at(april.end().plus(GRACE).plus(GRACE));
    finance.close(&wang(), march, false).expect("only differences");
    assert_eq!(finance.statements(&li(), march).expect("reads")[0].statement.taxed.gross, fen("-1.00"));
    finance.close(&wang(), april, false).expect("and then the next");
}

/// Two accounts of one natural person, of whichever organisations, are one of the two persons.
#[test]
fn a3_two_accounts_of_one_person_neither_close_a_month_nor_approve_a_re_rating() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    for account in ["li", "li-again"] {
        treasury.town.plane.account(account, Some([1; 32]));
    }
    treasury.town.plane.account("wang-f", Some([2; 32]));
    let again = person("li-again", "elsewhere", &[Role::Finance]);
    treasury.calls(333, 40);
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    assert_eq!(code(finance.close(&again, february, false)), Code::C1601);
    finance.close(&wang(), february, false).expect("another person");
    let number = treasury.propose(february, "0.29").expect("is kept").number;
    assert_eq!(code(finance.approve_rerating(&again, number)), Code::C1614);
    finance.approve_rerating(&wang(), number).expect("another person");
}
