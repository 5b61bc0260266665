//! From a checked world to a snapshot: names become numbers, contracts and keys are taken over ready to use.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use ring::digest::{SHA256, digest};
use shuzha_core::Id;
use shuzha_privacy::consent::{Algorithm as TokenSigning, Issuers};
use shuzha_products::credential::{self, PublicKey, SignatureAlgorithm, TokenAlgorithm};
use shuzha_products::rights::{self, QuotaPeriod};
use shuzha_products::{World, product};

use super::{
    Agreement, Credential, DataSet, Grant, GrantKey, Grants, Operation, PersonSpace, Product, Rules,
    Scenario, Snapshot, Statistics, Suspensions, Unit,
};
use crate::holds::grant::{CallQuota, Limits, QuotaWindow, Rate};
use crate::signature::{Algorithm, VerifyingKey};

/// Keys that world files name and do not hold.
#[derive(Default)]
pub struct KeyRing {
    /// HMAC secrets by credential.
    pub secrets: HashMap<String, Vec<u8>>,
    /// Ed25519 public keys by the path the world names.
    pub public_keys: HashMap<String, [u8; 32]>,
}

/// Why a checked world cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A key is no key of its algorithm.
    #[error("{object}: {reason}")]
    Key {
        /// The credential or issuer.
        object: String,
        /// Why.
        reason: String,
    },
}

impl Snapshot {
    /// Compiles `world`, whose files have the text `source`.
    ///
    /// # Errors
    /// Every fault found. A world with a fault is not put in force in part.
    pub fn compile(world: World, keys: &KeyRing, source: &[u8]) -> Result<Self, Vec<CompileError>> {
        let mut faults = Vec::new();
        let issuers = issuers(&world, keys, &mut faults);
        let statistics = statistics(&world);
        let units = units(&world);
        let credentials = credentials(&world, keys, &units, &mut faults);
        let scenarios = scenarios(&world);
        let suspensions = Suspensions::new(world.suspensions.values());
        let rules = Rules { certificate_required: world.jurisdiction().certificate_required };
        let World {
            products: declared,
            certificates,
            grants: declared_grants,
            agreements,
            price_book: prices,
            ..
        } = world;
        let mut products = HashMap::new();
        for (index, (name, declared)) in (0..).zip(declared) {
            let mut product = product_of(name.clone(), index, declared, &statistics);
            let of_product = certificates.values().filter(|certificate| certificate.product == name);
            product.certificates = of_product.map(|certificate| certificate.window).collect();
            products.insert(name, Arc::new(product));
        }
        let grants = grants(declared_grants, agreements, &units, &scenarios, &products);
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, source).as_ref());
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            digest: hash,
            rules,
            credentials,
            products,
            scenarios,
            grants,
            issuers,
            issuers_generation: u64::from_be_bytes([
                hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
            ]),
            prices,
            suspensions,
        })
    }
}

fn public_key<'k>(key: &'k PublicKey, keys: &'k KeyRing) -> Option<&'k [u8; 32]> {
    match key {
        PublicKey::Inline(bytes) => Some(bytes),
        PublicKey::File(path) => keys.public_keys.get(path),
    }
}

/// The trusted issuers whose keys are here. One whose key file is missing is not trusted: absence is denial.
fn issuers(world: &World, keys: &KeyRing, faults: &mut Vec<CompileError>) -> Issuers {
    let mut issuers = Issuers::new();
    for (name, issuer) in &world.consent_issuers {
        let Some(key) = public_key(&issuer.public_key, keys) else {
            tracing::warn!(issuer = %name, "the issuer's public key is not here; its consents are refused");
            continue;
        };
        let TokenAlgorithm::EdDsa = issuer.algorithm;
        if let Err(error) = issuers.register(issuer.kid.as_str(), name.as_str(), TokenSigning::EdDsa, key) {
            faults.push(CompileError::Key {
                object: format!("ConsentIssuer/{name}"),
                reason: error.to_string(),
            });
        }
    }
    issuers
}

/// The data sets that have privacy terms, ready to be charged.
fn statistics(world: &World) -> HashMap<Id, Arc<Statistics>> {
    let mut ready = HashMap::new();
    for (name, set) in &world.data_sets {
        let Some(terms) = &set.privacy else { continue };
        let Some(space) = world.person_spaces.get(&terms.person_space) else { continue };
        let shares = |other: &&Id| {
            let privacy = world.data_sets.get(*other).and_then(|set| set.privacy.as_ref());
            privacy.is_some_and(|privacy| privacy.person_space == terms.person_space)
        };
        let quotas = terms.quotas.iter().map(|quota| (quota.unit.clone(), quota.scenario.clone(), quota.max));
        let statistics = Statistics {
            domain: terms.domain.clone(),
            data_set: DataSet {
                name: name.clone(),
                cap: terms.cap,
                per_query_max: terms.per_query_max,
                quota_default: terms.quota_default,
                quotas: quotas.collect(),
            },
            space: PersonSpace {
                cap: space.cap,
                data_sets: world.data_sets.keys().filter(shares).cloned().collect(),
            },
            data_version: terms.data_version.clone(),
        };
        ready.insert(name.clone(), Arc::new(statistics));
    }
    ready
}

fn units(world: &World) -> HashMap<Id, Arc<Unit>> {
    let unit = |(index, (name, unit)): (u32, (&Id, &shuzha_products::parties::ApplicationUnit))| {
        (name.clone(), Arc::new(Unit { name: name.clone(), index, credit_limit: unit.credit_limit }))
    };
    (0..).zip(&world.units).map(unit).collect()
}

fn credentials(
    world: &World,
    keys: &KeyRing,
    units: &HashMap<Id, Arc<Unit>>,
    faults: &mut Vec<CompileError>,
) -> HashMap<Id, Arc<Credential>> {
    let mut ready = HashMap::with_capacity(world.credentials.len());
    for (name, declared) in &world.credentials {
        let Some(unit) = units.get(&declared.unit) else { continue };
        let (algorithm, key) = match verifying_key(name, declared, keys) {
            Ok(found) => found,
            Err(reason) => {
                faults.push(CompileError::Key { object: format!("Credential/{name}"), reason });
                continue;
            }
        };
        if key.is_none() {
            tracing::warn!(credential = %name, "the credential's key is not here; its requests are refused");
        }
        let credential = Credential {
            name: name.clone(),
            unit: Arc::clone(unit),
            algorithm,
            key,
            window: declared.window,
            allow: declared.allow.clone(),
            revoked: declared.revoked,
        };
        ready.insert(name.clone(), Arc::new(credential));
    }
    ready
}

fn verifying_key(
    name: &Id,
    declared: &credential::Credential,
    keys: &KeyRing,
) -> Result<(Algorithm, Option<VerifyingKey>), String> {
    let algorithm = match declared.algorithm {
        SignatureAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        SignatureAlgorithm::HmacSm3 => Algorithm::HmacSm3,
        SignatureAlgorithm::Ed25519 => Algorithm::Ed25519,
    };
    let bytes = match &declared.public_key {
        Some(key) => public_key(key, keys).map(<[u8; 32]>::as_slice),
        None => keys.secrets.get(name.as_str()).map(Vec::as_slice),
    };
    let key = bytes.map(|bytes| VerifyingKey::new(algorithm, bytes)).transpose();
    key.map(|key| (algorithm, key)).map_err(|error| error.to_string())
}

fn scenarios(world: &World) -> HashMap<Id, Arc<Scenario>> {
    let scenario = |(index, (name, declared)): (u32, (&Id, &rights::Scenario))| {
        let scenario = Scenario {
            name: name.clone(),
            index,
            unit: declared.unit.clone(),
            purpose: declared.purpose,
            window: declared.window,
            approved: declared.approved,
        };
        (name.clone(), Arc::new(scenario))
    };
    (0..).zip(&world.scenarios).map(scenario).collect()
}

fn product_of(
    name: Id,
    index: u32,
    declared: product::Product,
    statistics: &HashMap<Id, Arc<Statistics>>,
) -> Product {
    let lane = declared.kind.lane();
    let operations =
        (0..).zip(declared.operations).map(|(at, operation)| Operation::new(at, lane, operation));
    Product {
        name,
        index,
        version: declared.version,
        upstream: declared.upstream,
        operations: operations.collect(),
        certificates: Vec::new(),
        statistics: declared.data_sets.iter().find_map(|set| statistics.get(set).cloned()),
        data_sets: declared.data_sets,
    }
}

fn grants(
    declared: BTreeMap<Id, rights::Grant>,
    agreements: BTreeMap<Id, rights::Agreement>,
    units: &HashMap<Id, Arc<Unit>>,
    scenarios: &HashMap<Id, Arc<Scenario>>,
    products: &HashMap<Id, Arc<Product>>,
) -> HashMap<GrantKey, Grants> {
    let agreements: HashMap<Id, Arc<Agreement>> = agreements
        .into_iter()
        .map(|(name, declared)| {
            let agreement =
                Agreement { name: name.clone(), window: declared.window, signed: declared.signed };
            (name, Arc::new(agreement))
        })
        .collect();
    let mut by_key: HashMap<GrantKey, Grants> = HashMap::with_capacity(declared.len());
    for (name, declared) in declared {
        // A checked world has no dangling reference; one that had would grant nothing.
        let (Some(unit), Some(scenario), Some(product), Some(agreement)) = (
            units.get(&declared.unit),
            scenarios.get(&declared.scenario),
            products.get(&declared.product),
            agreements.get(&declared.agreement),
        ) else {
            continue;
        };
        let key = (unit.index, scenario.index, product.index);
        let grant = Arc::new(grant(name, &declared, product, agreement));
        let grants = match by_key.remove(&key) {
            None => Grants::One(grant),
            Some(Grants::One(first)) => Grants::Many([first, grant].into()),
            Some(Grants::Many(first)) => Grants::Many(first.iter().cloned().chain([grant]).collect()),
        };
        by_key.insert(key, grants);
    }
    by_key.shrink_to_fit();
    by_key
}

fn grant(name: Id, declared: &rights::Grant, product: &Product, agreement: &Arc<Agreement>) -> Grant {
    let operations = declared.operations.iter().filter_map(|granted| {
        let found = product.operations.iter().find(|operation| operation.name == granted.operation)?;
        Some((found.index, granted.fields))
    });
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
    Grant {
        name,
        agreement: Arc::clone(agreement),
        window: declared.window,
        limits: Limits { quota, rate, concurrency: NonZeroU32::new(declared.concurrency) },
        operations: operations.collect(),
        state: OnceLock::new(),
    }
}
