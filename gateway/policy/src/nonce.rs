//! Nonces seen, so that a signed request is accepted once.
//!
//! A nonce is remembered as an eight-byte tag for at least twice the time window, in two generations that take
//! turns. The journal keeps the tag of every call, so the set is whole again after a restart.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use shuzha_core::{Code, Timestamp};

use crate::holds::lock;
use crate::signature::sha256;

/// The tag of a nonce of one credential.
pub(crate) type NonceTag = [u8; 8];

/// Most tags remembered by default: about 30,000 signed requests a second for the default window.
pub const NONCES_MAX_DEFAULT: usize = 4_000_000;

/// One for each first byte of a tag.
const SHARDS: usize = 256;

/// The set of tags.
pub(crate) struct Nonces {
    /// By the first byte of the tag. A lock is held to look one tag up and note it.
    seen: Box<[Mutex<Generations>]>,
    span_micros: i64,
    per_shard_max: usize,
}

#[derive(Default)]
struct Generations {
    /// When the younger generation began.
    since: Timestamp,
    young: HashSet<NonceTag>,
    old: HashSet<NonceTag>,
}

/// The tag of `nonce` as used by the credential `key_id`.
pub(crate) fn tag(key_id: &str, nonce: &str) -> NonceTag {
    let mut text = Vec::with_capacity(key_id.len() + 1 + nonce.len());
    // A key id holds no NUL, so no two pairs share a text.
    text.extend_from_slice(key_id.as_bytes());
    text.push(0);
    text.extend_from_slice(nonce.as_bytes());
    let mut tag = [0; 8];
    tag.copy_from_slice(&sha256(&text)[..8]);
    tag
}

impl Nonces {
    /// An empty set for signatures accepted `window` before and after now, of at most `most` tags.
    pub(crate) fn new(window: Duration, most: usize) -> Self {
        let span = i64::try_from(window.as_micros()).unwrap_or(i64::MAX).saturating_mul(2);
        let seen: Box<[_]> = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { seen, span_micros: span.max(1), per_shard_max: (most / SHARDS).max(1) }
    }

    /// Notes `tag`.
    ///
    /// # Errors
    /// C105 when it was seen before, C109 when the set is full: forgetting would let a replay through.
    pub(crate) fn insert(&self, tag: NonceTag, now: Timestamp) -> Result<(), Code> {
        let set = &mut *lock(&self.seen[usize::from(tag[0])]);
        set.turn(now, self.span_micros);
        if set.old.contains(&tag) {
            return Err(Code::C105);
        }
        if set.young.len() + set.old.len() >= self.per_shard_max {
            return Err(if set.young.contains(&tag) { Code::C105 } else { Code::C109 });
        }
        if set.young.insert(tag) { Ok(()) } else { Err(Code::C105) }
    }
}

impl Generations {
    /// Forgets the older generation when the younger has lasted its span. A clock that went back keeps both.
    fn turn(&mut self, now: Timestamp, span_micros: i64) {
        let age = now.micros_since(self.since);
        if age >= span_micros.saturating_mul(2) {
            self.young.clear();
            self.old.clear();
            self.since = now;
        } else if age >= span_micros {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_passes_once_within_twice_the_window() {
        let nonces = Nonces::new(Duration::from_secs(60), NONCES_MAX_DEFAULT);
        let start = Timestamp::from_seconds(1_000_000);
        let one = tag("key", "nonce-1234");
        assert_eq!(nonces.insert(one, start), Ok(()));
        for after in [0, 1, 60, 119] {
            let now = start.plus(Duration::from_secs(after));
            assert_eq!(nonces.insert(one, now), Err(Code::C105), "{after} s");
        }
        assert_eq!(nonces.insert(tag("other", "nonce-1234"), start), Ok(()));
    }

    #[test]
    fn an_old_nonce_is_forgotten_in_the_end_and_a_full_set_refuses() {
        let nonces = Nonces::new(Duration::from_secs(1), 256);
        let start = Timestamp::from_seconds(1_000_000);
        let mut refused = 0;
        for n in 0..2_000_u32 {
            refused += u32::from(nonces.insert(tag("k", &n.to_string()), start) == Err(Code::C109));
        }
        assert!(refused >= 2_000 - 256);
        let later = start.plus(Duration::from_secs(10));
        assert_eq!(nonces.insert(tag("k", "fresh-one"), later), Ok(()));
    }
}
