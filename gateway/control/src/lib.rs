//! The control plane's use cases: who may declare, apply, review, decide, suspend; what that puts in force; what is due.
//!
//! - [`Control`] reads and changes the register: [`Control::put`], [`Control::act`], [`Control::remove`] and their readers.
//! - [`Kind`] is what the register holds: declared kinds and kinds of cases. Adding a kind of case changes nothing here.
//! - [`accounts`] signs persons on; [`consents`] is what persons allow and take back.
//! - [`ActLog`] and [`Publish`] are what the binary plugs in: the journal, and the gate.
//!
//! Everything blocks: the register is a file, and an act is durable when it is answered. Callers in asynchronous code take
//! a thread for it.
//!
//! **Invariant:** a change is one act; it stands in the register, and then in the journal, before it takes effect, and
//! takes effect before it is answered.
//! **Invariant:** no HTTP framework, no socket, no clock of its own.

mod access;
pub mod accounts;
mod act_log;
mod caller;
pub mod consents;
mod control;
mod effect;
mod error;
pub mod evidence;
pub mod finance;
mod fits;
mod force;
mod kind;
mod permission;
pub mod public;
mod queue;
mod reading;
mod scheduler;
mod separation;
mod stored;
mod view;
mod writing;

pub use access::{Access, Row, Whose};
pub use act_log::{ActLog, JournalLog, Unrecorded, digest};
pub use caller::Caller;
pub use control::{Control, Parts, Rules, takes_away};
pub use error::{Error, NotInForce, Refusal, Unfit};
pub use fits::{Misfit, misfits};
pub use force::{Delta, Force, Publish};
pub use kind::Kind;
pub use public::{Operator, PublicBudget, PublicQuery, PublicRaise, PublicRegistration};
pub use reading::{AuditQuery, Page, Query};
pub use view::{Attachment, Author, Consequences, HistoryEntry, ObjectView, Outcome, Request};
pub use writing::Quotas;
