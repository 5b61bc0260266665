//! Keyed commitments: HMAC-SHA256 under an erasable key, truncated to 128 bits.
//!
//! A plain or salted digest of an identity number is enumerable in minutes (`research/evidence.md` §1.3); a keyed
//! one is worth as much as the custody of the key. Erasing the key makes what was committed to unrecoverable and
//! breaks no proof.

use ring::hmac;

/// A 128-bit commitment.
pub type Commitment = [u8; 16];

/// Makes commitments under one key.
#[derive(Clone)]
pub struct Committer(hmac::Key);

impl Committer {
    /// A committer under `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The commitment to `parts` in the domain `label`. Each part is length-prefixed, so no two lists collide.
    #[must_use]
    pub fn commit(&self, label: &str, parts: &[&[u8]]) -> Commitment {
        let mut context = hmac::Context::with_key(&self.0);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(label.as_bytes());
        for bytes in parts {
            part(bytes);
        }
        let tag = context.sign();
        let mut out = [0; 16];
        out.copy_from_slice(&tag.as_ref()[..16]);
        out
    }
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Committer(key withheld)")
    }
}

#[cfg(test)]
mod tests {
    use super::Committer;

    #[test]
    fn domain_part_borders_and_key_all_matter() {
        let one = Committer::new(&[1; 32]);
        let base = one.commit("a", &[b"bc", b"d"]);
        assert_eq!(base, one.commit("a", &[b"bc", b"d"]));
        assert_ne!(base, one.commit("a", &[b"b", b"cd"]));
        assert_ne!(base, one.commit("ab", &[b"c", b"d"]));
        assert_ne!(base, Committer::new(&[2; 32]).commit("a", &[b"bc", b"d"]));
    }
}
