//! Shares by contribution, and what a contribution is judged by.

use shuzha_testkit_control::example;

use super::*;

/// The bank's agreement, as if it shared seven tenths by contribution.
fn by_contribution() -> [Change; 1] {
    let agreement = json!({"unit": "bank", "scenarios": ["onboarding"], "window": {"from": "2026-01-01", "until": "2028-01-01"},
        "parties": ["data-bureau", "yunze-data", "yunze-bank", "market-regulator", "police"],
        "split": [{"party": "yunze-data", "parts": 3_000}],
        "byContribution": 7_000, "securityOfficer": "林望舒", "scope": "企业身份核验"});
    [Change { kind: "Agreement".to_owned(), name: id("bank-2026"), spec: agreement }]
}

/// The share of the police in a month, by contribution.
fn police(treasury: &Treasury, month: Month) -> Fen {
    let found = treasury.finance.preview(&li(), month, &by_contribution()).expect("works out");
    found.parties.get(&id("police")).map_or(Fen::ZERO, |sums| sums.then)
}

/// A data set that changes hands in the days of grace takes nothing of the month that is over.
#[test]
fn g2_shares_by_contribution_go_by_the_register_as_it_was_in_the_period() {
    let treasury = Treasury::new();
    let (finance, february, march) = (&treasury.finance, month("2026-02"), month("2026-03"));
    let before = example("DataSet", "enterprises");
    let provider = id(before["provider"].as_str().expect("a provider"));
    treasury.calls(100, 0);
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.calls(100, 0);
    let mut after = before;
    after["provider"] = json!("police");
    treasury.town.put("wang", "DataSet", "enterprises", &after).expect("it changes hands");
    let found = finance.preview(&li(), february, &by_contribution()).expect("works out");
    assert_eq!(found.parties[&provider].then, fen("21.00"), "0.7 of 30.00, as it was then");
    assert_eq!(police(&treasury, february), fen("0.00"));
    assert_eq!(police(&treasury, march), fen("21.00"), "its own from the month on in which it got them");
    // A change that is tried is laid over the month as well.
    let tried = [
        by_contribution().to_vec(),
        vec![Change { kind: "DataSet".to_owned(), name: id("enterprises"), spec: after }],
    ];
    let found = finance.preview(&li(), february, &tried.concat()).expect("works out");
    assert_eq!(found.parties[&id("police")].then, fen("21.00"));
    treasury.at(february.end().plus(GRACE));
    finance.close(&wang(), february, false).expect("the second person");
    let contributed = finance.contributions(&li(), february).expect("reads");
    let parties: Vec<_> = contributed.iter().map(|one| one.party.clone()).collect();
    assert_eq!(parties, [provider], "whose data the calls of the month used");
}

/// Yantai 19, Heilongjiang 25: quality and effect beside income.
#[test]
fn g5_a_contribution_has_effect_and_quality_beside_income() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.calls(100, 10);
    let ticket = json!({"product": "company-check", "dataSet": "enterprises", "title": "登记状态不符",
        "description": "已注销的企业仍为存续"});
    let town = &treasury.town;
    for (name, verdict) in [("t-wrong", Some("corrected")), ("t-right", Some("no-fault")), ("t-open", None)] {
        town.open("wu", "Ticket", name, &ticket);
        if let Some(verdict) = verdict {
            town.act("zhao", "Ticket", name, "answer", &json!({"verdict": verdict})).expect("answers");
        }
    }
    treasury.at(february.end());
    // One of the next month is not of this one.
    town.open("wu", "Ticket", "t-later", &ticket);
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    finance.close(&wang(), february, false).expect("the second person");
    let found = finance.contributions(&li(), february).expect("reads").remove(0);
    let assessed = found.assessment.expect("is recorded");
    assert_eq!((found.calls, found.charged, assessed.units, assessed.scenarios), (110, 100, 1, 1));
    assert_eq!((assessed.quality.tickets, assessed.quality.faults), (3, 1));
    assert_eq!((found.revenue, found.notional.to_string()), (fen("30.00"), "3.00".to_owned()));
    let own = finance.contributions(&by("sun"), february);
    assert_eq!(own.expect("a party reads its own"), [], "the operator provided nothing");
}

/// Yantai 20, REQUIREMENTS G2: a share is agreed with whom it goes to; it is neither paid without a word of theirs nor given to others.
#[test]
fn g2_a_close_names_a_provider_that_shares_by_contribution_and_has_not_signed() {
    let treasury = Treasury::new();
    let (finance, february, town) = (&treasury.finance, month("2026-02"), &treasury.town);
    let [Change { mut spec, .. }] = by_contribution();
    spec["parties"] = json!(["data-bureau", "yunze-data", "yunze-bank", "market-regulator"]);
    town.open("wu", "Agreement", "bank-share", &spec);
    town.done("wu", "Agreement", "bank-share", "submit");
    for who in ["wu", "sun", "wang", "zhao"] {
        town.done(who, "Agreement", "bank-share", "sign");
    }
    (0..100).for_each(|_| treasury.answered_under("bank-share", 0));
    treasury.durable();
    // The data set changes hands within the month, and with it who has a share.
    let mut set = example("DataSet", "enterprises");
    set["provider"] = json!("police");
    town.put("wang", "DataSet", "enterprises", &set).expect("it changes hands");
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    let shuzha_control::Error::Refused(refused) =
        finance.close(&wang(), february, false).expect_err("refused")
    else {
        panic!("a refusal")
    };
    assert_eq!(refused.code, Code::C1604);
    let named = |reason: &str| reason.contains("bank-share") && reason.contains("police");
    assert!(
        refused.faults.iter().all(|fault| named(&fault.reason)) && refused.faults.len() == 1,
        "{refused:?}"
    );
    // It signs what is in force, and the month can be closed.
    town.done("jiang", "Agreement", "bank-share", "sign");
    let (_, closing) = finance.close(&wang(), february, false).expect("the second person");
    let bills: Vec<_> = closing.bills.iter().map(|bill| (bill.party.as_str(), bill.amount)).collect();
    assert_eq!(bills, [("police", fen("21.00")), ("yunze-data", fen("9.00"))]);
}
