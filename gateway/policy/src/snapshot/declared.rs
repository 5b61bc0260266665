//! What the snapshot keeps as it was declared, because some shape the stages read is made of several of these.

use std::collections::BTreeMap;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use shuzha_core::Id;
use shuzha_pricing::{Ceiling, Price, PriceBook};
use shuzha_privacy::consent::{Algorithm as TokenSigning, Issuers};
use shuzha_products::credential::{ConsentIssuer, TokenAlgorithm};
use shuzha_products::exit_review::ExitReview;
use shuzha_products::jurisdiction::Jurisdiction;
use shuzha_products::listing::Listing;
use shuzha_products::operating::OperatingAgreement;
use shuzha_products::registration::Certificate;
use shuzha_products::suspension::Suspension;
use shuzha_products::{data, world::Table};

use super::grants::finished;
use super::{CompileError, DataSet, PersonSpace, Statistics};

/// An issuer and its key.
type IssuerWithKey = (ConsentIssuer, Option<Vec<u8>>);

/// Declared objects by name. Few beside grants; a change copies one table.
#[derive(Clone, Default)]
pub(super) struct Declared {
    pub(super) jurisdictions: Arc<Table<Jurisdiction>>,
    /// With their keys; none where the key was not here.
    pub(super) issuers: Arc<Table<IssuerWithKey>>,
    pub(super) person_spaces: Arc<Table<data::PersonSpace>>,
    pub(super) data_sets: Arc<Table<data::DataSet>>,
    pub(super) certificates: Arc<Table<Certificate>>,
    pub(super) operating_agreements: Arc<Table<OperatingAgreement>>,
    pub(super) listings: Arc<Table<Listing>>,
    pub(super) exit_reviews: Arc<Table<ExitReview>>,
    pub(super) ceilings: Arc<Table<Ceiling>>,
    pub(super) prices: Arc<Table<Price>>,
    pub(super) suspensions: Arc<Table<Suspension>>,
}

/// Which shapes must be made anew after a change.
#[derive(Default)]
pub(super) struct Stale {
    pub(super) rules: bool,
    pub(super) issuers: bool,
    pub(super) statistics: bool,
    pub(super) certificates: bool,
    pub(super) authorised: bool,
    pub(super) listings: bool,
    pub(super) exit_reviews: bool,
    pub(super) prices: bool,
    pub(super) suspensions: bool,
}

impl Declared {
    /// The trusted issuers whose keys are here, and a number that changes with them. One whose key file is missing is
    /// not trusted: absence is denial.
    pub(super) fn issuers(&self, faults: &mut Vec<CompileError>) -> (Issuers, u64) {
        let mut issuers = Issuers::new();
        let mut context = Context::new(&SHA256);
        for (name, (issuer, key)) in self.issuers.iter() {
            let Some(key) = key else {
                tracing::warn!(issuer = %name, "the issuer's public key is not here; its consents are refused");
                continue;
            };
            let signing = signing(issuer.algorithm);
            for part in [issuer.kid.as_str(), name.as_str(), signing.as_str()] {
                context.update(part.as_bytes());
                context.update(&[0]);
            }
            context.update(key);
            if let Err(error) = issuers.register(issuer.kid.as_str(), name.as_str(), signing, key) {
                let reason = error.to_string();
                faults.push(CompileError::Key { kind: "ConsentIssuer", name: name.clone(), reason });
            }
        }
        let hash = finished(context);
        (issuers, hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The data sets that have privacy terms, ready to be charged.
    pub(super) fn statistics(&self) -> BTreeMap<Id, Arc<Statistics>> {
        let mut ready = BTreeMap::new();
        for (name, set) in self.data_sets.iter() {
            let Some(terms) = &set.privacy else { continue };
            let Some(space) = self.person_spaces.get(&terms.person_space) else { continue };
            let reserved =
                terms.quotas.reserved && data::caps_fit(&terms.person_space, space, self.data_sets.values());
            let statistics = Statistics {
                reserved,
                data_set: DataSet { name: name.clone(), terms: terms.clone() },
                space: PersonSpace {
                    name: terms.person_space.clone(),
                    measure: space.measure,
                    cap: space.cap,
                },
            };
            ready.insert(name.clone(), Arc::new(statistics));
        }
        ready
    }

    /// The book of prices.
    pub(super) fn price_book(&self, faults: &mut Vec<CompileError>) -> PriceBook {
        let prices = self.prices.values().cloned().collect();
        let (book, found) = PriceBook::sound(prices, self.ceilings.values().cloned().collect());
        faults.extend(found.iter().map(|fault| {
            let name = fault.about().clone();
            let kind = if self.prices.contains_key(&name) { "Price" } else { "Ceiling" };
            CompileError::Prices { kind, name, reason: fault.to_string() }
        }));
        book
    }
}

/// How an issuer's tokens are signed, as the check of tokens has it.
pub(super) const fn signing(algorithm: TokenAlgorithm) -> TokenSigning {
    match algorithm {
        TokenAlgorithm::EdDsa => TokenSigning::EdDsa,
        TokenAlgorithm::Es256 => TokenSigning::Es256,
        TokenAlgorithm::Sm2Sm3 => TokenSigning::Sm2Sm3,
    }
}
