//! Output contracts (输出合约): which leaves of an answer may leave, as a compiled projector.
//!
//! A contract is declared as a JSON object from leaf pointer (RFC 6901, `*` for every element of an array) to the
//! leaf's rule. It is compiled once, when the product is published, to a tree; [`Contract::project`] walks an
//! answer and that tree together, so what no contract lists is never copied, only counted (REQUIREMENTS E2, E7).
//! The order of leaves is the order of their pointers, segment by segment: the same answer always gives the same
//! bytes, in whatever order the product service wrote it.

mod decimal;
mod keyed;
pub mod mask;
mod rule;
mod tree;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use self::keyed::MaskKey;
use self::tree::Tree;

/// Most leaves one contract may list: a set of them is one word.
pub const LEAVES_MAX: usize = 64;

/// Most segments of a leaf's pointer.
pub const POINTER_DEPTH_MAX: usize = 16;

/// Deepest nesting of an answer, in the parts no contract lists too: the walk uses the stack.
pub const ANSWER_DEPTH_MAX: u32 = 32;

/// Elements an array may have where the contract says nothing.
pub const ITEMS_DEFAULT: u32 = 100;

/// Most elements a contract may allow an array.
pub const ITEMS_MAX: u32 = 10_000;

/// Most characters a contract may allow a text leaf.
pub const TEXT_LENGTH_MAX: u32 = 65_536;

/// A set of leaves of one contract, as a bit per leaf in the contract's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSet(pub u64);

impl FieldSet {
    /// Leaves in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no leaf is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every leaf of `other` is in this set.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

/// What an answer is cut to, and the key of masks that need one.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'k> {
    /// The permitted leaves.
    pub fields: FieldSet,
    /// The key; an answer with a keyed leaf does not leave without one.
    pub key: Option<&'k MaskKey>,
}

impl From<FieldSet> for Cut<'_> {
    fn from(fields: FieldSet) -> Self {
        Self { fields, key: None }
    }
}

/// Why an answer did not meet its contract. Names the leaf, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer of the contract's leaf, empty for the document itself.
    pub at: String,
    /// What is wrong, as a fixed phrase.
    pub what: &'static str,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", if self.at.is_empty() { "the answer" } else { &self.at }, self.what)
    }
}

impl std::error::Error for Violation {}

/// An answer cut to its permitted leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projected {
    /// The answer as JSON.
    pub bytes: Vec<u8>,
    /// Leaves the product service sent that no contract lists, dropped. Each is an alarm (REQUIREMENTS E2).
    pub unlisted: u32,
}

/// A compiled output contract.
#[derive(Clone, Debug)]
pub struct Contract {
    tree: Tree,
}

impl Contract {
    /// Compiles the declared contract: an object from leaf pointer to its rule.
    ///
    /// A rule has `type` (`integer`, `number`, `string`, `boolean`) and, as the type allows, `minimum`, `maximum`,
    /// `step`, `clamp`, `max_length`, `enum`, `mask`, `max_items`, `sample_one_in`, `required` (default true), `nullable` (default false).
    /// A string says its `max_length` or its `enum`: an unbounded text could carry anything.
    ///
    /// # Errors
    /// Every fault found, as `pointer: reason`.
    pub fn compile(declared: &Value) -> Result<Self, Vec<String>> {
        tree::compile(declared).map(|tree| Self { tree })
    }

    /// The set of all leaves.
    #[must_use]
    pub fn all(&self) -> FieldSet {
        FieldSet(self.tree.root().leaves)
    }

    /// The set named by `pointers`.
    ///
    /// # Errors
    /// The first pointer that is no leaf of this contract.
    pub fn fields<'p>(&self, pointers: impl IntoIterator<Item = &'p str>) -> Result<FieldSet, String> {
        let mut set = 0;
        for pointer in pointers {
            let at = self.tree.leaves().iter().position(|leaf| leaf.pointer == pointer);
            set |= 1 << at.ok_or_else(|| pointer.to_owned())?;
        }
        Ok(FieldSet(set))
    }

    /// The leaves of this contract among `pointers`. A pointer that is no leaf here adds nothing: a consent may
    /// list leaves of several products, and never widens what this one has.
    #[must_use]
    pub fn fields_among<'p>(&self, pointers: impl IntoIterator<Item = &'p str>) -> FieldSet {
        FieldSet(
            pointers
                .into_iter()
                .filter_map(|pointer| self.fields([pointer]).ok())
                .fold(0, |set, one| set | one.0),
        )
    }

    /// The leaf pointers of `fields`, in the contract's order.
    pub fn pointers(&self, fields: FieldSet) -> impl Iterator<Item = &str> {
        let chosen = move |&(at, _): &(usize, _)| fields.0 >> at & 1 == 1;
        self.tree.leaves().iter().enumerate().filter(chosen).map(|(_, leaf)| &*leaf.pointer)
    }

    /// Whether a leaf's mask or sample needs a key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.tree.leaves().iter().any(|leaf| leaf.rule.is_keyed())
    }

    /// The leaves whose mask or sample needs a key: nobody who lacks the key knows their values from elsewhere.
    #[must_use]
    pub fn keyed(&self) -> FieldSet {
        let leaves = self.tree.leaves().iter().enumerate();
        FieldSet(leaves.filter(|(_, leaf)| leaf.rule.is_keyed()).fold(0, |set, (at, _)| set | 1 << at))
    }

    /// Parses `answer`, keeps the permitted leaves, masks them as the contract says.
    ///
    /// Leaves of the contract that are not permitted are dropped silently; leaves outside the contract are dropped and
    /// counted. The size of `answer` is the caller's to bound.
    ///
    /// # Errors
    /// [`Violation`] when the answer is not JSON, repeats a key, is nested too deeply, or a permitted leaf is
    /// missing or breaks its rule.
    pub fn project<'k>(&self, cut: impl Into<Cut<'k>>, answer: &[u8]) -> Result<Projected, Violation> {
        let cut = cut.into();
        let fields = cut.fields.and(self.all()).0;
        let (slots, unlisted) = walk::walk(&self.tree, fields, cut.key, answer)?;
        let mut bytes = Vec::with_capacity(answer.len().min(1 << 16));
        write::write(&self.tree, fields, &slots, &mut bytes);
        Ok(Projected { bytes, unlisted })
    }
}
