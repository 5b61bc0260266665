//! HTTP/2 with prior knowledge.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioIo;
use shuzha_proxy::Limits;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::world::{Event, Setup, World, soon};

/// Runs the client's tasks on the test's runtime.
#[derive(Clone)]
pub(crate) struct Tasks;

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        tokio::runtime::Handle::current().spawn(task);
    }
}

struct Client {
    send: SendRequest<Full<Bytes>>,
    connection: tokio::task::JoinHandle<Result<(), hyper::Error>>,
}

async fn connect(world: &World) -> Client {
    let stream = soon(TcpStream::connect(world.data())).await.expect("the server takes connections");
    let made = hyper::client::conn::http2::handshake(Tasks, TokioIo::new(stream));
    let (send, connection) = soon(made).await.expect("a handshake");
    Client { send, connection: tokio::runtime::Handle::current().spawn(connection) }
}

fn request(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    let uri = format!("http://gate.test{path}");
    Request::builder().method("POST").uri(uri).body(Full::new(Bytes::from(body))).expect("a good request")
}

#[tokio::test]
async fn calls_over_http2() {
    let world = World::plain();
    let mut client = connect(&world).await;
    let answer =
        soon(client.send.send_request(request("/v1/products/echo/run", "{\"a\":2}"))).await.expect("sent");
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(answer.headers()["x-fee"], "0.50");
    let body = soon(answer.into_body().collect()).await.expect("a body").to_bytes();
    assert_eq!(body, "{\"a\":2}");
    let last = world.gate.last.lock().expect("no panic").clone();
    assert_eq!(last, Some(("gate.test".to_owned(), "http".to_owned())));
}

#[tokio::test]
async fn many_streams_at_once() {
    let world = World::plain();
    let client = connect(&world).await;
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let mut send = client.send.clone();
        calls.spawn(async move { send.send_request(request("/v1/products/echo/run", "{}")).await });
    }
    while let Some(answer) = soon(calls.join_next()).await {
        assert_eq!(answer.expect("no panic").expect("an answer").status(), StatusCode::OK);
    }
    assert_eq!(world.gate.calls(), 200);
}

#[tokio::test]
async fn refusals_leave_the_connection_open() {
    let world = World::plain();
    let mut client = connect(&world).await;
    for (path, status) in [
        ("/v1/products/echo//run", 400),
        ("/v1/products/echo/%2e%2e/x", 400),
        ("/nothing", 404),
        ("/v1/products/echo/run", 200),
    ] {
        let answer = soon(client.send.send_request(request(path, "{}"))).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(answer.headers().get("connection").is_none());
    }
    let mut twice = request("/v1/products/echo/run", "{}");
    twice.headers_mut().insert("host", "other.test".parse().expect("a value"));
    let answer = soon(client.send.send_request(twice)).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "Host against :authority");
    assert_eq!(world.gate.calls(), 1);
}

#[tokio::test]
async fn too_large_a_body() {
    let world =
        World::start(Setup { limits: Limits { body_bytes_max: 4, ..Limits::default() }, ..Setup::default() });
    let mut client = connect(&world).await;
    let answer =
        soon(client.send.send_request(request("/v1/products/echo/run", "12345"))).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer =
        soon(client.send.send_request(request("/v1/products/echo/run", "1234"))).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "other streams go on");
}

#[tokio::test]
async fn idle_connections_close() {
    let limits = Limits { idle: Duration::from_millis(150), ..Limits::default() };
    let world = World::start(Setup { limits, ..Setup::default() });
    // On a busy machine a connection may be taken for idle before its first call: another one is made then.
    let mut tries = 0;
    let client = loop {
        let mut client = connect(&world).await;
        if let Ok(answer) = soon(client.send.send_request(request("/v1/products/echo/run", "{}"))).await {
            assert_eq!(answer.status(), StatusCode::OK);
            break client;
        }
        tries += 1;
        assert!(tries < 200, "no call was ever in time");
    };
    soon(client.connection).await.expect("no panic").expect("closed in order");
}

#[tokio::test]
async fn a_drain_finishes_streams() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut client = connect(&world).await;
    let call = client.send.send_request(request("/v1/products/hold/run", "{}"));
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    world.handle.drain();
    world.gate.release.add_permits(1);
    assert_eq!(soon(call).await.expect("an answer").status(), StatusCode::OK);
    soon(client.connection).await.expect("no panic").expect("closed in order");
    world.ended().await;
}

#[tokio::test]
async fn a_cancelled_stream_drops_its_call() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut client = connect(&world).await;
    let call = client.send.send_request(request("/v1/products/hold/run", "{}"));
    let mut calls = JoinSet::new();
    calls.spawn(call);
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    calls.abort_all();
    assert_eq!(soon(events.recv()).await, Some(Event::Dropped));
}

#[tokio::test]
async fn the_last_permitted_request_ends_the_connection() {
    let limits = Limits { requests_per_connection_max: 2, ..Limits::default() };
    let world = World::start(Setup { limits, ..Setup::default() });
    let mut client = connect(&world).await;
    for _ in 0..2 {
        let answer =
            soon(client.send.send_request(request("/v1/products/echo/run", "{}"))).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
    }
    soon(client.connection).await.expect("no panic").expect("closed in order");
}

/// One frame on stream `stream`.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], payload].concat()
}

/// A GET of `path` by literal fields (RFC 7541 §6.2.2): `:method GET`, `:scheme http`, `:authority`, `:path`.
fn get(stream: u8, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).expect("a short path");
    let block = [&[0x82, 0x86, 0x01, 9][..], b"gate.test", &[0x04, length], path.as_bytes()].concat();
    frame(0x1, 0x5, stream, &block)
}

/// The first byte of the answer's header block on each stream, in order of the streams: `:status` stands first, and 0x88,
/// 0x8c, 0x8d are 200, 400, 404 (RFC 7541 Appendix A).
async fn statuses(world: &World, paths: &[&str]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = soon(TcpStream::connect(world.data())).await.expect("the server takes connections");
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(0x4, 0, 0, &[]));
    soon(stream.write_all(&sent)).await.expect("sent");
    let mut found = Vec::new();
    for (stream_id, path) in (1..).step_by(2).zip(paths) {
        soon(stream.write_all(&get(stream_id, path))).await.expect("sent");
        loop {
            let mut head = [0; 9];
            soon(stream.read_exact(&mut head)).await.expect("a frame");
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            soon(stream.read_exact(&mut payload)).await.expect("its payload");
            if (head[3], head[8]) == (0x1, stream_id) {
                found.push(payload[0]);
                break;
            }
            assert_ne!(head[3], 0x7, "no GOAWAY");
        }
    }
    found
}

/// Security 19, public reports F13: a fragment was dropped, and another target served than the one that was sent.
#[tokio::test]
async fn a_fragment_is_refused() {
    let world = World::plain();
    assert_eq!(statuses(&world, &["/errors/C401", "/nothing"]).await, [0x88, 0x8d], "without one");
    for path in ["/errors/C401#x", "/errors/C401#", "/errors/C401?a=1#x?y=%zz"] {
        assert_eq!(statuses(&world, &["/errors/C401", path]).await, [0x88, 0x8c], "{path}");
    }
    assert_eq!(statuses(&world, &["/errors/C401"]).await, [0x88], "other connections are as before");
}

/// Head, body and end of a stream each in packets of their own.
#[tokio::test]
async fn a_body_in_many_frames_behind_its_head() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::plain();
    let mut stream = soon(TcpStream::connect(world.data())).await.expect("the server takes connections");
    stream.set_nodelay(true).expect("a socket option");
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(0x4, 0, 0, &[]));
    // `:method POST` without the end of the stream.
    let path = "/v1/products/echo/run";
    let length = u8::try_from(path.len()).expect("a short path");
    let block = [&[0x83, 0x86, 0x01, 9][..], b"gate.test", &[0x04, length], path.as_bytes()].concat();
    sent.extend(frame(0x1, 0x4, 1, &block));
    soon(stream.write_all(&sent)).await.expect("sent");
    let body = format!("\"{}\"", "y".repeat(300));
    for piece in body.as_bytes().chunks(3) {
        for byte in frame(0x0, 0, 1, piece) {
            soon(stream.write_all(&[byte])).await.expect("sent");
        }
    }
    soon(stream.write_all(&frame(0x0, 0x1, 1, &[]))).await.expect("sent");
    let mut got = Vec::new();
    while got.len() < body.len() {
        let mut head = [0; 9];
        soon(stream.read_exact(&mut head)).await.expect("a frame");
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        soon(stream.read_exact(&mut payload)).await.expect("its payload");
        assert!(!matches!(head[3], 0x3 | 0x7), "neither reset nor GOAWAY");
        if head[3] == 0x0 {
            got.extend(payload);
        }
    }
    assert_eq!(got, body.as_bytes());
}

/// HTTP/2 has no half-closed connections: whoever ends one has gone, and so have its calls.
#[tokio::test]
async fn a_caller_who_ends_its_connection_drops_its_calls() {
    use tokio::io::AsyncWriteExt;
    let world = World::plain();
    let mut events = world.gate.events();
    let mut stream = soon(TcpStream::connect(world.data())).await.expect("the server takes connections");
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(0x4, 0, 0, &[]));
    sent.extend(get(1, "/v1/products/hold/run"));
    soon(stream.write_all(&sent)).await.expect("sent");
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    soon(stream.shutdown()).await.expect("ended");
    assert_eq!(soon(events.recv()).await, Some(Event::Dropped));
}
