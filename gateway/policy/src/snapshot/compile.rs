//! From checked objects to a snapshot: a whole world, or what changed of one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use shuzha_core::Id;
use shuzha_products::World;

use super::roll::GRANT;
use super::rows::{Row, TermsPool};
use super::{Mark, Snapshot, Terms};
use crate::left_out::LeftOut;

/// Keys that world files name and do not hold.
#[derive(Default)]
pub struct KeyRing {
    /// HMAC secrets by credential.
    pub secrets: HashMap<String, Vec<u8>>,
    /// Credentials whose secrets are here and do not open: each of them is at fault, alone.
    pub unopened: HashSet<String>,
    /// Public keys by the path the world names.
    pub public_keys: HashMap<String, Vec<u8>>,
    /// Paths that hold no public key, with what is wrong. A path in neither is a file that is not here: what names it has no
    /// key, and is refused wherever it needs one.
    pub unusable: HashMap<String, String>,
}

/// What changes at once.
#[derive(Debug)]
pub struct Delta {
    /// The changed objects, and whatever they refer to.
    pub world: World,
    /// Kind and name of every object that is new or changed; each is in `world`.
    pub changed: Vec<(&'static str, Id)>,
    /// Kind and name of every object that is no longer in force. What still refers to one grants nothing.
    pub removed: Vec<(&'static str, Id)>,
    /// How far the snapshot follows with this change.
    pub mark: Option<Mark>,
}

/// Why checked objects cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A key is no key of its algorithm.
    #[error("{kind}/{name}: {reason}")]
    Key {
        /// Of the credential or issuer.
        kind: &'static str,
        /// Its name.
        name: Id,
        /// Why.
        reason: String,
    },
    /// An object is said to have changed and is not there.
    #[error("{0}: said to have changed, and not among the objects of the change")]
    Missing(String),
    /// What was read against an object must be read again when that object changes.
    #[error("{object}: must be part of the change, because it was read against `{on}`")]
    Dependent {
        /// The object to add.
        object: String,
        /// The object that changed.
        on: String,
    },
    /// Prices and ceilings that cannot stand together; those of the product are then not in force.
    #[error("{kind}/{name}: the prices cannot stand: {reason}")]
    Prices {
        /// Of the price or ceiling.
        kind: &'static str,
        /// Its name.
        name: Id,
        /// Why.
        reason: String,
    },
}

impl CompileError {
    /// The object at fault, as `Kind/name`.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::Key { kind, name, .. } | Self::Prices { kind, name, .. } => format!("{kind}/{name}"),
            Self::Missing(object) | Self::Dependent { object, .. } => object.clone(),
        }
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Key { reason, .. } | Self::Prices { reason, .. } => reason.clone(),
            Self::Missing(_) | Self::Dependent { .. } => self.to_string(),
        }
    }

    /// The object as one that is left out.
    ///
    /// # Panics
    /// Never: every error names an object by kind and name.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        let object = self.object();
        let (kind, name) = object.split_once('/').expect("an object is named by kind and name");
        let name = name.parse().expect("the name was one when it was read");
        LeftOut { kind: kind.to_owned(), name, reason: self.reason(), dangling: false }
    }

    /// The field at fault.
    #[must_use]
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Key { .. } => "spec.publicKey",
            Self::Prices { .. } => "spec",
            Self::Missing(_) | Self::Dependent { .. } => "",
        }
    }
}

impl Snapshot {
    /// Compiles `world`.
    ///
    /// # Errors
    /// Every fault found. A world with a fault is not put in force in part.
    pub fn compile(world: World, keys: &KeyRing) -> Result<Self, Vec<CompileError>> {
        let (snapshot, faults) = Self::compile_sound(world, keys);
        if faults.is_empty() { Ok(snapshot) } else { Err(faults) }
    }

    /// Compiles what of `world` can be put in force. An object at fault is left out, alone, and denies; every fault is
    /// answered.
    #[must_use]
    pub fn compile_sound(mut world: World, keys: &KeyRing) -> (Self, Vec<CompileError>) {
        let mut snapshot = Self::default();
        let grants = std::mem::take(&mut world.grants);
        let changed: Vec<_> = world.specs.keys().cloned().collect();
        let faults = snapshot.edit(&mut world, &changed, &[], keys);
        snapshot.reserve_grants(grants.len());
        let mut pool = TermsPool::default();
        for (name, grant) in grants {
            snapshot.put_grant(&name, &grant, &world, &mut pool);
        }
        snapshot.seal();
        (snapshot, faults)
    }

    /// A world with grants in compiled form: a name of its own, unit, scenario, agreement and product as positions in
    /// `names`, and which of `terms`. Answers every fault found as well.
    pub(crate) fn restore(
        mut world: World,
        keys: &KeyRing,
        names: &[Id],
        terms: &[Terms],
        rows: impl ExactSizeIterator<Item = (Id, [usize; 4], usize)>,
    ) -> (Self, Vec<CompileError>) {
        let mut snapshot = Self::default();
        let changed: Vec<_> = world.specs.keys().cloned().collect();
        let faults = snapshot.edit(&mut world, &changed, &[], keys);
        snapshot.reserve_grants(rows.len());
        let mut pool = TermsPool::default();
        let terms: Vec<_> = terms.iter().map(|terms| pool.share(terms.clone())).collect();
        let numbers: Vec<u32> = names.iter().map(|name| snapshot.number(name)).collect();
        for (name, references, at) in rows {
            let (terms, digest) = &terms[at];
            let [unit, scenario, agreement, product] = references.map(|at| &names[at]);
            let row = Row { name: &name, unit, scenario, agreement, product };
            snapshot.add_row(&row, references.map(|at| numbers[at]), Arc::clone(terms), digest);
        }
        snapshot.seal();
        (snapshot, faults)
    }

    /// This snapshot after a change: equal to one compiled from the changed world, at the cost of the change.
    ///
    /// Whatever was compiled from a changed object follows it. Only what was *read* against one — see
    /// [`Snapshot::dependents`] — must be read again by the caller and be part of the change.
    ///
    /// # Errors
    /// Every fault found; then nothing of the change is in force.
    pub fn with(&self, delta: Delta, keys: &KeyRing) -> Result<Self, Vec<CompileError>> {
        let (next, faults) = self.with_sound(delta, keys);
        if faults.is_empty() { Ok(next) } else { Err(faults) }
    }

    /// This snapshot after what of a change can be put in force, and every fault found. An object at fault is not in force
    /// any more, neither as it would be nor as it was: what it was may be more than it is meant to be.
    #[must_use]
    pub fn with_sound(&self, delta: Delta, keys: &KeyRing) -> (Self, Vec<CompileError>) {
        let Delta { mut world, mut changed, mut removed, mark } = delta;
        changed.sort_unstable();
        changed.dedup();
        let mut faults = Vec::new();
        for (kind, name) in &changed {
            for dependent in self.dependents(kind, name) {
                if !changed.contains(&dependent) && !removed.contains(&dependent) {
                    let object = format!("{}/{}", dependent.0, dependent.1);
                    faults.push(CompileError::Dependent { object, on: format!("{kind}/{name}") });
                    removed.push(dependent);
                }
            }
        }
        let mut next = self.clone().marked(mark);
        faults.extend(next.edit(&mut world, &changed, &removed, keys));
        let mut pool = TermsPool::default();
        for (kind, name) in changed.iter().filter(|(kind, _)| *kind == GRANT) {
            match world.grants.remove(name) {
                Some(grant) => next.put_grant(name, &grant, &world, &mut pool),
                None => {
                    next.remove_grant(name.as_str());
                    faults.push(CompileError::Missing(format!("{kind}/{name}")));
                }
            }
        }
        next.seal();
        (next, faults)
    }

    /// The objects in force that were read against this one and may read otherwise once it has changed: products
    /// take the time limit of their product service and whether its data are synthetic, data sets the measure of their person-space, prices and ceilings
    /// the number and window of their act.
    #[must_use]
    pub fn dependents(&self, kind: &str, name: &Id) -> Vec<(&'static str, Id)> {
        let named = |kinds: &[&str], pointers: &[&str]| {
            let refers = |spec: &str| {
                let Ok(spec) = serde_json::from_str::<serde_json::Value>(spec) else { return false };
                let names = pointers.iter().filter_map(|pointer| spec.pointer(pointer)?.as_str());
                names.into_iter().any(|named| named == name.as_str())
            };
            let of_kinds = self.roll.objects().filter(|source| kinds.contains(&source.kind));
            let mut found: Vec<_> = of_kinds
                .filter(|source| refers(&source.spec))
                .map(|source| (source.kind, source.name.clone()))
                .collect();
            found.sort_unstable();
            found
        };
        match kind {
            "Upstream" => named(&["Product"], &["/upstream", "/sandbox/upstream"]),
            "PersonSpace" => named(&["DataSet"], &["/privacy/personSpace"]),
            "PriceAct" => named(&["Ceiling", "Price"], &["/act"]),
            _ => Vec::new(),
        }
    }

    fn seal(&mut self) {
        self.digest = self.roll.seal();
    }
}
