//! Salts of entries, from the operating system's generator, many at a time: one call of the system for each record would cost more
//! than the record.

use shuzha_core::{OsRng, Rng as _};
use shuzha_evidence::Salt;

const SALT_BYTES: usize = size_of::<Salt>();
/// Random bytes that are fetched at once.
const BLOCK_BYTES: usize = 256 * SALT_BYTES;

/// Salts that nobody has seen. Owned by the queue, under its lock; each is given out once.
pub(crate) struct Salts {
    block: Box<[u8; BLOCK_BYTES]>,
    used: usize,
}

impl Salts {
    pub(crate) fn new() -> Self {
        Self { block: Box::new([0; BLOCK_BYTES]), used: BLOCK_BYTES }
    }

    pub(crate) fn next(&mut self) -> Salt {
        if self.used == BLOCK_BYTES {
            OsRng.fill(&mut self.block[..]);
            self.used = 0;
        }
        let salt = self.block[self.used..][..SALT_BYTES].try_into().expect("as many bytes as a salt has");
        self.used += SALT_BYTES;
        salt
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_salt_is_given_out_twice() {
        let mut salts = Salts::new();
        let given: BTreeSet<Salt> = (0..1_000).map(|_| salts.next()).collect();
        assert_eq!(given.len(), 1_000);
        assert!(!given.contains(&[0; SALT_BYTES]));
    }
}
