//! Changing a snapshot object by object, before anyone reads it. Compiling a world is changing the empty snapshot.

use std::sync::Arc;

use shuzha_core::Id;
use shuzha_privacy::consent::Issuers;
use shuzha_products::credential::{self, ConsentIssuer, PublicKey, SignatureAlgorithm};
use shuzha_products::operating::Authorised;
use shuzha_products::parties::ApplicationUnit;
use shuzha_products::{World, product};

use super::declared::{Stale, signing};
use super::roll::GRANT;
use super::{
    Agreement, CompileError, Credential, KeyRing, Operation, Product, Scenario, Snapshot, Source, Unit,
};
use crate::signature::{Algorithm, VerifyingKey};

impl Snapshot {
    /// Puts the `changed` objects of `world` in force and takes the `removed` ones out; grants are removed here and
    /// put by [`Snapshot::put_grant`]. Products are taken out of `world`. Answers every fault found; an object at fault is
    /// not in force afterwards.
    pub(super) fn edit(
        &mut self,
        world: &mut World,
        changed: &[(&'static str, Id)],
        removed: &[(&'static str, Id)],
        keys: &KeyRing,
    ) -> Vec<CompileError> {
        let mut faults = Vec::new();
        let mut stale = Stale::default();
        for (kind, name) in removed {
            if *kind == GRANT {
                self.remove_grant(name.as_str());
            } else {
                self.take_out(kind, name, &mut stale);
            }
        }
        for (kind, name) in changed.iter().filter(|(kind, _)| *kind != GRANT) {
            let spec = world.specs.get(&(*kind, name.clone())).cloned();
            let put = self.put(kind, name, world, keys, &mut stale);
            let missing = || CompileError::Missing(format!("{kind}/{name}"));
            match put.unwrap_or_else(|| Err(missing())).and_then(|()| spec.ok_or_else(missing)) {
                Ok(spec) => self.roll.put_object(Source { kind, name: name.clone(), spec }),
                Err(fault) => {
                    faults.push(fault);
                    self.take_out(kind, name, &mut stale);
                }
            }
        }
        self.refresh(&stale, &mut faults);
        faults
    }

    fn take_out(&mut self, kind: &str, name: &Id, stale: &mut Stale) {
        self.roll.remove_object(kind, name.as_str());
        self.remove(kind, name, stale);
    }

    /// Puts one object in force. None when `world` does not hold it.
    fn put(
        &mut self,
        kind: &str,
        name: &Id,
        world: &mut World,
        keys: &KeyRing,
        stale: &mut Stale,
    ) -> Option<Result<(), CompileError>> {
        let declared = &mut self.declared;
        match kind {
            "Jurisdiction" => {
                let rules = world.jurisdictions.get(name)?.clone();
                Arc::make_mut(&mut declared.jurisdictions).insert(name.clone(), rules);
                stale.rules = true;
            }
            "ApplicationUnit" => self.put_unit(name, world.units.get(name)?),
            "Credential" => return Some(self.put_credential(name, world.credentials.get(name)?, keys)),
            "ConsentIssuer" => {
                let issuer = world.consent_issuers.get(name)?.clone();
                stale.issuers = true;
                match issuer_key(name, &issuer, keys) {
                    Ok(key) => drop(Arc::make_mut(&mut declared.issuers).insert(name.clone(), (issuer, key))),
                    Err(reason) => {
                        return Some(Err(CompileError::Key {
                            kind: "ConsentIssuer",
                            name: name.clone(),
                            reason,
                        }));
                    }
                }
            }
            "Scenario" => self.put_scenario(name, world)?,
            "Agreement" => self.put_agreement(name, world)?,
            "PersonSpace" => {
                let space = world.person_spaces.get(name)?.clone();
                Arc::make_mut(&mut declared.person_spaces).insert(name.clone(), space);
                stale.statistics = true;
            }
            "DataSet" => {
                let set = world.data_sets.get(name)?.clone();
                Arc::make_mut(&mut declared.data_sets).insert(name.clone(), set);
                stale.statistics = true;
                stale.authorised = true;
            }
            "Product" => {
                self.put_product(name, world.products.remove(name)?);
                stale.statistics = true;
                stale.certificates = true;
                stale.authorised = true;
                stale.listings = true;
                stale.exit_reviews = true;
            }
            "OperatingAgreement" => {
                let agreement = world.operating_agreements.get(name)?.clone();
                Arc::make_mut(&mut declared.operating_agreements).insert(name.clone(), agreement);
                stale.authorised = true;
            }
            "ExitReview" => {
                let review = world.exit_reviews.get(name)?.clone();
                Arc::make_mut(&mut declared.exit_reviews).insert(name.clone(), review);
                stale.exit_reviews = true;
            }
            "Certificate" => {
                let certificate = world.certificates.get(name)?.clone();
                Arc::make_mut(&mut declared.certificates).insert(name.clone(), certificate);
                stale.certificates = true;
            }
            "Listing" => {
                let listing = world.listings.get(name)?.clone();
                Arc::make_mut(&mut declared.listings).insert(name.clone(), listing);
                stale.listings = true;
            }
            "Ceiling" => {
                let ceiling = world.ceilings.get(name)?.clone();
                Arc::make_mut(&mut declared.ceilings).insert(name.clone(), ceiling);
                stale.prices = true;
            }
            "Price" => {
                let price = world.prices.get(name)?.clone();
                if world.products.get(&price.product).is_some_and(|product| product.tells_apart(&price)) {
                    tracing::warn!(price = %name, reason = product::TELLS_APART, "to be declared anew");
                }
                Arc::make_mut(&mut declared.prices).insert(name.clone(), price);
                stale.prices = true;
            }
            "Suspension" => {
                let suspension = world.suspensions.get(name)?.clone();
                Arc::make_mut(&mut declared.suspensions).insert(name.clone(), suspension);
                stale.suspensions = true;
            }
            // Organisations, acts and services: no stage reads them; they are on the roll.
            _ => {}
        }
        Some(Ok(()))
    }

    /// Takes one object out of force.
    fn remove(&mut self, kind: &str, name: &Id, stale: &mut Stale) {
        let declared = &mut self.declared;
        match kind {
            "Jurisdiction" => {
                Arc::make_mut(&mut declared.jurisdictions).remove(name);
                stale.rules = true;
            }
            "ApplicationUnit" => {
                let number = self.names.number(name);
                self.units.remove(&number);
            }
            "Credential" => {
                self.credentials.remove(name);
            }
            "ConsentIssuer" => {
                Arc::make_mut(&mut declared.issuers).remove(name);
                stale.issuers = true;
            }
            "Scenario" => {
                self.scenarios.remove(name);
            }
            "Agreement" => {
                let number = self.names.number(name);
                self.agreements.remove(&number);
            }
            "PersonSpace" => {
                Arc::make_mut(&mut declared.person_spaces).remove(name);
                stale.statistics = true;
            }
            "DataSet" => {
                Arc::make_mut(&mut declared.data_sets).remove(name);
                stale.statistics = true;
                stale.authorised = true;
            }
            "Product" => {
                self.products.remove(name);
                self.baits.remove(name);
            }
            "OperatingAgreement" => {
                Arc::make_mut(&mut declared.operating_agreements).remove(name);
                stale.authorised = true;
            }
            "ExitReview" => {
                Arc::make_mut(&mut declared.exit_reviews).remove(name);
                stale.exit_reviews = true;
            }
            "Certificate" => {
                Arc::make_mut(&mut declared.certificates).remove(name);
                stale.certificates = true;
            }
            "Listing" => {
                Arc::make_mut(&mut declared.listings).remove(name);
                stale.listings = true;
            }
            "Ceiling" => {
                Arc::make_mut(&mut declared.ceilings).remove(name);
                stale.prices = true;
            }
            "Price" => {
                Arc::make_mut(&mut declared.prices).remove(name);
                stale.prices = true;
            }
            "Suspension" => {
                Arc::make_mut(&mut declared.suspensions).remove(name);
                stale.suspensions = true;
            }
            _ => {}
        }
    }

    fn put_unit(&mut self, name: &Id, declared: &ApplicationUnit) {
        let index = self.names.number(name);
        let (organisation, credit_limit) = (declared.organisation.clone(), declared.credit_limit);
        self.units.insert(index, Arc::new(Unit { name: name.clone(), index, organisation, credit_limit }));
    }

    fn put_scenario(&mut self, name: &Id, world: &World) -> Option<()> {
        let declared = world.scenarios.get(name)?;
        let scenario = Scenario {
            name: name.clone(),
            index: self.names.number(name),
            unit: declared.unit.clone(),
            purpose: declared.purpose,
            window: declared.window,
            approved: declared.approved,
            volume: declared.volume,
        };
        self.scenarios.insert(name.clone(), Arc::new(scenario));
        Some(())
    }

    fn put_agreement(&mut self, name: &Id, world: &World) -> Option<()> {
        let declared = world.agreements.get(name)?;
        let agreement = Agreement { name: name.clone(), window: declared.window, signed: declared.signed };
        let number = self.names.number(name);
        self.agreements.insert(number, Arc::new(agreement));
        Some(())
    }

    fn put_credential(
        &mut self,
        name: &Id,
        declared: &credential::Credential,
        keys: &KeyRing,
    ) -> Result<(), CompileError> {
        let key = verifying_key(name, declared, keys).map_err(|reason| CompileError::Key {
            kind: "Credential",
            name: name.clone(),
            reason,
        })?;
        if key.is_none() && !declared.revoked {
            tracing::warn!(credential = %name, "the credential's key is not here; its requests are refused");
        }
        let credential = Credential {
            name: name.clone(),
            unit: self.names.number(&declared.unit),
            key,
            window: declared.window,
            allow: declared.allow.clone(),
            revoked: declared.revoked,
            sandbox: declared.sandbox,
            simple_v1_until: declared.simple_v1_until,
        };
        self.credentials.insert(name.clone(), Arc::new(credential));
        Ok(())
    }

    fn put_product(&mut self, name: &Id, declared: product::Product) {
        let before = self.products.get(name).cloned();
        for operation in declared.undeclared() {
            tracing::warn!(product = %name, reason = product::undeclared(operation), "every call is refused");
        }
        for operation in declared.unbounded() {
            tracing::warn!(product = %name, reason = product::unbounded(operation), "to be declared anew");
        }
        let baits = declared.operations.iter().filter(|_| declared.kind.is_blinded());
        let baits: Arc<[_]> = baits.flat_map(|operation| &operation.canaries).copied().collect();
        if baits.is_empty() {
            self.baits.remove(name);
        } else {
            self.baits.insert(name.clone(), baits);
        }
        let lane = declared.kind.lane();
        let operations = declared.operations.into_iter().map(|operation| {
            let mut known = before.iter().flat_map(|before| before.operations.iter());
            let replaced = known.find(|known| known.name == operation.name);
            Operation::new(lane, operation, replaced)
        });
        let product = Arc::new(Product {
            name: name.clone(),
            index: self.names.number(name),
            version: declared.version,
            upstream: declared.upstream,
            operator: declared.operator,
            operations: operations.collect(),
            certificates: Vec::new(),
            listings: Vec::new(),
            reviewable: declared.reviewable,
            reviewed: false,
            authorised: Authorised::default(),
            sandbox: declared.sandbox,
            statistics: None,
            data_sets: declared.data_sets,
        });
        self.products.insert(name.clone(), Arc::clone(&product));
        if let Some(before) = before {
            self.translate_grants(&before, &product);
        }
    }
}

/// The key, where it is here.
fn public_key<'k>(key: &'k PublicKey, keys: &'k KeyRing) -> Result<Option<&'k [u8]>, String> {
    match key {
        PublicKey::Inline(bytes) => Ok(Some(bytes)),
        PublicKey::File(path) => match keys.unusable.get(path) {
            Some(reason) => Err(reason.clone()),
            None => Ok(keys.public_keys.get(path).map(Vec::as_slice)),
        },
    }
}

/// The issuer's key where it is here, found to be one of its algorithm.
fn issuer_key(name: &Id, issuer: &ConsentIssuer, keys: &KeyRing) -> Result<Option<Vec<u8>>, String> {
    let Some(key) = public_key(&issuer.public_key, keys)? else { return Ok(None) };
    let registered =
        Issuers::new().register(issuer.kid.as_str(), name.as_str(), signing(issuer.algorithm), key);
    registered.map(|()| Some(key.to_vec())).map_err(|error| error.to_string())
}

fn verifying_key(
    name: &Id,
    declared: &credential::Credential,
    keys: &KeyRing,
) -> Result<Option<VerifyingKey>, String> {
    let algorithm = match declared.algorithm {
        SignatureAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        SignatureAlgorithm::HmacSm3 => Algorithm::HmacSm3,
        SignatureAlgorithm::Ed25519 => Algorithm::Ed25519,
    };
    let bytes = match &declared.public_key {
        Some(key) => public_key(key, keys),
        None if keys.unopened.contains(name.as_str()) => {
            Err("its sealed secret does not open under the node's master key".to_owned())
        }
        None => Ok(keys.secrets.get(name.as_str()).map(Vec::as_slice)),
    };
    let key = bytes.and_then(|bytes| {
        let key = bytes.map(|bytes| VerifyingKey::new(algorithm, bytes)).transpose();
        key.map_err(|error| error.to_string())
    });
    match key {
        // It opens nothing, whatever its key is: a revocation stands even where the key is none.
        Err(_) if declared.revoked => Ok(None),
        key => key,
    }
}
