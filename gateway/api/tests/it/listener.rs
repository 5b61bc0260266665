//! The listener: bounds, and a drain that lets requests finish.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
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

/// Half a request, without an account: its body never comes.
fn half(plane: &Plane) -> TcpStream {
    let mut stream = TcpStream::connect(plane.address).unwrap();
    let head = "POST /api/v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// An emergency stop by the authority.
fn stop(plane: &Plane, name: &str) {
    let spec = json!({
        "target": {"kind": "Everything"}, "emergency": true, "rectifyBy": "2026-02-20", "reason": "数据风险",
    });
    plane.put("wang", "Suspension", "suspensions", name, &spec).send().expect(201);
}

/// Case 4: 64 connections, each with half a body and no account, closed the control API for 30 s, stops included.
#[test]
fn half_sent_bodies_keep_nobody_from_stopping_anything() {
    let plane = Plane::new();
    let held: Vec<_> = (0..200).map(|_| half(&plane)).collect();
    plane.by("bank", "GET", "/api/v1/me").send().expect(200);
    stop(&plane, "stop-1");
    plane.ask("GET", "/api/v1/me").send().expect(401);
    drop(held);
}

/// The same with heads that never end, and with connections that say nothing.
#[test]
fn idle_connections_and_half_heads_make_room_for_a_new_one() {
    let limits = Limits { connections_max: 60, connections_per_address_max: 40, ..Limits::default() };
    let plane = Plane::limited(limits);
    let held: Vec<_> = (0..300)
        .map(|at| {
            let mut stream = TcpStream::connect(plane.address).unwrap();
            if at % 2 == 0 {
                // The other end may have made room already.
                let _ = stream.write_all(b"GET /api/v1/me HTTP/1.1\r\nhost:");
            }
            stream
        })
        .collect();
    plane.by("bank", "GET", "/api/v1/me").send().expect(200);
    stop(&plane, "stop-1");
    drop(held);
}

/// Where everything that may run at once is running, signed-on persons have places of their own, and stops too.
#[test]
fn a_full_pool_leaves_places_for_persons_and_for_stops() {
    let nobody = Limits { requests_max: 0, ..Limits::default() };
    let plane = Plane::limited(nobody.clone());
    plane.ask("GET", "/api/v1/me").send().expect(503).refused("C092");
    plane.ask("GET", "/api/v1/me").header("authorization", "Bearer szt_forged").send().expect(503);
    plane.by("bank", "GET", "/api/v1/me").send().expect(200);
    let plane = Plane::limited(Limits { reserved_signed_on: 0, ..nobody });
    plane.by("bank", "GET", "/api/v1/me").send().expect(503).refused("C092");
    stop(&plane, "stop-1");
}

/// Of one address the newest takes the place of the oldest, which is told so.
#[test]
fn an_unfinished_request_makes_room_for_a_newer_one_of_its_address() {
    let plane = Plane::limited(Limits { unfinished_per_address_max: 2, ..Limits::default() });
    let (told, first) = std::sync::mpsc::channel();
    // Which of them the node takes for the oldest is its to say: connections are accepted beside each other.
    for mut stream in (0..3).map(|_| half(&plane)) {
        let told = told.clone();
        std::thread::spawn(move || {
            let mut answer = [0; 12];
            if stream.read_exact(&mut answer).is_ok() {
                // The test may be over.
                let _ = told.send(answer);
            }
        });
    }
    assert_eq!(&first.recv_timeout(Duration::from_secs(20)).expect("it is answered"), b"HTTP/1.1 503");
}

/// Bodies that are still arriving share one budget of bytes; a signed-on person has room beside it.
#[test]
fn unfinished_bodies_share_a_budget_and_persons_have_their_own() {
    let limits = Limits { unfinished_bytes_max: 0, ..Limits::default() };
    let plane = Plane::limited(limits);
    let body = json!({"name": "wang", "password": "x"});
    let refused = plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(503).refused("C094");
    assert_eq!(refused.header("retry-after"), Some("1"));
    stop(&plane, "stop-1");
}

/// Behind a proxy that frames otherwise, what one caller sends must not become another's request: what can be read in two ways
/// is refused, and nothing behind chunks is taken for a request.
#[test]
fn a_request_that_could_be_framed_in_two_ways_is_refused_and_the_connection_closed() {
    let plane = Plane::empty(Limits::default(), "127.0.0.1:0");
    let second = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let head = "POST /api/v1/sessions HTTP/1.1\r\nContent-Type: application/json\r\n";
    let close = "Connection: close\r\n";
    for (what, sent, answers) in [
        ("no host", format!("GET /api/v1/openapi.json HTTP/1.1\r\n\r\n{second}"), 1),
        ("two hosts", format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{second}"), 1),
        (
            "chunks and a length",
            format!(
                "{head}Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{second}"
            ),
            1,
        ),
        (
            "a length and chunks",
            format!(
                "{head}Host: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}"
            ),
            1,
        ),
        (
            "chunks",
            format!("{head}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{second}"),
            1,
        ),
        (
            "one host and a length",
            format!(
                "{head}Host: x\r\nContent-Length: 2\r\n\r\n{{}}{}",
                second.replace("Host", &format!("{close}Host"))
            ),
            2,
        ),
    ] {
        let came = String::from_utf8(raw(&plane, sent.as_bytes())).unwrap();
        assert!(came.starts_with("HTTP/1.1 4"), "{what}: {came}");
        assert_eq!(came.matches("HTTP/1.1 ").count(), answers, "{what}: {came}");
    }
}
