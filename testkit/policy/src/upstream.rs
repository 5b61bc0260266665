//! A product service that says what it is told to say.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::HeaderValue;
use shuzha_core::Id;
use shuzha_policy::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};
use shuzha_privacy::dp::DomainDigest;
use tokio::sync::Semaphore;

/// What the product service does with one request.
#[derive(Clone, Debug)]
pub enum Say {
    /// Answers with this status and body.
    Json(u16, &'static str),
    /// Gives no answer.
    Fault(UpstreamFault),
    /// Says that it has the request, and answers when it is let go.
    Wait(&'static str),
    /// Opens a package with this status.
    Package(u16),
    /// Opens a whole package of so many bytes.
    Whole(u64),
    /// A bug: it panics with the request in its message.
    Panic,
}

/// 一致.
pub const CONSISTENT: &str = r#"{"code":"00"}"#;
/// 查无.
pub const MISS: &str = r#"{"code":"02"}"#;
/// After so many misses in a row, use is abnormal.
pub const MISSES_NOTICED: usize = 6;
/// Aggregates over the census by sex.
pub const CENSUS: &str = r#"{"data_version":"adult-1","max_rows_per_person":1,"rows":[{"key":["Female"],"count":300},{"key":["Male"],"count":700}]}"#;
/// Aggregates over the ward by sex.
pub const WARD: &str = r#"{"data_version":"ward-1","max_rows_per_person":1,"rows":[{"key":["Female"],"count":30},{"key":["Male"],"count":70}]}"#;

/// The product service.
pub struct Fake {
    script: Mutex<VecDeque<Say>>,
    seen: Mutex<Vec<Seen>>,
    arrived: Semaphore,
    go: Semaphore,
    /// Whether it keeps the domain that was declared.
    keeps: AtomicBool,
}

/// What of a request reached the product service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The product service.
    pub upstream: String,
    /// The unit.
    pub unit: String,
    /// The scenario.
    pub scenario: String,
    /// The permitted fields.
    pub fields: String,
    /// The body.
    pub body: Bytes,
}

impl Fake {
    /// One that does as `script` says, call by call, and then answers what fits the product.
    pub fn new(script: impl IntoIterator<Item = Say>) -> Self {
        Self {
            script: Mutex::new(script.into_iter().collect()),
            seen: Mutex::default(),
            arrived: Semaphore::new(0),
            go: Semaphore::new(0),
            keeps: AtomicBool::new(true),
        }
    }

    /// It is known to keep another domain than was declared, or not.
    pub fn keep(&self, keeps: bool) {
        self.keeps.store(keeps, Ordering::Relaxed);
    }

    /// Waits until a request is waiting in [`Say::Wait`].
    pub async fn arrived(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }

    /// Lets one waiting request go on.
    pub fn go(&self) {
        self.go.add_permits(1);
    }

    /// The requests that reached it.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no holder panics").clone()
    }

    fn next(&self, dispatch: &Dispatch<'_>) -> Say {
        self.seen.lock().expect("no holder panics").push(Seen {
            upstream: dispatch.upstream.to_string(),
            unit: dispatch.unit.to_owned(),
            scenario: dispatch.scenario.to_owned(),
            fields: dispatch.fields.to_owned(),
            body: dispatch.body.clone(),
        });
        let said = self.script.lock().expect("no holder panics").pop_front();
        said.unwrap_or_else(|| Say::Json(200, usual(dispatch.path)))
    }
}

/// What the services of the demo's world usually answer.
fn usual(path: &str) -> &'static str {
    match path {
        "/v1/aggregate" => CENSUS,
        "/v1/score" => r#"{"score":447}"#,
        "/v1/enterprises:lookup" => {
            r#"{"uscc":"91690114MAC4UCDX1R","name":"启木","status":"存续","established":"2019-05-06","area":"690114",
               "legal_person":"钱多多","phone":"13800000000","registered_capital_yuan":1000000,"secret":1}"#
        }
        _ => CONSISTENT,
    }
}

impl Upstream for Fake {
    type Stream = ();

    fn keeps(&self, _: &Id, _: DomainDigest) -> bool {
        self.keeps.load(Ordering::Relaxed)
    }

    async fn fetch(&self, dispatch: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        let whole =
            |status, body: &'static str| Ok(Fetched { status, body: Bytes::from_static(body.as_bytes()) });
        match self.next(&dispatch) {
            Say::Json(status, body) => whole(status, body),
            Say::Fault(fault) => Err(fault),
            Say::Wait(body) => {
                self.arrived.add_permits(1);
                self.go.acquire().await.expect("never closed").forget();
                whole(200, body)
            }
            Say::Package(_) | Say::Whole(_) => {
                panic!("the script has a package where an answer is asked for")
            }
            Say::Panic => panic!("a bug at {}", String::from_utf8_lossy(&dispatch.body)),
        }
    }

    async fn open(&self, dispatch: Dispatch<'_>) -> Result<Opened<()>, UpstreamFault> {
        let status = match self.next(&dispatch) {
            Say::Package(status) => status,
            Say::Whole(length) => {
                let (length, etag) = (Some(length), Some(HeaderValue::from_static("\"v1\"")));
                return Ok(Opened { status: 200, length, content_range: None, etag, stream: () });
            }
            Say::Fault(fault) => return Err(fault),
            Say::Json(..) => 200,
            Say::Panic => panic!("a bug at {}", dispatch.path),
            Say::Wait(_) => {
                self.arrived.add_permits(1);
                self.go.acquire().await.expect("never closed").forget();
                200
            }
        };
        let content_range = match status {
            206 => Some(HeaderValue::from_static("bytes 100-199/1000")),
            416 => Some(HeaderValue::from_static("bytes */1000")),
            _ => None,
        };
        Ok(Opened { status, length: Some(100), content_range, etag: None, stream: () })
    }
}
