//! How much noise a charge buys, and the drawing of it.

use shuzha_core::{Code, NanoCharge, Rng};

use super::map::{MapFault, check_map, check_threshold_map};
use super::query::{Aggregate, Query};
use super::sampler::Sampler;
use super::threshold::{delta_nano_nanos, threshold_up};
use super::{Domain, Measure};

/// Nano-units in one unit of ε or ρ.
const NANOS: u128 = 1_000_000_000;
/// Finest grid of scales: multiples of 2⁻¹⁶.
const SHIFT_MAX: u32 = 16;
/// Largest numerator of a Laplace scale: below 2⁵³, so that the scale is a double exactly.
const LAPLACE_NUMERATOR_MAX: u128 = 1 << 50;
/// Largest numerator of a Gaussian scale: the sampler's squares then fit `u128` (see [`Sampler::gaussian`]).
const GAUSSIAN_NUMERATOR_MAX: u128 = 1 << 29;

/// A noise scale, `numerator / 2^shift`: a dyadic number, so the integer sampler and OpenDP's double mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) measure: Measure,
    pub(super) numerator: u64,
    pub(super) shift: u32,
}

impl Scale {
    /// The scale at which values that one person moves by at most `sensitivity` cost at most `charge`, rounded up; `None`
    /// where it would be too large to be of use.
    ///
    /// Laplace: ε = Δ/b (Dwork et al. 2006). Gaussian: ρ = Δ²/2σ² (Bun and Steinke 2016). Two units of the grid are
    /// added to the floor, so the exact loss is below the charge by more than a double's last bit and
    /// OpenDP's map, which rounds up, still is.
    pub(super) fn charge_up(measure: Measure, sensitivity: u64, charge: NanoCharge) -> Option<Self> {
        let (sensitivity, nanos) = (u128::from(sensitivity), u128::from(charge.nanos()));
        (0..=SHIFT_MAX).rev().find_map(|shift| {
            let (floor, most) = match measure {
                Measure::PureEps => {
                    let scaled = sensitivity.checked_mul(NANOS << shift)?;
                    (scaled.checked_div(nanos)?, LAPLACE_NUMERATOR_MAX)
                }
                Measure::Rho => {
                    let scaled = sensitivity.checked_pow(2)?.checked_mul(NANOS << (2 * shift))?;
                    (scaled.checked_div(2 * nanos)?.isqrt(), GAUSSIAN_NUMERATOR_MAX)
                }
            };
            let numerator =
                u64::try_from(floor + 2).ok().filter(|&numerator| u128::from(numerator) < most)?;
            Some(Self { measure, numerator, shift })
        })
    }

    /// The scale as a double: exact, for the numerator is below 2⁵³ and the denominator a power of two.
    #[expect(clippy::cast_precision_loss, reason = "the numerator is below 2^53")]
    pub(super) fn as_double(self) -> f64 {
        self.numerator as f64 / f64::from(1_u32 << self.shift)
    }

    /// The mechanism's name in answers.
    pub(super) const fn mechanism(self) -> &'static str {
        match self.measure {
            Measure::PureEps => "discrete_laplace",
            Measure::Rho => "discrete_gaussian",
        }
    }

    /// The noise is at most this far from zero with probability 95 %, rounded up.
    ///
    /// Laplace: P(|X| > a) ≤ exp(−a/b), so a = b·ln 20. Gaussian: P(X ≥ m) of the discrete is at most P(X ≥ m − 1) of
    /// the continuous (Canonne, Kamath and Steinke 2020, proposition 25), so a = 1.959964 σ.
    pub(super) fn accuracy_95_up(self) -> u128 {
        let millionths: u128 = match self.measure {
            Measure::PureEps => 2_995_733,
            Measure::Rho => 1_959_964,
        };
        (u128::from(self.numerator) * millionths).div_ceil(1_000_000 << self.shift)
    }

    /// The noises of any first so many of `count` cells add up to at most this with probability 95 %, for all of them at once.
    ///
    /// Both laws are symmetric, so by Lévy's inequality the largest partial sum passes a with at most twice the probability of
    /// the whole one. The Gaussian is σ²-subgaussian (Canonne, Kamath and Steinke 2020): 4·exp(−a²/2nσ²) ≤ 5 % at
    /// a = σ√(2n·ln 80). Laplace has E[exp(tX)] ≤ 1/(1 − b²t²) ≤ exp(2·ln 2·b²t²) for b²t² ≤ ½, hence by Chernoff
    /// a = b√(8·ln 2·n·ln 80) = b√(24.3·n), which needs n ≥ 7; for fewer each is within b·ln(20n) at once,
    /// and what bounds the first seven sums bounds fewer of them.
    pub(super) fn accuracy_of_sums_95_up(self, count: usize) -> u128 {
        /// b·n·ln(20n) for n of 1 to 6, in ten-thousandths.
        const FEW: [u128; 6] = [29_958, 73_778, 122_832, 175_282, 230_259, 287_250];
        /// √(24.3·7) in ten-thousandths, rounded up.
        const SEVEN: u128 = 130_423;
        let n = count.max(1) as u128;
        // The root in ten-thousandths, rounded up.
        let root = |hundred_millionths: u128| (n * hundred_millionths).isqrt() + 1;
        let factor = match (self.measure, FEW.get(count.max(1) - 1)) {
            (Measure::Rho, _) => root(876_410_600),
            (Measure::PureEps, Some(few)) => (*few).min(SEVEN),
            (Measure::PureEps, None) => root(2_430_000_000),
        };
        (u128::from(self.numerator) * factor).div_ceil(10_000 << self.shift)
    }

    fn draw(self, sampler: &mut Sampler<'_>) -> i128 {
        match self.measure {
            Measure::PureEps => sampler.laplace(self.numerator, self.shift),
            Measure::Rho => sampler.gaussian(self.numerator, self.shift),
        }
    }
}

/// The scales of a query: for counts, for sums, or both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scales {
    pub(super) count: Option<Scale>,
    pub(super) sum: Option<Scale>,
}

/// Noise for one release of one query, drawn before dispatch and used up by the release. `Debug` withholds it.
pub struct Noise {
    /// The query it was drawn for.
    pub(super) query: Query,
    pub(crate) counts: Vec<i128>,
    pub(super) sums: Vec<i128>,
    pub(super) scales: Scales,
}

impl std::fmt::Debug for Noise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Noise(withheld)")
    }
}

impl Query {
    /// How far one person moves the released counts and sums, as vectors over all cells: `(counts, sums)`.
    ///
    /// A person has at most m rows and each row is in at most one cell. So the counts move by at most m in the L1 norm, and
    /// the sums by at most m times the largest clamped value; the L2 norm is never larger than the L1 norm.
    #[must_use]
    pub fn sensitivity(&self, domain: &Domain) -> (u64, u64) {
        let rows = u64::from(domain.rows_per_person_max);
        let bounds = self.column.as_deref().and_then(|name| domain.bounds(name));
        let largest = bounds.map_or(0, |(low, high)| low.unsigned_abs().max(high.unsigned_abs()));
        (rows, rows.saturating_mul(largest))
    }

    /// The scales that the query's charge buys.
    pub(super) fn scales(&self, domain: &Domain) -> Result<Scales, Code> {
        let (counts, sums) = self.sensitivity(domain);
        let part = match self.aggregate {
            Aggregate::Mean => NanoCharge::from_nanos(self.charge().nanos() / 2),
            Aggregate::Count | Aggregate::Sum | Aggregate::Quantile => self.charge(),
        };
        // A column whose only value is 0 has sums that no one moves; it is noised as if it had 1.
        let scale = |sensitivity: u64| {
            Scale::charge_up(domain.measure(), sensitivity.max(1), part).map(Some).ok_or(Code::C302)
        };
        Ok(match self.aggregate {
            Aggregate::Count | Aggregate::Quantile => Scales { count: scale(counts)?, sum: None },
            Aggregate::Sum => Scales { count: None, sum: scale(sums)? },
            Aggregate::Mean => Scales { count: scale(counts)?, sum: scale(sums)? },
        })
    }

    /// Draws the noise for one release. To be called after the charge is durable and before the engine is asked.
    ///
    /// # Errors
    /// [`MapFault`] where OpenDP's privacy map does not confirm the charge. It is ours, never the asker's; nothing was
    /// drawn.
    pub fn draw(&self, domain: &Domain, rng: &dyn Rng) -> Result<Noise, MapFault> {
        let scales = self.scales(domain).map_err(|_| MapFault::Scale)?;
        let (count_sensitivity, sum_sensitivity) = self.sensitivity(domain);
        check_map(&[(scales.count, count_sensitivity), (scales.sum, sum_sensitivity)], self.charge())?;
        if let (Some(_), Some(scale)) = (self.open_column(domain), scales.count) {
            let threshold = threshold_up(scale, self.charge(), domain);
            let rows = domain.rows_per_person_max;
            check_threshold_map(scale, threshold, rows, self.charge(), delta_nano_nanos(self.charge()))?;
        }
        let cells = self.cells(domain);
        let mut sampler = Sampler::new(rng);
        let mut draw = |scale: Option<Scale>| -> Vec<i128> {
            scale.map_or_else(Vec::new, |scale| (0..cells).map(|_| scale.draw(&mut sampler)).collect())
        };
        Ok(Noise { query: self.clone(), counts: draw(scales.count), sums: draw(scales.sum), scales })
    }
}
