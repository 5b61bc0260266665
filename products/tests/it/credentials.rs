//! Until when a credential may sign by version 1 of the simple profile.

use shuzha_core::Timestamp;
use shuzha_products::credential::SIMPLE_V1_ENDS;

use crate::{demo, demo_files, demo_with};

const SM3: &str = "algorithm: hmac-sm3";

#[test]
fn version_1_of_the_signature_ends_on_a_day_that_no_declaration_moves() {
    for until in ["2027-07-02", "2027-07-01T00:00:01", "2099-01-01"] {
        let faults = demo_with("units.yaml", SM3, &format!("{SM3}\n  simpleV1Until: {until}"));
        assert!(faults.iter().any(|fault| fault.contains("ends on 2027-07-01")), "{until}: {faults:?}");
    }
    let faults =
        demo_with("units.yaml", "algorithm: ed25519", "algorithm: ed25519\n  simpleV1Until: 2027-01-01");
    assert!(faults.iter().any(|fault| fault.contains("is for shared secrets")), "{faults:?}");
}

#[test]
fn a_credential_signs_by_version_1_only_where_it_says_so() {
    assert!(demo().credentials.values().all(|credential| credential.simple_v1_until.is_none()));
    let mut files = demo_files();
    let (_, units) = files.iter_mut().find(|(name, _)| name == "units.yaml").expect("the file");
    *units = units.replace(SM3, &format!("{SM3}\n  simpleV1Until: 2027-07-01"));
    let world = shuzha_products::World::parse(&files).expect("the last day is permitted");
    let until: Vec<Timestamp> =
        world.credentials.values().filter_map(|credential| credential.simple_v1_until).collect();
    assert!(!until.is_empty() && until.iter().all(|until| *until == SIMPLE_V1_ENDS), "{until:?}");
}
