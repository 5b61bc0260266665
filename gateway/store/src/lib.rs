//! Storage behind the gateway: the reducer that turns journal entries into state, its projection into the embedded
//! database, the release cache and the sealed secrets of credentials.
//!
//! What each store guarantees stands at [`Store`]; what losing or editing one means is in `docs/trust.md`.
//!
//! **Invariant:** the state is a function of the journal. Nothing here decides what a call may spend, and nothing is
//! counted that is not an entry.

pub mod backup;
pub mod consents;
mod database;
mod error;
mod follow;
pub mod ledger;
mod projection;
pub mod projector;
pub mod reduce;
pub mod register;
mod releases;
pub mod retention;
pub mod seal;
mod sealable;
mod secrets;
mod store;
pub mod tiles;
pub mod traces;

pub use consents::ConsentStore;
pub use database::dangerous_edit;
pub use error::StoreError;
pub use follow::Watch;
pub use ledger::Books;
pub use projection::{Comparison, Difference, UsesOf, given_back, projection_before, projection_digest};
pub use projector::Projector;
pub use reduce::{
    BEFORE, CONSENT_KEPT, Changes, Consent, CoveredCharge, DataUse, DrawnKey, Mark, MarkAnswer, MarkStatus,
    MeterKey, OpenIntent, ProjectionCheckpoint, RegisterHead, State, Usage, Watched, local_day,
    local_midnight, quarter_of,
};
pub use register::Register;
pub use releases::{AskedRelease, Dating, Release};
pub use retention::Retention;
pub use seal::{SealKey, Sealed};
pub use sealable::{Sealable, check_seal_of};
pub use secrets::{CredentialSecret, MasterKey, SealedSecret, Secret};
pub use store::Store;
pub use traces::Traces;
