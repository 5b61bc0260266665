//! Listings at a data exchange (数据交易机构, REQUIREMENTS G6): what is paid for is listed where the rules ask for it.

use shuzha_core::Timestamp;
use shuzha_policy::Snapshot;

use crate::calls::{Ask, PERSON};
use crate::deltas::{Objects, block_on, delta, key, objects, review, whole};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;
use crate::world;

const LISTING: (&str, &str) = ("Listing", "company-check-listing");

/// The world of these tests under a pack, every product that they call reviewed.
fn under(pack: &str) -> Objects {
    let mut objects = objects();
    let free = review("person-check-review", "person-check", &objects);
    objects.insert(("ExitReview".to_owned(), "person-check-review".to_owned()), free);
    let rules = objects.get_mut(&("Jurisdiction".to_owned(), "yunze".to_owned())).expect("the rules");
    *rules = rules.replace("certificateRequired: true", &format!("rules: {pack}"));
    objects
}

fn at(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

/// Under a pack, with no product listed.
pub(crate) fn without(pack: &str) -> Snapshot {
    let mut objects = under(pack);
    objects.remove(&at(LISTING.0, LISTING.1)).expect("the listing");
    whole(&objects)
}

/// The world where the operator's agreement (授权运营协议) was ended, and one is demanded.
pub(crate) fn unauthorised() -> Snapshot {
    let mut objects = under("heilongjiang");
    let agreement = objects.get_mut(&at("OperatingAgreement", "yunze-2025")).expect("the agreement");
    *agreement = agreement.replace("inForce: true", "inForce: false");
    whole(&objects)
}

fn paid(house: &TestGateway) -> String {
    outcome(&block_on(
        house.call(&Ask::new("bank-1", "company-check", "verify", "bank-onboarding"), &Fake::new([])),
    ))
}

/// The charity's purpose is public welfare: it pays nothing.
fn free(house: &TestGateway) -> String {
    let ask = Ask::new("charity-1", "person-check", "verify", "charity-aid");
    let ask = ask.with("x-consent", &house.consent(PERSON.0, "charity", 1).token);
    outcome(&block_on(house.call(&ask, &Fake::new([]))))
}

fn trial(house: &TestGateway) -> String {
    outcome(&block_on(
        house.call(&Ask::new("bank-sandbox", "person-check", "verify", "bank-onboarding"), &Fake::new([])),
    ))
}

#[test]
fn g6_heilongjiang_demands_a_listing_before_a_paid_call_and_for_no_other() {
    let house = TestGateway::new();
    house.gate.install(without("heilongjiang"));
    assert_eq!(paid(&house), "C706");
    assert_eq!((free(&house), trial(&house)), ("answered".to_owned(), "answered".to_owned()));
    house.gate.install(whole(&under("heilongjiang")));
    assert_eq!(paid(&house), "answered");
}

#[test]
fn g6_other_packs_serve_a_product_that_was_never_listed() {
    let house = TestGateway::new();
    for pack in ["yantai", "gansu", "qingtian", "qingdao"] {
        house.gate.install(without(pack));
        assert_eq!(paid(&house), "answered", "{pack}");
    }
}

/// In Gansu a product that was put on an exchange is traded there, and only while it is listed.
#[test]
fn g6_a_listing_that_ends_stops_paid_calls_where_it_counts() {
    let end = Timestamp::from_seconds(1_803_830_400);
    for (pack, after) in
        [("heilongjiang", "C706"), ("gansu", "C706"), ("qingdao", "answered"), ("yantai", "answered")]
    {
        let house = TestGateway::new();
        let objects = under(pack);
        assert!(objects[&at(LISTING.0, LISTING.1)].contains("until: 2027-03-01"));
        house.gate.install(whole(&objects));
        house.clock.set(Timestamp::from_micros(end.micros() - 1));
        assert_eq!(paid(&house), "answered", "{pack}: the last microsecond of February in China");
        house.clock.set(end);
        assert_eq!(paid(&house), after, "{pack}");
    }
}

/// A listing takes effect, and ends, as a change of its own: nothing else has to be read again.
#[test]
fn g6_a_listing_is_put_and_taken_by_a_change() {
    let house = TestGateway::new();
    let mut objects = under("heilongjiang");
    house.gate.install(whole(&objects));
    let text = objects.remove(&at(LISTING.0, LISTING.1)).expect("the listing");
    let apply = |objects: &Objects| {
        let change = delta(&house.gate.snapshot(), objects, &[key(LISTING.0, LISTING.1)]);
        house.gate.apply(change, &world::key_ring()).expect("it stands");
    };
    apply(&objects);
    assert_eq!(paid(&house), "C706");
    objects.insert(at(LISTING.0, LISTING.1), text);
    apply(&objects);
    assert_eq!(paid(&house), "answered");
    // Listed is another product: that is no listing of this one.
    let text = objects.get_mut(&at(LISTING.0, LISTING.1)).expect("the listing");
    *text = text.replace("product: company-check", "product: person-check");
    apply(&objects);
    assert_eq!(paid(&house), "C706");
}
