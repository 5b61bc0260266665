//! A server under test, the gate that answers behind it, and a caller that speaks raw bytes.

mod gate;
mod service;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use shuzha_core::{Id, SystemClock};
use shuzha_proxy::{Addresses, Handle, Limits, Operator, Options, ProxyError, Sockets, TlsOptions, UpstreamOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) use gate::{Event, TestGate};
pub(crate) use service::{PACKAGE_BYTES, Service};

/// How long a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Fails a test that waits for what never happens.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// An operator that is as ready as it is told.
pub(crate) struct TestOperator(pub(crate) Vec<String>);

impl Operator for TestOperator {
    fn unready(&self) -> Vec<String> {
        self.0.clone()
    }

    fn status(&self) -> String {
        "{\"generation\":7}".to_owned()
    }
}

/// What a test varies.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) upstreams: Vec<UpstreamOptions>,
    pub(crate) unready: Vec<String>,
    pub(crate) sockets: Option<Sockets>,
    pub(crate) upgrade_socket: Option<std::path::PathBuf>,
    pub(crate) before_accept: Option<Box<dyn FnOnce() -> Result<(), String> + Send>>,
    pub(crate) on_drained: Option<Box<dyn FnOnce() + Send>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            tls: None,
            upstreams: Vec::new(),
            unready: Vec::new(),
            sockets: None,
            upgrade_socket: None,
            before_accept: None,
            on_drained: None,
        }
    }
}

/// A running server.
pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) gate: Arc<TestGate>,
    thread: Option<JoinHandle<Result<(), ProxyError>>>,
}

/// The address that means: any free port of this machine.
pub(crate) fn free() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// An upstream at `endpoints`.
pub(crate) fn upstream(name: &str, endpoints: Vec<SocketAddr>) -> UpstreamOptions {
    UpstreamOptions {
        name: Id::new(name).expect("tests name upstreams well"),
        endpoints,
        connect_timeout: Duration::from_secs(2),
        stall_timeout: Duration::from_secs(2),
        key: b"key of the tests".to_vec(),
        health_path: None,
    }
}

impl World {
    /// A server with default limits.
    pub(crate) fn plain() -> Self {
        Self::start(Setup::default())
    }

    /// A server with a product service named `up`.
    pub(crate) fn with(service: &Service) -> Self {
        Self::start(Setup { upstreams: vec![upstream("up", vec![service.address])], ..Setup::default() })
    }

    /// A server as `setup` says.
    pub(crate) fn start(setup: Setup) -> Self {
        let sockets = setup.sockets.unwrap_or_else(|| {
            let addresses = Addresses { data: vec![free()], operations: Some(free()) };
            Sockets::bind(&addresses).expect("free ports can be bound")
        });
        let gate = Arc::new(TestGate::default());
        let options = Options {
            gate: Arc::clone(&gate),
            operator: Arc::new(TestOperator(setup.unready)),
            clock: SystemClock,
            sockets,
            tls: setup.tls,
            limits: setup.limits,
            upstreams: setup.upstreams,
            metrics: prometheus::Registry::new(),
            error_pages: &[("C401", "# Why\n\nBecause <it> is so.\n")],
            threads: 1,
            work_stealing: true,
            signals: false,
            upgrade_socket: setup.upgrade_socket,
            before_accept: setup.before_accept,
            on_drained: setup.on_drained,
        };
        let proxy = options.build().expect("the options of tests are good");
        let handle = proxy.handle();
        let thread = std::thread::spawn(move || proxy.run());
        Self { handle, gate, thread: Some(thread) }
    }

    /// The data listener's address.
    pub(crate) fn data(&self) -> SocketAddr {
        self.handle.addresses().data[0]
    }

    /// The operations listener's address.
    pub(crate) fn operations(&self) -> SocketAddr {
        self.handle.addresses().operations.expect("tests listen for operations")
    }

    /// A new connection to the data listener.
    pub(crate) async fn connect(&self) -> Caller {
        Caller::connect(self.data()).await
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(mut self) -> Result<(), ProxyError> {
        let thread = self.thread.take().expect("it ends once");
        soon(tokio::task::spawn_blocking(move || thread.join())).await.expect("joined").expect("no panic")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

/// An answer, read apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field, matched without regard to case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The refusal code in a problem body.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().expect("a problem has a code").to_owned()
    }
}

/// A caller that writes bytes and reads answers.
pub(crate) struct Caller {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Caller {
    /// Connects.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(to)).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, read: Vec::new() }
    }

    /// Writes; a server that has already closed is found out by reading.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let written = soon(self.stream.write_all(bytes.as_ref())).await;
        if let Err(error) = written {
            assert!(matches!(
                error.kind(),
                std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
            ));
        }
    }

    /// Writes a call with a JSON body.
    pub(crate) async fn call(&mut self, target: &str, body: &str) -> Answer {
        let length = body.len();
        self.write(format!("POST {target} HTTP/1.1\r\nHost: gate.test\r\nContent-Length: {length}\r\n\r\n{body}"))
            .await;
        self.answer().await
    }

    /// Reads the next answer, whose length must be stated.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer comes before the connection closes")
    }

    /// Reads the next answer; None when the connection closes instead.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        loop {
            let end = self.read.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(self.read[..end].to_vec()).expect("heads are ASCII");
                let status = head[9..12].parse().expect("a status");
                let mut answer = Answer { status, head, body: Vec::new() };
                let length: usize = answer.field("content-length").map_or(0, |n| n.parse().expect("digits"));
                while self.read.len() < end + 4 + length {
                    if !self.more().await {
                        return None;
                    }
                }
                let rest = self.read.split_off(end + 4 + length);
                answer.body = self.read.split_off(end + 4);
                self.read = rest;
                return Some(answer);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads until the server closes; what came.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// Whether nothing but the end comes.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.rest().await.is_empty()
    }

    async fn more(&mut self) -> bool {
        let mut space = [0_u8; 16 * 1024];
        match soon(self.stream.read(&mut space)).await {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.read.extend_from_slice(&space[..count]);
                true
            }
        }
    }
}
