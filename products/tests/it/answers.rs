//! Answers of product services, honest and lying, through each kind's release.

use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::FieldSet;
use shuzha_products::World;
use shuzha_products::kinds::{ReleaseFault, Released};

use crate::demo;

const PROFILE: &str = r#"{"uscc":"91350100M000100Y43","name":"云帆公司","status":"存续","established":"2019-03-04",
    "area":"690101","legal_person":"林望舒","phone":"13800000000","registered_capital_yuan":1000000,
    "internal_risk_flag":"watch"}"#;

/// Releases `answer` as the first operation of `product`, with the fields of `grant`.
fn release(world: &World, product: &str, grant: &str, answer: &str) -> Result<Released, ReleaseFault> {
    let operation = world.products[product].operations.first().expect("one operation");
    operation.release(world.grants[grant].operations[0].fields, answer.as_bytes())
}

fn text(released: &Released) -> &str {
    std::str::from_utf8(&released.bytes).expect("UTF-8")
}

#[test]
fn verdicts_are_mapped_and_of_one_length() {
    let world = demo();
    let mut lengths = Vec::new();
    for (code, outcome, word) in [
        ("00", Outcome::Consistent, "consistent"),
        ("01", Outcome::Inconsistent, "inconsistent"),
        ("02", Outcome::NoRecord, "no_record"),
    ] {
        let answer = format!(r#"{{"code":"{code}","name":"某某","debug":{{"row":7}}}}"#);
        let released = release(&world, "person-check", "bank-person", &answer).expect(word);
        assert_eq!(released.outcome, outcome);
        let value: serde_json::Value = serde_json::from_slice(&released.bytes).expect("JSON");
        assert_eq!(value, serde_json::json!({ "result": word }));
        lengths.push(released.bytes.len());
    }
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

/// Whatever an upstream invents is "cannot verify", never a verdict.
#[test]
fn a_lying_register_verifies_nothing() {
    let world = demo();
    for answer in [
        "",
        "{}",
        "null",
        "00",
        r#"{"code":"0"}"#,
        r#"{"code":"03"}"#,
        r#"{"code":" 00"}"#,
        r#"{"code":null}"#,
        r#"{"code":["00"]}"#,
        r#"{"Code":"00"}"#,
        r#"{"code":"01","code":"00"}"#,
        r#"{"code":"00"}{"code":"00"}"#,
        r#"{"code":"00""#,
        "<html>00</html>",
    ] {
        let fault = release(&world, "person-check", "bank-person", answer).expect_err(answer);
        assert_eq!((fault.code, fault.at.as_str()), (Code::C902, "/code"), "{answer}");
    }
}

#[test]
fn a_profile_is_cut_to_the_grant_masked_and_alarmed() {
    let world = demo();
    let released = release(&world, "company-profile", "bank-profile", PROFILE).expect("good");
    assert_eq!((released.outcome, released.unlisted), (Outcome::Answer, 1));
    let value: serde_json::Value = serde_json::from_slice(&released.bytes).expect("JSON");
    assert_eq!(value["name"], "云帆公司");
    assert_eq!(value["legal_person"], "林**");
    for absent in ["phone", "area", "internal_risk_flag"] {
        assert!(value.get(absent).is_none(), "{absent}");
    }
    assert!(!format!("{released:?}").contains("云帆"), "{released:?}");
}

#[test]
fn no_record_is_said_in_one_way() {
    let world = demo();
    let released = release(&world, "company-profile", "bank-profile", r#"{"code":"02"}"#).expect("no record");
    assert_eq!((released.outcome, text(&released)), (Outcome::NoRecord, r#"{"result":"no_record"}"#));
    let profile = &world.products["company-profile"].operations[0].output;
    assert!(profile.reads_status(200) && profile.reads_status(404));
    assert!(!profile.reads_status(500) && !profile.reads_status(204));
    let fault =
        release(&world, "company-profile", "bank-profile", r#"{"code":"03"}"#).expect_err("not mapped");
    assert_eq!(fault.code, Code::C901);
}

#[test]
fn a_lying_interface_answers_nothing() {
    let world = demo();
    for (from, to) in [
        ("\"存续\"", "\"良好\""),
        ("1000000", "-1"),
        ("1000000", "\"1000000\""),
        ("\"name\":\"云帆公司\",", ""),
        ("\"云帆公司\"", "{\"x\":1}"),
        ("\"area\"", "\"name\":\"别名\",\"area\""),
        ("}", ""),
    ] {
        assert!(PROFILE.contains(from), "{from}");
        let fault =
            release(&world, "company-profile", "bank-profile", &PROFILE.replacen(from, to, 1)).expect_err(to);
        assert_eq!(fault.code, Code::C901, "{to}");
        assert!(!fault.to_string().contains("云帆"), "{fault}");
    }
}

#[test]
fn a_score_is_a_band_and_alone() {
    let world = demo();
    let answer = r#"{"probability":0.1234,"score":877,"model":"credit-default-1"}"#;
    let released = release(&world, "credit-score", "bank-score", answer).expect("good");
    assert_eq!(
        (released.outcome, text(&released).trim_end(), released.unlisted),
        (Outcome::Answer, r#"{"score":"500-999"}"#, 2)
    );
    // Whether a score has two digits or four stands in no record: what leaves has one length.
    let of = |score: u32| release(&world, "credit-score", "bank-score", &format!(r#"{{"score":{score}}}"#));
    for score in [0, 80, 990, 1000] {
        assert_eq!(of(score).expect("good").bytes.len(), 64, "{score}");
    }
    for lie in
        [r#"{"score":1001}"#, r#"{"score":-10}"#, r#"{"score":"880"}"#, r#"{"score":880.5}"#, "{}", "[880]"]
    {
        let fault = release(&world, "credit-score", "bank-score", lie).expect_err(lie);
        assert_eq!(fault.code, Code::C901, "{lie}");
    }
}

#[test]
fn a_report_is_an_object_and_a_package_is_not_read() {
    let world = demo();
    let report = &world.products["census-report"].operations[0];
    let released = report.release(FieldSet::default(), br#"{"rows":[]}"#).expect("good");
    assert_eq!((released.outcome, text(&released)), (Outcome::Answer, r#"{"rows":[]}"#));
    for lie in ["", "[]", "7", "{"] {
        assert_eq!(report.release(FieldSet::default(), lie.as_bytes()).expect_err(lie).code, Code::C901);
    }
    let package = &world.products["enterprise-list"].operations[0];
    assert_eq!(
        package.release(FieldSet::default(), b"").map(|released| released.outcome),
        Ok(Outcome::Package)
    );
    assert_eq!(package.release(FieldSet::default(), b"a,b").expect_err("bytes").code, Code::C901);
    assert!(
        package.output.reads_status(206)
            && package.output.reads_status(416)
            && !package.output.reads_status(404)
    );
}

/// Fields outside the grant stay inside, whichever set is asked for.
#[test]
fn no_field_set_releases_more_than_it_names() {
    let world = demo();
    let operation = &world.products["company-profile"].operations[0];
    let contract = operation.output.contract().expect("a contract");
    for bits in 0..=contract.all().0 {
        let Ok(released) = operation.release(FieldSet(bits), PROFILE.as_bytes()) else { panic!("{bits}") };
        let value: serde_json::Value = serde_json::from_slice(&released.bytes).expect("JSON");
        let keys: Vec<String> =
            value.as_object().expect("an object").keys().map(|key| format!("/{key}")).collect();
        let mut named: Vec<_> = contract.pointers(FieldSet(bits)).collect();
        named.sort_unstable();
        assert_eq!(keys, named);
    }
}
