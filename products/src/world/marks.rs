//! Marks: what of an object must not meet the same of another, however far apart the two are.
//!
//! A world of files and a register keep the same marks, so that what the one refuses the other does too: a world looks
//! through all of them, a register asks its index.

use serde_json::Value;
use shuzha_core::Id;

use super::object::{OBJECT_KINDS, Object};
use super::{Fetch, World};
use crate::Window;
use shuzha_core::Fault;

/// What one object claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'w> {
    /// What kind of thing is claimed; marks of another kind never meet.
    pub of: &'static str,
    /// The thing. No part holds a control character, and parts that are not needed are empty.
    pub key: [&'w str; 4],
    /// When it is claimed; at any time where none is given.
    pub window: Option<Window>,
    /// Objects that say the same here may claim a thing together.
    pub shared_as: Option<&'static str>,
    /// The field that claims it.
    pub path: &'static str,
    /// What is wrong when another object claims it too; the other's name follows.
    pub clash: &'static str,
}

impl<'w> Mark<'w> {
    /// A thing that is one object's alone, at any time.
    pub(crate) const fn unique(of: &'static str, key: [&'w str; 4], path: &'static str) -> Self {
        Self { of, key, window: None, shared_as: None, path, clash: "is the same as that of" }
    }
}

/// A kind whose objects have marks.
pub(crate) trait Marked: Object + 'static {
    /// Calls `take` with every mark of the object, whose name is `name`.
    fn marks<'w>(&'w self, name: &'w Id, take: &mut dyn FnMut(Mark<'w>));
}

/// Calls a function with every mark in a world of one kind, and the name of its object.
pub(super) type Marks = for<'w> fn(&'w World, &mut dyn FnMut(&'w Id, Mark<'w>));

pub(super) fn of_kind<'w, T: Marked>(world: &'w World, take: &mut dyn FnMut(&'w Id, Mark<'w>)) {
    for (id, object) in T::table(world) {
        object.marks(id, &mut |mark| take(id, mark));
    }
}

impl World {
    /// Calls `take` with every mark of one object.
    pub fn marks_of<'w>(&'w self, kind: &str, name: &Id, take: &mut dyn FnMut(Mark<'w>)) {
        if let Some(marks) = marks(kind) {
            marks(self, &mut |id, mark| {
                if id == name {
                    take(mark)
                }
            });
        }
    }

    /// Calls `take` with every mark of an object, read with what it refers to. An object of a kind without marks is not
    /// even read.
    ///
    /// # Errors
    /// As [`World::read_closure`].
    pub fn read_marks(
        kind: &str,
        name: &Id,
        spec: &Value,
        fetch: &mut Fetch<'_>,
        take: &mut dyn FnMut(Mark<'_>),
    ) -> Result<(), Vec<Fault>> {
        if marks(kind).is_some() {
            Self::read_closure(kind, name, spec, fetch)?.marks_of(kind, name, take);
        }
        Ok(())
    }
}

fn marks(kind: &str) -> Option<Marks> {
    OBJECT_KINDS.iter().find(|known| known.name == kind).and_then(|known| known.marks)
}
