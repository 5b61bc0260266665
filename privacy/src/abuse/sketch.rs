//! How many different subjects were seen, in 256 bytes: HyperLogLog (Flajolet et al. 2007) with linear counting for small
//! numbers (Heule et al. 2013). Standard error 6.5 %.

/// Registers; a power of two.
const REGISTERS: usize = 256;
/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = REGISTERS.trailing_zeros();
/// Bias correction for 256 registers: 0.7213 / (1 + 1.079 / 256).
const ALPHA: f64 = 0.718_273_4;

/// A sketch of a set of keyed hashes. From it nobody can tell whether a given subject is in it.
#[derive(Clone, Debug)]
pub(super) struct Sketch(Box<[u8; REGISTERS]>);

impl Default for Sketch {
    fn default() -> Self {
        Self(Box::new([0; REGISTERS]))
    }
}

impl Sketch {
    /// Adds a hash; whether that changed anything.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        let index = (hash >> (u64::BITS - INDEX_BITS)) as usize;
        // The run of zeros in the other bits, counted from one; the added bit bounds it.
        let rank = ((hash << INDEX_BITS) | 1 << (INDEX_BITS - 1)).leading_zeros() + 1;
        let rank = u8::try_from(rank).expect("at most 57");
        let register = &mut self.0[index];
        let grows = rank > *register;
        *register = rank.max(*register);
        grows
    }

    /// About how many different hashes were added.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of a count: positive, and far below 2^53"
    )]
    pub(super) fn estimate(&self) -> u64 {
        let registers = REGISTERS as f64;
        let empty = self.0.iter().filter(|&&register| register == 0).count();
        let sum: f64 = self.0.iter().map(|&register| 0.5_f64.powi(i32::from(register))).sum();
        let raw = ALPHA * registers * registers / sum;
        if raw <= 2.5 * registers && empty > 0 {
            return (registers * (registers / empty as f64).ln()).round() as u64;
        }
        raw.round() as u64
    }
}
