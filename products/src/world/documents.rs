//! Documents of world files taken one by one, for whoever hands objects on instead of reading them as a world.

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::Id;

use super::in_order;
use super::object::{parse_or_report, read_envelope};
use crate::WorldError;
use crate::yaml::{self, Faults, Node, Place};

/// One object as a file declares it: its envelope is in order, its spec has not been looked at.
#[derive(Debug)]
pub struct Document {
    /// The file, as the caller named it.
    pub file: String,
    /// The line that the document begins on, from 1.
    pub line: u32,
    /// The word after `kind:`, one of those asked for.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its spec, as JSON.
    pub spec: Value,
    root: Node,
}

impl Document {
    /// The line of the field at `path` (`spec.needs[1].product`), or of the innermost part of the path that is there.
    #[must_use]
    pub fn line_of(&self, path: &str) -> u32 {
        let (mut node, mut line) = (&self.root, self.root.line);
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let found = match &node.value {
                yaml::Value::Map(entries) => {
                    entries.iter().find(|entry| entry.key == step).map(|entry| (&entry.node, entry.line))
                }
                yaml::Value::List(items) => {
                    let at = step.trim_end_matches(']').parse::<usize>().ok();
                    at.and_then(|at| items.get(at)).map(|item| (item, item.line))
                }
                _ => None,
            };
            let Some((inner, at)) = found else { break };
            (node, line) = (inner, at);
        }
        line
    }
}

/// Cuts files, each given as name and text, into documents of the given kinds.
///
/// # Errors
/// Every fault of every envelope, in order of file and line; an object that is declared twice.
pub fn documents<N: AsRef<str>, T: AsRef<str>>(
    files: &[(N, T)],
    kinds: &[&'static str],
) -> Result<Vec<Document>, Vec<WorldError>> {
    let faults = Faults::default();
    let mut found: Vec<Document> = Vec::new();
    let mut first: BTreeMap<(&'static str, Id), (String, u32)> = BTreeMap::new();
    for (name, text) in files {
        for document in yaml::split(name.as_ref(), text.as_ref()) {
            let Some(node) = parse_or_report(&document, "?", &faults) else { continue };
            let Some(read) = read(document.file, node, kinds, &faults) else { continue };
            let key = (read.kind, read.name.clone());
            if let Some((file, line)) = first.get(&key) {
                let object = format!("{}/{}", read.kind, read.name);
                let root = Place::root(&read.root, document.file, &object, &faults);
                root.fail::<()>(format!("is declared twice, first at {file}:{line}"));
                continue;
            }
            first.insert(key, (read.file.clone(), read.line));
            found.push(read);
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(in_order(faults, files)) }
}

fn read(file: &str, root: Node, kinds: &[&'static str], faults: &Faults) -> Option<Document> {
    let words: Vec<_> = kinds.iter().map(|kind| (*kind, *kind)).collect();
    let place = Place::root(&root, file, "?", faults);
    let entries = place.entries()?;
    let of = |key: &str| entries.iter().find(|(known, _)| *known == key).map(|(_, place)| place);
    let Some(kind) = of("kind") else { return place.fail("is missing `kind`") };
    let kind = kind.word(&words)?;
    let object = format!("{kind}/?");
    let (name, labels) = read_envelope(&Place::root(&root, file, &object, faults), kind)?;
    let Some(spec) = of("spec") else {
        let object = format!("{kind}/{name}");
        return Place::root(&root, file, &object, faults).fail("is missing `spec`");
    };
    let (file, line, spec) = (file.to_owned(), root.line, spec.json());
    Some(Document { file, line, kind, name, labels, spec, root })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# head\n---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {name: a, labels: {b: c}}\n\
        spec:\n  fields:\n    - x: 1\n    - x: 2\n      y: 3\n---\nkind: Ticket\napiVersion: shuzha/v1\n\
        metadata: {name: t}\nspec: {}\n";

    #[test]
    fn documents_know_the_lines_of_their_fields() {
        let found = documents(&[("f", FILE)], &["Product", "Ticket"]).expect("in order");
        let seen: Vec<_> = found.iter().map(|d| (d.line, d.kind, d.name.as_str(), d.labels.len())).collect();
        assert_eq!(seen, [(3, "Product", "a", 1), (12, "Ticket", "t", 0)]);
        let product = &found[0];
        assert_eq!(product.spec, serde_json::json!({"fields": [{"x": 1}, {"x": 2, "y": 3}]}));
        for (path, line) in [
            ("spec.fields[1].y", 10),
            ("spec.fields[1].z", 9),
            ("spec.fields[7]", 7),
            ("spec.none.x", 6),
            ("", 3),
        ] {
            assert_eq!(product.line_of(path), line, "{path}");
        }
    }

    #[test]
    fn every_faulty_envelope_is_told_with_its_line() {
        let more = "---\nkind: Nothing\n---\napiVersion: shuzha/v1\nkind: Ticket\nmetadata: {name: t}\nextra: 1\n\
            ---\na: [\n---\napiVersion: shuzha/v1\nkind: Ticket\nmetadata: {name: t}\nspec: {}\n";
        let faults = documents(&[("f", FILE), ("g", more)], &["Product", "Ticket"]).expect_err("faulty");
        let told: Vec<_> =
            faults.iter().map(|fault| (fault.file.as_str(), fault.fault.line.unwrap_or_default())).collect();
        assert_eq!(told, [("g", 2), ("g", 4), ("g", 7), ("g", 9), ("g", 11)]);
        assert!(faults[4].fault.reason.contains("first at f:12"), "{}", faults[4]);
        assert!(faults[2].fault.reason.contains("unknown field"), "{}", faults[2]);
    }
}
