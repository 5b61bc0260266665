//! Retries find what they must, and nobody's keys stand in another's way.

use super::*;
use crate::bounds::{IDEMPOTENCY_KEY_BYTES_MAX, PAST_BYTES};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const TAKEN: Covered = Covered { consent: Some([7; 16]), release: Some([6; 16]) };
const ANSWERED: Answered =
    Answered { request: RequestId::from_bytes([5; 16]), received: NOW, commitment: [4; 16] };

fn keys() -> Idempotency {
    Idempotency::new(Bounds::default(), [])
}

fn kept() -> Kept {
    Kept { body: Bytes::from_static(b"{}"), fee: MicroYuan::YUAN, receipt: "1.2".into(), consent: None }
}

fn key(n: u32) -> Commitment {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&n.to_le_bytes());
    key
}

fn spent(at: Timestamp) -> Mark {
    Mark { request: [9; 16], at, in_flight: false, past: Some(Box::new(Past::Spent(TAKEN))) }
}

fn code<T>(done: Result<T, Refusal>) -> Option<Code> {
    done.err().map(|refusal| refusal.code)
}

#[test]
fn the_answer_is_given_again_and_another_request_is_refused() {
    let keys = keys();
    let (found, in_use) = keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("free");
    assert_eq!(found, Found::First);
    assert_eq!(code(keys.begin("bank", [1; 16], &[[9; 16]], NOW)), Some(Code::C309));
    in_use.expect("in use").answered(kept());
    assert_eq!(keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("known").0, Found::Answered(kept()));
    assert_eq!(code(keys.begin("bank", [1; 16], &[[8; 16]], NOW)), Some(Code::C308));
    let later = NOW.plus(RETENTION).plus(Duration::from_secs(1));
    assert_eq!(keys.begin("bank", [1; 16], &[[8; 16]], later).expect("forgotten").0, Found::First);
}

#[test]
fn a_try_that_was_dispatched_leaves_a_mark_and_one_that_was_not_leaves_none() {
    let keys = keys();
    drop(keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("free"));
    let (found, in_use) = keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("free again");
    assert_eq!(found, Found::First);
    let mut in_use = in_use.expect("in use");
    in_use.dispatched(TAKEN);
    drop(in_use);
    let (found, in_use) = keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("spent");
    assert_eq!(found, Found::Spent(TAKEN));
    drop(in_use);
    assert_eq!(keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("still spent").0, Found::Spent(TAKEN));
}

#[test]
fn an_answer_that_was_recorded_and_not_taken_is_not_charged_again() {
    let keys = keys();
    let mut in_use = keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("free").1.expect("in use");
    in_use.dispatched(TAKEN);
    in_use.recorded(Some(ANSWERED));
    drop(in_use);
    // Each time that it is sent again is counted, up to the bound.
    for _ in 0..RERUNS_MAX {
        drop(keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("known"));
        let (found, in_use) = keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("known");
        assert_eq!(found, Found::AnsweredBefore(Some(ANSWERED)));
        in_use.expect("in use").dispatched(Covered::default());
    }
    assert_eq!(code(keys.begin("bank", [1; 16], &[[9; 16]], NOW)), Some(Code::C314));
}

#[test]
fn what_the_journal_knew_outlives_a_restart_even_beyond_the_bounds() {
    let bounds = Bounds { idempotency_keys_per_unit: 1, ..Bounds::default() };
    let known = |n, past| Known { unit: "bank".into(), key: [n; 16], request: [9; 16], at: NOW, past };
    let covered = Covered { consent: Some([3; 16]), release: None };
    let past = [KnownPast::Answered(None, 0), KnownPast::Spent(covered)];
    let keys = Idempotency::new(bounds, [known(1, past[0]), known(2, past[1])]);
    assert_eq!(keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("known").0, Found::AnsweredBefore(None));
    assert_eq!(keys.begin("bank", [2; 16], &[[9; 16]], NOW).expect("known").0, Found::Spent(covered));
    assert_eq!(code(keys.begin("bank", [3; 16], &[[9; 16]], NOW)), Some(Code::C097));
}

/// One unit's share of answers is its own: it lets its own oldest go, and no other's.
#[test]
fn a_unit_lets_its_own_oldest_answers_go_and_they_stay_charged() {
    let keys = keys();
    let most = keys.bounds.answer_bytes_per_unit;
    let third = Bytes::from(vec![b' '; most / 3]);
    let answer = |unit: &str, n: u8| {
        let (_, in_use) = keys.begin(unit, [n; 16], &[[9; 16]], NOW).expect("free");
        in_use.expect("in use").answered(Kept { body: third.clone(), ..kept() });
    };
    answer("charity", 9);
    (1..=4).for_each(|n| answer("bank", n));
    let found = |unit, n| keys.begin(unit, [n; 16], &[[9; 16]], NOW).map(|(found, _)| found).expect("known");
    assert_eq!(found("bank", 1), Found::AnsweredBefore(None));
    assert!((3..=4).all(|n| matches!(found("bank", n), Found::Answered(_))));
    assert!(matches!(found("charity", 9), Found::Answered(_)), "nobody else's answer went");
    assert!(keys.used()[2] <= 2 * most);
}

#[test]
fn where_all_together_keep_too_much_those_with_more_than_an_even_share_make_room() {
    let bounds = Bounds { answer_bytes_per_unit: 8_000, answer_bytes: 10_000, ..Bounds::default() };
    let keys = Idempotency::new(bounds, []);
    let answer = |unit: &str, n: u8| {
        let (_, in_use) = keys.begin(unit, [n; 16], &[[9; 16]], NOW).expect("free");
        in_use.expect("in use").answered(Kept { body: Bytes::from(vec![b' '; 1_744]), ..kept() });
    };
    (0..4).for_each(|n| answer("first", n));
    (0..4).for_each(|n| answer("second", n));
    keys.keep_up(NOW);
    assert!(keys.used()[2] <= 10_000, "{:?}", keys.used());
    let found = |unit, n| keys.begin(unit, [n; 16], &[[9; 16]], NOW).map(|(found, _)| found).expect("known");
    assert!(matches!(found("second", 3), Found::Answered(_)), "who came later keeps answers too");
    assert!(matches!(found("first", 3), Found::Answered(_)));
}

/// Security 6, logic H5: at 1,000 keyed calls a second one unit reached the bound of all, and shut everybody out.
#[test]
fn a_unit_at_its_bound_is_told_when_to_come_again_and_the_others_go_on() {
    let bounds = Bounds { idempotency_keys_per_unit: 1_000, idempotency_keys: 4_000, ..Bounds::default() };
    let keys = Idempotency::new(bounds, []);
    let spend = |unit: &str, n: u32, now| {
        let (_, in_use) = keys.begin(unit, key(n), &[[9; 16]], now)?;
        if let Some(mut in_use) = in_use {
            in_use.dispatched(TAKEN);
        }
        Ok::<_, Refusal>(())
    };
    (0..1_000).for_each(|n| spend("charity", n, NOW.plus(Duration::from_secs(n.into()))).expect("room"));
    let full = NOW.plus(Duration::from_secs(1_000));
    let refused = spend("charity", 1_000, full).expect_err("at its bound");
    assert_eq!(refused.code, Code::C097);
    assert_eq!(refused.retry_after, Some(RETENTION - Duration::from_secs(1_000)), "when its oldest expires");
    assert!(spend("bank", 1, full).is_ok(), "another unit goes on");
    // A day later each call forgets more than it adds: what is kept never grows.
    for n in 0..3_000_u32 {
        let now = NOW.plus(RETENTION).plus(Duration::from_secs(1_000 + 90 * u64::from(n)));
        spend("charity", 10_000 + n, now).unwrap_or_else(|refused| panic!("{n}: {}", refused.code));
        assert!(keys.used()[1] <= 1_000);
    }
}

#[test]
fn a_few_busy_units_cannot_use_up_what_all_have_together() {
    let bounds = Bounds { idempotency_keys_per_unit: 64, idempotency_keys: 100, ..Bounds::default() };
    let keys = Idempotency::new(bounds, []);
    let spend = |unit: &str, n: u32| {
        let (_, in_use) = keys.begin(unit, key(n), &[[9; 16]], NOW)?;
        in_use.expect("first").dispatched(TAKEN);
        Ok::<_, Refusal>(())
    };
    let first = (0..100).take_while(|n| spend("first", *n).is_ok()).count();
    let second = (0..100).take_while(|n| spend("second", *n).is_ok()).count();
    assert_eq!((first, second), (64, 11), "three quarters are for whoever comes");
    assert_eq!(code(spend("second", 99)), Some(Code::C092));
    assert!((0..4).all(|n| spend("third", n).is_ok()), "the last quarter is for those with little");
}

/// Calls that are refused before they are dispatched leave nothing, however many they are and whatever order they end in.
#[test]
fn refused_calls_leave_nothing_behind() {
    let keys = keys();
    for n in 0..10_000 {
        let first = keys.begin("bank", key(2 * n), &[[9; 16]], NOW).expect("free");
        let second = keys.begin("bank", key(2 * n + 1), &[[9; 16]], NOW).expect("free");
        drop(first);
        drop(second);
    }
    assert_eq!(keys.used(), [0, 0, 0]);
    assert!(lock(&keys.units.of("bank")).entries() <= 80);
    keys.keep_up(NOW);
}

/// A table that nobody uses any more is forgotten as well.
#[test]
fn upkeep_forgets_what_is_over() {
    let keys = keys();
    keys.begin("bank", [1; 16], &[[9; 16]], NOW).expect("free").1.expect("in use").answered(kept());
    keys.keep_up(NOW.plus(RETENTION));
    assert_eq!(keys.used()[0], 1);
    keys.keep_up(NOW.plus(RETENTION).plus(Duration::from_secs(1)));
    assert_eq!(keys.used(), [0, 0, 0]);
}

/// The node's memory is known beforehand: `config check` reckons with this.
#[test]
fn a_key_takes_no_more_bytes_than_the_node_reckons_with() {
    const SMALL_BYTES: usize = 64 * 1024;
    let mut marks = Marks::default();
    let most = |marks: &Marks| marks.len() * (IDEMPOTENCY_KEY_BYTES_MAX - PAST_BYTES) + SMALL_BYTES;
    assert!(size_of::<Past>() + 16 <= PAST_BYTES, "{}", size_of::<Past>());
    for n in 0..200_000 {
        let at = NOW.plus(Duration::from_micros(u64::from(n)));
        marks.put(key(n), spent(at));
        // What became of it, and an answer, are beside the tables, and counted apart.
        let kept = Some(Box::new(kept()));
        let past = Past::Answered { answered: Some(ANSWERED), reruns: 0, kept };
        marks.end(key(n), ([9; 16], at), past, usize::MAX);
        assert!(marks.table_bytes() <= most(&marks), "{n}: {}", marks.table_bytes());
    }
    // A unit whose calls are refused again and again leaves no more.
    let mut marks = Marks::default();
    for n in 0..200_000 {
        marks.put(key(n), spent(NOW));
        if n % 16 > 0 {
            marks.put(key(n + 1_000_000), spent(NOW));
            marks.remove(&key(n));
            marks.remove(&key(n + 1_000_000));
        }
        assert!(marks.table_bytes() <= most(&marks), "{n}: {}", marks.table_bytes());
    }
}
