//! What of a world stands under no operating agreement (授权运营协议).

use std::collections::BTreeMap;

use shuzha_core::{Id, Timestamp};

use super::World;
use crate::operating::Authorised;
use crate::product::Product;

impl World {
    /// What stands behind a product of this world.
    fn authorised(&self, product: &Product) -> Authorised {
        let sets = product.data_sets.iter().map(|name| (name, self.data_sets.get(name)));
        Authorised::of(&product.operator, sets, self.operating_agreements.iter())
    }

    /// How many products of each operator stand under no operating agreement at `at`, where the rules demand one.
    #[must_use]
    pub fn outside_agreements(&self, at: Timestamp) -> BTreeMap<Id, usize> {
        let mut outside = BTreeMap::new();
        let required = self.jurisdiction().operating.required;
        for product in self.products.values().filter(|_| required) {
            if !self.authorised(product).covers(None, at) {
                *outside.entry(product.operator.clone()).or_default() += 1;
            }
        }
        outside
    }

    /// Whether the operator never had an operating agreement.
    #[must_use]
    pub fn in_transition(&self, operator: &Id) -> bool {
        self.operating_agreements.values().all(|agreement| agreement.operator != *operator)
    }
}
