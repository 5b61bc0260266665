//! What the tests of all crates share and no program is built of.
//!
//! It names `shuzha-core` alone. Cargo builds a crate anew for the crate's own unit tests, and the types of that build are
//! not those that a test kit above it returns: so the unit tests of every crate but `shuzha-core` can use this one.

pub mod printed;
pub mod registered;
mod seeded;

pub use seeded::Seeded;

/// Bytes from hexadecimal digits, as standards print them: in either case, with anything in between.
///
/// # Panics
/// When the number of digits is odd.
#[must_use]
pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).expect("an even number of digits")
}
