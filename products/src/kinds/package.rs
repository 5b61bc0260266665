//! 数据包: a file, charged once per grant and streamed with ranges (REQUIREMENTS E9).
//!
//! What may be in it was decided when the package was reviewed; a package that touches personal information cannot be declared. One
//! that declares a `watermark` is a table in CSV, of which every unit gets a file of its own; of any other the bytes are
//! not read.

use std::sync::Arc;

use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};
use shuzha_privacy::watermark::Layout;

use super::{Compiled, Declared, Lane, ProductKind, Release, ReleaseFault, Released};
use crate::yaml::{Place, Section};

/// Most columns of a table that is marked, and most characters of the name of one.
const COLUMNS_MAX: usize = 256;
const NAME_CHARACTERS_MAX: usize = 64;

pub(super) const KIND: Package = Package;

#[derive(Debug)]
pub(super) struct Package;

impl ProductKind for Package {
    fn name(&self) -> &'static str {
        "package"
    }

    fn lane(&self) -> Lane {
        Lane::Package
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["watermark"]
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        declared.section.forbid("subject", "a package is not about one subject");
        let watermark = declared.section.optional("watermark").map(|place| layout(&place).map(Arc::new));
        if declared.personal {
            return declared.section.place().fail("a package may not touch personal information");
        }
        let watermark = match watermark {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Compiled { input: None, output: Box::new(Output { watermark }) })
    }
}

/// The columns of the table, those that name a row, and those whose last digit carries the mark.
fn layout(place: &Place<'_>) -> Option<Layout> {
    let section = place.section(&[&["columns", "key", "carriers"]])?;
    let names = |field| names(&section, field);
    let (columns, key, carriers) = (names("columns"), names("key"), names("carriers"));
    match Layout::new(columns?, &key?, &carriers?) {
        Ok(layout) => Some(layout),
        Err(why) => place.fail(why.to_string()),
    }
}

fn names(section: &Section<'_>, field: &str) -> Option<Vec<String>> {
    let items = section.required(field)?.some_items(COLUMNS_MAX)?;
    let name = |place: &Place<'_>| {
        let name = place.text()?;
        let plain = !name.is_empty()
            && name.chars().count() <= NAME_CHARACTERS_MAX
            && !name.contains(['"', ',', '\n', '\r']);
        if plain { Some(name.to_owned()) } else { place.fail("is not the name of a column") }
    };
    items.iter().map(name).collect()
}

#[derive(Debug)]
struct Output {
    watermark: Option<Arc<Layout>>,
}

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn watermark(&self) -> Option<&Arc<Layout>> {
        self.watermark.as_ref()
    }

    /// Whole, a part, or a range outside the file (RFC 9110 §15.3.7, §15.5.17).
    fn reads_status(&self, status: u16) -> bool {
        matches!(status, 200 | 206 | 416)
    }

    /// Called when the stream opens, with nothing: there is no answer that could be held in memory.
    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        if !answer.is_empty() {
            let what = "a package is streamed, not read";
            return Err(ReleaseFault::at("", what));
        }
        Ok(Released { bytes: Vec::new(), outcome: Outcome::Package, unlisted: 0, parts: 1 })
    }
}
