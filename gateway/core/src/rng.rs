//! Where randomness comes from.

use std::cell::RefCell;

/// A source of unpredictable bytes.
pub trait Rng: Send + Sync + 'static {
    /// Fills `into` with random bytes.
    fn fill(&self, into: &mut [u8]);

    /// An array of random bytes.
    fn bytes<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRng;

impl Rng for OsRng {
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    fn fill(&self, into: &mut [u8]) {
        getrandom::fill(into).expect("the operating system gives random bytes");
    }
}

/// Bytes fetched from the operating system at a time for ids.
const ID_BUFFER_BYTES: usize = 4_096;

/// Randomness for ids, which must not repeat and need not be secret: fetched by the page and handed out piece by
/// piece, so that a request costs no system call for its id. Keys, nonces and noise take [`OsRng`].
#[derive(Clone, Copy, Debug, Default)]
pub struct IdRng;

thread_local! {
    /// Bytes not handed out yet stand at the end. Owned by its thread; nothing is handed out twice.
    static ID_BUFFER: RefCell<(Box<[u8; ID_BUFFER_BYTES]>, usize)> =
        RefCell::new((Box::new([0; ID_BUFFER_BYTES]), 0));
}

impl Rng for IdRng {
    fn fill(&self, into: &mut [u8]) {
        if into.len() > ID_BUFFER_BYTES {
            return OsRng.fill(into);
        }
        ID_BUFFER.with_borrow_mut(|(buffer, left)| {
            if *left < into.len() {
                OsRng.fill(&mut buffer[..]);
                *left = ID_BUFFER_BYTES;
            }
            let from = ID_BUFFER_BYTES - *left;
            into.copy_from_slice(&buffer[from..from + into.len()]);
            *left -= into.len();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_get_the_same_bytes_twice() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..3 * ID_BUFFER_BYTES / 10 {
            assert!(seen.insert(IdRng.bytes::<10>()));
        }
        let mut large = vec![0; ID_BUFFER_BYTES + 1];
        IdRng.fill(&mut large);
        assert!(large.iter().any(|&byte| byte != 0));
    }
}
