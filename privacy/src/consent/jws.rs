//! Compact JWS (RFC 7515 §3.1), as little of it as is needed: one signature, one key named by `kid`, the algorithm
//! pinned to that key. There is no `none`, no embedded key, no `crit`, no unencoded payload: an unknown header
//! member is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shuzha_core::Code;

use super::claims;
use super::issuers::{Issuers, Signer};

/// A kind of token, so that none passes for another.
#[derive(Clone, Copy)]
pub(super) struct Type {
    /// `typ` in the header.
    pub(super) name: &'static str,
    /// Longest token of it, in bytes of the compact form.
    pub(super) bytes_max: usize,
}

/// The protected header, all of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// A token whose signature verified.
pub(super) struct Signed {
    pub(super) kid: String,
    pub(super) issuer: String,
    pub(super) payload: Vec<u8>,
}

/// Decodes canonical base64url: no padding, no stray trailing bits, nothing outside the alphabet.
fn decode(part: &str) -> Result<Vec<u8>, Code> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Code::C402)
}

/// Verifies a token of this type and gives its payload.
///
/// # Errors
/// [`Code::C402`] where it is not such a token, [`Code::C403`] where key, algorithm or signature is wrong.
pub(super) fn open(token: &str, typ: Type, issuers: &Issuers) -> Result<Signed, Code> {
    if token.len() > typ.bytes_max {
        return Err(Code::C402);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(Code::C402)?;
    let (header, payload) = signing_input.split_once('.').ok_or(Code::C402)?;
    if payload.contains('.') {
        return Err(Code::C402);
    }
    let header: Header = claims::read(&decode(header)?)?;
    let (payload, signature) = (decode(payload)?, decode(signature)?);
    if header.typ != typ.name {
        return Err(Code::C402);
    }
    let registered = issuers.find(&header.kid).ok_or(Code::C403)?;
    if header.alg != registered.algorithm().as_str()
        || !registered.verifies(signing_input.as_bytes(), &signature)
    {
        return Err(Code::C403);
    }
    Ok(Signed { kid: header.kid, issuer: registered.issuer.clone(), payload })
}

/// Signs a payload as a token of this type.
///
/// # Errors
/// [`Code::C402`] where the token would be longer than its type allows.
pub(super) fn seal(payload: &impl Serialize, typ: Type, signer: &Signer) -> Result<String, Code> {
    let header = Header {
        alg: signer.algorithm().as_str().to_owned(),
        typ: typ.name.to_owned(),
        kid: signer.kid().to_owned(),
    };
    let encode = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let header = serde_json::to_vec(&header).expect("three strings are JSON");
    let payload = serde_json::to_vec(payload).map_err(|_| Code::C402)?;
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signing_input.as_bytes()));
    let token = format!("{signing_input}.{signature}");
    if token.len() > typ.bytes_max { Err(Code::C402) } else { Ok(token) }
}
