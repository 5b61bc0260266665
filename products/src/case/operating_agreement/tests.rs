//! Operating agreements: contents, modes, term, every verb in every state, and the tickets of the end.

use serde_json::{Value, json};
use shuzha_core::Role;
use shuzha_core::calendar::Calendar;

use crate::case::matrix::{DIGEST, Desk, NOW, of, person, shown};
use crate::jurisdiction::CONTENTS;

fn spec(from: &str, until: &str) -> Value {
    let contents: serde_json::Map<_, _> =
        CONTENTS.iter().map(|content| ((*content).to_owned(), "另附".into())).collect();
    json!({
        "authoriser": "data-bureau", "operator": "yunze-data", "parties": ["police"],
        "mode": "whole", "providers": ["police", "market-regulator"],
        "window": {"from": from, "until": until}, "contents": contents,
        "ending": {"handOverDays": 10, "destroyDays": 20},
    })
}

fn desk() -> Desk {
    Desk::new("OperatingAgreement", spec("2026-01-01", "2028-01-01")).under("gansu")
}

const SIGNED: &[&str] = &["submit", "approve", "sign", "sign@yunze-data", "sign@police"];

#[test]
fn c14_the_matrix_of_states_and_verbs() {
    let mut desk = desk();
    desk.declare("OperatingAgreement", "amended", amending(&desk, "case-1"));
    let path = |more: &[&'static str]| [SIGNED, more].concat();
    desk.matrix(
        Role::Authority,
        &[
            ("draft", &[]),
            ("deliberation", &["submit"]),
            ("signing", &["submit", "approve"]),
            ("returned", &["submit", "return"]),
            ("in-force", SIGNED),
            ("amended", &path(&["amend"])),
            ("terminated", &path(&["terminate"])),
            ("expired", &path(&["clock"])),
            ("archived", &path(&["terminate", "hand-over", "destroy", "archive"])),
        ],
        include_str!("../testdata/operating-agreement.txt"),
    );
}

/// An agreement in force that amends another.
fn amending(desk: &Desk, other: &str) -> Value {
    json!({
        "authoriser": "data-bureau", "operator": "yunze-data", "mode": "whole", "providers": ["police"],
        "window": desk.spec["window"], "inForce": true, "amends": other,
    })
}

/// What opening `spec` under `pack` comes to.
fn opened(pack: &str, spec: Value) -> Result<String, (&'static str, Vec<String>)> {
    let opened = Desk::new("OperatingAgreement", spec).under(pack).open(&person(Role::Authority));
    opened.map(|one| one.state_name.to_owned()).map_err(|refused| {
        let (code, paths) = shown(&refused);
        (code, paths.into_iter().map(str::to_owned).collect())
    })
}

#[test]
fn c14_thirteen_contents_are_written_where_the_text_names_them() {
    for content in CONTENTS {
        let without = || {
            let mut spec = spec("2026-01-01", "2028-01-01");
            spec["contents"].as_object_mut().expect("an object").remove(*content);
            spec
        };
        let missing = Err(("C1002", vec![format!("spec.contents.{content}")]));
        assert_eq!(opened("gansu", without()), missing, "{content}");
        assert_eq!(opened("heilongjiang", without()), missing, "{content}");
    }
    let mut bare = spec("2026-01-01", "2028-01-01");
    bare["mode"] = "scenario".into();
    bare["scenario"] = "bank-credit".into();
    bare["dataSets"] = json!(["enterprises"]);
    bare["contents"] = json!({});
    bare.as_object_mut().expect("an object").remove("providers");
    assert_eq!(opened("yantai", bare.clone()), Ok("draft".to_owned()), "Yantai names none");
    assert_eq!(opened("qingtian", bare), Err(("C1002", vec!["spec.contents.catalogue".to_owned()])));
}

#[test]
fn c14_a_longer_term_gives_its_reason_where_the_text_says_in_principle() {
    for (pack, until) in [("gansu", "2031-01-02"), ("heilongjiang", "2029-01-02")] {
        let mut long = spec("2026-01-01", until);
        assert_eq!(opened(pack, long.clone()), Err(("C1301", vec!["spec.window".to_owned()])), "{pack}");
        long["termReason"] = "基础设施投资回收期较长".into();
        assert_eq!(opened(pack, long), Ok("draft".to_owned()), "{pack}");
    }
}

#[test]
fn c15_the_mode_is_one_of_the_jurisdiction_and_says_what_is_covered() {
    assert_eq!(
        opened("qingtian", spec("2026-01-01", "2028-01-01")),
        Err(("C1302", vec!["spec.mode".to_owned()]))
    );
    for (field, value) in
        [("fields", json!(["交通"])), ("scenario", json!("bank-credit")), ("dataSets", json!(["census"]))]
    {
        let mut mixed = spec("2026-01-01", "2028-01-01");
        mixed[field] = value;
        assert_eq!(opened("gansu", mixed), Err(("C1002", vec![format!("spec.{field}")])), "{field}");
    }
    let mut none = spec("2026-01-01", "2028-01-01");
    none["mode"] = "field".into();
    none.as_object_mut().expect("an object").remove("providers");
    assert_eq!(opened("gansu", none), Err(("C1002", vec!["spec.fields".to_owned()])));
}

#[test]
fn c14_only_the_authorising_side_writes_and_every_party_signs() {
    let desk = desk();
    let another = of(Role::Authority, "ndrc");
    assert_eq!(
        shown(&desk.open(&another).expect_err("another authority")),
        ("C1313", vec!["spec.authoriser"])
    );
    for (field, wrong) in [("authoriser", "police"), ("operator", "yunze-bank")] {
        let mut wrongly = spec("2026-01-01", "2028-01-01");
        wrongly[field] = wrong.into();
        assert_eq!(opened("gansu", wrongly), Err(("C1002", vec![format!("spec.{field}")])));
    }
    let two = desk.walk(Role::Authority, &SIGNED[..4]);
    assert_eq!((two.state_name, two.in_force.len()), ("signing", 0), "the provider has not signed");
    let stranger = of(Role::Provider, "market-regulator");
    assert_eq!(
        desk.act(&two.state, &stranger, "sign", &json!({})).expect_err("no party").code.as_str(),
        "C1304"
    );
    let signed = desk.walk(Role::Authority, SIGNED);
    let held = &signed.in_force[0].spec;
    assert_eq!(
        (&held["inForce"], &held["providers"]),
        (&json!(true), &json!(["police", "market-regulator"]))
    );
    assert_eq!((signed.deadlines.len(), signed.deadlines[0].what), (1, "term"));
}

#[test]
fn c18_the_end_hands_over_and_destroys_within_terms_of_the_agreement() {
    let desk = desk();
    let ended = desk.walk(Role::Authority, &[SIGNED, &["terminate"]].concat());
    assert_eq!(ended.in_force[0].spec["inForce"], json!(false));
    let due = |days| Calendar::default().due(NOW, days).at;
    let tickets: Vec<_> = ended.deadlines.iter().map(|one| (one.what, one.due.at)).collect();
    assert_eq!(tickets, [("hand-over", due(10)), ("destruction", due(20))]);
    let rival = of(Role::Operator, "rival-data");
    let body = json!({"digest": DIGEST});
    assert_eq!(
        desk.act(&ended.state, &rival, "destroy", &body).expect_err("not its own").code.as_str(),
        "C1304"
    );
    let destroyed = desk.act(&ended.state, &person(Role::Operator), "destroy", &body).expect("destroys");
    assert_eq!(destroyed.deadlines.iter().map(|one| one.what).collect::<Vec<_>>(), ["hand-over"]);
}

#[test]
fn c14_an_amended_agreement_ends_by_the_one_that_amends_it() {
    let mut desk = desk();
    for (amends, in_force, operator, taken) in [
        ("case-1", true, "yunze-data", true),
        ("another", true, "yunze-data", false),
        ("case-1", false, "yunze-data", false),
        ("case-1", true, "rival-data", false),
    ] {
        let mut other = amending(&desk, amends);
        (other["inForce"], other["operator"]) = (in_force.into(), operator.into());
        desk.declare("OperatingAgreement", "amended", other);
        let signed = desk.walk(Role::Authority, SIGNED);
        let body = json!({"agreement": "amended"});
        let done = desk.act(&signed.state, &person(Role::Authority), "amend", &body);
        let came = done.as_ref().map(|one| one.state_name).map_err(|refused| refused.code.as_str());
        assert_eq!(came, if taken { Ok("amended") } else { Err("C1309") }, "{amends} {in_force} {operator}");
    }
}

#[test]
fn c20_a_renewal_is_taken_in_the_window_only() {
    let scenario = |renews: bool| {
        let mut spec = spec("2026-09-01", "2029-01-01");
        spec["mode"] = "scenario".into();
        spec["scenario"] = "bank-credit".into();
        spec["dataSets"] = json!(["enterprises"]);
        spec.as_object_mut().expect("an object").remove("providers");
        if renews {
            spec["renews"] = "last".into();
        }
        spec
    };
    for (end, taken) in [("2026-12-02", false), ("2026-12-01", true)] {
        let mut desk = Desk::new("OperatingAgreement", scenario(true)).under("qingtian");
        let mut last = amending(&desk, "none");
        last["window"] = json!({"from": "2024-01-01", "until": end});
        desk.declare("OperatingAgreement", "last", last);
        let opened = desk.open(&person(Role::Authority));
        let came = opened.as_ref().map(|one| one.state_name).map_err(shown);
        assert_eq!(came, if taken { Ok("draft") } else { Err(("C1310", vec!["spec.renews"])) }, "{end}");
    }
}
