//! The samplers against the exact probabilities, against a planted error, and against OpenDP's own.

use opendp::domains::{AtomDomain, VectorDomain};
use opendp::measurements::{make_gaussian, make_laplace};
use opendp::measures::{MaxDivergence, ZeroConcentratedDivergence};
use opendp::metrics::{L1Distance, L2Distance};
use shuzha_testkit::Seeded;

use super::*;

/// Samples per scale.
const DRAWS: usize = 200_000;
/// The normal quantile of α = 10⁻⁶.
const CRITICAL: f64 = 4.75;

#[derive(Clone, Copy)]
enum Law {
    Laplace,
    Gaussian,
}

/// Unnormalised probability of `x` at `scale`.
fn weight(law: Law, scale: f64, x: f64) -> f64 {
    match law {
        Law::Laplace => (-x.abs() / scale).exp(),
        Law::Gaussian => (-x * x / (2.0 * scale * scale)).exp(),
    }
}

fn draw(law: Law, numerator: u64, shift: u32, draws: usize) -> Vec<i64> {
    let rng = Seeded::new(numerator);
    let mut sampler = Sampler::new(&rng);
    let one = |_| match law {
        Law::Laplace => sampler.laplace(numerator, shift),
        Law::Gaussian => sampler.gaussian(numerator, shift),
    };
    (0..draws).map(one).map(|x| i64::try_from(x).unwrap()).collect()
}

/// The χ² statistic of samples against the exact probabilities at `scale`, as a normal deviate (Wilson and Hilferty
/// 1931). Neighbouring values are pooled until 2 % of the mass is in a bin; the tails are in the outermost bins.
fn deviate(law: Law, scale: f64, samples: &[i64]) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "scales here are below 10^4")]
    let reach = (scale * 45.0) as i64 + 45;
    let total: f64 = (-reach..=reach).map(|x| weight(law, scale, x as f64)).sum();
    let (mut bins, mut mass) = (Vec::new(), 0.0);
    for x in -reach..=reach {
        mass += weight(law, scale, x as f64) / total;
        if mass > 0.02 {
            bins.push((x, mass));
            mass = 0.0;
        }
    }
    bins.last_mut().unwrap().1 += mass;
    let mut counts = vec![0.0; bins.len()];
    for &sample in samples {
        let bin = bins.partition_point(|&(end, _)| end < sample).min(bins.len() - 1);
        counts[bin] += 1.0;
    }
    let n = samples.len() as f64;
    let square = |(count, (_, mass)): (&f64, &(i64, f64))| (count - n * mass).powi(2) / (n * mass);
    let statistic: f64 = counts.iter().zip(&bins).map(square).sum();
    let freedom = (bins.len() - 1) as f64;
    let spread = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

fn check_law(law: Law, scales: &[(u64, u32)], draws: usize, planted: f64) {
    for &(numerator, shift) in scales {
        let scale = numerator as f64 / f64::from(1_u32 << shift);
        let samples = draw(law, numerator, shift, draws);
        let z = deviate(law, scale, &samples);
        assert!(z < CRITICAL, "scale {scale}: deviate {z}");
        // The test has the power to see a scale that is off by so much.
        if scale >= 2.0 {
            let planted = deviate(law, scale * planted, &samples);
            assert!(planted > CRITICAL, "scale {scale}: a planted error has deviate {planted}");
        }
    }
}

#[test]
fn laplace_follows_its_law() {
    check_law(Law::Laplace, &LAPLACE[..5], DRAWS, 1.03);
}

#[test]
fn gaussian_follows_its_law() {
    check_law(Law::Gaussian, &GAUSSIAN[..5], DRAWS, 1.03);
}

/// Scales: numerator and shift. The first five are in every run.
const LAPLACE: [(u64, u32); 8] = [
    (1 << 15, 16),
    (1 << 16, 16),
    (163_841, 16),
    (10, 0),
    (1_000_003, 8),
    (3, 1),
    (655_361, 16),
    (77_777, 4),
];
const GAUSSIAN: [(u64, u32); 8] = [
    (1 << 15, 16),
    (1 << 16, 16),
    (216_269, 16),
    (20, 0),
    ((1 << 29) - 1, 16),
    (3, 1),
    (655_361, 16),
    (77_777, 5),
];

/// R7 in full: a million samples at eight scales, and a planted error of 2 % seen at each.
#[test]
#[ignore = "a million samples at eight scales, twice: a minute in a release build"]
fn a_million_samples_follow_their_law() {
    check_law(Law::Laplace, &LAPLACE, 1_000_000, 1.02);
    check_law(Law::Gaussian, &GAUSSIAN, 1_000_000, 1.02);
}

/// Two samples of one law: the difference of their χ² tables.
fn two_sample_deviate(one: &[i64], other: &[i64], width: i64) -> f64 {
    let bin = |x: i64| x.div_euclid(width).clamp(-20, 20);
    let mut table = std::collections::BTreeMap::<i64, [f64; 2]>::new();
    for (side, samples) in [one, other].into_iter().enumerate() {
        samples.iter().for_each(|&x| table.entry(bin(x)).or_default()[side] += 1.0);
    }
    let rows = table.values().filter(|[a, b]| a + b >= 40.0);
    let statistic: f64 = rows.clone().map(|[a, b]| (a - b).powi(2) / (a + b)).sum();
    let freedom = rows.count() as f64 - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// R8: our noise and OpenDP's are the same. OpenDP draws from the system's randomness, so there are draws enough to show the
/// planted error every time.
#[test]
fn samples_agree_with_opendp() {
    let draws = 2 * DRAWS;
    let zeros = vec![0_i64; draws];
    let values = || VectorDomain::new(AtomDomain::<i64>::default());
    let theirs = make_laplace::<_, _, MaxDivergence>(values(), L1Distance::<i64>::default(), 2.5, None)
        .unwrap()
        .invoke(&zeros)
        .unwrap();
    let z = two_sample_deviate(&draw(Law::Laplace, 5 << 15, 16, draws), &theirs, 1);
    assert!(z < CRITICAL, "{z}");
    let planted = two_sample_deviate(&draw(Law::Laplace, 172_032, 16, draws), &theirs, 1);
    assert!(planted > CRITICAL, "a planted error of 5 % has deviate {planted}");
    let theirs =
        make_gaussian::<_, _, ZeroConcentratedDivergence>(values(), L2Distance::<i64>::default(), 7.5, None)
            .unwrap()
            .invoke(&zeros)
            .unwrap();
    let z = two_sample_deviate(&draw(Law::Gaussian, 15 << 15, 16, draws), &theirs, 2);
    assert!(z < CRITICAL, "{z}");
}

#[test]
fn below_is_uniform_and_in_range() {
    let rng = Seeded::new(3);
    let mut sampler = Sampler::new(&rng);
    for most in [1_u128, 2, 3, 255, 256, 257, 1 << 33, (1 << 64) + 1, u128::MAX] {
        assert!((0..200).all(|_| sampler.below(most) < most), "{most}");
    }
    let mut counts = [0_i64; 6];
    (0..60_000).for_each(|_| counts[usize::try_from(sampler.below(6)).unwrap()] += 1);
    // 10,000 each, standard deviation 91.
    assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
}
