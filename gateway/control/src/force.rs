//! What is in force: declared objects, and what cases put there. Derived, never stored twice.

use std::cell::RefCell;

use serde_json::Value;
use shuzha_core::Id;
use shuzha_products::case::Declared;
use shuzha_products::world;
use shuzha_store::Register;
use shuzha_store::register::{CaseState, Object};

use crate::{Error, Kind, NotInForce, Unfit};

/// The state of a declared object that waits for somebody's word before it is in force.
pub(crate) const PENDING: &str = "pending";
/// The state of one that waited and is in force.
pub(crate) const CONFIRMED: &str = "confirmed";

/// Whether a declared object waits.
pub(crate) fn waits(state: Option<&CaseState>) -> bool {
    state.is_some_and(|state| state.name == PENDING)
}

/// A change of what is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The act that brought it about.
    pub revision: u64,
    /// Objects that come into force or change.
    pub put: Vec<Declared>,
    /// Objects that are no longer in force, by kind and name.
    pub removed: Vec<(&'static str, Id)>,
}

/// Where changes of what is in force go: the gate, in the binary.
pub trait Publish: Send + Sync + 'static {
    /// Judges whether `delta` can take effect, as [`Publish::publish`] will, and changes nothing. `force` answers what stands
    /// before the change.
    ///
    /// # Errors
    /// [`Unfit`]; then the change must not be accepted.
    fn check(&self, _delta: &Delta, _force: &Force<'_>) -> Result<(), Unfit> {
        Ok(())
    }

    /// Puts `delta` into effect for every call that begins from now on. `force` answers what the changed objects refer
    /// to, as it stands after the change. What it takes away is in effect whatever becomes of the rest.
    ///
    /// # Errors
    /// [`NotInForce`]; it is tried again until it is, or another change makes it needless.
    fn publish(&self, delta: &Delta, force: &Force<'_>) -> Result<(), NotInForce>;

    /// Whether this object should be in force and is not.
    fn is_left_out(&self, _kind: &str, _name: &Id) -> bool {
        false
    }

    /// Whether calls can be signed by a secret of this credential that the register did not issue.
    fn holds_secret(&self, _credential: &Id) -> bool {
        false
    }
}

/// Objects in force that a reading met, by kind and name.
pub(crate) type Met = Vec<(&'static str, Id)>;

/// Reads what is in force.
#[derive(Clone, Copy, Debug)]
pub struct Force<'r> {
    register: &'r Register,
}

impl<'r> Force<'r> {
    /// What is in force by `register`.
    #[must_use]
    pub const fn new(register: &'r Register) -> Self {
        Self { register }
    }

    /// The register that it reads.
    pub(crate) const fn register(&self) -> &Register {
        self.register
    }

    /// The spec of an object in force; as a world file would have it.
    ///
    /// # Errors
    /// Of the register.
    pub fn spec(&self, kind: &str, name: &Id) -> Result<Option<Value>, Error> {
        if let Some(holder) = self.register.holder(kind, name.as_str())? {
            let found = in_force(&holder)?.into_iter().find(|held| held.kind == kind && held.name == *name);
            return Ok(found.map(|held| held.spec));
        }
        match Kind::find(kind) {
            Some(Kind::Declared(..)) => {
                let object = self.register.get(kind, name.as_str())?;
                object
                    .filter(|object| !waits(object.state.as_ref()))
                    .map(|object| declared(&object))
                    .transpose()
            }
            _ => Ok(None),
        }
    }

    /// Calls `take` with every object in force.
    ///
    /// # Errors
    /// Of the register; an object that cannot be read.
    pub fn each(&self, mut take: impl FnMut(Declared)) -> Result<(), Error> {
        let mut failed = Ok(());
        self.each_sound(&mut take, |_, error| failed = Err(error))?;
        failed
    }

    /// Calls `take` with every object in force that can be read, and `unread` with each that cannot: one does not keep the
    /// others from being in force.
    ///
    /// # Errors
    /// Of the register.
    pub fn each_sound(
        &self,
        mut take: impl FnMut(Declared),
        mut unread: impl FnMut(&Object, Error),
    ) -> Result<(), Error> {
        self.register.each(|object| {
            match in_force(&object) {
                Ok(held) => held.into_iter().for_each(&mut take),
                Err(error) => unread(&object, error),
            }
            Ok(())
        })
    }

    /// Runs `read` with a function that answers what objects refer to; then tells what went wrong below it.
    pub(crate) fn fetching<T>(
        &self,
        read: impl FnOnce(&mut world::Fetch<'_>) -> T,
    ) -> Result<(T, Met), Error> {
        let failed: RefCell<Option<Error>> = RefCell::default();
        let mut met = Vec::new();
        let answer = read(&mut |kind, name| match self.spec(kind, name) {
            Ok(spec) => {
                if spec.is_some() {
                    met.push((kind, name.clone()));
                }
                spec
            }
            Err(error) => {
                failed.replace(Some(error));
                None
            }
        });
        match failed.into_inner() {
            Some(error) => Err(error),
            None => Ok((answer, met)),
        }
    }
}

/// What one object of the register puts in force.
pub(crate) fn in_force(object: &Object) -> Result<Vec<Declared>, Error> {
    match (Kind::find(&object.kind), &object.state) {
        (Some(Kind::Declared(..)), Some(state)) if state.name == PENDING => Ok(Vec::new()),
        (Some(Kind::Declared(kind, _)), state)
            if state.as_ref().is_none_or(|state| state.name == CONFIRMED) =>
        {
            Ok(vec![Declared { kind: kind.name, name: object.name.clone(), spec: declared(object)? }])
        }
        (Some(Kind::Case(case)), Some(state)) => {
            let spec = json(object, &object.spec)?;
            let held = case.in_force(&object.name, &spec, &json(object, &state.json)?);
            held.map_err(|refused| unreadable(object, format!("its state is refused with {}", refused.code)))
        }
        _ => Err(unreadable(object, "its kind is not known to this software".to_owned())),
    }
}

/// The spec of a declared object as it is in force.
fn declared(object: &Object) -> Result<Value, Error> {
    Ok(with_owner(&object.kind, json(object, &object.spec)?, object.owner.as_ref()))
}

/// A product service in force says whose it is, which the register knows better than its spec: no other operator's product
/// may name it.
pub(crate) fn with_owner(kind: &str, mut spec: Value, owner: Option<&Id>) -> Value {
    if let ("Upstream", Some(owner), Some(fields)) = (kind, owner, spec.as_object_mut()) {
        fields.insert("operator".to_owned(), owner.as_str().into());
    }
    spec
}

/// JSON of the register.
pub(crate) fn json(object: &Object, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|error| unreadable(object, error.to_string()))
}

pub(crate) fn unreadable(object: &Object, what: String) -> Error {
    Error::Unreadable { kind: object.kind.clone(), name: object.name.to_string(), what }
}
