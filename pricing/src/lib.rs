//! Money: which price is in force and keeps under the government's ceiling (REQUIREMENTS F1–F5; 发改价格〔2025〕65号), what
//! the calls of a period cost, who gets which share, and the double entry that follows (G1–G5).
//!
//! - [`book`], [`price`], [`form`], [`rating`], [`versions`]: what a call costs, at the gate and at the close alike.
//! - [`metering`]: calls gathered by hour; [`closing`]: a period's roll-ups become statements, share bills, transactions.
//! - [`ledger`]: what may be posted; [`split`], [`vat`], [`permitted`]: shares, tax, the most an operator may take.
//!
//! Pure: no IO, no clock. Money is integers of 10⁻⁶ 元 from reading to rating; there is no floating point in this
//! crate, which a lint and a test hold.

#![deny(clippy::float_arithmetic)]

pub mod book;
pub mod chart;
pub mod closing;
mod correction;
pub mod effective;
pub mod export;
pub mod form;
pub mod ledger;
pub mod metering;
pub mod money;
pub mod period;
pub mod permitted;
pub mod price;
pub mod rating;
pub mod recorded;
pub mod rerating;
pub mod split;
pub mod statement_page;
pub mod vat;
pub mod versions;
pub mod words;

pub use book::{PriceBook, PriceFault};
pub use effective::{DateError, Effective};
pub use form::{Form, Tariff};
pub use money::Overflow;
pub use period::{Hour, Month};
pub use price::{Asked, Billable, Ceiling, Outcome, Price, Purposes};
pub use rating::Basis;
pub use recorded::RecordedPrice;
pub use shuzha_core::{Fen, PurposeClass};

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
