//! Walking a tree: places, sections, and the list of faults they share.

use shuzha_core::fault::{Fault, element, member};

use super::tree::{Entry, Node, Value};
use crate::WorldError;

/// Gathers the faults of a world while its objects are read one after another.
pub(crate) type Faults = shuzha_core::fault::Faults<WorldError>;

/// A node together with its path, ready to be read as some type.
///
/// Every reading method reports its own fault and answers `None`; a reader therefore reads all fields first and
/// combines them with `?` at the end, so that no fault hides another.
#[derive(Clone, Debug)]
pub(crate) struct Place<'n> {
    pub(super) node: &'n Node,
    path: String,
    file: &'n str,
    object: &'n str,
    faults: &'n Faults,
}

impl<'n> Place<'n> {
    /// The root of an object. `object` is `kind/name` for messages.
    pub(crate) fn root(node: &'n Node, file: &'n str, object: &'n str, faults: &'n Faults) -> Self {
        Self { node, path: String::new(), file, object, faults }
    }

    /// The same node, known as `path`: for an object that stands alone.
    pub(crate) fn named(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Reports a fault here. Answers `None` so that a reader can end with it.
    pub(crate) fn fail<T>(&self, reason: impl Into<String>) -> Option<T> {
        self.report(self.node.line, &self.path, reason);
        None
    }

    fn report(&self, line: u32, path: &str, reason: impl Into<String>) {
        let fault = Fault::new(path, reason).at_line(line);
        self.faults.push(WorldError::new(self.file, self.object, fault));
    }

    /// Reports "expected …" with what is there instead.
    pub(super) fn expected<T>(&self, what: &str) -> Option<T> {
        self.fail(format!("expected {what}, found {}", self.node.value.describe()))
    }

    /// The same node with other faults: for reading what is reported elsewhere.
    pub(crate) fn reported_to<'s>(&self, faults: &'s Faults) -> Place<'s>
    where
        'n: 's,
    {
        Place { node: self.node, path: self.path.clone(), file: self.file, object: self.object, faults }
    }

    /// The node's value, for readers that branch on its shape.
    pub(crate) fn value(&self) -> &'n Value {
        &self.node.value
    }

    /// Opens a mapping whose keys must be in `known`.
    pub(crate) fn section(&self, known: &[&[&str]]) -> Option<Section<'n>> {
        let Value::Map(entries) = &self.node.value else { return self.expected("a mapping") };
        for entry in entries {
            if !known.iter().any(|names| names.contains(&entry.key.as_str())) {
                let permitted = known.concat().join(", ");
                let path = self.path_of(&entry.key);
                self.report(entry.line, &path, format!("unknown field; permitted: {permitted}"));
            }
        }
        Some(Section { place: self.clone(), entries })
    }

    /// The entries of a mapping whose keys are data, as key and place.
    pub(crate) fn entries(&self) -> Option<Vec<(&'n str, Place<'n>)>> {
        let Value::Map(entries) = &self.node.value else { return self.expected("a mapping") };
        Some(entries.iter().map(|entry| (entry.key.as_str(), self.below(entry))).collect())
    }

    /// The items of a list, at most `count_max`.
    pub(crate) fn items(&self, count_max: usize) -> Option<Vec<Place<'n>>> {
        let Value::List(nodes) = &self.node.value else { return self.expected("a list") };
        if nodes.len() > count_max {
            return self.fail(format!("at most {count_max} entries"));
        }
        let item = |(at, node)| Place { node, path: element(&self.path, at), ..self.clone() };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    /// As [`Self::items`], but at least one.
    pub(crate) fn some_items(&self, count_max: usize) -> Option<Vec<Place<'n>>> {
        let items = self.items(count_max)?;
        if items.is_empty() { self.fail("at least one entry") } else { Some(items) }
    }

    fn path_of(&self, key: &str) -> String {
        member(&self.path, key)
    }

    fn below(&self, entry: &'n Entry) -> Place<'n> {
        Place { node: &entry.node, path: self.path_of(&entry.key), ..self.clone() }
    }
}

/// A mapping with known fields.
#[derive(Clone, Debug)]
pub(crate) struct Section<'n> {
    place: Place<'n>,
    entries: &'n [Entry],
}

impl<'n> Section<'n> {
    /// The mapping itself.
    pub(crate) fn place(&self) -> &Place<'n> {
        &self.place
    }

    /// The field, if it is there.
    pub(crate) fn optional(&self, key: &str) -> Option<Place<'n>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| self.place.below(entry))
    }

    /// The field; its absence is a fault.
    pub(crate) fn required(&self, key: &str) -> Option<Place<'n>> {
        let found = self.optional(key);
        if found.is_none() {
            self.place.report(self.place.node.line, &self.place.path_of(key), "is missing");
        }
        found
    }

    /// Reports that `key` may not be there, if it is.
    pub(crate) fn forbid(&self, key: &str, why: &str) {
        if let Some(place) = self.optional(key) {
            place.fail::<()>(why);
        }
    }
}
