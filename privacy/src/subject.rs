//! Subjects: canonical identifiers and pairwise pseudonyms (privacy research §2.2).
//!
//! A consent names its subject by `PRF(key, unit ‖ scenario ‖ kind ‖ identifier)`. The pseudonym is pairwise: two
//! units, or two scenarios of one unit, cannot join on it. What protects the identifier is the custody of the key:
//! there are so few possible identity numbers that whoever holds the key can try them all (research §0.7).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ::hmac::{Hmac, KeyInit as _, Mac as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use shuzha_core::Id;
use shuzha_core::identity::{self, IdentityError};
use sm3::Sm3;
use subtle::ConstantTimeEq as _;

use crate::output::MaskKey;

/// Marks the text form of a pseudonym and its version.
const PREFIX: &str = "p1:";

/// Separates this use of the key from any other (also the version of the input's layout).
const DOMAIN: &[u8] = b"shuzha subject pseudonym 1";

/// The same for keys of masks.
const MASK_DOMAIN: &[u8] = b"shuzha mask key 1";

/// The same for tags of canaries.
const CANARY_DOMAIN: &[u8] = b"shuzha canary tag 1";

/// The same for subjects of blinded requests.
const BLINDED_DOMAIN: &[u8] = b"shuzha blinded subject 1";

/// What kind of subject an identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A natural person, by 公民身份号码 (GB 11643).
    Person,
    /// An organisation, by 统一社会信用代码 (GB 32100).
    Organisation,
}

impl IdKind {
    /// The kind's name: `person`, `organisation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
        }
    }
}

/// An identifier in its one canonical form. `Debug` withholds it.
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalId {
    kind: IdKind,
    text: String,
}

impl CanonicalId {
    /// Checks an identifier. Other spellings are refused, never converted (see [`identity`]).
    ///
    /// # Errors
    /// [`IdentityError`] names the fault by position.
    pub fn new(kind: IdKind, text: &str) -> Result<Self, IdentityError> {
        match kind {
            IdKind::Person => identity::check_person(text)?,
            IdKind::Organisation => identity::check_organisation(text)?,
        }
        Ok(Self { kind, text: text.to_owned() })
    }

    /// The kind of subject.
    #[must_use]
    pub const fn kind(&self) -> IdKind {
        self.kind
    }

    /// The identifier itself. For the request to the product service only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalId({}, withheld)", self.kind.as_str())
    }
}

/// A subject's pairwise pseudonym. Compared in constant time; `Debug` withholds it.
#[derive(Clone, Copy)]
pub struct Pseudonym([u8; 32]);

impl Pseudonym {
    /// The subject of a blinded request: the digest of the blinded element, under unit and scenario. It is not keyed,
    /// for there is nothing to guess: the element is uniformly random, whoever the person is
    /// ([`crate::blind`]). A consent for one blinded use names its subject so (`sub_alg` `blinded-element`).
    #[must_use]
    pub fn of_blinded(unit: &Id, scenario: &Id, element: &crate::blind::Element) -> Self {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        let names = [unit.as_str().as_bytes(), scenario.as_str().as_bytes()];
        for part in [BLINDED_DOMAIN].into_iter().chain(names).chain([&element.to_bytes()[..]]) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// A pseudonym that the register of consents has kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the pseudonym. It is still personal information: commit to it. Only the register of consents, which is the
    /// person's own, keeps it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Pseudonym {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pseudonym {}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(withheld)")
    }
}

impl fmt::Display for Pseudonym {
    /// The text form: `p1:` and 43 characters of base64url.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The text is not a pseudonym's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pseudonym")]
pub struct PseudonymError;

impl FromStr for Pseudonym {
    type Err = PseudonymError;

    /// Reads the one canonical text form: padding and stray trailing bits are refused.
    fn from_str(text: &str) -> Result<Self, PseudonymError> {
        let encoded = text.strip_prefix(PREFIX).filter(|rest| rest.len() == 43).ok_or(PseudonymError)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| PseudonymError)?;
        bytes.try_into().map(Self).map_err(|_| PseudonymError)
    }
}

/// A keyed pseudo-random function over identifiers. The key may be in this process, in a hardware module, or shared
/// with the data domain by an oblivious protocol.
pub trait SubjectPrf: fmt::Debug + Send + Sync {
    /// The function's name in tokens (`sub_alg`).
    fn algorithm(&self) -> &'static str;

    /// The key's name in tokens (`sub_kid`).
    fn key_id(&self) -> &str;

    /// The function's value at `input`.
    fn evaluate(&self, input: &[u8]) -> [u8; 32];
}

/// HMAC-SHA256 (RFC 2104) with a key in this process.
pub struct HmacSha256Prf {
    key_id: String,
    key: hmac::Key,
}

impl HmacSha256Prf {
    /// The function under this key.
    #[must_use]
    pub fn new(key_id: &str, key: &[u8; 32]) -> Self {
        Self { key_id: key_id.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }
}

impl fmt::Debug for HmacSha256Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacSha256Prf({}, withheld)", self.key_id)
    }
}

impl SubjectPrf for HmacSha256Prf {
    fn algorithm(&self) -> &'static str {
        "hmac-sha256"
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn evaluate(&self, input: &[u8]) -> [u8; 32] {
        hmac::sign(&self.key, input).as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// HMAC-SM3 (GB/T 15852.2, GB/T 32905) with a key in this process, where national algorithms (国密) are required.
pub struct HmacSm3Prf {
    key_id: String,
    /// Has taken the key, and nothing else yet.
    keyed: Hmac<Sm3>,
}

impl HmacSm3Prf {
    /// The function under this key.
    #[must_use]
    pub fn new(key_id: &str, key: &[u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes keys of every length");
        Self { key_id: key_id.to_owned(), keyed }
    }
}

impl fmt::Debug for HmacSm3Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacSm3Prf({}, withheld)", self.key_id)
    }
}

impl SubjectPrf for HmacSm3Prf {
    fn algorithm(&self) -> &'static str {
        "hmac-sm3"
    }

    fn key_id(&self) -> &str {
        &self.key_id
    }

    fn evaluate(&self, input: &[u8]) -> [u8; 32] {
        self.keyed.clone().chain_update(input).finalize().into_bytes().into()
    }
}

impl<P: SubjectPrf + ?Sized> SubjectPrf for Arc<P> {
    fn algorithm(&self) -> &'static str {
        (**self).algorithm()
    }

    fn key_id(&self) -> &str {
        (**self).key_id()
    }

    fn evaluate(&self, input: &[u8]) -> [u8; 32] {
        (**self).evaluate(input)
    }
}

/// Makes pairwise pseudonyms.
#[derive(Debug)]
pub struct Pseudonymiser<P = HmacSha256Prf>(P);

impl<P: SubjectPrf> Pseudonymiser<P> {
    /// A pseudonymiser over this function.
    pub const fn new(prf: P) -> Self {
        Self(prf)
    }

    /// The function in use.
    pub const fn prf(&self) -> &P {
        &self.0
    }

    /// The key of masks for what `product` answers one unit in one scenario; pseudonyms have narrower ones ([`MaskKey::within`]).
    pub fn mask_key(&self, unit: &Id, scenario: &Id, product: &Id) -> MaskKey {
        let names = [unit.as_str(), scenario.as_str(), product.as_str()];
        MaskKey::new(&self.0.evaluate(&parts(MASK_DOMAIN, &names)))
    }

    /// The tag by which `product` names a canary record (诱饵记录): a subject that exists nowhere else. It is computed for
    /// every call about a subject, and says nothing of any that is no canary.
    pub fn canary(&self, product: &Id, subject: &CanonicalId) -> Pseudonym {
        let subject = [product.as_str(), subject.kind.as_str(), &subject.text];
        Pseudonym(self.0.evaluate(&parts(CANARY_DOMAIN, &subject)))
    }

    /// The subject's pseudonym towards one unit in one scenario.
    pub fn pseudonym(&self, unit: &Id, scenario: &Id, subject: &CanonicalId) -> Pseudonym {
        let named = [unit.as_str(), scenario.as_str(), subject.kind.as_str(), &subject.text];
        Pseudonym(self.0.evaluate(&parts(DOMAIN, &named)))
    }
}

/// A domain and parts as one input. Each part is preceded by its length, so no two lists of parts give the same.
fn parts(domain: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut input = domain.to_vec();
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part.as_bytes());
    }
    input
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// The worked examples of the two standards; assigned to nobody.
    const PERSON: &str = "11010519491231002X";
    const ORGANISATION: &str = "91350100M000100Y43";

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn pseudonymiser(key: u8) -> Pseudonymiser {
        Pseudonymiser::new(HmacSha256Prf::new("2026q4", &[key; 32]))
    }

    #[test]
    fn pseudonyms_differ_by_key_unit_scenario_and_subject() {
        let person = CanonicalId::new(IdKind::Person, PERSON).unwrap();
        let organisation = CanonicalId::new(IdKind::Organisation, ORGANISATION).unwrap();
        let mut seen = HashSet::new();
        for key in [1, 2] {
            for (unit, scenario) in
                [("bank-a", "credit"), ("bank-b", "credit"), ("bank-a", "loan"), ("bank-ac", "redit")]
            {
                for subject in [&person, &organisation] {
                    let text = pseudonymiser(key).pseudonym(&id(unit), &id(scenario), subject).to_string();
                    assert!(seen.insert(text), "{key} {unit} {scenario}");
                }
            }
        }
    }

    /// Pins the input's layout: a change of it would orphan every consent in circulation. The value was computed
    /// apart from this code.
    #[test]
    fn the_layout_is_pinned() {
        let person = CanonicalId::new(IdKind::Person, PERSON).unwrap();
        let made = pseudonymiser(7).pseudonym(&id("bank-a"), &id("credit"), &person);
        assert_eq!(made.to_string(), "p1:7WUpYbeP3QQLl3kOFaFPSm6sDmqW75CZG6Hl0F8LM94");
    }

    /// HMAC-SM3 is HMAC (RFC 2104) over SM3, and SM3 is that of GB/T 32905-2016 (its example 1, `abc`).
    #[test]
    fn d1_hmac_sm3_is_the_standards() {
        use sm3::Digest as _;
        let hex = |bytes: &[u8]| shuzha_core::hex::encode(bytes);
        let abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        assert_eq!(hex(&Sm3::digest(b"abc")), abc);
        let pad = |byte: u8| [[7 ^ byte; 32], [byte; 32]].concat();
        let inner = Sm3::new().chain_update(pad(0x36)).chain_update(b"abc").finalize();
        let outer: [u8; 32] = Sm3::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into();
        let prf: Arc<dyn SubjectPrf> = Arc::new(HmacSm3Prf::new("k", &[7; 32]));
        assert_eq!(prf.evaluate(b"abc"), outer);
        assert_ne!(prf.evaluate(b"abc"), HmacSha256Prf::new("k", &[7; 32]).evaluate(b"abc"));
        assert_eq!((prf.algorithm(), prf.key_id()), ("hmac-sm3", "k"));
        assert_eq!(format!("{prf:?}"), "HmacSm3Prf(k, withheld)");
    }

    #[test]
    fn only_the_canonical_text_form_reads() {
        let text = Pseudonym([0xff; 32]).to_string();
        assert_eq!(text.parse(), Ok(Pseudonym([0xff; 32])));
        assert_eq!(text.len(), 46);
        let stray_bits = format!("{}9", &text[..45]);
        for bad in
            ["", "p1:", &text[3..], &format!("{text}="), &text[..45], &text.replace("p1", "p2"), &stray_bits]
        {
            assert_eq!(bad.parse::<Pseudonym>(), Err(PseudonymError), "{bad}");
        }
    }

    #[test]
    fn identifiers_are_canonical_and_never_shown() {
        assert!(CanonicalId::new(IdKind::Person, "11010519491231002x").is_err());
        assert!(CanonicalId::new(IdKind::Person, ORGANISATION).is_err());
        let person = CanonicalId::new(IdKind::Person, PERSON).unwrap();
        let pseudonym = pseudonymiser(1).pseudonym(&id("u"), &id("s"), &person);
        let shown = format!("{person:?} {pseudonym:?} {:?}", pseudonymiser(1));
        assert!(!shown.contains("1949") && !shown.contains(&pseudonym.to_string()[3..]), "{shown}");
    }

    proptest! {
        #[test]
        fn text_forms_read_back(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(Pseudonym(bytes).to_string().parse(), Ok(Pseudonym(bytes)));
        }
    }
}
