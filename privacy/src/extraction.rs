//! The extraction attack (模型复制): how well a model can be copied with so many answers (REQUIREMENTS E7).
//!
//! Whoever asks a model often enough learns a surrogate that answers like it. How often is enough depends on the model, on what
//! its answers show, and on what whoever asks may choose to ask; it is measured, not guessed. The attack here asks by several
//! [`Design`]s, learns by two kinds of surrogate, and is credited with the best of them in hindsight, so it is at least as good
//! as a copyist who has these means and must choose beforehand. It is no bound: another copyist may have better means.
//!
//! What is measured is R², the share of the variance of what the model computes — not of what leaves — that the surrogate
//! explains on inputs it was not learned from.

mod booster;
mod linear;
#[cfg(test)]
mod tests;

use booster::Booster;
use linear::Linear;

/// An input of a model, as numbers in a fixed order.
pub type Input = Vec<f64>;

/// Inputs are told apart by at most so many numbers.
pub const AXES_MAX: usize = 256;
/// A model counts as copied from here on (issue of 2026, measured on credit scores: what 500 answers gave was 0.95).
pub const R2_MAX: f64 = 0.6;
/// Fewest inputs to measure on.
pub const HELD_OUT_MIN: usize = 100;
/// Numbers of answers that are tried for a recommendation.
pub const LADDER: [usize; 12] = [5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1_000];
/// Each design is carried out so many times, and the best counts.
const TRIES: u64 = 3;
/// Inputs among which an adaptive copyist chooses the next.
const CANDIDATES: usize = 400;
/// Surrogates whose disagreement says what to ask next.
const COMMITTEE: usize = 4;
/// Rounds of an adaptive copyist.
const ROUNDS: usize = 4;

/// What one number of an input may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Least value.
    pub least: f64,
    /// Most.
    pub most: f64,
    /// Whether it is a whole number.
    pub whole: bool,
}

/// How inputs are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Design {
    /// The copyist's own clients, as they come.
    Own,
    /// Made up: each number drawn by itself, from the own clients' where there are any, else evenly from what is permitted.
    Random,
    /// What several surrogates disagree about most, in rounds.
    Adaptive,
    /// One number after the other over its range, from one input on.
    Grid,
}

impl Design {
    /// Every design.
    pub const ALL: [Self; 4] = [Self::Own, Self::Random, Self::Adaptive, Self::Grid];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Random => "random",
            Self::Adaptive => "adaptive",
            Self::Grid => "grid",
        }
    }
}

/// What a copyist starts from, and what the copy is measured on.
#[derive(Clone, Copy, Debug)]
pub struct Attack<'a> {
    /// What inputs may be made up of; none where only inputs of `own` are answered.
    pub axes: Option<&'a [Axis]>,
    /// Clients of the copyist's own.
    pub own: &'a [Input],
    /// Other inputs, with what the model computes of them.
    pub held_out: &'a [(Input, f64)],
    /// For everything that is drawn.
    pub seed: u64,
}

/// Answers an input as the copyist is answered: what leaves, as a number.
pub type Ask<'o, E> = &'o mut dyn FnMut(&Input) -> Result<f64, E>;

impl Attack<'_> {
    /// Whether inputs can be chosen so.
    #[must_use]
    pub fn admits(&self, design: Design) -> bool {
        match design {
            Design::Own => !self.own.is_empty(),
            Design::Random | Design::Grid => self.axes.is_some(),
            Design::Adaptive => self.axes.is_some() || !self.own.is_empty(),
        }
    }

    /// Whether there is a variance to explain: what the model computes differs between the inputs that the copy is measured on.
    /// Where it does not, R² says nothing.
    #[must_use]
    pub fn varies(&self) -> bool {
        let truths = || self.held_out.iter().map(|(_, truth)| *truth);
        truths().fold(f64::INFINITY, f64::min) < truths().fold(f64::NEG_INFINITY, f64::max)
    }

    /// R² of the best copy that this design made with `queries` answers, over several tries.
    ///
    /// # Errors
    /// What `ask` failed with.
    pub fn best<E>(&self, design: Design, queries: usize, ask: Ask<'_, E>) -> Result<f64, E> {
        let mut best = f64::NEG_INFINITY;
        for attempt in 0..TRIES {
            let mut draws = Draws(self.seed ^ (attempt + 1).wrapping_mul(0x5851_f42d_4c95_7f2d));
            let known = self.carry_out(design, queries, &mut draws, ask)?;
            best = best.max(self.copied(&known));
        }
        Ok(best)
    }

    fn carry_out<E>(
        &self,
        design: Design,
        queries: usize,
        draws: &mut Draws,
        ask: Ask<'_, E>,
    ) -> Result<Known, E> {
        let mut known = Known::default();
        match design {
            Design::Own => {
                let inputs = draws.some(self.own, queries);
                known.learn(inputs, ask)?;
            }
            Design::Random => {
                let inputs = (0..queries).map(|_| self.made_up(draws)).collect();
                known.learn(inputs, ask)?;
            }
            Design::Grid => known.learn(self.grid(queries, draws), ask)?,
            Design::Adaptive => {
                let each = queries.div_ceil(ROUNDS);
                while known.inputs.len() < queries {
                    let left = each.min(queries - known.inputs.len());
                    let asked = known.inputs.len();
                    known.learn(self.disputed(&known, left, draws), ask)?;
                    if known.inputs.len() == asked {
                        break;
                    }
                }
            }
        }
        Ok(known)
    }

    /// An input nobody has.
    fn made_up(&self, draws: &mut Draws) -> Input {
        let axes = self.axes.unwrap_or_default();
        let of_own = |at: usize, draws: &mut Draws| {
            let one = self.own.get(draws.below(self.own.len()))?;
            one.get(at).copied()
        };
        let drawn = |(at, axis): (usize, &Axis)| match of_own(at, draws) {
            Some(value) if (axis.least..=axis.most).contains(&value) => value,
            _ => draws.within(axis),
        };
        axes.iter().enumerate().map(drawn).collect()
    }

    /// Steps along each axis in turn, from the middle of what is known.
    fn grid(&self, queries: usize, draws: &mut Draws) -> Vec<Input> {
        let axes = self.axes.unwrap_or_default();
        let base = self.made_up(draws);
        let steps = queries.div_ceil(axes.len().max(1)).max(1);
        let mut inputs = Vec::with_capacity(queries);
        let first = draws.below(axes.len());
        for at in 0..axes.len() {
            let at = (first + at) % axes.len();
            for _ in 0..steps {
                let mut input = base.clone();
                input[at] = self.made_up(draws)[at];
                inputs.push(input);
            }
        }
        inputs.truncate(queries);
        inputs
    }

    /// Inputs that surrogates of what is known disagree about most; any, where nothing is known.
    fn disputed(&self, known: &Known, wanted: usize, draws: &mut Draws) -> Vec<Input> {
        let mut candidates = draws.some(self.own, CANDIDATES);
        if self.axes.is_some() {
            candidates.extend((0..CANDIDATES / 4).map(|_| self.made_up(draws)));
        }
        candidates.retain(|input| !known.inputs.contains(input));
        if known.inputs.is_empty() {
            return draws.some(&candidates, wanted);
        }
        let committee: Vec<Booster> = (0..COMMITTEE).map(|_| known.resampled(draws)).collect();
        let mut rated: Vec<(f64, Input)> = candidates
            .into_iter()
            .map(|input| {
                let said: Vec<f64> = committee.iter().map(|one| one.answer(&input)).collect();
                (variance(&said), input)
            })
            .collect();
        rated.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        // Not only the most disputed: those are alike.
        let some = rated.into_iter().take(3 * wanted).map(|(_, input)| input).collect::<Vec<_>>();
        draws.some(&some, wanted)
    }

    /// R² of the best surrogate of what is known.
    fn copied(&self, known: &Known) -> f64 {
        let booster = Booster::learn(&known.inputs, &known.answers);
        let booster = self.explained(|input| booster.answer(input));
        let linear = Linear::learn(&known.inputs, &known.answers);
        linear.iter().map(|one| self.explained(|input| one.answer(input))).fold(booster, f64::max)
    }

    /// The share of the variance of what the model computes that `copy` explains; below 0 where it is worse than a constant.
    fn explained(&self, copy: impl Fn(&Input) -> f64) -> f64 {
        let truth: Vec<f64> = self.held_out.iter().map(|(_, truth)| *truth).collect();
        let missed: f64 = self.held_out.iter().map(|(input, truth)| (truth - copy(input)).powi(2)).sum();
        let spread = variance(&truth) * count(truth.len());
        if spread > 0.0 { 1.0 - missed / spread } else { 0.0 }
    }
}

/// Inputs made up evenly of what is permitted.
#[must_use]
pub fn made_up(axes: &[Axis], count: usize, seed: u64) -> Vec<Input> {
    let mut draws = Draws(seed);
    (0..count).map(|_| axes.iter().map(|axis| draws.within(axis)).collect()).collect()
}

/// What a copyist was answered.
#[derive(Default)]
struct Known {
    inputs: Vec<Input>,
    answers: Vec<f64>,
}

impl Known {
    fn learn<E>(&mut self, inputs: Vec<Input>, ask: Ask<'_, E>) -> Result<(), E> {
        for input in inputs {
            self.answers.push(ask(&input)?);
            self.inputs.push(input);
        }
        Ok(())
    }

    /// A surrogate of as many answers, drawn with repetition.
    fn resampled(&self, draws: &mut Draws) -> Booster {
        let places: Vec<usize> = (0..self.inputs.len()).map(|_| draws.below(self.inputs.len())).collect();
        let inputs: Vec<Input> = places.iter().map(|at| self.inputs[*at].clone()).collect();
        let answers: Vec<f64> = places.iter().map(|at| self.answers[*at]).collect();
        Booster::learn(&inputs, &answers)
    }
}

/// `SplitMix64` (Steele et al. 2014): repeatable, and nothing here is secret.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    /// Below `end`; 0 where there is nothing below it.
    #[expect(clippy::cast_possible_truncation, reason = "below a length")]
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn within(&mut self, axis: &Axis) -> f64 {
        let share = count(self.below(1 << 30)) / count(1 << 30);
        let drawn = axis.least + share * (axis.most - axis.least);
        if axis.whole { drawn.round() } else { drawn }
    }

    /// So many of `all`, none twice.
    fn some(&mut self, all: &[Input], wanted: usize) -> Vec<Input> {
        let mut places: Vec<usize> = (0..all.len()).collect();
        let wanted = wanted.min(all.len());
        for at in 0..wanted {
            let other = at + self.below(all.len() - at);
            places.swap(at, other);
        }
        places[..wanted].iter().map(|at| all[*at].clone()).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / count(values.len()) }
}

fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    mean(&values.iter().map(|value| (value - middle).powi(2)).collect::<Vec<_>>())
}
