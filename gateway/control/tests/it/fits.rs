//! What no longer fits under other rules, before they are put into use (L1).

use serde_json::json;
use shuzha_control::{Misfit, Rules, misfits};
use shuzha_core::{Clock as _, Code};
use shuzha_products::jurisdiction::{Jurisdiction, calendar, pack};
use shuzha_testkit_control::{TestWorld, id};

/// Rules that demand neither certificate nor term, changed.
fn rules(change: impl FnOnce(&mut Jurisdiction)) -> Rules {
    let mut jurisdiction = Jurisdiction::default();
    (jurisdiction.certificate_required, jurisdiction.agreement_years_max) = (false, None);
    change(&mut jurisdiction);
    Rules { jurisdiction, calendar: calendar().clone() }
}

fn found(town: &TestWorld, present: &Rules, other: &Rules) -> Vec<Misfit> {
    misfits(&town.plane.register, town.plane.clock.now(), present, other).expect("reads")
}

#[test]
fn l1_what_other_rules_refuse_is_told_before_they_are_in_use() {
    let town = TestWorld::authorised();
    let lax = rules(|_| {});
    assert_eq!(found(&town, &lax, &lax), [], "the same rules");
    // A term of more years than other rules grant, with the agreement that has it and nothing else.
    let short = rules(|rules| rules.agreement_years_max = Some(1));
    let agreements: Vec<_> = found(&town, &lax, &short);
    assert_eq!(agreements.len(), 1, "{agreements:?}");
    let one = &agreements[0];
    assert_eq!(
        (one.kind, &one.name, one.code, one.stops),
        ("Agreement", &id("bank-2026"), Code::C1301, false)
    );
    assert!(one.reason.contains("spec.window"), "{}", one.reason);
    assert_eq!(found(&town, &short, &short), [], "what present rules refuse as well is nothing new");
    // Ended, it is nobody's trouble.
    town.act("wang", "Agreement", "bank-2026", "terminate", &json!({})).expect("ended");
    assert_eq!(found(&town, &lax, &short), []);
}

#[test]
fn l1_products_that_would_not_be_served_any_more_are_told() {
    let town = TestWorld::authorised();
    let without = rules(|_| {});
    let with = rules(|rules| rules.certificate_required = true);
    let products = found(&town, &without, &with);
    assert!(!products.is_empty());
    assert!(products.iter().all(|one| one.kind == "Product" && one.code == Code::C202 && one.stops));
    let listing = pack("heilongjiang").expect("built in").exchange_listing;
    let exchange = rules(|rules| rules.exchange_listing = listing);
    let unlisted = found(&town, &without, &exchange);
    assert!(!unlisted.is_empty() && unlisted.iter().all(|one| one.code == Code::C706 && one.stops));
}
