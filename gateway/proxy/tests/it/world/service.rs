//! A product service that misbehaves on request: the path says how.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes of the package that `/pack` sends.
pub(crate) const PACKAGE_BYTES: usize = 3 * 1024 * 1024;

/// Bytes of the package that `/pack-huge` sends: more than the kernel buffers on the way.
pub(crate) const HUGE_BYTES: usize = 64 * 1024 * 1024;

/// A product service of tests.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// Requests seen, as they came.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
    /// Connections that carried a request; health checks carry none.
    pub(crate) connections: Arc<AtomicUsize>,
    /// What it says of itself; nothing where it has no such page.
    pub(crate) says: Arc<Mutex<Option<Says>>>,
    /// Connections closed by the service.
    closed: watch::Receiver<usize>,
}

/// Requests, as they came.
type Seen = Arc<Mutex<Vec<String>>>;

/// What a service says of itself.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) body: &'static str,
    pub(crate) key: &'static [u8],
    /// The question that it answers, where it is not the one that was asked.
    pub(crate) question: Option<&'static str>,
}

/// The answer to a question for what the service is.
fn described(says: &Says, request: &str) -> String {
    let asked = request.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap_or_default();
    let hex = |bytes: &[u8]| shuzha_core::hex::encode(bytes);
    let digest = hex(digest(&SHA256, says.body.as_bytes()).as_ref());
    let text = format!("shuzha-service-v1\n{}\n{digest}", says.question.unwrap_or(asked));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, says.key), text.as_bytes());
    let (signature, body) = (STANDARD.encode(tag), says.body);
    let head = format!("X-Service-Signature: {signature}\r\nContent-Length: {}", body.len());
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
}

impl Service {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(super::free()).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let says: Arc<Mutex<Option<Says>>> = Arc::default();
        let said = Arc::clone(&says);
        let (kept, counted) = (Arc::clone(&seen), Arc::clone(&connections));
        let (close, closed) = watch::channel(0);
        let close = Arc::new(close);
        tokio::runtime::Handle::current().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = (Arc::clone(&kept), Arc::clone(&said));
                let serving = serve(stream, shared, Arc::clone(&counted), Arc::clone(&close));
                tokio::runtime::Handle::current().spawn(serving);
            }
        });
        Self { address, seen, connections, says, closed }
    }

    /// Waits until the service has closed so many connections.
    pub(crate) async fn closed(&self, count: usize) {
        let mut closed = self.closed.clone();
        super::soon(closed.wait_for(|&closed| closed >= count)).await.expect("the service runs");
    }

    /// The requests seen so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("no panic").clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    (seen, says): (Seen, Arc<Mutex<Option<Says>>>),
    connections: Arc<AtomicUsize>,
    close: Arc<watch::Sender<usize>>,
) {
    let mut buffer = Vec::new();
    let mut counted = false;
    while let Some(request) = request(&mut stream, &mut buffer).await {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let said = says.lock().expect("no panic").clone().filter(|_| path == "/.well-known/shuzha-service");
        let description = said.map(|says| described(&says, &request));
        seen.lock().expect("no panic").push(request);
        if !std::mem::replace(&mut counted, true) {
            connections.fetch_add(1, SeqCst);
        }
        if let Some(description) = description {
            if stream.write_all(description.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        if !answer(&mut stream, &path).await {
            drop(stream);
            close.send_modify(|closed| *closed += 1);
            return;
        }
    }
}

/// Reads one request with a stated length.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let stated = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let length = end + 4 + stated.unwrap_or(0_usize);
            if buffer.len() >= length {
                let rest = buffer.split_off(length);
                let whole = std::mem::replace(buffer, rest);
                return Some(String::from_utf8_lossy(&whole).into_owned());
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Writes the same again and again until nobody reads any more.
async fn flood(stream: &mut TcpStream, what: &str) -> bool {
    let many = what.repeat(4096);
    while stream.write_all(many.as_bytes()).await.is_ok() {}
    false
}

/// Writes the head of a chunked answer, and then `what` without end.
async fn flood_body(stream: &mut TcpStream, what: &str) -> bool {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.is_ok() && flood(stream, what).await
}

/// Answers as the path says; false when the connection is to be closed.
async fn answer(stream: &mut TcpStream, path: &str) -> bool {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
    let (bytes, go_on) = match path {
        "/ok" => (ok.to_owned(), true),
        // Answers as if the connection stayed open, and closes it.
        "/once" => (ok.to_owned(), false),
        "/last" => ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".to_owned(), false),
        "/stall" => return std::future::pending().await,
        "/close" => return false,
        "/hints" => {
            let hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
            (hint.repeat(8) + ok, true)
        }
        "/hints-nine" => ("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(9) + ok, true),
        "/flood" => return flood(stream, "HTTP/1.1 103 E\r\n\r\n").await,
        "/flood-crumbs" => return flood_body(stream, "1\r\nx\r\n").await,
        "/flood-extension" => return flood_body(stream, "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n").await,
        "/pack-unsaid" => ("HTTP/1.1 200 OK\r\n\r\npart".to_owned(), false),
        "/pack-old" => ("HTTP/1.0 200 OK\r\n\r\npart".to_owned(), false),
        "/pack-odd" => ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\npart".to_owned(), false),
        "/pack-cut" => {
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n".to_owned(), false)
        }
        "/pack-twice" | "/twice" => {
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok".to_owned(), true)
        }
        "/pack-list" | "/list" => ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok".to_owned(), true),
        "/short" => ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_owned(), false),
        "/garbage" => ("what is this\r\n\r\n".to_owned(), false),
        "/large" => ("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx".to_owned(), true),
        "/endless" => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            (head + &format!("2000\r\n{}\r\n", "x".repeat(0x2000)).repeat(64), true)
        }
        "/gzip" => {
            ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx".to_owned(), true)
        }
        "/both" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n";
            (head.to_owned() + "2\r\nxx\r\n0\r\n\r\n", true)
        }
        "/redirect" => ("HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n".to_owned(), true),
        "/fields" => {
            let fields = "Set-Cookie: a=b\r\nX-Unit: forged\r\nX-Fee: 0\r\nKeep-Alive: timeout=9\r\n";
            (format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok"), true)
        }
        "/pack-huge" => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {HUGE_BYTES}\r\n\r\n");
            (head + &"h".repeat(HUGE_BYTES), true)
        }
        "/pack" => {
            let head = format!("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: {PACKAGE_BYTES}\r\n\r\n");
            (head + &"p".repeat(PACKAGE_BYTES), true)
        }
        "/pack-chunked" => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            (head.to_owned() + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", true)
        }
        "/pack-short" => ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart".to_owned(), false),
        _ => ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), true),
    };
    stream.write_all(bytes.as_bytes()).await.is_ok() && go_on
}
