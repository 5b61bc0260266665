//! The operating agreements (授权运营协议) that products stand under.

use std::collections::BTreeSet;
use std::sync::Arc;

use shuzha_core::{Id, Timestamp};
use shuzha_products::operating::Authorised;

use super::{Product, Snapshot};

impl Snapshot {
    /// Gives products what they stand under, where it differs from what they have.
    pub(super) fn link_authorised(&mut self) {
        let declared = &self.declared;
        let of = |product: &Product| {
            let sets = product.data_sets.iter().map(|name| (name, declared.data_sets.get(name)));
            Authorised::of(&product.operator, sets, declared.operating_agreements.iter())
        };
        let linked: Vec<_> = self
            .products
            .iter()
            .filter_map(|(name, product)| {
                Some((name.clone(), of(product))).filter(|(_, now)| *now != product.authorised)
            })
            .collect();
        for (name, authorised) in linked {
            if let Some(product) = self.products.get_mut(&name) {
                Arc::make_mut(product).authorised = authorised;
            }
        }
    }

    /// Operators that operate at `now` in a time of transition only, and when it ends.
    #[must_use]
    pub fn in_transition(&self, now: Timestamp) -> Option<(Timestamp, BTreeSet<&Id>)> {
        let demand = self.rules.operating;
        let passes = |product: &&Product| demand.passes_over(&product.authorised, now);
        let products = self.products.iter().map(|(_, product)| &**product).filter(passes);
        let operators: BTreeSet<_> = products.map(|product| &product.operator).collect();
        demand.binds_from.filter(|_| !operators.is_empty()).map(|ends| (ends, operators))
    }
}
