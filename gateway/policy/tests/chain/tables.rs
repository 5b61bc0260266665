//! Tables through the whole chain: released once, kept, charged once for all views, and refused for another date.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_core::{Code, Id};
use shuzha_evidence::ActKind;
use shuzha_policy::{Payload, Reply, Snapshot};

use crate::abuse::acts;
use crate::calls::Ask;
use crate::gateway::{Plan, TestGateway, body, outcome, replayed};
use crate::upstream::{Fake, Say, WARD};
use crate::world;

/// What a table needs beside itself: its data set where that is its own, certificate, price, grant.
fn table(name: &str, set: &str, version: u32, operations: &[(&str, &str)]) -> String {
    let window = "window: {from: 2025-01-01, until: 2031-01-01}";
    let object = |kind: &str, spec: &str| {
        format!("---\napiVersion: shuzha/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
    };
    let declared: String = operations
        .iter()
        .map(|(operation, fields)| {
            format!("{{name: {operation}, method: POST, path: /v1/table, personal: false, {fields}}}, ")
        })
        .collect();
    let names: Vec<&str> = operations.iter().map(|(operation, _)| *operation).collect();
    let product = format!(
        "kind: table, title: 表, operator: yunze-data, dataSets: [{set}], upstream: statistics, version: {version}, operations: \
         [{}]",
        declared.trim_end_matches(", ")
    );
    let grant = format!(
        "unit: study, scenario: study-sample, agreement: study-2025, product: {name}, operations: [{}], rate: {{calls: 1000, \
         perSeconds: 1, burst: 1000}}, window: {{from: 2025-01-01, until: 2030-01-01}}",
        names.join(", ")
    );
    [
        object("Product", &product),
        object("Certificate", &format!("product: {name}, code: YZ-2025-000777, {window}")),
        object("Ceiling", &format!("act: ceilings-2025, product: {name}, perCallMax: \"80.00\", {window}")),
        object(
            "Price",
            &format!("act: operator-2025, product: {name}, perCall: \"10.00\", charged: [answer], {window}"),
        ),
        object("Grant", &grant),
    ]
    .concat()
}

const CELLS: &str =
    "by: [{name: sex, keys: [Female, Male]}], accuracy: {epsilon: \"0.2\"}, minIntervalDays: 30";
const VIEW: &str = "of: cells, by: [{name: all, of: sex, groups: {people: [Female, Male]}}]";

/// The world with a noised table over ward-a as its data are in `version`.
fn noised(version: &str) -> Snapshot {
    let more = table("ward-table", "ward-a", 1, &[("cells", CELLS), ("people", VIEW)]);
    let mut files = world::files(&more);
    let (_, tests) = files.iter_mut().find(|(name, _)| name == "tests").expect("its own");
    *tests = tests.replacen("dataVersion: ward-1", &format!("dataVersion: {version}"), 1);
    *tests = tests.replacen("data_version: ward-1", &format!("data_version: {version}"), 1);
    world::compiled(&files)
}

/// The world with a table over firms whose small groups are hidden.
fn suppressed(version: u32, date: &str) -> Snapshot {
    let fields = format!(
        "by: [{{name: county, keys: [a, b, c]}}], protection: suppress, law: 某法, referenceDate: {date}, threshold: 10"
    );
    let set = "---\napiVersion: shuzha/v1\nkind: DataSet\nmetadata: {name: firms}\nspec: {provider: market-regulator, \
               sensitivity: general}\n";
    world::snapshot(&format!("{set}{}", table("firm-table", "firms", version, &[("get", &fields)])))
}

const FIRMS: &str = r#"{"reference_date":"2026-01-31","rows":[{"key":["a"],"count":3},{"key":["b"],"count":40},{"key":["c"],"count":50}]}"#;
const LATER: &str = r#"{"reference_date":"2026-02-28","rows":[{"key":["a"],"count":4},{"key":["b"],"count":40},{"key":["c"],"count":50}]}"#;

fn house(snapshot: Snapshot) -> TestGateway {
    TestGateway::planned(Plan { snapshot: Some(snapshot), ..Plan::default() })
}

fn ask(product: &str, operation: &str) -> Ask {
    Ask::new("study-1", product, operation, "study-sample").body("{}")
}

fn parsed(reply: &Reply<()>) -> Value {
    serde_json::from_slice(body(reply)).expect("JSON")
}

fn spent(house: &TestGateway) -> u64 {
    house.gate.privacy_spent(&Id::new("ward-a").expect("a name")).nanos()
}

fn code(reply: &Reply<()>) -> (Code, bool) {
    match &reply.payload {
        Payload::Refused(refusal) => (refusal.code, refusal.retry_after.is_some()),
        _ => panic!("not refused"),
    }
}

/// One query to the engine, one charge, one set of noised cells: whichever view is asked for, and after a restart.
#[tokio::test]
async fn e6_all_views_of_a_table_are_one_release_and_one_charge() {
    let house = house(noised("ward-1"));
    let fake = Fake::new([Say::Json(200, WARD)]);
    let mut plan = ask("ward-table", "people");
    plan.path.push_str(":plan");
    let planned = parsed(&house.call(&plan, &fake).await);
    assert_eq!((&planned["charge_now"], &planned["cells"]), (&json!("0.2"), &json!(2)));
    let view = parsed(&house.call(&ask("ward-table", "people"), &fake).await);
    assert_eq!(spent(&house), 200_000_000);
    let cells = house.call(&ask("ward-table", "cells"), &fake).await;
    let fine = parsed(&cells);
    assert_eq!(spent(&house), 200_000_000, "the same release");
    assert_eq!(fake.seen().len(), 1, "the engine was asked once");
    let asked: Value = serde_json::from_slice(&fake.seen()[0].body).expect("JSON");
    assert_eq!((&asked["measure"], &asked["group_by"]), (&json!("count"), &json!(["sex"])));
    let count = |shown: &Value, at: usize| shown["rows"][at]["count"].as_i64().expect("a count");
    assert_eq!(fine["rows"][0]["key"], json!(["Female"]));
    assert_eq!(count(&fine, 0) + count(&fine, 1), count(&view, 0));
    assert_eq!((count(&fine, 2), count(&view, 1)), (count(&view, 0), count(&view, 0)));
    assert_eq!(planned["noise"], fine["noise"]);
    let kept = body(&cells).to_vec();
    let again = house.planned_again(noised("ward-1"));
    let nothing = Fake::new([]);
    let reply = again.call(&ask("ward-table", "cells"), &nothing).await;
    assert_eq!((body(&reply), nothing.seen().len(), spent(&again)), (&*kept, 0, 200_000_000));
}

/// Another version of the data is another charge, and not sooner than declared; the former one is given as before.
#[tokio::test]
async fn e6_a_noised_table_keeps_its_interval() {
    const NEXT: &str = r#"{"data_version":"ward-2","max_rows_per_person":1,"rows":[{"key":["Female"],"count":31},{"key":["Male"],"count":70}]}"#;
    let house = house(noised("ward-1"));
    let first = house.call(&ask("ward-table", "cells"), &Fake::new([Say::Json(200, WARD)])).await;
    assert_eq!(outcome(&first), "answered");
    let kept = body(&first).to_vec();
    house.gate.install(noised("ward-2"));
    house.clock.advance(Duration::from_secs(29 * 86_400));
    for operation in ["cells", "people"] {
        let nothing = Fake::new([]);
        let early = house.call(&ask("ward-table", operation), &nothing).await;
        assert_eq!((code(&early), nothing.seen().len()), ((Code::C611, true), 0));
        let mut plan = ask("ward-table", operation);
        plan.path.push_str(":plan");
        assert_eq!(parsed(&house.call(&plan, &nothing).await)["refused_with"], "C611");
    }
    // A restart does not forget when it was.
    let house = house.planned_again(noised("ward-2"));
    assert_eq!(code(&house.call(&ask("ward-table", "cells"), &Fake::new([])).await), (Code::C611, true));
    assert_eq!(spent(&house), 200_000_000, "what is refused costs nothing");
    house.gate.install(noised("ward-1"));
    let same = house.call(&ask("ward-table", "cells"), &Fake::new([])).await;
    assert_eq!(body(&same), &*kept);
    house.gate.install(noised("ward-2"));
    house.clock.advance(Duration::from_secs(86_400));
    let next = house.call(&ask("ward-table", "cells"), &Fake::new([Say::Json(200, NEXT)])).await;
    assert_eq!((outcome(&next).as_str(), spent(&house)), ("answered", 400_000_000));
    // The person-space's budget is shared with the report over the same people, and is gone now.
    let report = Ask::new("study-1", "ward-report-a", "query", "study-sample")
        .body(&crate::calls::histogram("sex", "0.2"));
    assert_eq!(outcome(&house.call(&report, &Fake::new([])).await), "C601");
}

/// P2: six publications of one table were subtracted. There is one, of one date, of one version of the product.
#[tokio::test]
async fn e6_a_suppressed_table_is_published_once() {
    let house = house(suppressed(1, "2026-01-31"));
    let fake = Fake::new([Say::Json(200, FIRMS)]);
    let first = house.call(&ask("firm-table", "get"), &fake).await;
    let shown = parsed(&first);
    assert_eq!(shown["merged"], json!([{"keys": [["a"], ["b"]], "count": 43}]));
    let kept = body(&first).to_vec();
    // The service is not asked again, whatever it would answer.
    for _ in 0..3 {
        let again = house.call(&ask("firm-table", "get"), &Fake::new([Say::Json(200, LATER)])).await;
        assert_eq!(body(&again), &*kept);
    }
    assert_eq!(fake.seen().len(), 1);
    for next in [suppressed(1, "2026-02-28"), suppressed(2, "2026-01-31")] {
        house.gate.install(next);
        let later = Fake::new([Say::Json(200, LATER)]);
        let reply = house.call(&ask("firm-table", "get"), &later).await;
        assert_eq!((code(&reply), later.seen().len()), ((Code::C612, false), 0));
    }
    let house = house.planned_again(suppressed(1, "2026-02-28"));
    let reply = house.call(&ask("firm-table", "get"), &Fake::new([])).await;
    assert_eq!(code(&reply), (Code::C612, false), "a restart does not forget");
    house.gate.install(suppressed(1, "2026-01-31"));
    assert_eq!(body(&house.call(&ask("firm-table", "get"), &Fake::new([])).await), &*kept);
    let usage = replayed(house.gate.journal());
    assert!(!usage.usage.is_empty(), "each call is metered and paid for");
}

/// Counts of another date than was declared, or under keys that nobody declared, do not leave, and are an alarm where a key is.
#[tokio::test]
async fn e2_a_table_with_undeclared_keys_is_refused_and_alarmed() {
    const NAMED: &str = r#"{"reference_date":"2026-01-31","rows":[{"key":["张三丰"],"count":1000}]}"#;
    let house = house(suppressed(1, "2026-01-31"));
    let reply = house.call(&ask("firm-table", "get"), &Fake::new([Say::Json(200, LATER)])).await;
    assert_eq!(outcome(&reply), "C901");
    assert_eq!(acts(&house).await, []);
    let reply = house.call(&ask("firm-table", "get"), &Fake::new([Say::Json(200, NAMED)])).await;
    assert_eq!(outcome(&reply), "C901");
    let alarm = (ActKind::UseAlarmed, "abuse-drift".to_owned(), "firm-table".to_owned());
    assert_eq!(acts(&house).await, [alarm]);
    // Nothing was published by either.
    let good = house.call(&ask("firm-table", "get"), &Fake::new([Say::Json(200, FIRMS)])).await;
    assert_eq!(outcome(&good), "answered");
}

/// Two calls at once do not publish two dates.
#[tokio::test]
async fn e6_two_dates_at_once_are_one_publication() {
    let house = house(suppressed(1, "2026-01-31"));
    let waiting = Fake::new([Say::Wait(FIRMS)]);
    let get = ask("firm-table", "get");
    let (first, second) = tokio::join!(house.call(&get, &waiting), async {
        waiting.arrived().await;
        house.gate.install(suppressed(1, "2026-02-28"));
        let other = house.call(&get, &Fake::new([Say::Json(200, LATER)])).await;
        waiting.go();
        other
    });
    assert_eq!((outcome(&first).as_str(), code(&second)), ("answered", (Code::C609, true)));
    assert_eq!(code(&house.call(&get, &Fake::new([])).await), (Code::C612, false));
}

/// A register that the version before wrote may hold a table without keys: it is in force, and every call is refused.
#[tokio::test]
async fn a_table_without_keys_is_refused() {
    let mut files = world::files("");
    let table = table("old-table", "enterprises", 1, &[("get", "by: [area, status], threshold: 60")]);
    files.push(("more".to_owned(), table));
    let house = house(world::accepted(&files));
    let nothing = Fake::new([]);
    let reply = house.call(&ask("old-table", "get"), &nothing).await;
    assert_eq!((code(&reply), nothing.seen().len()), ((Code::C613, false), 0));
}
