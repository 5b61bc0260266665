//! What a unit may spend: never more than its limit, and at rest nothing is held.

use proptest::prelude::*;
use shuzha_pricing::versions::{Portion, bill};
use shuzha_pricing::{Effective, Form, Tariff};

use super::*;

fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

fn micros(micros: i64) -> MicroYuan {
    MicroYuan::from_micros(micros)
}

fn key(price: &str, month: &str) -> CountKey {
    CountKey {
        price: id(price),
        scenario: id("s"),
        agreement: id("a"),
        purpose: PurposeClass::Industry,
        basis: Basis::Price,
        month: month.parse().expect("a month"),
    }
}

/// Versions of one price, each from a day on until the next.
fn versions(of: &[(&str, Tariff)]) -> Arc<PriceBook> {
    let ends = of.iter().skip(1).map(|(from, _)| Some(*from)).chain([None]);
    let price = |(at, ((from, tariff), until)): (usize, (&(&str, Tariff), Option<&str>))| Price {
        tariff: tariff.clone(),
        ..Price::per_call(
            id(&format!("p{at}")),
            "1号".to_owned(),
            id("x"),
            MicroYuan::ZERO,
            Effective::of_dates(from, until).expect("dates"),
        )
    };
    let prices = of.iter().zip(ends).enumerate().map(price).collect();
    Arc::new(PriceBook::build(prices, vec![]).expect("stands"))
}

fn unit_price(each: i64) -> Tariff {
    Form::Unit(micros(each)).into()
}

fn package(calls: u64, fee: i64, annual: Option<i64>) -> Tariff {
    let calls = std::num::NonZeroU64::new(calls).expect("a block");
    Tariff { annual: annual.map(micros), ..Form::Package { calls, fee: micros(fee) }.into() }
}

fn ordered(book: &Arc<PriceBook>, version: usize, month: &str, calls: u32) -> Ordered {
    let price = &book.prices("x")[version];
    Ordered::new(key(price.id.as_str(), month), calls, price, book)
}

/// Settles a call at the price of its outcome; answers what it came to.
fn charge(mut hold: Hold<'_, PurseLedger>) -> i64 {
    let amount = hold.charge();
    hold.spend_amount_on_drop(amount);
    amount.micros()
}

#[test]
fn the_limit_is_never_passed_and_the_rest_comes_back() {
    let (unit, book) = (id("bank-a"), versions(&[("2026-01-01", unit_price(4))]));
    let ledger = PurseLedger::new([(unit.clone(), micros(5))], []);
    let hold = |limit, calls| ledger.hold(&unit, micros(limit), ordered(&book, 0, "2026-01", calls));
    let mut first = hold(10, 1).expect("within the limit");
    assert_eq!(hold(10, 1).err(), Some(Code::C704));
    first.spend_amount_on_drop(micros(1));
    drop(first);
    assert_eq!(ledger.posted(&unit), micros(6));
    drop(hold(10, 1).expect("the rest came back"));
    assert_eq!((ledger.posted(&unit), ledger.held(&unit)), (micros(6), micros(0)));
    let dear = versions(&[("2026-01-01", unit_price(1_000_000_000_000))]);
    let huge = ledger.hold(&unit, micros(10), ordered(&dear, 0, "2026-01", u32::MAX));
    assert_eq!(huge.err(), Some(Code::C705), "past what can be counted");
}

/// Logic M8: payments never reached the credit account.
#[test]
fn what_the_books_free_can_be_spent_again() {
    let (unit, book) = (id("bank-a"), versions(&[("2026-01-01", unit_price(4))]));
    let ledger = PurseLedger::new([(unit.clone(), micros(9))], []);
    let next = || ledger.hold(&unit, micros(10), ordered(&book, 0, "2026-01", 1));
    assert_eq!(next().err(), Some(Code::C704));
    ledger.free(&unit, micros(9));
    assert_eq!(ledger.owed(&unit), micros(0));
    assert_eq!([charge(next().expect("paid")), charge(next().expect("within"))], [4, 4]);
    assert_eq!((next().err(), ledger.owed(&unit)), (Some(Code::C704), micros(8)));
    // Refunded: what was paid ahead is gone again.
    ledger.free(&unit, micros(-2));
    assert_eq!((next().err(), ledger.posted(&unit)), (Some(Code::C704), micros(17)));
}

#[test]
fn f4_a_block_is_paid_once_and_its_calls_need_no_balance() {
    let (unit, book) = (id("bank-a"), versions(&[("2026-01-01", package(3, 100, None))]));
    let ledger = PurseLedger::new([], []);
    let next = |month| ledger.hold(&unit, micros(100), ordered(&book, 0, month, 1));
    let (first, second) = (next("2026-01").expect("holds the block"), next("2026-01").expect("within it"));
    assert_eq!((first.token().held().micros(), second.token().held().micros()), (100, 0));
    // The first fails; the block's fee is then the second's.
    drop(first);
    assert_eq!(charge(second), 100);
    for _ in 0..2 {
        assert_eq!(charge(next("2026-01").expect("the block is paid")), 0);
    }
    assert_eq!(next("2026-01").err(), Some(Code::C704), "the next block is not");
    assert_eq!(next("2026-02").err(), Some(Code::C704), "and each month has blocks of its own");
}

#[test]
fn f4_a_years_fee_is_taken_once() {
    let (unit, book) = (id("bank-a"), versions(&[("2025-01-01", package(1, 5, Some(1_000)))]));
    let before = [(unit.clone(), key("p0", "2026-01"), 1), (unit.clone(), key("p0", "2025-12"), 9)];
    let ledger = PurseLedger::new([], before);
    let cost = |month| {
        let next = ordered(&book, 0, month, 1);
        charge(ledger.hold(&unit, micros(10_000), next).expect("within the limit"))
    };
    assert_eq!([cost("2026-02"), cost("2027-01"), cost("2027-01"), cost("2027-02")], [5, 1_005, 5, 5]);
}

/// Logic M8: the fee was charged twice where the first calls of a year straddled a month, or held for ever.
#[test]
fn f4_a_years_fee_is_taken_once_where_its_first_calls_straddle_a_month() {
    let tariff = |fee| package(1, 5, Some(fee));
    let book = versions(&[("2026-01-01", tariff(1_000)), ("2026-02-01", tariff(1_000))]);
    let unit = id("bank-a");
    let two = [(0, "2026-01"), (1, "2026-02")];
    for turn in [[0, 1], [1, 0]] {
        for fails in [None, Some(0), Some(1)] {
            let ledger = PurseLedger::new([], []);
            let hold = |at: usize| {
                ledger.hold(&unit, micros(10_000), ordered(&book, two[at].0, two[at].1, 1)).expect("within")
            };
            let mut holds = [0, 1].map(|at| Some(hold(at)));
            assert_eq!(ledger.held(&unit), micros(1_010), "one fee is held");
            for at in turn {
                let hold = holds[at].take().expect("each once");
                if fails == Some(at) {
                    drop(hold);
                } else {
                    charge(hold);
                }
            }
            let calls = if fails.is_none() { 2 } else { 1 };
            assert_eq!(ledger.posted(&unit), micros(1_000 + 5 * calls), "{turn:?} {fails:?}");
            assert_eq!(ledger.held(&unit), micros(0), "{turn:?} {fails:?}");
        }
    }
}

/// A version that was published after calls of the month goes on from them, however they were priced.
#[test]
fn f4_tiers_go_on_from_calls_of_an_earlier_version() {
    use shuzha_pricing::form::{Tier, Tiers};

    let tier = |up_to, each| Tier { up_to, each: micros(each) };
    let tiers = Tiers::new(vec![tier(Some(3), 10), tier(None, 1)]).expect("tiers");
    let first = versions(&[("2026-01-01", unit_price(7))]);
    let both = versions(&[("2026-01-01", unit_price(7)), ("2026-01-10", Form::Graduated(tiers).into())]);
    let (unit, ledger) = (id("bank-a"), PurseLedger::new([], []));
    let cost = |book, version| {
        let next = ordered(book, version, "2026-01", 1);
        charge(ledger.hold(&unit, micros(10_000), next).expect("within the limit"))
    };
    assert_eq!([cost(&first, 0), cost(&first, 0)], [7, 7]);
    assert_eq!([cost(&both, 1), cost(&both, 1), cost(&both, 1)], [10, 1, 1]);
}

fn any_tariff() -> impl Strategy<Value = Tariff> {
    let year = prop::option::of(1_i64..300);
    prop_oneof![
        (0_i64..40).prop_map(unit_price),
        (1_u64..5, 0_i64..40, year).prop_map(|(block, fee, annual)| package(block, fee, annual)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Whatever is under way, settled, failed or free, in whatever order, over versions, months and years: at rest nothing is
    /// held, and what is charged covers the bill.
    #[test]
    fn f4_at_rest_nothing_is_held(
        first in any_tariff(), second in any_tariff(), limit in 0_i64..2_000,
        steps in prop::collection::vec((0_u8..4, any::<usize>(), 1_u32..4, 0_usize..5), 1..80),
    ) {
        let months = [(0, "2025-12"), (0, "2026-01"), (1, "2026-01"), (1, "2026-02"), (1, "2027-01")];
        let book = versions(&[("2025-01-01", first), ("2026-01-15", second)]);
        let (unit, ledger) = (id("bank-a"), PurseLedger::new([], []));
        let (mut open, mut counts, mut unrecorded) = (Vec::new(), [0_u64; 5], false);
        for (step, pick, batch, of) in steps {
            if step == 0 || open.is_empty() {
                let (version, month) = months[of];
                match ledger.hold(&unit, micros(limit), ordered(&book, version, month, batch)) {
                    Ok(hold) => open.push((hold, batch, of)),
                    Err(code) => prop_assert_eq!(code, Code::C704),
                }
            } else {
                let (mut hold, batch, of) = open.swap_remove(pick % open.len());
                match step {
                    1 => {
                        charge(hold);
                        counts[of] += u64::from(batch);
                    }
                    2 => {
                        // Free by its outcome.
                        hold.spend_amount_on_drop(MicroYuan::ZERO);
                        drop(hold);
                    }
                    // Its record did not reach the disk.
                    _ => {
                        let amount = hold.charge();
                        hold.spend_amount_on_drop(amount);
                        hold.void_on_drop();
                        drop(hold);
                        unrecorded = true;
                    }
                }
            }
            let (posted, held) = (ledger.posted(&unit).micros(), ledger.held(&unit).micros());
            prop_assert!(held >= 0 && posted >= 0);
            if open.is_empty() {
                prop_assert_eq!(held, 0);
            }
        }
        open.clear();
        prop_assert_eq!(ledger.held(&unit), micros(0));
        let mut due = 0;
        for group in [&[0][..], &[1, 2], &[3], &[4]] {
            let portions: Vec<_> = group.iter().map(|at| Portion {
                price: &book.prices("x")[months[*at].0], preferred: false, calls: counts[*at],
            }).collect();
            due += bill(&portions).expect("small").iter().map(|sum| sum.micros()).sum::<i64>();
        }
        // What such a call would have paid for others is left to the close.
        prop_assert!(unrecorded || ledger.posted(&unit).micros() >= due, "{} for {due}", ledger.posted(&unit));
    }

    /// One version in one month: what is charged is what the price's running sum says, exactly, and so is what is held.
    #[test]
    fn f4_charges_add_up_to_the_running_sum(
        block in 1_u64..5, fee in 0_i64..40, limit in 0_i64..400,
        steps in prop::collection::vec((0_u8..3, any::<usize>(), 1_u32..4), 1..120),
    ) {
        let book = versions(&[("2026-01-01", package(block, fee, None))]);
        let price = &book.prices("x")[0];
        let (unit, ledger) = (id("bank-a"), PurseLedger::new([], []));
        let (mut open, mut calls) = (Vec::new(), 0_u64);
        for (step, pick, batch) in steps {
            if step == 0 || open.is_empty() {
                match ledger.hold(&unit, micros(limit), ordered(&book, 0, "2026-01", batch)) {
                    Ok(hold) => open.push((hold, batch)),
                    Err(code) => prop_assert_eq!(code, Code::C704),
                }
            } else {
                let (hold, batch) = open.swap_remove(pick % open.len());
                if step == 1 {
                    charge(hold);
                    calls += u64::from(batch);
                } else {
                    drop(hold);
                }
            }
            let running = |calls| price.running(calls, false, false).expect("small").micros();
            let under_way: u64 = open.iter().map(|(_, batch)| u64::from(*batch)).sum();
            let (posted, held) = (ledger.posted(&unit).micros(), ledger.held(&unit).micros());
            prop_assert_eq!(posted, running(calls));
            prop_assert_eq!(posted + held, running(calls + under_way));
            prop_assert!(posted + held <= limit);
        }
    }
}
