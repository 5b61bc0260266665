//! Consents: a person's own, given, narrowed, listed, taken back; nobody else's.

mod uses;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shuzha_control::consents::ConsentGate as _;
use shuzha_core::{Code, OsRng, Role};
use shuzha_privacy::blind::{self, Blinded};
use shuzha_privacy::consent::{self, Algorithm, Claims, Issuers};
use shuzha_privacy::subject::{CanonicalId, IdKind, Pseudonym};
use shuzha_testkit_control::id;

use crate::client::Answer;
use crate::people::People;
use crate::plane::{NOW, Plane};

/// Persons who do not exist (the worked examples of GB 11643).
const ID: &str = "11010519491231002X";
const OTHER_ID: &str = "440524188001010014";

/// A plane with two bound persons, a scenario and a product.
fn plane() -> Plane {
    let plane = Plane::new();
    plane.person("zhang", "people", &[Role::DataSubject]);
    plane.person("chen", "people", &[Role::DataSubject]);
    for (account, id) in [("zhang", ID), ("chen", OTHER_ID)] {
        bind(&plane, "root", account, id);
    }
    plane
}

/// Asked for by the administrator, and confirmed by the registrar.
fn bind(plane: &Plane, by: &str, account: &str, id: &str) {
    let asked = ask_to_bind(plane, by, account, id).expect(202).json();
    let path = format!("/api/v1/account-requests/{}:confirm", asked["request"]["name"].as_str().unwrap());
    let done = plane.by("registrar", "POST", &path).json(&json!({})).send().expect(200).json();
    assert_eq!((&done["request"]["state"], &done["code"]), (&json!("confirmed"), &Value::Null));
}

fn ask_to_bind(plane: &Plane, by: &str, account: &str, id: &str) -> Answer {
    let body = json!({"account": account, "idNumber": id});
    plane.by(by, "POST", "/api/v1/consent-holders").json(&body).send()
}

#[test]
fn d3_an_account_is_bound_once_by_another_and_only_to_a_real_number() {
    let plane = plane();
    ask_to_bind(&plane, "root", "zhang", ID).refused("C1504");
    ask_to_bind(&plane, "root", "zhang", OTHER_ID).refused("C1504");
    ask_to_bind(&plane, "root", "root", ID).refused("C1105");
    ask_to_bind(&plane, "wang", "subject", ID).refused("C1104");
    ask_to_bind(&plane, "root", "bank", ID).refused("C1002");
    ask_to_bind(&plane, "root", "nobody", ID).refused("C1002");
    for wrong in
        ["11010519491231002x", "１１０１０５１９４９１２３１００２X", "110105490101002", "110105194912310021"]
    {
        let refused = ask_to_bind(&plane, "root", "subject", wrong).refused("C1002");
        assert!(!String::from_utf8_lossy(&refused.body).contains(wrong), "the number is shown again");
    }
    plane.by("subject", "GET", "/api/v1/consents").send().refused("C1501");
    plane.by("bank", "GET", "/api/v1/consents").send().refused("C1104");
    plane.ask("GET", "/api/v1/consents").send().refused("C1101");
}

/// What zhang allows the bank.
fn wanted() -> Value {
    json!({
        "idNumber": ID, "unit": "bank", "scenario": "bank-onboarding", "products": ["person-check", "income-check"],
        "fields": ["/result", "/level"], "actions": ["verify"], "usesMax": 5, "until": "2026-03-01T00:00:00+08:00",
        "notice": "person-check@1", "noticeHash": "A".repeat(43), "basis": "separate_consent", "sensitive": true,
    })
}

fn give(plane: &Plane, person: &str, body: &Value) -> Answer {
    plane.by(person, "POST", "/api/v1/consents").json(body).send()
}

fn given(plane: &Plane) -> Value {
    give(plane, "zhang", &wanted()).expect(201).json()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().expect(key)
}

fn platform() -> Issuers {
    let (signer, mut issuers) = (People::signer(), Issuers::new());
    issuers.register(signer.kid(), signer.issuer(), Algorithm::EdDsa, &signer.public_key()).unwrap();
    issuers
}

#[test]
fn d1_a_consent_is_given_as_asked_and_the_gate_would_take_it() {
    let plane = plane();
    let given = given(&plane);
    let token = consent::verify(text(&given, "token"), &platform(), "shuzha", NOW).unwrap();
    assert_eq!((token.unit.as_str(), token.purpose.as_str(), token.uses_max), ("bank", "industry", 5));
    let person = CanonicalId::new(IdKind::Person, ID).unwrap();
    assert_eq!(token.subject, plane.people.pseudonym(&id("bank"), &id("bank-onboarding"), &person));
    let receipt = consent::verify_receipt(text(&given, "receipt"), &platform()).unwrap();
    assert_eq!((receipt.consent.as_str(), receipt.pii_controller.as_str()), (text(&given, "id"), "bank"));
    let path = format!("/api/v1/consents/{}", text(&given, "id"));
    let shown = plane.by("zhang", "GET", &path).send().expect(200).json();
    assert_eq!(
        (&shown["live"], &shown["withdrawn"], &shown["usesMax"]),
        (&json!(true), &json!(null), &json!(5))
    );
    let receipts = plane.by("zhang", "GET", &format!("{path}/receipts")).send().expect(200).json();
    assert_eq!(receipts, json!({"given": given["receipt"], "withdrawn": null}));
}

/// Issue 14, section 4: a consent to one blinded use could be issued by no program that ships. The service makes the element
/// anew out of the person's own number: an element of somebody else's entry is not signed for, whoever shows it.
#[test]
fn e5_a_blinded_consent_is_given_for_ones_own_entry_only() {
    let plane = plane();
    let blinded = |number: &str, name: &str| {
        let entry = blind::entry(&[number, name]).unwrap();
        Blinded::new(entry, &OsRng).unwrap()
    };
    let shown = |of: &Blinded, name: &str| {
        let state = URL_SAFE_NO_PAD.encode(of.scalar());
        json!({"element": of.element().to_string(), "parts": [name], "state": state})
    };
    let body = |blinded: Value| {
        let mut body = wanted();
        body["blinded"] = blinded;
        body
    };
    let own = blinded(ID, "张三");
    let given = give(&plane, "zhang", &body(shown(&own, "张三"))).expect(201).json();
    let token = consent::verify(text(&given, "token"), &platform(), "shuzha", NOW).unwrap();
    assert_eq!(token.check_subject_is_element(), Ok(()));
    assert_eq!(token.subject, Pseudonym::of_blinded(&id("bank"), &id("bank-onboarding"), own.element()));

    let others = blinded(OTHER_ID, "李四");
    let mut swapped = shown(&own, "张三");
    swapped["element"] = others.element().to_string().into();
    let mut damaged = shown(&own, "张三");
    damaged["state"] = "A".repeat(43).into();
    for (wrong, why) in [
        (shown(&others, "李四"), "another person's entry"),
        (shown(&own, "李四"), "another name than the element has"),
        (swapped, "another's element under one's own secret"),
        (damaged, "no secret"),
    ] {
        let refused = give(&plane, "zhang", &body(wrong)).refused("C1002");
        let answer = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(
            answer.contains("blinded.") && !answer.contains("李四") && !answer.contains(ID),
            "{why}: {answer}"
        );
    }
    // And nobody's for another, as without blinding.
    give(&plane, "chen", &body(shown(&own, "张三"))).refused("C1502");
}

/// D2: the same codes as at use, and nothing is kept of it.
#[test]
fn d2_blanket_and_open_ended_consents_are_not_given() {
    let plane = plane();
    let rows: [(&str, Value, &str); 16] = [
        ("/products", json!(["*"]), "C409"),
        ("/products", json!(["person-check", "*"]), "C409"),
        ("/products", json!([]), "C409"),
        ("/products", json!(["person-check", "a", "b", "c", "d", "e"]), "C1002"),
        ("/fields", json!(["/*"]), "C409"),
        ("/fields", json!(["*"]), "C409"),
        ("/actions", json!([]), "C409"),
        ("/usesMax", json!(null), "C409"),
        ("/usesMax", json!(0), "C409"),
        ("/usesMax", json!(10_001), "C409"),
        ("/until", json!(null), "C409"),
        ("/until", json!("2027-01-01"), "C409"),
        ("/until", json!("2026-01-01"), "C402"),
        ("/basis", json!("consent"), "C409"),
        ("/noticeHash", json!("short"), "C402"),
        ("/products", json!(["no-such-product"]), "C1002"),
    ];
    for (pointer, value, code) in rows {
        let mut body = wanted();
        if value.is_null() {
            body.as_object_mut().unwrap().remove(&pointer[1..]);
        } else {
            *body.pointer_mut(pointer).unwrap() = value;
        }
        assert_eq!(give(&plane, "zhang", &body).code(), code, "{pointer} {body}");
    }
    for (pointer, value) in [("/unit", "lender"), ("/scenario", "bank-marketing")] {
        let mut body = wanted();
        *body.pointer_mut(pointer).unwrap() = json!(value);
        give(&plane, "zhang", &body).refused("C1002");
    }
    let listed = plane.by("zhang", "GET", "/api/v1/consents").send().expect(200).json();
    assert_eq!(listed["items"], json!([]));
}

#[test]
fn d3_a_person_deals_with_their_own_consents_only() {
    let plane = plane();
    let mut others = wanted();
    others["idNumber"] = json!(OTHER_ID);
    give(&plane, "zhang", &others).refused("C1502");
    give(&plane, "subject", &wanted()).refused("C1501");
    give(&plane, "bank", &wanted()).refused("C1104");
    let given = given(&plane);
    let path = format!("/api/v1/consents/{}", text(&given, "id"));
    for (method, suffix) in
        [("GET", ""), ("GET", "/receipts"), ("GET", "/uses"), ("POST", ":withdraw"), ("POST", ":narrow")]
    {
        let path = format!("{path}{suffix}");
        let ask = |person: &str| {
            let ask = plane.by(person, method, &path);
            if method == "POST" { ask.json(&json!({})).send() } else { ask.send() }
        };
        ask("chen").expect(404).refused("C1003");
        ask("wang").refused("C1104");
    }
    let listed = plane.by("chen", "GET", "/api/v1/consents").send().expect(200).json();
    assert_eq!(listed, json!({"items": [], "next": null}));
    plane.by("chen", "POST", "/api/v1/consents:withdraw").json(&json!({})).send().expect(200);
    assert!(plane.people.withdrawn.lock().unwrap().is_empty());
    let readonly = plane.token("zhang", "reader", &[Role::DataSubject], true);
    let ask = plane.ask("POST", &format!("{path}:withdraw"));
    let ask = ask.header("authorization", &format!("Bearer {readonly}"));
    ask.json(&json!({})).send().refused("C1106");
}

#[test]
fn d1_a_consent_is_narrowed_and_never_widened() {
    let plane = plane();
    let given = given(&plane);
    let path = format!("/api/v1/consents/{}", text(&given, "id"));
    let narrow = |body: &Value| plane.by("zhang", "POST", &format!("{path}:narrow")).json(body).send();
    let less = json!({"products": ["person-check"], "usesMax": 1, "until": "2026-02-02T20:00:00+08:00"});
    let child = narrow(&less).expect(201).json();
    let token = consent::verify(text(&child, "token"), &platform(), "shuzha", NOW).unwrap();
    let parent = token.parent.expect("it names its parent");
    assert_eq!((parent.jti.as_str(), parent.max, token.uses_max), (text(&given, "id"), 5, 1));
    for wider in [
        json!({"usesMax": 6}),
        json!({"products": ["company-check"]}),
        json!({"fields": ["/income"]}),
        json!({"until": "2026-03-02"}),
    ] {
        narrow(&wider).refused("C411");
    }
    let again = format!("/api/v1/consents/{}:narrow", text(&child, "id"));
    plane.by("zhang", "POST", &again).json(&json!({})).send().refused("C411");
}

/// D3: at once for the gate, with a receipt, for outsiders by the status list; what was derived goes along; for good.
#[test]
fn d3_a_withdrawal_reaches_the_gate_the_receipt_and_the_status_list() {
    let plane = plane();
    let (kept, given) = (given(&plane), given(&plane));
    let path = format!("/api/v1/consents/{}", text(&given, "id"));
    let act = |path: &str, verb: &str, body: &Value| {
        plane.by("zhang", "POST", &format!("{path}:{verb}")).json(body).send()
    };
    // One use lives a day at most, and the parent lives longer.
    let child = act(&path, "narrow", &json!({"usesMax": 2})).expect(201).json();
    let shown = act(&path, "withdraw", &json!({})).expect(200).json();
    assert_eq!((&shown["live"], shown["withdrawn"].is_string()), (&json!(false), true));
    let mut told = plane.people.withdrawn.lock().unwrap().clone();
    told.sort();
    let mut expected = [text(&given, "id"), text(&child, "id")];
    expected.sort_unstable();
    assert_eq!(told, expected);
    act(&path, "withdraw", &json!({})).expect(200);
    act(&path, "narrow", &json!({})).refused("C408");
    assert_eq!(plane.people.withdrawn.lock().unwrap().len(), 2, "each once");
    let receipts = plane.by("zhang", "GET", &format!("{path}/receipts")).send().expect(200).json();
    let receipt = consent::verify_receipt(text(&receipts, "withdrawn"), &platform()).unwrap();
    assert_eq!((receipt.event, receipt.consent.as_str()), (consent::Event::Withdrawn, text(&given, "id")));

    let fetched = plane.ask("GET", "/status-lists/0").send().expect(200);
    assert_eq!(fetched.header("content-type"), Some("application/statuslist+jwt"));
    let list = String::from_utf8(fetched.body).unwrap();
    let uri = "http://gate.example/status-lists/0";
    let list = consent::verify_status_list(&list, uri, &platform(), NOW).unwrap();
    let withdrawn = |given: &Value| list.is_withdrawn(place(text(given, "token")));
    assert_eq!([&given, &child, &kept].map(withdrawn), [Some(true), Some(true), Some(false)]);
    plane.ask("GET", "/status-lists/1").send().refused("C1003");
    plane.ask("GET", "/status-lists/x").send().refused("C1003");

    let all = plane.by("zhang", "POST", "/api/v1/consents:withdraw").json(&json!({"unit": "bank"})).send();
    assert_eq!(all.expect(200).json(), json!({"withdrawn": 1}));
    let path = format!("/api/v1/consents/{}", text(&kept, "id"));
    assert_eq!(plane.by("zhang", "GET", &path).send().expect(200).json()["live"], json!(false));
}

fn claims(token: &str) -> Claims {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn place(token: &str) -> u32 {
    claims(token).status.expect("it has a place").status_list.idx
}

/// D6: a consent of another trusted issuer, signed with SM2, is taken over, listed and withdrawn here; a stranger's is not.
#[test]
fn d6_consents_of_outside_issuers_are_taken_over() {
    let plane = plane();
    let mut wanted = claims(text(&given(&plane), "token"));
    wanted.iss = "outside".to_owned();
    wanted.jti = "O".repeat(22);
    (wanted.status, wanted.parent) = (None, None);
    let register = |person: &str, token: &str, id: &str| {
        let body = json!({"token": token, "idNumber": id});
        plane.by(person, "POST", "/api/v1/consents:register").json(&body).send()
    };
    let token = consent::issue(&wanted, &People::outsider()).unwrap();
    register("chen", &token, OTHER_ID).refused("C1502");
    register("zhang", &token, OTHER_ID).refused("C1502");
    register("zhang", &token, ID).expect(201);
    register("zhang", &token, ID).refused("C1004");
    let stranger = consent::Signer::new("outside", "outside-1", Algorithm::Sm2Sm3, &[9; 32]).unwrap();
    wanted.jti = "P".repeat(22);
    register("zhang", &consent::issue(&wanted, &stranger).unwrap(), ID).refused("C403");
    register("zhang", "garbage", ID).refused("C402");
    let listed = plane.by("zhang", "GET", "/api/v1/consents?limit=1").send().expect(200).json();
    assert_eq!((&listed["items"][0]["issuer"], listed["next"].is_string()), (&json!("outside"), true));
    let path = format!("/api/v1/consents/{}", "O".repeat(22));
    plane.by("zhang", "POST", &format!("{path}:narrow")).json(&json!({})).send().refused("C403");
    plane.by("zhang", "POST", &format!("{path}:withdraw")).json(&json!({})).send().expect(200);
    assert_eq!(*plane.people.withdrawn.lock().unwrap(), ["O".repeat(22)]);
}

#[test]
fn d3_addresses_of_consents_take_their_methods_only() {
    let plane = plane();
    let path = format!("/api/v1/consents/{}", "A".repeat(22));
    plane.by("zhang", "PUT", &path).json(&json!({})).send().expect(405).refused("C007");
    plane.by("zhang", "GET", &format!("{path}:withdraw")).send().refused("C1003");
    plane.by("zhang", "POST", &format!("{path}:erase")).json(&json!({})).send().refused("C006");
    plane.by("zhang", "POST", &path).json(&json!({})).send().expect(405).refused("C007");
    plane.by("zhang", "GET", "/api/v1/consents?x=1").send().refused("C1001");
}
