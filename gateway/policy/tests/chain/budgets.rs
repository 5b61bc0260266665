//! Privacy budgets through the whole chain: plans, repetitions, paces, measures, bad queries, concurrent and broken ones.

mod refunds;

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_core::{Code, Id};
use shuzha_policy::{Payload, Reply, UpstreamFault};

use crate::calls::{Ask, histogram};
use crate::gateway::{TestGateway, body, counted, decision, last_call, outcome};
use crate::upstream::{CENSUS, Fake, Say};
use crate::world;

fn census(query: &Value) -> Ask {
    Ask::new("civil-affairs-1", "census-report", "query", "civil-planning").body(&query.to_string())
}

fn by_sex(epsilon: &str) -> Ask {
    census(&json!({"measure": "histogram", "column": "sex", "accuracy": {"epsilon": epsilon}}))
}

fn planned(mut ask: Ask) -> Ask {
    ask.path.push_str(":plan");
    ask
}

fn spent(house: &TestGateway, data_set: &str) -> u64 {
    house.gate.privacy_spent(&Id::new(data_set).expect("a name")).nanos()
}

fn parsed(reply: &Reply<()>) -> Value {
    serde_json::from_slice(body(reply)).expect("JSON")
}

fn refusal(reply: &Reply<()>) -> &shuzha_core::Refusal {
    match &reply.payload {
        Payload::Refused(refusal) => refusal,
        _ => panic!("not refused"),
    }
}

#[tokio::test]
async fn e6_a_plan_is_free_and_tells_what_the_call_will_do() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let reply = house.call(&planned(by_sex("0.25")), &fake).await;
    assert_eq!((outcome(&reply).as_str(), reply.fee, &reply.receipt), ("answered", None, &None));
    let before = parsed(&reply);
    assert_eq!((&before["charge_now"], &before["cells"]), (&json!("0.25"), &json!(2)));
    assert_eq!(before["refused_with"], Value::Null);
    assert_eq!(before["quota"], json!({"max": "2.0", "spent": "0.0", "left": "2.0", "reserved": false}));
    let records = house.records().await;
    assert_eq!((counted(&records), decision(&last_call(&records))), ((0, 1), "planned"));
    assert!(fake.seen().is_empty() && spent(&house, "census") == 0);
    assert!(house.state().await.usage.is_empty(), "a plan is no call of the grant");

    let answer = parsed(&house.call(&by_sex("0.25"), &fake).await);
    assert_eq!((&answer["noise"], &answer["privacy"]), (&before["noise"], &before["privacy"]));
    assert_eq!(spent(&house, "census"), 250_000_000);

    let again = parsed(&house.call(&planned(by_sex("0.250")), &fake).await);
    assert_eq!((&again["released_before"], &again["charge_now"]), (&json!(true), &json!("0.0")));
    assert_eq!(again["quota"]["left"], "1.75");
    for (epsilon, code) in [("1.0", Value::Null), ("0.9", json!("C603"))] {
        let plan = parsed(&house.call(&planned(by_sex(epsilon)), &fake).await);
        assert_eq!(plan["refused_with"], code);
        let really = outcome(&house.call(&by_sex(epsilon), &fake).await);
        assert_eq!(really, code.as_str().unwrap_or("answered"), "the plan of {epsilon} was wrong");
    }
}

/// A plan is refused where its call would be, in stages 1 to 5; another operation has none; its nonce counts.
#[tokio::test]
async fn e6_plans_are_calls_like_any_other() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let check = Ask::new("bank-1", "company-check", "verify", "bank-onboarding");
    assert_eq!(outcome(&house.call(&planned(check), &fake).await), "C610");
    let unsigned = Ask { sign: crate::calls::Sign::None, ..planned(by_sex("0.1")) };
    assert_eq!(refusal(&house.call(&unsigned, &fake).await).code.stage(), 1);
    let elsewhere = Ask { scenario: None, ..planned(by_sex("0.1")) };
    assert_eq!(outcome(&house.call(&elsewhere, &fake).await), "C203");
    assert_eq!(outcome(&house.call(&planned(by_sex("1.5")), &fake).await), "C604");
    let once = Ask { nonce: Some("planned-once".to_owned()), ..planned(by_sex("0.1")) };
    assert_eq!(outcome(&house.call(&once, &fake).await), "answered");
    let house = house.without_power();
    let recorded = outcome(&house.call(&once, &fake).await);
    assert!(
        ["answered", "C105"].contains(&recorded.as_str()),
        "a plan's record is not waited for: {recorded}"
    );
    assert_eq!(outcome(&house.call(&once, &fake).await), "C105");
    let trial = planned(Ask::new("study-sandbox", "toy-report", "query", "study-sample"));
    let plan = house.call(&trial, &fake).await;
    assert!(plan.sandbox && parsed(&plan)["quota"].is_null(), "the sandbox has no budget");
}

/// R11: a thousand repetitions cost one charge and give the same bytes, across starts.
#[tokio::test]
async fn e6_a_thousand_repetitions_cost_one_charge() {
    let mut house = TestGateway::new();
    let fake = Fake::new([]);
    let first = body(&house.call(&by_sex("0.25"), &fake).await).to_vec();
    for round in 0..4 {
        for epsilon in ["0.25", "0.250"].repeat(125) {
            house.clock.advance(Duration::from_secs(1));
            let reply = house.call(&by_sex(epsilon), &fake).await;
            assert_eq!((outcome(&reply).as_str(), body(&reply)), ("answered", &*first));
        }
        house = if round % 2 == 0 { house.killed() } else { house.without_power() };
        assert_eq!(spent(&house, "census"), 250_000_000);
    }
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn e6_the_same_query_at_once_is_paid_once() {
    let house = TestGateway::new();
    let waiting = Fake::new([Say::Wait(CENSUS)]);
    let ask = by_sex("0.25");
    let (first, second) = tokio::join!(house.call(&ask, &waiting), async {
        waiting.arrived().await;
        let second = house.call(&ask, &Fake::new([])).await;
        waiting.go();
        second
    });
    assert_eq!(refusal(&second).code, Code::C609);
    assert!(refusal(&second).retry_after.is_some());
    let third = house.call(&ask, &Fake::new([])).await;
    assert_eq!(body(&first), body(&third));
    assert_eq!(spent(&house, "census"), 250_000_000);
    // A call that failed leaves the query to the next.
    let other = by_sex("0.3");
    let failed = house.call(&other, &Fake::new([Say::Fault(UpstreamFault::Timeout)])).await;
    assert_eq!(outcome(&failed), "C802");
    assert_eq!(outcome(&house.call(&other, &Fake::new([])).await), "answered");
}

/// R12: a charge comes back exactly when nothing was sent, whatever goes wrong later.
#[tokio::test]
async fn e6_there_is_no_refund_oracle() {
    use UpstreamFault::{Closed, NoneHealthy, OtherDomain, Timeout, TooLarge, Unreachable};
    let lies = r#"{"data_version":"adult-1","max_rows_per_person":2,"rows":[]}"#;
    for (say, code, kept) in [
        (Say::Fault(Unreachable), "C801", 0),
        (Say::Fault(NoneHealthy), "C806", 0),
        (Say::Fault(OtherDomain), "C810", 0),
        (Say::Fault(Timeout), "C802", 1),
        (Say::Fault(Closed), "C803", 1),
        (Say::Fault(TooLarge), "C805", 1),
        (Say::Json(500, "{}"), "C804", 1),
        (Say::Json(200, "lies"), "C901", 1),
        (Say::Json(200, lies), "C901", 1),
    ] {
        let house = TestGateway::new();
        assert_eq!(outcome(&house.call(&by_sex("0.25"), &Fake::new([say.clone()])).await), code, "{say:?}");
        assert_eq!(spent(&house, "census"), kept * 250_000_000, "{say:?}");
        house.records().await;
        let house = house.killed();
        assert_eq!(spent(&house, "census"), kept * 250_000_000, "{say:?} after a start");
    }
}

/// A service that is known to keep another domain is asked nothing and costs nothing, before and after a start; a release that
/// was kept is served all the same.
#[tokio::test]
async fn e6_a_service_of_another_domain_is_asked_nothing_and_nothing_is_charged() {
    let mut house = TestGateway::new();
    assert_eq!(outcome(&house.call(&by_sex("0.25"), &Fake::new([])).await), "answered");
    for _ in 0..2 {
        let other = Fake::new([]);
        other.keep(false);
        for _ in 0..3 {
            assert_eq!(outcome(&house.call(&by_sex("0.3"), &other).await), "C810");
        }
        assert_eq!(outcome(&house.call(&by_sex("0.25"), &other).await), "answered", "it was released before");
        assert_eq!(other.seen(), [], "no query reaches it");
        assert_eq!(spent(&house, "census"), 250_000_000);
        house.records().await;
        house = house.killed();
        assert_eq!(spent(&house, "census"), 250_000_000, "after a start");
    }
    assert_eq!(outcome(&house.call(&by_sex("0.3"), &Fake::new([])).await), "answered");
}

/// Neighbouring data sets behind an engine that errs about its bounds: every call is answered, whatever the rows say.
#[tokio::test]
async fn e6_no_row_of_an_engine_changes_the_status() {
    let rows = [
        r#"[{"key":["Female"],"count":300},{"key":["Male"],"count":700}]"#,
        r#"[{"key":["Female"],"count":300},{"key":["Male"],"count":-1}]"#,
        r#"[{"key":["Other"],"count":1}]"#,
        r#"[{"key":["Male"],"count":1},{"key":["Male"],"count":1}]"#,
        r#"[{"key":["Male"]}]"#,
        r#"[{"key":["Male"],"count":"many"}]"#,
        r#"{"key":["Male"]}"#,
    ];
    for rows in rows {
        let answer = format!(r#"{{"data_version":"adult-1","max_rows_per_person":1,"rows":{rows}}}"#);
        let answer: &'static str = Box::leak(answer.into_boxed_str());
        let house = TestGateway::new();
        let fake = Fake::new([Say::Json(200, answer)]);
        assert_eq!(outcome(&house.call(&by_sex("0.25"), &fake).await), "answered", "{rows}");
    }
}

#[tokio::test]
async fn e6_a_pace_slows_and_says_until_when() {
    let house = TestGateway::new();
    house.gate.install(world::with(&[(
        "quotas: {default: \"0.5\"}",
        "quotas: {default: \"0.35\", pace: {max: \"0.2\", days: 2}}",
    )]));
    let ask = |epsilon: &str| {
        Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", epsilon))
    };
    let fake = || Fake::new([Say::Json(200, crate::upstream::WARD)]);
    assert_eq!(outcome(&house.call(&ask("0.3"), &fake()).await), "C604", "more than the pace ever lets pass");
    assert_eq!(outcome(&house.call(&ask("0.2"), &fake()).await), "answered");
    let plan = parsed(&house.call(&planned(ask("0.1")), &fake()).await);
    assert_eq!(plan["pace"], json!({"max": "0.2", "spent": "0.2", "left": "0.0", "days": 2}));
    let reply = house.call(&ask("0.1"), &fake()).await;
    // Noon of the first day: the window of two days is free of it at the second midnight from now.
    assert_eq!(
        (refusal(&reply).code, refusal(&reply).retry_after),
        (Code::C607, Some(Duration::from_hours(36)))
    );
    house.clock.advance(Duration::from_hours(36) - Duration::from_secs(1));
    assert_eq!(outcome(&house.call(&ask("0.1"), &fake()).await), "C607");
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(&house.call(&ask("0.1"), &fake()).await), "answered");
    house.clock.advance(Duration::from_hours(24 * 40));
    assert_eq!(outcome(&house.call(&ask("0.08"), &fake()).await), "C603", "waiting never raises the quota");
}

/// What a person-space counts in is fixed by its first charge, and stays so across starts.
#[tokio::test]
async fn e6_a_measure_cannot_be_changed() {
    let house = TestGateway::new();
    let ask = Ask::new("study-1", "ward-report-a", "query", "study-sample");
    let fake = || Fake::new([Say::Json(200, crate::upstream::WARD)]);
    assert_eq!(outcome(&house.call(&ask, &fake()).await), "answered");
    let house = house.killed();
    house.gate.install(world::with(&[(
        "metadata: {name: ward}\nspec: {measure: pure-eps",
        "metadata: {name: ward}\nspec: {measure: rho",
    )]));
    let in_rho = ask.body(r#"{"measure":"histogram","column":"sex","accuracy":{"rho":"0.1"}}"#);
    assert_eq!(outcome(&house.call(&in_rho, &fake()).await), "C608");
    assert_eq!(spent(&house, "ward-a"), 250_000_000);
}

/// A cap that is lowered below what is spent refuses more and is never negative; a data set that moves to other people
/// leaves its spending with those it was about.
#[tokio::test]
async fn e6_what_is_spent_stays_spent_whatever_is_declared() {
    let house = TestGateway::new();
    let ask = |product: &str, epsilon: &str| {
        Ask::new("study-1", product, "query", "study-sample").body(&histogram("sex", epsilon))
    };
    let fake = || Fake::new([Say::Json(200, crate::upstream::WARD)]);
    assert_eq!(outcome(&house.call(&ask("ward-report-a", "0.3"), &fake()).await), "answered");
    let ward = "metadata: {name: ward}\nspec: {measure: pure-eps, cap: \"0.5\"}";
    let elsewhere = format!(
        "{ward}\n---\napiVersion: shuzha/v1\nkind: PersonSpace\nmetadata: {{name: others}}\nspec: {{measure: pure-eps, cap: \"0.4\"}}"
    );
    house.gate.install(world::with(&[
        (ward, &elsewhere),
        ("metadata: {name: ward-a}\nspec:\n  provider: statistics-bureau\n  sensitivity: sensitive\n  privacy:\n    personSpace: ward\n",
         "metadata: {name: ward-a}\nspec:\n  provider: statistics-bureau\n  sensitivity: sensitive\n  privacy:\n    personSpace: others\n"),
    ]));
    // 0.2 of the ward's 0.5 is left, though no data set that spent the rest belongs to it any more.
    assert_eq!(outcome(&house.call(&ask("ward-report-b", "0.25"), &fake()).await), "C601");
    assert_eq!(outcome(&house.call(&ask("ward-report-a", "0.2"), &fake()).await), "C602");
    house.gate.install(world::with(&[
        ("cap: \"0.5\"", "cap: \"0.4\""),
        ("cap: \"0.4\"\n    dataVersion", "cap: \"0.1\"\n    dataVersion"),
    ]));
    let plan = parsed(&house.call(&planned(ask("ward-report-a", "0.01")), &fake()).await);
    assert_eq!(plan["refused_with"], "C602");
    assert_eq!(spent(&house, "ward-a"), 300_000_000);
}

/// Bad queries by the dozen: each its code, and nothing is charged, dispatched or intended.
#[tokio::test]
async fn e6_bad_queries_cost_nothing() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let count = |accuracy: Value| json!({"measure": "count", "accuracy": accuracy});
    let with = |mut query: Value| {
        query["accuracy"] = json!({"epsilon": "0.1"});
        query
    };
    let many = |n: usize| (0..n).map(|_| "sex").collect::<Vec<_>>();
    for (query, code) in [
        (count(json!({"epsilon": "NaN"})), "C302"),
        (count(json!({"epsilon": "inf"})), "C302"),
        (count(json!({"epsilon": "-0.1"})), "C302"),
        (count(json!({"epsilon": "0"})), "C302"),
        (count(json!({"epsilon": "0.0000000001"})), "C302"),
        (count(json!({"epsilon": "18446744073.709551616"})), "C302"),
        (count(json!({"epsilon": "18446744073.709551615"})), "C604"),
        (count(json!({"epsilon": "1e-3"})), "C302"),
        (count(json!({"epsilon": 0.1})), "C302"),
        (count(json!({"rho": "0.1"})), "C302"),
        (count(json!({})), "C302"),
        (with(json!({"measure": "count", "group_by": []})), "answered"),
        (with(json!({"measure": "count", "group_by": many(3)})), "C302"),
        (with(json!({"measure": "count", "group_by": many(100_000)})), "C302"),
        (
            with(json!({"measure": "count", "group_by": ["birthplace", "occupation"], "column": "age"})),
            "C302",
        ),
        (with(json!({"measure": "histogram", "column": "capital_gain"})), "C605"),
        (with(json!({"measure": "histogram", "column": "age", "group_by": ["birthplace", "sex"]})), "C605"),
        (with(json!({"measure": "count", "group_by": ["person_id"]})), "C605"),
        (with(json!({"measure": "sum", "column": "salary"})), "C605"),
        (with(json!({"measure": "count", "where": [{"column": "age", "op": "ge", "value": 16}]})), "C605"),
        (with(json!({"measure": "count", "where": [{"column": "sex", "op": "eq", "value": "X"}]})), "C605"),
        (with(json!({"measure": "quantile", "column": "age"})), "C302"),
        (with(json!({"measure": "quantile", "column": "age", "quantile": "1"})), "C302"),
        (with(json!({"measure": "quantile", "column": "age", "quantile": "NaN"})), "C302"),
        (with(json!({"measure": "quantile", "column": "sex", "quantile": "0.5"})), "C302"),
        (with(json!({"measure": "mean", "column": "age", "group_by": ["sex"], "consistent": true})), "C302"),
    ] {
        let (before, seen) = (spent(&house, "census"), fake.seen().len());
        house.clock.advance(Duration::from_secs(5));
        let reply = house.call(&census(&query), &Fake::new([Say::Json(200, "{}")])).await;
        // The one good query among them is dispatched; its made-up answer is refused.
        let expected = if code == "answered" { "C901" } else { code };
        let shown = query.to_string();
        assert_eq!(outcome(&reply), expected, "{}", &shown[..shown.len().min(200)]);
        if code != "answered" {
            assert_eq!((spent(&house, "census"), fake.seen().len()), (before, seen), "{query}");
        }
    }
    assert_eq!(counted(&house.records().await).0, 1, "only the good query had an intent");
}
