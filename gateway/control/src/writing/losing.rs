//! Which grants in force a change cuts off (失去访问): those that go, and those of whose calls the gate refuses some from then on.
//!
//! Not everything that leads to what is stopped stops: a scenario that needs a suspended product goes on with its other products,
//! and so do their grants.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;
use shuzha_core::Id;
use shuzha_store::register::{Filter, Reach, Reference};

use super::consequences::{Difference, named};
use crate::view::Consequences;
use crate::{Control, Error};

/// Most objects that are walked to find the grants that are cut off.
const WALKED_MAX: usize = 10_000;
/// Most grants named.
const LOSING_MAX: usize = 1_000;

const GRANT: &str = "Grant";
const PRODUCT: &str = "Product";
const SUSPENSION: &str = "Suspension";
const OPERATING: &str = "OperatingAgreement";

/// What stops where `kind` does, and the field that must name it. What else refers to one of these goes on.
const STOPPING: &[(&str, &[(&str, &str)])] = &[
    (PRODUCT, &[(GRANT, "product")]),
    ("ApplicationUnit", &[(GRANT, "unit")]),
    ("Scenario", &[(GRANT, "scenario")]),
    ("DataSet", &[(PRODUCT, "dataSets")]),
    ("Organisation", &[(PRODUCT, "operator")]),
];

/// Grants that are cut off, as far as they are named.
struct Cut<'c> {
    consequences: &'c mut Consequences,
    walked: BTreeSet<Reference>,
    open: VecDeque<Reference>,
    /// The operator whose products alone are reached.
    operator: Option<Id>,
}

impl Cut<'_> {
    fn add(&mut self, grant: &Id, spec: &Value) {
        let Some(unit) = named(spec, "unit") else { return };
        if self.consequences.losing.iter().any(|(known, _)| known == grant) {
            return;
        }
        if self.consequences.losing.len() >= LOSING_MAX {
            self.consequences.losing_more = true;
            return;
        }
        self.consequences.losing.push((grant.clone(), unit));
    }

    /// So many more objects may be walked.
    fn room(&self) -> usize {
        WALKED_MAX.saturating_sub(self.walked.len())
    }
}

impl Control {
    /// Finds the grants in force that the change cuts off.
    ///
    /// # Errors
    /// Of the register.
    pub(super) fn losing(
        &self,
        difference: &Difference,
        consequences: &mut Consequences,
    ) -> Result<(), Error> {
        let mut cut = Cut { consequences, walked: BTreeSet::new(), open: VecDeque::new(), operator: None };
        for gone in difference.gone.iter().filter(|gone| gone.kind != SUSPENSION) {
            cut.open.push_back((gone.kind.to_owned(), gone.name.clone()));
            if matches!(gone.kind, "Certificate" | "ExitReview") {
                let product = named(&gone.spec, "product");
                cut.open.extend(product.map(|name| (PRODUCT.to_owned(), name)));
            }
            if gone.kind == GRANT {
                cut.add(&gone.name, &gone.spec);
            }
        }
        self.walk(&mut cut)?;
        for put in difference.put.iter().filter(|put| put.kind == SUSPENSION) {
            let target = &put.spec["target"];
            cut.operator = named(&put.spec, "operator");
            match (target["kind"].as_str().unwrap_or_default(), named(target, "name")) {
                (OPERATING, Some(name)) => self.stops_with_agreement(&name, &mut cut)?,
                (kind, Some(name)) => {
                    // Whatever led to it before, from here on it is followed by itself.
                    cut.walked.clear();
                    cut.open.push_back((kind.to_owned(), name));
                    self.walk(&mut cut)?;
                }
                (_, None) => self.stops_with_everything(&mut cut)?,
            }
        }
        Ok(())
    }

    /// Follows what is open to the grants that stop with it.
    fn walk(&self, cut: &mut Cut<'_>) -> Result<(), Error> {
        cut.walked.extend(cut.open.iter().cloned());
        while let Some((kind, name)) = cut.open.pop_front() {
            let room = cut.room();
            let referrers = self.register.referrers(&kind, name.as_str(), room + 1)?;
            cut.consequences.losing_more |= referrers.len() > room;
            let stopping = STOPPING.iter().find(|(of, _)| *of == kind).map(|(_, stopping)| *stopping);
            for referrer in referrers.into_iter().take(room) {
                let field =
                    stopping.map(|all| all.iter().find(|(of, _)| *of == referrer.0).map(|(_, field)| *field));
                if field == Some(None) || cut.walked.contains(&referrer) {
                    continue;
                }
                if let Some(Some(field)) = field
                    && !self.names(&referrer, field, &name)?
                {
                    continue;
                }
                cut.walked.insert(referrer.clone());
                if referrer.0 == GRANT {
                    self.cut_off(&referrer.1, cut)?;
                } else {
                    cut.open.push_back(referrer);
                }
            }
        }
        Ok(())
    }

    /// Whether what is in force names `name` in this field.
    fn names(&self, (kind, own): &Reference, field: &str, name: &Id) -> Result<bool, Error> {
        let Some(spec) = self.force().spec(kind, own)? else { return Ok(false) };
        let is = |value: &Value| value.as_str() == Some(name.as_str());
        Ok(spec.get(field).is_some_and(|value| is(value) || value.as_array().into_iter().flatten().any(is)))
    }

    /// Notes a grant, where it is in force and within the stop's reach.
    fn cut_off(&self, grant: &Id, cut: &mut Cut<'_>) -> Result<(), Error> {
        let Some(spec) = self.force().spec(GRANT, grant)? else { return Ok(()) };
        if let Some(operator) = &cut.operator {
            let Some(product) = named(&spec, "product") else { return Ok(()) };
            if !self.names(&(PRODUCT.to_owned(), product), "operator", operator)? {
                return Ok(());
            }
        }
        cut.add(grant, &spec);
        Ok(())
    }

    /// The grants that stop with an operating agreement: those of products of which some data stands under no other that goes on.
    fn stops_with_agreement(&self, agreement: &Id, cut: &mut Cut<'_>) -> Result<(), Error> {
        let Some(operator) =
            self.force().spec(OPERATING, agreement)?.and_then(|spec| named(&spec, "operator"))
        else {
            return Ok(());
        };
        let mut stopped = BTreeSet::from([agreement.clone()]);
        for other in self.register.referrers_of(OPERATING, "Organisation", operator.as_str())? {
            let suspensions = self.register.referrers_of(SUSPENSION, OPERATING, other.as_str())?;
            for suspension in suspensions {
                if self.force().spec(SUSPENSION, &suspension)?.is_some() {
                    stopped.insert(other.clone());
                }
            }
        }
        let now = self.now();
        let products = self.register.referrers_of(PRODUCT, "Organisation", operator.as_str())?;
        for product in products {
            let Some(authorised) = self.authorised(&product)? else { continue };
            for grant in self.register.referrers_of(GRANT, PRODUCT, product.as_str())? {
                let Some(spec) = self.force().spec(GRANT, &grant)? else { continue };
                let is_of = named(&spec, "product").is_some_and(|name| name == product);
                let scenario = named(&spec, "scenario");
                let fails = authorised.fails_without(scenario.as_ref(), now, |name| stopped.contains(name));
                if is_of && fails.is_some() {
                    cut.add(&grant, &spec);
                }
            }
        }
        Ok(())
    }

    /// Every grant in force stops.
    fn stops_with_everything(&self, cut: &mut Cut<'_>) -> Result<(), Error> {
        let filter = Filter {
            kind: GRANT,
            after: None,
            owner: None,
            state: None,
            states: &[],
            text: None,
            concerning: None,
            reach: Reach::default(),
            overdue: false,
            limit: WALKED_MAX + 1,
        };
        let grants = self.register.list(&filter)?;
        cut.consequences.losing_more |= grants.len() > WALKED_MAX;
        for grant in grants.iter().take(WALKED_MAX) {
            self.cut_off(&grant.name, cut)?;
        }
        Ok(())
    }
}
