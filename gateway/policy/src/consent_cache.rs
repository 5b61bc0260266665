//! Consents verified before, by the hash of their token: an Ed25519 check costs 55 µs, a look-up half of one.

use std::collections::HashMap;
use std::sync::Arc;

use shuzha_core::Timestamp;
use shuzha_privacy::consent::Consent;

use crate::holds::Shards;

/// Most consents kept.
pub(crate) const CONSENTS_MAX: usize = 131_072;
/// Most consents kept per first byte of the hash.
const PER_SLOT_MAX: usize = CONSENTS_MAX / 256;

/// Hash of a token under one generation of issuers.
pub(crate) type TokenHash = [u8; 32];

/// Verified consents. Holds nothing that a token does not say; never written anywhere.
pub(crate) struct ConsentCache {
    known: Shards<u8, HashMap<TokenHash, Arc<Consent>>>,
}

impl ConsentCache {
    pub(crate) fn new() -> Self {
        Self { known: Shards::new() }
    }

    /// The key of `token`. Another set of issuers makes another key, so a revoked issuer's tokens are not found.
    pub(crate) fn key(&self, token: &str, issuers_generation: u64) -> TokenHash {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        context.update(&issuers_generation.to_be_bytes());
        context.update(token.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }

    pub(crate) fn get(&self, key: &TokenHash) -> Option<Arc<Consent>> {
        self.known.with(&key[0], |slots| slots.get(&key[0])?.get(key).cloned())
    }

    /// Keeps a verified consent; a full slot first forgets the expired, then everything: it is only a cache.
    pub(crate) fn put(&self, key: TokenHash, consent: Arc<Consent>, now: Timestamp) {
        self.known.with(&key[0], |slots| {
            let slot = slots.entry(key[0]).or_default();
            if slot.len() >= PER_SLOT_MAX {
                slot.retain(|_, consent| consent.check_time(now).is_ok());
            }
            if slot.len() >= PER_SLOT_MAX {
                slot.clear();
            }
            slot.insert(key, consent);
        });
    }
}
