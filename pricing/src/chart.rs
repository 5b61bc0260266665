//! Charts for people who would rather look: revenue against the permitted revenue, shares by party, use by product.
//!
//! Each is one SVG picture, the same for the same numbers, without script, style sheet or anything fetched. Lines and letters
//! take the colour of the text around them (`currentColor`), so that a dark page needs no second picture; what they say is
//! also in words, in `title` and `desc`. Places are whole numbers: nothing here is a binary fraction.

mod axis;
mod bars;
mod revenue;
mod svg;

use shuzha_core::Lang;

pub(crate) use axis::grouped;
pub use bars::{Bar, Bars, Measure};
pub use revenue::{Month, Revenue};

/// What every chart has.
#[derive(Clone, Copy, Debug)]
pub struct Caption<'a> {
    /// Names the picture on its page; two pictures of one page have different ones. Letters, digits and `-` only.
    pub id: &'a str,
    /// What the picture shows.
    pub title: &'a str,
    /// The language of what the chart adds: units, legends.
    pub lang: Lang,
}

/// The colour of the text around the picture.
const TEXT: &str = "currentColor";

/// What is drawn, so that it stands out on light and on dark.
const ACCENT: &str = "#2a82a0";

/// What must not be reached.
const LIMIT: &str = "#c4572b";

/// The one of two words in the chart's language.
const fn word(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
