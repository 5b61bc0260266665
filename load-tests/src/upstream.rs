//! The trivial product service behind every system: one thread, one fixed JSON answer to whatever is asked.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::poll::Poll;
use crate::wire;

/// How long one wait lasts before the thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// Token of the listener; connections count up from one.
const LISTENER: usize = 0;

/// A running upstream. Dropping it stops the thread.
#[derive(Debug)]
pub(crate) struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// Requests with a body, so that health checks do not count.
    answered: AtomicU64,
}

impl Upstream {
    /// Listens on a free loopback port and answers every request with `body`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub(crate) fn start(body: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("binding the upstream")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let shared = Arc::new(Shared::default());
        let mut service = Service::new(listener, answer.into_bytes(), Arc::clone(&shared))?;
        let thread = thread::Builder::new().name("upstream".to_owned()).spawn(move || service.run())?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests with a body answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there has already been printed, and the measurement fails for want of answers.
            let _ = thread.join();
        }
    }
}

struct Service {
    poll: Poll,
    listener: TcpListener,
    answer: Vec<u8>,
    shared: Arc<Shared>,
    connections: HashMap<usize, (TcpStream, Vec<u8>)>,
    next: usize,
}

impl Service {
    fn new(listener: TcpListener, answer: Vec<u8>, shared: Arc<Shared>) -> Result<Self> {
        let poll = Poll::new()?;
        poll.add(&listener, LISTENER)?;
        Ok(Self { poll, listener, answer, shared, connections: HashMap::new(), next: LISTENER + 1 })
    }

    fn run(&mut self) {
        let mut ready = Vec::new();
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.poll.wait(PATIENCE, &mut ready).expect("the set of sockets is open while the thread runs");
            for &token in &ready {
                if token == LISTENER {
                    self.accept();
                } else if self.serve(token).is_err() {
                    self.connections.remove(&token);
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let ready = stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true));
            if ready.and_then(|()| self.poll.add(&stream, self.next)).is_ok() {
                self.connections.insert(self.next, (stream, Vec::with_capacity(4096)));
                self.next += 1;
            }
        }
    }

    /// Answers every whole request that has arrived; an error ends the connection.
    fn serve(&mut self, token: usize) -> Result<()> {
        let Some((stream, buffer)) = self.connections.get_mut(&token) else { return Ok(()) };
        let open = read_some(stream, buffer)?;
        let mut done = 0;
        while let Some(request) = wire::message(&buffer[done..])? {
            // Counted first, so that whoever has the answer finds it counted.
            self.shared.answered.fetch_add(u64::from(request.len > request.head), Ordering::Relaxed);
            stream.write_all(&self.answer)?;
            done += request.len;
        }
        buffer.drain(..done);
        if open { Ok(()) } else { Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()) }
    }
}

/// Reads what is there. False when the other side has closed.
///
/// # Errors
/// When the connection failed.
pub(crate) fn read_some(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                buffer.extend_from_slice(&chunk[..n]);
                // A short read has emptied the socket; the next event tells of more.
                if n < chunk.len() {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelined_requests_are_each_answered_and_only_those_with_a_body_counted() {
        let upstream = Upstream::start("{}").expect("a free port");
        let mut stream = TcpStream::connect(upstream.address()).expect("it listens");
        stream
            .write_all(b"GET /health HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
            .expect("open");
        let one = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        let mut answers = vec![0; 2 * one.len()];
        stream.read_exact(&mut answers).expect("two answers");
        assert_eq!(answers, [&one[..], one].concat());
        assert_eq!(upstream.answered(), 1);
    }
}
