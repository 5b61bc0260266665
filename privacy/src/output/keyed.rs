//! Masks that need a key: pseudonyms, noise and samples that are the same each time the same unit asks.
//!
//! Whoever asks again must learn nothing new. Noise that is drawn anew each time averages out, and a sample that is
//! drawn anew shows the whole in the end; so both are functions of the value, under a key that belongs to one unit,
//! scenario and product. Two units cannot join on what they got.
//!
//! Pseudonyms have narrower keys ([`MaskKey::within`]): an operation that answers with the pseudonym of what it was asked about would
//! be a dictionary for every other operation under the same key. So the key is that of the operation, or of a declared domain
//! whose operations take no identifier; and where a request may hold one, of what the request says too. And what a request says is
//! never answered with its pseudonym ([`MaskKey::asked`]).

use std::sync::Arc;

use ring::hmac;

/// The key of one unit, scenario and product.
#[derive(Clone)]
pub struct MaskKey {
    key: hmac::Key,
    /// The key of noise: the subject's own where the answer is about one.
    noise: hmac::Key,
    /// The key of pseudonyms.
    pseudonym: hmac::Key,
    /// What the request says, as it is compared.
    asked: Arc<[String]>,
}

/// Precedes the subject in what its noise key is made of; the uses begin with other bytes.
const NOISE_OF: &[u8] = b"shuzha noise of ";
/// Precedes the scope in what a key of pseudonyms is made of.
const PSEUDONYMS_OF: &[u8] = b"shuzha pseudonyms of ";

/// Separates the three uses of the key.
#[derive(Clone, Copy)]
pub(super) enum Use {
    Pseudonym = 1,
    Noise = 2,
    Sample = 3,
}

impl MaskKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Self { noise: key.clone(), pseudonym: key.clone(), key, asked: Arc::default() }
    }

    /// The same with pseudonyms that are comparable within this scope alone: no two lists of parts are one scope.
    #[must_use]
    pub fn within(&self, scope: &[&str]) -> Self {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(PSEUDONYMS_OF);
        for part in scope {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        Self { pseudonym: hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref()), ..self.clone() }
    }

    /// The same for the answer to a request that says `texts`: of none of them a pseudonym leaves.
    #[must_use]
    pub fn asked<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { asked: texts.into_iter().map(compared).collect(), ..self.clone() }
    }

    /// Whether the request said it.
    pub(super) fn was_asked(&self, value: &str) -> bool {
        !self.asked.is_empty() && self.asked.contains(&compared(value))
    }

    /// The same for an answer about one subject, whose noise is its own: whoever knows the true value of one subject learns
    /// nothing of another with the same.
    #[must_use]
    pub fn about(&self, subject: &[u8]) -> Self {
        let own = hmac::sign(&self.key, &[NOISE_OF, subject].concat());
        Self { noise: hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()), ..self.clone() }
    }

    /// The function's value for one leaf and value.
    pub(super) fn value(&self, of: Use, leaf: &str, value: &[u8]) -> [u8; 32] {
        let key = match of {
            Use::Pseudonym => &self.pseudonym,
            Use::Noise => &self.noise,
            Use::Sample => &self.key,
        };
        let mut context = hmac::Context::with_key(key);
        context.update(&[of as u8]);
        context.update(&(leaf.len() as u64).to_be_bytes());
        context.update(leaf.as_bytes());
        context.update(value);
        context.sign().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// A number below `bound`, each about equally likely: of 2¹²⁸ values none is favoured by more than 2⁻⁶⁴.
    pub(super) fn below(&self, bound: u64, of: Use, leaf: &str, value: &[u8]) -> u64 {
        let drawn = self.value(of, leaf, value);
        let wide = u128::from_be_bytes(drawn[..16].try_into().expect("16 of 32 bytes"));
        u64::try_from(wide % u128::from(bound)).expect("a remainder is below its divisor")
    }
}

/// A text as it is compared with another: an identifier is the same in either case, with blanks or without.
fn compared(text: &str) -> String {
    text.chars().filter(|one| !one.is_whitespace()).flat_map(char::to_uppercase).collect()
}

impl std::fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskKey(withheld)")
    }
}
