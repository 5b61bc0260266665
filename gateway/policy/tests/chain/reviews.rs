//! Exit reviews (出域审查, REQUIREMENTS E1) at the gate: a product is served while a review speaks for it as it is.

use shuzha_core::Timestamp;

use crate::calls::Ask;
use crate::deltas::{Objects, block_on, delta, key, objects, review, whole};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;
use crate::world;

const ALL: [&str; 5] = ["yantai", "gansu", "qingtian", "heilongjiang", "qingdao"];

fn said(house: &TestGateway, product: &str) -> String {
    let ask = Ask::new("bank-1", product, "verify", "bank-onboarding");
    outcome(&block_on(house.call(&ask, &Fake::new([]))))
}

/// Makes what was done to one object a change in force.
fn change(house: &TestGateway, objects: &Objects, kind: &str, name: &str) {
    let change = delta(&house.gate.snapshot(), objects, &[key(kind, name)]);
    assert!(change.changed.iter().all(|(kind, _)| *kind != "Grant"), "no grant is touched");
    house.gate.apply(change, &world::key_ring()).expect("it stands");
}

#[test]
fn e1_a_product_is_served_while_a_review_speaks_for_it() {
    let house = TestGateway::new();
    let mut objects = objects();
    let at = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    house.gate.install(whole(&objects));
    let grants = house.gate.snapshot().grant_count();
    assert_eq!(said(&house, "company-check"), "answered", "nobody demands a review");

    let rules = objects.get_mut(&at("Jurisdiction", "yunze")).expect("the rules");
    *rules = rules.replace("certificateRequired: true", "rules: gansu");
    change(&house, &objects, "Jurisdiction", "yunze");
    assert_eq!(said(&house, "company-check"), "answered", "it was reviewed");
    assert_eq!(said(&house, "seal-check"), "C209", "it was not");

    let product = objects.get_mut(&at("Product", "company-check")).expect("the product");
    *product = product.replace("/v1/enterprises:verify", "/v1/enterprises:verify-all");
    change(&house, &objects, "Product", "company-check");
    assert_eq!(said(&house, "company-check"), "C209", "its endpoint changed");

    objects.insert(at("ExitReview", "second"), review("second", "company-check", &objects));
    change(&house, &objects, "ExitReview", "second");
    assert_eq!(said(&house, "company-check"), "answered", "a new review");

    let product = objects.get_mut(&at("Product", "company-check")).expect("the product");
    *product = product.replace("title: 企业身份核验", "title: 企业核验");
    change(&house, &objects, "Product", "company-check");
    assert_eq!(said(&house, "company-check"), "answered", "a title is not reviewed");

    objects.remove(&at("ExitReview", "second"));
    change(&house, &objects, "ExitReview", "second");
    assert_eq!(said(&house, "company-check"), "C209", "the review was withdrawn");
    let now = house.gate.snapshot();
    assert_eq!((now.grant_count(), now.digest()), (grants, whole(&objects).digest()));
}

/// The service a review was of is part of it: pointed at another machine, the product waits for a new review, and back
/// where it was it is served again.
#[test]
fn e1_a_service_at_another_port_needs_a_new_review() {
    let house = TestGateway::new();
    let mut objects = objects();
    let at = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let rules = objects.get_mut(&at("Jurisdiction", "yunze")).expect("the rules");
    *rules = rules.replace("certificateRequired: true", "rules: yantai");
    house.gate.install(whole(&objects));
    assert_eq!(said(&house, "company-check"), "answered");
    let service = at("Upstream", "register");
    let declared = objects[&service].clone();
    for (from, to) in [
        ("127.0.0.1:7101", "127.0.0.1:7111"),
        ("127.0.0.1:7101", "localhost:7101"),
        (
            "  timeout: 2s",
            "  keyDigest: \"0000000000000000000000000000000000000000000000000000000000000000\"\n  timeout: 2s",
        ),
        (
            "  timeout: 2s",
            "  selfDescription: {version: \"2\", contract: \"0000000000000000000000000000000000000000000000000000000000000000\"}\n  timeout: 2s",
        ),
    ] {
        assert!(declared.contains(from), "{from}");
        objects.insert(service.clone(), declared.replace(from, to));
        change(&house, &objects, "Upstream", "register");
        assert_eq!(said(&house, "company-check"), "C209", "{to}");
        objects.insert(service.clone(), declared.clone());
        change(&house, &objects, "Upstream", "register");
        assert_eq!(said(&house, "company-check"), "answered", "as it was reviewed");
    }
    objects.insert(service, declared.replace("timeout: 2s", "timeout: 3s"));
    change(&house, &objects, "Upstream", "register");
    assert_eq!(said(&house, "company-check"), "answered", "a time limit is not reviewed");
}

/// A review of one product says nothing about another, even one that looks the same.
#[test]
fn e1_a_review_speaks_for_its_own_product_only() {
    let house = TestGateway::new();
    let mut objects = objects();
    let at = ("ExitReview".to_owned(), "company-check-review".to_owned());
    let text = objects.get_mut(&at).expect("the review");
    *text = text.replace("product: company-check", "product: address-check");
    let rules = objects.get_mut(&("Jurisdiction".to_owned(), "yunze".to_owned())).expect("the rules");
    *rules = rules.replace("certificateRequired: true", "rules: yantai");
    house.gate.install(whole(&objects));
    assert_eq!(said(&house, "company-check"), "C209");
    assert_eq!(said(&house, "address-check"), "answered");
}

#[test]
fn e1_every_jurisdiction_demands_a_review() {
    let house = TestGateway::new();
    for pack in ALL {
        house.gate.install(world::under(pack));
        assert_eq!(said(&house, "company-check"), "C209", "{pack}");
    }
}

/// Gansu-O 27, 28: no certificate, no service; Yantai's rules ask for none.
#[test]
fn b9_a_product_without_certificate_is_served_in_yantai_and_refused_in_gansu() {
    let house = TestGateway::new();
    let mut objects = objects();
    let review = objects.get_mut(&("ExitReview".to_owned(), "company-check-review".to_owned()));
    let review = review.expect("the review");
    *review = review.replace("product: company-check", "product: address-check");
    for (pack, expected) in [("yantai", "answered"), ("gansu", "C202"), ("heilongjiang", "C202")] {
        let mut objects = objects.clone();
        let rules = objects.get_mut(&("Jurisdiction".to_owned(), "yunze".to_owned())).expect("the rules");
        *rules = rules.replace("certificateRequired: true", &format!("rules: {pack}"));
        house.gate.install(whole(&objects));
        assert_eq!(said(&house, "address-check"), expected, "{pack}");
    }
}

#[test]
fn b9_a_product_stops_at_the_instant_its_certificate_ends() {
    let house = TestGateway::new();
    let mut objects = objects();
    objects.remove(&("Certificate".to_owned(), "company-check-2028".to_owned())).expect("the next one");
    house.gate.install(whole(&objects));
    let end = Timestamp::from_seconds(1_830_268_800);
    assert!(
        objects[&("Certificate".to_owned(), "company-check-2025".to_owned())].contains("until: 2028-01-01")
    );
    house.clock.set(Timestamp::from_micros(end.micros() - 1));
    assert_eq!(said(&house, "company-check"), "answered", "the last microsecond of 2027 in China");
    house.clock.set(end);
    assert_eq!(said(&house, "company-check"), "C202");
}
