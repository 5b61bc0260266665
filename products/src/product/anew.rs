//! What was declared by earlier rules and is not declared anew; and which tables stand alone over their data set.

use shuzha_core::Id;

use super::{Operation, Product};
use crate::kinds::{Dated, UNDECLARED_TABLE};
use crate::world::{Mark, Marked};

impl Product {
    /// Operations that answer from sensitive data of persons, are not `personal: true` and name no act that permits it. What
    /// was declared so before that was asked goes on; nothing new is declared so.
    pub fn unfounded(&self) -> impl Iterator<Item = &Id> {
        self.operations.iter().filter(|operation| !operation.founded).map(|operation| &operation.name)
    }

    /// Operations that are tables without the keys of their groups: what was declared so before goes on to be read, and is not
    /// served; nothing new is declared so.
    pub fn undeclared(&self) -> impl Iterator<Item = &Id> {
        let undeclared = |operation: &&Operation| operation.output.dated() == Some(Dated::Undeclared);
        self.operations.iter().filter(undeclared).map(|operation| &operation.name)
    }
}

/// What is wrong with an operation of [`Product::unfounded`].
#[must_use]
pub fn unfounded(operation: &Id) -> String {
    format!(
        "operation `{operation}` answers from sensitive data of persons: it needs `personal: true`, or `legalBasis` with the \
         act that says otherwise"
    )
}

/// What is wrong with an operation of [`Product::undeclared`].
#[must_use]
pub fn undeclared(operation: &Id) -> String {
    format!("operation `{operation}`: {}", UNDECLARED_TABLE)
}

impl Marked for Product {
    /// A table whose small groups are hidden stands alone over its data set: two could be subtracted. Noised ones are charged,
    /// each of them.
    fn marks<'w>(&'w self, take: &mut dyn FnMut(Mark<'w>)) {
        let tables = self.operations.iter().filter_map(|operation| operation.output.dated());
        let mut shared_as = tables.filter_map(|dated| match dated {
            Dated::Noised { .. } => Some(Some("noise")),
            Dated::Once { .. } => Some(None),
            Dated::Undeclared => None,
        });
        // A product's tables are of one family, so of one kind.
        let (Some(shared_as), [set]) = (shared_as.next(), &*self.data_sets) else { return };
        take(Mark {
            of: "table",
            key: [set.as_str(), "", "", ""],
            window: None,
            shared_as,
            path: "spec.dataSets",
            clash: "a table whose small groups are hidden stands alone over its data set, and there is that of",
        });
    }
}
