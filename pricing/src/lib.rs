//! Prices (定价): which price is in force at an instant, whether it keeps under the government's ceiling, and what a
//! call costs (REQUIREMENTS F1, F2, F5; 发改价格〔2025〕65号).
//!
//! Pure: no IO, no clock. Money is integers of 10⁻⁶ 元 from reading to rating; there is no floating point in this
//! crate, which a lint and a test hold.

#![deny(clippy::float_arithmetic)]

pub mod book;
pub mod chart;
pub mod effective;
pub mod export;
pub mod price;
pub mod rating;
pub mod words;

pub use book::{PriceBook, PriceFault};
pub use effective::{DateError, Effective};
pub use price::{Billable, Ceiling, Outcome, Price};
pub use rating::{FreeReason, Rated, quote, rate};
pub use shuzha_core::PurposeClass;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Looks at every file below `folder`; how many there were.
    fn look(folder: &Path) -> u32 {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let visit = |path: std::path::PathBuf| {
            if path.is_dir() {
                return look(&path);
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for name in [concat!("f", "32"), concat!("f", "64")] {
                assert!(!text.contains(name), "{} names {name}", path.display());
            }
            1
        };
        entries.map(visit).sum()
    }

    /// The lint sees arithmetic; this sees the types, so that not even a field can hold a float.
    #[test]
    fn no_float_type_is_named_in_this_crate() {
        assert!(look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) >= 6);
    }
}
