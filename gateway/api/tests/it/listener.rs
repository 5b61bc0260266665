//! The listener: bounds, and a drain that lets requests finish.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use shuzha_api::Limits;

use crate::plane::Plane;

fn raw(plane: &Plane, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(plane.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends by itself");
    answer
}

#[test]
fn a_caller_that_says_nothing_is_cut_off() {
    let limits =
        Limits { head: Duration::from_millis(200), body: Duration::from_millis(200), ..Limits::default() };
    let plane = Plane::empty(limits, "127.0.0.1:0");
    assert_eq!(raw(&plane, b"GET /api/v1/me HT"), b"");
    let slow =
        b"POST /api/v1/sessions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{";
    let answer = String::from_utf8(raw(&plane, slow)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("C005"), "{answer}");
}

#[test]
fn a_connection_does_not_live_for_ever_and_a_drain_ends_all() {
    let limits = Limits { connection: Duration::from_millis(300), ..Limits::default() };
    let plane = Plane::empty(limits, "127.0.0.1:0");
    let answer = String::from_utf8(raw(&plane, b"GET /api/v1/me HTTP/1.1\r\nhost: x\r\n\r\n")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
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
