//! Clients of a gateway, for commands, the demo, tests and whoever comes: [`HttpClient`] sends calls, signed where a
//! [`CallSigner`] signs them; [`ControlClient`] speaks the control API by the types of its documents (`shuzha-schema`).
//!
//! The gateway's verifying side is in `shuzha-policy` and shares no code with this one: they meet in the protocol only. What is
//! read may have fields that this version does not know.

mod address;
mod control;
mod error;
mod http;
mod message;
mod refusal;
mod sign;

pub use address::WebAddress;
pub use control::{ControlAnswer, ControlClient, Expect, encoded, with_query};
pub use error::ClientError;
pub use http::HttpClient;
pub use message::{HttpAnswer, HttpRequest};
pub use refusal::ControlRefusal;
pub use sign::{CallKey, CallSigner, SignatureProfile};
