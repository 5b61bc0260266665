//! The door: who is let in, and what is refused before a product sees it.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use shuzha_core::Timestamp;
use shuzha_upstreams::register::{Register, person};
use shuzha_upstreams::service::{BODY_BYTES_MAX, HEAD_BYTES_MAX};
use shuzha_upstreams::signature;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{NOW, Running, start};

const VERIFY: &str = "/v1/persons:verify";
const SIGNED: [&str; 6] = [
    signature::REQUEST_ID,
    signature::UNIT,
    signature::SCENARIO,
    signature::FIELDS,
    signature::TIMESTAMP,
    signature::SIGNATURE,
];

fn question() -> String {
    let person = person(3);
    serde_json::json!({ "id_number": person.id_number, "name": person.name }).to_string()
}

#[tokio::test]
async fn a_signed_call_is_answered_and_its_id_returned() {
    let register = start(Register).await;
    let got = register.post(VERIFY, &question()).await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::OK, "00"));
    assert_eq!(got.header("x-request-id"), "0190a5b4-7c00-7000-8000-000000000001");
    assert_eq!(got.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a5_health_needs_no_signature_and_nothing_else_does_without() {
    let register = start(Register).await;
    for (method, path, status) in [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/healthz/", 403),
        ("GET", "/", 403),
        ("POST", VERIFY, 403),
        ("GET", "/v1/no/such", 403),
        ("GET", "/healthz?x=1", 400),
    ] {
        let answer =
            raw(&register, &format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
                .await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn every_signed_header_must_be_there_once() {
    let register = start(Register).await;
    for name in SIGNED {
        let mut missing = register.signed(&Method::POST, VERIFY, question().as_bytes());
        missing.headers_mut().remove(name);
        let got = register.send(missing).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (StatusCode::FORBIDDEN, "gateway_only"),
            "without {name}"
        );

        let mut doubled = register.signed(&Method::POST, VERIFY, question().as_bytes());
        let value = doubled.headers()[name].clone();
        doubled.headers_mut().append(HeaderName::from_static(name), value);
        assert_eq!(register.send(doubled).await.status, StatusCode::FORBIDDEN, "two of {name}");

        let mut changed = register.signed(&Method::POST, VERIFY, question().as_bytes());
        changed.headers_mut().insert(name, HeaderValue::from_static("1"));
        assert_eq!(register.send(changed).await.status, StatusCode::FORBIDDEN, "another {name}");
    }
}

#[tokio::test]
async fn empty_fields_are_signed_like_any_other() {
    let register = start(Register).await;
    let mut request = register.signed(&Method::POST, VERIFY, question().as_bytes());
    request.headers_mut().insert(signature::FIELDS, HeaderValue::from_static(""));
    assert_eq!(register.send(request).await.status, StatusCode::FORBIDDEN, "they were not empty when signed");

    let (timestamp, body) = (NOW.to_string(), question());
    let signed = signature::Signed {
        method: "POST",
        path: VERIFY,
        request_id: "r",
        unit: "u",
        scenario: "s",
        fields: "",
        timestamp: &timestamp,
        body: body.as_bytes(),
    };
    let mut request = register.signed(&Method::POST, VERIFY, body.as_bytes());
    for (name, value) in [
        (signature::REQUEST_ID, "r"),
        (signature::UNIT, "u"),
        (signature::SCENARIO, "s"),
        (signature::FIELDS, ""),
        (signature::SIGNATURE, &signature::sign(&register.key, &signed)),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(register.send(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_body_method_or_path_is_refused() {
    let register = start(Register).await;
    let signed = || register.signed(&Method::POST, VERIFY, question().as_bytes());
    let mut body = signed();
    *body.body_mut() = bytes::Bytes::from(question().replace("name", "nane")).into();
    let mut method = signed();
    *method.method_mut() = Method::PUT;
    let mut path = signed();
    *path.uri_mut() = "/v1/enterprises:verify".parse().unwrap();
    for request in [body, method, path] {
        assert_eq!(register.send(request).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(register.send(signed()).await.status, StatusCode::OK, "and as signed it is answered");
}

#[tokio::test]
async fn a_call_of_another_time_is_refused() {
    let register = start(Register).await;
    for (offset, status) in [(-61, 403), (-60, 200), (0, 200), (60, 200), (61, 403)] {
        register.clock.set(Timestamp::from_seconds(NOW + offset));
        assert_eq!(register.post(VERIFY, &question()).await.status.as_u16(), status, "{offset}");
    }
}

#[tokio::test]
async fn large_bodies_are_refused_stated_or_not() {
    let register = start(Register).await;
    let body = "x".repeat(BODY_BYTES_MAX + 1);
    let got = register.post(VERIFY, &body).await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));

    let head = head(&register, "transfer-encoding: chunked");
    let chunked = format!("{head}\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let answer = raw(&register, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    let most = register.post(VERIFY, &" ".repeat(BODY_BYTES_MAX)).await;
    assert_eq!(most.status, StatusCode::UNPROCESSABLE_ENTITY, "the limit itself is allowed");
}

#[tokio::test]
async fn broken_framing_gets_no_product() {
    let register = start(Register).await;
    let filler = "x".repeat(HEAD_BYTES_MAX);
    for (request, statuses) in [
        ("GET /healthz\r\n\r\n".to_owned(), "400"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), "400"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nfiller: {filler}\r\n\r\n"), "431"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(80)), "431"),
    ] {
        let answer = raw(&register, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {statuses} ")), "{request:.40}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_question_is_unprocessable_and_not_repeated() {
    let register = start(Register).await;
    let known = person(3);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for body in [
        "",
        "null",
        "[]",
        "{",
        "{}",
        r#"{"id_number":1,"name":"a"}"#,
        &format!(r#"{{"id_number":"{}"}}"#, known.id_number),
        &format!(r#"{{"id_number":"{}","name":"x","more":1}}"#, known.id_number),
        &format!(r#"{{"id_number":"{0}","id_number":"{0}","name":"x"}}"#, known.id_number),
        &format!(r#"{{"id_number":"{}9","name":"x"}}"#, &known.id_number[..17]),
        &deep,
    ] {
        let got = register.post(VERIFY, body).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            "{body:.60}"
        );
        assert!(!String::from_utf8_lossy(&got.body).contains(&known.id_number[..17]), "{body:.60}");
    }
}

/// The head of a signed call with an empty body's signature; `more` is one further header.
fn head(register: &Running, more: &str) -> String {
    let request = register.signed(&Method::POST, VERIFY, b"");
    let fields: String = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect();
    format!("POST {VERIFY} HTTP/1.1\r\n{fields}{more}\r\n")
}

/// Sends bytes as they are and reads until the service closes.
async fn raw(register: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(register.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is fine: the service closes without reading what it refused.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let register = start(Register).await;
    let answer = raw(&register, &format!("{}\r\n{{", head(&register, "content-length: 10"))).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with(r#"{"code":"timeout"}"#), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let register = start(Register).await;
    let answer = raw(&register, "GET /healthz HTTP/1.1\r\nhost:").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}
