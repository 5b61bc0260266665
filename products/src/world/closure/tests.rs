//! A closure holds what an object refers to, and no more.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shuzha_core::Id;

use crate::World;
use shuzha_core::Fault;

type Register = BTreeMap<(&'static str, &'static str), Value>;

fn register() -> Register {
    BTreeMap::from([
        (("Organisation", "bank"), json!({"kind": "unit", "uscc": "91350100M000100Y43", "name": "某银行"})),
        (("ApplicationUnit", "bank-a"), json!({"organisation": "bank", "securityOfficer": "负责人"})),
        (("ApplicationUnit", "bank-b"), json!({"organisation": "nobody", "securityOfficer": "负责人"})),
        (("PersonSpace", "people"), json!({"measure": "rho", "cap": "1"})),
    ])
}

fn read(kind: &str, name: &str, spec: &Value) -> (Result<World, Vec<Fault>>, Vec<String>) {
    let register = register();
    let mut asked = Vec::new();
    let mut fetch = |kind: &'static str, name: &Id| {
        asked.push(format!("{kind}/{name}"));
        register.get(&(kind, name.as_str())).cloned()
    };
    let name: Id = name.parse().expect("a name");
    let world = World::read_closure(kind, &name, spec, &mut fetch);
    (world, asked)
}

fn faults(kind: &str, spec: &Value) -> Vec<(String, String)> {
    let faults = read(kind, "x", spec).0.expect_err("faults");
    faults.into_iter().map(|fault| (fault.path, fault.reason)).collect()
}

fn scenario(unit: &str) -> Value {
    let window = json!({"from": "2026-01-01", "until": "2027-01-01"});
    json!({"unit": unit, "purpose": "industry", "title": "授信", "window": window, "approved": true})
}

#[test]
fn exactly_what_is_referred_to_is_fetched_once() {
    let (world, asked) = read("Scenario", "credit", &scenario("bank-a"));
    let world = world.expect("a world");
    assert_eq!(asked, ["ApplicationUnit/bank-a", "Organisation/bank"]);
    assert_eq!((world.scenarios.len(), world.units.len(), world.organisations.len()), (1, 1, 1));
}

#[test]
fn all_faults_are_told_with_their_paths_and_those_of_others_at_the_whole() {
    let mut spec = scenario("bank-c");
    spec["extra"] = json!(1);
    spec["approved"] = json!("yes");
    let paths: Vec<_> = faults("Scenario", &spec).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["spec.extra", "spec.unit", "spec.approved"]);
    let [(path, reason)] = &faults("Scenario", &scenario("bank-b"))[..] else { panic!("one fault") };
    assert_eq!(path, "");
    assert_eq!(reason, "ApplicationUnit/bank-b spec.organisation: there is no Organisation named `nobody`");
    assert_eq!(faults("Nothing", &json!({}))[0].0, "kind");
}

/// `DataSet` → `Scenario` is the only reference against the grain; a data set in its own quotas cannot be written, so
/// the guard is shown on the pieces.
#[test]
fn what_cannot_be_a_document_is_refused() {
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    assert!(faults("PersonSpace", &json!({ "measure": deep }))[0].1.contains("nested deeper"));
    let big = json!({"measure": "rho", "cap": 18_446_744_073_709_551_615_u64});
    assert!(faults("PersonSpace", &big)[0].1.contains("out of range"));
    let many = json!({ "measure": vec![0; 100_001] });
    assert!(faults("PersonSpace", &many)[0].1.contains("more than"));
}
