//! Requests signed in version 2 of the gateway's simple profile (`docs/guide-caller.md`), cheaply: what does not change is
//! made once.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};

/// A call to make again and again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Path, without a query.
    pub(crate) path: String,
    /// JSON body.
    pub(crate) body: String,
    /// `X-App-Key`.
    pub(crate) app_key: String,
    /// The secret that goes with it: the bytes that key the HMAC.
    pub(crate) secret: Vec<u8>,
    /// `X-Scenario`.
    pub(crate) scenario: String,
    /// `X-Consent`: the requests take these in turn, because one consent has a limited number of uses. None is sent
    /// when there are none.
    pub(crate) consents: Vec<String>,
}

/// Writes signed requests, each with its own nonce.
pub(crate) struct Signer {
    key: hmac::Key,
    /// The signed text up to the timestamp.
    signed_prefix: String,
    /// What follows the nonce, for each consent in turn.
    signed_suffixes: Vec<String>,
    /// The head up to the fields that differ from request to request.
    head: String,
    body: String,
    consents: Vec<String>,
    next_consent: usize,
    /// Random per signer, so that two runs within the gateway's time window never share a nonce.
    nonce_prefix: u64,
    count: u64,
    scratch: String,
}

impl Signer {
    /// A signer of `call` to `host`.
    pub(crate) fn new(call: &Call, host: &str) -> Self {
        let mut random = [0; 8];
        SystemRandom::new().fill(&mut random).expect("the system has randomness");
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-Scenario: {}\r\nX-Signature-Version: 2\r\nX-App-Key: {}\r\n",
            call.path,
            call.body.len(),
            call.scenario,
            call.app_key
        );
        let authority = host.to_ascii_lowercase();
        let body = hex_digest(call.body.as_bytes());
        let signed_prefix = format!("shuzha signature 2\nPOST\n{authority}\n{}\n{body}\n", call.path);
        let suffix = |consent: &str| format!("\n{}\n{consent}\n", call.scenario);
        let mut signed_suffixes: Vec<String> =
            call.consents.iter().map(|token| suffix(&hex_digest(token.as_bytes()))).collect();
        if signed_suffixes.is_empty() {
            signed_suffixes.push(suffix(""));
        }
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &call.secret),
            signed_prefix,
            signed_suffixes,
            head,
            body: call.body.clone(),
            consents: call.consents.clone(),
            next_consent: 0,
            nonce_prefix: u64::from_be_bytes(random),
            count: 0,
            scratch: String::new(),
        }
    }

    /// Replaces `out` by the next request, signed at `unix_seconds`.
    pub(crate) fn request(&mut self, unix_seconds: u64, out: &mut Vec<u8>) {
        self.count += 1;
        self.scratch.clear();
        let (prefix, count) = (self.nonce_prefix, self.count);
        let suffix = &self.signed_suffixes[self.next_consent];
        write!(self.scratch, "{}{unix_seconds}\n{prefix:016x}{count:016x}{suffix}", self.signed_prefix)
            .expect("writing to a string cannot fail");
        let tag = hmac::sign(&self.key, self.scratch.as_bytes());
        let mut signature = [0; 44];
        STANDARD.encode_slice(tag.as_ref(), &mut signature).expect("32 bytes are 44 in base64");
        out.clear();
        out.extend_from_slice(self.head.as_bytes());
        write!(out, "X-Timestamp: {unix_seconds}\r\nX-Nonce: {prefix:016x}{count:016x}\r\nX-Signature: ")
            .expect("writing to a vector cannot fail");
        out.extend_from_slice(&signature);
        if let Some(token) = self.consents.get(self.next_consent) {
            out.extend_from_slice(b"\r\nX-Consent: ");
            out.extend_from_slice(token.as_bytes());
            self.next_consent = (self.next_consent + 1) % self.consents.len();
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(self.body.as_bytes());
    }
}

/// SHA-256 in hexadecimal.
fn hex_digest(bytes: &[u8]) -> String {
    shuzha_core::hex::encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn call() -> Call {
        Call {
            path: "/v1/products/p/verify".to_owned(),
            body: "{\"a\":1}".to_owned(),
            app_key: "key-1".to_owned(),
            secret: b"secret".to_vec(),
            scenario: "credit".to_owned(),
            consents: vec!["one".to_owned(), "two".to_owned()],
        }
    }

    fn field<'a>(request: &'a str, name: &str) -> &'a str {
        let line = request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name}"))
    }

    /// The expected value was made by `openssl dgst -sha256 -hmac secret` over the same ten lines.
    #[test]
    fn a_signature_is_what_openssl_makes() {
        let mut signer = Signer::new(&call(), "h");
        signer.nonce_prefix = 1;
        let mut out = Vec::new();
        signer.request(1_700_000_000, &mut out);
        let request = String::from_utf8(out).expect("text");
        assert_eq!(field(&request, "X-Nonce"), "00000000000000010000000000000001");
        assert_eq!(field(&request, "X-Signature"), "jwyWQiQEL/AFOc4yHZbCjet+SNMjk4t32O/Ec84WsQw=");
    }

    #[test]
    fn requests_are_well_framed_and_never_share_a_nonce() {
        let mut signer = Signer::new(&call(), "h");
        let (mut one, mut two) = (Vec::new(), Vec::new());
        signer.request(1, &mut one);
        signer.request(1, &mut two);
        let framed = wire::message(&one).expect("well-formed").expect("complete");
        assert_eq!((framed.len, &one[framed.head..]), (one.len(), call().body.as_bytes()));
        let consent = |request: &[u8]| field(&String::from_utf8_lossy(request), "X-Consent").to_owned();
        assert_eq!((consent(&one), consent(&two)), ("one".to_owned(), "two".to_owned()));
        assert_ne!(one, two);
        assert_ne!(Signer::new(&call(), "h").nonce_prefix, signer.nonce_prefix);
    }
}
