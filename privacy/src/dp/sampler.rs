//! Exact samplers of the discrete Laplace and Gaussian distributions (Canonne, Kamath and Steinke 2020, algorithms 1
//! to 3), in integers only: no rounding, hence no low-order bits to attack (Mironov 2012).

use shuzha_core::Rng;

/// Random bytes fetched at a time: the generator is asked through a system call.
const BLOCK_BYTES: usize = 512;

/// Draws samples from a generator's bytes.
pub(super) struct Sampler<'r> {
    rng: &'r dyn Rng,
    block: [u8; BLOCK_BYTES],
    used: usize,
}

impl<'r> Sampler<'r> {
    pub(super) const fn new(rng: &'r dyn Rng) -> Self {
        Self { rng, block: [0; BLOCK_BYTES], used: BLOCK_BYTES }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if BLOCK_BYTES - self.used < N {
            self.rng.fill(&mut self.block);
            self.used = 0;
        }
        let start = self.used;
        self.used += N;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.block[start..self.used]);
        // What was used is cleared, so that it does not lie about longer than the noise itself.
        self.block[start..self.used].fill(0);
        bytes
    }

    /// Uniform in `0..most`, by rejection: no bias.
    fn below(&mut self, most: u128) -> u128 {
        let bits = u128::BITS - (most - 1).leading_zeros();
        loop {
            let drawn = match bits {
                0 => return 0,
                1..=8 => u128::from(self.bytes::<1>()[0]),
                9..=32 => u128::from(u32::from_le_bytes(self.bytes())),
                33..=64 => u128::from(u64::from_le_bytes(self.bytes())),
                _ => u128::from_le_bytes(self.bytes()),
            };
            let drawn = drawn & (u128::MAX >> (u128::BITS - bits));
            if drawn < most {
                return drawn;
            }
        }
    }

    fn coin(&mut self) -> bool {
        self.bytes::<1>()[0] & 1 == 1
    }

    /// True with probability exp(−`numerator`/`denominator`), for a quotient of at most 1 (algorithm 1). A coin of
    /// probability γ/k is drawn as one of γ and one of 1/k, so that nothing can overflow.
    fn exp_minus_fraction(&mut self, numerator: u128, denominator: u128) -> bool {
        let mut k = 1;
        while self.below(denominator) < numerator && self.below(k) == 0 {
            k += 1;
        }
        k % 2 == 1
    }

    /// True with probability exp(−`numerator`/`denominator`).
    fn exp_minus(&mut self, mut numerator: u128, denominator: u128) -> bool {
        while numerator > denominator {
            if !self.exp_minus_fraction(1, 1) {
                return false;
            }
            numerator -= denominator;
        }
        self.exp_minus_fraction(numerator, denominator)
    }

    /// Discrete Laplace of scale b = `numerator`/2^`shift`: P(x) ∝ exp(−|x|/b) (algorithm 2). The numerator is not 0.
    pub(super) fn laplace(&mut self, numerator: u64, shift: u32) -> i128 {
        let t = u128::from(numerator);
        loop {
            let u = self.below(t);
            if !self.exp_minus_fraction(u, t) {
                continue;
            }
            let mut v = 0_u128;
            while self.exp_minus_fraction(1, 1) {
                v += 1;
            }
            let magnitude = (u + t * v) >> shift;
            let negative = self.coin();
            if negative && magnitude == 0 {
                continue;
            }
            let magnitude = i128::try_from(magnitude).expect("2^50 · v is far inside i128");
            return if negative { -magnitude } else { magnitude };
        }
    }

    /// Discrete Gaussian of σ = `numerator`/2^`shift`: P(x) ∝ exp(−x²/2σ²) (algorithm 3), for a numerator below 2²⁹.
    ///
    /// With t = ⌊σ⌋ + 1 a Laplace candidate y of scale t is kept with probability exp(−(|y| − σ²/t)²/2σ²). Cleared of
    /// fractions the exponent is a²/(2·4^shift·t²·n²) with a = |y|·t·4^shift − n². The denominator is below 2¹²⁰. The
    /// square overflows only past |y| > 60 σ, where a candidate would be kept with probability below e⁻¹⁷⁰⁰; it
    /// is dropped there, a difference that no number of draws can show.
    pub(super) fn gaussian(&mut self, numerator: u64, shift: u32) -> i128 {
        let t = (numerator >> shift) + 1;
        let (n, grid, wide) = (u128::from(numerator), 1_u128 << (2 * shift), u128::from(t));
        loop {
            let candidate = self.laplace(t, 0);
            let distance = candidate.unsigned_abs().saturating_mul(wide * grid).abs_diff(n * n);
            let Some(square) = distance.checked_mul(distance) else { continue };
            if self.exp_minus(square, 2 * grid * wide * wide * n * n) {
                return candidate;
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
