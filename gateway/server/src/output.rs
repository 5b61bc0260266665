//! What commands write: data to the standard output, words to the standard error, files where a person says.

mod file;

pub(crate) use file::NewFile;
pub(crate) use shuzha_verify::terminal::{Out, say};
