//! A caller of the API. Every answer is checked against the published document before a test looks at it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plane::{Plane, token_text};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        self.json()["code"].as_str().expect("a problem has a code").to_owned()
    }

    /// Paths of the faults.
    pub(crate) fn faults(&self) -> Vec<String> {
        let json = self.json();
        let faults = json["faults"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| fault["path"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn version(&self) -> u64 {
        self.header("etag").and_then(|tag| tag.trim_matches('"').parse().ok()).expect("a version")
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// A request in the making.
pub(crate) struct Ask<'p> {
    address: SocketAddr,
    method: &'p str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Plane {
    /// A request by nobody.
    pub(crate) fn ask<'p>(&self, method: &'p str, path: &str) -> Ask<'p> {
        let (headers, body) = (Vec::new(), Vec::new());
        Ask { address: self.address, method, path: path.to_owned(), headers, body }
    }

    /// A request by a person of the cast.
    pub(crate) fn by<'p>(&self, person: &str, method: &'p str, path: &str) -> Ask<'p> {
        self.ask(method, path).header("authorization", &format!("Bearer {}", token_text(person, "all")))
    }

    /// Writes an object.
    pub(crate) fn put(
        &self,
        person: &str,
        kind: &str,
        plural: &str,
        name: &str,
        spec: &Value,
    ) -> Ask<'static> {
        self.by(person, "PUT", &format!("/api/v1/{plural}/{name}")).json(&json!({
            "apiVersion": "shuzha/v1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        }))
    }
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn matching(self, version: u64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").raw(body.to_string().into_bytes())
    }

    pub(crate) fn raw(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends it, and checks the answer.
    pub(crate) fn send(self) -> Answer {
        assert!(!self.path.contains('{'), "{}: a parameter has no value", self.path);
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || matches!(self.method, "PUT" | "POST") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&self.body).unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).expect("an answer in time");
        let answer = parse(&raw);
        conforms(self.method, &self.path, &answer);
        answer
    }
}

fn parse(raw: &[u8]) -> Answer {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
    let head = std::str::from_utf8(&raw[..end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let pair = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let headers: Vec<(String, String)> = lines.map(pair).collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = &raw[end + 4..];
    let body = if chunked { joined(body) } else { body.to_vec() };
    Answer { status: status.expect("a status"), headers, body }
}

/// A body that came in chunks (RFC 9112 §7.1).
fn joined(mut raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|two| two == b"\r\n").expect("a chunk begins with its size");
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).unwrap(), 16).expect("a size");
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&raw[end + 2..end + 2 + size]);
        raw = &raw[end + 4 + size..];
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(shuzha_api::openapi::document);

/// The documented operation of a request.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (ours, theirs): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(ours, theirs)| match ours.strip_prefix('{') {
                Some(rest) => match (rest.split_once("}:"), theirs.split_once(':')) {
                    (Some((_, verb)), Some((_, given))) => verb == given,
                    (None, None) => true,
                    _ => false,
                },
                None => ours == theirs,
            })
    };
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_ascii_lowercase() };
    // A fixed path goes before one with a name in it.
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.contains('{'));
    found.first().and_then(|(_, item)| item.get(method))
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(target) => DOCUMENT.pointer(target.trim_start_matches('#')).expect("references lead somewhere"),
        None => value,
    }
}

/// Panics unless the answer is one that the document promises.
#[track_caller]
fn conforms(method: &str, path: &str, answer: &Answer) {
    for header in ["x-request-id", "cache-control", "x-content-type-options", "content-security-policy"] {
        assert!(answer.header(header).is_some(), "{method} {path}: no {header}");
    }
    let Some(operation) = operation(method, path) else { return };
    let Some(documented) = operation["responses"].get(answer.status.to_string()) else {
        panic!("{method} {path}: status {} is not documented: {answer:?}", answer.status);
    };
    let documented = resolved(documented);
    for (name, header) in documented["headers"].as_object().into_iter().flatten() {
        if resolved(header)["required"] == true {
            assert!(answer.header(&name.to_ascii_lowercase()).is_some(), "{method} {path}: no {name}");
        }
    }
    let Some(content) = documented.get("content").and_then(Value::as_object) else {
        assert!(answer.body.is_empty(), "{method} {path}: {} has a body", answer.status);
        return;
    };
    if method == "HEAD" {
        return assert!(answer.body.is_empty(), "{path}: HEAD has a body");
    }
    let given = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let schema = &content.get(given).unwrap_or_else(|| panic!("{method} {path}: {given}"))["schema"];
    if given.ends_with("json") {
        let whole = json!({"components": DOCUMENT["components"], "allOf": [schema]});
        let validator = jsonschema::draft202012::new(&whole).expect("a schema");
        let body = answer.json();
        if let Err(error) = validator.validate(&body) {
            panic!("{method} {path} {}: {error} at {}\n{body}", answer.status, error.instance_path());
        }
    }
}
