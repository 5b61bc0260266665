//! Reading one object with exactly what it refers to (its closure): no register of a million grants has to be in
//! memory to check one of them.
//!
//! A reader that misses an object answers nothing; the missed object is then fetched and read, with what it refers to
//! in turn, and the first one read again. A reading that missed nothing counts, and only its faults.

use std::mem;

use serde_json::Value;
use shuzha_core::Id;

use super::World;
use super::object::{Declared, Key, OBJECT_KINDS, Scope, Seeking};
use crate::WorldError;
use crate::yaml::{Faults, Node, Place};
use shuzha_core::Fault;

/// Most objects of one closure: a data set's quotas may name this many scenarios.
const OBJECTS_MAX: usize = 50_000;
/// Longest chain of references.
const DEPTH_MAX: usize = 16;

/// Answers the spec of an object, as declared or as in force, by kind and name.
pub type Fetch<'f> = dyn FnMut(&'static str, &Id) -> Option<Value> + 'f;

impl World {
    /// Reads one object and what it refers to, nothing else. What only the whole world can show (names and codes used
    /// twice, overlapping windows, ceilings) is not checked here.
    ///
    /// # Errors
    /// Every fault of the object, as far as what it refers to can be read; an unknown kind.
    pub fn read_closure(
        kind: &str,
        name: &Id,
        spec: &Value,
        fetch: &mut Fetch<'_>,
    ) -> Result<Self, Vec<Fault>> {
        let Some(kind) = OBJECT_KINDS.iter().find(|known| known.name == kind) else {
            return Err(vec![Fault::new("kind", format!("there is no kind `{kind}`"))]);
        };
        let mut closure = Closure::new(fetch);
        closure.root = Some((kind.name, name.clone()));
        closure.settle("spec", spec, |place, closure, seeking| {
            (kind.read)(name, place, &mut closure.world, &closure.declared, Some(seeking));
        });
        closure.finish()
    }
}

impl World {
    /// Reads several objects, each fetched, and what they refer to: what a change of policy is compiled from.
    ///
    /// # Errors
    /// As [`World::read_closure`]; and an object that is not there.
    pub fn read_objects(objects: &[(&'static str, Id)], fetch: &mut Fetch<'_>) -> Result<Self, Vec<Fault>> {
        let mut closure = Closure::new(fetch);
        closure.declared.accepted = true;
        for (kind, name) in objects {
            let Some(kind) = OBJECT_KINDS.iter().find(|known| known.name == *kind) else {
                closure.fault("kind", format!("there is no kind `{kind}`"));
                continue;
            };
            let key = (kind.name, name.clone());
            if closure.obtain(key.clone()) && closure.seeking.absent.contains(&key) {
                closure.fault("", format!("{}/{name} is not there", kind.name));
            }
        }
        closure.finish()
    }
}

/// A world that is gathered object by object.
pub(crate) struct Closure<'f, 'g> {
    fetch: &'g mut Fetch<'f>,
    world: World,
    declared: Declared,
    seeking: Seeking,
    /// The object the closure is of, where it is one of the world.
    root: Option<Key>,
    /// What is being read on its behalf, from the outermost.
    open: Vec<Key>,
    fetched: usize,
    faults: Vec<Fault>,
}

impl<'f, 'g> Closure<'f, 'g> {
    pub(crate) fn new(fetch: &'g mut Fetch<'f>) -> Self {
        Self {
            fetch,
            world: World::default(),
            declared: Declared::default(),
            seeking: Seeking::default(),
            root: None,
            open: Vec::new(),
            fetched: 0,
            faults: Vec::new(),
        }
    }

    /// Reads `json`, which is no object of the world itself but may refer to some. Its faults are kept for
    /// [`Self::finish`].
    pub(crate) fn read<T>(
        &mut self,
        path: &str,
        json: &Value,
        read: impl Fn(&Place<'_>, &Scope<'_>) -> Option<T>,
    ) -> Option<T> {
        self.settle(path, json, |place, closure, seeking| {
            let scope = Scope { world: &closure.world, declared: &closure.declared, seeking: Some(seeking) };
            read(place, &scope)
        })
        .flatten()
    }

    /// The world gathered.
    ///
    /// # Errors
    /// Every fault found.
    pub(crate) fn finish(self) -> Result<World, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.world) } else { Err(self.faults) }
    }

    /// Reads `json` again and again until nothing it refers to is missed. Ends because each round makes at least one
    /// more object known, present or absent, and their number is bounded.
    fn settle<T>(
        &mut self,
        path: &str,
        json: &Value,
        mut read: impl FnMut(&Place<'_>, &mut Self, &Seeking) -> T,
    ) -> Option<T> {
        let node = match Node::from_json(json) {
            Ok(node) => node,
            Err(reason) => {
                self.fault(path, reason);
                return None;
            }
        };
        loop {
            let faults = Faults::default();
            let place = Place::root(&node, "", "", &faults).named(path);
            let seeking = mem::take(&mut self.seeking);
            let got = read(&place, self, &seeking);
            self.seeking = seeking;
            let wanted = self.seeking.wanted.take();
            if wanted.is_empty() {
                let (list, more) = faults.into_parts();
                for WorldError { fault, .. } in list {
                    self.fault(&fault.path, fault.reason);
                }
                if more > 0 {
                    self.fault("", format!("{more} more faults are not shown"));
                }
                return Some(got);
            }
            for key in wanted {
                if !self.obtain(key) {
                    return None;
                }
            }
        }
    }

    /// Makes an object known. Answers whether reading may go on.
    fn obtain(&mut self, key: Key) -> bool {
        if self.open.contains(&key) || self.root.as_ref() == Some(&key) {
            self.fault("", format!("{}/{} refers to itself", key.0, key.1));
            return false;
        }
        if self.declared.has(&key) || self.seeking.absent.contains(&key) {
            return true;
        }
        self.fetched += 1;
        if self.fetched > OBJECTS_MAX || self.open.len() >= DEPTH_MAX {
            self.fault("", format!("refers to more than {OBJECTS_MAX} objects, or deeper than {DEPTH_MAX}"));
            return false;
        }
        let Some(spec) = (self.fetch)(key.0, &key.1) else {
            self.seeking.absent.insert(key);
            return true;
        };
        let kind =
            OBJECT_KINDS.iter().find(|kind| kind.name == key.0).expect("only objects of a kind are sought");
        self.open.push(key.clone());
        // What is referred to was taken before, perhaps by an older version: rules for what is declared now are not its.
        let of_root = mem::replace(&mut self.declared.accepted, true);
        let settled = self.settle("spec", &spec, |place, closure, seeking| {
            (kind.read)(&key.1, place, &mut closure.world, &closure.declared, Some(seeking));
        });
        self.declared.accepted = of_root;
        self.open.pop();
        self.declared.insert(key);
        settled.is_some()
    }

    /// A fault of what is being read; one of an object fetched is told at the whole, with that object's name.
    fn fault(&mut self, path: &str, reason: String) {
        self.faults.push(match self.open.last() {
            Some((kind, name)) => Fault::new("", format!("{kind}/{name} {path}: {reason}")),
            None => Fault::new(path, reason),
        });
    }
}

#[cfg(test)]
mod tests;
