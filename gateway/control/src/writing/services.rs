//! Rules for what is declared anew about product services, and what a change of one does to reviews. What was declared
//! before a rule was made is read as it was.

use serde_json::Value;
use shuzha_core::Fault;
use shuzha_core::{Code, Id};
use shuzha_products::case::Declared;
use shuzha_products::exit_review::Reviewable;
use shuzha_products::upstream::KEY_FILE;
use shuzha_products::{World, product};
use shuzha_store::register::Reference;

use super::check::faulty;
use super::consequences::Difference;
use crate::{Control, Error, Kind};

/// Checks a spec that is declared now.
///
/// # Errors
/// C1002 for a key file that is named, for a product that answers from sensitive data of persons without asking them or
/// naming an act, for a table that does not say which keys its groups have, and for a model or blinded list without a bound
/// on its answers.
pub(super) fn check(kind: Kind, name: &Id, spec: &Value, world: &World) -> Result<(), Error> {
    let fault = |path: String, reason: &str| Fault::new(path, reason);
    let faults: Vec<Fault> = match kind.name() {
        "Upstream" if spec.get(KEY_FILE).is_some() => vec![fault(
            format!("spec.{KEY_FILE}"),
            "is not declared: the key of a product service is in keys/upstreams/NAME.key of the node's data folder",
        )],
        "Product" => {
            let product = world.products.get(name);
            let unfounded = product.into_iter().flat_map(|product| product.unfounded());
            let undeclared = product.into_iter().flat_map(|product| product.undeclared());
            let unbounded = product.into_iter().flat_map(|product| product.unbounded());
            let told = unfounded.map(product::unfounded).chain(undeclared.map(product::undeclared));
            let told = told.chain(unbounded.map(product::unbounded));
            told.map(|reason| fault("spec.operations".to_owned(), &reason)).collect()
        }
        _ => Vec::new(),
    };
    if faults.is_empty() { Ok(()) } else { Err(faulty(faults)) }
}

/// Checks that whoever a product service is declared to belong to is its owner.
///
/// # Errors
/// C1104.
pub(super) fn check_owner(kind: Kind, spec: &Value, owner: Option<&Id>) -> Result<(), Error> {
    let named = spec.get("operator").and_then(Value::as_str);
    match (kind.name(), named, owner) {
        ("Upstream", Some(named), Some(owner)) if named != owner.as_str() => {
            Err(Error::fault(Code::C1104, "spec.operator", "is the organisation that declares it".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Most exit reviews that are looked at for one change.
const REVIEWS_MAX: usize = 1_000;

impl Control {
    /// The exit reviews in force that do not speak any more once a product, or the service behind it or its sandbox, is as
    /// the change makes it.
    pub(super) fn unreviewed(&self, difference: &Difference) -> Result<Vec<Reference>, Error> {
        let mut unreviewed = Vec::new();
        for put in difference.put.iter().filter(|put| difference.changes(put)) {
            let products = match put.kind {
                "Product" => vec![("Product".to_owned(), put.name.clone())],
                "Upstream" => self.register.referrers("Upstream", put.name.as_str(), REVIEWS_MAX)?,
                _ => continue,
            };
            for (_, product) in products.into_iter().filter(|(kind, _)| kind == "Product") {
                let (before, after) =
                    (self.reviewable(&product, None)?, self.reviewable(&product, Some(put))?);
                let reviews = self.register.referrers("Product", product.as_str(), REVIEWS_MAX)?;
                for review in reviews.into_iter().filter(|(kind, _)| kind == "ExitReview") {
                    let held = self.force().spec("ExitReview", &review.1)?;
                    let held = held.and_then(|held| held["digest"].as_str()?.parse().ok());
                    let spoke =
                        |now: &Option<Reviewable>| now.zip(held).is_some_and(|(now, then)| now.is(&then));
                    if spoke(&before) && !spoke(&after) && !unreviewed.contains(&review) {
                        unreviewed.push(review);
                    }
                }
            }
        }
        Ok(unreviewed)
    }

    /// What a review of the product would be of, as it stands or would stand with `changed`; none where it cannot be read.
    fn reviewable(&self, product: &Id, changed: Option<&Declared>) -> Result<Option<Reviewable>, Error> {
        let force = self.force();
        let over = |kind: &str, name: &Id| {
            changed.filter(|put| put.kind == kind && put.name == *name).map(|put| put.spec.clone())
        };
        let spec = match over("Product", product) {
            Some(spec) => Some(spec),
            None => force.spec("Product", product)?,
        };
        let Some(spec) = spec else { return Ok(None) };
        let (world, _) = force.fetching(|fetch| {
            let mut fetch = |kind: &'static str, name: &Id| over(kind, name).or_else(|| fetch(kind, name));
            World::read_closure("Product", product, &spec, &mut fetch)
        })?;
        Ok(world.ok().and_then(|world| world.products.get(product).map(|read| read.reviewable)))
    }
}
