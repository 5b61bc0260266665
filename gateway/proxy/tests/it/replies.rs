//! What answers look like.

use crate::world::{Caller, Event, World, soon};

#[tokio::test]
async fn an_answer_carries_what_the_gate_says() {
    let world = World::plain();
    let answer = world.connect().await.call("/v1/products/echo/run", "{\"a\":1}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, b"{\"a\":1}");
    for (name, value) in [
        ("X-Receipt", "3.14"),
        ("X-Fee", "0.50"),
        ("RateLimit-Policy", "\"default\";q=100;w=1"),
        ("RateLimit", "\"default\";r=50;t=1"),
        ("Idempotency-Replayed", "true"),
        ("Cache-Control", "no-store"),
        ("Content-Type", "application/json"),
    ] {
        assert_eq!(answer.field(name), Some(value), "{name}");
    }
    assert_eq!(answer.field("X-Request-Id").map(str::len), Some(36));
    assert_eq!(answer.field("X-Sandbox"), None);
    let last = world.gate.last.lock().expect("no panic").clone();
    assert_eq!(last, Some(("gate.test".to_owned(), "http".to_owned())));
}

#[tokio::test]
async fn k1_a_trial_is_marked_in_its_answer() {
    let world = World::plain();
    let answer = world.connect().await.call("/v1/products/echo/trial", "{}").await;
    assert_eq!((answer.status, answer.field("X-Sandbox")), (200, Some("true")));
}

#[tokio::test]
async fn a_refusal_is_a_problem_in_the_callers_language() {
    let world = World::plain();
    let mut caller = world.connect().await;
    for (language, title) in [("en-US", "Too many calls"), ("zh-CN", "调用过于频繁"), ("fr", "调用过于频繁")]
    {
        caller
            .write(format!(
                "GET /v1/products/refuse/C501 HTTP/1.1\r\nHost: a\r\nAccept-Language: {language}\r\n\r\n"
            ))
            .await;
        let answer = caller.answer().await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.field("Content-Type"), Some("application/problem+json"));
        assert_eq!(answer.field("Retry-After"), Some("2"));
        let problem = answer.json();
        assert_eq!(problem["title"], title);
        assert_eq!(problem["type"], "/errors/C501");
        assert_eq!(problem["status"], 429);
        assert_eq!(problem["detail"], "/id\"number");
        assert_eq!(problem["request_id"].as_str(), answer.field("X-Request-Id"));
    }
    let answer = caller.call("/v1/products/refuse/C103", "{}").await;
    assert_eq!((answer.status, answer.field("WWW-Authenticate").is_some()), (401, true));
}

#[tokio::test]
async fn addresses_that_are_not_calls() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut caller = world.connect().await;
    for (line, status, code) in [
        ("GET /nothing", 404, "C006"),
        ("GET /v1/products/", 404, "C006"),
        ("DELETE /v1/products/echo/run", 405, "C007"),
        ("GET /v1/consents:withdraw", 405, "C007"),
        ("GET /errors/C999", 404, "C006"),
        ("GET /v1/products//echo/run", 400, "C002"),
        ("GET /v1/products/echo/%2e%2e/run", 400, "C002"),
    ] {
        caller.write(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let answer = caller.answer().await;
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{line}");
        let told = soon(events.recv()).await.expect("the gate is told");
        assert_eq!(told, Event::Edge(code.parse().expect("a code")));
        assert_eq!(answer.field("Allow").is_some(), status == 405, "{line}");
    }
    assert_eq!(world.gate.calls(), 0);
}

#[tokio::test]
async fn error_pages_and_withdrawals() {
    let world = World::plain();
    let mut caller = world.connect().await;
    caller.write("GET /errors/C401 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let page = caller.answer().await;
    let text = String::from_utf8(page.body.clone()).expect("UTF-8");
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.field("Content-Security-Policy"), Some("default-src 'none'"));
    assert!(text.contains("Because &lt;it&gt; is so."), "{text}");
    let done = caller.call("/v1/consents:withdraw", "aaa.bbb.ccc").await;
    assert_eq!(done.json()["withdrawn"], "aaa.bbb.ccc");
    let refused = caller.call("/v1/consents:withdraw", &"a".repeat(5_000)).await;
    assert_eq!((refused.status, refused.code()), (413, "C003".to_owned()));
    assert!(caller.is_closed().await);
}

#[tokio::test]
async fn bodies_are_bounded() {
    let world = World::plain();
    let most = "x".repeat(1024 * 1024);
    let mut caller = world.connect().await;
    let answer = caller.call("/v1/products/echo/run", &most).await;
    assert_eq!((answer.status, answer.body.len()), (200, most.len()));
    let mut caller: Caller = world.connect().await;
    let refused = caller.call("/v1/products/echo/run", &(most + "x")).await;
    assert_eq!((refused.status, refused.code()), (413, "C003".to_owned()));
    assert!(caller.is_closed().await);
    assert_eq!(world.gate.calls(), 1);
}

/// Receipts go through the gate as calls do; the log's files are served as they are, entries to nobody here.
#[tokio::test]
async fn h1_receipts_and_the_log_are_served() {
    let world = World::plain();
    let mut caller = world.connect().await;
    let mut get = async |path: &str| {
        caller.write(format!("GET {path} HTTP/1.1\r\nHost: gate.test\r\n\r\n")).await;
        caller.answer().await
    };
    let receipt = get("/v1/receipts/1.9").await;
    assert_eq!((receipt.status, receipt.body.as_slice()), (200, &b"GET 1.9 false 0"[..]));
    assert_eq!(receipt.field("Cache-Control"), Some("no-store"));
    assert_eq!(get("/v1/receipts/1.9/sm3").await.body, b"GET 1.9 true 0");
    let pending = get("/v1/receipts/pending").await;
    assert_eq!((pending.status, pending.field("Retry-After")), (503, Some("1")));
    assert_eq!(pending.json()["code"], "C1702");
    let head = get("/log/2026h2/checkpoint").await;
    assert_eq!((head.status, head.field("Cache-Control")), (200, Some("no-store")));
    let tile = get("/log/2026h2/tile/0/000").await;
    assert_eq!((tile.status, tile.body.as_slice()), (200, &b"tile"[..]));
    assert!(tile.field("Cache-Control").is_some_and(|kept| kept.contains("immutable")));
    assert_eq!(get("/log/2026h2/broken").await.status, 503);
    assert_eq!(get("/log/2026h2/tile/entries/000").await.json()["code"], "C006");
}
