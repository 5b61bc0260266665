//! Objections to a registration, while it is made public and afterwards.

use super::*;

#[test]
fn b6_an_objection_in_publicity_holds_the_certificate_back() {
    let proof = |number: u8| Command::Object { proof: format!("{number:064x}"), against: None };
    let resolve = |number, outcome| Command::Resolve { number, outcome };
    let mut desk = Desk::new("gansu", "2030-01-01");
    desk.approve("2025-09-28").expect("publicity");
    assert_eq!(desk.run("2025-10-10", proof(1)), Ok("objected"));
    assert_eq!(desk.run("2025-10-10", proof(1)), Err(Code::C1007), "the same objection again is none");
    assert_eq!(desk.run("2025-10-10", proof(2)), Ok("objected"));
    assert!(desk.passes("2025-10-22", "publicity").is_none());
    assert_eq!(desk.run("2025-10-23", resolve(3, ObjectionOutcome::Uphold)), Err(Code::C1207));
    assert_eq!(desk.run("2025-10-23", resolve(1, ObjectionOutcome::Uphold)), Ok("objected"));
    assert_eq!(desk.run("2025-10-23", resolve(1, ObjectionOutcome::Uphold)), Err(Code::C1207));
    assert_eq!(desk.run("2025-10-24", resolve(2, ObjectionOutcome::Undetermined)), Ok("objected"));
    let mut upheld = Desk { case: desk.case.clone(), rules: desk.rules.clone(), state: desk.state.clone() };
    assert_eq!(upheld.run("2025-12-01", resolve(2, ObjectionOutcome::Uphold)), Ok("certified"));
    assert_eq!(desk.run("2025-12-01", resolve(2, ObjectionOutcome::Revoke)), Ok("rejected"));
}

#[test]
fn b6_an_objection_afterwards_marks_the_registration_until_decided() {
    let proof = |number: u8| Command::Object { proof: format!("{number:064x}"), against: None };
    let mut desk = certified("2030-01-01");
    assert_eq!(desk.run("2025-12-01", proof(0)), Ok("objected"));
    assert!(desk.window().is_some(), "marked, not stopped");
    assert_eq!(desk.run("2025-12-01", Command::Cancel { ground: "waived" }), Err(Code::C1205));
    for number in 1..16 {
        desk.run_as(&format!("p{}", number / 3), "2025-12-01", proof(number)).expect("objected");
    }
    assert_eq!(desk.run_as("p9", "2025-12-01", proof(16)), Err(Code::C1208));
    for number in 1..=15 {
        let uphold = Command::Resolve { number, outcome: ObjectionOutcome::Uphold };
        assert_eq!(desk.run("2025-12-02", uphold), Ok("objected"));
    }
    let last = |outcome| Command::Resolve { number: 16, outcome };
    let mut upheld = Desk { case: desk.case.clone(), rules: desk.rules.clone(), state: desk.state.clone() };
    assert_eq!(upheld.run("2025-12-02", last(ObjectionOutcome::Uphold)), Ok("certified"));
    assert_eq!(desk.run("2025-12-02", last(ObjectionOutcome::Revoke)), Ok("revoked"));
    assert_eq!((desk.window(), desk.state.ground.as_deref()), (None, Some("objection")));
}

/// An objection to a change under publicity ends the change at most: the certificate in force is not its matter.
#[test]
fn b6_an_objection_to_a_change_ends_the_change_and_nothing_else() {
    let changing = || {
        let mut desk = certified("2030-01-01");
        let content = new_content("2029-01-01");
        let since = day("2026-03-02");
        desk.run("2026-03-02", Command::Change { content, of: Changed::Data, since }).expect("changing");
        assert_eq!(desk.approve("2026-03-02"), Ok("changing"));
        desk
    };
    let object = |number: u8, against| Command::Object { proof: format!("{number:064x}"), against };
    let resolve = |number, outcome| Command::Resolve { number, outcome };
    let mut desk = changing();
    let (window, before) = (desk.window(), desk.state.content.clone());
    assert_eq!(desk.run("2026-03-03", object(1, None)), Ok("objected"));
    assert_eq!(desk.run("2026-03-03", object(1, Some(Against::Change))), Err(Code::C1007), "it is this one");
    assert_eq!(desk.run_as("wang", "2026-03-03", object(1, None)), Ok("objected"));
    assert!(desk.passes("2026-06-01", "publicity").is_none(), "not while it is disputed");
    assert_eq!(desk.run("2026-06-01", resolve(1, ObjectionOutcome::Revoke)), Ok("certified"));
    assert_eq!((desk.window(), &desk.state.content), (window.clone(), &before), "as it was registered");
    assert_eq!(desk.run("2026-06-01", resolve(2, ObjectionOutcome::Revoke)), Err(Code::C1207), "it lapsed");
    assert_eq!(desk.run("2026-06-01", object(1, Some(Against::Change))), Err(Code::C1007), "nothing changes");
    // Against the registration, while a change is under publicity.
    let mut desk = changing();
    assert_eq!(desk.run("2026-03-03", object(1, Some(Against::Registration))), Ok("objected"));
    assert_eq!(desk.run("2026-03-03", resolve(1, ObjectionOutcome::Revoke)), Ok("revoked"));
    assert_eq!(desk.window(), None);
    // The change is given up: nobody has to answer who objected to it.
    let mut desk = changing();
    assert_eq!(desk.run("2026-03-03", object(1, None)), Ok("objected"));
    assert_eq!(desk.run("2026-03-04", Command::Reject { ground: "disputed" }), Ok("certified"));
    assert_eq!(desk.window(), window);
}

/// Who was answered does not keep a registration from completion by asking again.
#[test]
fn b6_one_person_objects_to_one_thing_three_times_at_most() {
    let mut desk = certified("2030-01-01");
    let object = |number: u8| Command::Object { proof: format!("{number:064x}"), against: None };
    for number in 1..=3 {
        assert_eq!(desk.run("2025-12-01", object(number)), Ok("objected"));
        let uphold = Command::Resolve { number: number.into(), outcome: ObjectionOutcome::Uphold };
        assert_eq!(desk.run("2025-12-01", uphold), Ok("certified"));
        assert_eq!(desk.run("2025-12-01", object(number)), Err(Code::C1007), "it was decided");
    }
    assert_eq!(desk.run("2025-12-01", object(4)), Err(Code::C1208));
    assert_eq!(desk.run_as("wang", "2025-12-01", object(1)), Ok("objected"), "another person may");
    assert_eq!(desk.run("2026-12-02", object(4)), Ok("objected"), "a year later");
}
