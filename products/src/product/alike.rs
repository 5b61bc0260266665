//! What must look the same in a record whatever the answer was: its price, and its length.

use shuzha_core::Id;
use shuzha_pricing::{Outcome, Price};

use super::{Operation, Product};

impl Operation {
    /// To a multiple of how many bytes its answers are padded: records hold their length.
    pub(super) fn block(&self) -> Option<usize> {
        self.output.block().filter(|_| self.persons)
    }
}

impl Product {
    /// Whether classes of answers must not be told apart: those of `operation`, where something is for one of them.
    #[must_use]
    pub fn answers_alike(&self, operation: Option<&Id>) -> bool {
        let mut meant = self.operations.iter().filter(|one| operation.is_none_or(|name| *name == one.name));
        meant.any(|operation| operation.personal || operation.equal_bytes.is_some())
    }

    /// Whether `price` would write into each record which class of answer it was, where that must not be: its amount, its
    /// outcome and its basis stand beside the tag of a person. A price charges every class then, or none. No such price is
    /// declared; what was declared before goes on until it is declared anew.
    #[must_use]
    pub fn tells_apart(&self, price: &Price) -> bool {
        let classes = self.kind.classes();
        let apart = |two: &[Outcome]| price.billable.charges(two[0]) != price.billable.charges(two[1]);
        self.answers_alike(price.operation.as_ref()) && classes.windows(2).any(apart)
    }
}

/// What is wrong with a price of which [`Product::tells_apart`] holds.
pub const TELLS_APART: &str = "charges some classes of answers of a product that keeps them alike: about a person, or of one length, \
     every class is charged or none";
