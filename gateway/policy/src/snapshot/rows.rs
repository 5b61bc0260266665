//! Grants into rows: what a grant refers to becomes numbers, what many grants share is kept once.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use shuzha_core::Id;
use shuzha_privacy::output::FieldSet;
use shuzha_products::World;
use shuzha_products::rights::{self, QuotaPeriod};

use super::grants::{Grant, GrantKey, Terms};
use super::name::Name;
use super::operation::{self, Tag};
use super::roll::{GRANT, leaf};
use super::{Product, Snapshot};
use crate::holds::grant::{CallQuota, Limits, QuotaWindow, Rate};

/// Terms seen so far, each with its digest: grants of one world share few.
#[derive(Default)]
pub(super) struct TermsPool(HashMap<Arc<Terms>, [u8; 32]>);

impl TermsPool {
    /// The shared copy of `terms`, and its digest.
    pub(super) fn share(&mut self, terms: Terms) -> (Arc<Terms>, [u8; 32]) {
        if let Some((known, digest)) = self.0.get_key_value(&terms) {
            return (Arc::clone(known), *digest);
        }
        let digest = terms.digest();
        let shared = Arc::new(terms);
        self.0.insert(Arc::clone(&shared), digest);
        (shared, digest)
    }
}

/// A grant by the names of what it refers to.
pub(super) struct Row<'r> {
    pub(super) name: &'r Id,
    pub(super) unit: &'r Id,
    pub(super) scenario: &'r Id,
    pub(super) agreement: &'r Id,
    pub(super) product: &'r Id,
}

impl Snapshot {
    /// Makes room for `count` grants.
    pub(super) fn reserve_grants(&mut self, count: usize) {
        self.grants.reserve(count);
    }

    /// Puts a declared grant in force in the place of the one of its name. `world` holds the product it was read
    /// against, unless that was put in force just before.
    pub(super) fn put_grant(
        &mut self,
        name: &Id,
        declared: &rights::Grant,
        world: &World,
        pool: &mut TermsPool,
    ) {
        if let Some(product) = world.products.get(&declared.product)
            && rights::unbounded(product, declared.quota)
        {
            tracing::warn!(grant = %name, "a blinded list is granted without a quota: to be granted anew");
        }
        let operations =
            declared.operations.iter().filter_map(|granted| self.granted(declared, granted, world));
        let terms =
            Terms { window: declared.window, limits: limits(declared), operations: operations.collect() };
        let row = Row {
            name,
            unit: &declared.unit,
            scenario: &declared.scenario,
            agreement: &declared.agreement,
            product: &declared.product,
        };
        let (terms, digest) = pool.share(terms);
        self.put_row(&row, terms, &digest);
    }

    /// Puts a grant in force in the place of the one of its name. `digest` is that of `terms`.
    fn put_row(&mut self, row: &Row<'_>, terms: Arc<Terms>, digest: &[u8; 32]) {
        self.remove_grant(row.name.as_str());
        let numbers = [row.unit, row.scenario, row.agreement, row.product].map(|name| self.number(name));
        self.add_row(row, numbers, terms, digest);
    }

    /// The number of a name.
    pub(super) fn number(&mut self, name: &Id) -> u32 {
        self.names.number(name)
    }

    /// Puts a grant in force of whose name there is none. `numbers` are those of unit, scenario, agreement, product.
    pub(super) fn add_row(&mut self, row: &Row<'_>, numbers: [u32; 4], terms: Arc<Terms>, digest: &[u8; 32]) {
        let [unit, scenario, agreement, product] = numbers;
        let key = (unit, scenario, product);
        self.roll.put_grant(row.name.as_str(), row.leaf(digest), key);
        self.grants.insert(key, Grant::new(Name::from(row.name), agreement, terms));
    }

    /// Takes a grant out of force, if it is there.
    pub(super) fn remove_grant(&mut self, name: &str) {
        if let Some((key, leaf)) = self.roll.grant(name, &self.grants) {
            self.grants.remove(key, name);
            self.roll.remove_grant(name, &leaf);
        }
    }

    /// The names of what a grant refers to: unit, scenario, agreement, product.
    fn references(&self, key: GrantKey, grant: &Grant) -> [&Id; 4] {
        [key.0, key.1, grant.agreement, key.2].map(|number| self.names.text(number))
    }

    /// An operation as it was granted, in terms of the product as it is in force.
    fn granted(
        &self,
        grant: &rights::Grant,
        granted: &rights::GrantedOperation,
        world: &World,
    ) -> Option<(Tag, FieldSet)> {
        let in_force = self.products.get(&grant.product)?;
        let now = in_force.operations.iter().find(|known| known.name == granted.operation)?;
        let Some(read) = world.products.get(&grant.product) else { return Some((now.tag, granted.fields)) };
        let read = read.operation(granted.operation.as_str())?;
        if operation::tag(read) == now.tag {
            return Some((now.tag, granted.fields));
        }
        // Read against another version of the product: leaves go by their pointers.
        let contract = read.output.contract()?;
        let pointers: Vec<String> = contract.pointers(granted.fields).map(str::to_owned).collect();
        let fields = now.fields_among(&pointers);
        (!fields.is_empty()).then_some((now.tag, fields))
    }

    /// Follows a product whose contracts changed: its grants keep the leaves they had, by pointer. A grant whose
    /// operation is gone, or left without leaves, is for nothing.
    pub(super) fn translate_grants(&mut self, before: &Product, product: &Product) {
        let moved: HashMap<Tag, &str> = before
            .operations
            .iter()
            .filter(|old| product.operations.iter().all(|new| new.tag != old.tag))
            .map(|old| (old.tag, old.name.as_str()))
            .collect();
        if moved.is_empty() {
            return;
        }
        let translate = |(tag, fields): &(Tag, FieldSet)| {
            let name = moved.get(tag)?;
            let old = before.operations.iter().find(|known| known.tag == *tag)?;
            let new = product.operations.iter().find(|known| known.name.as_str() == *name)?;
            let fields = new.fields_among(&old.pointers(*fields));
            (!fields.is_empty()).then_some((new.tag, fields))
        };
        let concerned =
            |grant: &Grant| grant.terms().operations.iter().any(|(tag, _)| moved.contains_key(tag));
        let rows: Vec<(GrantKey, Grant)> = self
            .grants
            .iter()
            .filter(|(key, grant)| key.2 == product.index && concerned(grant))
            .map(|(key, grant)| (key, grant.clone()))
            .collect();
        let mut pool = TermsPool::default();
        for (key, grant) in rows {
            let mut terms = Terms::clone(grant.terms());
            for operation in &mut terms.operations {
                *operation = translate(operation).unwrap_or(*operation);
            }
            let (terms, digest) = pool.share(terms);
            let names = self.references(key, &grant).map(Id::clone);
            let [unit, scenario, agreement, product] = &names;
            let name = grant.name.to_id();
            self.put_row(&Row { name: &name, unit, scenario, agreement, product }, terms, &digest);
        }
    }
}

impl Row<'_> {
    /// The grant's leaf on the roll.
    fn leaf(&self, terms: &[u8; 32]) -> [u8; 32] {
        let mut names = Vec::with_capacity(128);
        for name in [self.unit, self.scenario, self.agreement, self.product] {
            names.extend_from_slice(name.as_str().as_bytes());
            names.push(0);
        }
        leaf(GRANT, self.name.as_str(), &[&names, terms])
    }
}

fn limits(declared: &rights::Grant) -> Limits {
    let quota = declared.quota.map(|quota| CallQuota {
        max: quota.max,
        per: match quota.per {
            QuotaPeriod::Day => QuotaWindow::Day,
            QuotaPeriod::Month => QuotaWindow::Month,
            QuotaPeriod::Term => QuotaWindow::Term,
        },
    });
    let rate = &declared.rate;
    let rate = NonZeroU32::new(rate.calls).zip(NonZeroU32::new(rate.burst)).map(|(calls, burst)| Rate {
        calls,
        window: rate.per,
        burst,
    });
    Limits { quota, rate, concurrency: NonZeroU32::new(declared.concurrency) }
}
