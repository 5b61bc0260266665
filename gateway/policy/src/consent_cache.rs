//! Consents verified before, by their token: an Ed25519 check costs 55 µs, a look-up less than one.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use shuzha_core::Timestamp;
use shuzha_privacy::consent::Consent;

use crate::holds::Consents;
use crate::shards::Shards;

/// Most consents kept. Full, the cache holds some 130 MiB of tokens.
pub(crate) const CONSENTS_MAX: usize = 131_072;
/// Most consents kept per shard.
const PER_SHARD_MAX: usize = CONSENTS_MAX / crate::shards::SHARDS;
/// Bytes at the end of a token that it is looked up by: within its signature, which no two tokens share.
const TAIL_BYTES: usize = 32;

/// A consent as verified.
pub(crate) struct Known {
    /// The whole token: what is found is compared with what was sent, byte by byte.
    token: Box<str>,
    /// The set of issuers it was verified under; a revoked issuer's tokens are not found under the next.
    issuers_generation: u64,
    /// What it says.
    pub(crate) consent: Consent,
    /// The commitments to it and its parent in records.
    pub(crate) consents: Consents,
}

impl Known {
    /// A consent just verified.
    pub(crate) fn new(
        token: &str,
        issuers_generation: u64,
        consent: Consent,
        consents: Consents,
    ) -> Arc<Self> {
        Arc::new(Self { token: token.into(), issuers_generation, consent, consents })
    }
}

/// Verified consents. Holds nothing that a token does not say; never written anywhere.
pub(crate) struct ConsentCache {
    known: Shards<u64, Arc<Known>>,
    hasher: RandomState,
}

impl ConsentCache {
    pub(crate) fn new() -> Self {
        Self { known: Shards::new(), hasher: RandomState::new() }
    }

    fn key(&self, token: &str) -> u64 {
        let bytes = token.as_bytes();
        self.hasher.hash_one(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..])
    }

    pub(crate) fn get(&self, token: &str, issuers_generation: u64) -> Option<Arc<Known>> {
        let key = self.key(token);
        let known = self.known.with(&key, |shard| shard.get(&key).map(Arc::clone))?;
        (*known.token == *token && known.issuers_generation == issuers_generation).then_some(known)
    }

    /// Keeps a verified consent; a full shard first forgets the expired, then everything: it is only a cache.
    pub(crate) fn put(&self, known: Arc<Known>, now: Timestamp) {
        let key = self.key(&known.token);
        self.known.with(&key, |shard| {
            if shard.len() >= PER_SHARD_MAX {
                shard.retain(|_, known| now < known.consent.expires);
            }
            if shard.len() >= PER_SHARD_MAX {
                shard.clear();
            }
            shard.insert(key, known);
        });
    }
}
