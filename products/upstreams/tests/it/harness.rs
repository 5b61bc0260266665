//! A running service with its own clock and key, and a client that signs like the gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use shuzha_core::Timestamp;
use shuzha_core::clock::ManualClock;
use shuzha_upstreams::service::{Options, Product, Service};
use shuzha_upstreams::signature::{self, GatewayKey, Signed};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The time at which every test starts: 2025-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_735_689_600;

/// A service under test. It ends with the value.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: GatewayKey,
    pub(crate) drain: watch::Sender<bool>,
    pub(crate) tasks: JoinSet<()>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The field `code` of the body.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// A header as text; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Starts `product` on a free port.
pub(crate) async fn start(product: impl Product) -> Running {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
    let key = GatewayKey::new(&[0x5A; 32]).unwrap();
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), key: key.clone(), synthetic: false };
    let service = Service::bind(options, Box::new(product), clock.clone()).await.unwrap();
    let (drain, ending) = watch::channel(false);
    let address = service.address();
    let mut tasks = JoinSet::new();
    tasks.spawn(service.run(ending));
    Running { address, clock, key, drain, tasks }
}

impl Running {
    /// A request that the gateway would send now.
    pub(crate) fn signed(&self, method: &Method, path: &str, body: &[u8]) -> Request<Full<Bytes>> {
        let timestamp = NOW.to_string();
        let signed = Signed {
            method: method.as_str(),
            path,
            request_id: "0190a5b4-7c00-7000-8000-000000000001",
            unit: "bank-a",
            scenario: "loan",
            fields: "/result",
            timestamp: &timestamp,
            body,
        };
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header(signature::REQUEST_ID, signed.request_id)
            .header(signature::UNIT, signed.unit)
            .header(signature::SCENARIO, signed.scenario)
            .header(signature::FIELDS, signed.fields)
            .header(signature::TIMESTAMP, signed.timestamp)
            .header(signature::SIGNATURE, signature::sign(&self.key, &signed))
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap()
    }

    /// Sends `request` on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Got {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let exchange = async move {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            Got { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
        };
        let (got, _closed) = tokio::join!(exchange, connection);
        got
    }

    /// Posts `body`, signed.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Got {
        self.send(self.signed(&Method::POST, path, body.as_bytes())).await
    }

    /// Gets `path`, signed, with further headers.
    pub(crate) async fn get(&self, method: &Method, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = self.signed(method, path, b"");
        for (name, value) in headers {
            request.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        self.send(request).await
    }
}
