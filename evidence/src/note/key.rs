//! Public keys of notes, and what they verify.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use ed25519_dalek::VerifyingKey as Ed25519Key;
use sm2::dsa::VerifyingKey as Sm2Key;
use sm2::dsa::signature::Verifier as _;

use super::{Signature, is_name};
use crate::merkle::{Digest as _, Sha256};
use crate::{BASE64, Malformed};

/// Bytes of a time before a cosignature.
const TIME_BYTES: usize = 8;

/// The identity that SM2 signatures are bound to where none is agreed (GM/T 0009 §10).
pub(super) const SM2_IDENTITY: &str = "1234567812345678";

/// Longest key text that is read, in bytes.
const KEY_TEXT_BYTES_MAX: usize = 1024;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 over the text (signed-note, type 0x01).
    Ed25519,
    /// Ed25519 over time and text (tlog-cosignature, type 0x04): what a witness makes.
    Cosignature,
    /// SM2 with SM3 (GB/T 32918.2) over the text: for the checkpoints of an SM3 tree.
    Sm2,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Ed25519, Self::Cosignature, Self::Sm2];

    /// What precedes the key's bytes. 0xff is for types without a number, and then says which.
    const fn type_bytes(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &[0x01],
            Self::Cosignature => &[0x04],
            Self::Sm2 => b"\xffsm2-sm3/v1",
        }
    }
}

#[derive(Clone, Debug)]
enum Key {
    Ed25519(Ed25519Key),
    Sm2(Sm2Key),
}

/// A named public key. Its text, `name+id+base64`, is what others are given.
#[derive(Clone, Debug)]
pub struct Verifier {
    name: String,
    key_id: u32,
    algorithm: Algorithm,
    key: Key,
}

impl Verifier {
    /// A key of `name` from its bytes: 32 for Ed25519, an uncompressed point for SM2.
    ///
    /// # Errors
    /// [`Malformed`] where they are no key, or the name may not name one.
    pub fn new(name: &str, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a public key");
        let key = match algorithm {
            Algorithm::Ed25519 | Algorithm::Cosignature => {
                let key = Ed25519Key::from_bytes(bytes.try_into().map_err(|_| WRONG)?).map_err(|_| WRONG)?;
                // A key of small order signs anything.
                if key.is_weak() {
                    return Err(WRONG);
                }
                Key::Ed25519(key)
            }
            Algorithm::Sm2 => {
                let key = Sm2Key::from_sec1_bytes(SM2_IDENTITY, bytes).map_err(|_| WRONG)?;
                Key::Sm2(key)
            }
        };
        Self { name: String::new(), key_id: 0, algorithm, key }.renamed(name)
    }

    /// The same key under another name, and therefore with another id.
    ///
    /// # Errors
    /// [`Malformed`] where the name may not name a key.
    pub fn renamed(&self, name: &str) -> Result<Self, Malformed> {
        if !is_name(name) {
            return Err(Malformed("the name of a key"));
        }
        let named = [name.as_bytes(), b"\n", &self.typed_bytes()].concat();
        let digest = Sha256::digest(&named);
        let key_id = u32::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"));
        Ok(Self { name: name.to_owned(), key_id, ..self.clone() })
    }

    /// The name, which under a log's checkpoints is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First bytes of the digest of name and key: tells keys apart, proves nothing.
    #[must_use]
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// How it signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` says that this key made it.
    #[must_use]
    pub fn made(&self, signature: &Signature) -> bool {
        signature.key_id == self.key_id && signature.name == self.name
    }

    /// Whether `signature` is by this key, over `text`.
    #[must_use]
    pub fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match (&self.key, self.algorithm) {
            (Key::Sm2(key), _) => sm2::dsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(text.as_bytes(), &signature).is_ok()),
            (Key::Ed25519(key), Algorithm::Cosignature) => {
                let Some((time, signature)) = signature.split_first_chunk::<TIME_BYTES>() else {
                    return false;
                };
                let time = u64::from_be_bytes(*time);
                i64::try_from(time).is_ok() && ed25519(key, &cosigned(time, text), signature)
            }
            (Key::Ed25519(key), _) => ed25519(key, text, signature),
        }
    }

    /// Whether the other is this key, under whatever name.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.typed_bytes() == other.typed_bytes()
    }

    fn typed_bytes(&self) -> Vec<u8> {
        let mut bytes = self.algorithm.type_bytes().to_vec();
        match &self.key {
            Key::Ed25519(key) => bytes.extend_from_slice(key.as_bytes()),
            Key::Sm2(key) => bytes.extend_from_slice(&uncompressed(key)),
        }
        bytes
    }
}

/// The point as 0x04 ‖ x ‖ y, the form in which SM2 keys are exchanged.
fn uncompressed(key: &Sm2Key) -> Vec<u8> {
    use sm2::elliptic_curve::sec1::ToSec1Point as _;
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// RFC 8032 §5.1.7 without its leniencies, so that no two verifiers disagree.
fn ed25519(key: &Ed25519Key, text: &str, signature: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(text.as_bytes(), &signature).is_ok())
}

/// What a witness signs (tlog-cosignature, cosignature/v1).
pub(super) fn cosigned(time_seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_seconds}\n{text}")
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, BASE64.encode(self.typed_bytes()))
    }
}

impl FromStr for Verifier {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("the text of a public key");
        if text.len() > KEY_TEXT_BYTES_MAX {
            return Err(WRONG);
        }
        let (name, rest) = text.split_once('+').ok_or(WRONG)?;
        let (id, key) = rest.split_once('+').ok_or(WRONG)?;
        let bytes = BASE64.decode(key).map_err(|_| WRONG)?;
        let typed = Algorithm::ALL
            .into_iter()
            .find_map(|algorithm| Some((algorithm, bytes.strip_prefix(algorithm.type_bytes())?)));
        let (algorithm, bytes) = typed.ok_or(WRONG)?;
        let verifier = Self::new(name, algorithm, bytes)?;
        if format!("{:08x}", verifier.key_id) == id { Ok(verifier) } else { Err(WRONG) }
    }
}
