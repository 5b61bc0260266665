//! Output contracts (输出合约): which leaves of an answer may leave, as a compiled projector.

use serde_json::Value;

/// Most leaves one contract may list: a set of them is one word.
pub const LEAVES_MAX: usize = 64;

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
}

/// Why an answer did not meet its contract. Names the leaf, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer of the contract's leaf, empty for the document itself.
    pub at: String,
    /// What is wrong, as a fixed phrase.
    pub what: &'static str,
}

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
pub struct Contract {}

impl Contract {
    /// Compiles the declared contract: an object from leaf pointer to its rule.
    ///
    /// # Errors
    /// Every fault found, as `pointer: reason`.
    pub fn compile(declared: &Value) -> Result<Self, Vec<String>> {
        let _ = declared;
        unimplemented!("privacy helper")
    }

    /// The set of all leaves.
    #[must_use]
    pub fn all(&self) -> FieldSet {
        unimplemented!("privacy helper")
    }

    /// The set named by `pointers`.
    ///
    /// # Errors
    /// The first pointer that is no leaf of this contract.
    pub fn fields<'p>(&self, pointers: impl IntoIterator<Item = &'p str>) -> Result<FieldSet, String> {
        let _ = pointers.into_iter().count();
        unimplemented!("privacy helper")
    }

    /// The leaf pointers of `fields`, in the contract's order.
    pub fn pointers(&self, fields: FieldSet) -> impl Iterator<Item = &str> {
        let _ = fields;
        std::iter::empty()
    }

    /// Parses `answer`, keeps the leaves in `fields`, masks them as the contract says.
    ///
    /// # Errors
    /// [`Violation`] when the answer is not JSON, is nested too deeply, or a permitted leaf breaks its rule.
    pub fn project(&self, fields: FieldSet, answer: &[u8]) -> Result<Projected, Violation> {
        let _ = (fields, answer);
        unimplemented!("privacy helper")
    }
}
