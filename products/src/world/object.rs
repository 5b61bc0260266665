//! Reading one object: its envelope, its name, its spec.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use shuzha_core::{Fault, Id};
use shuzha_pricing::permitted::PermittedRevenue;
use shuzha_pricing::vat::VatRate;
use shuzha_pricing::{Ceiling, Price};

use super::marks::{self, Marked, Marks};
use super::{API_VERSION, Table, World};
use crate::WorldError;
use crate::credential::{ConsentIssuer, Credential};
use crate::data::{DataSet, PersonSpace};
use crate::emergency::EmergencyPlan;
use crate::exit_review::ExitReview;
use crate::jurisdiction::Jurisdiction;
use crate::listing::Listing;
use crate::operating::OperatingAgreement;
use crate::parties::{ApplicationUnit, Organisation};
use crate::price::PriceAct;
use crate::privacy_refund::PrivacyRefund;
use crate::product::Product;
use crate::registration::Certificate;
use crate::rights::{Agreement, Grant, Scenario};
use crate::suspension::Suspension;
use crate::upstream::Upstream;
use crate::yaml::{Document, Faults, Node, Place, Section, parse};

/// Most labels of one object.
const LABELS_MAX: usize = 32;

/// A kind of object that can be declared.
pub(crate) trait Object: Sized {
    /// The word after `kind:`.
    const KIND: &'static str;

    /// Reads the spec, reporting every fault; `None` when one of them leaves nothing to build.
    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self>;

    /// Where the world keeps these.
    fn table(world: &World) -> &Table<Self>;

    /// Where the world keeps these.
    fn table_mut(world: &mut World) -> &mut Table<Self>;
}

/// How a document of some kind is read.
pub(super) struct ObjectKind {
    pub(super) name: &'static str,
    pub(super) read: fn(&Id, &Place<'_>, &mut World, &Declared, Option<&Seeking>),
    /// None where objects of the kind have no marks.
    pub(super) marks: Option<Marks>,
}

/// Every kind, in an order in which references point backwards.
pub(super) const OBJECT_KINDS: &[ObjectKind] = &[
    kind::<Jurisdiction>(),
    marked::<Organisation>(),
    kind::<ApplicationUnit>(),
    kind::<Credential>(),
    marked::<ConsentIssuer>(),
    kind::<Scenario>(),
    kind::<Agreement>(),
    kind::<PersonSpace>(),
    marked::<DataSet>(),
    kind::<OperatingAgreement>(),
    marked::<Upstream>(),
    marked::<Product>(),
    marked::<Certificate>(),
    marked::<Listing>(),
    kind::<PriceAct>(),
    kind::<Ceiling>(),
    kind::<Price>(),
    marked::<Grant>(),
    kind::<Suspension>(),
    kind::<EmergencyPlan>(),
    kind::<ExitReview>(),
    kind::<PrivacyRefund>(),
    kind::<PermittedRevenue>(),
    kind::<VatRate>(),
];

const fn kind<T: Object>() -> ObjectKind {
    ObjectKind { name: T::KIND, read: read::<T>, marks: None }
}

const fn marked<T: Marked>() -> ObjectKind {
    ObjectKind { marks: Some(marks::of_kind::<T>), ..kind::<T>() }
}

fn read<T: Object>(
    id: &Id,
    spec: &Place<'_>,
    world: &mut World,
    declared: &Declared,
    seeking: Option<&Seeking>,
) {
    if let Some(object) = T::read(id, spec, &Scope { world, declared, seeking }) {
        T::table_mut(world).insert(id.clone(), object);
        // Grants are the many; what one says is all in its compiled form.
        if T::KIND != Grant::KIND {
            world.specs.insert((T::KIND, id.clone()), spec.json().to_string().into());
        }
    }
}

/// Where an object was declared.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What was declared so far, readable or not.
#[derive(Debug, Default)]
pub(super) struct Declared {
    origins: HashMap<(&'static str, Id), Origin>,
    /// Names that documents seem to declare whose kind or envelope could not be read. What refers to them is not to
    /// blame.
    unreadable: HashSet<String>,
    /// Whether a register declares the objects, which has judged each of them when it took it.
    pub(super) accepted: bool,
}

impl Declared {
    /// Where the object was declared.
    pub(super) fn origin(&self, key: &Key) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Remembers a document that could not be read.
    pub(super) fn unreadable(&mut self, document: &Document<'_>) {
        self.unreadable.extend(document.name_hint().map(str::to_owned));
    }

    /// Whether an object of this kind and name was declared.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.origins.contains_key(key)
    }

    /// Remembers an object that no file declares.
    pub(super) fn insert(&mut self, key: Key) {
        self.declare(key, Origin { file: Arc::from(""), line: 0 });
    }

    /// Remembers where an object was declared.
    pub(super) fn declare(&mut self, key: Key, origin: Origin) {
        self.origins.insert(key, origin);
    }

    fn knows<T: Object>(&self, id: &Id) -> bool {
        self.origins.contains_key(&(T::KIND, id.clone())) || self.unreadable.contains(id.as_str())
    }
}

/// Kind and name of an object.
pub(super) type Key = (&'static str, Id);

/// What a reader missed while the world is gathered object by object; see [`World::read_closure`].
#[derive(Debug, Default)]
pub(super) struct Seeking {
    /// Missed in this reading; not yet known to be absent.
    pub(super) wanted: RefCell<Vec<Key>>,
    /// Known not to exist.
    pub(super) absent: HashSet<Key>,
}

/// What a reader may refer to: everything read so far.
pub(crate) struct Scope<'w> {
    pub(super) world: &'w World,
    pub(super) declared: &'w Declared,
    pub(super) seeking: Option<&'w Seeking>,
}

impl<'w> Scope<'w> {
    /// The world as read so far.
    pub(crate) const fn world(&self) -> &'w World {
        self.world
    }

    /// Whether the objects were taken before, perhaps by an older version, and are only read again.
    pub(crate) const fn is_accepted(&self) -> bool {
        self.declared.accepted
    }

    /// The object that `place` names. A name nobody declared is a fault; one whose object is itself at fault is not
    /// a second one.
    pub(crate) fn find<T: Object>(&self, place: &Place<'_>) -> Option<(&'w Id, &'w T)> {
        let id = place.id()?;
        let found = T::table(self.world).get_key_value(&id);
        if found.is_none() && !self.declared.knows::<T>(&id) {
            return self.miss(T::KIND, place, id);
        }
        found
    }
}

impl<'w> Scope<'w> {
    /// The name of an object that `place` holds, for what must stand whether or not the object can be read: a register's
    /// suspension takes effect even where its target is at fault. Files are checked as by [`Self::find`].
    pub(crate) fn name_of<T: Object>(&self, place: &Place<'_>) -> Option<Id> {
        if self.declared.accepted { place.id() } else { self.find::<T>(place).map(|(id, _)| id.clone()) }
    }

    /// The object of this name, which something that `place` names refers to.
    pub(crate) fn named<T: Object>(&self, place: &Place<'_>, id: &Id) -> Option<&'w T> {
        let found = T::table(self.world).get(id);
        if found.is_none() && !self.declared.knows::<T>(id) {
            return self.miss(T::KIND, place, id.clone());
        }
        found
    }
}

impl Scope<'_> {
    fn miss<T>(&self, kind: &'static str, place: &Place<'_>, id: Id) -> Option<T> {
        let reason = WorldError::missing(kind, id.as_str());
        let key = (kind, id);
        match self.seeking {
            Some(seeking) if !seeking.absent.contains(&key) => {
                seeking.wanted.borrow_mut().push(key);
                None
            }
            _ => place.fail(reason),
        }
    }
}

/// A world in the making.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) world: World,
    pub(super) declared: Declared,
    pub(super) faults: Faults,
}

impl Reader {
    /// Reads one document that declares an object of `OBJECT_KINDS[kind]`.
    pub(super) fn read(&mut self, kind: usize, document: &Document<'_>, file: &Arc<str>) {
        let kind = &OBJECT_KINDS[kind];
        let unnamed = format!("{}/?", kind.name);
        let Some(node) = parse_or_report(document, &unnamed, &self.faults) else {
            return self.declared.unreadable(document);
        };
        let root = Place::root(&node, document.file, &unnamed, &self.faults);
        let Some((id, labels)) = read_envelope(&root, kind.name) else {
            return self.declared.unreadable(document);
        };
        let object = format!("{}/{id}", kind.name);
        let root = Place::root(&node, document.file, &object, &self.faults);
        let key = (kind.name, id.clone());
        if let Some(first) = self.declared.origins.get(&key) {
            return root.fail(format!("is declared twice, first at {first}")).unwrap_or_default();
        }
        self.declared.declare(key.clone(), Origin { file: Arc::clone(file), line: node.line });
        if !labels.is_empty() {
            self.world.labels.insert(key, labels);
        }
        match root.entries().into_iter().flatten().find(|(key, _)| *key == "spec") {
            Some((_, spec)) => (kind.read)(&id, &spec, &mut self.world, &self.declared, None),
            None => root.fail("is missing `spec`").unwrap_or_default(),
        }
    }
}

/// Parses a document, reporting why it cannot be.
pub(super) fn parse_or_report(document: &Document<'_>, object: &str, faults: &Faults) -> Option<Node> {
    parse(document)
        .map_err(|(line, reason)| {
            faults.push(WorldError::new(document.file, object, Fault::new("", reason).at_line(line)));
        })
        .ok()
}

/// Reads `apiVersion`, `kind` and `metadata`; answers name and labels.
pub(super) fn read_envelope(root: &Place<'_>, kind: &str) -> Option<(Id, BTreeMap<String, String>)> {
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
    entries.iter().filter_map(read).collect()
}
