//! How much of the gate's memory callers may fill: a bound for each unit, so that one unit that is at its own leaves the others
//! theirs, and a sum for all, so that the memory of the node is known beforehand.

/// Most bytes that one idempotency key takes here: its place in a table that has just grown, and its entries in the orders of time
/// and of answers; and what became of it, beside the table. Most of the time it is half of that.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 320 + PAST_BYTES;
/// Bytes of what became of a key, with what it costs to have them apart.
pub(crate) const PAST_BYTES: usize = 80;
/// Most bytes that one nonce takes: its place in a table that has just grown.
pub const NONCE_BYTES_MAX: usize = 32;

/// What callers may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most idempotency keys of one unit in the 24 hours that they are remembered (C097), each of [`IDEMPOTENCY_KEY_BYTES_MAX`].
    pub idempotency_keys_per_unit: usize,
    /// Most idempotency keys of all units together (C092).
    pub idempotency_keys: usize,
    /// Most bytes of stored responses of one unit; beyond it its oldest are let go, and a retry of theirs runs again, for nothing.
    pub answer_bytes_per_unit: usize,
    /// Most bytes of stored responses of all units together; those of units that keep more than their share make room.
    pub answer_bytes: usize,
    /// Most nonces of one unit that are remembered at a time (C111), each of [`NONCE_BYTES_MAX`]; the sum is
    /// `Options::nonces_max`.
    pub nonces_per_unit: usize,
    /// Most signed requests a second with one credential (C110).
    pub signed_requests_per_second: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            idempotency_keys_per_unit: 1_000_000,
            idempotency_keys: 3_200_000,
            answer_bytes_per_unit: 16 << 20,
            answer_bytes: 64 << 20,
            nonces_per_unit: 3_000_000,
            signed_requests_per_second: 12_000,
        }
    }
}

impl Bounds {
    /// Of the sandbox, which is for trying things out: a sixteenth, apart from what is real.
    pub(crate) const fn sandbox(self) -> Self {
        Self {
            idempotency_keys_per_unit: self.idempotency_keys_per_unit.div_ceil(16),
            idempotency_keys: self.idempotency_keys.div_ceil(16),
            answer_bytes_per_unit: self.answer_bytes_per_unit / 16,
            answer_bytes: self.answer_bytes / 16,
            ..self
        }
    }
}

/// Whether one entry more may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It may.
    Yes,
    /// The unit is at its own bound.
    UnitFull,
    /// All units together are.
    Full,
}

/// Whether a unit that has `of_unit` entries of at most `per_unit` may have one more, where all together have `sum` of at
/// most `total`. The last quarter is kept for units that have little, so that a few busy ones cannot fill the whole.
pub(crate) const fn room(of_unit: usize, per_unit: usize, sum: usize, total: usize) -> Room {
    if of_unit >= per_unit {
        Room::UnitFull
    } else if sum < total - total / 4 || (sum < total && of_unit < per_unit / 16) {
        Room::Yes
    } else {
        Room::Full
    }
}

/// How full a table of the gate is: for gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Which, a closed set.
    pub bound: &'static str,
    /// What is used.
    pub used: u64,
    /// What may be.
    pub max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_busy_units_leave_the_last_quarter_to_the_others() {
        assert_eq!(room(10, 10, 10, 100), Room::UnitFull);
        assert_eq!(room(9, 10, 74, 100), Room::Yes);
        assert_eq!(room(9, 16, 75, 100), Room::Full);
        assert_eq!(room(0, 16, 75, 100), Room::Yes);
        assert_eq!(room(0, 16, 100, 100), Room::Full);
    }
}
