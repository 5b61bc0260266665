//! The catalogue and the rights to it: organisations, products, scenarios, agreements, grants, prices, as declared in
//! world files and compiled for the gateway.
//!
//! - [`World::parse`] reads declared objects and reports all faults at once.
//! - [`Product`](product::Product) and [`Operation`](product::Operation) hold compiled contracts.
//! - [`input::check`] takes a request's body apart; [`Operation::release`](product::Operation::release) lets an answer
//!   out.
//! - [`kinds`] says what a kind of product is, and how to add one.
//!
//! **Invariant:** pure. No file is opened, no clock read, no network used here; keys in files stay paths.

pub mod case;
pub mod credential;
pub mod data;
pub mod declaring;
pub mod emergency;
mod error;
pub mod exit_review;
mod finance;
pub mod input;
pub mod jurisdiction;
pub mod kinds;
pub mod listing;
pub mod operating;
pub mod parties;
mod permission;
pub mod price;
pub mod privacy_refund;
pub mod product;
pub mod registration;
pub mod rights;
mod sandbox;
pub mod suspension;
pub mod upstream;
mod window;
pub mod world;
mod yaml;

pub use error::WorldError;
pub use window::Window;
pub use world::World;

/// An instant as specs and states write it.
#[must_use]
pub fn instant_text(at: shuzha_core::Timestamp) -> String {
    yaml::show_instant(at)
}
