//! Names that look alike. What is called so that people take it for another organisation's is not declared: names are compared
//! by their skeletons, in which characters that look alike are one.

use serde_json::Value;
use shuzha_core::{Code, text};
use shuzha_store::register::{Filter, Object};

use super::Ready;
use crate::force::json;
use crate::{Control, Error};

/// Most objects of one kind whose names are compared.
const COMPARED_MAX: usize = 100_000;

impl Control {
    /// Checks the name that people know an organisation or a product by, where it is new or another one than before: no two
    /// organisations are called alike, and no product in characters that only look like those of another operator's.
    ///
    /// # Errors
    /// C1013; of the register.
    pub(super) fn check_likeness(&self, ready: &Ready) -> Result<(), Error> {
        let field = match ready.kind.name() {
            "Organisation" => "name",
            "Product" => "title",
            _ => return Ok(()),
        };
        let Some(to) = &ready.to else { return Ok(()) };
        let spec: Value = serde_json::from_str(&to.spec).expect("it was just written");
        let Some(called) = spec[field].as_str() else { return Ok(()) };
        if let Some(before) = &ready.before
            && json(before, &before.spec)?[field] == spec[field]
        {
            return Ok(());
        }
        let looks = text::skeleton(called);
        let all = Filter { kind: ready.kind.name(), limit: COMPARED_MAX, ..Filter::default() };
        let mistaken = |other: &Object| -> Result<bool, Error> {
            // The same title in the same characters deceives nobody about a product; its operator stands beside it.
            let honest = |theirs: &str| field == "title" && (theirs == called || other.owner == to.owner);
            let spec = json(other, &other.spec)?;
            Ok(spec[field].as_str().is_some_and(|theirs| text::skeleton(theirs) == looks && !honest(theirs)))
        };
        for other in self.register.list(&all)?.iter().filter(|other| other.name != ready.name) {
            if mistaken(other)? {
                let reason = format!("looks like that of {}/{}", other.kind, other.name);
                return Err(Error::fault(Code::C1013, &format!("spec.{field}"), reason));
            }
        }
        Ok(())
    }
}
