//! Post-processing: functions of noised numbers alone, hence free of charge (Dwork and Roth 2014, proposition 2.1).

use super::Cell;
use crate::dp::query::QUANTILE_UNIT;

/// Decimals of a mean.
const MEAN_UNIT: i128 = 10_000;

/// Noisy sum / noisy count from released integers only, clamped to the public bounds, with four decimals; none where the count
/// is within its own accuracy of 0.
pub(super) fn mean(sum: i128, count: i128, count_accuracy: u128, (low, high): (i64, i64)) -> Option<f64> {
    if count <= 0 || count.unsigned_abs() <= count_accuracy {
        return None;
    }
    let scaled = (sum.saturating_mul(MEAN_UNIT)).div_euclid(count);
    let clamped = scaled.clamp(i128::from(low) * MEAN_UNIT, i128::from(high) * MEAN_UNIT);
    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds are below 2^32, so this is exact; and only for display"
    )]
    Some(clamped as f64 / MEAN_UNIT as f64)
}

/// Where the partial sums of `counts` first reach `quantile` of their total; none where the total is within `accuracy` of 0.
pub(super) fn quantile_at(counts: &[i128], quantile: u16, accuracy: u128) -> Option<usize> {
    let total: i128 = counts.iter().sum();
    if total <= 0 || total.unsigned_abs() <= accuracy {
        return None;
    }
    let wanted = total * i128::from(quantile);
    let mut partial = 0;
    let reaches = |count: &i128| {
        partial += count;
        partial * i128::from(QUANTILE_UNIT) >= wanted
    };
    counts.iter().position(reaches)
}

/// The non-negative integers nearest to `values` that add up to `total`: the projection onto the simplex (Duchi et al. 2008),
/// what is left over by rounding taken from the first. A negative total counts as 0.
pub(super) fn project(values: &mut [i128], total: i128) {
    let total = total.max(0);
    let mut falling: Vec<i128> = values.to_vec();
    falling.sort_unstable_by(|one, other| other.cmp(one));
    let (mut sum, mut kept, mut excess) = (0, 0, 0);
    for (count, value) in (1..).zip(&falling) {
        sum += value;
        // The count-th largest stays above 0 when the excess is spread over the first count.
        if value * count > sum - total {
            (kept, excess) = (count, sum - total);
        }
    }
    let (share, mut rest) = match kept {
        0 => (0, 0),
        kept => (excess.div_euclid(kept), excess.rem_euclid(kept)),
    };
    for value in values.iter_mut() {
        // Kept values exceed excess / kept, so as integers they are at least share, or share + 1 while there is a rest.
        let above = *value * kept > excess && kept > 0;
        let one = i128::from(above && rest > 0);
        rest -= one;
        *value = if above { *value - share - one } else { 0 };
    }
}

/// Totals of the released cells: of all, and for each of several key columns of each of its keys.
pub(super) fn margin(cells: &[Cell], at: usize, number: fn(&Cell) -> Option<i128>) -> Vec<(String, i128)> {
    let mut margin: Vec<(String, i128)> = Vec::new();
    for cell in cells {
        let value = number(cell).unwrap_or(0);
        match margin.iter_mut().find(|(key, _)| *key == cell.key[at]) {
            Some((_, sum)) => *sum += value,
            None => margin.push((cell.key[at].clone(), value)),
        }
    }
    margin
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn e6_quantiles_by_example() {
        assert_eq!(quantile_at(&[10, 10, 10, 10], 5_000, 0), Some(1));
        assert_eq!(quantile_at(&[10, 10, 10, 10], 5_001, 0), Some(2));
        assert_eq!(quantile_at(&[-3, 1, 100, 2], 1, 0), Some(2));
        assert_eq!(quantile_at(&[10, 10], 5_000, 20), None);
        assert_eq!(quantile_at(&[-10, 5], 5_000, 0), None);
        assert_eq!(quantile_at(&[], 5_000, 0), None);
    }

    fn distance(one: &[i128], other: &[i128]) -> i128 {
        one.iter().zip(other).map(|(a, b)| (a - b).pow(2)).sum()
    }

    proptest! {
        /// Non-negative, adds up exactly, and no exchange of one between two cells is nearer.
        #[test]
        fn e6_projection_is_the_nearest(values in prop::collection::vec(-50_i128..200, 1..12), total in -20_i128..400) {
            let mut near = values.clone();
            project(&mut near, total);
            prop_assert!(near.iter().all(|value| *value >= 0), "{near:?}");
            prop_assert_eq!(near.iter().sum::<i128>(), total.max(0));
            for from in 0..near.len() {
                for to in 0..near.len() {
                    let mut other = near.clone();
                    other[from] -= 1;
                    other[to] += 1;
                    if other[from] >= 0 {
                        prop_assert!(distance(&other, &values) >= distance(&near, &values), "{near:?} {other:?}");
                    }
                }
            }
        }
    }
}
