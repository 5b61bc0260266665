//! Status lists for outsiders (Token Status List, draft-ietf-oauth-status-list): one bit per consent, 1 = withdrawn, in
//! a compressed array that the issuer signs. It is the outside view, up to its time to live old; the gate itself is
//! told of every withdrawal at once and never reads this.
//!
//! Places are given out at random ([`STATUSES`] to a list), so that a place says nothing about when or to whom a consent
//! was given.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Timestamp};

use super::{Issuers, Signer, claims, jws};

/// Places in one list.
pub const STATUSES: u32 = 131_072;
/// Bytes of one list, uncompressed.
const BYTES: usize = STATUSES as usize / 8;
/// The type of signed lists (draft §5.1). A list that does not compress at all still fits.
const TYPE: jws::Type = jws::Type { name: "statuslist+jwt", bytes_max: 4 * BYTES };

/// Bits by place.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList(Box<[u8]>);

impl StatusList {
    /// A list of which nothing was withdrawn.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![0; BYTES].into())
    }

    /// Marks the consent at place `idx` as withdrawn.
    ///
    /// # Panics
    /// For a place beyond the list.
    pub fn withdraw(&mut self, idx: u32) {
        self.0[idx as usize / 8] |= 1 << (idx % 8);
    }

    /// Whether the consent at place `idx` was withdrawn; none beyond the list.
    #[must_use]
    pub fn is_withdrawn(&self, idx: u32) -> Option<bool> {
        self.0.get(idx as usize / 8).map(|byte| byte >> (idx % 8) & 1 == 1)
    }

    /// The list as `lst` (draft §4.1): zlib (RFC 1950) in base64url.
    fn compressed(&self) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.0).expect("a vector takes all bytes");
        URL_SAFE_NO_PAD.encode(encoder.finish().expect("a vector takes all bytes"))
    }

    /// Reads `lst`; never inflates more than one list.
    fn inflated(lst: &str) -> Result<Self, Code> {
        let compressed = URL_SAFE_NO_PAD.decode(lst).map_err(|_| Code::C402)?;
        let mut bytes = Vec::new();
        let limit = BYTES as u64 + 1;
        ZlibDecoder::new(&*compressed).take(limit).read_to_end(&mut bytes).map_err(|_| Code::C402)?;
        if bytes.len() > BYTES { Err(Code::C402) } else { Ok(Self(bytes.into())) }
    }
}

impl Default for StatusList {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for StatusList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let withdrawn: u32 = self.0.iter().map(|byte| byte.count_ones()).sum();
        write!(f, "StatusList({withdrawn} of {} withdrawn)", 8 * self.0.len())
    }
}

/// The payload of a signed list.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
    ttl: u64,
    status_list: Lst,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lst {
    bits: u8,
    lst: String,
}

/// Signs the list that stands at `uri`, for `ttl` from `now`.
///
/// # Errors
/// [`Code::C402`] where it does not fit.
pub fn issue_status_list(
    list: &StatusList,
    uri: &str,
    now: Timestamp,
    ttl: Duration,
    signer: &Signer,
) -> Result<String, Code> {
    let claims = Claims {
        iss: signer.issuer().to_owned(),
        sub: uri.to_owned(),
        iat: now.seconds(),
        exp: now.plus(ttl).seconds(),
        ttl: ttl.as_secs(),
        status_list: Lst { bits: 1, lst: list.compressed() },
    };
    jws::seal(&claims, TYPE, signer)
}

/// Verifies the list that was fetched from `uri`, at `now`.
///
/// # Errors
/// [`Code::C402`] where it is none, [`Code::C403`] where issuer, address or signature is wrong, [`Code::C404`] where it is
/// past its end.
pub fn verify_status_list(
    token: &str,
    uri: &str,
    issuers: &Issuers,
    now: Timestamp,
) -> Result<StatusList, Code> {
    let signed = jws::open(token, TYPE, issuers)?;
    let claims: Claims = claims::read(&signed.payload)?;
    if claims.iss != signed.issuer || claims.sub != uri {
        return Err(Code::C403);
    }
    if now.seconds() >= claims.exp {
        return Err(Code::C404);
    }
    if claims.status_list.bits != 1 {
        return Err(Code::C402);
    }
    StatusList::inflated(&claims.status_list.lst)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the draft, §4.1: statuses 1,0,0,1,1,1,0,1,1,1,0,0,0,1,0,1.
    #[test]
    fn d3_the_drafts_example_reads() {
        let list = StatusList::inflated("eNrbuRgAAhcBXQ").unwrap();
        let statuses = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
        for (idx, status) in (0..).zip(statuses) {
            assert_eq!(list.is_withdrawn(idx), Some(status == 1), "{idx}");
        }
        assert_eq!(list.is_withdrawn(16), None);
        assert_eq!(list.compressed(), "eNrbuRgAAhcBXQ");
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 64 * BYTES]).unwrap();
        let lst = URL_SAFE_NO_PAD.encode(encoder.finish().unwrap());
        assert_eq!(StatusList::inflated(&lst), Err(Code::C402));
    }
}
