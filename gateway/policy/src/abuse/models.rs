//! Inputs of models, by scenario and product: whether they are a grid.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Mutex;

use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_privacy::abuse::{Inputs, LEAVES_MAX, leaf};
use shuzha_products::input::Parsed;

use super::Abuse;
use crate::shards::lock;

/// Most scenarios and models whose inputs are kept, of at most 8 MiB each where a scenario asks more than 24,000 times a
/// day. Of more, those that were asked longest ago are forgotten.
const MODELS_MAX: usize = 32;

/// Inputs of the models that are asked.
#[derive(Default)]
pub(crate) struct Models(Mutex<HashMap<(Id, Id), Inputs>>);

impl Models {
    /// Takes one input into account; whether the inputs are a grid.
    pub(crate) fn probed(&self, scenario: &Id, product: &Id, input: &[u32], now: Timestamp) -> bool {
        let mut models = lock(&self.0);
        let key = (scenario.clone(), product.clone());
        if models.len() >= MODELS_MAX && !models.contains_key(&key) {
            let oldest = models.iter().min_by_key(|(_, inputs)| inputs.latest()).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| models.remove(&oldest));
        }
        models.entry(key).or_default().observe(input, now)
    }

    /// Forgets what a scenario asked.
    pub(crate) fn forget(&self, scenario: &Id) {
        lock(&self.0).retain(|(asked_for, _), _| asked_for != scenario);
    }
}

impl Abuse {
    /// The leaves of a model's input at any depth, each as a keyed hash, in ascending order. An input of one nested object has
    /// as many as its parts: what is one leaf differs in one leaf from every other.
    pub(crate) fn leaves(&self, parsed: &Parsed) -> Vec<u32> {
        let mut found = Vec::new();
        walk(&self.hasher, 0, &parsed.value, &mut found);
        if found.len() > LEAVES_MAX {
            let mut folded: HashMap<u64, u64> = HashMap::new();
            for (name, value) in found {
                let sum = folded.entry(name % LEAVES_MAX as u64).or_default();
                *sum = sum.wrapping_add(value);
            }
            found = folded.into_iter().map(|(name, sum)| (name, self.hasher.hash_one(sum))).collect();
        }
        let mut leaves: Vec<u32> = found.into_iter().map(|(name, value)| leaf(name, value)).collect();
        leaves.sort_unstable();
        leaves
    }
}

/// Hashes of the name and of the value of each leaf under `value`. As deep as the reader of requests lets JSON be.
fn walk(hasher: &RandomState, name: u64, value: &Value, found: &mut Vec<(u64, u64)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                walk(hasher, hasher.hash_one((name, key)), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                walk(hasher, hasher.hash_one((name, at)), value, found);
            }
        }
        leaf => found.push((name, hasher.hash_one((name, leaf.to_string())))),
    }
}
