//! The call record: what one line of the journal says, its deterministic encoding, and the keyed commitments in
//! it. Receipts, the Merkle log and the offline verifier build on this crate.
//!
//! **Invariant:** nothing here holds an identifier of a person or an answer about one; only commitments.

pub mod anchor;
mod cbor;
pub mod checkpoint;
pub mod codec;
pub mod commit;
mod error;
pub mod field;
pub mod folder;
pub mod handover;
pub mod log;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod receipt;
pub mod record;
pub mod tile;
pub mod timestamp;
pub mod verify;
pub mod witness;

pub use codec::Salt;
pub use commit::{Commitment, Committer};
pub use error::{DecodeError, EncodeError};
pub use record::{
    Act, ActKind, Anchored, Boot, Call, Decision, Delivery, Entry, Intent, KeysRotated, Outcome, Projected,
    Refund, RefusalCount, Registered, Retention, RetentionAct, Terms,
};
pub use shuzha_core::PurposeClass;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;

/// Bytes from outside that are not what they should be. Says what was read, and never what the bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub &'static str);

/// A number in decimal, with no sign and no leading zero: the one spelling that texts of a log have.
fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = plain && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// A hash in base64, as texts of a log write it.
fn hash_from_base64(text: &str) -> Option<merkle::Hash> {
    BASE64.decode(text).ok()?.try_into().ok()
}
