//! The generator against the trivial upstream, and against one that misbehaves.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::upstream::Upstream;
use crate::wire;

fn call() -> Call {
    Call {
        path: "/v1/products/p/verify".to_owned(),
        body: "{}".to_owned(),
        app_key: "key".to_owned(),
        secret: b"secret".to_vec(),
        scenario: "credit".to_owned(),
        consents: Vec::new(),
    }
}

fn plan(address: SocketAddr, pace: Pace) -> Plan {
    let time = Duration::from_millis(200);
    Plan { address, connections: 4, warm_up: time / 4, measure: time, pace }
}

#[test]
fn every_answer_counted_was_given_and_every_one_given_was_counted() {
    let upstream = Upstream::start("{}").expect("a free port");
    let tally =
        drive(&plan(upstream.address(), Pace::Closed), &call(), || Ok(upstream.answered())).expect("driven");
    assert_eq!(tally.answered_in_all, upstream.answered());
    assert!(tally.answered > 0 && tally.answered < tally.answered_in_all);
    assert!(tally.meter.1 - tally.meter.0 >= tally.answered - 4);
    assert_eq!((tally.broken, tally.refused.len()), (0, 0));
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let upstream = Upstream::start("{}").expect("a free port");
    let plan = plan(upstream.address(), Pace::Open { rate: 1000 });
    let tally = drive(&plan, &call(), || Ok(())).expect("driven");
    // 250 ms at 1,000 per second: never more than were due, however fast the upstream is. On a busy machine fewer.
    assert!((1..=251).contains(&tally.answered_in_all), "{}", tally.answered_in_all);
}

/// Answers the first request only after `stall`, then every one at once.
fn stalling(stall: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("one connection");
        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        let mut first = true;
        while let Ok(n) = stream.read(&mut chunk) {
            if n == 0 {
                break;
            }
            received.extend_from_slice(&chunk[..n]);
            while let Some(request) = wire::message(&received).expect("well-formed") {
                received.drain(..request.len);
                if std::mem::take(&mut first) {
                    thread::sleep(stall);
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("open");
            }
        }
    });
    address
}

#[test]
fn a_stall_is_felt_by_everyone_who_was_due_meanwhile() {
    let plan = Plan {
        address: stalling(Duration::from_millis(300)),
        connections: 1,
        warm_up: Duration::ZERO,
        measure: Duration::from_millis(600),
        pace: Pace::Open { rate: 100 },
    };
    let tally = drive(&plan, &call(), || Ok(())).expect("driven");
    // Thirty requests were due during the stall; a closed loop would have seen one slow answer of some sixty.
    assert!(tally.latency.value_at_quantile(0.75) > 100_000, "{}", tally.latency.value_at_quantile(0.75));
}

#[test]
fn refusals_and_broken_connections_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let (mut refused, _) = listener.accept().expect("a first connection");
        let mut chunk = [0; 4096];
        let _ = refused.read(&mut chunk).expect("a request");
        refused.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").expect("open");
        let _ = refused.read(&mut chunk).expect("another request");
        drop(refused);
        // The reconnection is accepted by the backlog and never answered.
        let _keep = listener.accept();
        thread::park();
    });
    let plan = Plan { connections: 1, ..plan(address, Pace::Open { rate: 10 }) };
    let mut generator = Generator::new(&plan, &call()).expect("connected");
    generator.schedule = Schedule::new(plan.pace, now());
    let end = now() + Duration::from_secs(60);
    while generator.broken == 0 && now() < end {
        generator.until(now() + Duration::from_millis(50)).expect("driven");
    }
    assert_eq!(generator.refused, BTreeMap::from([(403, 1)]));
    assert_eq!(generator.broken, 1);
}
