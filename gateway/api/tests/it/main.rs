//! The control API over real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod bad_input;
mod cases;
mod client;
mod consents;
mod disclosed;
mod document;
mod evidence;
mod finance;
mod listener;
mod objects;
#[cfg(feature = "oidc")]
mod oidc;
mod people;
mod plane;
mod public;
mod random;
mod readable;
mod readers;
mod sign_on;
mod walk;
