//! What holds over the whole register, and not only among what one object refers to: of two that cannot stand together
//! the second is refused, and nothing of it remains.

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Request};
use shuzha_core::Code;
use shuzha_core::Fault;
use shuzha_testkit_control::{TestControl, TestWorld, authority, by, code, example, grant, id, organisation};

/// The one fault of a refused change, which must have changed nothing.
fn clash(house: &TestControl, change: impl Fn() -> Result<Outcome, Error>) -> Fault {
    let before = house.dump();
    let Err(Error::Refused(refusal)) = change() else { panic!("accepted, or not refused") };
    assert_eq!((refusal.code, refusal.faults.len()), (Code::C1013, 1), "{:?}", refusal.faults);
    assert_eq!(house.dump(), before, "nothing half-done remains");
    refusal.faults[0].clone()
}

fn fault(path: &str, reason: &str) -> Fault {
    Fault::new(path, reason)
}

#[test]
fn a1_a_credit_code_belongs_to_one_organisation() {
    let house = TestControl::new();
    let wang = authority("wang");
    let put = |name: &str, serial, version| {
        house.put(&wang, "Organisation", name, &organisation("unit", serial), version)
    };
    let first = put("first", 1, None).expect("declared");
    let refused = clash(&house, || put("second", 1, None));
    assert_eq!(refused, fault("spec.uscc", "is the same as that of Organisation/first"));
    let tried = Request { dry_run: true, ..Request::default() };
    let tried = house.control.put(&wang, "Organisation", &id("second"), &organisation("unit", 1), &tried);
    assert_eq!(code(tried), Code::C1013, "a dry run tells it too");
    let second = put("second", 2, None).expect("another code");
    clash(&house, || put("second", 1, Some(second.revision)));
    let again = put("first", 1, Some(first.revision)).expect("its own code is no clash");
    let moved = put("first", 3, Some(again.revision)).expect("another code");
    put("second", 1, Some(second.revision)).expect("the code was given up");
    let request = Request { expected: Some(moved.revision), ..Request::default() };
    house.control.remove(&wang, "Organisation", &id("first"), &request).expect("removed");
    put("third", 3, None).expect("and with it its code");
}

#[test]
fn a1_of_sixteen_who_declare_one_code_at_once_one_does() {
    let house = TestControl::new();
    let declare = |at: usize| {
        let name = format!("organisation-{at}");
        house.put(&authority("wang"), "Organisation", &name, &organisation("unit", 7), None)
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|at| scope.spawn(move || declare(at))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 15));
    assert!(refused.into_iter().all(|refused| code(refused) == Code::C1013));
}

#[test]
fn c5_one_grant_speaks_for_one_right_at_a_time() {
    let town = TestWorld::authorised();
    for (name, from, until) in [
        ("first", "2026-01-01", "2027-01-01"),
        ("second", "2026-12-31", "2027-06-01"),
        ("after", "2027-01-01", "2028-01-01"),
    ] {
        town.open("wu", "Grant", name, &grant(from, until));
    }
    town.done("qian", "Grant", "first", "issue");
    let refused = clash(&town.plane, || town.act("qian", "Grant", "second", "issue", &json!({})));
    assert_eq!(refused, fault("spec.window", "overlaps that of Grant/first"));
    assert_eq!(town.state("Grant", "second"), "draft");
    town.done("qian", "Grant", "after", "issue");
    town.done("qian", "Grant", "first", "revoke");
    clash(&town.plane, || town.act("qian", "Grant", "second", "issue", &json!({})));
    town.done("qian", "Grant", "after", "revoke");
    town.done("qian", "Grant", "second", "issue");
}

#[test]
fn c5_of_two_overlapping_grants_issued_at_once_one_is() {
    let town = TestWorld::authorised();
    for name in ["left", "right"] {
        town.open("wu", "Grant", name, &grant("2026-01-01", "2027-01-01"));
    }
    let issue = |name: &'static str| town.act("qian", "Grant", name, "issue", &json!({}));
    let results = std::thread::scope(|scope| {
        let threads = ["left", "right"].map(|name| scope.spawn(move || issue(name)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.into_iter().filter(Result::is_err).all(|refused| code(refused) == Code::C1013));
}

fn price(from: &str, until: &str, per_call: &str) -> Value {
    json!({"act": "operator-2025", "product": "company-check", "perCall": per_call,
        "charged": ["consistent", "inconsistent"], "window": {"from": from, "until": until}})
}

fn ceiling(from: &str, until: &str, most: &str) -> Value {
    json!({"act": "ceilings-2025", "product": "company-check", "perCallMax": most,
        "window": {"from": from, "until": until}})
}

/// What past calls cost is corrected by re-rating, not by a price that begins in the past. 2026-02-02 is today.
#[test]
fn f2_only_the_first_price_of_a_product_begins_in_the_past() {
    let town = TestWorld::new();
    let of_persons = |mut spec: Value| {
        spec["product"] = json!("person-check");
        if spec.get("charged").is_some() {
            spec["charged"] = json!(["consistent", "inconsistent", "no_record"]);
        }
        spec
    };
    let put = |who: &str, kind: &str, name: &str, spec| town.put(who, kind, name, &of_persons(spec));
    put("zheng", "Ceiling", "persons", ceiling("2025-01-01", "2031-01-01", "0.50")).expect("the first one");
    put("sun", "Price", "first", price("2025-01-01", "2025-06-01", "0.30")).expect("the first one");
    assert_eq!(code(put("sun", "Price", "second", price("2025-07-01", "2027-01-01", "0.30"))), Code::C1616);
    assert_eq!(code(put("sun", "Price", "second", price("2026-02-01", "2027-01-01", "0.30"))), Code::C1616);
    put("sun", "Price", "second", price("2026-02-02", "2027-01-01", "0.30")).expect("today");
    put("sun", "Price", "third", price("2027-01-01", "2028-01-01", "0.30")).expect("to come");
    let moved = price("2025-08-01", "2026-01-01", "0.30");
    assert_eq!(code(put("sun", "Price", "third", moved)), Code::C1616, "nor is one moved there");
}

/// 65号, Gansu-O 32: anyone reads every price of a product, past ones too, from when until when, and by which act; none is
/// rewritten.
#[test]
fn f5_prices_are_public_dated_added_to_and_name_their_act() {
    let town = TestWorld::new();
    town.put("sun", "Price", "company-check-2025", &price("2025-01-01", "2027-01-01", "0.30")).expect("ends");
    town.put("sun", "Price", "company-check-2027", &price("2027-01-01", "2031-01-01", "0.25"))
        .expect("the next");
    // Whoever is signed on, of whatever organisation, reads them.
    for who in ["he", "wu", "zhou"] {
        let found =
            town.plane.control.list(&by(who), "Price", &shuzha_control::Query::default()).expect("reads");
        let shown: Vec<_> = found
            .items
            .iter()
            .map(|one| (one.name.to_string(), one.spec["act"].clone(), one.spec["window"].clone()))
            .collect();
        let window = |from: &str, until: &str| json!({"from": from, "until": until});
        assert_eq!(
            shown,
            [
                ("company-check-2025".to_owned(), json!("operator-2025"), window("2025-01-01", "2027-01-01")),
                ("company-check-2027".to_owned(), json!("operator-2025"), window("2027-01-01", "2031-01-01")),
            ]
        );
    }
    // The act behind it is public, with its number.
    let act = town.plane.control.get(&by("he"), "PriceAct", &id("operator-2025")).expect("reads");
    assert!(act.spec["number"].as_str().is_some_and(|number| !number.is_empty()));
    let mut bare = price("2031-01-01", "2032-01-01", "0.25");
    bare["act"] = json!(null);
    assert!(town.put("sun", "Price", "without-act", &bare).is_err(), "none without an act");
    // Only added to: nothing that was in force is another afterwards, nor gone.
    let rewritten = price("2025-01-01", "2027-01-01", "0.29");
    assert_eq!(code(town.put("sun", "Price", "company-check-2025", &rewritten)), Code::C1612);
    assert_eq!(code(town.remove("sun", "Price", "company-check-2025")), Code::C1612);
}

/// 65号: a price is published only under a ceiling in force for all of its window.
#[test]
fn f2_prices_stand_under_ceilings_and_never_two_at_once() {
    let town = TestWorld::new();
    let refused = |who: &str, kind: &str, name: &str, spec: &Value| {
        clash(&town.plane, || town.put(who, kind, name, spec)).reason
    };
    // The example's price and ceiling are in force from 2025 to 2031.
    let second = refused("sun", "Price", "second", &price("2026-01-01", "2027-01-01", "0.30"));
    assert!(second.contains("two prices for one operation would be in force at once"), "{second}");
    let dear = refused("sun", "Price", "company-check-2025", &price("2025-01-01", "2031-01-01", "0.60"));
    assert!(dear.contains("above the ceiling"), "{dear}");
    let two = refused("zheng", "Ceiling", "second", &ceiling("2030-12-31", "2031-01-01", "9.00"));
    assert!(two.contains("two ceilings for one product would be in force at once"), "{two}");
    let low = refused("zheng", "Ceiling", "company-check-2025", &ceiling("2025-01-01", "2031-01-01", "0.20"));
    assert!(low.contains("above the ceiling"), "{low}");
    let bare = clash(&town.plane, || town.remove("zheng", "Ceiling", "company-check-2025")).reason;
    assert!(bare.contains("no ceiling is in force when it begins"), "{bare}");
    // What is cut short makes room for what follows.
    town.put("sun", "Price", "company-check-2025", &price("2025-01-01", "2027-01-01", "0.30")).expect("cut");
    town.put("sun", "Price", "second", &price("2027-01-01", "2031-01-01", "0.50")).expect("the next one");
    let ended = ceiling("2025-01-01", "2030-01-01", "0.50");
    town.put("zheng", "Ceiling", "company-check-2025", &ended)
        .expect("a ceiling that ends stops prices at the gate");
    // What past calls were charged by stays as it is: no other amount, no other beginning, no end in the past.
    let altered = [
        price("2025-01-01", "2027-01-01", "0.29"),
        price("2025-06-01", "2027-01-01", "0.30"),
        price("2025-01-01", "2026-01-01", "0.30"),
    ];
    for spec in altered {
        assert_eq!(code(town.put("sun", "Price", "company-check-2025", &spec)), Code::C1612);
    }
    assert_eq!(code(town.remove("sun", "Price", "company-check-2025")), Code::C1612);
    let low = ceiling("2030-01-01", "2031-01-01", "0.10");
    town.put("zheng", "Ceiling", "lower", &low).expect("and so does one that is lowered");
    let long = refused("sun", "Price", "second", &price("2027-01-01", "2031-01-01", "0.05"));
    assert!(long.contains("no ceiling covers the whole window"), "{long}");
    town.remove("sun", "Price", "second").expect("a price may go");
}

#[test]
fn g6_an_exchange_gives_a_number_once() {
    let town = TestWorld::new();
    town.open("wang", "Organisation", "exchange", &organisation("exchange", 8));
    let listing = |product: &str, number: &str| {
        json!({"product": product, "exchange": "exchange", "number": number,
            "window": {"from": "2026-01-01", "until": "2028-01-01"}})
    };
    town.put("sun", "Listing", "first", &listing("company-check", "YZ-1")).expect("its own product's");
    let refused =
        clash(&town.plane, || town.put("sun", "Listing", "second", &listing("person-check", "YZ-1")));
    assert_eq!(refused, fault("spec.number", "is the same as that of Listing/first"));
    assert_eq!(code(town.put("wu", "Listing", "third", &listing("person-check", "YZ-3"))), Code::C1104);
    town.put("wang", "Listing", "second", &listing("person-check", "YZ-2")).expect("the authority may");
}

#[test]
fn d6_a_key_id_belongs_to_one_issuer() {
    let town = TestWorld::new();
    let issuer = example("ConsentIssuer", "yunze-consent");
    town.put("wang", "ConsentIssuer", "first", &issuer).expect("declared");
    let refused = clash(&town.plane, || town.put("wang", "ConsentIssuer", "second", &issuer));
    assert_eq!(refused, fault("spec.kid", "is the same as that of ConsentIssuer/first"));
}

/// A trial must not reach real data; and whose address it is stays theirs.
#[test]
fn k1_no_instance_is_synthetic_and_real_and_strangers_are_not_named() {
    let town = TestWorld::new();
    let service = |synthetic: bool| json!({"endpoints": ["127.0.0.1:9", "127.0.0.1:7101"], "timeout": "2s", "synthetic": synthetic});
    let refused = clash(&town.plane, || town.put("sun", "Upstream", "toy", &service(true)));
    let why = "shares an instance with a service that is not synthetic, Upstream/register";
    assert_eq!(refused, fault("spec.endpoints", why));
    let stranger = shuzha_testkit_control::person("x", "elsewhere", &[shuzha_core::Role::Operator]);
    let refused = clash(&town.plane, || town.plane.put(&stranger, "Upstream", "toy", &service(true), None));
    assert!(refused.reason.ends_with("another Upstream"), "{refused:?}");
    town.put("sun", "Upstream", "second", &service(false)).expect("real ones may share");
}

/// A register that was written before marks were kept has them from its next start.
#[test]
fn marks_are_made_for_a_register_that_has_none() {
    let TestWorld { plane: house } = TestWorld::new();
    let mut all = Vec::new();
    let each = |object: shuzha_store::register::Object| {
        all.push(((object.kind, object.name), Vec::new()));
        Ok::<_, shuzha_store::StoreError>(())
    };
    house.register.each(each).expect("read");
    house.register.mark(&all).expect("unmarked");
    assert!(house.register.unmarked().expect("answers"));
    let town = TestWorld { plane: house.restarted() };
    let same = example("Organisation", "police");
    clash(&town.plane, || town.plane.put(&by("wang"), "Organisation", "other", &same, None));
}

/// E6: what one data set sets aside for units, another over the same people can neither promise again nor spend.
#[test]
fn e6_reserved_quotas_fit_under_the_cap_of_their_people() {
    let town = TestWorld::new();
    let people =
        |cap: &str| town.put("wang", "PersonSpace", "residents", &json!({"measure": "pure-eps", "cap": cap}));
    let set = |name: &str, cap: &str, reserved: bool| {
        let mut spec = example("DataSet", "census");
        spec["provider"] = "police".into();
        spec["privacy"]["personSpace"] = "residents".into();
        spec["privacy"]["cap"] = cap.into();
        spec["privacy"]["quotas"] =
            json!({"default": if reserved { "0" } else { "0.1" }, "reserved": reserved});
        town.put("wang", "DataSet", name, &spec)
    };
    let refused = |path: &str, change: Result<Outcome, Error>| {
        let Err(Error::Refused(refusal)) = change else { panic!("accepted, or not refused") };
        assert_eq!((refusal.code, refusal.faults[0].path.as_str()), (Code::C1017, path), "{refusal:?}");
    };
    people("1.2").expect("declared");
    set("first", "0.8", true).expect("it fits");
    let before = town.plane.dump();
    // The second promises nothing, and could spend what the first has promised.
    refused("spec.privacy.cap", set("second", "0.400000001", false));
    assert_eq!(town.plane.dump(), before, "nothing half-done remains");
    set("second", "0.4", false).expect("just fits");
    refused("spec.cap", people("1.1"));
    set("first", "0.7", true).expect("fits");
    people("1.1").expect("just fits");
    // Who reserves nothing may promise more than there is: the cap decides, and a plan says so.
    set("first", "0.7", false).expect("no promise");
    people("1.0").expect("nobody is promised anything");
    refused("spec.privacy.cap", set("first", "0.7", true));
    town.remove("wang", "DataSet", "second").expect("nobody refers to it");
    set("first", "0.7", true).expect("alone it fits");
}

/// A table whose small groups are hidden, over the enterprises of `set`.
fn suppressed(set: &str) -> Value {
    let mut product = example("Product", "company-check");
    let by = json!([{"name": "county", "keys": ["a", "b"]}]);
    let table = json!({"name": "get", "method": "POST", "path": "/v1/table", "personal": false, "by": by,
        "protection": "suppress", "law": "某法第九条", "referenceDate": "2026-06-30", "threshold": 10});
    (product["kind"], product["dataSets"], product["operations"]) =
        (json!("table"), json!([set]), json!([table]));
    product
}

/// Privacy P2: two tables over the same people were subtracted. One stands alone, and beside no privacy budget; and none is
/// declared by the names of its dimensions alone.
#[test]
fn e6_a_suppressed_table_stands_alone_over_its_data_set() {
    let town = TestWorld::new();
    let firms = json!({"provider": "market-regulator", "sensitivity": "general"});
    town.put("wang", "DataSet", "firms", &firms).expect("declared");
    town.put("wang", "DataSet", "others", &firms).expect("declared");
    town.put("sun", "Product", "one", &suppressed("firms")).expect("declared");
    let refused = clash(&town.plane, || town.put("sun", "Product", "two", &suppressed("firms")));
    assert_eq!(refused.path, "spec.dataSets");
    assert!(refused.reason.contains("stands alone") && refused.reason.contains("Product/one"), "{refused:?}");
    town.put("sun", "Product", "two", &suppressed("others")).expect("over other people");
    // A budget over the same people afterwards is refused as the table would be over a budget.
    town.put("wang", "PersonSpace", "firms", &json!({"measure": "pure-eps", "cap": "1.0"}))
        .expect("declared");
    let privacy = json!({"personSpace": "firms", "cap": "1.0", "dataVersion": "1", "perQueryMax": "0.5",
        "quotas": {"default": "1.0"}, "domain": {"data_version": "1", "max_rows_per_person": 1,
        "columns": {"county": {"type": "categorical", "keys": ["a", "b"]}}}});
    let counted = json!({"provider": "market-regulator", "sensitivity": "general", "privacy": privacy});
    town.put("wang", "DataSet", "counted", &counted).expect("declared");
    let refused = town.put("sun", "Product", "three", &suppressed("counted"));
    let Err(Error::Refused(refusal)) = refused else { panic!("accepted, or not refused") };
    assert!(refusal.faults[0].reason.contains("privacy budget"), "{:?}", refusal.faults);
    let refused = clash(&town.plane, || town.put("wang", "DataSet", "firms", &counted));
    assert_eq!(refused.path, "spec.privacy");
    let mut before = suppressed("others");
    before["operations"] = json!([{"name": "get", "method": "POST", "path": "/v1/table", "personal": false,
        "by": ["county"], "threshold": 10}]);
    let Err(Error::Refused(refusal)) = town.put("sun", "Product", "before", &before) else {
        panic!("accepted, or not refused")
    };
    assert!(refusal.faults[0].reason.contains("without their keys"), "{:?}", refusal.faults);
}
