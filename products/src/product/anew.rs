//! What was declared by earlier rules and is not declared anew; and which tables stand alone over their data set.

use shuzha_core::Id;

use super::{Operation, Product};
use crate::data::DataSet;
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

    /// Operations that are asked again and again until what answers is known, and say no bound: models without a budget of
    /// queries, blinded lists without one of elements. What was declared so before goes on; nothing new is declared so.
    pub fn unbounded(&self) -> impl Iterator<Item = &Id> {
        let asked = |operation: &&Operation| operation.probed || self.kind.is_blinded();
        let unbounded =
            move |operation: &&Operation| asked(operation) && operation.output.answers_max().is_none();
        self.operations.iter().filter(unbounded).map(|operation| &operation.name)
    }
}

/// What is wrong with an operation of [`Product::unbounded`].
#[must_use]
pub fn unbounded(operation: &Id) -> String {
    format!(
        "operation `{operation}` has no bound on its answers: a model needs `queriesPerQuarter`, a blinded list \
         `elementsPerEpoch`"
    )
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
    format!("operation `{operation}`: {UNDECLARED_TABLE}")
}

/// Claims to tables over one data set.
const TABLE: &str = "table";
/// Who may claim a data set's tables together: whoever is charged to its budget.
const NOISE: Option<&str> = Some("noise");
const CLASH: &str = "a table whose small groups are hidden stands alone over its data set, beside no budget, and there is that of";

impl Marked for DataSet {
    /// Statistics of its privacy budget stand beside noised tables, and not beside exact counts.
    fn marks<'w>(&'w self, name: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        if self.privacy.is_some() {
            let key = [name.as_str(), "", "", ""];
            let (of, path, clash) = (TABLE, "spec.privacy", CLASH);
            take(Mark { of, key, window: None, shared_as: NOISE, path, clash });
        }
    }
}

impl Marked for Product {
    /// A table whose small groups are hidden stands alone over its data set: two could be subtracted. Noised ones are charged,
    /// each of them.
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        let tables = self.operations.iter().filter_map(|operation| operation.output.dated());
        let mut shared_as = tables.filter_map(|dated| match dated {
            Dated::Noised { .. } => Some(NOISE),
            Dated::Once { .. } => Some(None),
            Dated::Undeclared => None,
        });
        // A product's tables are of one family, so of one kind.
        let (Some(shared_as), [set]) = (shared_as.next(), &*self.data_sets) else { return };
        let key = [set.as_str(), "", "", ""];
        take(Mark { of: TABLE, key, window: None, shared_as, path: "spec.dataSets", clash: CLASH });
    }
}
