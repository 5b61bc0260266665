//! Groups by keys that are not public: partition selection by a threshold (Korolova et al. 2009; Rogers 2023).
//!
//! **Privacy argument.** Let one data set have all rows of one person more than the other. Keys that both have are noised as
//! every count is, which the charge pays for. At most m keys (the contribution bound) are in the larger one alone, each with a
//! count of at most m. Any of them is released only if its noise is at least τ − m, so one of them shows with probability at most
//! m·P(X ≥ τ − m) = δ; otherwise both answers follow the laws of the common keys. Hence (ε, δ), or δ-approximate ρ-zCDP (Bun
//! and Steinke 2016, definition 8.1). Both add up over queries.
//!
//! **What pays for δ.** The ledger counts ε or ρ only. A query with a charge of c units may therefore fail with probability
//! c·10⁻⁹ at most ([`delta_nano_nanos`]): a person-space that has spent C units has spent at most C·10⁻⁹ of δ, so the one cap
//! bounds both, and a query with half the charge gets half the δ.
//!
//! **What the engine must keep.** The number of keys is at most the column's `keys_max` in every version of the data, checked
//! when the data is loaded and never as an answer to a query: a refusal would tell whether a key is there.

use shuzha_core::NanoCharge;

use super::noise::Scale;
use super::{Domain, Measure};

/// How many 10⁻¹⁸ of δ a query with this charge may fail with: as many as it has nano-units.
pub(super) const fn delta_nano_nanos(charge: NanoCharge) -> u64 {
    charge.nanos()
}

/// The least count that is released, rounded up.
///
/// Discrete Laplace: P(X ≥ k) ≤ exp(−k/b), so τ = m + b·ln(m/δ). Discrete Gaussian: P(X ≥ k) ≤ exp(−k²/2σ²), so
/// τ = m + σ√(2·ln(m/δ)). The logarithm is that of the next power of two.
pub(super) fn threshold_up(scale: Scale, charge: NanoCharge, domain: &Domain) -> u128 {
    /// ln 2 in millionths, rounded up.
    const LN_2: u128 = 693_148;
    const NANO_NANOS: u128 = 1_000_000_000_000_000_000;
    let rows = u128::from(domain.rows_per_person_max);
    let quotient = (rows * NANO_NANOS).div_ceil(u128::from(delta_nano_nanos(charge)).max(1));
    let ln_millionths = u128::from(u128::BITS - quotient.leading_zeros()) * LN_2;
    let distance = match scale.measure {
        Measure::PureEps => (u128::from(scale.numerator) * ln_millionths).div_ceil(1_000_000 << scale.shift),
        Measure::Rho => {
            // σ·√(2·ln) with the root in thousandths.
            let root = (2 * ln_millionths).isqrt() + 1;
            (u128::from(scale.numerator) * root).div_ceil(1_000 << scale.shift)
        }
    };
    rows + distance
}
