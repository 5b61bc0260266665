//! Consents are their holder's alone; a withdrawal takes what was derived along, and is fed once.

use super::*;

fn consent(jti: &str, holder: u8) -> NewConsent {
    NewConsent {
        jti: jti.to_owned(),
        issuer: "platform".to_owned(),
        holder: [holder; 32],
        subject: [holder ^ 0xff; 32],
        unit: "bank".to_owned(),
        parent: None,
        claims: "{}".to_owned(),
        status: None,
        given: Timestamp::from_seconds(10),
        expires: Timestamp::from_seconds(20),
        receipt: Some(format!("receipt of {jti}")),
    }
}

fn store() -> ConsentStore {
    ConsentStore::in_memory().expect("opens")
}

#[test]
fn d3_a_person_sees_and_withdraws_their_own_consents_only() {
    let store = store();
    for (jti, holder) in [("a", 1), ("b", 1), ("c", 2)] {
        store.give(&consent(jti, holder)).expect("kept").expect("free");
    }
    let listed = |holder: u8, before| -> Vec<String> {
        let list = store.list(&[holder; 32], None, before, 10).expect("lists");
        list.into_iter().map(|kept| kept.jti).collect()
    };
    assert_eq!(listed(1, None), ["b", "a"]);
    assert_eq!(listed(1, Some(2)), ["a"]);
    assert_eq!(listed(3, None), Vec::<String>::new());
    assert_eq!(store.get(&[2; 32], "a").expect("reads"), None);
    let at = Timestamp::from_seconds(15);
    assert!(!store.withdraw(&[2; 32], "a", at, None).expect("answers"), "another's");
    assert!(store.withdraw(&[1; 32], "a", at, Some("taken back")).expect("answers"));
    assert!(!store.withdraw(&[1; 32], "a", at, Some("again")).expect("answers"), "only once");
    assert_eq!(store.get(&[1; 32], "a").expect("reads").expect("there").withdrawn, Some(at));
    let receipts = [Some("receipt of a".to_owned()), Some("taken back".to_owned())];
    assert_eq!(store.receipts("a").expect("reads"), receipts);
}

#[test]
fn d3_a_withdrawal_takes_what_was_derived_along_and_is_fed_once() {
    let store = store();
    store.give(&consent("root", 1)).expect("kept").expect("free");
    for child in ["x", "y"] {
        let child = NewConsent { parent: Some("root".to_owned()), ..consent(child, 1) };
        store.give(&child).expect("kept").expect("free");
    }
    let at = Timestamp::from_seconds(15);
    assert!(store.withdraw(&[1; 32], "x", at, None).expect("answers"));
    assert!(store.withdraw(&[1; 32], "root", at, None).expect("answers"));
    let feed = |after, ended, limit| -> Vec<String> {
        let fed = store.withdrawn_after(after, Timestamp::from_seconds(ended), limit).expect("reads");
        fed.into_iter().map(|one| one.jti).collect()
    };
    assert_eq!(feed(0, 20, 10), ["x", "root", "y"]);
    assert_eq!(feed(1, 20, 1), ["root"]);
    // Before, the feed was read from its first withdrawal at every start, for ever.
    assert_eq!(feed(0, 21, 10), [""; 0], "they have ended");
    assert_eq!(store.end_withdrawals(Timestamp::from_seconds(20), 10).expect("answers"), 0);
    assert_eq!(store.end_withdrawals(Timestamp::from_seconds(21), 2).expect("answers"), 2);
    assert_eq!(feed(0, 20, 10).len(), 1);
    assert_eq!(store.get(&[1; 32], "x").expect("reads").expect("there").withdrawn, Some(at));
    assert_eq!(store.derived_from("root").expect("reads"), ["x", "y"]);
}

#[test]
fn an_account_is_one_person_and_a_person_has_one_account() {
    let store = store();
    let id = |name: &str| Id::new(name).expect("a name");
    let at = Timestamp::from_seconds(1);
    assert!(store.bind(&id("zhang"), &[1; 32], at).expect("answers"));
    assert!(!store.bind(&id("zhang"), &[2; 32], at).expect("answers"));
    assert!(!store.bind(&id("other"), &[1; 32], at).expect("answers"));
    assert_eq!(store.holder(&id("zhang")).expect("reads"), Some([1; 32]));
    assert_eq!(store.holder(&id("other")).expect("reads"), None);
}

#[test]
fn an_identifier_and_a_place_are_given_out_once() {
    let store = store();
    let placed = |jti: &str, idx| NewConsent { status: Some((0, idx)), ..consent(jti, 1) };
    store.give(&placed("a", 7)).expect("answers").expect("free");
    assert_eq!(store.give(&placed("a", 8)).expect("answers"), Err(Taken::Jti));
    assert_eq!(store.give(&placed("b", 7)).expect("answers"), Err(Taken::Status));
    store.give(&placed("b", 9)).expect("answers").expect("free");
    store.withdraw(&[1; 32], "b", Timestamp::from_seconds(11), None).expect("answers");
    let places =
        |list| (store.places_given(list).expect("reads"), store.places_withdrawn(list).expect("reads"));
    assert_eq!([places(0), places(1)], [(2, vec![9]), (0, vec![])]);
    assert_eq!(store.last_list().expect("reads"), Some(0));
}
