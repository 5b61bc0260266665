//! What numbers of calls cost, at every boundary and by a count of one call after the other.

use proptest::prelude::*;
use shuzha_core::Id;

use super::*;
use crate::Effective;

fn micros(micros: i64) -> MicroYuan {
    MicroYuan::from_micros(micros)
}

fn tiers(of: &[(u64, i64)], last: i64) -> Tiers {
    let mut all: Vec<_> =
        of.iter().map(|&(up_to, each)| Tier { up_to: Some(up_to), each: micros(each) }).collect();
    all.push(Tier { up_to: None, each: micros(last) });
    Tiers::new(all).unwrap()
}

fn ceiling(each: i64, annual: Option<i64>) -> Ceiling {
    Ceiling {
        id: Id::new("c").unwrap(),
        act: "1号".to_owned(),
        product: Id::new("p").unwrap(),
        per_call_max: micros(each),
        annual_max: annual.map(micros),
        effective: Effective::of_dates("2026-01-01", None).unwrap(),
    }
}

fn block(calls: u64) -> NonZeroU64 {
    NonZeroU64::new(calls).unwrap()
}

#[test]
fn f4_every_form_at_its_boundaries() {
    let graduated = Tariff::from(Form::Graduated(tiers(&[(10, 5), (20, 3)], 1)));
    let volume = Tariff::from(Form::Volume(tiers(&[(10, 5), (20, 3)], 1)));
    let package = Tariff::from(Form::Package { calls: block(10), fee: micros(40) });
    for (tariff, calls, bill, running) in [
        (&graduated, 9, 45, 45),
        (&graduated, 10, 50, 50),
        (&graduated, 11, 53, 53),
        (&graduated, 20, 80, 80),
        (&graduated, 21, 81, 81),
        (&volume, 10, 50, 50),
        (&volume, 11, 33, 50),
        (&volume, 16, 48, 50),
        (&volume, 17, 51, 51),
        (&volume, 20, 60, 60),
        (&volume, 21, 21, 60),
        (&volume, 61, 61, 61),
        (&package, 0, 0, 0),
        (&package, 1, 40, 40),
        (&package, 10, 40, 40),
        (&package, 11, 80, 80),
    ] {
        assert_eq!(tariff.bill(calls, true), Ok(micros(bill)), "{tariff:?} at {calls}");
        assert_eq!(tariff.running(calls, false), Ok(micros(running)), "{tariff:?} at {calls}");
    }
}

#[test]
fn f4_year_least_and_most_go_around_a_form() {
    let tariff = Tariff {
        form: Form::Unit(micros(7)),
        annual: Some(micros(1_000)),
        minimum: Some(Minimum { fee: micros(50), calls: block(10) }),
        maximum: Some(micros(100)),
    };
    for (calls, year, cost) in
        [(0, true, 0), (1, true, 1_050), (1, false, 50), (8, false, 56), (15, false, 100), (99, true, 1_100)]
    {
        assert_eq!(tariff.bill(calls, year), Ok(micros(cost)), "{calls}");
    }
    assert_eq!((tariff.flat(), Tariff::from(Form::Unit(micros(7))).flat()), (None, Some(micros(7))));
    assert_eq!(Tariff::from(Form::Unit(micros(i64::MAX))).bill(2, false), Err(Overflow));
    let free = Tariff::from(Form::Free { reason: "试点".to_owned(), notional: micros(3) });
    assert_eq!((free.bill(9, true), free.notional(9)), (Ok(micros(0)), Ok(micros(27))));
}

#[test]
fn f4_tiers_with_gaps_are_refused() {
    let tier = |up_to| Tier { up_to, each: micros(1) };
    for (ends, error) in [
        (vec![], TierError::Count),
        (vec![Some(5)], TierError::Open),
        (vec![None, None], TierError::Open),
        (vec![Some(5), Some(5), None], TierError::Order),
        (vec![Some(0), None], TierError::Order),
        (vec![Some(7), Some(5), None], TierError::Order),
    ] {
        assert_eq!(Tiers::new(ends.into_iter().map(tier).collect()), Err(error));
    }
    assert_eq!(Tiers::new(vec![tier(None); TIERS_MAX + 1]), Err(TierError::Count));
}

/// A count that takes each call by itself.
fn one_by_one(form: &Form, calls: u64) -> i128 {
    let price_of = |tiers: &Tiers, call: u64| {
        let tier = tiers.all().iter().find(|tier| tier.up_to.is_none_or(|end| call <= end)).unwrap();
        i128::from(tier.each.micros())
    };
    (1..=calls)
        .map(|call| match form {
            Form::Unit(each) => i128::from(each.micros()),
            Form::Graduated(tiers) => price_of(tiers, call),
            Form::Volume(tiers) => price_of(tiers, calls),
            Form::Package { calls, fee } => {
                if (call - 1) % *calls == 0 {
                    i128::from(fee.micros())
                } else {
                    0
                }
            }
            Form::Free { .. } => 0,
        })
        .sum()
}

fn any_tiers() -> impl Strategy<Value = Tiers> {
    (prop::collection::btree_map(1_u64..60, 0_i64..50, 0..5), 0_i64..50)
        .prop_map(|(ends, last)| tiers(&ends.into_iter().collect::<Vec<_>>(), last))
}

pub(crate) fn any_form() -> impl Strategy<Value = Form> {
    prop_oneof![
        (0_i64..50).prop_map(|each| Form::Unit(micros(each))),
        any_tiers().prop_map(Form::Graduated),
        any_tiers().prop_map(Form::Volume),
        (1_u64..20, 0_i64..500)
            .prop_map(|(calls, fee)| Form::Package { calls: block(calls), fee: micros(fee) }),
    ]
}

pub(crate) fn any_tariff() -> impl Strategy<Value = Tariff> {
    let around = (
        prop::option::of(0_i64..900),
        prop::option::of((0_i64..300, 1_u64..20)),
        prop::option::of(0_i64..900),
    );
    (any_form(), around).prop_map(|(form, (annual, minimum, maximum))| Tariff {
        form,
        annual: annual.map(micros),
        minimum: minimum.map(|(fee, calls)| Minimum { fee: micros(fee), calls: block(calls) }),
        maximum: maximum.map(micros),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn f4_a_form_costs_what_its_calls_add_up_to(form in any_form(), calls in 0_u64..130) {
        prop_assert_eq!(form.cost(calls), one_by_one(&form, calls));
    }

    /// What is taken never falls, never is less than the bill, and is the bill's highest so far.
    #[test]
    fn f4_what_is_taken_is_the_peak_of_the_bill(tariff in any_tariff(), year: bool, calls in 0_u64..130) {
        let bills = (0..=calls).map(|calls| tariff.bill(calls, year).unwrap());
        prop_assert_eq!(tariff.running(calls, year).unwrap(), bills.max().unwrap());
    }

    /// F2: a tariff that is not over its ceiling asks for no more than the ceiling for each call, for each begun block
    /// and for each least fee as if used up; checked at every number of calls, not only at the boundaries.
    #[test]
    fn f2_under_the_ceiling_no_bill_is_above_it(tariff in any_tariff(), each in 0_i64..60, annual in prop::option::of(0_i64..900)) {
        let ceiling = ceiling(each, annual);
        if tariff.over(&ceiling) {
            return Ok(());
        }
        for calls in 1..130 {
            let block = match tariff.form { Form::Package { calls, .. } => calls.get(), _ => 1 };
            let paid_for = calls.max(tariff.minimum.map_or(0, |least| least.calls.get())).next_multiple_of(block);
            let most = i128::from(each) * i128::from(paid_for);
            prop_assert!(i128::from(tariff.bill(calls, false).unwrap().micros()) <= most, "{calls}");
            let with_year = tariff.bill(calls, true).unwrap().micros() - tariff.bill(calls, false).unwrap().micros();
            prop_assert!(with_year <= annual.unwrap_or(0));
        }
    }

    /// And a tariff over its ceiling does ask for more somewhere.
    #[test]
    fn f2_over_the_ceiling_some_call_is_above_it(form in any_form(), each in 0_i64..60) {
        if !form.over(micros(each)) {
            return Ok(());
        }
        let block = match form { Form::Package { calls, .. } => calls.get(), _ => 1 };
        let above = (1..130).any(|calls: u64| {
            let marginal = match &form {
                Form::Graduated(_) => form.cost(calls) - form.cost(calls - 1),
                _ => form.cost(calls * block) / i128::from(calls),
            };
            marginal > i128::from(each) * i128::from(if matches!(form, Form::Graduated(_)) { 1 } else { block })
        });
        prop_assert!(above);
    }
}
