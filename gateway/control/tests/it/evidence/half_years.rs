//! Half-years that are over: sealed, and destroyed when their term is.

use super::*;

#[test]
fn h3_a_half_year_is_sealed_and_destroyed_by_those_who_may() {
    let archive = Archive::new();
    let clock = archive.town.plane.clock.clone();
    let request = archive.call(|call| {
        (call.decision, call.code) = (Decision::Refused, Some(Code::C501));
        call.outcome = Outcome::None;
    });
    archive.settled();
    clock.set(shuzha_core::calendar::Day::new(2026, 7, 1).expect("a day").start());
    archive.settled();
    let shard = "2026h1".parse().expect("a half-year");
    let sre = person("ops", "operations", &[Role::Sre]);
    let (wang, feng) = (by("wang"), by("feng"));
    let evidence = &archive.evidence;
    for who in ["wu", "zhao", "sun", "zheng", "subject"] {
        assert_eq!(code(evidence.half_years(&by(who))), Code::C1104, "{who}");
        assert_eq!(code(evidence.seal(&by(who), shard, "")), Code::C1104, "{who}");
    }
    assert_eq!(code(evidence.seal(&auditor(), shard, "")), Code::C1104, "who audits does not keep");
    assert_eq!(code(evidence.seal(&sre, "2020h1".parse().expect("one"), "")), Code::C1003);
    let faults = |outcome: Result<_, shuzha_control::Error>| match outcome {
        Err(shuzha_control::Error::Refused(refusal)) => {
            assert_eq!(refusal.code, Code::C1733);
            refusal.faults.into_iter().map(|fault| fault.reason).collect::<Vec<_>>().join("\n")
        }
        other => panic!("{other:?}"),
    };
    let latest = evidence.half_years(&auditor()).expect("sees them").pop().expect("one").shard;
    assert!(faults(evidence.seal(&sre, latest, "")).contains("仍在写入"));
    evidence.seal(&sre, shard, "半年结束").expect("it is over and whole");
    let why = faults(evidence.ask_destruction(&sre, shard, "到期"));
    assert!(why.contains("2028-07-01") && why.contains("重启"), "{why}");
    // Two years later, after a restart.
    clock.set(shard.months_after(24));
    let archive = archive.restarted();
    archive.settled();
    let evidence = &archive.evidence;
    evidence.ask_destruction(&wang, shard, "到期").expect("it is due");
    assert_eq!(code(evidence.confirm_destruction(&sre, shard, "")), Code::C1104, "the authority decides");
    assert_eq!(code(evidence.confirm_destruction(&wang, shard, "")), Code::C1734);
    // Nor by another account of the same natural person.
    for account in ["wang", "wang-again"] {
        archive.town.plane.account(account, Some([1; 32]));
    }
    // An act of the control plane takes what stands before it to the journal.
    let space = shuzha_testkit_control::example("PersonSpace", "census-sample");
    archive.town.put("wang", "PersonSpace", "census-sample", &space).expect("declared");
    let again = person("wang-again", "another-bureau", &[Role::Authority]);
    assert_eq!(code(evidence.confirm_destruction(&again, shard, "")), Code::C1734);
    assert!(evidence.trace(&auditor(), &request).is_ok());
    // Nothing goes before what it spent is under a signed checkpoint.
    let why = faults(evidence.confirm_destruction(&feng, shard, "同意"));
    assert!(why.contains("signed checkpoint"), "{why}");
    archive.settled();
    let done = evidence.confirm_destruction(&feng, shard, "同意").expect("the second person");
    assert!(done.is_gone());
    assert_eq!(code(evidence.trace(&auditor(), &request)), Code::C1730);
    assert_eq!(code(evidence.withdraw_destruction(&wang, shard, "")), Code::C1735);
    // Every act of it is recorded, by whom and in which role.
    archive.settled();
    let first = archive.journal.first_seq().expect("lists");
    let mut acts = Vec::new();
    for record in archive.journal.reader(first).expect("reads") {
        let record = record.expect("whole");
        match record.entry().expect("an entry") {
            Entry::Registered(act) if act.kind == "HalfYear" => {
                acts.push(format!("{} {} {}", act.actor, act.verb, act.object));
            }
            Entry::Retention(leaf) => acts.push(format!("{:?} {}", leaf.act, leaf.confirmed_by)),
            _ => {}
        }
    }
    assert_eq!(acts.last().map(String::as_str), Some("wang withdraw 2026h1"));
    for act in ["ops seal 2026h1", "Sealed ", "wang destroy 2026h1", "feng confirm 2026h1", "Destroyed feng"]
    {
        assert!(acts.iter().any(|one| one == act), "{act} in {acts:?}");
    }
    // The half-year after it can still be restarted from.
    archive.restarted().settled();
}
