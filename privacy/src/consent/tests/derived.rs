//! Narrower consents, receipts and status lists.

use std::time::Duration;

use shuzha_testkit::Seeded;

use super::*;

/// A consent to three products, three leaves and forty uses within thirty days.
fn parent() -> Claims {
    let mut payload = payload();
    change(&mut payload, r#"set /authorization_details/0/products ["a","b","c"]"#);
    change(&mut payload, r#"set /authorization_details/0/fields ["/x","/y","/z"]"#);
    change(&mut payload, r#"set /authorization_details/0/actions ["query","verify"]"#);
    change(&mut payload, "set /use/max 40");
    change(&mut payload, "set /exp 1702592000");
    serde_json::from_value(payload).unwrap()
}

const CHILD: &str = "BBBBBBBBBBBBBBBBBBBBBB";

fn names(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn d1_a_narrower_consent_verifies_and_names_its_parent() {
    let narrower = Narrower {
        products: names(&["b"]),
        fields: names(&["/z", "/x"]),
        actions: names(&["query"]),
        uses_max: Some(2),
        expires: Some(at(NOW + 100)),
    };
    let child = attenuate(&parent(), &narrower, CHILD, at(NOW)).unwrap();
    let token = issue(&child, &signer()).unwrap();
    let consent = verify(&token, &issuers(), GATE, at(NOW)).unwrap();
    assert_eq!(consent.parent, Some(ParentRef { jti: parent().jti, max: 40 }));
    assert_eq!((consent.products, consent.uses_max), (vec!["b".to_owned()], 2));
    assert_eq!((consent.not_before, consent.expires), (at(NOW), at(NOW + 100)));
}

#[test]
fn d1_nothing_of_a_narrower_consent_is_wider() {
    let wider = [
        Narrower { products: names(&["a", "d"]), ..Narrower::default() },
        Narrower { fields: names(&["/w"]), ..Narrower::default() },
        Narrower { actions: names(&["export"]), ..Narrower::default() },
        Narrower { uses_max: Some(41), ..Narrower::default() },
        Narrower { expires: Some(at(1_702_592_001)), ..Narrower::default() },
    ];
    for narrower in wider {
        assert_eq!(attenuate(&parent(), &narrower, CHILD, at(NOW)).err(), Some(Code::C411), "{narrower:?}");
    }
    let blanket = Narrower { products: names(&[]), ..Narrower::default() };
    assert_eq!(attenuate(&parent(), &blanket, CHILD, at(NOW)).err(), Some(Code::C409));
    let same = Narrower::default();
    let own = attenuate(&parent(), &same, &parent().jti, at(NOW));
    assert_eq!(own.err(), Some(Code::C402), "a consent is not its own parent");
    assert_eq!(attenuate(&parent(), &same, CHILD, at(1_702_592_000)).err(), Some(Code::C404));
    let child = attenuate(&parent(), &same, CHILD, at(NOW)).unwrap();
    let grandchild = attenuate(&child, &same, "CCCCCCCCCCCCCCCCCCCCCC", at(NOW));
    assert_eq!(grandchild.err(), Some(Code::C411), "one step only");
}

proptest! {
    /// Whatever is asked for: what comes out is within the parent, or nothing comes out.
    #[test]
    fn d1_narrowing_never_widens(
        products in proptest::option::of(prop::collection::vec("[a-d]", 0..4)),
        fields in proptest::option::of(prop::collection::vec("/[w-z]", 0..4)),
        uses in proptest::option::of(0_u32..60),
        until in proptest::option::of(0_i64..4_000_000),
        now in 0_i64..3_000_000,
    ) {
        let now = at(NOW + now);
        let expires = until.map(|after| at(NOW + after));
        let narrower = Narrower { products, fields, actions: None, uses_max: uses, expires };
        if let Ok(child) = attenuate(&parent(), &narrower, CHILD, now) {
            let (of, within) = (&child.authorization_details[0], &parent().authorization_details[0]);
            prop_assert!(of.products.iter().all(|one| within.products.contains(one)));
            prop_assert!(of.fields.iter().all(|one| within.fields.contains(one)));
            prop_assert!(!of.products.is_empty() && !of.fields.is_empty());
            prop_assert!((1..=40).contains(&child.r#use.as_ref().unwrap().max.unwrap()));
            prop_assert!(child.exp <= parent().exp && child.nbf >= parent().nbf);
            prop_assert_eq!((&of.au, &of.scenario, &of.purpose, &child.sub),
                (&within.au, &within.scenario, &within.purpose, &parent().sub));
            prop_assert!(issue(&child, &signer()).is_ok());
        }
    }

    /// A list reads back bit by bit, whatever was withdrawn.
    #[test]
    fn d3_status_lists_read_back(withdrawn in prop::collection::btree_set(0..STATUSES, 0..200)) {
        let mut list = StatusList::new();
        for &idx in &withdrawn {
            list.withdraw(idx);
        }
        let uri = "https://gate.example/status-lists/0";
        let token = issue_status_list(&list, uri, at(NOW), Duration::from_secs(60), &signer()).unwrap();
        let read = verify_status_list(&token, uri, &issuers(), at(NOW + 59)).unwrap();
        prop_assert!((0..STATUSES).all(|idx| read.is_withdrawn(idx) == Some(withdrawn.contains(&idx))));
    }
}

#[test]
fn d3_a_status_list_is_the_issuers_and_ends() {
    let uri = "https://gate.example/status-lists/0";
    let token =
        issue_status_list(&StatusList::new(), uri, at(NOW), Duration::from_secs(60), &signer()).unwrap();
    let read = |token: &str, uri: &str, now| verify_status_list(token, uri, &issuers(), at(now)).err();
    assert_eq!(read(&token, uri, NOW), None);
    assert_eq!(read(&token, uri, NOW + 60), Some(Code::C404));
    assert_eq!(read(&token, "https://gate.example/status-lists/1", NOW), Some(Code::C403));
    assert_eq!(read(&good(), uri, NOW), Some(Code::C402));
    assert_eq!(verify(&token, &issuers(), GATE, at(NOW)), Err(Code::C402));
}

/// A list in which every second consent was withdrawn, at random, is the largest there is.
#[test]
fn d3_the_largest_status_list_fits() {
    let mut list = StatusList::new();
    let rng = Seeded::new(1);
    for idx in 0..STATUSES {
        if rng.percent(50) {
            list.withdraw(idx);
        }
    }
    let token =
        issue_status_list(&list, "https://g.example/0", at(NOW), Duration::from_secs(60), &signer()).unwrap();
    assert!(verify_status_list(&token, "https://g.example/0", &issuers(), at(NOW)).is_ok());
}

#[test]
fn d4_a_receipt_says_what_was_agreed_and_verifies_with_public_keys_only() {
    let consent = verify(&good(), &issuers(), GATE, at(NOW)).unwrap();
    let (consent_again, claims) = verify_claims(&good(), &issuers(), GATE, at(NOW)).unwrap();
    assert_eq!(consent_again, consent);
    let receipt = Receipt::of(&claims, Event::Given, at(NOW)).unwrap();
    let token = issue_receipt(&receipt, &signer()).unwrap();
    let read = verify_receipt(&token, &issuers()).unwrap();
    assert_eq!(read, receipt);
    assert_eq!((&*read.pii_controller, read.event, read.uses_max), ("bank-a", Event::Given, 1));
    assert_eq!((&*read.notice, &read.notice_hash), ("n@1", &consent.notice_hash));
    let other = Signer::from_seed("other-service", "other-2026", &[8; 32]);
    assert_eq!(issue_receipt(&receipt, &other), Err(Code::C403));
    assert_eq!(verify_receipt(&good(), &issuers()), Err(Code::C402));
    assert_eq!(verify(&token, &issuers(), GATE, at(NOW)), Err(Code::C402));
}
