//! Ridge regression over each number and its logarithm: the surrogate for few answers and smooth models.

use super::{Input, count, mean, variance};

/// How strongly coefficients are held at nothing; the copyist is credited with the best.
const RIDGES: [f64; 3] = [0.3, 3.0, 30.0];

/// A learned surrogate.
pub(super) struct Linear {
    base: f64,
    /// Middle and spread of each term.
    scales: Vec<(f64, f64)>,
    weights: Vec<f64>,
}

/// A number and its logarithm, with its sign: amounts of money are spread over magnitudes.
fn terms(input: &Input) -> Vec<f64> {
    input.iter().flat_map(|value| [*value, value.signum() * value.abs().ln_1p()]).collect()
}

impl Linear {
    /// One surrogate for each strength.
    pub(super) fn learn(inputs: &[Input], answers: &[f64]) -> Vec<Self> {
        let rows: Vec<Vec<f64>> = inputs.iter().map(terms).collect();
        let width = rows.first().map_or(0, Vec::len);
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
        let scales: Vec<(f64, f64)> = (0..width)
            .map(|at| {
                let values = column(at);
                (mean(&values), variance(&values).sqrt())
            })
            .collect();
        let rows: Vec<Vec<f64>> = rows.iter().map(|row| scaled(row, &scales)).collect();
        let base = mean(answers);
        let mut products = vec![vec![0.0; width]; width];
        let mut towards = vec![0.0; width];
        for (row, answer) in rows.iter().zip(answers) {
            for (at, one) in row.iter().enumerate() {
                towards[at] += one * (answer - base);
                for (cell, other) in products[at].iter_mut().zip(row) {
                    *cell += one * other;
                }
            }
        }
        let solved = |ridge: f64| {
            let mut system = products.clone();
            for (at, row) in system.iter_mut().enumerate() {
                row[at] += ridge * count(rows.len()).sqrt();
                row.push(towards[at]);
            }
            Self { base, scales: scales.clone(), weights: solve(system) }
        };
        RIDGES.into_iter().map(solved).collect()
    }

    pub(super) fn answer(&self, input: &Input) -> f64 {
        let row = scaled(&terms(input), &self.scales);
        self.base + row.iter().zip(&self.weights).map(|(term, weight)| term * weight).sum::<f64>()
    }
}

/// Terms with middle 0 and spread 1; a term that never moves tells nothing. What lies far outside is brought to the edge of what
/// was seen, as a copyist would who looks at the result.
fn scaled(row: &[f64], scales: &[(f64, f64)]) -> Vec<f64> {
    const FAR: f64 = 4.0;
    let term = |(value, (middle, spread)): (&f64, &(f64, f64))| {
        if *spread > 0.0 { ((value - middle) / spread).clamp(-FAR, FAR) } else { 0.0 }
    };
    row.iter().zip(scales).map(term).collect()
}

/// Solves a system whose last column is the right side, by elimination: it is positive definite, so no pivot is 0.
fn solve(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let size = system.len();
    for at in 0..size {
        let (done, rest) = system.split_at_mut(at + 1);
        let pivot = &done[at];
        for row in rest {
            let share = row[at] / pivot[at];
            for (cell, of_pivot) in row.iter_mut().zip(pivot).skip(at) {
                *cell -= share * of_pivot;
            }
        }
    }
    let mut solution = vec![0.0; size];
    for at in (0..size).rev() {
        let known: f64 = (at + 1..size).map(|other| system[at][other] * solution[other]).sum();
        solution[at] = (system[at][size] - known) / system[at][at];
    }
    solution
}
