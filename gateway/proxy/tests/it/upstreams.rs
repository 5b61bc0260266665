//! What product services get, and what becomes of what they do.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::SeqCst;

use base64::Engine as _;
use ring::{digest, hmac};

use crate::world::{Answer, Service, Setup, World, free, upstream};

/// How long the gate of tests waits for a product service.
const TEST_GATE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

async fn pass(world: &World, path: &str) -> Answer {
    world.connect().await.call(&format!("/v1/products/pass/{path}"), "{\"q\":1}").await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

/// An address where nobody listens.
fn closed() -> SocketAddr {
    let listener = std::net::TcpListener::bind(free()).expect("a free port");
    listener.local_addr().expect("it is bound")
}

#[tokio::test]
async fn nothing_of_the_callers_request_gets_through() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut caller = world.connect().await;
    let names = [
        "X-Unit",
        "x-unit",
        "X_Unit",
        "x_unit",
        "X-UNIT",
        "X-Scenario",
        "X_SCENARIO",
        "X-Fields",
        "X-Request-Id",
        "X-Gateway-Signature",
        "X_Gateway_Signature",
        "X-Gateway-Timestamp",
        "Authorization",
        "Cookie",
        "Signature",
        "Signature-Input",
        "X-App-Key",
        "X-Signature",
        "X-Nonce",
        "X-Consent",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Real-Ip",
        "Forwarded",
        "Via",
        "X-Consumer-Id",
        "X-Client-Id",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Keep-Alive",
        "Accept-Encoding",
        "Accept",
        "User-Agent",
        "Range",
        "If-None-Match",
        "Idempotency-Key",
        "X-Original-Url",
        "X-Rewrite-Url",
        "X-Http-Method-Override",
        "Content-Type",
        "Origin",
    ];
    let fields: String = names.iter().map(|name| format!("{name}: canary-77\r\n")).collect();
    let connection = "Connection: X-Unit, X-Scenario, X-Gateway-Signature\r\n";
    caller
        .write(format!(
            "POST /v1/products/pass/ok HTTP/1.1\r\nHost: canary-77\r\n{connection}{fields}Content-Length: 7\r\n\r\n{{\"q\":1}}"
        ))
        .await;
    assert_eq!(caller.answer().await.status, 200);
    let requests = service.requests();
    let request = &requests[0];
    assert!(!request.contains("canary"), "{request}");
    let head = request.split("\r\n\r\n").next().expect("a head");
    let mut got: Vec<_> = head.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    got.sort_unstable();
    let expected = [
        "content-length",
        "content-type",
        "host",
        "x-fields",
        "x-gateway-signature",
        "x-gateway-timestamp",
        "x-request-id",
        "x-scenario",
        "x-unit",
    ];
    assert_eq!(got, expected);
}

#[tokio::test]
async fn requests_are_signed_as_documented() {
    let service = Service::start().await;
    let world = World::with(&service);
    assert_eq!(pass(&world, "ok").await.status, 200);
    let requests = service.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").expect("a head");
    let field = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).expect("a field").to_owned()
    };
    let hex: String = shuzha_core::hex::encode(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
    let signed = format!(
        "shuzha-gateway-v1\nPOST\n/ok\n{}\n{}\n{}\n{}\n{}\n{hex}",
        field("x-request-id"),
        field("x-unit"),
        field("x-scenario"),
        field("x-fields"),
        field("x-gateway-timestamp")
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"key of the tests");
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    assert_eq!(field("x-gateway-signature"), signature);
}

#[tokio::test]
async fn product_services_misbehave() {
    let service = Service::start().await;
    let world = World::with(&service);
    for (path, status, body) in [
        ("ok", 200, "{\"ok\":true}"),
        ("stall", 599, "Timeout"),
        ("close", 599, "Closed"),
        ("short", 599, "Closed"),
        ("garbage", 599, "Closed"),
        ("large", 599, "TooLarge"),
        ("endless", 599, "TooLarge"),
        ("flood-crumbs", 599, "TooLarge"),
        ("flood-extension", 599, "Closed"),
        ("gzip", 502, ""),
        ("both", 599, "Closed"),
        ("twice", 599, "Closed"),
        ("list", 599, "Closed"),
        ("hints", 200, "{\"ok\":true}"),
        ("hints-nine", 599, "Closed"),
        ("redirect", 302, ""),
        ("missing", 404, ""),
        ("last", 200, "ok"),
        ("ok", 200, "{\"ok\":true}"),
    ] {
        let answer = pass(&world, path).await;
        assert_eq!((answer.status, text(&answer).as_str()), (status, body), "{path}");
    }
}

/// The deadline is looked at however much the service sends, and informational answers are counted: one who sends nothing
/// else holds neither the call nor the thread that serves all others.
#[tokio::test]
async fn endless_informational_answers_hold_nobody_up() {
    let service = Service::start().await;
    let world = World::with(&service);
    let begun = tokio::time::Instant::now();
    let floods = futures_of(8, || pass(&world, "flood"));
    let (answers, other) = tokio::join!(floods, pass(&world, "ok"));
    assert_eq!(other.status, 200);
    for answer in answers {
        assert_eq!(text(&answer), "Closed");
    }
    assert!(begun.elapsed() < TEST_GATE_TIMEOUT, "none waited for the time limit of its operation");
}

/// So many at once, and what each came to.
async fn futures_of<F: Future>(count: usize, make: impl Fn() -> F) -> Vec<F::Output> {
    let mut running: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done: Vec<_> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn answer_fields_of_product_services_are_dropped() {
    let service = Service::start().await;
    let world = World::with(&service);
    let answer = pass(&world, "fields").await;
    assert_eq!(text(&answer), "ok");
    for name in ["Set-Cookie", "X-Unit", "X-Fee", "Keep-Alive"] {
        assert_eq!(answer.field(name), None, "{name}");
    }
}

#[tokio::test]
async fn links_are_kept_and_a_stale_one_costs_nothing() {
    let service = Service::start().await;
    let world = World::with(&service);
    for _ in 0..5 {
        assert_eq!(pass(&world, "ok").await.status, 200);
    }
    assert_eq!(service.connections.load(SeqCst), 1, "one link serves all calls");
    for round in 1..=3 {
        assert_eq!(pass(&world, "once").await.status, 200);
        service.closed(round).await;
        assert_eq!(pass(&world, "ok").await.status, 200, "a link that was closed while idle is replaced");
    }
}

#[tokio::test]
async fn nobody_is_there() {
    let world = World::start(Setup { upstreams: vec![upstream("up", vec![closed()])], ..Setup::default() });
    assert_eq!(text(&pass(&world, "ok").await), "Unreachable");
    let undeclared = world.connect().await.call("/v1/products/away/ok", "{}").await;
    assert_eq!(text(&undeclared), "NoneHealthy");
    for _ in 0..2 {
        world.handle.upstreams().check_health().await;
    }
    assert_eq!(text(&pass(&world, "ok").await), "NoneHealthy", "after two failed checks it is left out");
}

#[tokio::test]
async fn an_instance_that_is_down_is_passed_over() {
    let service = Service::start().await;
    let endpoints = vec![closed(), service.address];
    let world = World::start(Setup { upstreams: vec![upstream("up", endpoints)], ..Setup::default() });
    for _ in 0..6 {
        assert_eq!(
            pass(&world, "ok").await.status,
            200,
            "nothing was sent to the one that is down: try the other"
        );
    }
    for _ in 0..2 {
        world.handle.upstreams().check_health().await;
    }
    assert_eq!(pass(&world, "ok").await.status, 200);
}

#[tokio::test]
async fn a_health_page_must_answer_200() {
    let service = Service::start().await;
    for (path, expected) in [("/ok", 200), ("/missing", 599)] {
        let mut declared = upstream("up", vec![service.address]);
        declared.health_path = Some(path.to_owned());
        let world = World::start(Setup { upstreams: vec![declared], ..Setup::default() });
        for _ in 0..2 {
            world.handle.upstreams().check_health().await;
        }
        assert_eq!(pass(&world, "ok").await.status, expected, "{path}");
    }
}

#[tokio::test]
async fn replacing_the_set_keeps_links() {
    let service = Service::start().await;
    let world = World::with(&service);
    assert_eq!(pass(&world, "ok").await.status, 200);
    let same = upstream("up", vec![service.address]);
    world.handle.upstreams().replace(&[same.clone(), upstream("more", vec![closed()])]).expect("a good set");
    assert_eq!(pass(&world, "ok").await.status, 200);
    assert_eq!(service.connections.load(SeqCst), 1);
    assert!(world.handle.upstreams().replace(&[same.clone(), same]).is_err(), "declared twice");
    assert!(world.handle.upstreams().replace(&[upstream("none", vec![])]).is_err(), "no endpoint");
    assert_eq!(pass(&world, "ok").await.status, 200, "a refused set changes nothing");
    world.handle.upstreams().replace(&[]).expect("an empty set");
    assert_eq!(text(&pass(&world, "ok").await), "NoneHealthy");
}
