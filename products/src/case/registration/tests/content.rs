//! Whole applications as JSON, through the erased kind.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::case::{CaseKind, Subject};
use crate::yaml::{Faults, Place, parse, split};
use shuzha_core::Fault;

fn attachment(name: &str) -> Value {
    json!({"name": name, "bytes": 1024, "sha256": "ab".repeat(32)})
}

/// An application with every field there is for a product.
fn product() -> Value {
    let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
    let uscc = "91350100M000100Y43";
    json!({
        "basic": {
            "name": "个人身份核验", "type": "product", "class": "一般数据", "industry": "公共管理", "areas": ["云泽市"],
            "abstract": "核验姓名与证件号码是否一致。", "tags": ["核验"], "firstDelivery": "2025-09-01",
            "product": "person-check", "form": "verification", "resourceName": "人口基础信息",
            "resourceCode": "DJ-20250101-PEOPLE-0", "authorised": window, "purpose": "开户时核验身份",
        },
        "agency": {"principal": "某机构", "code": uscc, "window": window, "contract": attachment("委托书.pdf")},
        "storage": {
            "origin": "履职产生", "structure": "结构化", "format": "接口", "method": "数据库", "initialVolume": "1 TB",
            "updateFrequency": "每日", "updateMethod": "增量", "growth": "1 GB/月", "subjects": "个人", "coverage": "全市",
            "sensitive": true, "masked": true, "masking": "只答是否一致", "evidenceMethod": "哈希存证",
            "evidenceNote": "存证于本平台", "evidence": attachment("存证.pdf"),
        },
        "scenario": {"conditions": "经本人授权", "scope": "本市", "audience": "银行", "problems": "冒名开户"},
        "sharing": {"type": "conditional", "conditions": "部门申请", "method": "接口", "open": false, "openConditions": "不开放"},
        "coOwners": [{"name": "某局", "code": uscc, "nature": "机关", "place": "云泽市", "authorisation": attachment("授权书.pdf")}],
        "lawfulSource": {"proofs": [attachment("来源说明.pdf")], "pledged": true},
        "catalogue": {"fromExisting": true, "reference": "目录 1"},
        "attachments": [attachment("其他.pdf")],
    })
}

fn resource() -> Value {
    let mut spec = product();
    let basic = spec["basic"].as_object_mut().expect("a mapping");
    for key in ["product", "form", "resourceName", "resourceCode", "authorised", "purpose"] {
        basic.remove(key);
    }
    let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
    basic.insert("type".to_owned(), json!("resource"));
    basic.insert("dataSet".to_owned(), json!("population"));
    basic.insert("covers".to_owned(), window.clone());
    basic.insert(
        "operation".to_owned(),
        json!({"operator": "某运营", "code": "91350100M000100Y43", "window": window}),
    );
    basic.insert("securityAssessment".to_owned(), attachment("评估.pdf"));
    spec
}

/// The demo world's objects as a register has them.
fn register() -> BTreeMap<(String, String), Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples/demo");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the demo folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        for document in split("demo", &text) {
            let json = parse(&document).expect("YAML").value.to_json();
            let word = |value: &Value| value.as_str().expect("a word").to_owned();
            found.insert((word(&json["kind"]), word(&json["metadata"]["name"])), json["spec"].clone());
        }
    }
    found
}

/// Faults of `spec`, as paths.
fn faults(register: &BTreeMap<(String, String), Value>, spec: &Value) -> Vec<Fault> {
    let name = Id::new("person-check-1").expect("a name");
    let mut fetch =
        |kind: &'static str, name: &Id| register.get(&(kind.to_owned(), name.as_str().to_owned())).cloned();
    let kind = CaseKind::find("registrations").expect("a kind of case");
    kind.read(&mut Subject { name: &name, spec, fetch: &mut fetch }).err().unwrap_or_default()
}

/// Every way to leave one field out.
fn without(value: &Value) -> Vec<(String, Value)> {
    match value {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (key, inner) in fields {
                let mut fewer = fields.clone();
                fewer.remove(key);
                all.push((key.clone(), Value::Object(fewer)));
                for (path, changed) in without(inner) {
                    let mut other = fields.clone();
                    other.insert(key.clone(), changed);
                    all.push((format!("{key}.{path}"), Value::Object(other)));
                }
            }
            all
        }
        Value::Array(items) if items.len() == 1 => {
            let wrap = |(path, changed)| (format!("[0].{path}"), Value::Array(vec![changed]));
            without(&items[0]).into_iter().map(wrap).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn b1_everything_the_articles_ask_for_is_recorded_and_its_absence_told() {
    let register = register();
    let schema: Value = serde_json::from_str(Registration::SCHEMA).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let mut optional = Vec::new();
    for spec in [product(), resource()] {
        assert_eq!(faults(&register, &spec), []);
        assert!(schema.is_valid(&spec), "{:?}", schema.iter_errors(&spec).next());
        for (path, fewer) in without(&spec) {
            let found = faults(&register, &fewer);
            assert_eq!(
                found.is_empty(),
                schema.is_valid(&fewer),
                "schema and reader differ without {path}: {found:?}"
            );
            if found.is_empty() {
                optional.push(path);
            }
        }
    }
    optional.sort();
    optional.dedup();
    let expected = [
        "agency",
        "attachments",
        "basic.operation",
        "catalogue.reference",
        "coOwners",
        "sharing.method",
        "sharing.openConditions",
        "storage.evidenceNote",
    ];
    assert_eq!(optional, expected);
}

#[test]
fn b1_every_fault_is_told_at_once_with_its_path() {
    let mut spec = product();
    spec["basic"]["product"] = json!("nobody");
    spec["basic"]["dataSet"] = json!("population");
    spec["storage"]["masked"] = json!(false);
    spec["storage"]["evidence"]["bytes"] = json!((10 << 20) + 1);
    spec["scenario"]["scope"] = json!("长".repeat(1_400));
    spec["lawfulSource"]["pledged"] = json!(false);
    spec["coOwners"][0]["code"] = json!("91350100M000100Y44");
    spec["attachments"][0]["sha256"] = json!("AB".repeat(32));
    spec["more"] = json!(1);
    let found = faults(&register(), &spec);
    let mut paths: Vec<_> = found.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "spec.attachments[0].sha256",
        "spec.basic.dataSet",
        "spec.basic.product",
        "spec.coOwners[0].code",
        "spec.lawfulSource.pledged",
        "spec.more",
        "spec.scenario.scope",
        "spec.storage.evidence.bytes",
        "spec.storage.masking",
    ];
    assert_eq!(paths, expected, "{found:#?}");
}

/// From a draft to the certificate that the gate sees, by verbs as they are received.
#[test]
fn b2_an_application_becomes_a_certificate() {
    let register = register();
    let (name, spec, rules, actor) =
        (Id::new("person-check-1").expect("a name"), product(), pack("gansu").expect("a pack"), actor());
    let mut fetch =
        |kind: &'static str, name: &Id| register.get(&(kind.to_owned(), name.as_str().to_owned())).cloned();
    let kind = CaseKind::find("Registration").expect("a kind of case");
    let mut subject = Subject { name: &name, spec: &spec, fetch: &mut fetch };
    let at = |text| act(&rules, &actor, day(text));
    let mut outcome = kind.open(&mut subject, &at("2025-09-25")).expect("opened");
    assert!(outcome.editable && outcome.in_force.is_empty());
    for (verb, body, expected) in [
        ("submit", json!({}), "submitted"),
        ("return", json!({"missing": ["授权委托书"], "reason": "材料不齐"}), "returned"),
        ("submit", json!({"content": product()}), "submitted"),
        ("accept", json!({"reason": "齐全", "attachments": []}), "accepted"),
        ("review", json!({"passed": true, "reason": "属实"}), "in-review"),
        ("approve", json!({}), "publicity"),
    ] {
        outcome = kind.act(&mut subject, &outcome.state, verb, &body, &at("2025-09-28")).expect(verb);
        assert_eq!((outcome.state_name, outcome.editable), (expected, false));
    }
    let state = outcome.state;
    let outcome =
        kind.passed(&mut subject, &state, "publicity", &at("2025-10-22")).expect("acts").expect("certified");
    assert_eq!(outcome.state_name, "certified");
    let certificate = &outcome.in_force[0];
    let node = crate::yaml::Node::from_json(&certificate.spec).expect("a tree");
    let faults = Faults::default();
    let place = Place::root(&node, "", "", &faults);
    let window =
        place.section(&[&["product", "code", "window"]]).and_then(|section| section.required("window"));
    assert_eq!(window.and_then(|place| place.window()).map(|window| window.from()), Some(day("2025-10-22")));
    for (verb, body) in [
        ("reject", json!({"ground": "because"})),
        ("object", json!({"proof": "x"})),
        ("resolve-objection", json!({"objection": 0, "outcome": "maybe"})),
        ("change", json!({})),
        ("approve", json!({"more": 1})),
    ] {
        let refused = kind.act(&mut subject, &state, verb, &body, &at("2025-10-22")).expect_err(verb);
        assert_eq!(refused.code, Code::C1002, "{verb}");
        assert!(!refused.faults.is_empty());
    }
}

#[test]
fn the_schemas_of_verbs_are_schemas() {
    for verb in VERBS {
        let schema: Value =
            serde_json::from_str(verb.schema).unwrap_or_else(|error| panic!("{}: {error}", verb.name));
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{}: {error}", verb.name));
    }
}
