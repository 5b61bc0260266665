//! Prices, ceilings, tax rates, products, data sets and agreements from files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use shuzha_control::finance::terms_of;
use shuzha_control::{Error, Kind};
use shuzha_files::expand;
use shuzha_pricing::closing::Terms;
use shuzha_products::world::documents;

use shuzha_verify::{Trouble, read_file};

/// Kinds of world files that no register holds; they decide nothing here.
const ELSEWHERE: [&str; 2] = ["Jurisdiction", "Certificate"];

/// Reads the terms in `paths`.
pub(super) fn read(paths: &[PathBuf]) -> Result<Terms, Trouble> {
    let files = expand(paths).map_err(|error| Trouble::Incomplete(format!("{error:#}")))?;
    let mut texts = Vec::new();
    for path in files {
        let text = String::from_utf8(read_file(&path)?)
            .map_err(|_| Trouble::Incomplete(format!("{}: 不是 UTF-8 is not UTF-8", path.display())))?;
        texts.push((path.display().to_string(), text));
    }
    let mut kinds: Vec<&'static str> = Kind::all().map(|kind| kind.name()).collect();
    kinds.extend(ELSEWHERE.into_iter().filter(|kind| Kind::find(kind).is_none()));
    let unreadable = |reasons: Vec<String>| {
        Trouble::Incomplete(format!("价格与协议无法读取 the terms cannot be read: {}", reasons.join("; ")))
    };
    let found = documents(&texts, &kinds)
        .map_err(|faults| unreadable(faults.iter().map(ToString::to_string).collect()))?;
    let specs: BTreeMap<_, _> =
        found.into_iter().map(|document| ((document.kind, document.name), document.spec)).collect();
    terms_of(&specs).map_err(|error| match error {
        Error::Refused(refused) => unreadable(
            refused.faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect(),
        ),
        other => unreadable(vec![other.to_string()]),
    })
}
