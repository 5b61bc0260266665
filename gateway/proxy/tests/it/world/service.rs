//! A product service that misbehaves on request: the path says how.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

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
    /// Connections closed by the service.
    closed: watch::Receiver<usize>,
}

impl Service {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(super::free()).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, counted) = (Arc::clone(&seen), Arc::clone(&connections));
        let (close, closed) = watch::channel(0);
        let close = Arc::new(close);
        tokio::runtime::Handle::current().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serve(stream, Arc::clone(&kept), Arc::clone(&counted), Arc::clone(&close));
                tokio::runtime::Handle::current().spawn(serving);
            }
        });
        Self { address, seen, connections, closed }
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
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    close: Arc<watch::Sender<usize>>,
) {
    let mut buffer = Vec::new();
    let mut counted = false;
    while let Some(request) = request(&mut stream, &mut buffer).await {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.lock().expect("no panic").push(request);
        if !std::mem::replace(&mut counted, true) {
            connections.fetch_add(1, SeqCst);
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
