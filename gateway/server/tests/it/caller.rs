//! A signing client of its own: version 2 of the simple profile, written once more from `docs/guide-caller.md`.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::{digest, hmac};
use serde_json::Value;
use shuzha_core::{Clock, OsRng, Rng, SystemClock, hex};

use crate::answers::Answer;

/// Longer than any answer may take, so that a hang fails the test instead of stopping it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the tests call every gateway, whatever its address: a signed call may be sent again after a restart.
pub(crate) const GATE: &str = "gate.test";

/// A credential and its secret.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) name: &'static str,
    pub(crate) secret: Vec<u8>,
}

/// A call that is signed: sending it twice is a replay.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// What a call asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) product: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) body: Value,
    pub(crate) consent: Option<String>,
    pub(crate) idempotency: Option<String>,
}

impl Ask {
    /// A verification of a company, for the unit whose scenario is given.
    pub(crate) fn company(scenario: &'static str, name: &str) -> Self {
        Self {
            product: "company-check",
            operation: "verify",
            scenario,
            body: serde_json::json!({"uscc": crate::home::COMPANY.0, "name": name}),
            consent: None,
            idempotency: None,
        }
    }

    /// A verification of a person, by the bank.
    pub(crate) fn person(consent: Option<String>) -> Self {
        let (number, name) = crate::home::PERSON;
        Self {
            product: "person-check",
            body: serde_json::json!({"id_number": number, "name": name}),
            consent,
            ..Self::company("bank-scenario", "")
        }
    }

    /// A count of the persons of some ages, under differential privacy, by the bank.
    pub(crate) fn report(ages: (u32, u32), epsilon: &str) -> Self {
        let within = [("ge", ages.0), ("le", ages.1)]
            .map(|(op, age)| serde_json::json!({"column": "age", "op": op, "value": age}));
        Self {
            product: "census-report",
            operation: "query",
            body: serde_json::json!({"measure": "count", "where": within, "accuracy": {"epsilon": epsilon}}),
            ..Self::company("bank-scenario", "")
        }
    }

    /// Signs the call, now, with a fresh nonce.
    pub(crate) fn signed(&self, credential: &Credential) -> Signed {
        let path = format!("/v1/products/{}/{}", self.product, self.operation);
        let body = self.body.to_string();
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        let signed = [Some(self.scenario), self.consent.as_deref(), self.idempotency.as_deref()];
        headers.extend(signature(credential, ["POST", &path, &body], signed));
        headers.push(("X-Scenario", self.scenario.to_owned()));
        headers.extend(self.consent.clone().map(|token| ("X-Consent", token)));
        headers.extend(self.idempotency.clone().map(|key| ("Idempotency-Key", key)));
        Signed { path, headers, body }
    }
}

/// The signature's fields, now, with a fresh nonce: over method, path and body, and over what is `sent` of scenario,
/// consent and idempotency key.
fn signature(
    credential: &Credential,
    [method, path, body]: [&str; 3],
    sent: [Option<&str>; 3],
) -> [(&'static str, String); 5] {
    let time = SystemClock.now().seconds();
    let nonce = hex::encode(&OsRng.bytes::<16>());
    let sha256 = |bytes: &[u8]| hex::encode(digest::digest(&digest::SHA256, bytes).as_ref());
    let [scenario, consent, idempotency] = sent;
    let consent = consent.map(|token| sha256(token.as_bytes())).unwrap_or_default();
    let body = sha256(body.as_bytes());
    let text = format!(
        "shuzha signature 2\n{method}\n{GATE}\n{path}\n{body}\n{time}\n{nonce}\n{}\n{consent}\n{}",
        scenario.unwrap_or_default(),
        idempotency.unwrap_or_default()
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &credential.secret);
    [
        ("X-Signature-Version", "2".to_owned()),
        ("X-App-Key", credential.name.to_owned()),
        ("X-Timestamp", time.to_string()),
        ("X-Nonce", nonce),
        ("X-Signature", BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()))),
    ]
}

/// Connections to one gateway.
pub(crate) struct Caller {
    base: String,
    agent: ureq::Agent,
}

impl Caller {
    /// A caller that keeps its connections.
    pub(crate) fn new(gateway: SocketAddr) -> Self {
        Self::with(gateway, 4)
    }

    /// A caller that connects anew for every call.
    pub(crate) fn without_pool(gateway: SocketAddr) -> Self {
        Self::with(gateway, 0)
    }

    fn with(gateway: SocketAddr, idle_connections_max: usize) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_idle_connections(idle_connections_max)
            .max_idle_connections_per_host(idle_connections_max)
            .build();
        Self { base: format!("http://{gateway}"), agent: config.new_agent() }
    }

    /// Signs and sends.
    pub(crate) fn call(&self, credential: &Credential, ask: &Ask) -> Answer {
        self.send(&ask.signed(credential)).expect("the gateway answers")
    }

    /// Sends a signed call as it is.
    pub(crate) fn send(&self, call: &Signed) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(format!("{}{}", self.base, call.path)).header("Host", GATE);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        Answer::read(request.send(&call.body)?)
    }

    /// Asks for something of one's own.
    pub(crate) fn get_signed(&self, credential: &Credential, path: &str) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("Host", GATE);
        for (name, value) in signature(credential, ["GET", path, ""], [None; 3]) {
            request = request.header(name, value);
        }
        Answer::read(request.call().expect("the gateway answers")).expect("a whole answer")
    }

    /// Status and body of something that is not text.
    pub(crate) fn get_bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let mut response =
            self.agent.get(format!("{}{path}", self.base)).call().expect("the gateway answers");
        (response.status().as_u16(), response.body_mut().read_to_vec().expect("a whole answer"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        let response = self.agent.get(format!("{}{path}", self.base)).call().expect("the gateway answers");
        Answer::read(response).expect("a whole answer")
    }
}
