//! REQUIREMENTS F6: conditions of free use are on record, and shown with what was free.

use super::*;

#[test]
fn f6_a_free_price_states_its_ground_and_conditions() {
    let treasury = Treasury::new();
    let spec = |free| {
        json!({"act": "operator-2025", "product": "company-check", "scenario": "onboarding", "free": free,
            "charged": ["consistent"], "window": {"from": "2030-01-01", "until": "2031-01-01"}})
    };
    let put = |name, free| treasury.town.put("sun", "Price", name, &spec(free));
    let end = json!({"act": "operator-2025", "product": "company-check", "perCall": "0.30",
        "charged": ["consistent", "inconsistent"], "window": {"from": "2025-01-01", "until": "2030-01-01"}});
    treasury.town.put("sun", "Price", "company-check-2025", &end).expect("it ends before");
    let bare = json!({"reason": "便民服务", "notional": "0.30"});
    assert_eq!(code(put("company-check-free", bare)), Code::C1002);
    let half = json!({"reason": "便民服务", "notional": "0.30", "ground": "public-welfare"});
    assert_eq!(code(put("company-check-free", half)), Code::C1002);
    let trial =
        json!({"reason": "试行", "notional": "0.30", "ground": "trial", "conditions": ["仅限试行期"]});
    assert_eq!(code(put("company-check-free", trial)), Code::C1002, "it is no price on trial");
    let whole = json!({"reason": "便民服务", "notional": "0.30", "ground": "public-welfare",
        "conditions": ["仅用于公益事业", "不得转供他人"]});
    put("company-check-free", whole).expect("ground and conditions");
}

#[test]
fn f6_a_statement_shows_on_what_its_free_lines_stand() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.answered(0);
    // By the scenario's purpose, and as the department that provides the data.
    treasury.answered(2);
    treasury.answered(5);
    treasury.durable();
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    finance.close(&wang(), february, false).expect("the second person");
    let number = finance.statements(&li(), february).expect("reads")[0].statement.number.clone();
    let view = finance.statement(&by("wu"), &number).expect("a unit reads its own");
    assert_eq!(view.lines.len(), 3);
    let shown: Vec<_> =
        view.free_use.iter().map(|one| (one.kind, one.name.as_str(), one.ground.as_str())).collect();
    assert_eq!(shown, [("Price", "company-check-2025", "provider"), ("Scenario", "onboarding", "industry")]);
}

#[test]
fn f6_a_paper_says_what_a_statement_says_of_free_lines_whatever_the_register_says_later() {
    let treasury = Treasury::new();
    let (finance, february) = (&treasury.finance, month("2026-02"));
    treasury.answered(0);
    treasury.answered(5);
    treasury.durable();
    treasury.at(february.end());
    finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    finance.close(&wang(), february, false).expect("the second person");
    let number = finance.statements(&li(), february).expect("reads")[0].statement.number.clone();
    let paper = |form| finance.statement_paper(&li(), &number, form).expect("prints");
    let first = paper(None);
    assert!(first.contains("无偿使用的条件") && first.contains("数据提供单位"), "{first}");
    assert!(!paper(Some(1)).contains("无偿使用的条件"), "the first form had none");
    treasury.at(february.end().plus(GRACE * 2));
    let renamed = json!({"act": "operator-2025", "product": "company-check", "perCall": "0.30",
        "charged": ["consistent", "inconsistent"], "window": {"from": "2025-01-01", "until": "2030-01-01"}});
    treasury.town.put("sun", "Price", "company-check-2025", &renamed).expect("it ends");
    assert_eq!(paper(None), first);
}
