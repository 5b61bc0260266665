//! A server under test, the gate that answers behind it, and a caller that speaks raw bytes.

mod caller;
mod gate;
mod service;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use shuzha_core::{Id, Refusal, SystemClock};
use shuzha_proxy::{
    Addresses, Egress, Handle, Limits, LogFile, Operator, Options, Prove, Resolve, Sockets, SystemResolver,
    TlsOptions, UpstreamOptions,
};

pub(crate) use caller::{Answer, Caller};
pub(crate) use gate::{DOMAIN, Event, SMALL_BYTES, TestGate};
pub(crate) use service::{HUGE_BYTES, PACKAGE_BYTES, Says, Service};

/// How long a test waits for something that must happen; on a busy machine that can be long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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

    async fn log_file(&self, address: &str) -> Result<Option<LogFile>, Refusal> {
        gate::log_file(address, true)
    }
}

/// What a test varies.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) upstreams: Vec<UpstreamOptions>,
    /// Rules of egress; this machine where none are given.
    pub(crate) egress: Vec<&'static str>,
    pub(crate) resolver: Option<Arc<dyn Resolve>>,
    pub(crate) unready: Vec<String>,
    pub(crate) sockets: Option<Sockets>,
    pub(crate) upgrade_socket: Option<std::path::PathBuf>,
    pub(crate) on_drained: Option<Box<dyn FnOnce() + Send>>,
    /// Which services prove what they are; those of which it was declared where nothing is said.
    pub(crate) prove: Option<Prove>,
}

/// A running server.
pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) gate: Arc<TestGate>,
    thread: Option<JoinHandle<()>>,
}

/// The address that means: any free port of this machine.
pub(crate) fn free() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// An upstream at `endpoints`.
pub(crate) fn upstream(name: &str, endpoints: Vec<SocketAddr>) -> UpstreamOptions {
    UpstreamOptions {
        name: Id::new(name).expect("tests name upstreams well"),
        endpoints: endpoints.into_iter().map(Into::into).collect(),
        connect_timeout: Duration::from_secs(2),
        stall_timeout: Duration::from_secs(2),
        key: b"key of the tests".to_vec(),
        synthetic: false,
        prove: false,
        described: None,
        health_path: None,
    }
}

/// Rules of egress; this machine where none are given.
fn egress(rules: &[&str]) -> Egress {
    let rules = if rules.is_empty() { &["127.0.0.0/8", "::1"] } else { rules };
    Egress::new(rules.iter().map(|rule| rule.parse().expect("a rule")).collect())
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
            egress: Arc::new(egress(&setup.egress)),
            resolver: setup.resolver.unwrap_or_else(|| Arc::new(SystemResolver)),
            prove: setup.prove.unwrap_or(Prove::Declared),
            metrics: prometheus::Registry::new(),
            error_pages: &[("C401", "# Why\n\nBecause <it> is so.\n")],
            threads: 1,
            work_stealing: true,
            upgrade_socket: setup.upgrade_socket,
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
    pub(crate) async fn ended(mut self) {
        let thread = self.thread.take().expect("it ends once");
        soon(tokio::task::spawn_blocking(move || thread.join())).await.expect("joined").expect("no panic");
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
