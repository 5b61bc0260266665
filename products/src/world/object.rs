//! Reading one object: its envelope, its name, its spec.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use shuzha_core::Id;

use super::{API_VERSION, Origins, Table, World};
use crate::WorldError;
use crate::credential::{ConsentIssuer, Credential};
use crate::data::{DataSet, PersonSpace};
use crate::jurisdiction::Jurisdiction;
use crate::parties::{ApplicationUnit, Organisation};
use crate::price::{Ceiling, Price, PriceAct};
use crate::product::Product;
use crate::registration::Certificate;
use crate::rights::{Agreement, Grant, Scenario};
use crate::suspension::Suspension;
use crate::upstream::Upstream;
use crate::yaml::{Document, Faults, Place, Section, parse};

/// Most labels of one object.
const LABELS_MAX: usize = 32;

/// A kind of object that can be declared.
pub(crate) trait Object: Sized {
    /// The word after `kind:`.
    const KIND: &'static str;

    /// Reads the spec, reporting every fault; `None` when one of them leaves nothing to build.
    fn read(spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self>;

    /// Where the world keeps these.
    fn table(world: &World) -> &Table<Self>;

    /// Where the world keeps these.
    fn table_mut(world: &mut World) -> &mut Table<Self>;
}

/// How a document of some kind is read.
pub(super) struct ObjectKind {
    pub(super) name: &'static str,
    read: fn(&Id, &Place<'_>, &mut World, &Origins),
}

/// Every kind, in an order in which references point backwards.
pub(super) const OBJECT_KINDS: &[ObjectKind] = &[
    kind::<Jurisdiction>(),
    kind::<Organisation>(),
    kind::<ApplicationUnit>(),
    kind::<Credential>(),
    kind::<ConsentIssuer>(),
    kind::<Scenario>(),
    kind::<Agreement>(),
    kind::<PersonSpace>(),
    kind::<DataSet>(),
    kind::<Upstream>(),
    kind::<Product>(),
    kind::<Certificate>(),
    kind::<PriceAct>(),
    kind::<Ceiling>(),
    kind::<Price>(),
    kind::<Grant>(),
    kind::<Suspension>(),
];

const fn kind<T: Object>() -> ObjectKind {
    ObjectKind { name: T::KIND, read: read::<T> }
}

fn read<T: Object>(id: &Id, spec: &Place<'_>, world: &mut World, origins: &Origins) {
    if let Some(object) = T::read(spec, &Scope { world, origins }) {
        T::table_mut(world).insert(id.clone(), object);
    }
}

/// Where an object was declared.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) file: String,
    pub(super) line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a reader may refer to: everything read so far.
pub(crate) struct Scope<'w> {
    world: &'w World,
    origins: &'w Origins,
}

impl<'w> Scope<'w> {
    /// The world as read so far.
    pub(crate) const fn world(&self) -> &'w World {
        self.world
    }

    /// The object that `place` names. A name nobody declared is a fault; one whose object is itself at fault is not
    /// a second one.
    pub(crate) fn find<T: Object>(&self, place: &Place<'_>) -> Option<(&'w Id, &'w T)> {
        let id = place.id()?;
        let found = T::table(self.world).get_key_value(&id);
        if found.is_none() && !self.origins.contains_key(&(T::KIND, id.clone())) {
            return place.fail(format!("there is no {} named `{id}`", T::KIND));
        }
        found
    }
}

/// A world in the making.
pub(super) struct Reader {
    pub(super) world: World,
    pub(super) origins: Origins,
    pub(super) faults: Faults,
}

impl Reader {
    /// Reads one document that declares an object of `OBJECT_KINDS[kind]`.
    pub(super) fn read(&mut self, kind: usize, document: &Document<'_>) {
        let kind = &OBJECT_KINDS[kind];
        let node = match parse(document) {
            Ok(node) => node,
            Err((line, reason)) => {
                let (file, object, path) = (document.file.to_owned(), format!("{}/?", kind.name), String::new());
                return self.faults.push(WorldError { file, line, object, path, reason });
            }
        };
        let unnamed = format!("{}/?", kind.name);
        let Some((id, labels)) = read_envelope(&Place::root(&node, document.file, &unnamed, &self.faults), kind.name)
        else {
            return;
        };
        let object = format!("{}/{id}", kind.name);
        let root = Place::root(&node, document.file, &object, &self.faults);
        if let Some(first) = self.origins.get(&(kind.name, id.clone())) {
            return root.fail(format!("is declared twice, first at {first}")).unwrap_or_default();
        }
        let origin = Origin { file: document.file.to_owned(), line: node.line };
        self.origins.insert((kind.name, id.clone()), origin);
        if !labels.is_empty() {
            self.world.labels.insert((kind.name, id.clone()), labels);
        }
        let spec = root.entries().into_iter().flatten().find(|(key, _)| *key == "spec");
        match spec {
            Some((_, spec)) => (kind.read)(&id, &spec, &mut self.world, &self.origins),
            None => root.fail("is missing `spec`").unwrap_or_default(),
        }
    }
}

/// Reads `apiVersion`, `kind` and `metadata`; answers name and labels.
fn read_envelope(root: &Place<'_>, kind: &str) -> Option<(Id, BTreeMap<String, String>)> {
    let envelope = root.section(&[&["apiVersion", "kind", "metadata", "spec"]])?;
    if let Some(place) = envelope.required("apiVersion") {
        place.word(&[(API_VERSION, ())]);
    }
    if let Some(place) = envelope.required("kind") {
        place.word(&[(kind, ())]);
    }
    let metadata = envelope.required("metadata")?.section(&[&["name", "labels"]])?;
    let name = metadata.required("name").and_then(|place| place.id());
    let labels = read_labels(&metadata);
    Some((name?, labels))
}

fn read_labels(metadata: &Section<'_>) -> BTreeMap<String, String> {
    let Some(place) = metadata.optional("labels") else { return BTreeMap::new() };
    let entries = place.entries().unwrap_or_default();
    if entries.len() > LABELS_MAX {
        place.fail::<()>(format!("at most {LABELS_MAX} labels"));
    }
    let read = |(key, value): &(&str, Place<'_>)| Some(((*key).to_owned(), value.text()?.to_owned()));
    entries.iter().filter_map(read).collect::<HashMap<_, _>>().into_iter().collect()
}
