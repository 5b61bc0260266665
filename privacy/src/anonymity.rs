//! How well a set of released records hides the persons or companies in it: k, l and the risk of being named.
//!
//! Records that cannot be told apart by what is released of them form a class. Whoever knows as much of one of them from elsewhere — a
//! public register is enough — finds its class and no more. k is the size of the smallest class (Sweeney 2002); l the fewest different
//! sensitive values in a class (Machanavajjhala et al. 2007); the journalist's risk is one in the size of a record's class, where whoever
//! looks knows that the record is among them (El Emam 2013). A mask makes classes larger; it makes nobody anonymous by itself.

use std::collections::{HashMap, HashSet};

/// A set of records, by what is released of each.
#[derive(Debug, Default)]
pub struct Population {
    classes: HashMap<Vec<u8>, Class>,
}

#[derive(Debug, Default)]
struct Class {
    records: u64,
    /// Different sensitive values, as many as are looked at.
    sensitive: HashSet<Vec<u8>>,
}

/// Most different sensitive values that are told apart in a class: beyond, they are enough for anybody.
const SENSITIVE_MAX: usize = 64;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anonymity {
    /// Records.
    pub records: u64,
    /// Classes.
    pub classes: u64,
    /// Records in the smallest class; 0 where there is none.
    pub k: u64,
    /// Records that are alone in their class.
    pub unique: u64,
    /// Records in classes of fewer than was asked for.
    pub below: u64,
    /// The journalist's risk of the record that is worst off, 0 to 1.
    pub risk_most: f64,
    /// The same over all records, on average.
    pub risk_average: f64,
    /// The fewest different sensitive values in a class, up to 64; none where nothing is sensitive.
    pub l: Option<u64>,
}

impl Population {
    /// Counts a record: what is released of it that somebody may know from elsewhere, and what is sensitive.
    pub fn add(&mut self, released: Vec<u8>, sensitive: Option<Vec<u8>>) {
        let class = self.classes.entry(released).or_default();
        class.records += 1;
        if let Some(value) = sensitive.filter(|_| class.sensitive.len() < SENSITIVE_MAX) {
            class.sensitive.insert(value);
        }
    }

    /// Measures, against classes of at least `wanted` records.
    #[must_use]
    pub fn measure(&self, wanted: u64) -> Anonymity {
        let sizes = || self.classes.values().map(|class| class.records);
        let of = |small: &dyn Fn(u64) -> bool| sizes().filter(|size| small(*size)).sum();
        let (records, classes): (u64, _) = (sizes().sum(), self.classes.len() as u64);
        let k = sizes().min().unwrap_or(0);
        let is_sensitive = self.classes.values().any(|class| !class.sensitive.is_empty());
        let least = self.classes.values().map(|class| class.sensitive.len() as u64).min();
        Anonymity {
            records,
            classes,
            k,
            unique: of(&|size| size == 1),
            below: of(&|size| size < wanted),
            risk_most: ratio(u64::from(k > 0), k),
            risk_average: ratio(classes, records),
            l: least.filter(|_| is_sensitive),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_are_what_cannot_be_told_apart() {
        let mut population = Population::default();
        for (released, sensitive) in [("a", "x"), ("a", "y"), ("a", "x"), ("b", "x"), ("b", "x"), ("c", "z")]
        {
            population.add(released.into(), Some(sensitive.into()));
        }
        let found = population.measure(3);
        assert_eq!((found.records, found.classes, found.k, found.unique, found.below), (6, 3, 1, 1, 3));
        assert_eq!((found.l, found.risk_most, found.risk_average), (Some(1), 1.0, 0.5));
        let nobody = Population::default().measure(5);
        assert_eq!((nobody.k, nobody.risk_most, nobody.l), (0, 0.0, None));
    }

    proptest! {
        /// Telling less of everybody never makes anybody easier to find.
        #[test]
        fn a_coarser_release_is_never_worse(records in prop::collection::vec((0u8..50, 0u8..50), 1..200), wanted in 1u64..20) {
            let (mut fine, mut coarse) = (Population::default(), Population::default());
            for (one, other) in records {
                fine.add(vec![one, other], None);
                coarse.add(vec![one / 10, other / 10], None);
            }
            let (fine, coarse) = (fine.measure(wanted), coarse.measure(wanted));
            prop_assert!(coarse.k >= fine.k && coarse.unique <= fine.unique && coarse.below <= fine.below);
            prop_assert!(coarse.risk_most <= fine.risk_most && coarse.risk_average <= fine.risk_average);
        }
    }
}
