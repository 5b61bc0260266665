//! What the register holds, and the one table of who may write which declared kind.

use serde_json::Value;
use shuzha_core::{Code, Id, Role};
use shuzha_products::case::CaseKind;
use shuzha_products::world;

/// How an object of a declared kind comes to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It is the organisation itself.
    Itself,
    /// The organisation that a field of the spec names.
    Field(&'static str),
    /// The owner of the object of this kind that a field of the spec names.
    Of(&'static str, &'static str),
    /// The organisation of whoever wrote it first.
    Writer,
}

/// Who may write a declared kind, and who sees it.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    kind: &'static str,
    /// Roles that may write any object of the kind.
    pub any: &'static [Role],
    /// Roles that may write those of their own organisation.
    pub own: &'static [Role],
    /// Whether every signed-on person sees them.
    pub public: bool,
    /// Whose an object is.
    pub(crate) owner: Owner,
    /// Fields of the spec that only roles in `any` set and change.
    pub(crate) guarded: &'static [&'static str],
    /// Fields of the spec that stay true once they are, with the code by which a change of them is refused.
    pub(crate) lasting: &'static [(&'static str, Code)],
}

use Role::{ApplicationUnit, Authority, Finance, Operator, Pricing, Provider, Sre};

/// The table: kind × writing → roles. A declared kind without a row is written by nobody: the jurisdiction's rules are
/// configuration.
#[rustfmt::skip]
const ACCESS: &[Access] = &[
    access("Organisation",    &[Authority, Operator], &[],                true,  Owner::Itself),
    access("ApplicationUnit", &[Authority, Operator], &[ApplicationUnit], false, Owner::Field("organisation")).guarding(&["creditLimit"]),
    access("Credential",      &[Operator, Sre],       &[ApplicationUnit], false, Owner::Of("ApplicationUnit", "unit")).guarding(&["revoked"]).keeping(&[("sandbox", Code::C1014)]),
    access("ConsentIssuer",   &[Authority],           &[],                true,  Owner::Writer),
    access("PersonSpace",     &[Authority],           &[],                true,  Owner::Writer),
    access("DataSet",         &[Authority],           &[Provider],        true,  Owner::Field("provider")),
    access("Upstream",        &[],                    &[Operator],        false, Owner::Writer),
    access("Product",         &[],                    &[Operator],        true,  Owner::Field("operator")),
    access("Listing",         &[Authority],           &[Operator],        true,  Owner::Of("Product", "product")),
    access("PriceAct",        &[Authority, Pricing],  &[Operator],        true,  Owner::Writer),
    access("Ceiling",         &[Pricing],             &[],                true,  Owner::Writer),
    access("Price",           &[],                    &[Operator],        true,  Owner::Of("Product", "product")),
    access("PermittedRevenue", &[Pricing],            &[],                true,  Owner::Writer),
    access("TaxRate",         &[Finance],             &[],                true,  Owner::Writer),
];

const fn access(
    kind: &'static str,
    any: &'static [Role],
    own: &'static [Role],
    public: bool,
    owner: Owner,
) -> Access {
    Access { kind, any, own, public, owner, guarded: &[], lasting: &[] }
}

impl Access {
    const fn guarding(self, guarded: &'static [&'static str]) -> Self {
        Self { guarded, ..self }
    }

    const fn keeping(self, lasting: &'static [(&'static str, Code)]) -> Self {
        Self { lasting, ..self }
    }
}

/// A kind of object in the register.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Written as it is in force.
    Declared(&'static world::Kind, &'static Access),
    /// A spec with a state that acts change.
    Case(&'static CaseKind),
}

impl Kind {
    /// The kind of this name (`DataSet`) or plural (`data-sets`).
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        if let Some(case) = CaseKind::find(word) {
            return Some(Self::Case(case));
        }
        Self::all().find(|kind| kind.name() == word || kind.plural() == word)
    }

    /// Every kind, cases last.
    pub fn all() -> impl Iterator<Item = Self> {
        let declared = world::KINDS.iter().filter_map(|kind| {
            let access = ACCESS.iter().find(|access| access.kind == kind.name)?;
            Some(Self::Declared(kind, access))
        });
        declared.chain(shuzha_products::case::KINDS.iter().map(Self::Case))
    }

    /// The word after `kind:`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Declared(kind, _) => kind.name,
            Self::Case(case) => case.kind,
        }
    }

    /// The word in addresses.
    #[must_use]
    pub const fn plural(&self) -> &'static str {
        match self {
            Self::Declared(kind, _) => kind.plural,
            Self::Case(case) => case.plural,
        }
    }

    /// For people.
    #[must_use]
    pub const fn title_zh(&self) -> &'static str {
        match self {
            Self::Declared(kind, _) => kind.title_zh,
            Self::Case(case) => case.title_zh,
        }
    }

    /// Whether every signed-on person sees objects of the kind.
    #[must_use]
    pub const fn public(&self) -> bool {
        match self {
            Self::Declared(_, access) => access.public,
            Self::Case(_) => false,
        }
    }
}

/// The organisation that a spec names as owner; none where it cannot be told.
pub(crate) fn owner_of(
    access: &Access,
    name: &Id,
    spec: &Value,
    writer: &Id,
    owner_of: impl FnOnce(&str, &str) -> Option<Id>,
) -> Option<Id> {
    let field = |field: &str| spec.get(field).and_then(Value::as_str);
    match access.owner {
        Owner::Itself => Some(name.clone()),
        Owner::Field(name) => field(name).and_then(|text| Id::new(text).ok()),
        Owner::Of(kind, name) => field(name).and_then(|name| owner_of(kind, name)),
        Owner::Writer => Some(writer.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A declared kind that nobody may write would be a kind without a use. The jurisdiction is configuration.
    #[test]
    fn a3_every_declared_kind_has_its_row_and_no_case_has_one() {
        for kind in world::KINDS {
            let rows = ACCESS.iter().filter(|access| access.kind == kind.name).count();
            let declared = kind.declared && kind.name != "Jurisdiction";
            assert_eq!(rows, usize::from(declared), "{}", kind.name);
        }
        assert!(ACCESS.iter().all(|access| !access.any.is_empty() || !access.own.is_empty()));
    }
}
