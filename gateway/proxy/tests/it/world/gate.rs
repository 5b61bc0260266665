//! A gate that does what the product's name says, and tells what it saw.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use shuzha_core::{Code, Id, MicroYuan, Refusal, RequestId};
use shuzha_policy::call::Delivery;
use shuzha_policy::{
    Dispatch, DomainDigest, Inbound, Payload, RateLimit, RateLimits, Reply, Upstream, Weight,
};
use shuzha_proxy::{Gate, LogFile};
use tokio::sync::{Semaphore, mpsc};

/// The domain that queries of the product `report` are for.
pub(crate) const DOMAIN: DomainDigest = DomainDigest::from_bytes([7; 32]);

/// Largest body of an operation of the product `small`.
pub(crate) const SMALL_BYTES: usize = 1_000;

/// What a gate saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A call began to wait for [`TestGate::release`].
    Holding,
    /// A call was dropped before its answer.
    Dropped,
    /// A request was refused before it was a call.
    Edge(Code),
    /// A package ended: bytes, and whether in order.
    Delivered(u64, bool),
}

/// The gate of tests.
pub(crate) struct TestGate {
    /// Calls begun.
    pub(crate) calls: AtomicUsize,
    /// Calls that a `hold` product lets go on.
    pub(crate) release: Semaphore,
    events: mpsc::UnboundedSender<Event>,
    seen: Mutex<Option<mpsc::UnboundedReceiver<Event>>>,
    /// Authority and scheme of the last call.
    pub(crate) last: Mutex<Option<(String, String)>>,
    /// Whose the last call was.
    pub(crate) peer: Mutex<Option<IpAddr>>,
}

impl Default for TestGate {
    fn default() -> Self {
        let (events, seen) = mpsc::unbounded_channel();
        Self {
            calls: AtomicUsize::new(0),
            release: Semaphore::new(0),
            events,
            seen: Mutex::new(Some(seen)),
            last: Mutex::default(),
            peer: Mutex::default(),
        }
    }
}

impl TestGate {
    /// Calls begun so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }

    /// What the gate sees from the start; taken once.
    pub(crate) fn events(&self) -> mpsc::UnboundedReceiver<Event> {
        self.seen.lock().expect("no panic").take().expect("taken once")
    }

    fn tell(&self, event: Event) {
        // A test that does not look at events has dropped the receiver.
        drop(self.events.send(event));
    }

    fn dispatch<'a>(call: &Inbound<'_>, path: &'a str, upstream: &'a Id) -> Dispatch<'a> {
        Dispatch {
            request: call.request,
            upstream,
            method: Method::POST,
            path,
            body: call.body.clone(),
            body_sha256: ring::digest::digest(&ring::digest::SHA256, &call.body)
                .as_ref()
                .try_into()
                .expect("SHA-256 is 32 bytes"),
            unit: "bank-a",
            scenario: "credit",
            fields: "/score",
            range: None,
            timeout: Duration::from_secs(5),
            answer_bytes_max: 64 * 1024,
            persons: call.path.starts_with("/v1/products/person/"),
            domain: call.path.starts_with("/v1/products/report/").then_some(DOMAIN),
        }
    }
}

/// A log with a checkpoint, one tile and one bundle.
pub(crate) fn log_file(address: &str, with_entries: bool) -> Result<Option<LogFile>, Refusal> {
    let file =
        |bytes: &'static str, immutable| LogFile { bytes: bytes.into(), kind: "text/plain", immutable };
    match address {
        "2026h2/checkpoint" => Ok(Some(file("head", false))),
        "2026h2/tile/0/000" => Ok(Some(file("tile", true))),
        "2026h2/tile/entries/000" if with_entries => Ok(Some(file("entries", true))),
        "2026h2/broken" => Err(Code::C1703.into()),
        _ => Ok(None),
    }
}

/// Tells when a call is dropped before its answer.
struct Watch<'a>(Option<&'a TestGate>);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            gate.tell(Event::Dropped);
        }
    }
}

fn reply<S>(request: RequestId, status: u16, payload: Payload<S>) -> Reply<S> {
    Reply {
        request,
        status,
        receipt: None,
        fee: None,
        limit: RateLimits::default(),
        replayed: false,
        sandbox: false,
        payload,
    }
}

impl Gate for TestGate {
    async fn serve<U: Upstream>(&self, call: &Inbound<'_>, upstream: &U) -> Reply<U::Stream> {
        self.calls.fetch_add(1, SeqCst);
        *self.last.lock().expect("no panic") = Some((call.authority.to_owned(), call.scheme.to_owned()));
        *self.peer.lock().expect("no panic") = Some(call.peer);
        let mut watch = Watch(Some(self));
        let mut segments = call.path["/v1/products/".len()..].splitn(2, '/');
        let (product, operation) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let path = format!("/{operation}");
        let up =
            Id::new(if matches!(product, "away" | "toy") { product } else { "up" }).expect("a good name");
        let mut dispatch = Self::dispatch(call, &path, &up);
        if operation == "stall" {
            dispatch.timeout = Duration::from_millis(50);
        }
        let answer = match product {
            "hold" => {
                self.tell(Event::Holding);
                self.release.acquire().await.expect("it is never closed").forget();
                reply(call.request, 200, Payload::Answer(call.body.clone()))
            }
            "pass" | "person" | "report" | "away" | "toy" => match upstream.fetch(dispatch).await {
                Ok(fetched) => reply(call.request, fetched.status, Payload::Answer(fetched.body)),
                Err(fault) => reply(call.request, 599, Payload::Answer(format!("{fault:?}").into())),
            },
            "pack" => match upstream.open(dispatch).await {
                Ok(opened) => {
                    let events = self.events.clone();
                    let delivery = Delivery::new(move |told| {
                        drop(events.send(Event::Delivered(told.bytes, told.is_complete())));
                    });
                    let payload = Payload::Stream {
                        length: opened.length,
                        content_range: opened.content_range,
                        etag: opened.etag,
                        stream: opened.stream,
                        delivery,
                    };
                    reply(call.request, opened.status, payload)
                }
                Err(fault) => reply(call.request, 599, Payload::Answer(format!("{fault:?}").into())),
            },
            "refuse" => {
                let code: Code = operation.parse().expect("tests name real codes");
                let mut refusal = Refusal::at(code, "/id\"number");
                refusal.retry_after = Some(Duration::from_millis(1_500));
                reply(call.request, code.status(), Payload::Refused(refusal))
            }
            _ => Reply {
                receipt: Some("3.14".to_owned()),
                fee: Some(MicroYuan::from_micros(500_000)),
                limit: RateLimits {
                    rate: Some(RateLimit {
                        quota: 100,
                        window: Duration::from_secs(1),
                        remaining: 50,
                        reset: Duration::from_millis(300),
                    }),
                    quota: None,
                },
                replayed: true,
                sandbox: operation == "trial",
                ..reply(call.request, 200, Payload::Answer(call.body.clone()))
            },
        };
        watch.0 = None;
        answer
    }

    fn weigh(&self, path: &str, _headers: &HeaderMap, _peer: IpAddr) -> Weight {
        Weight {
            identified: !path.contains("/stranger/"),
            takes_body: !path.contains("/bodiless/"),
            body_bytes_max: path.contains("/small/").then_some(SMALL_BYTES),
        }
    }

    async fn withdraw(&self, request: RequestId, token: &str) -> Reply<Infallible> {
        reply(request, 200, Payload::Answer(format!("{{\"withdrawn\":\"{token}\"}}").into()))
    }

    async fn receipt(&self, call: &Inbound<'_>, id: &str, sm3: bool) -> Result<Bytes, Refusal> {
        match id {
            "pending" => Err(Refusal::retry(Code::C1702, Duration::from_secs(1))),
            _ => Ok(format!("{} {id} {sm3} {}", call.method, call.body.len()).into()),
        }
    }

    async fn log_file(&self, address: &str) -> Result<Option<LogFile>, Refusal> {
        log_file(address, false)
    }

    fn refused_at_edge(&self, code: Code) {
        self.tell(Event::Edge(code));
    }
}
