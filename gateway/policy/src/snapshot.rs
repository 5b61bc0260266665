//! The policy snapshot: an immutable, compiled structure that every call reads through one pointer.
//!
//! It is made from a checked [`World`](shuzha_products::World) and holds the very shapes the stages ask for. The
//! world's counters are not in it: they live with the gate, so a new snapshot resets nothing.

mod compile;
mod operation;
mod suspensions;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use shuzha_core::{Id, MicroYuan, NanoCharge, PurposeClass};
use shuzha_pricing::PriceBook;
use shuzha_privacy::consent::Issuers;
use shuzha_privacy::dp::{Domain, Query};
use shuzha_privacy::output::FieldSet;
use shuzha_products::Window;
use shuzha_products::credential::Cidr;

pub use compile::{CompileError, KeyRing};
pub(crate) use operation::{Operation, Place};
pub(crate) use suspensions::Suspensions;

use crate::holds::GrantLedger;
use crate::holds::grant::{GrantState, Limits};
use crate::releases::ReleaseKey;
use crate::signature::{Algorithm, VerifyingKey};

/// Everything the stages look up.
pub struct Snapshot {
    /// SHA-256 of the world's canonical text.
    digest: [u8; 32],
    pub(crate) rules: Rules,
    pub(crate) credentials: HashMap<Id, Arc<Credential>>,
    pub(crate) products: HashMap<Id, Arc<Product>>,
    pub(crate) scenarios: HashMap<Id, Arc<Scenario>>,
    pub(crate) grants: HashMap<GrantKey, Grants>,
    pub(crate) issuers: Issuers,
    /// Changes with the issuers, so that consents cached under others are not found.
    pub(crate) issuers_generation: u64,
    pub(crate) prices: PriceBook,
    pub(crate) suspensions: Suspensions,
}

/// What the jurisdiction asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) certificate_required: bool,
}

/// An application unit (应用单位).
pub(crate) struct Unit {
    pub(crate) name: Id,
    /// Number of the unit in this snapshot's grant keys.
    index: u32,
    pub(crate) credit_limit: Option<MicroYuan>,
}

/// A credential of a unit.
pub(crate) struct Credential {
    pub(crate) name: Id,
    pub(crate) unit: Arc<Unit>,
    pub(crate) algorithm: Algorithm,
    /// None where the key was not deposited with this gateway.
    pub(crate) key: Option<VerifyingKey>,
    pub(crate) window: Window,
    pub(crate) allow: Vec<Cidr>,
    pub(crate) revoked: bool,
}

/// A product, live or not.
pub(crate) struct Product {
    pub(crate) name: Id,
    index: u32,
    pub(crate) version: u32,
    pub(crate) upstream: Id,
    pub(crate) operations: Vec<Operation>,
    pub(crate) certificates: Vec<Window>,
    pub(crate) data_sets: Vec<Id>,
    /// For reports: the data set's public metadata and budgets.
    pub(crate) statistics: Option<Arc<Statistics>>,
}

/// What a report is computed over.
pub(crate) struct Statistics {
    pub(crate) domain: Domain,
    pub(crate) data_set: DataSet,
    pub(crate) space: PersonSpace,
    data_version: Id,
}

impl Statistics {
    /// The key of the release of `query`.
    pub(crate) fn release_key(&self, product: &Product, query: &Query) -> ReleaseKey {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [self.data_set.name.as_str(), self.data_version.as_str(), product.name.as_str()] {
            // A name holds no NUL, so no two lists of names share a text.
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        context.update(&product.version.to_be_bytes());
        context.update(&query.canonical());
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }
}

/// A data set with a privacy budget.
pub(crate) struct DataSet {
    pub(crate) name: Id,
    pub(crate) cap: NanoCharge,
    pub(crate) per_query_max: NanoCharge,
    pub(crate) quota_default: NanoCharge,
    /// (unit, scenario) with a quota of their own.
    pub(crate) quotas: Vec<(Id, Id, NanoCharge)>,
}

impl DataSet {
    /// The quota of (unit, scenario).
    pub(crate) fn quota(&self, unit: &Id, scenario: &Id) -> NanoCharge {
        let own = self.quotas.iter().find(|(u, s, _)| u == unit && s == scenario);
        own.map_or(self.quota_default, |(_, _, quota)| *quota)
    }
}

/// People whose data several data sets hold; one lifetime cap over all of them.
pub(crate) struct PersonSpace {
    pub(crate) cap: NanoCharge,
    pub(crate) data_sets: Vec<Id>,
}

/// An approved use (应用场景) of one unit.
pub(crate) struct Scenario {
    pub(crate) name: Id,
    index: u32,
    pub(crate) unit: Id,
    pub(crate) purpose: PurposeClass,
    pub(crate) window: Window,
    pub(crate) approved: bool,
}

/// An authorisation agreement (授权运营协议).
pub(crate) struct Agreement {
    pub(crate) name: Id,
    pub(crate) window: Window,
    pub(crate) signed: bool,
}

/// (unit, scenario, product), each by its number in this snapshot.
pub(crate) type GrantKey = (u32, u32, u32);

/// The grants under one key; nearly always one.
#[derive(Clone)]
pub(crate) enum Grants {
    One(Arc<Grant>),
    Many(Arc<[Arc<Grant>]>),
}

/// What a unit may call for a scenario.
pub(crate) struct Grant {
    pub(crate) name: Id,
    pub(crate) agreement: Arc<Agreement>,
    pub(crate) window: Window,
    pub(crate) limits: Limits,
    /// Operation of the product, by position, and the leaves of its answer that are granted.
    operations: Box<[(u16, FieldSet)]>,
    state: OnceLock<Arc<GrantState>>,
}

impl Grant {
    /// Whether the grant is for the operation.
    pub(crate) fn covers(&self, operation: &Operation) -> bool {
        self.operations.iter().any(|(index, _)| *index == operation.index)
    }

    /// The granted leaves of the operation's answer.
    pub(crate) fn fields(&self, operation: &Operation) -> FieldSet {
        let found = self.operations.iter().find(|(index, _)| *index == operation.index);
        found.map_or_else(FieldSet::default, |(_, fields)| *fields)
    }

    /// The grant's counters, looked up once per snapshot.
    pub(crate) fn state(&self, ledger: &GrantLedger) -> &Arc<GrantState> {
        self.state.get_or_init(|| ledger.state(&self.name))
    }
}

impl Snapshot {
    /// The operation that `/v1/products/{product}/{operation}` names.
    pub(crate) fn route(&self, path: &str) -> Option<(&Product, &Operation)> {
        let (product, operation) = path.strip_prefix("/v1/products/")?.split_once('/')?;
        let product = self.products.get(product)?;
        let operation = product.operations.iter().find(|known| known.name.as_str() == operation)?;
        Some((product, operation))
    }

    /// The grants of (unit, scenario, product).
    pub(crate) fn grants_of(
        &self,
        unit: &Unit,
        scenario: &Scenario,
        product: &Product,
    ) -> impl Iterator<Item = &Grant> {
        let found = self.grants.get(&(unit.index, scenario.index, product.index));
        let slice: &[Arc<Grant>] = match found {
            None => &[],
            Some(Grants::One(grant)) => std::slice::from_ref(grant),
            Some(Grants::Many(grants)) => grants,
        };
        slice.iter().map(|grant| &**grant)
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
        self.digest[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Number of keys under which grants stand.
    #[must_use]
    pub fn grant_count(&self) -> usize {
        self.grants.len()
    }
}
