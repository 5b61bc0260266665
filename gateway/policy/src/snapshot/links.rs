//! What a snapshot makes of several objects at once: rules, prices, and what speaks for a product.

use std::collections::HashMap;
use std::sync::Arc;

use shuzha_core::Id;
use shuzha_products::Window;
use shuzha_products::exit_review::ExitReview;

use super::declared::Stale;
use super::{CompileError, Product, Rules, Snapshot, Suspensions};

impl Snapshot {
    /// Makes anew what is made of several objects.
    pub(super) fn refresh(&mut self, stale: &Stale, faults: &mut Vec<CompileError>) {
        if stale.rules {
            let rules = self.declared.jurisdictions.values().next();
            self.rules = rules.map_or_else(Rules::default, Rules::from);
        }
        if stale.issuers {
            let (issuers, generation) = self.declared.issuers(faults);
            (self.issuers, self.issuers_generation) = (Arc::new(issuers), generation);
        }
        if stale.prices {
            self.prices = Arc::new(self.declared.price_book(faults));
        }
        if stale.suspensions {
            self.suspensions = Arc::new(Suspensions::new(self.declared.suspensions.iter()));
        }
        if stale.statistics {
            self.link_statistics();
        }
        if stale.certificates {
            let certified =
                by_product(self.declared.certificates.values().map(|one| (&one.product, one.window)));
            self.link(certified, |product| &product.certificates, |product| &mut product.certificates);
        }
        if stale.authorised {
            self.link_authorised();
        }
        if stale.listings {
            let listed = by_product(self.declared.listings.values().map(|one| (&one.product, one.window)));
            self.link(listed, |product| &product.listings, |product| &mut product.listings);
        }
        if stale.exit_reviews {
            self.link_exit_reviews();
        }
    }

    fn link_statistics(&mut self) {
        let statistics = self.declared.statistics();
        let of = |product: &Product| product.data_sets.iter().find_map(|set| statistics.get(set).cloned());
        let linked: Vec<_> =
            self.products.iter().map(|(name, product)| (name.clone(), of(product))).collect();
        for (name, statistics) in linked {
            let known = self.products.get(&name).is_some_and(|known| known.statistics.is_some());
            if (known || statistics.is_some())
                && let Some(product) = self.products.get_mut(&name)
            {
                Arc::make_mut(product).statistics = statistics;
            }
        }
    }

    /// Gives products the windows of what speaks for them, where these differ from what they have.
    fn link(
        &mut self,
        mut windows: HashMap<Id, Vec<Window>>,
        has: fn(&Product) -> &[Window],
        put: fn(&mut Product) -> &mut Vec<Window>,
    ) {
        let differs = |(name, product): &(&Id, &Arc<Product>)| {
            windows.get(*name).map_or(&[][..], Vec::as_slice) != has(product)
        };
        let stale: Vec<Id> = self.products.iter().filter(differs).map(|(name, _)| name.clone()).collect();
        for name in stale {
            if let Some(product) = self.products.get_mut(&name) {
                *put(Arc::make_mut(product)) = windows.remove(&name).unwrap_or_default();
            }
        }
    }

    fn link_exit_reviews(&mut self) {
        let mut reviews: HashMap<&Id, Vec<&ExitReview>> = HashMap::new();
        for review in self.declared.exit_reviews.values() {
            reviews.entry(&review.product).or_default().push(review);
        }
        let reviewed = |name: &Id, product: &Product| {
            let of_it = reviews.get(name).into_iter().flatten();
            of_it.into_iter().any(|review| review.speaks_for(name, &product.reviewable))
        };
        let differs = |(name, product): &(&Id, &Arc<Product>)| reviewed(name, product) != product.reviewed;
        let stale: Vec<Id> = self.products.iter().filter(differs).map(|(name, _)| name.clone()).collect();
        for name in stale {
            if let Some(product) = self.products.get_mut(&name) {
                let product = Arc::make_mut(product);
                product.reviewed = !product.reviewed;
            }
        }
    }
}

/// Windows by product, in order of the names of what gives them.
fn by_product<'d>(windows: impl Iterator<Item = (&'d Id, Window)>) -> HashMap<Id, Vec<Window>> {
    let mut of: HashMap<Id, Vec<Window>> = HashMap::new();
    for (product, window) in windows {
        of.entry(product.clone()).or_default().push(window);
    }
    of
}
