//! Services behind reports: which domains they keep.

use std::collections::BTreeSet;
use std::sync::Arc;

use shuzha_core::{Clock, Id};
use shuzha_policy::DomainDigest;

use super::link::{self, Link};
use super::target::Target;
use super::{Upstreams, proof};
use crate::egress::Egress;

impl Upstreams {
    /// Says which services are behind reports. Those that are new are asked at once which domains they keep, all at every check.
    pub fn inquire_of(&self, engines: impl IntoIterator<Item = Id>) {
        let engines: BTreeSet<Id> = engines.into_iter().collect();
        let before = self.engines.swap(Arc::new(engines.clone()));
        if *before != engines {
            self.replaced.notify_one();
        }
    }

    /// Whether an instance of the product service keeps another domain, or was asked and said nothing: for readiness.
    #[must_use]
    pub fn denies(&self, upstream: &Id, domain: DomainDigest) -> bool {
        self.targets.load().get(upstream).is_some_and(|target| target.denies(domain))
    }

    /// Whether no instance of the product service has said that it keeps other domains.
    #[must_use]
    pub fn keeps(&self, upstream: &Id, domain: DomainDigest) -> bool {
        self.targets.load().get(upstream).is_none_or(|target| target.keeps(domain))
    }
}

/// Asks every instance of a statistics service which domains it keeps. One that cannot be reached stays as it was known: it is
/// asked again before a query is sent to it.
pub(super) async fn inquire(target: &Target, egress: &Egress, clock: &dyn Clock) {
    for instance in target.instances().into_iter().filter(|instance| egress.permits(instance.address)) {
        let by = link::due(target.options.connect_timeout);
        let link = match instance.pool.take().await {
            Some(link) => Some(link),
            None => Link::connect(instance.address, by).await,
        };
        let Some(mut link) = link else { continue };
        match proof::inquire(&mut link, &instance, target, clock, by).await {
            Ok(Ok(())) => instance.pool.give(link),
            // Readiness names it, and whoever calls it is told.
            Ok(Err(reason)) if instance.unproved() => {
                tracing::info!(upstream = %target.options.name, instance = %instance.address, reason, "says no domain");
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
