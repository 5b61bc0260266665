//! The call record: what one line of the journal says, its deterministic encoding, and the keyed commitments in
//! it. Receipts, the Merkle log and the offline verifier build on this crate.
//!
//! **Invariant:** nothing here holds an identifier of a person or an answer about one; only commitments.

mod cbor;
pub mod codec;
pub mod commit;
pub mod field;
pub mod record;

pub use codec::{DecodeError, EncodeError};
pub use commit::{Commitment, Committer};
pub use record::{
    Act, ActKind, Boot, Call, Decision, Delivery, Entry, Intent, Outcome, Refund, Registered, Terms,
};
pub use shuzha_core::PurposeClass;
