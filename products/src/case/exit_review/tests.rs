//! Exit reviews: who must have found what, and every verb in every state.

use serde_json::json;
use shuzha_core::{Id, Role};

use crate::World;
use crate::case::matrix::{Desk, body, of, person};

fn desk() -> Desk {
    Desk::new("ExitReview", json!({"product": "company-profile", "evidence": "测试报告第 12 号"}))
}

#[test]
fn e1_the_matrix_of_states_and_verbs() {
    desk().matrix(
        Role::Operator,
        &[
            ("draft", &[]),
            ("review", &["submit"]),
            ("passed", &["submit", "opine", "pass"]),
            ("failed", &["submit", "fail"]),
        ],
        include_str!("../testdata/exit-review.txt"),
    );
}

#[test]
fn e1_a_changed_product_is_not_passed_and_a_passed_one_changed_is_not_spoken_for() {
    let mut desk = desk();
    let passed = desk.walk(Role::Operator, &["submit", "pass"]);
    let declared = passed.in_force[0].spec.clone();
    let review = desk.walk(Role::Operator, &["submit"]);
    desk.change("Product", "company-profile", "version", json!(99));
    let findings = body("ExitReview", "pass");
    let refused = desk.act(&review.state, &person(Role::Authority), "pass", &findings).expect_err("changed");
    assert_eq!(refused.code.as_str(), "C1403");
    for (version, speaks) in [(99, false), (1, true)] {
        desk.change("Product", "company-profile", "version", json!(version));
        let name: Id = "review-1".parse().expect("a name");
        let world = desk.world(&name, &declared);
        let (product, found) = world.products.first_key_value().expect("the product");
        assert_eq!(
            world.exit_reviews["review-1"].speaks_for(product, &found.reviewable),
            speaks,
            "version {version}"
        );
    }
}

#[test]
fn e1_every_reviewer_of_the_jurisdiction_must_have_found_nothing() {
    let findings = body("ExitReview", "pass");
    for (pack, opinions, code) in [
        ("gansu", &[][..], None),
        ("heilongjiang", &[], Some("C1404")),
        ("heilongjiang", &["opine@yunze-data:operator"], None),
        ("qingdao", &[], Some("C1404")),
        ("qingdao", &["opine@market-regulator:provider"], None),
    ] {
        let desk = desk().under(pack);
        let mut state = desk.walk(Role::Operator, &["submit"]).state;
        for opinion in opinions {
            let (_, who) = opinion.split_once('@').expect("an organisation");
            let (organisation, role) = who.split_once(':').expect("a role");
            let by = of(role.parse().expect("a role"), organisation);
            state = desk.act(&state, &by, "opine", &findings).expect("an opinion").state;
        }
        let done = desk.act(&state, &person(Role::Authority), "pass", &findings);
        assert_eq!(done.err().map(|refused| refused.code.as_str()), code, "{pack} {opinions:?}");
    }
}

#[test]
fn e1_one_unfavourable_finding_is_enough() {
    let desk = desk();
    let review = desk.walk(Role::Operator, &["submit"]);
    for field in ["noRawData", "notReversible", "noJoiningRisk"] {
        let mut findings = body("ExitReview", "pass");
        findings[field] = json!(false);
        let refused = desk.act(&review.state, &person(Role::Authority), "pass", &findings);
        assert_eq!(refused.expect_err("a risk").code.as_str(), "C1404", "{field}");
        let doubted = desk.act(&review.state, &person(Role::Expert), "opine", &findings).expect("an opinion");
        let pass = body("ExitReview", "pass");
        let refused = desk.act(&doubted.state, &person(Role::Authority), "pass", &pass);
        assert_eq!(refused.expect_err("a doubt").code.as_str(), "C1404", "{field}");
    }
    let stranger = of(Role::Provider, "police");
    let refused = desk.act(&review.state, &stranger, "opine", &body("ExitReview", "opine"));
    assert_eq!(refused.expect_err("not its data").code.as_str(), "C1304");
}

impl Desk {
    fn world(&self, name: &Id, spec: &serde_json::Value) -> World {
        let mut fetch = |kind: &'static str, name: &Id| self.object(kind, name);
        World::read_closure("ExitReview", name, spec, &mut fetch).expect("a world")
    }
}

/// Whoever reviews a report is told of privacy budgets above the ceilings, with what they mean.
#[test]
fn e6_a_review_warns_of_privacy_budgets_above_their_ceilings() {
    let mut desk =
        Desk::new("ExitReview", json!({"product": "census-report", "evidence": "测试报告第 12 号"}));
    assert!(desk.walk(Role::Operator, &["submit"]).state.get("warnings").is_none());
    let name: Id = "census".parse().expect("a name");
    let mut terms = desk.object("DataSet", &name).expect("declared")["privacy"].clone();
    terms["perQueryMax"] = json!("1.5");
    desk.change("DataSet", "census", "privacy", terms);
    desk.change("PersonSpace", "census-sample", "cap", json!("20.0"));
    assert_eq!(
        desk.walk(Role::Operator, &["submit"]).state["warnings"],
        json!([
            {"dataSet": "census", "field": "perQueryMax", "figure": "1.5", "ceiling": "1.0", "odds": "4.48 : 1",
                "reason": "DataSet census /privacy/perQueryMax"},
            {"dataSet": "census", "field": "cap", "figure": "20.0", "ceiling": "10.0", "odds": "4.9e8 : 1",
                "reason": "PersonSpace census-sample /cap"},
        ])
    );
}

/// What was declared since the product was submitted is told with the next act.
#[test]
fn e6_warnings_of_a_review_are_those_of_its_last_act() {
    let mut desk =
        Desk::new("ExitReview", json!({"product": "census-report", "evidence": "测试报告第 12 号"}));
    let submitted = desk.walk(Role::Operator, &["submit"]);
    desk.change("PersonSpace", "census-sample", "cap", json!("20.0"));
    let found = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    let told = desk.act(&submitted.state, &person(Role::Expert), "opine", &found).expect("an opinion");
    assert_eq!(told.state["warnings"][0]["figure"], "20.0");
    assert_eq!(told.state["sharedBudget"]["cap"], "20.0");
}

/// Whoever reviews a report or a table is told that both take from one budget, and how much the table does.
#[test]
fn e6_a_review_tells_which_budget_is_shared() {
    let told = |desk: &Desk| {
        let state = desk.walk(Role::Operator, &["submit"]).state;
        state.get("sharedBudget").cloned().unwrap_or_default()
    };
    assert_eq!(told(&desk()), serde_json::Value::Null, "no statistics");
    let mut desk =
        Desk::new("ExitReview", json!({"product": "census-report", "evidence": "测试报告第 12 号"}));
    assert_eq!(
        told(&desk),
        json!({"personSpace": "census-sample", "cap": "6.0", "perRelease": "1.0", "releasesMax": 5}),
        "of a report, the most that one answer takes, and how many such answers the data set has"
    );
    let cells = json!({"name": "query", "method": "POST", "path": "/v1/aggregate", "personal": false,
        "by": [{"name": "sex", "keys": ["Female", "Male"]}], "accuracy": {"epsilon": "0.5"}, "minIntervalDays": 30});
    desk.change("Product", "census-report", "kind", json!("table"));
    desk.change("Product", "census-report", "operations", json!([cells]));
    let table = json!({"personSpace": "census-sample", "cap": "6.0", "perRelease": "0.5", "releasesPerYearMax": 13, "releasesMax": 10});
    assert_eq!(told(&desk), table);
}
