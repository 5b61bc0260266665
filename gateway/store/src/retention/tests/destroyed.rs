//! What is destroyed, by two persons or at the next start after a kill.

use super::*;

#[test]
fn h3_two_persons_destroy_what_is_due_and_everything_else_checks() {
    let past = Past::new();
    let (retention, now) = (past.retention(), past.stores.now());
    let (wang, feng) = (id("wang"), id("feng"));
    past.untouched();
    assert_eq!(refused(retention.confirm(past.first, asked(&feng, now))), Code::C1735, "nobody asked");
    assert_eq!(refused(retention.withdraw(past.first, now)), Code::C1735);
    assert_eq!(refused(retention.ask("2030h1".parse().unwrap(), asked(&wang, now))), Code::C1003);
    retention.ask(past.first, asked(&wang, now)).unwrap();
    retention.ask(past.first, asked(&feng, now)).unwrap();
    assert_eq!(refused(retention.confirm(past.first, asked(&wang, now))), Code::C1734, "who asked first");
    retention.withdraw(past.first, now).unwrap();
    assert_eq!(refused(retention.confirm(past.first, asked(&feng, now))), Code::C1735);
    retention.ask(past.first, asked(&wang, now)).unwrap();
    past.stores.settle(&past.journal);
    past.untouched();
    let done = retention.confirm(past.first, asked(&feng, now)).unwrap();
    assert!(done.is_gone() && done.holds.is_empty());
    past.gone();
    for again in
        [retention.ask(past.first, asked(&wang, now)), retention.confirm(past.first, asked(&feng, now))]
    {
        assert_eq!(refused(again), Code::C1735);
    }
    assert_eq!(refused(retention.withdraw(past.first, now)), Code::C1735);
    past.restarted().gone();
}

/// Killed behind any step, and behind every file operation of the longest: not begun, or completed at the next start.
#[test]
fn h3_killed_anywhere_it_is_not_begun_or_completed_at_the_next_start() {
    use Step::{Certified, Checked, Decided, Index, Journal, Kept, Log, Recorded};
    for step in [Decided, Recorded, Kept, Certified, Log, Index, Journal, Checked] {
        let past = Past::new();
        let (wang, feng, now) = (id("wang"), id("feng"), past.stores.now());
        past.retention().ask(past.first, asked(&wang, now)).unwrap();
        past.stores.settle(&past.journal);
        let killed = past.retention().confirm_watched(past.first, asked(&feng, now), &mut |at| {
            if at == step { Err(RetentionError::Unrecorded) } else { Ok(()) }
        });
        assert!(matches!(killed, Err(RetentionError::Unrecorded)), "{step:?}: {killed:?}");
        let waits = past.retention().plan(now).unwrap()[0].destroyed.clone().unwrap();
        assert!(waits.decision.is_some() && waits.finished.is_none(), "{step:?}");
        past.restarted().gone();
    }
    // Asked for and not decided, it is not begun.
    let past = Past::new();
    past.retention().ask(past.first, asked(&id("wang"), past.stores.now())).unwrap();
    let past = past.restarted();
    past.untouched();
    assert!(
        past.retention().plan(past.stores.now()).unwrap()[0].destroyed.as_ref().unwrap().decision.is_none()
    );
}

#[test]
fn h3_three_years_keep_every_call_for_two_and_the_life_cycle_for_good() {
    let stores = Stores::new(day(2026, 1, 15));
    let (sre, wang, feng) = (id("sre"), id("wang"), id("feng"));
    let (mut calls, mut acts) = (Vec::new(), 0);
    for month in 0..39_u16 {
        let now = Day::new(2026 + i32::from(month / 12), u8::try_from(month % 12 + 1).unwrap(), 15)
            .unwrap()
            .start();
        stores.clock.set(now);
        let journal = stores.start();
        let retention = stores.retention(&journal);
        retention.resume(now).unwrap();
        calls.push((stores.now(), stores.call(&journal, |_| {})));
        stores.act(&journal, u8::try_from(month).unwrap());
        acts += 3;
        stores.settle(&journal);
        for year in retention.plan(now).unwrap() {
            let (due, over) = (now >= year.free_from, !year.holds.contains(&Hold::Open));
            assert_eq!(year.free_from, year.shard.months_after(24));
            assert_eq!(year.holds.contains(&Hold::Until(year.free_from)), !due && !year.is_gone());
            if over && year.sealed.is_none() {
                assert!(retention.seal(year.shard, asked(&sre, now)).unwrap().sealed.is_some());
            }
            if !year.is_gone() {
                // A day of a clock that is wrong does not help either: every hold is looked at again.
                let outcome = retention.ask(year.shard, asked(&wang, now));
                assert_eq!(outcome.is_ok(), over && due, "{} at {month}: {outcome:?}", year.shard);
                if outcome.is_ok() {
                    stores.settle(&journal);
                    retention.confirm(year.shard, asked(&feng, now)).unwrap();
                }
            }
        }
        stores.settle(&journal);
        let library = stores.retention(&journal).library();
        for (at, request) in &calls {
            let found = library.call(request).unwrap();
            let young = Shard::of(*at).months_after(24) > now;
            assert_eq!(found.is_some(), young, "a call of {at:?} at {month}");
        }
        // Every act of the life-cycle is there, in a file of its own or in the log.
        let mut seen = 0;
        for year in retention.plan(now).unwrap() {
            let reader = retention.reader(year.shard);
            if year.is_gone() {
                for file in reader.kept().unwrap() {
                    seen += shuzha_evidence::verify::kept_entries(&file).count();
                }
            } else {
                shuzha_evidence::verify::for_each_entry(&reader, year.size, 0..year.size, |_, entry| {
                    let entry = Entry::decode(entry).unwrap();
                    seen += usize::from(!matches!(entry, Entry::Call(_) | Entry::Retention(_)));
                })
                .unwrap();
            }
        }
        assert!(seen >= acts, "{seen} of {acts} at {month}");
    }
    let plan = stores.retention(&stores.start()).plan(stores.now()).unwrap();
    let gone: Vec<String> =
        plan.iter().filter(|year| year.is_gone()).map(|year| year.shard.to_string()).collect();
    assert_eq!((gone, plan.len()), (vec!["2026h1".to_owned(), "2026h2".to_owned()], 7));
}

/// Heilongjiang 29, Qingtian 二(六): logs are kept so long after the end of the agreement; before, from the half-year alone, so that
/// they could go while the authorisation that they belong to was in force.
#[test]
fn h8_calls_are_kept_from_the_end_of_the_authorisation_they_were_made_under() {
    let mut past = Past::new();
    let now = past.stores.now();
    let until = |past: &Past| {
        let year = past.retention().plan(now).unwrap().remove(0);
        (year.free_from, year.holds.into_iter().find(|hold| matches!(hold, Hold::Authorisation(..))))
    };
    assert_eq!(until(&past), (day(2028, 7, 1), None), "nobody was authorised");
    // Over before the half-year began, or begun behind it: none of its calls belongs to it.
    past.stores.ends.0 = vec![(day(2020, 1, 1), day(2025, 12, 31)), (day(2026, 7, 1), day(2035, 1, 1))];
    assert_eq!(until(&past), (day(2028, 7, 1), None));
    // In force in it, and in force still: two years after its term, counted in whole months as half-years are.
    past.stores.ends.0.push((day(2026, 6, 30), day(2030, 3, 10)));
    let kept = day(2032, 4, 1);
    assert_eq!(until(&past), (kept, Some(Hold::Authorisation("Agreement/bank-2026".to_owned(), kept))));
    let why = held(past.retention().ask(past.first, asked(&id("wang"), now)));
    assert!(why.iter().any(|hold| hold.to_string().contains("Agreement/bank-2026")), "{why:?}");
    // It ended early.
    past.stores.ends.0[2].1 = day(2026, 6, 30);
    assert_eq!(until(&past), (day(2028, 7, 1), None), "the half-year's own term is the same");
}
