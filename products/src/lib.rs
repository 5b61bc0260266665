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

pub mod credential;
pub mod data;
mod error;
pub mod input;
pub mod jurisdiction;
pub mod kinds;
pub mod parties;
pub mod price;
pub mod product;
pub mod registration;
pub mod rights;
pub mod suspension;
pub mod upstream;
mod window;
pub mod world;
mod yaml;

pub use error::WorldError;
pub use window::Window;
pub use world::World;
