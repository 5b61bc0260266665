//! Caps by example; the ledger against a model that adds up the whole history for every question; planted bugs.

mod planted;

use std::collections::BTreeMap;

use proptest::prelude::*;
use shuzha_core::{Measure, RequestId};

use super::*;

fn nanos(n: u64) -> NanoCharge {
    NanoCharge::from_nanos(n)
}

const CAPS: Caps = Caps {
    space: nanos_of(100),
    data_set: nanos_of(60),
    quota: nanos_of(30),
    pace: Some(Pace { max: nanos_of(25), days: 7 }),
    per_query: nanos_of(20),
};

const fn nanos_of(n: u64) -> NanoCharge {
    NanoCharge::from_nanos(n)
}

#[test]
fn e6_each_cap_has_its_code_and_the_wider_is_named_first() {
    let spent = |space, data_set, quota, paced| Spent {
        space: nanos(space),
        data_set: nanos(data_set),
        quota: nanos(quota),
        paced: nanos(paced),
    };
    for (before, charge, expected) in [
        (spent(0, 0, 0, 0), 20, Ok(spent(20, 20, 20, 20))),
        (spent(80, 40, 10, 5), 20, Ok(spent(100, 60, 30, 25))),
        (spent(81, 40, 10, 0), 20, Err(Code::C601)),
        (spent(80, 41, 10, 0), 20, Err(Code::C602)),
        (spent(80, 40, 11, 0), 20, Err(Code::C603)),
        (spent(80, 40, 10, 6), 20, Err(Code::C607)),
        (spent(100, 60, 30, 25), 1, Err(Code::C601)),
        (spent(0, 0, 0, 0), 21, Err(Code::C604)),
        (spent(0, 0, 0, 0), 0, Err(Code::C604)),
        (spent(u64::MAX, 0, 0, 0), 1, Err(Code::C601)),
        (spent(0, u64::MAX, 0, 0), 20, Err(Code::C602)),
        // A cap that was lowered below what is spent.
        (spent(200, 0, 0, 0), 1, Err(Code::C601)),
    ] {
        assert_eq!(CAPS.check(before, nanos(charge)), expected, "{before:?} {charge}");
    }
}

fn account(space: &str, data_set: &str, unit: &str) -> Account {
    Account { space: space.into(), data_set: data_set.into(), unit: unit.into(), scenario: "s".into() }
}

fn debit(account: Account, day: i64, charge: u64) -> Debit {
    Debit { account, measure: Measure::Rho, day, charge: nanos(charge) }
}

fn request(number: u8) -> RequestId {
    RequestId::from_bytes([number; 16])
}

#[test]
fn e6_a_pace_slows_and_never_gives() {
    let mut ledger = Ledger::default();
    let at = |day, charge| debit(account("people", "census", "a"), day, charge);
    assert_eq!(ledger.charge(&CAPS, &at(0, 20)), Ok(()));
    assert_eq!(
        ledger.charge(&CAPS, &at(6, 6)),
        Err(Code::C607),
        "the window holds seven days, both ends in it"
    );
    assert_eq!(ledger.paced_until(&CAPS, &at(0, 0).account, 6, nanos(6)), 7);
    assert_eq!(ledger.charge(&CAPS, &at(6, 5)), Ok(()));
    assert_eq!(ledger.paced_until(&CAPS, &at(0, 0).account, 6, nanos(20)), 7);
    assert_eq!(ledger.paced_until(&CAPS, &at(0, 0).account, 7, nanos(21)), 13, "the five of day 6 have left");
    assert_eq!(ledger.charge(&CAPS, &at(7, 6)), Err(Code::C603), "waiting does not raise the quota");
    assert_eq!(ledger.charge(&CAPS, &at(7, 5)), Ok(()));
    assert_eq!(ledger.charge(&CAPS, &at(10_000, 1)), Err(Code::C603));
    assert_eq!(ledger.of_space("people"), nanos(30));
}

#[test]
fn e6_a_measure_is_fixed_by_the_first_charge() {
    let mut ledger = Ledger::default();
    let first = debit(account("people", "census", "a"), 0, 1);
    let other = Debit { measure: Measure::PureEps, ..first.clone() };
    ledger.charge(&CAPS, &first).expect("it fits");
    let before = ledger.clone();
    assert_eq!(ledger.charge(&CAPS, &other), Err(Code::C608));
    assert_eq!(ledger.debit(&other), Err(LedgerFault::Measure));
    assert_eq!(ledger.refund(request(1), &other), Err(LedgerFault::Measure));
    assert_eq!(ledger, before);
}

/// A data set that is moved to fresh people takes nothing along: the old person-space stays charged, and the data set's own
/// cap goes on counting.
#[test]
fn e6_moving_a_data_set_frees_nothing() {
    let mut ledger = Ledger::default();
    ledger.debit(&debit(account("old", "census", "a"), 0, 50)).expect("sound");
    ledger.debit(&debit(account("new", "census", "a"), 0, 5)).expect("sound");
    assert_eq!((ledger.of_space("old"), ledger.of_space("new")), (nanos(50), nanos(5)));
    assert_eq!(ledger.of_data_set("census"), nanos(55));
    assert_eq!(ledger.charge(&CAPS, &debit(account("new", "census", "b"), 0, 6)), Err(Code::C602));
}

#[test]
fn e6_refunds_are_once_each_and_no_more_than_was_taken() {
    let mut ledger = Ledger::default();
    let taken = debit(account("people", "census", "a"), 3, 10);
    ledger.debit(&taken).expect("sound");
    let more = debit(account("people", "census", "a"), 4, 11);
    assert_eq!(ledger.refund(request(1), &more), Err(LedgerFault::NotTaken));
    assert_eq!(ledger.refund(request(1), &Debit { day: 4, ..taken.clone() }), Ok(()));
    assert_eq!(ledger.refund(request(1), &taken), Err(LedgerFault::Repeated));
    assert_eq!(ledger.of_space("people"), NanoCharge::ZERO);
    assert_eq!((ledger.refunded("people", 4), ledger.refunded("people", 34)), (nanos(10), nanos(10)));
    assert_eq!(ledger.refunded("people", 35), NanoCharge::ZERO);
    assert!(refund_fits(nanos(1_000), NanoCharge::ZERO, nanos(10)));
    assert!(!refund_fits(nanos(1_000), nanos(1), nanos(10)));
    assert!(!refund_fits(nanos(1_099), nanos(u64::MAX), nanos(1)));
    assert!(!refund_fits(nanos(99), NanoCharge::ZERO, nanos(1)), "one hundredth, rounded down");
}

#[test]
fn e6_sums_past_the_range_are_refused_whole() {
    let mut ledger = Ledger::default();
    ledger.debit(&debit(account("people", "census", "a"), 0, u64::MAX - 1)).expect("sound");
    let before = ledger.clone();
    assert_eq!(ledger.debit(&debit(account("people", "tax", "b"), 0, 2)), Err(LedgerFault::Range));
    assert_eq!(ledger.debit(&debit(account("people", "tax", "b"), 0, 0)), Err(LedgerFault::Nothing));
    assert_eq!(ledger.debit(&debit(account("", "tax", "b"), 0, 1)), Err(LedgerFault::Nothing));
    assert_eq!(ledger.void(&debit(account("people", "tax", "b"), 0, 1)), Err(LedgerFault::NotTaken));
    assert_eq!(ledger, before);
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Move {
    Charge { who: usize, day: i64, charge: u64 },
    Void(prop::sample::Index),
    Refund(prop::sample::Index),
}

const WHO: [(&str, &str, &str); 4] =
    [("p", "census", "a"), ("p", "census", "b"), ("p", "tax", "a"), ("q", "tax", "b")];

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![
        6 => (0..4_usize, 0_i64..40, prop_oneof![0_u64..25, Just(u64::MAX), any::<u64>()])
            .prop_map(|(who, day, charge)| Move::Charge { who, day, charge }),
        2 => any::<prop::sample::Index>().prop_map(Move::Void),
        1 => any::<prop::sample::Index>().prop_map(Move::Refund),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// R6, R13: whatever is tried, no cap is passed at any level, every sum is the exact sum of what was accepted and not
    /// given back, and what one unit does changes no other unit's account.
    #[test]
    fn e6_no_cap_is_ever_passed(moves in moves()) {
        let mut ledger = Ledger::default();
        let mut standing: Vec<Debit> = Vec::new();
        let mut day = 0;
        for (number, step) in (0_u8..).zip(moves) {
            let before = ledger.clone();
            match step {
                Move::Charge { who, day: later, charge } => {
                    day = day.max(later);
                    let (space, set, unit) = WHO[who];
                    let debit = debit(account(space, set, unit), day, charge);
                    if ledger.charge(&CAPS, &debit).is_ok() {
                        standing.push(debit);
                    } else {
                        prop_assert_eq!(&ledger, &before, "a refusal changed something");
                    }
                }
                Move::Void(which) if !standing.is_empty() => {
                    let debit = standing.swap_remove(which.index(standing.len()));
                    prop_assert_eq!(ledger.void(&debit), Ok(()));
                }
                Move::Refund(which) if !standing.is_empty() => {
                    let debit = standing.swap_remove(which.index(standing.len()));
                    prop_assert_eq!(ledger.refund(request(number), &debit), Ok(()));
                }
                Move::Void(_) | Move::Refund(_) => {}
            }
            let sum = |keep: &dyn Fn(&Account) -> bool| -> u128 {
                standing.iter().filter(|debit| keep(&debit.account)).map(|debit| u128::from(debit.charge.nanos())).sum()
            };
            for (space, books) in ledger.spaces() {
                prop_assert_eq!(u128::from(books.spent.nanos()), sum(&|one| one.space == *space));
                prop_assert!(books.spent <= CAPS.space);
            }
            for (account, spending) in ledger.accounts() {
                prop_assert_eq!(u128::from(spending.spent.nanos()), sum(&|one| one == account));
                prop_assert!(spending.spent <= CAPS.quota);
                let in_set = sum(&|one| one.data_set == account.data_set);
                prop_assert_eq!(u128::from(ledger.of_data_set(&account.data_set).nanos()), in_set);
                prop_assert!(in_set <= u128::from(CAPS.data_set.nanos()));
            }
        }
    }

    /// What is stored and put back is what it was.
    #[test]
    fn e6_a_restored_ledger_is_the_same(moves in moves()) {
        let mut ledger = Ledger::default();
        for (number, step) in (0_u8..).zip(moves) {
            if let Move::Charge { who, day, charge } = step {
                let (space, set, unit) = WHO[who];
                let debit = debit(account(space, set, unit), day, charge);
                if ledger.charge(&CAPS, &debit).is_ok() && number % 5 == 0 {
                    ledger.refund(request(number), &debit).expect("it was taken");
                }
            }
        }
        let mut restored = Ledger::default();
        for (name, space) in ledger.spaces() {
            restored.restore_space(name.clone(), space.measure, space.refunded.clone());
        }
        for (account, spending) in ledger.accounts() {
            prop_assert_eq!(restored.restore_account(account.clone(), spending.clone()), Ok(()));
        }
        ledger.refunds().iter().for_each(|request| restored.restore_refund(*request));
        prop_assert_eq!(restored, ledger);
    }
}

/// R13 with reserved quotas: an attacker that asks a hundred times as often, and too much, cannot lower what another unit
/// has left by anything.
#[test]
fn e6_an_attacker_lowers_nobodys_quota() {
    let caps = Caps { space: nanos(60), data_set: nanos(60), pace: None, ..CAPS };
    let mut ledger = Ledger::default();
    let mut refusals: BTreeMap<Code, u32> = BTreeMap::new();
    for round in 0..30 {
        for attempt in 0..100_u64 {
            let charge = [1, 2, 20, 21, u64::MAX][usize::try_from(attempt % 5).expect("small")];
            if let Err(code) =
                ledger.charge(&caps, &debit(account("people", "census", "attacker"), 0, charge))
            {
                *refusals.entry(code).or_default() += 1;
            }
        }
        let victim = debit(account("people", "census", "victim"), 0, 1);
        let before = ledger.spent(&caps, &victim.account, 0);
        assert_eq!(before.quota, nanos(round));
        assert_eq!(ledger.charge(&caps, &victim), Ok(()), "round {round}");
    }
    assert!(refusals.contains_key(&Code::C603) && refusals.contains_key(&Code::C604));
    assert_eq!(ledger.of_space("people"), nanos(60));
}
