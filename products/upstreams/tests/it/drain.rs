//! The end of a service: what was begun is answered, nothing new is taken.

use http::Method;
use shuzha_upstreams::register::Register;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::start;

const BODY: &str = r#"{"uscc":"91350100M000100Y43","name":"x"}"#;

#[tokio::test]
async fn a_call_under_way_is_answered_and_then_the_service_is_gone() {
    let mut register = start(Register).await;
    let request = register.signed(&Method::POST, "/v1/enterprises:verify", BODY.as_bytes());
    let fields: String = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect();
    let head = format!(
        "POST /v1/enterprises:verify HTTP/1.1\r\n{fields}content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    let mut stream = TcpStream::connect(register.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The interim answer proves that the call has begun: the service waits for the body.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");

    register.drain.send_replace(true);
    // The listener closes at once; the loop ends when it has.
    while TcpStream::connect(register.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(BODY.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(r#"{"code":"02"}"#), "{answer}");
    register.tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_service_up() {
    let mut register = start(Register).await;
    let mut stream = TcpStream::connect(register.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    register.drain.send_replace(true);
    register.tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_does_not_hold_the_service_up_for_ever() {
    let mut register = start(Register).await;
    let mut stream = TcpStream::connect(register.address).await.unwrap();
    stream.write_all(b"POST /v1/persons:verify HTTP/1.1\r\nhost:").await.unwrap();
    register.drain.send_replace(true);
    register.tasks.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_address_is_said() {
    let register = start(Register).await;
    let options = shuzha_upstreams::service::Options {
        listen: register.address,
        key: register.key.clone(),
        synthetic: false,
    };
    let clock = register.clock.clone();
    let error =
        shuzha_upstreams::service::Service::bind(options, Box::new(Register), clock).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on {}", register.address)), "{error}");
}
