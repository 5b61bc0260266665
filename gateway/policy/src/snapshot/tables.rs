//! What is released once and kept: statistics, and tables with the family that each is of.

use ring::digest::{Context, SHA256};
use shuzha_privacy::dp::Query;
use shuzha_products::kinds::Dated;

use super::{Operation, Product, Statistics};
use crate::releases::{FamilyKey, ReleaseKey};

/// The names under which an answer is released.
#[derive(Clone, Copy)]
pub(crate) struct ReleaseName {
    pub(crate) key: ReleaseKey,
    /// Of a table: what one release at a time is made of.
    pub(crate) family: Option<FamilyKey>,
}

impl ReleaseName {
    /// The names of an answer of `operation`; none where it is no release. All views of a noised table are of one release:
    /// their query is the same.
    pub(crate) fn of(
        product: &Product,
        operation: &Operation,
        query: Option<(&Query, &Statistics)>,
    ) -> Option<Self> {
        match (operation.dated(), query) {
            (Some(Dated::Once { reference_date }), _) => {
                let set = product.data_sets.first()?.as_str();
                let version = product.version.to_string();
                let names = [set, product.name.as_str(), &version, operation.name.as_str(), reference_date];
                // Of the data set alone: whatever product, version or date it is, there is one publication.
                Some(Self {
                    key: digest("suppressed table", &names),
                    family: Some(digest("suppressed tables", &[set])),
                })
            }
            (dated, Some((query, statistics))) => {
                let names = [statistics.data_set.name.as_str(), product.name.as_str()];
                let family = dated.map(|_| digest("noised tables", &names));
                Some(Self { key: statistics.release_key(product, query), family })
            }
            (_, None) => None,
        }
    }
}

/// A digest of names under what they name. A name holds no NUL, so no two lists of names share a text.
fn digest(of: &str, names: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in [of].iter().chain(names) {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}
