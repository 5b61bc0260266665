//! Exports, read back and attacked.

mod bytes;
mod edits;
mod sample;
mod spreadsheet;
mod text;
mod versions;
