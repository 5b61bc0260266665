//! Exit reviews (出域审查; Gansu-O 26, Qingtian 三(三), Heilongjiang 22): passed on one product exactly as it then was.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde_json::Value;
use shuzha_core::Id;

use crate::World;
use crate::product::Product;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// What of a product an exit review is about: all that decides which data leaves, and where it comes from. A new title
/// needs no new review.
const REVIEWED: &[&str] = &["kind", "dataSets", "upstream", "version", "operations"];

/// SHA-256 of what an exit review looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    /// The digest of a product, by its spec. Independent of the order in which fields were written.
    #[must_use]
    pub fn of(product: &Value) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(b"shuzha/v1 exit review\n");
        for field in REVIEWED {
            context.update(field.as_bytes());
            context.update(b":");
            feed(&mut context, product.get(field).unwrap_or(&Value::Null));
            context.update(b"\n");
        }
        let mut digest = [0; SHA256_OUTPUT_LEN];
        digest.copy_from_slice(context.finish().as_ref());
        Self(digest)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SHA256_OUTPUT_LEN] {
        &self.0
    }
}

/// Canonical JSON: keys in order of their bytes, no spaces. Every value has one form only, as the world's reader
/// refuses what JSON cannot hold.
fn feed(context: &mut Context, value: &Value) {
    match value {
        Value::Array(items) => {
            context.update(b"[");
            for item in items {
                feed(context, item);
                context.update(b",");
            }
            context.update(b"]");
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            context.update(b"{");
            for (key, value) in fields {
                context.update(Value::from(key.as_str()).to_string().as_bytes());
                context.update(b":");
                feed(context, value);
                context.update(b",");
            }
            context.update(b"}");
        }
        scalar => context.update(scalar.to_string().as_bytes()),
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a SHA-256 digest: 64 hexadecimal digits in lower case")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 2 * SHA256_OUTPUT_LEN || !text.bytes().all(lower) {
            return Err(DigestError);
        }
        let mut digest = [0; SHA256_OUTPUT_LEN];
        for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| DigestError)?;
        }
        Ok(Self(digest))
    }
}

/// A review that a product passed. It speaks for the product only while the product's digest is the same
/// (REQUIREMENTS E1).
#[derive(Clone, Debug)]
pub struct ExitReview {
    /// What was reviewed.
    pub product: Id,
    /// As it then was.
    pub digest: Digest,
}

impl ExitReview {
    /// Whether the review speaks for the product named `name`, whose digest now is `digest`.
    #[must_use]
    pub fn speaks_for(&self, name: &Id, digest: &Digest) -> bool {
        self.product == *name && self.digest == *digest
    }
}

impl Object for ExitReview {
    const KIND: &'static str = "ExitReview";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["product", "digest"]])?;
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let digest = spec.required("digest").and_then(|place| place.parsed());
        Some(Self { product: product?.0.clone(), digest: digest? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.exit_reviews
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.exit_reviews
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn e1_a_changed_endpoint_or_contract_is_another_product() {
        let product = json!({"title": "t", "kind": "model", "upstream": "u", "dataSets": ["d"], "version": 1,
            "operations": [{"name": "score", "path": "/score", "output": {"a": 1, "b": "x"}}]});
        let digest = Digest::of(&product);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let mut same = product.clone();
        same["title"] = json!("another title");
        same["operations"][0]["output"] = json!({"b": "x", "a": 1});
        assert_eq!(Digest::of(&same), digest);
        for (pointer, value) in [
            ("/operations/0/path", json!("/other")),
            ("/operations/0/output/a", json!("1")),
            ("/operations/0/output", json!({"a": 1, "b": "x", "c": null})),
            ("/upstream", json!("v")),
            ("/version", json!(2)),
            ("/dataSets", json!(["d", "e"])),
        ] {
            let mut other = product.clone();
            *other.pointer_mut(pointer).expect("a place in it") = value;
            assert_ne!(Digest::of(&other), digest, "{pointer}");
        }
    }

    #[test]
    fn a_digest_has_one_form() {
        let digest = Digest::of(&Value::Null).to_string();
        for text in [digest.to_uppercase(), digest[1..].to_owned(), format!("+{}", &digest[1..])] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
        }
    }
}
