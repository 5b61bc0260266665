//! What the register holds.

use shuzha_products::case::CaseKind;
use shuzha_products::world;

use crate::access::Access;

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
        let declared =
            world::KINDS.iter().filter_map(|kind| Some(Self::Declared(kind, Access::of(kind.name)?)));
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
