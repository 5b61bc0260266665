//! What reports are computed over: data sets with their budgets, and the services that answer for them.

use shuzha_core::{Id, Measure, NanoCharge, Timestamp};
use shuzha_privacy::budget::{Account, Caps, Debit};
use shuzha_privacy::dp::{Domain, DomainDigest, Query};
use shuzha_products::data::PrivacyTerms;

use super::{Operation, Product, Snapshot};
use crate::releases::ReleaseKey;

/// The statistics service of one report.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'s> {
    /// The report.
    pub product: &'s Id,
    /// The service.
    pub upstream: &'s Id,
    /// The domain that was declared for its data.
    pub domain: DomainDigest,
}

/// What a report is computed over.
pub(crate) struct Statistics {
    /// Whether the unit's quota is set aside for it: declared so, and true.
    pub(crate) reserved: bool,
    pub(crate) data_set: DataSet,
    pub(crate) space: PersonSpace,
}

impl Statistics {
    /// The public metadata of the data set.
    pub(crate) const fn domain(&self) -> &Domain {
        &self.data_set.terms.domain
    }

    /// What a charge of (unit, scenario) must fit under.
    pub(crate) fn caps(&self, unit: &Id, scenario: &Id) -> Caps {
        let terms = &self.data_set.terms;
        Caps {
            space: self.space.cap,
            data_set: terms.cap,
            quota: terms.quota(unit.as_str(), scenario.as_str()),
            pace: terms.quotas.pace,
            per_query: terms.per_query_max,
        }
    }

    /// A charge of (unit, scenario) on the local `day`.
    pub(crate) fn debit(&self, unit: &Id, scenario: &Id, day: i64, charge: NanoCharge) -> Debit {
        let account = Account {
            space: self.space.name.as_str().into(),
            data_set: self.data_set.name.as_str().into(),
            unit: unit.as_str().into(),
            scenario: scenario.as_str().into(),
        };
        Debit { account, measure: self.space.measure, day, charge }
    }

    /// The key of the release of `query`: one for all that differ in post-processing alone.
    pub(crate) fn release_key(&self, product: &Product, query: &Query) -> ReleaseKey {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        let version = self.data_set.terms.data_version.as_str();
        for part in [self.data_set.name.as_str(), version, product.name.as_str()] {
            // A name holds no NUL, so no two lists of names share a text.
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        context.update(&product.version.to_be_bytes());
        context.update(&query.base().canonical());
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }
}

/// A data set with a privacy budget.
pub(crate) struct DataSet {
    pub(crate) name: Id,
    pub(crate) terms: PrivacyTerms,
}

/// People whose data several data sets hold; one lifetime cap over all of them.
pub(crate) struct PersonSpace {
    pub(crate) name: Id,
    pub(crate) measure: Measure,
    pub(crate) cap: NanoCharge,
}

impl Snapshot {
    /// The statistics services behind reports and the domains that they must keep; of reports that are certified `at` an
    /// instant, where one is given and the rules ask for a certificate.
    pub fn engines(&self, at: Option<Timestamp>) -> impl Iterator<Item = Engine<'_>> {
        let certified = move |product: &Product| match at.filter(|_| self.rules.certificate_required) {
            Some(at) => product.certificates.iter().any(|window| window.contains(at)),
            None => true,
        };
        // A product over the same data that asks no queries has a service that knows no domain.
        let asks = |product: &Product| product.operations.iter().any(Operation::statistical);
        let products = self.products.iter().filter(move |(_, product)| asks(product) && certified(product));
        products.filter_map(|(_, product)| {
            let domain = product.statistics.as_ref()?.domain().digest();
            Some(Engine { product: &product.name, upstream: &product.upstream, domain })
        })
    }
}
