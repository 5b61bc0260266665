//! No caller takes what all callers share. Callers of different addresses come from different ones of 127.0.0.0/8.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::TokioIo;
use shuzha_proxy::Limits;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::h2::Tasks;
use crate::world::{Caller, Event, SMALL_BYTES, Setup, World, soon};

/// Another caller's address.
const OTHER: [u8; 4] = [127, 0, 0, 2];

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = Limits::default();
    change(&mut limits);
    World::start(Setup { limits, ..Setup::default() })
}

/// A body that sends all of a size but a byte, and then nothing.
#[derive(Clone, Copy)]
struct Unfinished {
    bytes: usize,
    /// Whether the head states the size.
    stated: bool,
}

impl http_body::Body for Unfinished {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];
        let next = self.bytes.saturating_sub(1).min(ZEROS.len());
        if next == 0 {
            return Poll::Pending;
        }
        self.bytes -= next;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&ZEROS[..next])))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.stated { SizeHint::with_exact(self.bytes as u64) } else { SizeHint::default() }
    }
}

/// The value of a gauge of the data listener.
async fn gauge(world: &World, name: &str) -> u64 {
    let mut caller = Caller::connect(world.operations()).await;
    caller.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let text = String::from_utf8(caller.answer().await.body).expect("text");
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {text}"));
    line.trim().parse().expect("a number")
}

async fn held(world: &World) -> u64 {
    gauge(world, "shuzha_downstream_bound_used{bound=\"body_bytes\"}").await
}

/// Opens `streams` calls over HTTP/2 whose bodies never end, of `bytes` each.
async fn attack(world: &World, streams: usize, bytes: usize, answers: &mut JoinSet<Option<StatusCode>>) {
    let body = Unfinished { bytes, stated: true };
    attack_at(world, "/v1/products/echo/run", streams, body, answers).await;
}

async fn attack_at(
    world: &World,
    target: &str,
    streams: usize,
    body: Unfinished,
    answers: &mut JoinSet<Option<StatusCode>>,
) {
    let stream = soon(TcpStream::connect(world.data())).await.expect("the server takes connections");
    let made = hyper::client::conn::http2::Builder::new(Tasks).handshake(TokioIo::new(stream));
    let (mut send, connection) = soon(made).await.expect("a handshake");
    tokio::runtime::Handle::current().spawn(connection);
    for _ in 0..streams {
        let request = Request::post(format!("http://gate.test{target}")).body(body).expect("good");
        if send.ready().await.is_err() {
            return;
        }
        let answer = send.send_request(request);
        answers.spawn(async move { answer.await.ok().map(|answer| answer.status()) });
    }
}

/// Security-2 F1: six connections took 748 MiB in two seconds, before any key was looked at.
#[tokio::test]
async fn unfinished_bodies_stay_within_their_memory_and_another_address_is_served() {
    const MIB: u64 = 1 << 20;
    let world = limited(|limits| {
        limits.body_bytes_total_max = 8 * MIB;
        limits.body_bytes_per_address_max = 4 * MIB;
        limits.body_bytes_per_connection_max = 2 * MIB;
    });
    let mut answers = JoinSet::new();
    for _ in 0..6 {
        attack(&world, 100, 1 << 20, &mut answers).await;
        assert!(held(&world).await <= 4 * MIB, "one address has its share");
    }
    // At least all but what fits are refused; each takes what it held with it.
    for _ in 0..500 {
        let status = soon(answers.join_next()).await.expect("an answer").expect("no panic");
        assert!(status.is_none_or(|status| status == StatusCode::TOO_MANY_REQUESTS), "{status:?}");
    }
    assert!(held(&world).await <= 4 * MIB);
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    let body = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(other.call("/v1/products/echo/run", &body).await.body.len(), body.len(), "served meanwhile");
    answers.shutdown().await;
    soon(async {
        while held(&world).await > 0 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(gauge(&world, "shuzha_downstream_bound_max{bound=\"body_bytes\"}").await, 8 * MIB);
}

#[tokio::test]
async fn the_memory_of_all_bodies_is_one_and_given_back() {
    let world = limited(|limits| {
        limits.body_bytes_total_max = 100_000;
        limits.body_bytes_per_address_max = 80_000;
        limits.body_bytes_per_connection_max = 80_000;
    });
    let part = |length: usize, sent: usize| {
        let body = "x".repeat(sent);
        format!("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let mut first = world.connect().await;
    first.write(part(70_001, 70_000)).await;
    soon(async {
        while held(&world).await < 70_000 {
            tokio::task::yield_now().await
        }
    })
    .await;
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    other.write(part(70_000, 70_000)).await;
    let refused = other.answer().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "C096"));
    assert!(refused.field("Retry-After").is_some());
    assert!(other.is_closed().await);
    let mut same = world.connect().await;
    same.write(part(70_000, 70_000)).await;
    let refused = same.answer().await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "C011"));
    first.write("x").await;
    assert_eq!(first.answer().await.status, 200);
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    other.write(part(70_000, 70_000)).await;
    assert_eq!(other.answer().await.status, 200, "it was given back");
}

#[tokio::test]
async fn requests_whose_bodies_do_not_come_are_bounded_by_address() {
    let world = limited(|limits| limits.unfinished_per_address_max = 3);
    let half = "POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{";
    let mut halves = Vec::new();
    for _ in 0..3 {
        let mut caller = world.connect().await;
        caller.write(half).await;
        halves.push(caller);
    }
    soon(async {
        while held(&world).await < 3 {
            tokio::task::yield_now().await
        }
    })
    .await;
    let mut fourth = world.connect().await;
    fourth.write(half).await;
    assert_eq!(fourth.answer().await.code(), "C011");
    let mut whole = world.connect().await;
    assert_eq!(
        whole.call("/v1/products/echo/run", "{}").await.status,
        200,
        "a whole request is none of them"
    );
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    other.write(half).await;
    other.write("\"a\":2}  ").await;
    assert_eq!(other.answer().await.status, 200);
}

#[tokio::test]
async fn a_head_that_names_no_live_credential_may_bring_little() {
    let world = limited(|limits| limits.unidentified_body_bytes_max = 100);
    for product in ["stranger", "bodiless"] {
        let head =
            format!("POST /v1/products/{product}/run HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
        let mut caller = world.connect().await;
        caller.write(head).await;
        assert_eq!(caller.answer().await.code(), "C003", "refused from the head alone: no body was sent");
        assert!(caller.is_closed().await);
    }
    let mut caller = world.connect().await;
    assert_eq!(caller.call("/v1/products/echo/run", &"x".repeat(101)).await.status, 200);
}

/// An operation that takes little is refused much from the head alone, and where the head does not tell, at its limit.
#[tokio::test]
async fn an_operation_takes_no_more_than_it_declares() {
    let world = World::plain();
    let target = "/v1/products/small/run";
    let mut caller = world.connect().await;
    assert_eq!(caller.call(target, &"x".repeat(SMALL_BYTES)).await.status, 200);
    caller
        .write(format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", SMALL_BYTES + 1))
        .await;
    assert_eq!(caller.answer().await.code(), "C003", "no body was sent");
    assert!(caller.is_closed().await);
    let mut answers = JoinSet::new();
    attack_at(&world, target, 1, Unfinished { bytes: 1 << 20, stated: false }, &mut answers).await;
    let refused = soon(answers.join_next()).await.expect("an answer").expect("no panic");
    assert_eq!(refused, Some(StatusCode::PAYLOAD_TOO_LARGE), "though its body never ends");
    assert_eq!(world.gate.calls(), 1);
    assert_eq!(held(&world).await, 0, "what came of it was let go");
}

/// Calls `target` until it is refused for its address's pace, which comes within a few calls however slow the machine is.
async fn until_held_back(world: &World, target: &str) {
    for _ in 0..1_000 {
        let mut caller = world.connect().await;
        let refused = caller.call(target, "{}").await;
        if refused.status == 429 {
            assert_eq!(refused.code(), "C010", "{target}");
            assert!(refused.field("Retry-After").is_some());
            assert!(caller.is_closed().await);
            return;
        }
    }
    panic!("{target} is never held back");
}

#[tokio::test]
async fn strangers_are_held_back_by_address_and_callers_with_a_credential_are_not() {
    let world = limited(|limits| limits.unidentified_requests_per_second = 1);
    let mut events = world.gate.events();
    let targets = [
        "/v1/products/stranger/run",
        "/nowhere",
        "/v1/consents:withdraw",
        "/v1/products/a/b//c",
        "/log/none",
    ];
    for target in targets {
        until_held_back(&world, target).await;
    }
    let mut seen = 0;
    while let Ok(event) = events.try_recv() {
        seen += usize::from(event == Event::Edge(shuzha_core::Code::C010));
    }
    assert_eq!(seen, targets.len(), "each is counted");
    for _ in 0..20 {
        let mut known = world.connect().await;
        assert_eq!(known.call("/v1/products/echo/run", "{}").await.status, 200, "of the same address");
        known.write("GET /errors/C401 HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(known.answer().await.status, 200, "a public page");
    }
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    assert_eq!(other.call("/v1/products/stranger/run", "{}").await.status, 200);
}

#[tokio::test]
async fn connections_are_bounded_by_address() {
    let world = limited(|limits| limits.connections_per_address_max = 3);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut caller = world.connect().await;
        assert_eq!(caller.call("/v1/products/echo/run", "{}").await.status, 200);
        open.push(caller);
    }
    assert!(world.connect().await.is_closed().await, "the fourth is closed at once");
    let mut other = Caller::connect_from(OTHER, world.data()).await;
    assert_eq!(other.call("/v1/products/echo/run", "{}").await.status, 200);
    let fullest = "shuzha_downstream_bound_used{bound=\"connections_of_fullest_address\"}";
    assert_eq!(gauge(&world, fullest).await, 3);
    open.clear();
    soon(async {
        while gauge(&world, fullest).await > 1 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(world.connect().await.call("/v1/products/echo/run", "{}").await.status, 200);
}

/// HTTP/2 frames that carry nothing: none of the protocol's own limits holds them.
#[tokio::test]
async fn a_flood_of_frames_that_carry_nothing_ends_its_connection() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let priority = b"\x00\x00\x05\x02\x00\x00\x00\x00\x01\x00\x00\x00\x00\x10";
    let window = b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01";
    let unknown = b"\x00\x00\x02\x42\x00\x00\x00\x00\x00ab";
    let world = limited(|limits| limits.h2_empty_frames_per_second = 100);
    for frame in [&priority[..], window, unknown] {
        let mut caller = world.connect().await;
        caller.write(PREFACE).await;
        caller.write(frame.repeat(1_000)).await;
        let answer = caller.rest().await;
        // GOAWAY is kind 7; behind the last stream stands the code, 11: ENHANCE_YOUR_CALM.
        let mut rest = &answer[..];
        let mut codes = Vec::new();
        while let [a, b, c, kind, _, _, _, _, _, payload @ ..] = rest {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if *kind == 7 {
                codes.push(payload[7]);
            }
            rest = &payload[length..];
        }
        assert_eq!(codes, [11], "{answer:?}");
    }
    assert_eq!(world.connect().await.call("/v1/products/echo/run", "{}").await.status, 200);
}

#[tokio::test]
async fn a_body_in_many_small_pieces_arrives_whole() {
    let world = limited(|limits| limits.body = Duration::from_secs(60));
    let mut caller = world.connect().await;
    let body: String =
        (0..20_000).map(|n| char::from(b'a' + u8::try_from(n % 26).expect("a letter"))).collect();
    let length = body.len();
    caller
        .write(format!("POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"))
        .await;
    for piece in body.as_bytes().chunks(997) {
        caller.write(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(caller.answer().await.body, body.as_bytes());
    assert_eq!(held(&world).await, 0);
}
