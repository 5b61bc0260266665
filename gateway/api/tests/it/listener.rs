//! The listener: bounds, and a drain that lets requests finish.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use shuzha_api::Limits;

use crate::plane::Plane;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A limit that a test waits for. No other step of the same test is under it: on a busy machine any step can take longer.
const SHORT: Duration = Duration::from_millis(200);

fn raw(plane: &Plane, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(plane.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends by itself");
    answer
}

#[test]
fn a_caller_that_says_nothing_is_cut_off() {
    let plane = Plane::empty(Limits { head: SHORT, ..Limits::default() }, "127.0.0.1:0");
    assert_eq!(raw(&plane, b"GET /api/v1/me HT"), b"");
    let plane = Plane::empty(Limits { body: SHORT, ..Limits::default() }, "127.0.0.1:0");
    let slow =
        b"POST /api/v1/sessions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{";
    let answer = String::from_utf8(raw(&plane, slow)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("C005"), "{answer}");
}

#[test]
fn a_connection_does_not_live_for_ever_and_a_drain_ends_all() {
    let plane = Plane::empty(Limits { connection: SHORT, ..Limits::default() }, "127.0.0.1:0");
    // On a busy machine a connection may be over before its request is there: another one is made then.
    let once = || String::from_utf8(raw(&plane, b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\n\r\n")).unwrap();
    let answer = std::iter::repeat_with(once).take(100).find(|answer| !answer.is_empty());
    assert!(answer.as_ref().is_some_and(|answer| answer.starts_with("HTTP/1.1 401 ")), "{answer:?}");
    let address = plane.address;
    drop(plane);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn more_at_once_than_may_be_are_told_to_come_again() {
    let plane = Plane::empty(Limits { requests_max: 0, ..Limits::default() }, "127.0.0.1:0");
    let answer = plane.ask("GET", "/api/v1/me").send().expect(503).refused("C092");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn garbage_gets_an_answer_or_an_end() {
    let plane = Plane::empty(Limits::default(), "127.0.0.1:0");
    for bytes in [
        &b"\x00\x01\x02\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = raw(&plane, bytes);
        let head = String::from_utf8_lossy(&answer);
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
    }
    plane.ask("GET", "/api/v1/openapi.json").send().expect(200);
}
