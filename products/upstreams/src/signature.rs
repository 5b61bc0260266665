//! The gateway's signature: how a product service knows that a call came through the gateway and was not
//! changed.
//!
//! The gateway and each product service share a key of 32 random bytes or more. Every call carries
//!
//! | header | holds |
//! |---|---|
//! | `X-Request-Id` | the request's id |
//! | `X-Unit` | the application unit |
//! | `X-Scenario` | the approved scenario |
//! | `X-Fields` | the permitted fields, comma-separated; may be empty |
//! | `X-Gateway-Timestamp` | seconds since 1970-01-01T00:00:00Z, decimal |
//! | `X-Gateway-Signature` | base64 of HMAC-SHA256 (RFC 2104, FIPS 198-1) over the text below |
//!
//! ```text
//! shuzha-gateway-v1\nMETHOD\nPATH\nREQUEST_ID\nUNIT\nSCENARIO\nFIELDS\nTIMESTAMP\nhex(sha256(body))
//! ```
//!
//! with no line feed at the end. The parts cannot run into one another: none of them can hold a line feed,
//! because HTTP field values and paths cannot. PATH has no query: a product service refuses a target that has
//! one. Vectors for other implementations are in `testdata/gateway-signature.txt`.
//!
//! A captured call can be repeated within the window of ±60 s. The answers here have no effects, so a repeat
//! tells its sender nothing that the captured answer did not; keeping the wire closed is the deployment's
//! part.

use shuzha_core::hex;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};

use crate::Error;

/// Header with the request's id.
pub const REQUEST_ID: &str = "x-request-id";
/// Header with the application unit.
pub const UNIT: &str = "x-unit";
/// Header with the scenario.
pub const SCENARIO: &str = "x-scenario";
/// Header with the permitted fields.
pub const FIELDS: &str = "x-fields";
/// Header with the gateway's time, in seconds.
pub const TIMESTAMP: &str = "x-gateway-timestamp";
/// Header with the signature.
pub const SIGNATURE: &str = "x-gateway-signature";

/// How far the gateway's time may be from ours, in seconds, either way.
pub const WINDOW_SECONDS: u64 = 60;
/// Fewest bytes of a key: the output length of SHA-256 (RFC 2104 §3).
pub const KEY_BYTES_MIN: usize = 32;
/// Most bytes of a key; a larger file is not a key.
pub const KEY_BYTES_MAX: usize = 4096;

const VERSION: &str = "shuzha-gateway-v1";

/// The key that the gateway and one product service share. `Debug` does not show it.
#[derive(Clone)]
pub struct GatewayKey(hmac::Key);

impl std::fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayKey(withheld)")
    }
}

impl GatewayKey {
    /// The key made of `bytes`.
    ///
    /// # Errors
    /// [`Error::KeyLength`] when there are fewer than [`KEY_BYTES_MIN`] or more than [`KEY_BYTES_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len()) {
            return Err(Error::KeyLength { min: KEY_BYTES_MIN, max: KEY_BYTES_MAX });
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The key in the file at `path`: all of its bytes, a line feed at the end included.
    ///
    /// # Errors
    /// [`Error::KeyFile`] when it cannot be read, [`Error::KeyLength`] when its length is not allowed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::KeyFile { path: path.into(), source })?;
        Self::new(&bytes)
    }
}

impl GatewayKey {
    /// HMAC-SHA256 of `text` under the key, in base64 with padding.
    pub(crate) fn mac(&self, text: &str) -> String {
        STANDARD.encode(hmac::sign(&self.0, text.as_bytes()))
    }
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Method, upper case.
    pub method: &'a str,
    /// Path, without query.
    pub path: &'a str,
    /// The request's id.
    pub request_id: &'a str,
    /// The application unit.
    pub unit: &'a str,
    /// The scenario.
    pub scenario: &'a str,
    /// The permitted fields, comma-separated.
    pub fields: &'a str,
    /// The gateway's time as it stands in the header.
    pub timestamp: &'a str,
    /// The whole body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    fn text(&self) -> String {
        let digest = hex::encode(digest::digest(&digest::SHA256, self.body).as_ref());
        [
            VERSION,
            self.method,
            self.path,
            self.request_id,
            self.unit,
            self.scenario,
            self.fields,
            self.timestamp,
            &digest,
        ]
        .join("\n")
    }
}

/// The signature of `signed` under `key`, in base64 with padding.
#[must_use]
pub fn sign(key: &GatewayKey, signed: &Signed<'_>) -> String {
    key.mac(&signed.text())
}

/// Whether `signature` is the signature of `signed` under `key`. Takes the same time wherever they differ.
#[must_use]
pub fn verify(key: &GatewayKey, signed: &Signed<'_>, signature: &str) -> bool {
    STANDARD.decode(signature).is_ok_and(|tag| hmac::verify(&key.0, signed.text().as_bytes(), &tag).is_ok())
}

/// Whether the header value `timestamp` is a time within [`WINDOW_SECONDS`] of `now_seconds`. Only the
/// canonical decimal form counts: no sign, no leading zero.
#[must_use]
pub fn in_window(timestamp: &str, now_seconds: i64) -> bool {
    let canonical = timestamp.bytes().all(|b| b.is_ascii_digit()) && !timestamp.starts_with('0');
    canonical && timestamp.parse::<i64>().is_ok_and(|at| at.abs_diff(now_seconds) <= WINDOW_SECONDS)
}

#[cfg(test)]
mod tests;
