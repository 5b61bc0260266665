//! What is declared about product services: whose they are, what no declaration names, and what a change does to reviews.

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Request};
use shuzha_core::Fault;
use shuzha_core::{Code, Role};
use shuzha_products::exit_review::Digest;
use shuzha_store::register::CaseState;
use shuzha_testkit_control::{TestWorld, by, code, example, id, organisation, person};

/// The one fault of a change that is refused with C1002.
fn fault(change: Result<Outcome, Error>) -> Fault {
    let Err(Error::Refused(refusal)) = change else { panic!("accepted, or not refused") };
    assert_eq!((refusal.code, refusal.faults.len()), (Code::C1002, 1), "{:?}", refusal.faults);
    refusal.faults[0].clone()
}

fn service(port: u16) -> Value {
    json!({"endpoints": [format!("10.0.0.1:{port}")], "timeout": "2s"})
}

#[test]
fn a_key_file_is_not_declared() {
    let town = TestWorld::new();
    let mut spec = service(80);
    for file in ["keys/master.key", "keys/gateway.key", "control.db"] {
        spec["keyFile"] = file.into();
        let refused = fault(town.put("sun", "Upstream", "mine", &spec));
        assert_eq!(refused.path, "spec.keyFile");
        assert!(refused.reason.contains("keys/upstreams/"), "{refused:?}");
    }
    spec.as_object_mut().expect("an object").remove("keyFile");
    town.put("sun", "Upstream", "mine", &spec).expect("declared");
}

/// Neither behind a product nor behind its sandbox, whatever the declaration says of whose it is.
#[test]
fn a_product_service_is_its_owners() {
    let town = TestWorld::new();
    let mallory = person("mallory", "evil-op", &[Role::Operator]);
    town.put("wang", "Organisation", "evil-op", &organisation("operator", 666)).expect("declared");
    let put = |kind: &str, name: &str, spec: &Value| town.plane.put(&mallory, kind, name, spec, None);
    let mut product = example("Product", "company-check");
    product["operator"] = "evil-op".into();
    let refused = fault(put("Product", "stolen", &product));
    assert_eq!(
        (&*refused.path, &*refused.reason),
        ("spec.upstream", "is another operator's product service")
    );
    put("Upstream", "own", &service(80)).expect("declared");
    product["upstream"] = "own".into();
    put("Product", "own-check", &product).expect("over its own");
    let mut toy = service(81);
    toy["synthetic"] = true.into();
    town.put("sun", "Upstream", "toy", &toy).expect("declared");
    product["sandbox"] = json!({"upstream": "toy"});
    let refused = fault(put("Product", "tried", &product));
    assert_eq!(refused.path, "spec.sandbox.upstream");
    let mut claimed = service(82);
    claimed["operator"] = "yunze-data".into();
    assert_eq!(code(put("Upstream", "claimed", &claimed)), Code::C1104);
}

/// Over sensitive data of persons nobody says `personal: false` without naming an act.
#[test]
fn d1_what_data_are_decides_whether_a_person_is_asked() {
    let town = TestWorld::new();
    let mut person_check = example("Product", "person-check");
    person_check["operations"][0]["personal"] = false.into();
    let refused = fault(town.put("sun", "Product", "quiet", &person_check));
    assert_eq!(refused.path, "spec.operations[0].personal");
    person_check["operations"][0]["legalBasis"] = "云府发〔2026〕3号".into();
    town.put("sun", "Product", "by-act", &person_check).expect("an act says otherwise");
    // A subject that is no person does not make sensitive data of persons another's.
    let mut over = example("Product", "company-check");
    over["dataSets"] = json!(["population"]);
    assert_eq!(fault(town.put("sun", "Product", "over", &over)).path, "spec.operations");
    let mut model = example("Product", "credit-score");
    town.put("wang", "DataSet", "card-defaults", &json!({"provider": "police", "sensitivity": "sensitive"}))
        .expect("declared");
    model["upstream"] = "register".into();
    town.put("sun", "Product", "score", &model).expect("it names its act");
    model["operations"][0].as_object_mut().expect("an object").remove("legalBasis");
    let refused = fault(town.put("sun", "Product", "score-too", &model));
    assert!(refused.reason.contains("legalBasis"), "{refused:?}");
}

/// A business secret asks the enterprise; the provider says what is one.
#[test]
fn a_business_secret_asks_the_enterprise_it_is_of() {
    let town = TestWorld::new();
    let secret = json!({"provider": "market-regulator", "sensitivity": "general", "businessSecret": true});
    town.put("wang", "DataSet", "ledgers", &secret).expect("declared");
    let mut product = example("Product", "company-check");
    product["dataSets"] = json!(["ledgers"]);
    let refused = fault(town.put("sun", "Product", "ledger-check", &product));
    assert!(refused.reason.contains("businessSecret"), "{refused:?}");
    product["operations"][0]["businessSecret"] = true.into();
    town.put("sun", "Product", "ledger-check", &product).expect("it asks");
    let mut of_nobody = example("Product", "company-profile");
    (of_nobody["upstream"], of_nobody["dataSets"]) = ("register".into(), json!(["ledgers"]));
    of_nobody["operations"][0]["businessSecret"] = true.into();
    of_nobody["operations"][0].as_object_mut().expect("an object").remove("subject");
    let refused = fault(town.put("sun", "Product", "ledger-list", &of_nobody));
    assert!(refused.reason.contains("needs a `subject`"), "{refused:?}");
}

/// A change of the service, its port alone, ends what the review said, and that is told before it is done.
#[test]
fn e1_a_changed_service_needs_a_new_review_and_the_change_says_so() {
    let town = TestWorld::new();
    let review = json!({"product": "company-check", "evidence": "沙箱结果"});
    town.open("sun", "ExitReview", "company-check-1", &review);
    town.done("sun", "ExitReview", "company-check-1", "submit");
    let findings = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    let request = Request {
        expected: town.plane.version("ExitReview", "company-check-1"),
        reason: "符合",
        ..Request::default()
    };
    let passed = town.plane.control.act(
        &by("wang"),
        "ExitReview",
        &id("company-check-1"),
        "pass",
        &findings,
        &request,
    );
    passed.expect("passed");
    let told = |spec: &Value| {
        let expected = town.plane.version("Upstream", "register");
        let request = Request { expected, dry_run: true, ..Request::default() };
        let tried = town.plane.control.put(&by("sun"), "Upstream", &id("register"), spec, &request);
        tried.expect("in order").consequences.unreviewed
    };
    let declared = example("Upstream", "register");
    let changed = |field: &str, value: Value| {
        let mut spec = declared.clone();
        spec[field] = value;
        spec
    };
    let ended = [("ExitReview".to_owned(), id("company-check-1"))];
    assert_eq!(told(&changed("endpoints", json!(["127.0.0.1:7111"]))), ended);
    assert_eq!(told(&changed("keyDigest", "0".repeat(64).into())), ended);
    let says = json!({"version": "2", "contract": "0".repeat(64)});
    assert_eq!(told(&changed("selfDescription", says)), ended);
    assert_eq!(told(&changed("timeout", "3s".into())), []);
}

/// A name in other characters of the same shape is the same name to whoever reads it.
#[test]
fn f11_names_that_look_alike_are_not_declared() {
    let town = TestWorld::new();
    let called = |name: &str, serial: u32| {
        let mut spec = organisation("operator", serial);
        spec["name"] = name.into();
        spec
    };
    town.put("wang", "Organisation", "icbc", &called("ICBC 云泽", 701)).expect("the first");
    for name in ["ICBC 云泽", "lCBC云泽", "ІСВС 云泽", "ＩＣＢＣ　云泽"] {
        let before = town.plane.dump();
        let refused = town.put("wang", "Organisation", "other", &called(name, 702));
        let Err(Error::Refused(refusal)) = refused else { panic!("{name} was taken") };
        assert_eq!((refusal.code, &*refusal.faults[0].path), (Code::C1013, "spec.name"), "{name}");
        assert_eq!(town.plane.dump(), before);
    }
    town.put("wang", "Organisation", "other", &called("CCB 云泽", 702)).expect("another name");
    town.put("wang", "Organisation", "icbc", &called("ICBC 云泽", 701)).expect("as it stands");
    // A product: the same title is honest, a look-alike of another operator's is not.
    let mallory = person("mallory", "other", &[Role::Operator]);
    let put = |kind: &str, name: &str, spec: &Value| town.plane.put(&mallory, kind, name, spec, None);
    put("Upstream", "own", &service(80)).expect("declared");
    let mut product = example("Product", "company-check");
    let title = product["title"].as_str().expect("a title").to_owned();
    (product["operator"], product["upstream"]) = ("other".into(), "own".into());
    product["title"] = format!("{title} ").into();
    assert_eq!(code(put("Product", "fake", &product)), Code::C1013);
    product["title"] = title.into();
    put("Product", "fake", &product).expect("called the same");
}

/// A passed review of the town's product as a version left it that bound the product alone.
fn reviewed_of_old(town: &TestWorld) {
    let review = json!({"product": "company-check", "evidence": "沙箱结果"});
    town.open("sun", "ExitReview", "old", &review);
    town.done("sun", "ExitReview", "old", "submit");
    let findings = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    town.act("wang", "ExitReview", "old", "pass", &findings).expect("passed");
    let object = town.plane.register.get("ExitReview", "old").expect("answers").expect("there");
    let product = town.plane.register.get("Product", "company-check").expect("answers").expect("there");
    let product = serde_json::from_str(&product.spec).expect("JSON");
    let mut state: Value = serde_json::from_str(&object.state.expect("a case").json).expect("JSON");
    state["digest"] = Digest::of_spec(&product).to_string().into();
    let state = CaseState { name: "passed".to_owned(), json: state.to_string(), editable: false };
    town.plane.plant("ExitReview", "old", object.version, object.owner, object.spec, state);
}

/// What was reviewed before reviews bound services stays so where the service is as it was then, and is asked anew where it was
/// changed after the review, also by an older version.
#[test]
fn e1_an_old_review_of_a_service_that_changed_since_is_over_after_the_upgrade() {
    let upgraded = |town: &TestWorld| {
        let rules = town.plane.control.rules();
        town.plane.control.set_rules((*rules).clone()).expect("as at a start");
        while town.plane.control.tick().expect("answers") > 0 {}
        let held = town.plane.control.force().spec("ExitReview", &id("old")).expect("answers");
        (town.state("ExitReview", "old"), held.is_some())
    };
    let town = TestWorld::new();
    town.plane.clock.advance(std::time::Duration::from_secs(60));
    reviewed_of_old(&town);
    assert_eq!(upgraded(&town), ("passed".to_owned(), true), "nothing changed since");
    town.plane.clock.advance(std::time::Duration::from_secs(60));
    let mut elsewhere = example("Upstream", "register");
    elsewhere["endpoints"] = json!(["127.0.0.1:7111"]);
    town.put("sun", "Upstream", "register", &elsewhere).expect("repointed");
    assert_eq!(upgraded(&town), ("failed".to_owned(), false), "asked anew");
}
