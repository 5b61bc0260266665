//! A product service for the tests: verifications, exact aggregates, and calls that wait until they are let go.
//!
//! It trusts everyone: what the gateway's signature is worth is tested with the reference services. It says which domain its
//! statistics keep, signed with the key that the gateway made for it, as no query would be sent to it otherwise.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Value, json};
use shuzha_core::hex;
use shuzha_privacy::dp::{Domain, Measure, Terms};

/// A name that is answered with 不一致.
pub(crate) const WRONG_NAME: &str = "另一名字";
/// A name that is answered with what was asked.
pub(crate) const ECHO_NAME: &str = "回显";
/// A name whose call ends with the connection.
pub(crate) const GONE_NAME: &str = "断开";
/// A name whose call waits in [`Service::held`].
pub(crate) const HELD_NAME: &str = "等待";

/// The highest age in the domain of `world/small.yaml`.
pub(crate) const AGE_MAX: i64 = 90;

/// The digest of that domain, with another highest age where it says so.
fn domain(age_max: i64) -> String {
    let declared = json!({"data_version": "test-1", "max_rows_per_person": 1, "columns": {
        "age": {"type": "integer", "minimum": 17, "maximum": age_max},
    }});
    let terms = Terms { measure: Measure::PureEps, per_query_max: "1".parse().expect("a charge") };
    Domain::compile(&declared, terms).expect("a domain").digest().to_string()
}

/// What the service says of itself.
#[derive(Clone)]
struct Says {
    /// The file with its key.
    key: PathBuf,
    /// The highest age in the domain that it keeps; none where it does not describe itself.
    age_max: Arc<Mutex<Option<i64>>>,
}

impl Says {
    /// The description in answer to the question `id`, with its signature; none where there is none.
    fn described(&self, id: &str) -> Option<(Value, String)> {
        let age_max = (*self.age_max.lock().expect("nobody panics with it"))?;
        let key = std::fs::read(&self.key).ok()?;
        let body =
            json!({"synthetic": false, "version": "1", "contract": "00", "domains": [domain(age_max)]});
        let sha256 = hex::encode(digest(&SHA256, body.to_string().as_bytes()).as_ref());
        let text = format!("shuzha-service-v1\n{id}\n{sha256}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
        Some((body, BASE64_STANDARD.encode(tag)))
    }
}

/// A running product service. Its threads end with the test's process.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// One for each call that waits; dropping or using it lets the call go.
    pub(crate) held: Receiver<Sender<()>>,
    says: Says,
}

impl Service {
    /// One whose key is in this data folder.
    pub(crate) fn start(data: &Path) -> Self {
        let says = Says {
            key: data.join("keys/upstreams/service.key"),
            age_max: Arc::new(Mutex::new(Some(AGE_MAX))),
        };
        let said = says.clone();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (holding, held) = channel();
        let holding = Arc::new(Mutex::new(holding));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let holding = holding.lock().expect("nobody panics with it").clone();
                let says = said.clone();
                std::thread::spawn(move || serve(&stream, &holding, &says));
            }
        });
        Self { address, held, says }
    }

    /// From now on it says that it keeps a domain with this highest age; or nothing of itself.
    pub(crate) fn keep(&self, age_max: Option<i64>) {
        *self.says.age_max.lock().expect("nobody panics with it") = age_max;
    }
}

/// Answers requests until the gateway closes the connection.
fn serve(stream: &TcpStream, holding: &Sender<Sender<()>>, says: &Says) {
    // Small answers at once: waiting to fill a segment would be the longest part of a call.
    stream.set_nodelay(true).expect("a TCP stream");
    let mut reader = BufReader::new(stream);
    while let Some((path, id, body)) = request(&mut reader) {
        if body["name"] == GONE_NAME {
            break;
        }
        let described = (path == "/.well-known/shuzha-service").then(|| says.described(&id)).flatten();
        let (answer, signature) = described.unwrap_or_else(|| (answer(&path, &body, holding), String::new()));
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Service-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let mut stream = stream;
        if stream.write_all([head, answer].concat().as_bytes()).is_err() {
            break;
        }
    }
}

/// Path, id and body of the next request; none at the end of the connection.
fn request(reader: &mut impl BufRead) -> Option<(String, String, Value)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut id) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((_, value)) =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().ok()?;
        }
        if let Some((_, value)) =
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id"))
        {
            value.clone_into(&mut id);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, id, serde_json::from_slice(&body).unwrap_or_default()))
}

fn answer(path: &str, body: &Value, holding: &Sender<Sender<()>>) -> Value {
    if path == "/v1/aggregate" {
        return json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": [{"key": [], "count": 1_000}]});
    }
    match body["name"].as_str() {
        Some(WRONG_NAME) => json!({"code": "01"}),
        Some(ECHO_NAME) => json!({"code": body["id_number"], "asked": body}),
        Some(HELD_NAME) => {
            let (let_go, wait) = channel();
            holding.send(let_go).expect("the test holds the other end");
            // Sent to or dropped: either way the call goes on.
            let _ = wait.recv();
            json!({"code": "00"})
        }
        _ => json!({"code": "00"}),
    }
}
