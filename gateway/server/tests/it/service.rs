//! A product service for the tests: verifications, exact aggregates, and calls that wait until they are let go.
//!
//! It trusts everyone: what the gateway's signature is worth is tested with the reference services.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A name that is answered with 不一致.
pub(crate) const WRONG_NAME: &str = "另一名字";
/// A name that is answered with what was asked.
pub(crate) const ECHO_NAME: &str = "回显";
/// A name whose call ends with the connection.
pub(crate) const GONE_NAME: &str = "断开";
/// A name whose call waits in [`Service::held`].
pub(crate) const HELD_NAME: &str = "等待";

/// A running product service. Its threads end with the test's process.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// One for each call that waits; dropping or using it lets the call go.
    pub(crate) held: Receiver<Sender<()>>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (holding, held) = channel();
        let holding = Arc::new(Mutex::new(holding));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let holding = holding.lock().expect("nobody panics with it").clone();
                std::thread::spawn(move || serve(&stream, &holding));
            }
        });
        Self { address, held }
    }
}

/// Answers requests until the gateway closes the connection.
fn serve(stream: &TcpStream, holding: &Sender<Sender<()>>) {
    // Small answers at once: waiting to fill a segment would be the longest part of a call.
    stream.set_nodelay(true).expect("a TCP stream");
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = request(&mut reader) {
        if body["name"] == GONE_NAME {
            break;
        }
        let answer = answer(&path, &body, holding).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let mut stream = stream;
        if stream.write_all([head, answer].concat().as_bytes()).is_err() {
            break;
        }
    }
}

/// Path and body of the next request; none at the end of the connection.
fn request(reader: &mut impl BufRead) -> Option<(String, Value)> {
    let mut first = String::new();
    if reader.read_line(&mut first).ok()? == 0 {
        return None;
    }
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
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
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).unwrap_or_default()))
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
