//! The catalogue and the rights to it: organisations, products, scenarios, agreements, grants, prices, as declared in
//! world files and compiled for the gateway.
//!
//! - [`World::parse`] reads declared objects and reports all faults at once.
//! - [`Product`](product::Product) and [`Operation`](product::Operation) hold compiled contracts.
//! - [`input::check`] takes a request's body apart; [`Operation::release`](product::Operation::release) lets an answer
//!   out.
//! - [`kinds`] says what a kind of product is, and how to add one.
//!
//! ```
//! use shuzha_products::World;
//!
//! let file = "apiVersion: shuzha/v1\nkind: Jurisdiction\nmetadata: {name: here}\nspec: {certificateRequired: no}\n";
//! let faults = World::parse(&[("here.yaml", file)]).expect_err("`no` is not a boolean");
//! let shown = faults[0].to_string();
//! assert_eq!(shown, "here.yaml:4 Jurisdiction/here spec.certificateRequired: expected true or false, found text");
//! ```
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
