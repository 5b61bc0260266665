//! The demo world holds what a demonstration needs: each kind answered, each stage refusing.

use std::collections::BTreeSet;

use shuzha_core::{Code, Timestamp};
use shuzha_pricing::{Asked, Outcome, PurposeClass};
use shuzha_products::kinds::{KINDS, Lane};
use shuzha_products::product::Method;
use shuzha_products::rights::QuotaPeriod;
use shuzha_products::suspension::Target;

use crate::demo;

/// 2026-06-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_780_272_000);

fn asked<'a>(product: &'a str, operation: &'a str) -> Asked<'a> {
    Asked { product, operation, scenario: "any", purpose: PurposeClass::Industry }
}

#[test]
fn every_kind_of_product_is_there() {
    let world = demo();
    let kinds: BTreeSet<_> = world.products.values().map(|product| product.kind.name()).collect();
    let all: BTreeSet<_> = KINDS.iter().map(|kind| kind.name()).collect();
    assert_eq!(kinds, all);
    for (name, lane) in [
        ("person-check", Lane::Answer),
        ("company-check", Lane::Answer),
        ("company-profile", Lane::Answer),
        ("credit-score", Lane::Answer),
        ("census-report", Lane::Statistics),
        ("enterprise-list", Lane::Package),
        ("company-sketch", Lane::Answer),
        ("enterprise-table", Lane::Answer),
        ("census-table", Lane::Answer),
        ("blind-match", Lane::Answer),
        ("blind-tags", Lane::Package),
    ] {
        assert_eq!(world.products[name].kind.lane(), lane, "{name}");
        assert!(
            world.certificates.values().any(|one| one.product.as_str() == name && one.window.contains(NOW))
        );
        assert!(world.price_book.resolve(&asked(name, "any"), NOW).is_ok(), "{name}");
    }
}

#[test]
fn operations_are_compiled() {
    let world = demo();
    let person = world.products["person-check"].operation("verify").expect("verify");
    assert!(person.personal && person.input.is_some() && person.subject.is_some());
    assert_eq!((person.method, person.path.as_str()), (Method::Post, "/v1/persons:verify"));
    assert_eq!(person.timeout, world.upstreams["register"].timeout);
    let list = world.products["enterprise-list"].operation("download").expect("download");
    assert!(list.input.is_none() && list.output.contract().is_none() && list.method == Method::Get);
}

#[test]
fn grants_choose_leaves_of_their_contract() {
    let world = demo();
    let profile = world.products["company-profile"].operation("lookup").expect("lookup");
    let contract = profile.output.contract().expect("a contract");
    let granted = &world.grants["bank-profile"].operations[0];
    let pointers: Vec<_> = contract.pointers(granted.fields).collect();
    assert_eq!(pointers.len(), 6);
    assert!(!pointers.contains(&"/phone") && pointers.contains(&"/legal_person"));
    let verified = &world.grants["bank-person"].operations[0];
    let contract = world.products["person-check"].operation("verify").and_then(|one| one.output.contract());
    assert_eq!(contract.map(|one| one.all()), Some(verified.fields));
}

#[test]
fn there_is_something_for_each_stage_to_refuse() {
    let world = demo();
    assert!(world.jurisdiction().certificate_required);
    assert!(world.credentials.values().any(|one| !one.window.contains(NOW)));
    assert!(world.credentials.values().any(|one| one.revoked));
    assert!(
        world.credentials.values().any(|one| one
            .allow
            .iter()
            .all(|net| { !net.contains(std::net::IpAddr::from([127, 0, 0, 1])) })
            && !one.allow.is_empty())
    );
    assert!(world.scenarios.values().any(|one| !one.approved));
    assert!(world.agreements.values().any(|one| !one.signed));
    let certified: BTreeSet<_> = world.certificates.values().map(|one| &one.product).collect();
    assert!(world.products.keys().any(|product| !certified.contains(product)));
    assert!(world.suspensions.values().any(|one| one.since <= NOW && matches!(one.target, Target::Unit(_))));
    assert!(world.grants.values().any(|one| one.rate.calls == 1 && one.rate.per.as_secs() == 60));
    let small = |quota: shuzha_products::rights::Quota| quota.max == 2 && quota.per == QuotaPeriod::Day;
    assert!(world.grants.values().any(|one| one.quota.is_some_and(small)));
    let census = world.data_sets["census"].privacy.as_ref().expect("privacy terms");
    assert_eq!(census.quota("insurer", "insurer-pricing").nanos(), 300_000_000);
    assert_eq!(census.quota("bank", "bank-research"), census.quotas.default);
    let price = &world.prices["person-check-2025"];
    let credit = world.units["startup"].credit_limit.expect("some credit");
    let each = price.tariff.flat().expect("one price for every call");
    assert!(each <= credit && credit < each.checked_mul(2).expect("in range"));
    assert!(!world.prices["company-check-2025"].billable.charges(Outcome::NoRecord));
    assert_eq!(world.scenarios["charity-aid"].purpose, PurposeClass::PublicWelfare);
    assert_eq!(world.units["charity"].credit_limit, None);
    assert_eq!(world.price_book.resolve(&asked("licence-check", "verify"), NOW), Err(Code::C701));
}

/// The table of calls in the demo's README names only what is there.
#[test]
fn the_readme_names_what_is_declared() {
    let world = demo();
    let readme = include_str!("../../../config/examples/demo/README.md");
    let mut checked = 0;
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        for name in row.split('`').skip(1).step_by(2) {
            let known = match name.split_once('/') {
                Some((product, operation)) => {
                    world.products.get(product).is_some_and(|found| found.operation(operation).is_some())
                }
                None => world.credentials.contains_key(name) || world.scenarios.contains_key(name),
            };
            assert!(known, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}
