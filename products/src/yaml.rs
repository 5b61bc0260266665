//! Reading declared objects: YAML text → documents → trees that know their lines → typed fields.
//!
//! A tree read by [`Section`] stands where `#[derive(Deserialize)]` on a raw struct would: serde stops at the
//! first fault of a document, while whoever maintains a file of a hundred grants wants every fault of every
//! object in one run, each with its line. Unknown fields are refused when a section is opened.

mod document;
mod field;
mod section;
mod time;
mod tree;

pub(crate) use document::{Document, split};
pub(crate) use section::{Faults, Place, Section};
pub(crate) use time::{months_before, parse_instant, show_instant, years_after};
pub(crate) use tree::{Entry, Node, Value, parse};
