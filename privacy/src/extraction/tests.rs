//! The attack finds what there is to find, and nothing where there is nothing.

use std::convert::Infallible;

use super::*;

const AXES: usize = 12;

/// A score as models of this kind make it: some numbers matter, one by steps, two together; 0 to 1,000.
fn score(input: &Input) -> f64 {
    let slope = 3.0 * input[0] - 2.0 * input[1] + input[2];
    let step = if input[3] > 0.4 { 2.0 } else { 0.0 };
    let together = 2.0 * input[4] * input[5];
    1_000.0 / (1.0 + (-(slope + step + together - 2.5)).exp())
}

fn measured(
    design: Design,
    queries: usize,
    model: impl Fn(&Input) -> f64,
    leaves: impl Fn(f64) -> f64,
) -> f64 {
    let axes = vec![Axis { least: 0.0, most: 1.0, whole: false }; AXES];
    let held_out: Vec<_> =
        made_up(&axes, 300, 7).into_iter().map(|input| (input.clone(), model(&input))).collect();
    let own = made_up(&axes, 300, 11);
    let attack = Attack { axes: Some(&axes), own: &own, held_out: &held_out, seed: 3 };
    assert!(attack.admits(design));
    let mut asked = 0;
    let r2 = attack.best::<Infallible>(design, queries, &mut |input| {
        asked += 1;
        assert!(
            input.iter().all(|value| (0.0..=1.0).contains(value)),
            "nothing is asked that is not permitted"
        );
        Ok(leaves(model(input)))
    });
    assert!(asked <= TRIES * queries as u64, "{asked} answers where {queries} were to be had");
    r2.expect("the model answers")
}

/// The attack must find what there is to find, or its verdict says nothing.
#[test]
fn e7_many_answers_copy_a_model() {
    for (design, least) in
        [(Design::Own, 0.85), (Design::Random, 0.85), (Design::Adaptive, 0.85), (Design::Grid, 0.3)]
    {
        let r2 = measured(design, 300, score, |score| score);
        assert!(r2 > least, "{}: {r2}", design.as_str());
    }
}

#[test]
fn e7_few_answers_do_not_and_bands_tell_less() {
    let (few, many) =
        (measured(Design::Own, 5, score, |score| score), measured(Design::Own, 100, score, |score| score));
    assert!(few < R2_MAX && few < many, "{few}, {many}");
    let bands = |width: f64| move |score: f64| (score / width).floor() * width + width / 2.0;
    let (fine, coarse) =
        (measured(Design::Own, 60, score, bands(10.0)), measured(Design::Own, 60, score, bands(500.0)));
    assert!(coarse < fine, "{coarse}, {fine}");
}

/// Where there is nothing to learn, nothing is found: the copy is measured on what it was not learned from.
#[test]
fn e7_noise_is_no_copy() {
    let noise = |input: &Input| {
        let mut draws =
            Draws(input.iter().fold(0, |sum: u64, value| sum.wrapping_mul(31).wrapping_add(value.to_bits())));
        count(draws.below(1_000))
    };
    for design in Design::ALL {
        let r2 = measured(design, 200, noise, |score| score);
        assert!(r2 < 0.1, "{}: {r2}", design.as_str());
    }
}

/// Where inputs cannot be made up, only the clients that there are can be asked about.
#[test]
fn e7_subjects_cannot_be_made_up() {
    let own = made_up(&[Axis { least: 0.0, most: 9.0, whole: true }; 3], 20, 1);
    let held_out: Vec<_> = own.iter().map(|input| (input.clone(), input[0])).collect();
    let attack = Attack { axes: None, own: &own, held_out: &held_out, seed: 1 };
    assert!(!attack.admits(Design::Random) && !attack.admits(Design::Grid));
    for design in [Design::Own, Design::Adaptive] {
        let r2 = attack.best::<Infallible>(design, 15, &mut |input| {
            assert!(own.contains(input));
            Ok(input[0])
        });
        assert!(r2.is_ok_and(f64::is_finite));
    }
}
