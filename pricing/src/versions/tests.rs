//! Versions of a price in one month, by hand and by law.

use std::num::NonZeroU64;

use proptest::prelude::*;
use shuzha_core::Id;

use super::*;
use crate::form::{Minimum, Tier, Tiers};
use crate::{Effective, Tariff};

fn micros(micros: i64) -> MicroYuan {
    MicroYuan::from_micros(micros)
}

fn tiers(of: &[(u64, i64)], last: i64) -> Tiers {
    let mut all: Vec<_> =
        of.iter().map(|&(up_to, each)| Tier { up_to: Some(up_to), each: micros(each) }).collect();
    all.push(Tier { up_to: None, each: micros(last) });
    Tiers::new(all).unwrap()
}

fn least(fee: i64) -> Option<Minimum> {
    Some(Minimum { fee: micros(fee), calls: NonZeroU64::MIN })
}

fn package(calls: u64, fee: i64) -> Form {
    Form::Package { calls: NonZeroU64::new(calls).unwrap(), fee: micros(fee) }
}

fn price(tariff: Tariff) -> Price {
    let id = |text| Id::new(text).unwrap();
    let always = Effective::of_dates("2026-01-01", None).unwrap();
    let price = Price::per_call(id("p"), "1号".to_owned(), id("x"), MicroYuan::ZERO, always);
    Price { tariff, provider_parts: Some(3_333), ..price }
}

/// What a month comes to, by version.
fn billed(of: &[(Tariff, u64)]) -> Vec<i64> {
    let prices: Vec<_> = of.iter().map(|(tariff, calls)| (price(tariff.clone()), *calls)).collect();
    let portion = |(price, calls)| Portion { price, preferred: false, calls };
    let portions: Vec<_> = prices.iter().map(|(price, calls)| portion((price, *calls))).collect();
    bill(&portions).unwrap().iter().map(|sum| sum.micros()).collect()
}

#[test]
fn f4_what_is_due_once_a_month_is_that_of_its_first_charged_call() {
    let unit = |each, least, most: Option<i64>| Tariff {
        minimum: least,
        maximum: most.map(micros),
        ..Form::Unit(micros(each)).into()
    };
    // The least fee of the first, once: the second's calls are part of what it pays for.
    let (one, other) = (unit(1, least(100), None), unit(2, least(70), None));
    assert_eq!(billed(&[(one.clone(), 10), (other.clone(), 20)]), [100, 0]);
    assert_eq!(billed(&[(one.clone(), 10), (other.clone(), 50)]), [100, 10]);
    // A version that rated nothing does not say the month's terms.
    assert_eq!(billed(&[(one, 0), (other.clone(), 20)]), [0, 70]);
    assert_eq!(billed(&[(unit(1, None, None), 10), (other, 20)]), [10, 40]);
    assert_eq!(billed(&[(unit(1, None, Some(30)), 20), (unit(2, None, Some(9)), 20)]), [20, 10]);
}

#[test]
fn f4_tiers_and_blocks_go_on_over_versions() {
    let graduated = |of, last| Tariff::from(Form::Graduated(tiers(of, last)));
    let volume = |of, last| Tariff::from(Form::Volume(tiers(of, last)));
    let unit = |each| Tariff::from(Form::Unit(micros(each)));
    let block = |calls, fee| Tariff::from(package(calls, fee));
    for (versions, expected) in [
        // 10 × 5; then 15 more of which 10 are in the second tier, 5 in the third.
        (vec![(graduated(&[(10, 5)], 3), 10), (graduated(&[(20, 2)], 1), 15)], vec![50, 25]),
        (vec![(unit(9), 10), (graduated(&[(10, 5), (20, 3)], 1), 11)], vec![90, 31]),
        // All calls of each version at the tier of all 25.
        (vec![(volume(&[(10, 5)], 3), 10), (volume(&[(20, 2)], 1), 15)], vec![30, 15]),
        (vec![(unit(9), 10), (volume(&[(10, 5)], 3), 1)], vec![90, 3]),
        // The block of the first pays for 70 calls of the second.
        (vec![(block(100, 40), 30), (block(10, 7), 75)], vec![40, 7]),
        (vec![(block(100, 40), 30), (block(10, 7), 70)], vec![40, 0]),
        (vec![(block(100, 40), 30), (unit(2), 75)], vec![40, 10]),
        // Calls by a unit price begin no block.
        (vec![(unit(2), 30), (block(100, 40), 100)], vec![60, 40]),
    ] {
        assert_eq!(billed(&versions), expected, "{versions:?}");
    }
}

fn any_form() -> impl Strategy<Value = Form> {
    let each = || 0_i64..50;
    let falling =
        (1_u64..30, 1_u64..30, 0_i64..20, 0_i64..20, each()).prop_map(|(one, more, up, down, last)| {
            tiers(&[(one, last + up + down), (one + more, last + up)], last)
        });
    prop_oneof![
        each().prop_map(|each| Form::Unit(micros(each))),
        falling.clone().prop_map(Form::Graduated),
        falling.prop_map(Form::Volume),
        (1_u64..40, 0_i64..500).prop_map(|(calls, fee)| package(calls, fee)),
    ]
}

fn any_tariff() -> impl Strategy<Value = Tariff> {
    let around = (prop::option::of(0_i64..800), prop::option::of(0_i64..2_000));
    (any_form(), around).prop_map(|(form, (least_fee, most))| Tariff {
        minimum: least_fee.and_then(least),
        maximum: most.map(micros),
        ..form.into()
    })
}

fn sum(all: &[MicroYuan]) -> i64 {
    all.iter().map(|one| one.micros()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Independent clients, money: a price version changed in a month charged both least fees, and tiers began anew.
    #[test]
    fn f4_a_version_with_equal_terms_changes_nothing(
        tariff in any_tariff(), preferred in any::<bool>(),
        calls in prop::collection::vec(0_u64..60, 1..6),
    ) {
        let price = price(tariff);
        let portion = |calls| Portion { price: &price, preferred, calls };
        let parts: Vec<_> = calls.iter().map(|calls| portion(*calls)).collect();
        let whole: u64 = calls.iter().sum();
        let one = price.bill(whole, false, preferred).unwrap();
        prop_assert_eq!(sum(&bill(&parts).unwrap()), one.micros());
        prop_assert_eq!(bill(&[portion(whole)]).unwrap(), vec![one]);
        prop_assert_eq!(sum(&worth(&parts).unwrap()), sum(&worth(&[portion(whole)]).unwrap()));
        // One version alone is taken for as its running sum says.
        prop_assert_eq!(running(&[portion(whole)]), price.running(whole, false, preferred));
    }

    /// Whatever the versions: nothing is negative, what was taken call by call is never less than the bill, and it never
    /// falls with a call of the last version. (A most that preferred calls have used up in passing can leave it less.)
    #[test]
    fn f4_what_is_taken_covers_the_bill_over_any_versions(
        versions in prop::collection::vec((any_tariff(), 0_u64..60), 1..5),
        preferred in any::<bool>(),
    ) {
        let prices: Vec<_> = versions.iter().map(|(tariff, _)| price(tariff.clone())).collect();
        let portions = |more: u64| -> Vec<Portion<'_>> {
            let last = versions.len() - 1;
            let each = versions.iter().zip(&prices).enumerate();
            each.map(|(at, ((_, calls), price))| {
                let calls = *calls + if at == last { more } else { 0 };
                Portion { price, preferred, calls }
            }).collect()
        };
        let billed = bill(&portions(0)).unwrap();
        prop_assert!(billed.iter().all(|one| *one >= MicroYuan::ZERO), "{billed:?}");
        let taken = running(&portions(0)).unwrap();
        prop_assert!(taken.micros() >= sum(&billed));
        prop_assert!(running(&portions(1)).unwrap() >= taken);
    }
}
