//! Blinded verification (隐匿核验, 可用不可见): the caller's side, and what a gateway can check without the caller's secret.
//!
//! The protocol is the verifiable oblivious pseudo-random function of RFC 9497 (mode VOPRF, suite ristretto255-SHA512).
//! The product service holds a key *k* per product and epoch, and publishes the tags `F(k, entry)` of its list, in no
//! order but their own. The caller sends `r·H(entry)` with a fresh random *r*; the service answers `k·r·H(entry)` with a
//! proof that *k* is the published one; the caller takes *r* off, has `F(k, entry)`, and looks it up. So
//! - the platform sees one uniformly random group element per entry: neither the entry nor whether it was on the list;
//! - the caller learns of its own entries which are on the list. Of the rest of the list it holds values of a
//!   pseudo-random function under a key it does not have: it can try an entry only by one more evaluation, which is
//!   metered;
//! - a service that used another key for one caller, to know it again, is found out by the proof (RFC 9497 §2.2).
//!
//! What each side learns, and how a consent is bound to an element nobody can read, is argued in
//! `docs/adr/0007-blinded-verification.md`. The product service's side is in `shuzha-upstreams`; the two share no
//! code and meet in the protocol, the encoding of entries and the form of tag files.

mod element;
mod tags;
#[cfg(test)]
mod tests;

use rand_core::{CryptoRng, RngCore};
use shuzha_core::Rng;
use voprf::{EvaluationElement, Ristretto255, VoprfClient};

pub use self::element::{ELEMENT_TEXT_BYTES, Element, PROOF_TEXT_BYTES, Proof};
pub use self::tags::{Tag, TagFile, TagFileError};

/// Most elements in one request: 46 bytes of JSON each, and 100 µs of the product service.
pub const ELEMENTS_MAX: u32 = 512;

/// Most bytes of one entry, encoded (RFC 9497 §4: an input has at most 2^16 − 1 bytes).
pub const ENTRY_BYTES_MAX: usize = 4_096;

/// Separates entries from any other input of the function (also the version of their layout).
const ENTRY_DOMAIN: &[u8] = b"shuzha blind entry 1";

/// Why a blinded verification cannot go on. Holds nothing of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlindError {
    /// The entry is empty or longer than [`ENTRY_BYTES_MAX`].
    #[error("an entry is empty or too long")]
    Entry,
    /// The bytes are no canonical encoding of a group element other than the identity, or no proof.
    #[error("not a group element or a proof")]
    Encoding,
    /// As many elements must come back as were sent.
    #[error("another number of elements came back than was sent")]
    Count,
    /// The proof does not hold: the service used another key than the published one.
    #[error("the proof does not hold: the answer was not made with the published key")]
    Proof,
}

/// The parts of an entry (an identity number and a name, a credit code) as one input of the function. Each part is
/// preceded by its length, so no two lists of parts give the same input. The parts are taken as they are: whoever
/// encodes must have brought them into the form the list is kept in.
///
/// # Errors
/// [`BlindError::Entry`] when there is nothing, or too much.
pub fn entry(parts: &[&str]) -> Result<Vec<u8>, BlindError> {
    let mut input = ENTRY_DOMAIN.to_vec();
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    let is_empty = parts.iter().all(|part| part.is_empty());
    if is_empty || input.len() > ENTRY_BYTES_MAX { Err(BlindError::Entry) } else { Ok(input) }
}

/// One entry, blinded, with the secret that takes the blinding off again. `Debug` withholds both.
pub struct Blinded {
    input: Vec<u8>,
    client: VoprfClient<Ristretto255>,
    element: Element,
}

impl Blinded {
    /// Blinds an encoded entry with a fresh scalar.
    ///
    /// # Errors
    /// [`BlindError::Entry`] when the entry has no place in the group.
    pub fn new(input: Vec<u8>, rng: &dyn Rng) -> Result<Self, BlindError> {
        Self::draw(input, &mut Source(|into: &mut [u8]| rng.fill(into)))
    }

    /// Blinds an encoded entry with a scalar kept from before, or with the one that the issuer of a consent is shown so
    /// that it can see for itself whose element it signs for.
    ///
    /// # Errors
    /// [`BlindError::Encoding`] when the scalar is not canonical or is zero; as [`Blinded::new`].
    pub fn with_scalar(input: Vec<u8>, scalar: &[u8; 32]) -> Result<Self, BlindError> {
        // The crate reduces 64 bytes: these are the lower half, and the upper half is zero. A scalar of zero is drawn again
        // and again there, so what comes after is ones.
        let mut bytes = scalar.iter().copied().chain([0; 32]).chain(std::iter::repeat(1));
        let mut given = Source(|into: &mut [u8]| into.fill_with(|| bytes.next().expect("it never ends")));
        let blinded = Self::draw(input, &mut given)?;
        // A scalar that is not reduced comes back as another one.
        if blinded.scalar() == *scalar { Ok(blinded) } else { Err(BlindError::Encoding) }
    }

    fn draw(input: Vec<u8>, rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, BlindError> {
        let drawn = VoprfClient::<Ristretto255>::blind(&input, rng).map_err(|_| BlindError::Entry)?;
        let element = Element::new(&drawn.message.serialize())?;
        Ok(Self { input, client: drawn.state, element })
    }

    /// What is sent.
    #[must_use]
    pub const fn element(&self) -> &Element {
        &self.element
    }

    /// The secret. Who has it and the element can try entries.
    ///
    /// # Panics
    /// Never: the state is a scalar and an element of 32 bytes each.
    #[must_use]
    pub fn scalar(&self) -> [u8; 32] {
        self.client.serialize()[..32].try_into().expect("32 of 64 bytes")
    }
}

impl std::fmt::Debug for Blinded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blinded(withheld)")
    }
}

/// Checks the proof over the whole batch and takes the blinding off: the tag of each entry, in order.
///
/// # Errors
/// [`BlindError::Count`] where `evaluated` has another length than `blinded`; [`BlindError::Proof`] where the answer was
/// not made with `key`.
pub fn finalize(
    blinded: &[Blinded],
    evaluated: &[Element],
    proof: &Proof,
    key: &Element,
) -> Result<Vec<Tag>, BlindError> {
    if blinded.len() != evaluated.len() || blinded.is_empty() {
        return Err(BlindError::Count);
    }
    let inputs: Vec<&[u8]> = blinded.iter().map(|one| &*one.input).collect();
    let clients: Vec<VoprfClient<Ristretto255>> = blinded.iter().map(|one| one.client.clone()).collect();
    let elements = evaluated.iter().map(|one| EvaluationElement::deserialize(one.as_bytes()));
    let messages: Vec<_> = elements.collect::<Result<_, _>>().map_err(|_| BlindError::Encoding)?;
    let (proof, key) = (proof.parse()?, key.point()?);
    let outputs = VoprfClient::batch_finalize(&inputs, &clients, &messages, &proof, key);
    let outputs = outputs.map_err(|_| BlindError::Proof)?;
    outputs.map(|output| output.map(|whole| Tag::of(&whole)).map_err(|_| BlindError::Entry)).collect()
}

/// Checks the proof over the whole batch without taking any blinding off: what stands between both sides can do, who
/// knows no scalar.
///
/// # Errors
/// [`BlindError::Count`] where `evaluated` has another length than `blinded`; [`BlindError::Proof`] where `evaluated` was
/// not made of `blinded` with `key`.
pub fn verify(
    blinded: &[Element],
    evaluated: &[Element],
    proof: &Proof,
    key: &Element,
) -> Result<(), BlindError> {
    if blinded.len() != evaluated.len() || blinded.is_empty() {
        return Err(BlindError::Count);
    }
    // The crate checks a proof while it takes the blinding off. Under a blinding by one there is nothing to take off, and
    // of the tags, which are computed when asked for, nobody asks.
    let mut one = [0; 32];
    one[0] = 1;
    let client =
        |element: &Element| VoprfClient::<Ristretto255>::deserialize(&[one, element.to_bytes()].concat());
    let clients: Vec<_> =
        blinded.iter().map(client).collect::<Result<_, _>>().map_err(|_| BlindError::Encoding)?;
    let inputs: Vec<&[u8]> = vec![&[]; blinded.len()];
    let elements = evaluated.iter().map(|one| EvaluationElement::deserialize(one.as_bytes()));
    let messages: Vec<_> = elements.collect::<Result<_, _>>().map_err(|_| BlindError::Encoding)?;
    let (proof, key) = (proof.parse()?, key.point()?);
    let checked = VoprfClient::batch_finalize(&inputs, &clients, &messages, &proof, key);
    checked.map(drop).map_err(|_| BlindError::Proof)
}

/// A filler of bytes as the crate reads randomness.
struct Source<F>(F);

impl<F: FnMut(&mut [u8])> RngCore for Source<F> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        (self.0)(into);
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(into);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> CryptoRng for Source<F> {}
