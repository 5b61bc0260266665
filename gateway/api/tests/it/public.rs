//! The public register: what anyone may ask, and what stays untold.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_control::{Caller, Error, Kind, Outcome, Request, Rules};
use shuzha_core::{Code, Id, Role};
use shuzha_products::jurisdiction::{CONTENTS, calendar, pack};
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

pub(crate) fn operator() -> Caller {
    person("sun", "yunze-data", &[Role::Authority, Role::Operator, Role::Pricing])
}

fn registrar(name: &str) -> Caller {
    person(name, "registry-centre", &[Role::Registrar])
}

/// A plane under the rules of Gansu, with the demo's organisations, data sets, product services and products.
pub(crate) fn furnished() -> Plane {
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
    operating(&plane);
    plane
}

/// An operating agreement over all data, deliberated by two persons and signed by both sides.
fn operating(plane: &Plane) {
    let contents = CONTENTS.iter().map(|content| ((*content).to_owned(), "另附".into()));
    let spec = json!({
        "authoriser": "data-bureau", "operator": "yunze-data", "mode": "whole",
        "providers": ["police", "market-regulator", "credit-centre"],
        "window": {"from": "2025-01-01", "until": "2030-01-01"},
        "contents": contents.collect::<serde_json::Map<_, _>>(),
        "ending": {"handOverDays": 10, "destroyDays": 20},
    });
    let authority = |name| person(name, "data-bureau", &[Role::Authority]);
    let name: Id = "yunze-2025".parse().unwrap();
    let (kind, control) = ("OperatingAgreement", &plane.control);
    let mut last = control.put(&authority("wang"), kind, &name, &spec, &Request::default()).unwrap();
    let signs = [(authority("wang"), "submit"), (authority("feng"), "approve"), (authority("wang"), "sign")];
    for (who, verb) in signs.into_iter().chain([(operator(), "sign")]) {
        let expected = last.object.as_ref().map(|object| object.version);
        let request = Request { expected, reason: "审议通过", ..Request::default() };
        last = control.act(&who, kind, &name, verb, &json!({}), &request).unwrap();
    }
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
    pub(crate) fn draft(&self, name: &str, product: &str) {
        let spec = application(product, &format!("企业身份核验 {product}"));
        self.control.put(&operator(), "Registration", &id(name), &spec, &Request::default()).unwrap();
    }

    fn does(&self, who: &Caller, name: &str, verb: &str, body: &Value) {
        let done = self.tries(who, name, verb, body);
        done.unwrap_or_else(|error| panic!("{verb}: {error} {error:?}"));
    }

    fn tries(&self, who: &Caller, name: &str, verb: &str, body: &Value) -> Result<Outcome, Error> {
        let version = self.register.get("Registration", name).unwrap().unwrap().version;
        let request = Request { expected: Some(version), reason: "依规", ..Request::default() };
        self.control.act(who, "Registration", &id(name), verb, body, &request)
    }

    /// The refusal of a submission, which must have changed nothing.
    fn refused(&self, name: &str) -> (Code, String, String) {
        let before = self.register.dump().unwrap();
        let Err(Error::Refused(refusal)) = self.tries(&operator(), name, "submit", &json!({})) else {
            panic!("{name}: not refused")
        };
        assert_eq!(self.register.dump().unwrap(), before);
        (refusal.code, refusal.faults[0].path.clone(), refusal.faults[0].reason.clone())
    }

    /// Takes a draft through acceptance, review and publicity.
    pub(crate) fn certify(&self, name: &str) {
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
        (
            &json!("企业身份核验 company-check"),
            &json!("company-check"),
            &json!("certified"),
            &json!(true),
            &json!(false)
        )
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
fn b14_a_publicity_says_whose_of_what_type_and_from_when_until_when() {
    let plane = furnished();
    plane.draft("company-check-1", "company-check");
    plane.does(&operator(), "company-check-1", "submit", &json!({}));
    plane.does(&registrar("li"), "company-check-1", "accept", &json!({}));
    plane.does(&registrar("li"), "company-check-1", "review", &json!({"passed": true}));
    plane.does(&registrar("chen"), "company-check-1", "approve", &json!({}));
    let item = plane.public("")["items"][0].clone();
    assert_eq!((&item["type"], &item["operator"]["organisation"]), (&json!("product"), &json!("yunze-data")));
    let instant = |field: &str| {
        let text = item["publicity"][field].as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap()
    };
    let days = instant("until").duration_since(instant("from")).as_hours() / 24;
    assert!((10..=30).contains(&days), "ten working days and what holidays lie between: {days}");
    let until = instant("until");
    plane.clock.advance(DAY * 40);
    plane.control.tick().unwrap();
    let item = plane.public("")["items"][0].clone();
    assert_eq!((&item["publicity"], &item["state"]), (&Value::Null, &json!("certified")));
    let from = item["window"]["from"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(from >= until, "certified when the publicity had ended");
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

/// Gansu-R 30(一): what is registered, or being registered, is not registered again.
#[test]
fn b4_nothing_is_registered_twice() {
    let plane = furnished();
    for (name, product) in
        [("first", "company-check"), ("second", "company-check"), ("other", "person-check")]
    {
        plane.draft(name, product);
    }
    plane.does(&operator(), "first", "submit", &json!({}));
    let why = "is that of Registration/first".to_owned();
    assert_eq!(plane.refused("second"), (Code::C1210, "spec.basic.product".to_owned(), why));
    // The same name for another product of the same data sets is the same thing under another label.
    plane.draft("renamed", "licence-check");
    let spec = application("licence-check", "企业身份核验 company-check");
    let version = plane.register.get("Registration", "renamed").unwrap().unwrap().version;
    let request = Request { expected: Some(version), ..Request::default() };
    plane.control.put(&operator(), "Registration", &id("renamed"), &spec, &request).expect("still a draft");
    assert_eq!(plane.refused("renamed").1, "spec.basic.name");
    plane.does(&operator(), "other", "submit", &json!({}));

    plane.does(&registrar("li"), "first", "accept", &json!({}));
    plane.does(&registrar("li"), "first", "review", &json!({"passed": true}));
    plane.does(&registrar("chen"), "first", "approve", &json!({}));
    plane.clock.advance(DAY * 40);
    plane.control.tick().unwrap();
    let code = plane.public("")["items"][0]["code"].as_str().unwrap().to_owned();
    let (_, _, reason) = plane.refused("second");
    assert_eq!(
        reason,
        format!("is that of {code} (Registration)"),
        "the certificate's code, and nothing more"
    );
    plane.does(
        &registrar("chen"),
        "first",
        "revoke",
        &json!({"ground": "fraud", "evidence": "ef".repeat(32)}),
    );
    plane.does(&operator(), "second", "submit", &json!({}));
}

/// Gansu-R 30(二)(三): the registrar refuses what is disputed or falsely stated, and says so.
#[test]
fn b4_disputed_ownership_and_false_statements_are_grounds_of_refusal() {
    let plane = furnished();
    for (name, product, ground) in [
        ("a", "company-check", "disputed"),
        ("b", "person-check", "false-statement"),
        ("c", "seal-check", "duplicate"),
    ] {
        plane.draft(name, product);
        plane.does(&operator(), name, "submit", &json!({}));
        plane.does(&registrar("li"), name, "accept", &json!({}));
        plane.does(&registrar("li"), name, "review", &json!({"passed": false}));
        let unheard = plane.tries(&registrar("chen"), name, "reject", &json!({"ground": "dislike"}));
        assert_eq!(unheard.expect_err("no such ground").code(), Code::C1002);
        plane.does(&registrar("chen"), name, "reject", &json!({"ground": ground}));
        let state = plane.register.get("Registration", name).unwrap().unwrap().state.unwrap();
        assert_eq!(state.name, "rejected");
        assert_eq!(serde_json::from_str::<Value>(&state.json).unwrap()["ground"], ground);
    }
}

/// Gansu-R 31: natural persons, legal entities and others object to what is publicised or registered, by name and with
/// proof; what they do not see otherwise, they do not see for that.
#[test]
fn b6_anyone_with_an_account_objects_and_sees_the_public_part_only() {
    let plane = furnished();
    plane.draft("company-check-1", "company-check");
    let path = "/api/v1/registrations/company-check-1";
    let object =
        |person: &str, body: &Value| plane.by(person, "POST", &format!("{path}:object")).json(body).send();
    let proof = json!({"reason": "该数据由本单位提供", "proof": "cd".repeat(32)});
    plane.does(&operator(), "company-check-1", "submit", &json!({}));
    object("subject", &proof).expect(404).refused("C1003");
    plane.does(&registrar("li"), "company-check-1", "accept", &json!({}));
    plane.does(&registrar("li"), "company-check-1", "review", &json!({"passed": true}));
    plane.does(&registrar("chen"), "company-check-1", "approve", &json!({}));

    let publicised = plane.public("")["items"][0].clone();
    assert_eq!(
        (&publicised["state"], &publicised["code"], &publicised["valid"]),
        (&json!("publicity"), &Value::Null, &json!(false))
    );
    let shown = &publicised["publicity"];
    assert_eq!(
        (&shown["matter"], &shown["title"], &shown["abstract"]),
        (&json!("first"), &json!("企业身份核验 company-check"), &json!("核验。")),
        "kind, name, abstract; and the registrant beside them"
    );
    assert_eq!(publicised["operator"]["organisation"], "yunze-data");

    for person in ["subject", "lender", "root"] {
        plane.by(person, "GET", path).send().expect(404).refused("C1003");
        object(person, &json!({"reason": "无证明"})).expect(422).refused("C1002");
        object(person, &json!({"proof": "cd".repeat(32)})).expect(422).refused("C1002");
        let answer = object(person, &proof).expect(200).json();
        assert_eq!((&answer["object"], &answer["consequences"]["losing"]), (&Value::Null, &json!([])));
    }
    // Whoever decides on it does not object to it, and nobody signs on without a name.
    object("registrar", &proof).expect(403).refused("C1104");
    plane.ask("POST", &format!("{path}:object")).json(&proof).send().expect(401);
    assert_eq!(plane.public("")["items"][0]["objected"], true);
    // The registrar sees who objected; the objection holds the certificate back until it is resolved.
    let history = plane.by("registrar", "GET", &format!("{path}/history?limit=2")).send().expect(200).json();
    assert_eq!(history["items"][0]["by"]["account"], "root");
    plane.clock.advance(DAY * 40);
    plane.control.tick().unwrap();
    assert_eq!(plane.public("")["items"][0]["code"], Value::Null);
    for number in 1..=3 {
        let resolved = json!({"objection": number, "outcome": "uphold"});
        plane.does(&registrar("chen"), "company-check-1", "resolve-objection", &resolved);
    }
    assert_eq!(plane.public("")["items"][0]["state"], "certified");
    // Afterwards as well; without a version only where the verb is the public's.
    let (stranger, authority) =
        (person("subject", "people", &[Role::DataSubject]), person("wang", "bureau", &[Role::Authority]));
    let unversioned = |who: &Caller, verb: &str, body: &Value| {
        let request = Request { reason: "依规", ..Request::default() };
        plane.control.act(who, "Registration", &id("company-check-1"), verb, body, &request)
    };
    let objected = unversioned(&stranger, "object", &json!({"proof": "ce".repeat(32)})).expect("objected");
    assert!(objected.object.is_none() && objected.consequences == shuzha_control::Consequences::default());
    let refused = unversioned(&authority, "suspend", &json!({})).expect_err("a version is needed");
    assert_eq!(refused.code(), Code::C1006);
}
