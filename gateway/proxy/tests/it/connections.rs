//! How connections live and end: slow callers, pipelines, expectations, departures, limits.

use std::time::Duration;

use shuzha_proxy::Limits;
use tokio::io::AsyncWriteExt;

use crate::world::{Caller, Event, Setup, World, soon};

/// A limit that a test waits for. On a busy machine a step that should be within it can be late.
const SHORT: Duration = Duration::from_millis(150);
/// How often a step that came too late is tried again.
const TRIES: usize = 200;

/// A connection with one answered call, where connections are soon taken for idle.
async fn used(world: &World) -> Caller {
    for _ in 0..TRIES {
        let mut caller = world.connect().await;
        caller.write("GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
        if let Some(answer) = caller.try_answer().await {
            assert_eq!(answer.status, 200);
            return caller;
        }
    }
    panic!("no call was ever in time");
}

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = Limits::default();
    change(&mut limits);
    World::start(Setup { limits, ..Setup::default() })
}

#[tokio::test]
async fn a_head_that_dawdles() {
    let world = limited(|limits| limits.head = SHORT);
    let mut events = world.gate.events();
    let mut caller = world.connect().await;
    caller.write("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nX-S").await;
    let answer = caller.answer().await;
    assert_eq!((answer.status, answer.code()), (408, "C005".to_owned()));
    assert!(caller.is_closed().await);
    assert_eq!(soon(events.recv()).await, Some(Event::Edge(shuzha_core::Code::C005)));
}

#[tokio::test]
async fn a_head_that_dawdles_after_a_request() {
    let world = limited(|limits| limits.head = SHORT);
    let mut caller = world.connect().await;
    assert_eq!(caller.call("/v1/products/echo/run", "{}").await.status, 200);
    caller.write("GET").await;
    assert_eq!(caller.answer().await.code(), "C005");
    assert!(caller.is_closed().await);
}

#[tokio::test]
async fn a_body_that_dawdles() {
    let world = limited(|limits| limits.body = SHORT);
    let mut caller = world.connect().await;
    caller.write("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").await;
    let answer = caller.answer().await;
    assert_eq!((answer.status, answer.code()), (408, "C005".to_owned()));
    assert!(caller.is_closed().await);
    assert_eq!(world.gate.calls(), 0);
}

#[tokio::test]
async fn idle_connections_close_silently() {
    let world = limited(|limits| limits.idle = SHORT);
    let mut fresh = world.connect().await;
    assert!(fresh.is_closed().await, "a connection that never spoke");
    let mut used = used(&world).await;
    assert!(used.is_closed().await, "a connection that went quiet");
}

#[tokio::test]
async fn a_call_in_flight_is_not_idle() {
    let world = limited(|limits| {
        limits.idle = SHORT;
        limits.head = SHORT;
    });
    let mut events = world.gate.events();
    let mut tries = 0;
    let mut waiting = loop {
        let mut waiting = world.connect().await;
        waiting.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
        // Either it is in flight, or it was taken for idle before its first byte came.
        let closed = async { waiting.stream.peek(&mut [0]).await };
        tokio::select! {
            event = soon(events.recv()) => {
                assert_eq!(event, Some(Event::Holding));
                break waiting;
            }
            _ = closed => {}
        }
        tries += 1;
        assert!(tries < TRIES, "no call was ever in time");
    };
    // Another connection goes idle and is closed meanwhile: as much time has passed as would close this one.
    assert!(world.connect().await.is_closed().await);
    assert!(world.connect().await.is_closed().await);
    world.gate.release.add_permits(1);
    assert_eq!(waiting.answer().await.status, 200);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let world = World::plain();
    let mut caller = world.connect().await;
    let one = |body: &str| {
        let length = body.len();
        format!("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let all: String = (0..50).map(|n| one(&format!("{{\"n\":{n}}}"))).collect();
    caller.write(all).await;
    for n in 0..50 {
        assert_eq!(caller.answer().await.json()["n"], n);
    }
}

#[tokio::test]
async fn a_request_in_pieces() {
    let world = World::plain();
    let mut caller = world.connect().await;
    let bytes = b"POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    for byte in bytes {
        caller.write([*byte]).await;
    }
    assert_eq!(caller.answer().await.body, b"{\"a\":1}");
}

/// The invitation shows that the call is being answered when its body comes: in many packets, and with nothing behind it.
#[tokio::test]
async fn a_large_body_in_many_packets_behind_its_head() {
    let world = World::plain();
    let body = format!("\"{}\"", "x".repeat(200_000));
    for half_closes in [false, true] {
        let mut caller = world.connect().await;
        caller
            .write(format!(
                "POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                body.len()
            ))
            .await;
        assert_eq!(caller.answer().await.status, 100);
        for piece in body.as_bytes().chunks(977) {
            caller.write(piece).await;
        }
        if half_closes {
            soon(caller.stream.shutdown()).await.expect("half-closed");
        }
        let answer = caller.answer().await;
        assert_eq!((answer.status, answer.body.len()), (200, body.len()), "half-closed: {half_closes}");
        if half_closes {
            assert!(caller.is_closed().await);
        } else {
            assert_eq!(caller.call("/v1/products/echo/run", "{}").await.status, 200, "and goes on");
        }
    }
}

#[tokio::test]
async fn a_body_is_invited_only_when_it_is_wanted() {
    let world = World::plain();
    let mut caller = world.connect().await;
    let head = "POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    caller.write(format!("{head}Content-Length: 2\r\n\r\n")).await;
    assert_eq!(caller.answer().await.status, 100);
    caller.write("{}").await;
    assert_eq!(caller.answer().await.status, 200);
    caller.write(format!("{head}Content-Length: 99999999\r\n\r\n")).await;
    assert_eq!(caller.answer().await.status, 413, "refused without an invitation");
    assert!(caller.is_closed().await);
}

#[tokio::test]
async fn a_caller_who_leaves_drops_its_call() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut caller = world.connect().await;
    caller.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    drop(caller);
    assert_eq!(soon(events.recv()).await, Some(Event::Dropped));
}

#[tokio::test]
async fn a_connection_carries_so_many_requests() {
    let world = limited(|limits| limits.requests_per_connection_max = 3);
    let mut caller = world.connect().await;
    for n in 1..=3 {
        let answer = caller.call("/v1/products/echo/run", "{}").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.field("Connection") == Some("close"), n == 3, "request {n}");
    }
    assert!(caller.is_closed().await);
}

#[tokio::test]
async fn where_the_listener_is_full_the_longest_idle_connection_makes_room() {
    let world = limited(|limits| limits.connections_max = 2);
    let mut first = world.connect().await;
    assert_eq!(first.call("/v1/products/echo/run", "{}").await.status, 200);
    let mut second = world.connect().await;
    assert_eq!(second.call("/v1/products/echo/run", "{}").await.status, 200);
    let mut third = world.connect().await;
    assert_eq!(third.call("/v1/products/echo/run", "{}").await.status, 200);
    assert!(first.is_closed().await, "the oldest");
    assert_eq!(second.call("/v1/products/echo/run", "{}").await.status, 200);
}

/// Half a head is no request: whoever holds connections with them holds nobody up.
#[tokio::test]
async fn half_heads_make_room_like_idle_connections() {
    let world = limited(|limits| limits.connections_max = 4);
    let mut halves = Vec::new();
    for _ in 0..4 {
        let mut half = world.connect().await;
        half.write("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nX-S").await;
        halves.push(half);
    }
    for _ in 0..4 {
        let mut caller = world.connect().await;
        assert_eq!(caller.call("/v1/products/echo/run", "{}").await.status, 200);
    }
}

#[tokio::test]
async fn a_call_in_flight_never_makes_room() {
    let world = limited(|limits| limits.connections_max = 1);
    let mut events = world.gate.events();
    let mut first = world.connect().await;
    first.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    let mut second = world.connect().await;
    second.write("GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    world.gate.release.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(second.answer().await.status, 200, "let in once the first has its answer");
    assert_eq!(world.gate.calls(), 2);
    assert!(first.is_closed().await);
}

/// RFC 9112 §9.6: the end of what a caller sends does not say that it reads no more.
#[tokio::test]
async fn a_caller_who_half_closes_gets_its_answer() {
    let world = World::plain();
    for version in ["1.1", "1.0"] {
        let mut caller = world.connect().await;
        let head =
            format!("POST /v1/products/echo/run HTTP/{version}\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}");
        caller.write(head).await;
        soon(caller.stream.shutdown()).await.expect("half-closed");
        assert_eq!(caller.answer().await.status, 200, "{version}");
        assert!(caller.is_closed().await);
    }
}

#[tokio::test]
async fn a_half_closed_caller_of_a_slow_service_gets_its_answer_after_interim_ones() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut caller = world.connect().await;
    caller.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    caller.write("GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    soon(caller.stream.shutdown()).await.expect("half-closed");
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    // Pipelined behind it stands a second request, so that its end is seen only with the second.
    world.gate.release.add_permits(1);
    assert_eq!(caller.answer().await.status, 200);
    assert_eq!(caller.answer().await.status, 200, "the one behind it");
    assert!(caller.is_closed().await);
    let mut caller = world.connect().await;
    caller.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    soon(caller.stream.shutdown()).await.expect("half-closed");
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    for _ in 0..2 {
        assert_eq!(caller.answer().await.status, 100, "is anybody there?");
    }
    world.gate.release.add_permits(1);
    assert_eq!(caller.answer().await.status, 200);
    assert!(caller.is_closed().await);
}

#[tokio::test]
async fn a_half_closed_caller_whose_body_is_not_whole_is_refused() {
    let world = World::plain();
    let mut caller = world.connect().await;
    caller.write("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").await;
    soon(caller.stream.shutdown()).await.expect("half-closed");
    assert!(caller.try_answer().await.is_none_or(|answer| answer.status == 400));
    assert_eq!(world.gate.calls(), 0);
}

#[tokio::test]
async fn a_caller_who_resets_drops_its_call_at_once() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut caller = world.connect().await;
    caller.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    let stream = caller.stream.into_std().expect("a socket");
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("a socket option");
    drop(stream);
    assert_eq!(soon(events.recv()).await, Some(Event::Dropped));
}

#[tokio::test]
async fn old_http_is_answered_and_closed() {
    let world = World::plain();
    let mut caller = world.connect().await;
    caller.write("GET /v1/products/echo/run HTTP/1.0\r\nHost: a\r\n\r\n").await;
    assert_eq!(caller.answer().await.status, 200);
    assert!(caller.is_closed().await);
}

/// Closing with unread bytes makes the kernel send a reset, which can overtake the answer. A reset shows when the caller
/// writes once more: the kernel refuses.
#[tokio::test]
async fn a_refused_caller_who_goes_on_sending_meets_no_reset() {
    let world = World::plain();
    let mut caller = world.connect().await;
    let mut bytes = b"GET /v1/products/echo/run HTTP/1.1\nHost: a\r\n\r\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 256 * 1024));
    caller.write(bytes).await;
    assert_eq!(caller.answer().await.code(), "C001");
    assert!(caller.is_closed().await);
    soon(caller.stream.write_all(b"x")).await.expect("the other side still discards");
}
