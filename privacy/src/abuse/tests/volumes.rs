//! A scenario is held to what it was approved for, from its first call.

use super::*;

/// Calls until the signal of a scenario that asks about another company each time, in its first minutes.
fn sweep(volume: Volume) -> Option<(i64, Signal)> {
    let (mut watch, dice) = (Watch::default(), Seeded::new(41));
    (1..=12_000).find_map(|call_at| {
        let seen = Seen { subject: Some(dice.u64()), volume, ..call() };
        watch.observe(&seen, at(call_at / 545)).map(|signal| (call_at, signal))
    })
}

/// 12,000 companies in 22 seconds by a new scenario gave no signal.
#[test]
fn i3_a_new_scenario_does_not_start_free() {
    let (call_at, signal) = sweep(Volume::default()).expect("a signal");
    assert_eq!(signal, Signal::Undeclared);
    assert!((2_500..=3_600).contains(&call_at), "{call_at}");
    let declared = Volume { subjects_per_day: Some(500), calls_per_day: Some(2_000) };
    let (call_at, signal) = sweep(declared).expect("a signal");
    assert!(signal == Signal::Subjects && (450..=700).contains(&call_at), "{call_at}");
}

/// Calls without a subject, as of models, have their own limit; it is given again after each tenth more, and each day anew.
#[test]
fn i3_declared_calls_of_a_day_are_a_limit() {
    let volume = Volume { calls_per_day: Some(500), subjects_per_day: None };
    let mut watch = Watch::default();
    let mut signals = |day: i64, calls: u64| {
        let seen = Seen { volume, ..call() };
        let noticed = (1..=calls).filter(|_| watch.observe(&seen, at(day * 86_400)) == Some(Signal::Volume));
        noticed.collect::<Vec<_>>()
    };
    assert_eq!(signals(0, 500), [] as [u64; 0]);
    assert_eq!(signals(1, 650), [501, 552, 603]);
    assert_eq!(signals(2, 500), [] as [u64; 0]);
}

/// Who stays within what was declared is left alone, however sudden the first day is.
#[test]
fn i3_what_was_applied_for_may_be_used() {
    let volume = Volume { calls_per_day: Some(100_000), subjects_per_day: Some(50_000) };
    let (mut watch, dice) = (Watch::default(), Seeded::new(43));
    for call_at in 0..45_000 {
        let seen = Seen { subject: Some(dice.u64()), volume, ..call() };
        assert_eq!(watch.observe(&seen, at(call_at / 2)), None, "{call_at}");
    }
}
