//! Requests against the demo world's input contracts.

use shuzha_core::{Code, Refusal};
use shuzha_privacy::dp::Query;
use shuzha_privacy::subject::IdKind;
use shuzha_products::World;
use shuzha_products::input::{Parsed, check};

use crate::{demo, demo_files, demo_with};

fn ask(world: &World, product: &str, body: &str) -> Result<Parsed, Refusal> {
    let operation = world.products[product].operations.first().expect("one operation");
    check(operation, body.as_bytes())
}

#[test]
fn a_good_request_gives_its_subject() {
    let world = demo();
    let parsed =
        ask(&world, "person-check", r#"{"id_number":"11010519491231002X","name":"某某"}"#).expect("good");
    let subject = parsed.subject.as_ref().expect("a subject");
    assert_eq!((subject.kind(), subject.expose()), (IdKind::Person, "11010519491231002X"));
    assert!(!format!("{parsed:?}").contains("1949"), "{parsed:?}");
    let parsed = ask(&world, "company-profile", r#"{"uscc":"91350100M000100Y43"}"#).expect("good");
    assert_eq!(parsed.subject.expect("a subject").kind(), IdKind::Organisation);
}

#[test]
fn bad_requests_have_their_code_and_place() {
    let world = demo();
    let mut seen = Vec::new();
    for row in
        include_str!("testdata/requests.txt").lines().filter(|row| !row.starts_with('#') && !row.is_empty())
    {
        let (left, expected) = row.rsplit_once(" => ").expect(row);
        let (product, body) = left.split_once(' ').expect(row);
        let (code, at) = expected.split_once(' ').unwrap_or((expected, ""));
        let refusal = ask(&world, product, body).expect_err(row);
        assert_eq!((refusal.code.as_str(), refusal.at.as_deref().unwrap_or("")), (code, at), "{row}");
        seen.push(refusal.code);
    }
    for code in [Code::C301, Code::C302, Code::C304, Code::C305, Code::C306] {
        assert!(seen.contains(&code), "{code}");
    }
}

#[test]
fn a_package_takes_no_body() {
    let world = demo();
    assert!(ask(&world, "enterprise-list", "").expect("good").value.is_null());
    assert_eq!(
        ask(&world, "enterprise-list", "{}").map(|_| ()).map_err(|refusal| refusal.code),
        Err(Code::C302)
    );
}

/// What passes the outer shape is what `dp` reads: the two must not drift apart.
#[test]
fn queries_pass_the_outer_shape_and_the_domain() {
    let world = demo();
    let domain = &world.data_sets["census"].privacy.as_ref().expect("privacy terms").domain;
    for (body, passes) in [
        (r#"{"measure":"count","accuracy":{"epsilon":"0.1"}}"#, true),
        (
            r#"{"measure":"count","nonnegative":true,"group_by":["sex","income"],"accuracy":{"epsilon":"0.2"}}"#,
            true,
        ),
        (r#"{"measure":"histogram","column":"education","accuracy":{"epsilon":"0.1"}}"#, true),
        (
            r#"{"measure":"mean","column":"hours_per_week","group_by":["sex"],"accuracy":{"epsilon":"0.1"},
            "where":[{"column":"age","op":"ge","value":30},{"column":"education","op":"in","value":["Masters"]}]}"#,
            true,
        ),
        (r#"{"measure":"mean","column":"salary","accuracy":{"epsilon":"0.1"}}"#, false),
        (r#"{"measure":"count","accuracy":{"epsilon":"1.5"}}"#, false),
        (r#"{"measure":"count","accuracy":{"rho":"0.1"}}"#, false),
    ] {
        let parsed = ask(&world, "census-report", body).expect(body);
        assert_eq!(Query::parse(&parsed.value, domain).is_ok(), passes, "{body}");
    }
}

/// The gate refuses by the head (C003); whatever comes by another way is refused here.
#[test]
fn a_body_is_no_larger_than_its_operation_declares() {
    const FILE: &str = "products-verification.yaml";
    let subject = "subject: {kind: organisation, pointer: /uscc}\n";
    let mut files = demo_files();
    let (_, text) = files.iter_mut().find(|(name, _)| *name == FILE).expect(FILE);
    *text = text.replacen(subject, &format!("{subject}      requestBytesMax: 64B\n"), 1);
    let world = World::parse(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(world.products["company-check"].operations[0].request_bytes_max, Some(64));
    let code = |bytes: usize| {
        let body = format!("{:bytes$}", r#"{"uscc":1}"#);
        ask(&world, "company-check", &body).expect_err("no code of a company").code
    };
    assert_eq!((code(64), code(65)), (Code::C302, Code::C312));
    for (size, fault) in [("0B", "more than 0"), ("2MiB", "at most 1048576"), ("1kB", "KiB")] {
        let faults = demo_with(FILE, subject, &format!("{subject}      requestBytesMax: {size}\n"));
        assert!(faults.iter().any(|found| found.contains(fault)), "{size}: {faults:?}");
    }
    let path = "path: /v1/packages/enterprises.csv\n";
    let package = demo_with("products-data.yaml", path, &format!("{path}      requestBytesMax: 1KiB\n"));
    assert!(package.iter().any(|found| found.contains("has no body")), "{package:?}");
}
