//! Suspensions: whom an operator's stop reaches, and what the stopped caller is told.

use shuzha_policy::Payload;

use crate::calls::Ask;
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;
use crate::world;

fn stop(kind: &str, name: &str, more: &str) -> String {
    format!(
        "---\napiVersion: shuzha/v1\nkind: Suspension\nmetadata: {{name: stop-1}}\nspec:\n  target: {{kind: {kind}, name: {name}}}\n  \
         since: 2025-03-03T09:00:00+08:00\n  reason: 测试\n{more}"
    )
}

async fn called(stop: &str, credential: &str) -> (String, Option<String>) {
    let house = TestGateway::new();
    house.gate.install(world::snapshot(stop));
    // Of verifications, that of persons has a sandbox.
    let product = if credential == "bank-sandbox" { "person-check" } else { "company-check" };
    let ask = Ask::new(credential, product, "verify", "bank-onboarding");
    let reply = house.call(&ask, &Fake::new([])).await;
    let told = match &reply.payload {
        Payload::Refused(refusal) => refusal.at.clone(),
        _ => None,
    };
    (outcome(&reply), told)
}

#[tokio::test]
async fn i1_an_operators_stop_of_a_unit_reaches_its_own_products_alone() {
    for kind in [("ApplicationUnit", "bank"), ("Scenario", "bank-onboarding")] {
        for credential in ["bank-1", "bank-sandbox"] {
            let own = stop(kind.0, kind.1, "  operator: yunze-data\n");
            assert_eq!(called(&own, credential).await.0, "C208", "{kind:?} {credential}");
            let others = stop(kind.0, kind.1, "  operator: rival-data\n");
            assert_eq!(called(&others, credential).await.0, "answered", "{kind:?} {credential}");
        }
    }
}

#[tokio::test]
async fn i1_the_stopped_caller_is_told_which_suspension_and_of_what_class() {
    let decided = called(&stop("Product", "company-check", ""), "bank-1").await;
    assert_eq!(decided, ("C208".to_owned(), Some("suspensions/stop-1, decided".to_owned())));
    let emergency = called(&stop("ApplicationUnit", "bank", "  emergency: true\n"), "bank-sandbox").await;
    assert_eq!(emergency, ("C208".to_owned(), Some("suspensions/stop-1, emergency".to_owned())));
}

/// An operator is one target: everything of it stops, the sandbox included, and nothing of others.
#[tokio::test]
async fn c18_a_stopped_operator_serves_nothing() {
    for credential in ["bank-1", "bank-sandbox"] {
        let own = stop("Organisation", "yunze-data", "");
        let told = Some("suspensions/stop-1, decided".to_owned());
        assert_eq!(called(&own, credential).await, ("C208".to_owned(), told), "{credential}");
    }
}

/// What stands under a stopped agreement stops; what stands under another one too goes on.
#[tokio::test]
async fn c18_a_stopped_operating_agreement_takes_with_it_what_stands_under_no_other() {
    let own = stop("OperatingAgreement", "yunze-2025", "");
    assert_eq!(called(&own, "bank-1").await.0, "C208");
    let other = "---\napiVersion: shuzha/v1\nkind: OperatingAgreement\nmetadata: {name: other}\nspec:\n  \
        authoriser: data-bureau\n  operator: yunze-data\n  mode: scenario\n  scenario: bank-onboarding\n  \
        dataSets: [enterprises]\n  window: {from: 2025-01-01, until: 2030-01-01}\n  inForce: true\n";
    assert_eq!(called(&format!("{own}{other}"), "bank-1").await.0, "answered");
    let elsewhere = other.replace("scenario: bank-onboarding", "scenario: bank-credit");
    assert_eq!(called(&format!("{own}{elsewhere}"), "bank-1").await.0, "C208", "it is for another scenario");
}
