//! What the tests of all crates share and no program is built of.
//!
//! It names `shuzha-core` alone. Cargo builds a crate anew for the crate's own unit tests, and the types of that build are
//! not those that a test kit above it returns: so the unit tests of every crate but `shuzha-core` can use this one.

pub mod registered;
mod seeded;

pub use seeded::Seeded;
