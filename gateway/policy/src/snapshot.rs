//! The policy snapshot: an immutable, compiled structure that every call reads through one pointer.
//!
//! It is made from a checked [`World`](shuzha_products::World) and holds the very shapes the stages ask for. The
//! world's counters are not in it: they live with the gate, so a new snapshot resets nothing.
//!
//! A change makes a new snapshot that shares with the old one whatever it did not touch; see [`Snapshot::with`].

mod compile;
mod cow_map;
mod declared;
mod edit;
mod grants;
mod links;
mod mark;
mod name;
mod operating;
mod operation;
mod roll;
mod rows;
mod statistics;
mod suspensions;
mod tables;

use std::sync::Arc;

use shuzha_core::{Id, MicroYuan, PurposeClass, Timestamp};
use shuzha_pricing::PriceBook;
use shuzha_privacy::abuse::Volume;
use shuzha_privacy::consent::Issuers;
use shuzha_privacy::subject::{Pseudonym, Pseudonymiser, SubjectPrf};
use shuzha_products::Window;
use shuzha_products::credential::Cidr;
use shuzha_products::exit_review::Reviewable;
use shuzha_products::input::Parsed;
use shuzha_products::jurisdiction::{Jurisdiction, ListingRule};
use shuzha_products::operating::{Authorised, Demand};

pub use compile::{CompileError, Delta, KeyRing};
pub(crate) use grants::{Grant, GrantKey, Terms, quota_code};
pub use mark::Mark;
pub(crate) use operation::{ConcurrencyPermit, Operation, Tag};
pub(crate) use suspensions::{Stopped, Suspensions};
pub(crate) use tables::ReleaseName;

use cow_map::{ByNumber, CowMap};
use declared::Declared;
use grants::GrantTable;
use roll::{Roll, Source};
pub use statistics::Engine;
pub(crate) use statistics::{DataSet, PersonSpace, Statistics};

use crate::signature::VerifyingKey;

/// Everything the stages look up.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Of everything on the roll.
    digest: [u8; 32],
    pub(crate) rules: Rules,
    pub(crate) credentials: CowMap<Id, Arc<Credential>>,
    /// By the number of the name, as agreements and grants are.
    units: CowMap<u32, Arc<Unit>, ByNumber>,
    pub(crate) products: CowMap<Id, Arc<Product>>,
    /// Canaries on blinded lists, by the product of the list.
    baits: CowMap<Id, Arc<[Pseudonym]>>,
    pub(crate) scenarios: CowMap<Id, Arc<Scenario>>,
    agreements: CowMap<u32, Arc<Agreement>, ByNumber>,
    grants: GrantTable,
    pub(crate) issuers: Arc<Issuers>,
    /// Changes with the issuers, so that consents cached under others are not found.
    pub(crate) issuers_generation: u64,
    pub(crate) prices: Arc<PriceBook>,
    pub(crate) suspensions: Arc<Suspensions>,
    /// What the shapes above that are made of several objects are made of.
    declared: Declared,
    names: Names,
    roll: Roll,
    /// How far it follows whoever decides what is in force; no part of the digest.
    mark: Option<Mark>,
}

/// Names that grants refer to, by number. A name keeps its number when its object goes, for grants that still refer to
/// it, and so that the object can come back; numbers begin anew when a process starts.
#[derive(Clone, Default)]
struct Names {
    numbers: CowMap<Id, u32>,
    texts: CowMap<u32, Id, ByNumber>,
}

impl Snapshot {
    /// The trusted issuers of consents whose keys are here.
    #[must_use]
    pub fn issuers(&self) -> Arc<Issuers> {
        Arc::clone(&self.issuers)
    }

    /// The purpose of a scenario that is approved for `unit` and open at `now`.
    #[must_use]
    pub fn purpose(&self, unit: &Id, scenario: &Id, now: Timestamp) -> Option<PurposeClass> {
        let found = self.scenarios.get(scenario)?;
        (found.unit == *unit && found.approved && found.window.contains(now)).then_some(found.purpose)
    }

    /// Whether a request is about an entry of a blinded list that belongs to nobody: it is known from the list alone.
    pub(crate) fn is_bait<P: SubjectPrf>(&self, keys: &Pseudonymiser<P>, parsed: &Parsed) -> bool {
        let Some(subject) = &parsed.subject else { return false };
        self.baits.iter().any(|(product, tags)| tags.contains(&keys.canary(product, subject)))
    }

    /// Whether a product in force asks for a consent to an operation.
    #[must_use]
    pub fn asks_consent(&self, product: &Id, operation: &str) -> bool {
        let product = self.products.get(product);
        let mut operations = product.iter().flat_map(|product| product.operations.iter());
        operations.any(|one| one.personal && one.name.as_str() == operation)
    }
}

impl Names {
    /// The number of `name`, given out now if it has none.
    fn number(&mut self, name: &Id) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).expect("fewer names than would fill the memory");
        self.numbers.insert(name.clone(), number);
        self.texts.insert(number, name.clone());
        number
    }

    fn text(&self, number: u32) -> &Id {
        self.texts.get(&number).expect("every number given out has its name")
    }
}

/// What the jurisdiction asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) certificate_required: bool,
    /// Whether somebody must have reviewed a product as it is before its answers leave the domain (出域审查).
    pub(crate) exit_review_required: bool,
    /// Whether a product needs an operating agreement (授权运营协议) that covers its data.
    pub(crate) operating: Demand,
    /// Whether what is paid for must be listed at an exchange.
    pub(crate) listing: ListingRule,
}

impl Default for Rules {
    /// Of the strictest jurisdiction.
    fn default() -> Self {
        Self::from(&Jurisdiction::default())
    }
}

impl From<&Jurisdiction> for Rules {
    fn from(rules: &Jurisdiction) -> Self {
        Self {
            certificate_required: rules.certificate_required,
            exit_review_required: !rules.exit_review_by.is_empty(),
            operating: rules.operating,
            listing: rules.exchange_listing,
        }
    }
}

/// An application unit (应用单位).
pub(crate) struct Unit {
    pub(crate) name: Id,
    /// Number of its name.
    index: u32,
    /// Whose it is.
    organisation: Id,
    pub(crate) credit_limit: Option<MicroYuan>,
}

/// A credential of a unit.
pub(crate) struct Credential {
    pub(crate) name: Id,
    /// Number of the unit's name.
    unit: u32,
    /// None where the key was not deposited with this gateway.
    pub(crate) key: Option<VerifyingKey>,
    pub(crate) window: Window,
    pub(crate) allow: Vec<Cidr>,
    pub(crate) revoked: bool,
    /// Whether it opens the sandbox, and nothing else.
    pub(crate) sandbox: bool,
    /// Until when it may sign by version 1 of the simple profile.
    pub(crate) simple_v1_until: Option<Timestamp>,
}

impl Credential {
    /// Whether it may be used at `now`.
    pub(crate) fn stands(&self, now: Timestamp) -> bool {
        !self.revoked && self.window.contains(now)
    }
}

/// A product, live or not.
#[derive(Clone)]
pub(crate) struct Product {
    pub(crate) name: Id,
    index: u32,
    pub(crate) version: u32,
    pub(crate) upstream: Id,
    /// Whose product it is.
    pub(crate) operator: Id,
    pub(crate) operations: Arc<[Operation]>,
    pub(crate) certificates: Vec<Window>,
    /// When it is listed at an exchange.
    pub(crate) listings: Vec<Window>,
    /// Of what an exit review looks at.
    reviewable: Reviewable,
    /// Whether an exit review in force speaks for the product as it is.
    pub(crate) reviewed: bool,
    /// The operating agreements that it stands under.
    pub(crate) authorised: Authorised,
    /// The synthetic service that answers in the sandbox, where there is one.
    pub(crate) sandbox: Option<Id>,
    pub(crate) data_sets: Vec<Id>,
    /// For reports: the data set's public metadata and budgets.
    pub(crate) statistics: Option<Arc<Statistics>>,
}

/// An approved use (应用场景) of one unit.
pub(crate) struct Scenario {
    pub(crate) name: Id,
    index: u32,
    pub(crate) unit: Id,
    pub(crate) purpose: PurposeClass,
    pub(crate) window: Window,
    pub(crate) approved: bool,
    /// How much a day it was approved for.
    pub(crate) volume: Volume,
}

/// A service agreement (应用服务协议).
pub(crate) struct Agreement {
    pub(crate) name: Id,
    pub(crate) window: Window,
    pub(crate) signed: bool,
}

impl Snapshot {
    /// The operation that `/v1/products/{product}/{operation}` names.
    pub(crate) fn route(&self, path: &str) -> Option<(&Product, &Operation)> {
        let (product, operation) = path.strip_prefix("/v1/products/")?.split_once('/')?;
        let product = self.products.get(product)?;
        let operation = product.operations.iter().find(|known| known.name.as_str() == operation)?;
        Some((product, operation))
    }

    /// The unit of a credential; none once it was removed.
    pub(crate) fn unit(&self, credential: &Credential) -> Option<&Unit> {
        self.units.get(&credential.unit).map(|unit| &**unit)
    }

    /// The unit that the credential of this name opens at `now`, where it is one of the sandbox or not as `sandbox` says.
    pub(crate) fn unit_by(&self, credential: &str, sandbox: bool, now: Timestamp) -> Option<&Unit> {
        let found = self.credentials.get(credential)?;
        self.unit(found).filter(|_| found.sandbox == sandbox && found.stands(now))
    }

    /// The agreement that a grant stands under; none once it was removed.
    pub(crate) fn agreement(&self, grant: &Grant) -> Option<&Agreement> {
        self.agreements.get(&grant.agreement).map(|agreement| &**agreement)
    }

    /// Whether the unit belongs to a department that provides data of the product.
    pub(crate) fn provides(&self, unit: &Unit, product: &Product) -> bool {
        let of_it = |set: &Id| self.declared.data_sets.get(set);
        product.data_sets.iter().filter_map(of_it).any(|set| set.provider == unit.organisation)
    }

    /// The grants of (unit, scenario, product).
    pub(crate) fn grants_of(&self, unit: &Unit, scenario: &Scenario, product: &Product) -> &[Grant] {
        self.grants.under((unit.index, scenario.index, product.index))
    }

    /// Names of the suspensions in force here that are not in `before`.
    pub(crate) fn suspensions_beyond<'s>(&'s self, before: &'s Self) -> impl Iterator<Item = &'s Id> {
        let known = &before.declared.suspensions;
        let same = Arc::ptr_eq(known, &self.declared.suspensions);
        let names = if same { None } else { Some(self.declared.suspensions.keys()) };
        names.into_iter().flatten().filter(|name| !known.contains_key(*name))
    }

    /// The digest: equal exactly when the same objects are in force.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Every object but grants, in no order that means anything.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Source> {
        self.roll.objects().map(|source| &**source)
    }

    /// Every grant with its key, in no order that means anything.
    pub(crate) fn all_grants(&self) -> impl Iterator<Item = (GrantKey, &Grant)> {
        self.grants.iter()
    }

    /// The name behind a number of a grant.
    pub(crate) fn name(&self, number: u32) -> &Id {
        self.names.text(number)
    }

    /// Names of the products in force, live or not.
    pub fn products(&self) -> impl Iterator<Item = &Id> {
        self.products.iter().map(|(name, _)| name)
    }

    /// First eight bytes of the digest, as records carry them.
    #[must_use]
    pub fn short_digest(&self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.digest[..8]);
        short
    }

    /// The short digest in hex, as metrics and logs show it.
    #[must_use]
    pub fn short_hash(&self) -> String {
        shuzha_core::hex::encode(&self.digest[..8])
    }

    /// Number of grants.
    #[must_use]
    pub fn grant_count(&self) -> usize {
        self.grants.len()
    }
}
