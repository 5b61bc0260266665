//! What people call what stands in the books, by the register as it stood at some instant: a paper or an export of a closed
//! period names everything as it was called at the close, whenever it is made.

use serde_json::Value;
use shuzha_core::{Id, Timestamp};

use super::Finance;
use crate::Error;
use crate::force::{in_force, json};

/// An organisation, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name; its id where the register has none.
    pub(super) name: String,
    /// 统一社会信用代码; empty where the register has none.
    pub(super) credit_code: String,
}

impl Finance {
    /// An organisation's name and code.
    pub(super) fn organisation(&self, organisation: &Id, at: Timestamp) -> Result<Named, Error> {
        let spec = self.spec("Organisation", organisation, at)?;
        let text = |field: &str| spec.get(field).and_then(Value::as_str);
        Ok(Named {
            name: text("name").unwrap_or(organisation.as_str()).to_owned(),
            credit_code: text("uscc").unwrap_or_default().to_owned(),
        })
    }

    /// The organisation that a unit is of.
    pub(super) fn organisation_of(&self, unit: &Id) -> Result<Option<Id>, Error> {
        Ok(self.0.control.register().get("ApplicationUnit", unit.as_str())?.and_then(|object| object.owner))
    }

    /// The unit of an agreement.
    pub(super) fn unit_of(&self, agreement: &Id) -> Result<Option<Id>, Error> {
        let spec = self.spec("Agreement", agreement, self.0.clock.now())?;
        Ok(spec.get("unit").and_then(Value::as_str).and_then(|name| Id::new(name).ok()))
    }

    /// Who operates a product.
    pub(super) fn operator_of(&self, product: &Id, at: Timestamp) -> Result<Option<Id>, Error> {
        let spec = self.spec("Product", product, at)?;
        Ok(spec.get("operator").and_then(Value::as_str).and_then(|name| Id::new(name).ok()))
    }

    /// The title of an object, or its id.
    pub(super) fn title(&self, kind: &str, name: &Id, at: Timestamp) -> Result<String, Error> {
        let spec = self.spec(kind, name, at)?;
        Ok(spec.get("title").and_then(Value::as_str).unwrap_or(name.as_str()).to_owned())
    }

    /// What stood of an object at some instant: in force where it puts something there, as it was declared otherwise.
    pub(super) fn spec(&self, kind: &str, name: &Id, at: Timestamp) -> Result<Value, Error> {
        let Some(object) = self.0.control.register().as_at(kind, name.as_str(), at)? else {
            return Ok(self.0.control.force().spec(kind, name)?.unwrap_or_default());
        };
        let held = in_force(&object)?.into_iter().find(|held| held.kind == kind && held.name == *name);
        held.map_or_else(|| json(&object, &object.spec), |held| Ok(held.spec))
    }
}
