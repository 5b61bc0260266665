//! Shuzha's shared vocabulary: names, instants, units, refusal codes.
//!
//! Layer 0: everything here is needed by at least two crates above, knows no wire format but how JSON is read ([`json`]), and does no IO but
//! for [`files`], which opens what others may have made.

pub mod calendar;
pub mod clock;
pub mod code;
pub mod fault;
pub mod files;
pub mod hex;
pub mod identity;
pub mod ids;
pub mod json;
pub mod lang;
pub mod pace;
pub mod purpose;
pub mod rng;
pub mod role;
pub mod text;
pub mod units;

pub use clock::{Clock, SystemClock, Timestamp};
pub use code::{Code, Refusal};
pub use fault::Fault;
pub use ids::{Id, RequestId};
pub use lang::Lang;
pub use pace::Pace;
pub use purpose::PurposeClass;
pub use rng::{IdRng, OsRng, Rng};
pub use role::Role;
pub use units::{Fen, Measure, MicroYuan, NanoCharge};
