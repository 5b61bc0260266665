//! The public register (REQUIREMENTS B10; Gansu-R 19, 34): what anyone may ask, without signing on.

mod budgets;
mod disclosed;

use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_products::case::registration::{self, Public};
use shuzha_store::register::{Filter, Object};

use crate::force::{json, unreadable};
use crate::writing::state_of;
use crate::{Control, Error, Page};
pub use budgets::{PublicBudget, PublicQuery, PublicRaise};
pub use disclosed::{Cell, CellKind, DISCLOSURES, DisclosedColumn, Disclosure, Rows, in_chinese};

/// The kind that is public.
const KIND: &str = "Registration";
/// Most registrations of one page.
const PAGE_MAX: usize = 200;

/// A registration as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRegistration {
    /// The registration's name.
    pub name: Id,
    /// What it says.
    pub registered: Public,
    /// The organisation that operates the product, or registered the data resource; none where it cannot be told.
    pub operator: Option<Operator>,
    /// Whether the certificate is good now.
    pub valid: bool,
    /// When a publicity ends that runs; none where none does, or the rules set it no term.
    pub publicity_until: Option<Timestamp>,
}

/// Whoever answers for what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The organisation.
    pub organisation: Id,
    /// Its name for people.
    pub title: String,
}

impl Control {
    /// Registrations that are publicised, or have or had a certificate, in order of name. A page may be short, or empty, and still have a next.
    ///
    /// # Errors
    /// Of the register.
    pub fn public_registrations(
        &self,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Page<PublicRegistration, Id>, Error> {
        let limit = limit.clamp(1, PAGE_MAX);
        let states = registration::PUBLIC_STATES;
        let filter = Filter { kind: KIND, after, states, limit: limit + 1, ..Filter::default() };
        let page = Page::cut(self.register.list(&filter)?, limit, |object| object.name.clone());
        let items = page.items.iter().filter_map(|object| self.published(object).transpose());
        Ok(Page { items: items.collect::<Result<_, _>>()?, next: page.next })
    }

    /// The registration whose certificate carries `code`.
    ///
    /// # Errors
    /// C1003 for a code that is on no certificate.
    pub fn public_certificate(&self, code: &str) -> Result<PublicRegistration, Error> {
        let name = registration::registration_of(code).ok_or(Code::C1003)?;
        let object = self.register.get(KIND, name.as_str())?.ok_or(Code::C1003)?;
        let found = self.published(&object)?.filter(|found| code_of(found) == Some(code));
        found.ok_or_else(|| Code::C1003.into())
    }

    /// The code of the certificate that a registration has or had.
    pub(crate) fn certificate_of(&self, kind: &str, name: &Id) -> Result<Option<String>, Error> {
        let object = if kind == KIND { self.register.get(kind, name.as_str())? } else { None };
        let found = object.map(|object| self.published(&object)).transpose()?.flatten();
        Ok(found.as_ref().and_then(code_of).map(str::to_owned))
    }

    pub(crate) fn published(&self, object: &Object) -> Result<Option<PublicRegistration>, Error> {
        let (spec, state) = (json(object, &object.spec)?, state_of(object)?);
        let read = registration::public(&spec, &state);
        let read =
            read.map_err(|refused| unreadable(object, format!("it is refused with {}", refused.code)))?;
        let Some(registered) = read else { return Ok(None) };
        let operator = match &registered.product {
            Some(product) => self.named("Product", product, "operator")?.and_then(|name| Id::new(&name).ok()),
            None => object.owner.clone(),
        };
        let operator = match operator {
            Some(organisation) => {
                let title = self.named("Organisation", organisation.as_str(), "name")?;
                title.map(|title| Operator { organisation, title })
            }
            None => None,
        };
        let valid = registered.valid_at(self.now());
        let publicity_until = match registered.publicity {
            Some(_) => {
                let due = self.register.deadlines(KIND, object.name.as_str())?;
                due.into_iter().find(|deadline| deadline.what == "publicity").map(|deadline| deadline.at)
            }
            None => None,
        };
        Ok(Some(PublicRegistration {
            name: object.name.clone(),
            registered,
            operator,
            valid,
            publicity_until,
        }))
    }

    /// Text of a field of a declared object.
    fn named(&self, kind: &str, name: &str, field: &str) -> Result<Option<String>, Error> {
        let Some(object) = self.register.get(kind, name)? else { return Ok(None) };
        Ok(json(&object, &object.spec)?.get(field).and_then(Value::as_str).map(str::to_owned))
    }
}

fn code_of(found: &PublicRegistration) -> Option<&str> {
    found.registered.certificate.as_ref().map(|certificate| certificate.code.as_str())
}
