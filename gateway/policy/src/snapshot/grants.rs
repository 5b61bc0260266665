//! Grants in the snapshot: few bytes each, because there may be a million.
//!
//! A row holds what is its own — its name, whose agreement it stands under — and points to its terms, which many
//! share. Units, scenarios, products and agreements are named by number, so that a change of one of them is seen by
//! its grants without touching a single row.

use std::sync::{Arc, OnceLock};

use ring::digest::{Context, SHA256};
use shuzha_privacy::output::FieldSet;
use shuzha_products::Window;

use super::cow_map::{ByNumber, CowMap};
use super::name::Name;
use super::operation::{Operation, Tag};
use crate::holds::GrantLedger;
use crate::holds::grant::{GrantState, Limits, QuotaWindow};

/// (unit, scenario, product), each by the number of its name.
pub(crate) type GrantKey = (u32, u32, u32);

/// The rows under one key; nearly always one.
#[derive(Clone)]
pub(crate) enum Rows {
    One(Grant),
    Many(Box<[Grant]>),
}

impl Rows {
    /// The rows, in order of name.
    pub(crate) fn as_slice(&self) -> &[Grant] {
        match self {
            Self::One(grant) => std::slice::from_ref(grant),
            Self::Many(grants) => grants,
        }
    }
}

/// What a unit may call for a scenario.
#[derive(Clone)]
pub(crate) struct Grant {
    terms: Arc<Terms>,
    state: OnceLock<Arc<GrantState>>,
    /// Number of the agreement's name.
    pub(crate) agreement: u32,
    pub(crate) name: Name,
}

/// Window, limits and what is granted: the same for many grants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(crate) window: Window,
    pub(crate) limits: Limits,
    /// Operations as they were when this was granted, and the leaves of their answers that are granted.
    pub(crate) operations: Box<[(Tag, FieldSet)]>,
}

impl Terms {
    /// SHA-256 of the terms, each field in a fixed width.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for at in [self.window.from(), self.window.until()] {
            context.update(&at.micros().to_be_bytes());
        }
        let (per, max) = self.limits.quota.map_or((0, 0), |quota| (quota_code(quota.per), quota.max));
        context.update(&[per]);
        context.update(&max.to_be_bytes());
        let rate = self.limits.rate;
        let (calls, burst) = rate.map_or((0, 0), |rate| (rate.calls.get(), rate.burst.get()));
        context.update(&calls.to_be_bytes());
        context.update(&burst.to_be_bytes());
        context.update(&rate.map_or(0, |rate| rate.window.as_micros()).to_be_bytes());
        context.update(&self.limits.concurrency.map_or(0, std::num::NonZero::get).to_be_bytes());
        for (tag, fields) in &self.operations {
            context.update(tag);
            context.update(&fields.0.to_be_bytes());
        }
        finished(context)
    }
}

/// The code of a window of quotas in digests and files; 0 is none.
pub(crate) const fn quota_code(per: QuotaWindow) -> u8 {
    match per {
        QuotaWindow::Day => 1,
        QuotaWindow::Month => 2,
        QuotaWindow::Term => 3,
    }
}

/// The 32 bytes of a SHA-256.
pub(super) fn finished(context: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

impl Grant {
    pub(crate) const fn new(name: Name, agreement: u32, terms: Arc<Terms>) -> Self {
        Self { terms, state: OnceLock::new(), agreement, name }
    }

    /// The terms it shares with others.
    pub(crate) const fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    /// When it may be used.
    pub(crate) fn window(&self) -> Window {
        self.terms.window
    }

    /// How often.
    pub(crate) fn limits(&self) -> &Limits {
        &self.terms.limits
    }

    /// Whether the grant is for the operation as it is now.
    pub(crate) fn covers(&self, operation: &Operation) -> bool {
        self.terms.operations.iter().any(|(tag, _)| *tag == operation.tag)
    }

    /// The granted leaves of the operation's answer.
    pub(crate) fn fields(&self, operation: &Operation) -> FieldSet {
        let found = self.terms.operations.iter().find(|(tag, _)| *tag == operation.tag);
        found.map_or_else(FieldSet::default, |(_, fields)| *fields)
    }

    /// The grant's counters, which outlive every snapshot; looked up once per snapshot that changed the row.
    pub(crate) fn state(&self, ledger: &GrantLedger) -> &Arc<GrantState> {
        self.state.get_or_init(|| ledger.state(&self.name.to_id()))
    }
}

/// All grants.
#[derive(Clone, Default)]
pub(crate) struct GrantTable {
    rows: CowMap<GrantKey, Rows, ByNumber>,
    count: usize,
}

impl GrantTable {
    /// Number of grants.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.rows.reserve(more);
    }

    /// The grants under `key`.
    pub(crate) fn under(&self, key: GrantKey) -> &[Grant] {
        self.rows.get(&key).map_or(&[], Rows::as_slice)
    }

    /// The grant called `name` under `key`.
    pub(crate) fn find(&self, key: GrantKey, name: &str) -> Option<&Grant> {
        self.under(key).iter().find(|grant| grant.name.as_str() == name)
    }

    /// Puts `grant` under `key`; there is none of its name.
    pub(crate) fn insert(&mut self, key: GrantKey, grant: Grant) {
        self.count += 1;
        let Some(rows) = self.rows.get_mut(&key) else {
            self.rows.insert(key, Rows::One(grant));
            return;
        };
        let mut all: Vec<Grant> = rows.as_slice().to_vec();
        all.push(grant);
        all.sort_by_key(|grant| grant.name);
        *rows = Rows::Many(all.into());
    }

    /// Takes the grant called `name` out from under `key`.
    pub(crate) fn remove(&mut self, key: GrantKey, name: &str) {
        let left: Vec<Grant> =
            self.under(key).iter().filter(|grant| grant.name.as_str() != name).cloned().collect();
        let before = self.under(key).len();
        self.count -= before - left.len();
        match <[Grant; 1]>::try_from(left) {
            Ok([one]) => self.rows.insert(key, Rows::One(one)),
            Err(none) if none.is_empty() => self.rows.remove(&key),
            Err(several) => self.rows.insert(key, Rows::Many(several.into())),
        };
    }

    /// Every grant with its key, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (GrantKey, &Grant)> {
        self.rows.iter().flat_map(|(key, rows)| rows.as_slice().iter().map(move |grant| (*key, grant)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_small() {
        assert!(size_of::<(GrantKey, Rows)>() <= 80, "{}", size_of::<(GrantKey, Rows)>());
    }
}
