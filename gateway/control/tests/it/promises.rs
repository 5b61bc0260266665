//! Promises to the people behind statistics: no account breaks one alone, whatever it declares, removes and declares again.

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Request};
use shuzha_core::{Code, NanoCharge};
use shuzha_testkit::Seeded;
use shuzha_testkit_control::{TestWorld, by, code, example, id};

use crate::ways::{pass, raise, shared};

fn people(cap: &str) -> Value {
    json!({"measure": "pure-eps", "cap": cap})
}

/// The census of the example, over `space`.
fn set(space: &str, provider: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = example("DataSet", "census");
    spec["provider"] = provider.into();
    spec["privacy"]["personSpace"] = space.into();
    spec["privacy"]["cap"] = "1.5".into();
    spec["privacy"]["quotas"] = json!({"default": "0.1"});
    change(&mut spec);
    spec
}

fn town() -> TestWorld {
    let town = TestWorld::authorised();
    shared(&town);
    town
}

/// The five acts by which one account lifted what was promised, and what else leads there.
#[test]
fn e6_no_account_alone_widens_what_was_promised() {
    let town = town();
    let before = town.plane.dump();
    let wider = |spec: &mut Value| spec["privacy"]["cap"] = "1.500000001".into();
    let bound = |spec: &mut Value| spec["privacy"]["domain"]["columns"]["age"]["maximum"] = 91.into();
    let rows = |spec: &mut Value| spec["privacy"]["domain"]["max_rows_per_person"] = 2.into();
    let rho = json!({"measure": "rho", "cap": "2"});
    for (who, kind, name, spec, wanted) in [
        ("wang", "PersonSpace", "residents", people("2000"), Code::C1552),
        ("wang", "PersonSpace", "residents", people("2.000000001"), Code::C1552),
        ("wang", "PersonSpace", "residents", rho, Code::C1552),
        ("jiang", "DataSet", "doors", set("residents", "police", wider), Code::C1552),
        ("wang", "DataSet", "doors", set("residents", "police", wider), Code::C1552),
        ("jiang", "DataSet", "doors", set("residents", "police", bound), Code::C1554),
        ("jiang", "DataSet", "doors", set("residents", "police", rows), Code::C1554),
        ("zhao", "DataSet", "guest", set("residents", "market-regulator", |_| {}), Code::C1553),
        ("jiang", "DataSet", "doors-copy", set("residents", "police", |_| {}), Code::C1553),
    ] {
        assert_eq!(code(town.put(who, kind, name, &spec)), wanted, "{who} {kind}/{name}");
    }
    assert_eq!(town.plane.dump(), before, "nothing half-done remains");
    town.put("wang", "PersonSpace", "others", &people("9")).expect("the authority's");
    for (who, name, space) in
        [("jiang", "doors-copy", "others"), ("jiang", "doors", "others"), ("wang", "doors", "others")]
    {
        assert_eq!(
            code(town.put(who, "DataSet", name, &set(space, "police", |_| {}))),
            Code::C1553,
            "{who} {name}"
        );
    }
    // What the provider may do alone.
    let less = |spec: &mut Value| spec["privacy"]["cap"] = "1".into();
    town.put("jiang", "DataSet", "doors", &set("residents", "police", less)).expect("falls");
    let new = |spec: &mut Value| {
        spec["privacy"]["cap"] = "1".into();
        spec["privacy"]["dataVersion"] = "adult-2".into();
        spec["privacy"]["domain"]["data_version"] = "adult-2".into();
        spec["privacy"]["domain"]["columns"]["age"]["maximum"] = 91.into();
    };
    town.put("jiang", "DataSet", "doors", &set("residents", "police", new)).expect("a new version");
    assert_eq!(
        code(town.put(
            "jiang",
            "DataSet",
            "doors",
            &set("residents", "police", |spec| {
                new(spec);
                spec["privacy"]["dataVersion"] = "adult-1".into();
                spec["privacy"]["domain"]["data_version"] = "adult-1".into();
            })
        )),
        Code::C1554,
        "the version before keeps its domain"
    );
}

/// Removing begins nothing anew, and neither does leaving the terms out for a while.
#[test]
fn e6_a_promise_outlives_its_object() {
    let town = town();
    for name in ["doors", "shops"] {
        town.remove("wang", "DataSet", name).expect("nobody refers to it");
    }
    town.remove("wang", "PersonSpace", "residents").expect("nobody refers to it");
    assert_eq!(code(town.put("wang", "PersonSpace", "residents", &people("2.1"))), Code::C1552);
    town.put("wang", "PersonSpace", "residents", &people("2")).expect("as it was");
    town.put("wang", "PersonSpace", "others", &people("2")).expect("declared");
    assert_eq!(code(town.put("wang", "DataSet", "doors", &set("others", "police", |_| {}))), Code::C1553);
    let plain = json!({"provider": "police", "sensitivity": "sensitive"});
    town.put("wang", "DataSet", "doors", &plain).expect("without terms");
    let wider = |spec: &mut Value| spec["privacy"]["cap"] = "1.6".into();
    assert_eq!(code(town.put("jiang", "DataSet", "doors", &set("residents", "police", wider))), Code::C1552);
    town.put("jiang", "DataSet", "doors", &set("residents", "police", |_| {})).expect("as it was bound");
}

/// A raise of two organisations and every provider, after its publicity, and only as far as it says.
#[test]
fn e6_a_cap_rises_by_a_case_of_different_organisations_alone() {
    let town = town();
    let mut lacking = raise("3");
    lacking["dataSets"] = json!(["doors"]);
    assert_eq!(code(town.put("jiang", "PrivacyRaise", "short", &lacking)), Code::C1555);
    assert_eq!(code(town.put("zhao", "PrivacyRaise", "low", &raise("2"))), Code::C1002);
    assert_eq!(code(town.put("wang", "PrivacyRaise", "own", &raise("3"))), Code::C1104);
    town.open("jiang", "PrivacyRaise", "raise-1", &raise("3"));
    let higher = |cap: &str| town.put("wang", "PersonSpace", "residents", &people(cap));
    let step = |who: &str, verb: &str| -> Result<Outcome, Error> {
        let expected = town.plane.version("PrivacyRaise", "raise-1");
        let request = Request { expected, reason: "核查属实", ..Request::default() };
        town.plane.control.act(&by(who), "PrivacyRaise", &id("raise-1"), verb, &json!({}), &request)
    };
    step("jiang", "submit").expect("asked");
    assert_eq!(code(step("wang", "approve")), Code::C1555, "one provider has not agreed");
    step("zhao", "agree").expect("agreed");
    assert_eq!(code(higher("3")), Code::C1552, "not decided yet");
    step("wang", "approve").expect("approved");
    assert_eq!(town.state("PrivacyRaise", "raise-1"), "publicity");
    let public = town.plane.control.public_budgets(None, 10).expect("answers");
    let shown = public.items.iter().find(|one| one.name == id("residents")).expect("shown to anyone");
    assert_eq!((shown.cap.as_str(), shown.odds.as_str(), shown.above_ceiling), ("2.0", "7.39 : 1", false));
    let raise = &shown.raises[0];
    assert_eq!(
        (raise.state.as_str(), raise.cap.as_str(), raise.odds.1.as_str()),
        ("publicity", "3.0", "20.09 : 1")
    );
    assert_eq!(code(higher("3")), Code::C1552, "not while it is publicised");
    pass(&town, &json!(40));
    assert_eq!(town.state("PrivacyRaise", "raise-1"), "in-force");
    assert_eq!(code(higher("3.000000001")), Code::C1552);
    higher("3").expect("as far as it was raised");
    higher("2.5").expect("falls");
    assert_eq!(code(higher("3")), Code::C1552, "a raise that was given up is gone");
    let own = |spec: &mut Value| spec["privacy"]["cap"] = "1.6".into();
    assert_eq!(
        code(town.put("wang", "DataSet", "doors", &set("residents", "police", own))),
        Code::C1552,
        "it was the person-space's cap, not the data set's"
    );
}

/// What is above the ceilings of the rules is declared with a reason or not at all.
#[test]
fn e6_above_a_ceiling_a_reason_is_named() {
    let town = town();
    let put = |kind: &str, name: &str, spec: &Value, reason: &str| {
        let expected = town.plane.version(kind, name);
        let request = Request { expected, reason, ..Request::default() };
        town.plane.control.put(&by("wang"), kind, &id(name), spec, &request)
    };
    for reason in ["", "  "] {
        assert_eq!(code(put("PersonSpace", "many", &people("10.000000001"), reason)), Code::C1556);
    }
    put("PersonSpace", "few", &people("10"), "").expect("at the ceiling");
    put("PersonSpace", "many", &people("9000000"), "合成数据").expect("with a reason");
    let public = town.plane.control.public_budgets(None, 10).expect("answers");
    let shown = public.items.iter().find(|one| one.name == id("many")).expect("shown to anyone");
    assert_eq!((shown.above_ceiling, shown.reason.as_str()), (true, "合成数据"));
    put("PersonSpace", "many", &people("8000000"), "").expect("it falls");
    let shown = |name: &str| {
        let public = town.plane.control.public_budgets(None, 10).expect("answers");
        public.items.into_iter().find(|one| one.name == id(name)).expect("shown to anyone")
    };
    assert_eq!(shown("many").reason, "合成数据", "a later act without a reason does not hide it");
    assert_eq!((shown("few").above_ceiling, shown("few").reason.as_str()), (false, ""));
    assert_eq!(shown("residents").queries, []);
    let costly = |spec: &mut Value| spec["privacy"]["perQueryMax"] = "1.1".into();
    assert_eq!(code(put("DataSet", "doors", &set("residents", "police", costly), "")), Code::C1556);
    put("DataSet", "doors", &set("residents", "police", costly), "试验").expect("with a reason");
    put("DataSet", "doors", &set("residents", "police", costly), "别的").expect("it is so already");
    let queries = shown("residents").queries;
    let [query] = &*queries else { panic!("one data set: {queries:?}") };
    assert_eq!((query.per_query_max.as_str(), query.reason.as_str()), ("1.1", "试验"));
}

/// Many declarations by everybody who may declare: what is in force is never above the least there was, but for a raise.
#[test]
fn e6_no_order_of_declarations_lifts_a_cap() {
    let town = town();
    let mut least: NanoCharge = "2".parse().expect("a charge");
    let rng = Seeded::new(7);
    for _ in 0..40 {
        let cap = NanoCharge::from_nanos(1 + rng.below(4_000_000_000));
        let accepted = town.put("wang", "PersonSpace", "residents", &people(&cap.to_string())).is_ok();
        // Data sets' own caps must fit: what is below them is refused for that.
        assert!(!accepted || cap <= least, "{cap} after {least}");
        if accepted {
            least = cap;
        }
    }
}
