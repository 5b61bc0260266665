//! The operations listener.

use crate::world::{Answer, Caller, Setup, World};

async fn get(world: &World, path: &str) -> Answer {
    let mut caller = Caller::connect(world.operations()).await;
    caller.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    caller.answer().await
}

#[tokio::test]
async fn probes_and_status() {
    let world = World::plain();
    assert_eq!(get(&world, "/livez").await.status, 200);
    let ready = get(&world, "/readyz").await;
    assert_eq!((ready.status, ready.json()["ready"].as_bool()), (200, Some(true)));
    assert_eq!(get(&world, "/status").await.json()["generation"], 7);
    assert_eq!(get(&world, "/v1/products/echo/run").await.status, 404);
    assert_eq!(get(&world, "/log/2026h2/tile/entries/000").await.body, b"entries");
    assert_eq!(get(&world, "/log/2026h2/broken").await.status, 503);
    assert_eq!(get(&world, "/log/2026h2/none").await.status, 404);
    let mut data = world.connect().await;
    data.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(data.answer().await.status, 404, "operations are not served to callers");
}

#[tokio::test]
async fn unready_says_why() {
    let world = World::start(Setup { unready: vec!["journal is full".to_owned()], ..Setup::default() });
    let ready = get(&world, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"][0], "journal is full");
}

#[tokio::test]
async fn metrics_count_and_unknown_products_share_a_series() {
    let world = World::plain();
    world.handle.publish([&shuzha_core::Id::new("echo").expect("a good name")]);
    let mut caller = world.connect().await;
    for product in ["echo", "echo", "p1", "p2", "p3"] {
        assert_eq!(caller.call(&format!("/v1/products/{product}/run"), "{}").await.status, 200);
    }
    for path in ["/x1", "/x2"] {
        assert_eq!(caller.call(path, "{}").await.status, 404);
    }
    let scrape = get(&world, "/metrics").await;
    assert!(scrape.field("Content-Type").is_some_and(|kind| kind.starts_with("text/plain")));
    let text = String::from_utf8(scrape.body).expect("UTF-8");
    for line in [
        "shuzha_http_requests_total{code_class=\"2xx\",product=\"echo\",source=\"gateway\"} 2",
        "shuzha_http_requests_total{code_class=\"2xx\",product=\"__other__\",source=\"gateway\"} 3",
        "shuzha_rejected_requests_total{reason=\"address\"} 2",
        "shuzha_http_request_duration_seconds_count{phase=\"total\"} 5",
        "shuzha_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    for never in ["p1", "x1", "gate.test", "127.0.0.1"] {
        assert!(!text.contains(never), "{never} became a label");
    }
}
