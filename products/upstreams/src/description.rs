//! What a service says of itself: `GET /.well-known/shuzha-service`, signed with the key that it shares with the gateway.
//!
//! The body is JSON: `{"synthetic": …, "version": …, "contract": …, "domains"?: […]}`: whether its answers are of synthetic
//! data, its version, SHA-256 of the contract it answers by, in lower-case hexadecimal, and of a statistics engine the digests
//! of the domains that it keeps. `X-Service-Signature` is base64 of HMAC-SHA256 over
//!
//! ```text
//! shuzha-service-v1\nREQUEST_ID\nhex(sha256(body))
//! ```
//!
//! with no line feed at the end; REQUEST_ID is that of the gateway's question, so no answer to another one will do.

use http::{HeaderName, HeaderValue, StatusCode};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use shuzha_core::hex;

use crate::service::call::Answer;
use crate::signature::GatewayKey;

/// Where a service describes itself.
pub const PATH: &str = "/.well-known/shuzha-service";
/// Header with the signature of a description.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-service-signature");

const TEXT: &str = "shuzha-service-v1";

/// What a service says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Whether its answers are of synthetic data.
    pub synthetic: bool,
    /// Its version.
    pub version: &'static str,
    /// SHA-256 of its contract, in hexadecimal.
    pub contract: String,
    /// Digests of the domains that a statistics engine keeps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

impl Description {
    /// The description of a service that answers by `contract`.
    #[must_use]
    pub fn new(contract: &str, synthetic: bool) -> Self {
        let contract = hex::encode(digest(&SHA256, contract.as_bytes()).as_ref());
        Self { synthetic, version: env!("CARGO_PKG_VERSION"), contract, domains: Vec::new() }
    }

    /// The same of an engine that keeps these domains.
    #[must_use]
    pub fn keeping(self, domains: Vec<String>) -> Self {
        Self { domains, ..self }
    }

    /// The answer to the question with this id.
    pub(crate) fn answer(&self, key: &GatewayKey, request_id: &str) -> Answer {
        let mut answer = Answer::json(StatusCode::OK, self);
        let signature = sign(key, request_id, &answer.body);
        answer.set(SIGNATURE, HeaderValue::try_from(signature).expect("base64 is ASCII"));
        answer
    }
}

/// The signature of a description with this body, as the answer to this question.
#[must_use]
pub fn sign(key: &GatewayKey, request_id: &str, body: &[u8]) -> String {
    let digest = hex::encode(digest(&SHA256, body).as_ref());
    key.mac(&[TEXT, request_id, &digest].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of docs/product-services.md, for other implementations.
    #[test]
    fn a_description_is_signed_as_documented() {
        let key = GatewayKey::new(&[7; 32]).expect("32 bytes");
        let body = br#"{"synthetic":true,"version":"1.0","contract":"00"}"#;
        let signature = sign(&key, "0190a5b4-7c00-7000-8000-000000000001", body);
        assert_eq!(signature, "wsju63Dfu/BYvUyDwO/9Bo5QxXRDU2ZPbURuci5ok+8=");
    }
}
