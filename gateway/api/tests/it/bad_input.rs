//! What is wrong is refused with its code, every fault at once, and nothing half-done remains.

use serde_json::{Value, json};

use crate::objects::{organisation, unit};
use crate::plane::Plane;

#[test]
fn every_fault_is_told_at_once_and_nothing_remains() {
    let plane = Plane::furnished();
    let before = plane.kept();
    let put = |spec: &Value| plane.put("wang", "Organisation", "organisations", "x", spec).send();
    let wrong =
        put(&json!({"kind": "king", "uscc": "91350100M000100Y44", "nmae": "x"})).expect(422).refused("C1002");
    let mut faults = wrong.faults();
    faults.sort();
    assert_eq!(faults, ["spec.kind", "spec.name", "spec.nmae", "spec.uscc"]);
    assert!(wrong.json()["faults"].to_string().contains("check"), "{}", wrong.json());

    let body = json!({"apiVersion": "v0", "kind": "Organization", "metadata": {"name": "y", "labels": {}}, "reason": 7});
    let wrong =
        plane.by("wang", "PUT", "/api/v1/organisations/x").json(&body).send().expect(422).refused("C1002");
    let faults = wrong.faults();
    assert_eq!(faults, ["apiVersion", "kind", "metadata.name", "metadata.labels", "spec", "reason"]);

    let window = json!({"number": "发改〔2026〕1号", "issuer": "bank", "window": {"from": "2027-01-01", "until": "2026-01-01"}});
    let order =
        plane.put("pricing", "PriceAct", "price-acts", "act", &window).send().expect(422).refused("C1002");
    assert_eq!(order.faults(), ["spec.window"]);
    let nobody = plane.put("wang", "ApplicationUnit", "application-units", "u", &unit("nobody")).send();
    assert_eq!(nobody.expect(422).faults(), ["spec.organisation"]);

    let attachments = json!([{"name": "大.pdf", "bytes": 10 * 1024 * 1024 + 1, "sha256": "00".repeat(32)}]);
    let plan = json!({
        "apiVersion": "shuzha/v1", "kind": "Organisation", "metadata": {"name": "x"}, "spec": organisation("x"),
        "attachments": attachments,
    });
    plane.by("wang", "PUT", "/api/v1/organisations/x").json(&plan).send().expect(413).refused("C1010");
    let roles = json!({"name": "x", "organisation": "x", "person": "某", "roles": ["emperor"]});
    let unknown = plane.by("root", "POST", "/api/v1/accounts").json(&roles).send().expect(422);
    assert_eq!(unknown.faults(), ["roles[0]"]);
    assert_eq!(plane.kept(), before);
}

#[test]
fn what_is_not_json_is_refused() {
    let plane = Plane::new();
    let put = || plane.by("wang", "PUT", "/api/v1/organisations/x");
    put().header("content-type", "application/json").raw(b"{".to_vec()).send().expect(400).refused("C1001");
    put().header("content-type", "application/json").raw(b"\xff".to_vec()).send().expect(400);
    put().header("content-type", "application/json").raw(b"{\"a\":1,\"a\":1}".to_vec()).send().expect(400);
    put().header("content-type", "text/plain").raw(b"{}".to_vec()).send().expect(415).refused("C1011");
    put().raw(b"{}".to_vec()).send().expect(415);
    put().json(&json!([])).send().expect(422).refused("C1002");
    put().json(&json!({})).header("accept", "text/html").send().expect(406).refused("C1012");
    let deep = "[".repeat(100_000).into_bytes();
    put().header("content-type", "application/json").raw(deep).send().expect(400);
    let large = vec![b' '; (1 << 20) + 1];
    put().header("content-type", "application/json").raw(large).send().expect(413).refused("C003");
    let huge = vec![b' '; 10 << 20];
    put().header("content-type", "application/json").raw(huge).send().expect(413).refused("C003");
}

#[test]
fn an_address_that_is_none_says_so() {
    let plane = Plane::new();
    for path in [
        "/",
        "/api/v1",
        "/api/v2/me",
        "/api/v1/kings",
        "/api/v1/kings/x",
        "/api/v1/organisations/",
        "/api/v1/organisations/a/b",
        "/api/v1/organisations/a:promote",
    ] {
        let method = if path.contains(':') { "POST" } else { "GET" };
        plane.by("wang", method, path).send().expect(404).refused("C006");
    }
    for (method, path, allow) in [
        ("POST", "/api/v1/organisations", "GET,HEAD"),
        ("PATCH", "/api/v1/organisations/x", "GET, HEAD, PUT, DELETE"),
        ("OPTIONS", "/api/v1/tickets/x:answer", "POST"),
        ("PATCH", "/api/v1/accounts/x", "GET, HEAD, PUT"),
        ("POST", "/api/v1/organisations/x", "GET, HEAD, PUT, DELETE"),
        ("DELETE", "/api/v1/tickets/x", "GET, HEAD, PUT"),
        ("GET", "/api/v1/tickets/x:answer", "POST"),
        ("GET", "/api/v1/sessions", "POST"),
        ("OPTIONS", "/api/v1/me", "GET,HEAD"),
    ] {
        let answer = plane.by("wang", method, path).send().expect(405).refused("C007");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    plane.by("wang", "GET", "/api/v1/organisations?limit=0&limits=5").send().expect(400).refused("C1001");
    plane.by("wang", "GET", "/api/v1/organisations/UPPER").send().expect(404).refused("C1003");
    plane.by("wang", "GET", "/api/v1/organisations/%FF").send().expect(400).refused("C1001");
}

#[test]
fn messages_come_in_the_language_asked_for() {
    let plane = Plane::new();
    let ask = |lang: &str| {
        plane.by("wang", "GET", "/api/v1/organisations/x").header("accept-language", lang).send()
    };
    assert_eq!(ask("en").json()["title"], "There is no such object");
    assert_eq!(ask("zh-CN").json()["title"], "没有这个对象");
    assert_eq!(ask("en").header("content-language"), Some("en"));
    let page = plane.ask("GET", "/errors/C1003").send().expect(200);
    assert_eq!(page.header("content-type"), Some("text/markdown; charset=utf-8"));
    plane.ask("GET", "/errors/C9999").send().expect(404);
}
