//! Business secrets (商业秘密): a call needs the enterprise's authorisation, by the token by which persons are asked.

use shuzha_core::{Id, Timestamp};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonymiser};

use crate::calls::{Ask, COMPANY, PERSON, PSEUDONYM_KEY};
use crate::consents::{Consent, consent, reissued};
use crate::deltas::{block_on, objects, whole};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;

const SCENARIO: &str = "bank-onboarding";
/// Another enterprise of the synthetic register.
const OTHER: &str = "91690114MAC4UCDB17";

/// A house in which company-check is over a business secret.
fn house() -> TestGateway {
    let mut objects = objects();
    let at = ("Product".to_owned(), "company-check".to_owned());
    let product = objects.get_mut(&at).expect("the product");
    *product = product.replace("personal: false", "personal: false\n      businessSecret: true");
    let house = TestGateway::new();
    house.gate.install(whole(&objects));
    house
}

/// The authorisation of an enterprise, `uses` times.
fn authorisation(house: &TestGateway, uscc: &str, uses: u32) -> (Consent, String) {
    let now = Timestamp::from_seconds(house.clock_seconds());
    let given = consent(PERSON.0, "bank", SCENARIO, "industry", uses, now);
    let id = |name| Id::new(name).expect("a name");
    let enterprise = CanonicalId::new(IdKind::Organisation, uscc).expect("a valid code");
    let prf = HmacSha256Prf::new("local-1", &PSEUDONYM_KEY);
    let subject = Pseudonymiser::new(prf).pseudonym(&id("bank"), &id(SCENARIO), &enterprise).to_string();
    let token = reissued(&given.token, |claims| {
        claims["sub"] = subject.into();
        claims["authorization_details"][0]["products"][0] = "company-check".into();
    });
    (given, token)
}

fn said(house: &TestGateway, token: Option<&str>) -> String {
    let ask = Ask::new("bank-1", "company-check", "verify", SCENARIO);
    let ask = token.iter().fold(ask, |ask, token| ask.with("x-consent", token));
    outcome(&block_on(house.call(&ask, &Fake::new([]))))
}

#[test]
fn a_business_secret_demands_the_authorisation_of_the_enterprise_that_is_asked_about() {
    let house = house();
    assert_eq!(said(&house, None), "C412");
    let (_, of_another) = authorisation(&house, OTHER, 1);
    assert_eq!(said(&house, Some(&of_another)), "C406");
    let person =
        consent(PERSON.0, "bank", SCENARIO, "industry", 1, Timestamp::from_seconds(house.clock_seconds()));
    assert_eq!(said(&house, Some(&person.token)), "C405", "it is for another product");
    let of_person = reissued(&person.token, |claims| {
        claims["authorization_details"][0]["products"][0] = "company-check".into();
    });
    assert_eq!(said(&house, Some(&of_person)), "C406", "a person does not speak for an enterprise");
    let (_, twice) = authorisation(&house, COMPANY.0, 2);
    assert_eq!([said(&house, Some(&twice)), said(&house, Some(&twice))], ["answered", "answered"]);
    assert_eq!(said(&house, Some(&twice)), "C407");
}

#[test]
fn a_withdrawn_authorisation_is_over() {
    let house = house();
    let (given, token) = authorisation(&house, COMPANY.0, 5);
    assert_eq!(said(&house, Some(&token)), "answered");
    block_on(house.withdraw(&given));
    assert_eq!(said(&house, Some(&token)), "C408");
}
