//! The public register: what anyone may ask, and what stays untold.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_control::{Caller, Kind, Request, Rules};
use shuzha_core::{Id, Role};
use shuzha_products::jurisdiction::{calendar, pack};
use shuzha_products::world::documents;

use crate::plane::Plane;

const DAY: Duration = Duration::from_secs(86_400);

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn person(name: &str, organisation: &str, roles: &[Role]) -> Caller {
    Caller {
        account: id(name),
        organisation: id(organisation),
        roles: roles.to_vec(),
        withheld: Vec::new(),
        read_only: false,
        by_token: false,
    }
}

fn operator() -> Caller {
    person("sun", "yunze-data", &[Role::Authority, Role::Operator, Role::Pricing])
}

fn registrar(name: &str) -> Caller {
    person(name, "registry-centre", &[Role::Registrar])
}

/// A plane under the rules of Gansu, with the demo's organisations, data sets, product services and products.
fn furnished() -> Plane {
    let plane = Plane::new();
    let rules = Rules { jurisdiction: pack("gansu").unwrap(), calendar: calendar().clone() };
    plane.control.set_rules(rules).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let files = ["organisations", "data-sets", "upstreams", "products-verification"].map(|name| {
        let text = std::fs::read_to_string(format!("{folder}/{name}.yaml")).unwrap();
        (name, text)
    });
    let kinds: Vec<_> = Kind::all().map(|kind| kind.name()).collect();
    let mut found = documents(&files, &kinds).unwrap();
    found.sort_by_key(|document| kinds.iter().position(|kind| *kind == document.kind));
    for document in found {
        // Its quota names a scenario that nobody has approved here.
        if document.name.as_str() != "census" {
            let request = Request::default();
            plane.control.put(&operator(), document.kind, &document.name, &document.spec, &request).unwrap();
        }
    }
    plane
}

fn attachment(name: &str) -> Value {
    json!({"name": name, "bytes": 1_024, "sha256": "ab".repeat(32)})
}

fn application(product: &str, title: &str) -> Value {
    let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
    json!({
        "basic": {
            "name": title, "type": "product", "class": "一般数据", "industry": "市场监管", "areas": ["云泽市"],
            "abstract": "核验。", "tags": ["核验"], "firstDelivery": "2026-01-20", "product": product, "form": "verification",
            "resourceName": "企业登记信息", "resourceCode": "DJ-20250101-ENTERPRISES-0", "authorised": window,
            "purpose": "不公开的用途说明",
        },
        "storage": {
            "origin": "履职产生", "structure": "结构化", "format": "接口", "method": "数据库", "initialVolume": "1 GB",
            "updateFrequency": "每日", "updateMethod": "增量", "growth": "10 MB/月", "subjects": "企业", "coverage": "全市",
            "sensitive": false, "masked": false, "evidenceMethod": "哈希存证", "evidenceNote": "存证于本平台",
            "evidence": attachment("存证.pdf"),
        },
        "scenario": {"conditions": "签订授权协议", "scope": "本市", "audience": "银行", "problems": "冒名开户"},
        "sharing": {"type": "conditional", "conditions": "部门申请", "method": "接口", "open": false, "openConditions": "不开放"},
        "lawfulSource": {"proofs": [attachment("来源说明.pdf")], "pledged": true},
        "catalogue": {"fromExisting": true, "reference": "目录 1"},
    })
}

impl Plane {
    fn draft(&self, name: &str, product: &str) {
        let spec = application(product, "企业身份核验");
        self.control.put(&operator(), "Registration", &id(name), &spec, &Request::default()).unwrap();
    }

    fn does(&self, who: &Caller, name: &str, verb: &str, body: &Value) {
        let version = self.register.get("Registration", name).unwrap().unwrap().version;
        let request = Request { expected: Some(version), reason: "依规", ..Request::default() };
        let done = self.control.act(who, "Registration", &id(name), verb, body, &request);
        done.unwrap_or_else(|error| panic!("{verb}: {error} {error:?}"));
    }

    /// Takes a draft through acceptance, review and publicity.
    fn certify(&self, name: &str) {
        let none = json!({});
        self.does(&operator(), name, "submit", &none);
        self.does(&registrar("li"), name, "accept", &none);
        self.does(&registrar("li"), name, "review", &json!({"passed": true}));
        self.does(&registrar("chen"), name, "approve", &none);
        self.clock.advance(DAY * 40);
        self.control.tick().unwrap();
    }

    fn public(&self, query: &str) -> Value {
        let answer = self.ask("GET", &format!("/api/v1/public/registrations{query}")).send().expect(200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
        answer.json()
    }
}

#[test]
fn b10_anyone_checks_a_certificate_by_its_code() {
    let plane = furnished();
    plane.draft("company-check-1", "company-check");
    assert_eq!(plane.public(""), json!({"items": [], "next": null}), "an application is nobody's business");
    plane.certify("company-check-1");
    let listed = plane.public("");
    let item = &listed["items"][0];
    assert_eq!(
        (&item["title"], &item["product"], &item["state"], &item["valid"], &item["objected"]),
        (&json!("企业身份核验"), &json!("company-check"), &json!("certified"), &json!(true), &json!(false))
    );
    assert_eq!(item["operator"]["organisation"], "yunze-data");
    assert!(!listed.to_string().contains("用途说明") && !listed.to_string().contains("sun"), "{listed}");

    let code = item["code"].as_str().unwrap().to_owned();
    let check = |code: &str| plane.ask("GET", &format!("/api/v1/public/certificates/{code}")).send();
    let checked = check(&code).expect(200);
    assert_eq!(checked.header("cache-control"), Some("public, max-age=60"));
    assert_eq!(&checked.json(), item);
    // Another day or check character, another name, no code at all: on no certificate.
    for wrong in [code.replace("DJ-2026", "DJ-2025"), code.replace("COMPANY", "COMPANZ"), "DJ".to_owned()] {
        let refused = check(&wrong).expect(404).refused("C1003");
        assert_eq!(refused.header("cache-control"), Some("no-store"));
    }
    plane.ask("POST", "/api/v1/public/registrations").json(&json!({})).send().expect(405);
    plane.ask("GET", "/api/v1/registrations").send().expect(401);
}

#[test]
fn b10_what_has_become_of_a_certificate_is_told() {
    let plane = furnished();
    plane.draft("company-check-1", "company-check");
    plane.certify("company-check-1");
    let name = "company-check-1";
    let item = || plane.public("")["items"][0].clone();
    // Of those who may object, who sees every registration.
    let objector = person("qian", "audit-office", &[Role::Auditor]);
    plane.does(&objector, name, "object", &json!({"proof": "cd".repeat(32)}));
    assert_eq!((&item()["objected"], &item()["valid"]), (&json!(true), &json!(true)), "marked, and in force");
    let resolved = json!({"objection": 1, "outcome": "uphold"});
    plane.does(&registrar("chen"), name, "resolve-objection", &resolved);
    assert_eq!(item()["objected"], false);
    plane.does(&registrar("chen"), name, "suspend", &json!({}));
    assert_eq!((&item()["state"], &item()["valid"]), (&json!("suspended"), &json!(false)));
    plane.does(&registrar("chen"), name, "resume", &json!({}));
    // Past its term it is good for nothing, before anybody has looked at the clock.
    plane.clock.advance(DAY * 365 * 3);
    assert_eq!((&item()["state"], &item()["valid"]), (&json!("certified"), &json!(false)));
    plane.does(&registrar("chen"), name, "revoke", &json!({"ground": "fraud", "evidence": "ef".repeat(32)}));
    assert_eq!(item()["state"], "revoked");
}

#[test]
fn b10_the_public_list_is_paged_and_bounded() {
    let plane = furnished();
    for (name, product) in [("a", "company-check"), ("c", "person-check"), ("e", "licence-check")] {
        plane.draft(name, product);
        plane.certify(name);
    }
    plane.draft("b", "seal-check");
    let names = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["name"].to_string()).collect()
    };
    let first = plane.public("?limit=2");
    assert_eq!((names(&first), &first["next"]), (vec!["\"a\"".to_owned(), "\"c\"".to_owned()], &json!("c")));
    let second = plane.public("?limit=2&cursor=c");
    assert_eq!((names(&second), &second["next"]), (vec!["\"e\"".to_owned()], &Value::Null));
    let refused = plane.ask("GET", "/api/v1/public/registrations?limit=201&q=x").send().expect(400);
    assert_eq!(refused.faults(), ["?limit", "?q"]);
}
