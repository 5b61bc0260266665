//! Exit reviews (出域审查; Gansu-O 26, Qingtian 三(三), Heilongjiang 22): passed on one product exactly as it then was.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde_json::Value;
use shuzha_core::Id;

use crate::World;
use crate::product::Product;
use crate::upstream::Upstream;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// What of a product's own declaration an exit review is about: all that decides which data leaves. A new title needs no
/// new review. Of the product's service, and of the one behind its sandbox, it is about where it is, its key and what it
/// says of itself: a review of one machine says nothing about another.
const REVIEWED: &[&str] = &["kind", "dataSets", "upstream", "version", "operations"];

/// SHA-256 of what an exit review looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    /// The digest of a product, by its spec and the services behind it. Independent of the order in which fields were
    /// written.
    #[must_use]
    pub fn of(product: &Value, upstream: &Upstream, sandbox: Option<&Upstream>) -> Self {
        let services = [("service", Some(upstream)), ("sandbox", sandbox)];
        let services =
            services.map(|(field, service)| (field, service.map_or(Value::Null, Upstream::reviewed)));
        Self::over(b"shuzha/v2 exit review\n", product, &services)
    }

    /// The digest of a product by its spec alone: what reviews bound before services were part of them.
    #[must_use]
    pub fn of_spec(product: &Value) -> Self {
        Self::over(b"shuzha/v1 exit review\n", product, &[])
    }

    fn over(domain: &[u8], product: &Value, services: &[(&str, Value)]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(domain);
        let own = REVIEWED.iter().map(|field| (*field, product.get(field).unwrap_or(&Value::Null)));
        for (field, value) in own.chain(services.iter().map(|(field, value)| (*field, value))) {
            context.update(field.as_bytes());
            context.update(b":");
            feed(&mut context, value);
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
        f.write_str(&shuzha_core::hex::encode(&self.0))
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
        shuzha_core::hex::decode(text).map(Self).ok_or(DigestError)
    }
}

/// What a review of a product speaks for, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviewable {
    /// Of the product and the services behind it.
    pub digest: Digest,
    /// Of the product alone, while all its services stand as they were declared before reviews bound them: a review from
    /// then goes on to speak, until the first change of a service.
    before: Option<Digest>,
}

impl Reviewable {
    pub(crate) fn new(product: &Value, upstream: &Upstream, sandbox: Option<&Upstream>) -> Self {
        let as_before = |service: &Upstream| service.key_file_before.is_some();
        let unchanged = as_before(upstream) && sandbox.is_none_or(as_before);
        let before = unchanged.then(|| Digest::of_spec(product));
        Self { digest: Digest::of(product, upstream, sandbox), before }
    }

    /// Whether this is what was reviewed, by its digest then.
    #[must_use]
    pub fn is(&self, reviewed: &Digest) -> bool {
        self.digest == *reviewed || self.before.as_ref() == Some(reviewed)
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
    /// Whether the review speaks for the product named `name` as it is `now`.
    #[must_use]
    pub fn speaks_for(&self, name: &Id, now: &Reviewable) -> bool {
        self.product == *name && now.is(&self.digest)
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
    use crate::upstream::SelfDescription;

    fn service(port: u16) -> Upstream {
        Upstream {
            endpoints: vec![format!("127.0.0.1:{port}").parse().expect("an endpoint")],
            timeout: std::time::Duration::from_secs(1),
            health_path: None,
            operator: None,
            described: None,
            key_digest: None,
            key_file_before: None,
            synthetic: false,
        }
    }

    fn product() -> Value {
        json!({"title": "t", "kind": "model", "upstream": "u", "dataSets": ["d"], "version": 1,
            "operations": [{"name": "score", "path": "/score", "output": {"a": 1, "b": "x"}}]})
    }

    #[test]
    fn e1_a_changed_path_or_contract_is_another_product() {
        let (product, service) = (product(), service(1));
        let digest = Digest::of(&product, &service, None);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let mut same = product.clone();
        same["title"] = json!("another title");
        same["operations"][0]["output"] = json!({"b": "x", "a": 1});
        assert_eq!(Digest::of(&same, &service, None), digest);
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
            assert_ne!(Digest::of(&other, &service, None), digest, "{pointer}");
        }
    }

    /// The port alone, the key, what it says of itself; of the service and of the one behind the sandbox.
    #[test]
    fn e1_a_review_binds_the_services_behind_a_product() {
        let digest = |text: &str| text.repeat(64).parse::<Digest>().expect("a digest");
        let described = |version: &str, contract: &str| {
            Some(SelfDescription { version: version.to_owned(), contract: digest(contract) })
        };
        let at = |text: &str| vec![text.parse().expect("an endpoint")];
        let base = || {
            let mut service = service(1);
            (service.described, service.key_digest) = (described("1", "0"), Some(digest("0")));
            service
        };
        let changes = [
            Upstream { endpoints: at("127.0.0.1:2"), ..base() },
            Upstream { endpoints: at("127.0.0.2:1"), ..base() },
            Upstream { key_digest: Some(digest("1")), ..base() },
            Upstream { described: described("2", "0"), ..base() },
            Upstream { described: described("1", "1"), ..base() },
            Upstream { synthetic: true, ..base() },
        ];
        let reviewed = base();
        let product = product();
        let now = Reviewable::new(&product, &reviewed, Some(&reviewed));
        assert!(now.is(&now.digest));
        for (at, other) in changes.iter().enumerate() {
            assert!(!Reviewable::new(&product, other, Some(&reviewed)).is(&now.digest), "{at}: its own");
            assert!(
                !Reviewable::new(&product, &reviewed, Some(other)).is(&now.digest),
                "{at}: the sandbox's"
            );
        }
        assert!(!Reviewable::new(&product, &reviewed, None).is(&now.digest), "a sandbox less");
        let mut slower = reviewed.clone();
        slower.timeout = std::time::Duration::from_secs(2);
        assert!(
            Reviewable::new(&product, &slower, Some(&reviewed)).is(&now.digest),
            "a time limit moves no data"
        );
    }

    /// A review from before services were bound speaks until a service is declared anew.
    #[test]
    fn a_review_of_the_last_version_speaks_until_a_service_changes() {
        let (product, mut before) = (product(), service(1));
        before.key_file_before = Some("keys/gateway.key".to_owned());
        let review = Digest::of_spec(&product);
        assert!(Reviewable::new(&product, &before, None).is(&review));
        assert!(!Reviewable::new(&product, &service(1), None).is(&review));
        assert!(!Reviewable::new(&product, &before, Some(&service(1))).is(&review));
    }

    #[test]
    fn a_digest_has_one_form() {
        let digest = Digest::of_spec(&Value::Null).to_string();
        for text in [digest.to_uppercase(), digest[1..].to_owned(), format!("+{}", &digest[1..])] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
        }
    }
}
