//! Conservation, fairness, order, mirror: over a million random agreements.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn fixed(parts: &[(&str, u32)]) -> Split {
    Split::new(Base::Gross, parts.iter().map(|&(party, part)| (id(party), part)), 0).unwrap()
}

fn shared(split: &Split, yuan: &str, contributions: &[(&str, u64)]) -> Vec<String> {
    let contributions = contributions.iter().map(|&(party, count)| (id(party), count)).collect();
    let shares = split.share(yuan.parse().unwrap(), &contributions).unwrap();
    shares.values().map(ToString::to_string).collect()
}

/// Vectors of the field: the period total of 100,000 calls at 0.05 元, gross and net.
#[test]
fn g2_the_worked_split() {
    let split = fixed(&[("a-provider", 4_000), ("b-operator", 3_500), ("c-platform", 2_500)]);
    assert_eq!(shared(&split, "5000.00", &[]), ["2000.00", "1750.00", "1250.00"]);
    assert_eq!(shared(&split, "4716.98", &[]), ["1886.79", "1650.94", "1179.25"]);
    assert_eq!(shared(&split, "0.05", &[]), ["0.02", "0.02", "0.01"]);
    assert_eq!(shared(&split, "-4716.98", &[]), ["-1886.79", "-1650.94", "-1179.25"]);
}

#[test]
fn g2_parts_that_are_no_whole_are_refused() {
    let of = |parts: &[(&str, u32)], pool| {
        Split::new(Base::Net, parts.iter().map(|&(party, part)| (id(party), part)), pool)
    };
    assert_eq!(of(&[("a", 4_000), ("b", 5_999)], 0), Err(SplitError::Sum(9_999)));
    assert_eq!(of(&[("a", 4_000)], 6_001), Err(SplitError::Sum(10_001)));
    assert_eq!(of(&[("a", 5_000), ("a", 5_000)], 0), Err(SplitError::Twice(id("a"))));
    assert_eq!(of(&[], 0), Err(SplitError::Sum(0)));
    assert_eq!(of(&[("a", u32::MAX), ("b", u32::MAX)], 0), Err(SplitError::Sum(2 * u64::from(u32::MAX))));
    let pool = of(&[("op", 2_000)], 8_000).unwrap();
    assert_eq!(pool.share(Fen::new(1), &Contributions::new()), Err(SplitError::NoContribution));
    let huge = Contributions::from([(id("a"), u64::MAX)]);
    assert_eq!(pool.share(Fen::new(1), &huge), Err(SplitError::Overflow));
}

#[test]
fn g2_contributions_share_their_parts() {
    let mixed = Split::new(Base::Gross, [(id("op"), 2_000), (id("tax-bureau"), 1_000)], 7_000).unwrap();
    // 700.00 by 3 : 1 on top of the fixed parts.
    let shares = shared(&mixed, "1000.00", &[("civil-affairs", 1), ("tax-bureau", 3)]);
    assert_eq!(shares, ["175.00", "200.00", "625.00"]);
    let pure = Split::new(Base::Gross, [], 10_000).unwrap();
    assert_eq!(
        shared(&pure, "0.01", &[("b", 1), ("a", 1)]),
        ["0.01", "0.00"],
        "a tie goes to the smaller name"
    );
    assert_eq!(shared(&pure, "100", &[("b", 0), ("a", 7)]), ["100.00", "0.00"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Each case is a hundred totals on one agreement: two million splits.
    #[test]
    fn g2_splits_conserve_and_are_fair(
        weights in prop::collection::vec(0_u32..10_000, 1..7),
        pool in 0_u32..10_000,
        counts in prop::collection::vec(0_u64..1_000_000_000, 1..5),
        totals in prop::collection::vec(-10_000_000_000_000_i64..10_000_000_000_000, 100),
    ) {
        // Scale to a whole, the rest to the first.
        let sum: u64 = weights.iter().map(|&w| u64::from(w)).sum::<u64>() + u64::from(pool);
        prop_assume!(sum > 0 && counts.iter().any(|&count| count > 0));
        let scaled = |w: u32| u32::try_from(u64::from(w) * u64::from(PARTS) / sum).unwrap();
        let mut parts: Vec<u32> = weights.iter().map(|&w| scaled(w)).collect();
        let pool = scaled(pool);
        parts[0] += PARTS - pool - parts.iter().sum::<u32>();
        // Names against the order of positions, and one party that contributes and has a fixed part.
        let party = |at: usize| id(&format!("p{}", 9 - at));
        let fixed: Vec<_> = parts.iter().enumerate().map(|(at, &part)| (party(at), part)).collect();
        let split = Split::new(Base::Net, fixed.clone(), pool).unwrap();
        let reversed = Split::new(Base::Net, fixed.into_iter().rev(), pool).unwrap();
        let contributions: Contributions = counts.iter().enumerate().map(|(at, &count)| (party(at), count)).collect();
        let weights = split.weights(&contributions).unwrap();
        let whole: u128 = weights.values().sum();
        for total in totals {
            let shares = split.share(Fen::new(total), &contributions).unwrap();
            prop_assert_eq!(shares.values().map(|share| share.count()).sum::<i64>(), total);
            prop_assert_eq!(&shares, &reversed.share(Fen::new(total), &contributions).unwrap());
            let mirror = split.share(Fen::new(-total), &contributions).unwrap();
            for (party, share) in &shares {
                let exact = i128::from(total) * i128::try_from(weights[party]).unwrap();
                let off = i128::from(share.count()) * i128::try_from(whole).unwrap() - exact;
                prop_assert!(off.unsigned_abs() < whole, "within one 分 of the exact part");
                prop_assert!(weights[party] > 0 || *share == Fen::ZERO);
                prop_assert_eq!(mirror[party].count(), -share.count());
            }
        }
    }
}

/// A provider of one field of ten gets less than one of nine, however many data sets they have.
#[test]
fn g2_contribution_by_fields_goes_by_what_each_provides() {
    let product = Id::new("score").unwrap();
    let party = |name: &str| Id::new(name).unwrap();
    let fields = Contributions::from([(party("tax"), 9), (party("social"), 1)]);
    let split = Split::new(Base::Gross, [(party("operator"), 5_000)], 5_000).unwrap();
    assert_eq!(split.fields(&product), None, "records, unless it says fields");
    let split = split.by_fields(BTreeMap::from([(product.clone(), fields)]));
    let shares = split.share(Fen::new(10_001), split.fields(&product).unwrap()).unwrap();
    let shown: Vec<_> = shares.iter().map(|(party, share)| (party.as_str(), share.count())).collect();
    assert_eq!(shown, [("operator", 5_001), ("social", 500), ("tax", 4_500)]);
    assert_eq!(split.fields(&party("other")), None);
}
