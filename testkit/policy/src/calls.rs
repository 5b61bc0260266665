//! Who calls: requests and their signatures.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::digest::{SHA256, digest};
use shuzha_core::{RequestId, Timestamp};
use shuzha_policy::Inbound;
pub use shuzha_testkit::registered::{COMPANY, OTHER, PERSON};
use sm3::{Digest, Sm3};

use crate::world::secret;

/// Key of the pairwise pseudonyms.
pub const PSEUDONYM_KEY: [u8; 32] = [5; 32];

static SERIAL: AtomicU64 = AtomicU64::new(1);

/// A number that was not given out before in this process.
pub fn serial() -> u64 {
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

/// One request as its caller means it.
#[derive(Clone)]
pub struct Ask {
    /// The credential that signs it.
    pub credential: String,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Option<String>,
    /// The scenario that it names.
    pub scenario: Option<String>,
    /// Its body.
    pub body: Bytes,
    /// The type that it says its body has.
    pub content_type: Option<&'static str>,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// Its nonce; a new one where none is given.
    pub nonce: Option<String>,
    /// Seconds by which the signer's clock is wrong.
    pub skew: i64,
    /// How it is signed.
    pub sign: Sign,
    /// Whether it is signed by version 1 of the simple profile.
    pub first_version: bool,
    /// Where it comes from.
    pub peer: IpAddr,
}

/// How the request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// As the credential's algorithm asks.
    Right,
    /// Not at all.
    None,
    /// With another's key.
    Wrong,
    /// With a signature header that is no signature.
    Malformed,
    /// For another body than the one sent (RFC 9530 digest; needs the Ed25519 credential).
    OtherBody,
}

impl Ask {
    /// `credential` asks for `product`/`operation` for `scenario`.
    pub fn new(credential: &str, product: &str, operation: &str, scenario: &str) -> Self {
        Self {
            credential: credential.to_owned(),
            method: Method::POST,
            path: format!("/v1/products/{product}/{operation}"),
            query: None,
            scenario: Some(scenario.to_owned()),
            body: body_of(product),
            content_type: Some("application/json"),
            headers: Vec::new(),
            nonce: None,
            skew: 0,
            sign: Sign::Right,
            first_version: false,
            peer: IpAddr::from([127, 0, 0, 1]),
        }
        .fitting(product)
    }

    fn fitting(mut self, product: &str) -> Self {
        if matches!(product, "enterprise-list" | "toy-list") {
            (self.method, self.content_type) = (Method::GET, None);
        }
        self
    }

    /// The same with a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a body.
    pub fn body(mut self, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self
    }

    /// The signed request, received at `now`.
    pub fn send(&self, now: Timestamp) -> Sent {
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &str| {
            let name: HeaderName = name.parse().expect("a header name");
            headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        };
        if let Some(scenario) = &self.scenario {
            add("x-scenario", scenario);
        }
        if let Some(kind) = self.content_type {
            add("content-type", kind);
        }
        for (name, value) in &self.headers {
            add(name, value);
        }
        let nonce = self.nonce.clone().unwrap_or_else(|| format!("nonce-{:08}", serial()));
        for (name, value) in self.signature(now.seconds() + self.skew, &nonce) {
            add(name, &value);
        }
        let request = request();
        let authority = "gate.test".to_owned();
        Sent { ask: self.clone(), headers, authority, request, received: now }
    }

    fn signature(&self, seconds: i64, nonce: &str) -> Vec<(&'static str, String)> {
        let owner = if self.sign == Sign::Wrong { "nobody" } else { &*self.credential };
        match (self.sign, &*self.credential) {
            (Sign::None, _) => Vec::new(),
            (_, "bank-ed25519") => self.rfc9421(seconds, nonce, &secret(owner)),
            _ => self.simple(seconds, nonce, &secret(owner)),
        }
    }

    /// What is sent of the fields that decide a call.
    fn deciding(&self) -> [Option<&str>; 3] {
        let sent = |wanted: &str| {
            self.headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.as_ref())
        };
        [self.scenario.as_deref(), sent("x-consent"), sent("idempotency-key")]
    }

    fn simple(&self, seconds: i64, nonce: &str, key: &[u8]) -> Vec<(&'static str, String)> {
        let sm3 = matches!(&*self.credential, "bank-2" | "civil-affairs-1");
        let hash = |bytes: &[u8]| {
            let digest =
                if sm3 { Sm3::digest(bytes).to_vec() } else { digest(&SHA256, bytes).as_ref().to_vec() };
            shuzha_core::hex::encode(&digest)
        };
        let query = self.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        let body = hash(&self.body);
        let text = if self.first_version {
            format!("{}\n{}{query}\n{body}\n{seconds}\n{nonce}", self.method, self.path)
        } else {
            let [scenario, consent, idempotency] = self.deciding();
            let consent = consent.map(|token| hash(token.as_bytes())).unwrap_or_default();
            format!(
                "shuzha signature 2\n{}\ngate.test\n{}{query}\n{body}\n{seconds}\n{nonce}\n{}\n{consent}\n{}",
                self.method,
                self.path,
                scenario.unwrap_or_default(),
                idempotency.unwrap_or_default()
            )
        };
        let tag = if sm3 {
            let mac = Hmac::<Sm3>::new_from_slice(key).expect("HMAC takes every key");
            mac.chain_update(text.as_bytes()).finalize().into_bytes().to_vec()
        } else {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
            ring::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
        };
        let tag = if self.sign == Sign::Malformed { "short".to_owned() } else { BASE64_STANDARD.encode(tag) };
        vec![
            ("x-signature-version", if self.first_version { "1" } else { "2" }.to_owned()),
            ("x-app-key", self.credential.clone()),
            ("x-timestamp", seconds.to_string()),
            ("x-nonce", nonce.to_owned()),
            ("x-signature", tag),
        ]
    }

    fn rfc9421(&self, seconds: i64, nonce: &str, seed: &[u8; 32]) -> Vec<(&'static str, String)> {
        let signed: &[u8] = if self.sign == Sign::OtherBody { b"another body" } else { &self.body };
        let content = format!("sha-256=:{}:", BASE64_STANDARD.encode(digest(&SHA256, signed)));
        let target = format!("http://gate.test{}", self.path);
        let mut covered = vec![
            ("@method", self.method.as_str()),
            ("@target-uri", target.as_str()),
            ("content-digest", content.as_str()),
        ];
        let names = ["x-scenario", "x-consent", "idempotency-key"];
        covered
            .extend(names.into_iter().zip(self.deciding()).filter_map(|(name, value)| Some((name, value?))));
        let listed = covered.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
        let params = format!(
            "({listed});created={seconds};keyid=\"{}\";alg=\"ed25519\";nonce=\"{nonce}\"",
            self.credential
        );
        let lines: String = covered.iter().map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
        let base = format!("{lines}\"@signature-params\": {params}");
        let tag = ed25519_dalek::SigningKey::from_bytes(seed).sign(base.as_bytes()).to_bytes();
        vec![
            ("content-digest", content),
            ("signature-input", format!("sig1={params}")),
            ("signature", format!("sig1=:{}:", BASE64_STANDARD.encode(tag))),
        ]
    }
}

/// A body that the product's input contract accepts.
fn body_of(product: &str) -> Bytes {
    let text = match product {
        "person-check" => format!(r#"{{"id_number":"{}","name":"{}"}}"#, PERSON.0, PERSON.1),
        "company-profile" => format!(r#"{{"uscc":"{}"}}"#, COMPANY.0),
        "census-report" | "toy-report" | "ward-report-a" | "ward-report-b" => histogram("sex", "0.25"),
        "credit-score" => score(),
        "enterprise-list" | "toy-list" => String::new(),
        _ => format!(r#"{{"uscc":"{}","name":"{}"}}"#, COMPANY.0, COMPANY.1),
    };
    Bytes::from(text)
}

/// A histogram over `column` for `epsilon`.
pub fn histogram(column: &str, epsilon: &str) -> String {
    format!(r#"{{"measure":"histogram","column":"{column}","accuracy":{{"epsilon":"{epsilon}"}}}}"#)
}

fn score() -> String {
    let mut features =
        serde_json::json!({"limit_bal": 90_000, "sex": 2, "education": 2, "marriage": 2, "age": 34});
    for month in [0, 2, 3, 4, 5, 6] {
        features[format!("pay_{month}")] = 0.into();
    }
    for month in 1..=6 {
        features[format!("bill_amt{month}")] = 1_000.into();
        features[format!("pay_amt{month}")] = 1_000.into();
    }
    features.to_string()
}

/// The name of one more request.
fn request() -> RequestId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&serial().to_be_bytes());
    RequestId::from_bytes(id)
}

/// A request on the wire.
#[derive(Clone)]
pub struct Sent {
    /// What its caller means.
    pub ask: Ask,
    /// Its header fields.
    pub headers: HeaderMap,
    /// To whom it is addressed.
    pub authority: String,
    /// The name that the data plane gave it.
    pub request: RequestId,
    /// When it was received.
    pub received: Timestamp,
}

impl Sent {
    /// The same bytes, received once more.
    pub fn again(&self) -> Self {
        Self { request: request(), ..self.clone() }
    }

    /// As the gate takes it.
    pub fn inbound(&self) -> Inbound<'_> {
        Inbound {
            request: self.request,
            received: self.received,
            method: &self.ask.method,
            path: &self.ask.path,
            query: self.ask.query.as_deref(),
            scheme: "http",
            authority: &self.authority,
            headers: &self.headers,
            body: self.ask.body.clone(),
            peer: self.ask.peer,
        }
    }
}
