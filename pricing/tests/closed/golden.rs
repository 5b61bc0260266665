//! What the landed version wrote, kept in `golden/`: exports by set and version, papers by form.
//!
//! A kept file is never written again. Where a set gets a column, or a paper a new form, run once with `SHUZHA_WRITE_GOLDEN=1`: it writes
//! the files of the new version beside those of the former ones, and refuses to touch what is there.

use std::ops::ControlFlow;
use std::path::PathBuf;

use shuzha_core::Code;
use shuzha_pricing::export::{CheckError, Column, Format, Kind, Layout, Set, Totals, check};

use crate::month::august;
use crate::rows::file;

const FORMATS: [Format; 2] = [Format::Csv, Format::JsonLines];

/// Where a kept file is.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/closed/golden").join(name)
}

/// Compares with the kept file of this name; writes it where there is none and it is asked for.
pub(crate) fn compare(name: &str, made: &[u8]) {
    let path = path(name);
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    if !path.exists() && std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        std::fs::write(&path, made).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_else(|_| {
        panic!("{name} is of a new version: look at it, then keep it with SHUZHA_WRITE_GOLDEN=1")
    });
    assert!(
        kept == made,
        "{name} is made another way than what was handed out: a change of a column, figure or layout is a new version"
    );
}

fn read(format: Format, layout: &'static Layout, file: &[u8]) -> Result<Totals, CheckError> {
    check(format, layout, file, &mut |_, _| ControlFlow::Continue(()))
}

fn kept(set: Set, version: u32, format: Format) -> Vec<u8> {
    let name = format!("{}-{version}.{}", set.as_str(), format.as_str());
    if version == set.layout().version() {
        compare(&name, &file(set, format, &august()));
    }
    std::fs::read(path(&name)).unwrap()
}

#[test]
fn g4_exports_are_made_as_the_landed_version_made_them() {
    for set in Set::ALL {
        for format in FORMATS {
            let name = format!("{}-{}.{}", set.as_str(), set.layout().version(), format.as_str());
            compare(&name, &file(set, format, &august()));
        }
    }
}

/// The set as the next version of this software could have it: one column more.
fn next(set: Set) -> &'static Layout {
    let now = set.layout();
    let added = Column::new(Kind::Fen, "one_column_more", "再多一列(元)").summed().since(now.version() + 1);
    let columns = [now.columns, &[added]].concat();
    Box::leak(Box::new(Layout { columns: Box::leak(columns.into_boxed_slice()), ..*now }))
}

#[test]
fn g4_every_export_that_was_handed_out_is_checked_as_it_was() {
    for set in Set::ALL {
        for version in set.layout().versions().map(|layout| layout.version()) {
            for format in FORMATS {
                let file = kept(set, version, format);
                let (now, later) = (read(format, set.layout(), &file), read(format, next(set), &file));
                assert_eq!(now.unwrap(), later.unwrap(), "{} {version}", set.as_str());
                // A figure of the first row, in whichever way the format writes it.
                let text = String::from_utf8(file).unwrap();
                let figure = text.find("2026-0").unwrap() + 6;
                let altered = format!("{}9{}", &text[..figure], &text[figure + 1..]);
                let refused = read(format, next(set), altered.as_bytes()).unwrap_err();
                assert!(matches!(refused.code(), Some(Code::C1654 | Code::C1655)), "{refused}");
            }
        }
    }
}
