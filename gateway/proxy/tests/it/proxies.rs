//! Behind reverse proxies: each caller is its own address, and nobody but a trusted proxy says whose it is.

use std::net::IpAddr;

use shuzha_proxy::{Limits, Told, TrustedProxies};

use crate::world::{Caller, Setup, World};

const OTHER: [u8; 4] = [127, 0, 0, 2];
const HEAD: &str = "GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n";

/// A server that trusts 127.0.0.1 alone.
fn behind(told: Told, change: impl FnOnce(&mut Limits)) -> World {
    let networks = vec!["127.0.0.1/32".parse().expect("a network")];
    let mut limits = Limits { trusted_proxies: TrustedProxies { networks, told }, ..Limits::default() };
    change(&mut limits);
    World::start(Setup { limits, ..Setup::default() })
}

fn whose(world: &World) -> String {
    let last: Option<IpAddr> = *world.gate.peer.lock().expect("no panic");
    last.expect("a call").to_string()
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_caller_of_each_request() {
    let world = behind(Told::XForwardedFor, |_| {});
    let mut proxy = world.connect().await;
    for caller in ["192.0.2.1", "192.0.2.2"] {
        proxy.write(format!("{HEAD}X-Forwarded-For: 198.51.100.9, {caller}\r\n\r\n")).await;
        assert_eq!(proxy.answer().await.status, 200);
        assert_eq!(whose(&world), caller);
    }
    proxy.write(format!("{HEAD}\r\n")).await;
    assert_eq!(proxy.answer().await.status, 200);
    assert_eq!(whose(&world), "127.0.0.1", "a request of its own");
    let mut stranger = Caller::connect_from(OTHER, world.data()).await;
    stranger.write(format!("{HEAD}X-Forwarded-For: 192.0.2.1\r\n\r\n")).await;
    assert_eq!(stranger.answer().await.status, 200);
    assert_eq!(whose(&world), "127.0.0.2", "nobody else is believed");
    let world = behind(Told::Forwarded, |_| {});
    let mut proxy = world.connect().await;
    proxy.write(format!("{HEAD}Forwarded: for=\"[2001:db8::7]:81\";proto=https\r\n\r\n")).await;
    assert_eq!(proxy.answer().await.status, 200);
    assert_eq!(whose(&world), "2001:db8::7");
}

#[tokio::test]
async fn callers_behind_one_proxy_have_their_own_shares() {
    let world = behind(Told::XForwardedFor, |limits| {
        limits.unidentified_requests_per_second = 1;
        limits.connections_per_address_max = 1;
    });
    let stranger = "GET /v1/products/stranger/run HTTP/1.1\r\nHost: a\r\n";
    let call = async |caller: &str| {
        let mut proxy = world.connect().await;
        proxy.write(format!("{stranger}X-Forwarded-For: {caller}\r\n\r\n")).await;
        proxy.answer().await.status
    };
    let mut first = 200;
    for _ in 0..1_000 {
        first = call("192.0.2.1").await;
        if first == 429 {
            break;
        }
    }
    assert_eq!((first, call("192.0.2.2").await), (429, 200));
}

#[tokio::test]
async fn the_proxy_protocol_says_whose_a_connection_is() {
    let world = behind(Told::ProxyProtocol, |limits| limits.connections_per_address_max = 1);
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([192, 0, 2, 8, 127, 0, 0, 1, 1, 2, 0, 80]);
    let mut open = Vec::new();
    for (header, caller) in [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n".to_vec(), "192.0.2.7"),
        (v2, "192.0.2.8"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ] {
        let mut proxy = world.connect().await;
        proxy.write([&header, HEAD.as_bytes(), b"\r\n"].concat()).await;
        assert_eq!(proxy.answer().await.status, 200);
        assert_eq!(whose(&world), caller);
        open.push(proxy);
    }
    let mut second = world.connect().await;
    second.write(format!("PROXY TCP4 192.0.2.7 127.0.0.1 4712 80\r\n{HEAD}\r\n")).await;
    assert!(second.is_closed().await, "the share of the address that was told");
    let mut without = world.connect().await;
    without.write(format!("{HEAD}\r\n")).await;
    assert!(without.is_closed().await, "a proxy that must tell and does not is not served");
    let mut stranger = Caller::connect_from(OTHER, world.data()).await;
    stranger.write(format!("PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n{HEAD}\r\n")).await;
    assert_eq!(stranger.answer().await.code(), "C001", "nobody else is believed");
}
