//! The world (世界): every declared object, read from files, checked as a whole.
//!
//! Files are cut into documents, documents are read in an order in which a reference always points to what was read
//! before, and every fault of every object is reported at once. Reading is linear in the size of the files, with one
//! document's tree in memory at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use shuzha_core::{Fault, Id};
use shuzha_pricing::permitted::PermittedRevenue;
use shuzha_pricing::vat::VatRate;
use shuzha_pricing::{Ceiling, Price, PriceBook};

use crate::WorldError;
use crate::credential::{ConsentIssuer, Credential};
use crate::data::{DataSet, PersonSpace};
use crate::emergency::EmergencyPlan;
use crate::exit_review::ExitReview;
use crate::jurisdiction::Jurisdiction;
use crate::listing::Listing;
use crate::operating::OperatingAgreement;
use crate::parties::{ApplicationUnit, Organisation};
use crate::price::PriceAct;
use crate::privacy_refund::PrivacyRefund;
use crate::product::Product;
use crate::registration::Certificate;
use crate::rights::{Agreement, Grant, Scenario};
use crate::suspension::Suspension;
use crate::upstream::Upstream;
use crate::yaml::{self, Faults, Place, split};

mod check;
mod closure;
mod documents;
mod kinds;
mod marks;
mod object;
mod operated;
mod specs;

pub(crate) use closure::Closure;
pub use closure::Fetch;
pub use documents::{Document, documents};
pub use kinds::{KINDS, Kind};
pub use marks::Mark;
pub(crate) use marks::Marked;
use object::{OBJECT_KINDS, Reader, parse_or_report};
pub(crate) use object::{Object, Scope};

/// Objects of one kind by name.
pub type Table<T> = BTreeMap<Id, T>;

/// The `apiVersion` this crate reads.
pub const API_VERSION: &str = "shuzha/v1";

/// Every declared object. Each reference in it points to an object of it.
#[derive(Debug, Default)]
pub struct World {
    /// The jurisdiction's rules, at most one; see [`World::jurisdiction`].
    pub jurisdictions: Table<Jurisdiction>,
    /// Organisations.
    pub organisations: Table<Organisation>,
    /// Application units.
    pub units: Table<ApplicationUnit>,
    /// Credentials; the name is the key id.
    pub credentials: Table<Credential>,
    /// Trusted issuers of consent tokens.
    pub consent_issuers: Table<ConsentIssuer>,
    /// Scenarios.
    pub scenarios: Table<Scenario>,
    /// Agreements.
    pub agreements: Table<Agreement>,
    /// Person-spaces.
    pub person_spaces: Table<PersonSpace>,
    /// Data sets.
    pub data_sets: Table<DataSet>,
    /// Operating agreements.
    pub operating_agreements: Table<OperatingAgreement>,
    /// Product services.
    pub upstreams: Table<Upstream>,
    /// Products.
    pub products: Table<Product>,
    /// Certificates.
    pub certificates: Table<Certificate>,
    /// Listings at exchanges.
    pub listings: Table<Listing>,
    /// Price acts.
    pub price_acts: Table<PriceAct>,
    /// Ceilings.
    pub ceilings: Table<Ceiling>,
    /// Prices.
    pub prices: Table<Price>,
    /// The same prices and ceilings, checked against each other.
    pub price_book: PriceBook,
    /// Grants.
    pub grants: Table<Grant>,
    /// Suspensions.
    pub suspensions: Table<Suspension>,
    /// Emergency plans.
    pub emergency_plans: Table<EmergencyPlan>,
    /// Exit reviews that were passed.
    pub exit_reviews: Table<ExitReview>,
    /// Privacy charges to be given back.
    pub privacy_refunds: Table<PrivacyRefund>,
    /// Permitted revenues.
    pub permitted_revenues: Table<PermittedRevenue>,
    /// Tax rates.
    pub tax_rates: Table<VatRate>,
    /// The spec of every object but grants by (kind, name), as JSON with sorted keys: however it was written, one
    /// spec has one text.
    pub specs: BTreeMap<(&'static str, Id), Box<str>>,
    /// Labels of objects that have some, by (kind, name).
    pub labels: BTreeMap<(&'static str, Id), BTreeMap<String, String>>,
}

impl World {
    /// Reads a world from files, each given as name and text.
    ///
    /// # Errors
    /// Every fault found, in order of file and line.
    pub fn parse<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, Vec<WorldError>> {
        let mut reader = Reader::default();
        let mut by_kind: Vec<Vec<(yaml::Document<'_>, Arc<str>)>> = vec![Vec::new(); OBJECT_KINDS.len()];
        for (name, text) in files {
            let file: Arc<str> = name.as_ref().into();
            for document in split(name.as_ref(), text.as_ref()) {
                match kind_of(&document, &reader.faults) {
                    Some(kind) => by_kind[kind].push((document, Arc::clone(&file))),
                    None => reader.declared.unreadable(&document),
                }
            }
        }
        for (kind, documents) in by_kind.into_iter().enumerate() {
            for (document, file) in documents {
                reader.read(kind, &document, &file);
            }
        }
        let Reader { mut world, declared, faults } = reader;
        check::whole(&mut world, &declared, &faults);
        if faults.is_empty() { Ok(world) } else { Err(in_order(faults, files)) }
    }

    /// The rules in force: the declared ones, or the strictest.
    #[must_use]
    pub fn jurisdiction(&self) -> Jurisdiction {
        self.jurisdictions.values().next().cloned().unwrap_or_default()
    }
}

/// Which kind of object a document declares, as an index into [`OBJECT_KINDS`].
fn kind_of(document: &yaml::Document<'_>, faults: &Faults) -> Option<usize> {
    let known = |name: &str| OBJECT_KINDS.iter().position(|kind| kind.name == name);
    if let Some(at) = document.kind_hint().and_then(known) {
        return Some(at);
    }
    // Written in some other YAML style, or wrong: the parser decides.
    let node = parse_or_report(document, "?", faults)?;
    let root = Place::root(&node, document.file, "?", faults);
    let place = root.entries()?.into_iter().find(|(key, _)| *key == "kind").map(|(_, place)| place);
    let Some(place) = place else { return root.fail("is missing `kind`") };
    let words: Vec<_> = OBJECT_KINDS.iter().enumerate().map(|(at, kind)| (kind.name, at)).collect();
    place.word(&words)
}

/// Faults in the order a person would mend them.
fn in_order<N: AsRef<str>, T>(faults: Faults, files: &[(N, T)]) -> Vec<WorldError> {
    let (mut list, more) = faults.into_parts();
    let position: HashMap<&str, usize> =
        files.iter().enumerate().map(|(at, (name, _))| (name.as_ref(), at)).collect();
    list.sort_by_key(|fault| (position.get(fault.file.as_str()).copied(), fault.fault.line));
    if more > 0 {
        let fault = Fault::new("", format!("{more} more faults are not shown"));
        list.push(WorldError::new("world", "?", fault));
    }
    list
}
