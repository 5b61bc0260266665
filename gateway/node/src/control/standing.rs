//! What should be in force on this node and is not: told by readiness, status and a gauge, and tried again until it is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::{IntGauge, Registry};
use serde_json::{Value, json};
use shuzha_core::Id;
use shuzha_policy::LeftOut;
use shuzha_products::case::Declared;
use shuzha_products::{WorldError, world};

/// Most objects that are only missing what they refer to and are known by name; the next reading of everything finds others.
const DANGLING_MAX: usize = 100_000;
/// Most objects at fault that are tried again at once.
const RETRIED_MAX: usize = 256;
/// Most objects named by readiness, and by status.
const NAMED_MAX: usize = 8;
const LISTED_MAX: usize = 1_000;

/// Kind and name of an object.
type Key = (&'static str, Id);

/// Objects that should be in force and are not.
pub(crate) struct Standing {
    left_out: Mutex<BTreeMap<Key, LeftOut>>,
    /// Credentials of world files whose secrets are not here.
    lacking: Mutex<Vec<String>>,
    gauge: IntGauge,
}

impl Standing {
    /// Nothing is left out yet.
    ///
    /// # Errors
    /// When the gauge is registered already.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = IntGauge::new(
            "shuzha_decisions_not_in_force",
            "Objects of the register that should be in force on this node and are not.",
        )?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self { left_out: Mutex::default(), lacking: Mutex::default(), gauge })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, LeftOut>> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secrets of these credentials are not here.
    pub(crate) fn lacks(&self, credentials: Vec<String>) {
        *self.lacking.lock().unwrap_or_else(PoisonError::into_inner) = credentials;
    }

    /// Why the node is not ready, where secrets are not here.
    pub(crate) fn lacking(&self) -> Option<String> {
        let lacking = self.lacking.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, count) = (lacking.first()?, lacking.len());
        Some(format!(
            "the secrets of {count} credentials are not here, such as {first}: restore shuzha.db from a backup, or issue new ones \
             by `shuzha keys issue {first}` and send SIGHUP"
        ))
    }

    /// Everything was read anew, and this was left out.
    pub(crate) fn replace(&self, left_out: Vec<LeftOut>) {
        let mut known = self.lock();
        known.clear();
        self.add(&mut known, left_out);
    }

    /// The `tried` objects were put in force or taken out, but for those in `left_out`.
    pub(crate) fn settle<'k>(&self, tried: impl IntoIterator<Item = &'k Key>, left_out: Vec<LeftOut>) {
        let mut known = self.lock();
        for key in tried {
            if known.remove(key).is_some_and(|one| !one.dangling)
                && !left_out.iter().any(|one| one.kind == key.0 && one.name == key.1)
            {
                tracing::info!(object = format!("{}/{}", key.0, key.1), "is not left out any more");
            }
        }
        self.add(&mut known, left_out);
    }

    fn add(&self, known: &mut BTreeMap<Key, LeftOut>, left_out: Vec<LeftOut>) {
        for one in left_out {
            let Some(kind) = kind_named(&one.kind) else {
                tracing::error!(
                    object = one.object(),
                    reason = one.reason,
                    "of no kind of this software; NOT in force"
                );
                continue;
            };
            if one.dangling {
                tracing::warn!(
                    object = one.object(),
                    reason = one.reason,
                    "not in force: what it refers to is not"
                );
            } else {
                tracing::error!(object = one.object(), reason = one.reason, "should be in force and is NOT");
            }
            if !one.dangling || known.len() < DANGLING_MAX {
                known.insert((kind, one.name.clone()), one);
            }
        }
        let count = known.values().filter(|one| !one.dangling).count();
        self.gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether the object should be in force and is not.
    pub(crate) fn is_left_out(&self, kind: &str, name: &Id) -> bool {
        kind_named(kind).is_some_and(|kind| self.lock().contains_key(&(kind, name.clone())))
    }

    /// Objects that were left out for want of one of `put`.
    pub(crate) fn waiting_for(&self, put: &[Declared]) -> Vec<Key> {
        let known = self.lock();
        if known.is_empty() {
            return Vec::new();
        }
        let wanted = put.iter().flat_map(|put| {
            [WorldError::missing(put.kind, put.name.as_str()), format!("{}/{} ", put.kind, put.name)]
        });
        let wanted: Vec<String> = wanted.collect();
        let waits = |one: &LeftOut| one.dangling && wanted.iter().any(|text| one.reason.contains(text));
        known.iter().filter(|(_, one)| waits(one)).map(|(key, _)| key.clone()).collect()
    }

    /// Objects that are at fault themselves, as many as are tried again at once, behind `after`.
    pub(crate) fn at_fault(&self, after: Option<&Key>) -> Vec<Key> {
        let known = self.lock();
        let own = |(_, one): &(&Key, &LeftOut)| !one.dangling;
        let behind =
            known.iter().filter(own).map(|(key, _)| key).filter(|key| after.is_none_or(|after| *key > after));
        behind.take(RETRIED_MAX).cloned().collect()
    }

    /// Why the node is not ready, where something is left out that is at fault itself.
    pub(crate) fn unready(&self) -> Option<String> {
        let known = self.lock();
        let own: Vec<_> = known.values().filter(|one| !one.dangling).collect();
        if own.is_empty() {
            return None;
        }
        let named: Vec<String> = own.iter().take(NAMED_MAX).map(|one| one.object()).collect();
        let more = if own.len() > NAMED_MAX { ", …" } else { "" };
        Some(format!("{} decisions are not in force on this node: {}{more}", own.len(), named.join(", ")))
    }

    /// What is left out, for the node's status.
    pub(crate) fn status(&self) -> Value {
        let known = self.lock();
        let mut listed: Vec<&LeftOut> = known.values().collect();
        listed.sort_by_key(|one| one.dangling);
        let shown = listed.iter().take(LISTED_MAX).map(|one| {
            let waits = if one.dangling { "what it refers to" } else { "itself" };
            json!({"kind": one.kind, "name": one.name.as_str(), "reason": one.reason, "at_fault": waits})
        });
        json!({"count": listed.len(), "objects": shown.collect::<Vec<_>>()})
    }
}

/// The kind of this name.
pub(super) fn kind_named(name: &str) -> Option<&'static str> {
    world::KINDS.iter().map(|kind| kind.name).find(|kind| *kind == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(kind: &str, name: &str, reason: &str, dangling: bool) -> LeftOut {
        LeftOut {
            kind: kind.to_owned(),
            name: name.parse().expect("a name"),
            reason: reason.to_owned(),
            dangling,
        }
    }

    fn id(name: &str) -> Id {
        name.parse().expect("a name")
    }

    #[test]
    fn what_waits_for_another_is_no_fault_and_is_found_when_that_comes() {
        let standing = Standing::new(&Registry::new()).expect("the first");
        let wants = WorldError::missing("Agreement", "a");
        standing.replace(vec![left_out("Grant", "g", &format!("spec.agreement: {wants}"), true)]);
        assert_eq!((standing.unready(), standing.gauge.get()), (None, 0));
        assert!(standing.is_left_out("Grant", &id("g")));
        let declared = |kind, name| Declared { kind, name: id(name), spec: Value::Null };
        assert_eq!(standing.waiting_for(&[declared("Agreement", "b")]), []);
        assert_eq!(standing.waiting_for(&[declared("Agreement", "a")]), [("Grant", id("g"))]);
        standing.settle([], vec![left_out("Credential", "c", "not a key", false)]);
        assert_eq!(standing.gauge.get(), 1);
        assert!(standing.unready().expect("not ready").contains("Credential/c"));
        assert_eq!(standing.at_fault(None), [("Credential", id("c"))]);
        assert_eq!(standing.at_fault(Some(&("Credential", id("c")))), []);
        assert_eq!(standing.status()["count"], 2);
        standing.settle([&("Credential", id("c"))], Vec::new());
        assert_eq!((standing.unready(), standing.gauge.get()), (None, 0));
        standing.lacks(vec!["bank-1".to_owned()]);
        assert!(standing.lacking().expect("not ready").contains("shuzha keys issue bank-1"));
        standing.lacks(Vec::new());
        assert_eq!(standing.lacking(), None);
    }
}
