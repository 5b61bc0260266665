//! Makes the headers of both signature profiles as `docs/guide-caller.md` describes them; the simple one in version 2.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit, Mac};
use ring::digest::{SHA256, digest};
use sm3::{Digest, Sm3};

use crate::error::ClientError;
use crate::message::HttpRequest;

/// Which profile signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureProfile {
    /// `X-App-Key` and three more headers.
    Simple,
    /// HTTP Message Signatures.
    Rfc9421,
}

impl SignatureProfile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Simple, Self::Rfc9421];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Rfc9421 => "rfc9421",
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }
}

/// Who signs, and how.
#[derive(Clone, Debug)]
pub struct CallSigner {
    /// The credential.
    pub key_id: String,
    /// Its key.
    pub key: CallKey,
    /// How it signs.
    pub profile: SignatureProfile,
}

/// A key that signs.
#[derive(Clone)]
pub enum CallKey {
    /// A secret for HMAC-SHA-256.
    HmacSha256(Vec<u8>),
    /// A secret for HMAC-SM3.
    HmacSm3(Vec<u8>),
    /// The seed of a pair.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl std::fmt::Debug for CallKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CallKey").field(&self.algorithm()).finish()
    }
}

impl CallKey {
    /// The key of `algorithm` in `bytes`: an HMAC secret or the 32 bytes of an Ed25519 seed.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(algorithm: &str, bytes: &[u8]) -> Result<Self, ClientError> {
        match algorithm {
            "hmac-sha256" => Ok(Self::HmacSha256(bytes.to_vec())),
            "hmac-sm3" => Ok(Self::HmacSm3(bytes.to_vec())),
            "ed25519" => match bytes.try_into() {
                Ok(seed) => Ok(Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))),
                Err(_) => Err(ClientError::Key("an Ed25519 key file holds base64 of 32 bytes".to_owned())),
            },
            other => Err(ClientError::Key(format!("{other} is none of hmac-sha256, hmac-sm3, ed25519"))),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::HmacSha256(_) => "hmac-sha256",
            Self::HmacSm3(_) => "hmac-sm3",
            Self::Ed25519(_) => "ed25519",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha256(secret) => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
                ring::hmac::sign(&key, text).as_ref().to_vec()
            }
            Self::HmacSm3(secret) => {
                let mac = Hmac::<Sm3>::new_from_slice(secret).expect("HMAC takes keys of every length");
                mac.chain_update(text).finalize().into_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(text).to_bytes().to_vec(),
        }
    }
}

/// The signature headers of `request`, signed at `seconds` with `nonce`.
pub(crate) fn headers(
    signer: &CallSigner,
    request: &HttpRequest,
    target: &str,
    seconds: i64,
    nonce: &str,
) -> Vec<(String, String)> {
    match signer.profile {
        SignatureProfile::Simple => simple(signer, request, target, seconds, nonce),
        SignatureProfile::Rfc9421 => rfc9421(signer, request, target, seconds, nonce),
    }
}

/// The header fields that decide a call, in the order in which the simple profile signs them.
const DECIDING: [&str; 3] = ["x-scenario", "x-consent", "idempotency-key"];

/// What `request` sends of these fields.
fn deciding(request: &HttpRequest) -> [Option<&str>; 3] {
    DECIDING.map(|wanted| {
        let field = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        field.map(|(_, value)| value.trim())
    })
}

fn simple(
    signer: &CallSigner,
    request: &HttpRequest,
    target: &str,
    seconds: i64,
    nonce: &str,
) -> Vec<(String, String)> {
    let hash = |bytes: &[u8]| {
        let digest = match signer.key {
            CallKey::HmacSm3(_) => Sm3::digest(bytes).to_vec(),
            _ => digest(&SHA256, bytes).as_ref().to_vec(),
        };
        shuzha_core::hex::encode(&digest)
    };
    let [scenario, consent, idempotency] = deciding(request);
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = rest.strip_suffix(&request.path).unwrap_or(rest).to_ascii_lowercase();
    let text = [
        "shuzha signature 2",
        &request.method,
        &authority,
        &request.path,
        &hash(&request.body),
        &seconds.to_string(),
        nonce,
        scenario.unwrap_or_default(),
        &consent.map(|token| hash(token.as_bytes())).unwrap_or_default(),
        idempotency.unwrap_or_default(),
    ]
    .join("\n");
    let signature = BASE64_STANDARD.encode(signer.key.sign(text.as_bytes()));
    [
        ("X-Signature-Version", "2".to_owned()),
        ("X-App-Key", signer.key_id.clone()),
        ("X-Timestamp", seconds.to_string()),
        ("X-Nonce", nonce.to_owned()),
        ("X-Signature", signature),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn rfc9421(
    signer: &CallSigner,
    request: &HttpRequest,
    target: &str,
    seconds: i64,
    nonce: &str,
) -> Vec<(String, String)> {
    let content = BASE64_STANDARD.encode(digest(&SHA256, &request.body));
    let content = format!("sha-256=:{content}:");
    let algorithm = signer.key.algorithm();
    let mut covered = vec![
        ("@method", request.method.as_str()),
        ("@target-uri", target),
        ("content-digest", content.as_str()),
    ];
    let sent = DECIDING.into_iter().zip(deciding(request));
    covered.extend(sent.filter_map(|(name, value)| Some((name, value?))));
    let names = covered.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
    let params = format!(
        "({names});created={seconds};keyid=\"{}\";alg=\"{algorithm}\";nonce=\"{nonce}\"",
        signer.key_id
    );
    let lines: String = covered.iter().map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
    let base = format!("{lines}\"@signature-params\": {params}");
    let signature = BASE64_STANDARD.encode(signer.key.sign(base.as_bytes()));
    [
        ("Content-Digest", content),
        ("Signature-Input", format!("sig1={params}")),
        ("Signature", format!("sig1=:{signature}:")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
