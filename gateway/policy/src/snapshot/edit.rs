//! Changing a snapshot object by object, before anyone reads it. Compiling a world is changing the empty snapshot.

use std::sync::Arc;

use shuzha_core::Id;
use shuzha_products::credential::{self, PublicKey, SignatureAlgorithm};
use shuzha_products::parties::ApplicationUnit;
use shuzha_products::{World, product};

use super::declared::Stale;
use super::roll::GRANT;
use super::{
    Agreement, CompileError, Credential, KeyRing, Operation, Product, Scenario, Snapshot, Source, Unit,
};
use crate::signature::{Algorithm, VerifyingKey};

impl Snapshot {
    /// Puts the `changed` objects of `world` in force and takes the `removed` ones out; grants are removed here and
    /// put by [`Snapshot::put_grant`]. Products are taken out of `world`.
    ///
    /// # Errors
    /// Every fault found; the snapshot is then of no use.
    pub(super) fn edit(
        &mut self,
        world: &mut World,
        changed: &[(&'static str, Id)],
        removed: &[(&'static str, Id)],
        keys: &KeyRing,
    ) -> Result<(), Vec<CompileError>> {
        let mut faults = Vec::new();
        let mut stale = Stale::default();
        for (kind, name) in removed {
            if *kind == GRANT {
                self.remove_grant(name.as_str());
            } else {
                self.roll.remove_object(kind, name.as_str());
                self.remove(kind, name, &mut stale);
            }
        }
        for (kind, name) in changed.iter().filter(|(kind, _)| *kind != GRANT) {
            let spec = world.specs.get(&(*kind, name.clone())).cloned();
            let put = self.put(kind, name, world, keys, &mut stale, &mut faults);
            let Some(spec) = spec.filter(|_| put.is_some()) else {
                faults.push(CompileError::Missing(format!("{kind}/{name}")));
                continue;
            };
            self.roll.put_object(Source { kind, name: name.clone(), spec });
        }
        self.refresh(&stale, &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Puts one object in force. None when `world` does not hold it.
    fn put(
        &mut self,
        kind: &str,
        name: &Id,
        world: &mut World,
        keys: &KeyRing,
        stale: &mut Stale,
        faults: &mut Vec<CompileError>,
    ) -> Option<()> {
        let declared = &mut self.declared;
        match kind {
            "Jurisdiction" => {
                let rules = world.jurisdictions.get(name)?.clone();
                Arc::make_mut(&mut declared.jurisdictions).insert(name.clone(), rules);
                stale.rules = true;
            }
            "ApplicationUnit" => self.put_unit(name, world.units.get(name)?),
            "Credential" => self.put_credential(name, world.credentials.get(name)?, keys, faults),
            "ConsentIssuer" => {
                let issuer = world.consent_issuers.get(name)?.clone();
                let key = public_key(&issuer.public_key, keys).map(<[u8]>::to_vec);
                Arc::make_mut(&mut declared.issuers).insert(name.clone(), (issuer, key));
                stale.issuers = true;
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
            }
            "Product" => {
                self.put_product(name, world.products.remove(name)?);
                stale.statistics = true;
                stale.certificates = true;
                stale.listings = true;
                stale.exit_reviews = true;
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
        Some(())
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
            }
            "Product" => {
                self.products.remove(name);
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
        faults: &mut Vec<CompileError>,
    ) {
        let (algorithm, key) = match verifying_key(name, declared, keys) {
            Ok(found) => found,
            Err(reason) => {
                faults.push(CompileError::Key { object: format!("Credential/{name}"), reason });
                return;
            }
        };
        if key.is_none() {
            tracing::warn!(credential = %name, "the credential's key is not here; its requests are refused");
        }
        let credential = Credential {
            name: name.clone(),
            unit: self.names.number(&declared.unit),
            algorithm,
            key,
            window: declared.window,
            allow: declared.allow.clone(),
            revoked: declared.revoked,
            sandbox: declared.sandbox,
        };
        self.credentials.insert(name.clone(), Arc::new(credential));
    }

    fn put_product(&mut self, name: &Id, declared: product::Product) {
        let before = self.products.get(name).cloned();
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
            digest: declared.digest,
            reviewed: false,
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

fn public_key<'k>(key: &'k PublicKey, keys: &'k KeyRing) -> Option<&'k [u8]> {
    match key {
        PublicKey::Inline(bytes) => Some(bytes),
        PublicKey::File(path) => keys.public_keys.get(path).map(Vec::as_slice),
    }
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
        Some(key) => public_key(key, keys),
        None => keys.secrets.get(name.as_str()).map(Vec::as_slice),
    };
    let key = bytes.map(|bytes| VerifyingKey::new(algorithm, bytes)).transpose();
    key.map(|key| (algorithm, key)).map_err(|error| error.to_string())
}
