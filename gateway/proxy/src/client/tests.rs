//! Who is believed, and what of what they say.

use super::*;

fn proxies(told: Told) -> TrustedProxies {
    let network = |text: &str| text.parse().expect("a network");
    TrustedProxies { networks: vec![network("10.0.0.0/8"), network("fd00::/8")], told }
}

fn caller(told: Told, fields: &[(&'static str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, value.parse().expect("a value"));
    }
    proxies(told).caller("10.0.0.1".parse().expect("an address"), &headers).to_string()
}

#[test]
fn the_last_address_that_no_trusted_proxy_has_is_the_callers() {
    let xff = |value| caller(Told::XForwardedFor, &[("x-forwarded-for", value)]);
    assert_eq!(xff("192.0.2.7"), "192.0.2.7");
    assert_eq!(xff("198.51.100.1, 192.0.2.7"), "192.0.2.7", "the first is what the caller wrote itself");
    assert_eq!(xff("198.51.100.1, 192.0.2.7, 10.2.2.2"), "192.0.2.7", "a trusted proxy before the last");
    assert_eq!(xff("192.0.2.7:4711"), "192.0.2.7");
    assert_eq!(xff("[2001:db8::1]:4711"), "2001:db8::1");
    assert_eq!(xff("2001:db8::1"), "2001:db8::1");
    assert_eq!(xff("::ffff:192.0.2.7"), "192.0.2.7");
    assert_eq!(xff("192.0.2.7, nonsense"), "10.0.0.1", "left of what cannot be read nothing is believed");
    assert_eq!(xff("192.0.2.7, nonsense, 10.2.2.2"), "10.2.2.2");
    assert_eq!(xff(""), "10.0.0.1");
    let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "192.0.2.7")];
    assert_eq!(caller(Told::XForwardedFor, &lines), "192.0.2.7", "lines are one list");
}

#[test]
fn forwarded_is_read_as_the_rfc_writes_it() {
    let forwarded = |value| caller(Told::Forwarded, &[("forwarded", value)]);
    assert_eq!(forwarded("for=192.0.2.43"), "192.0.2.43");
    assert_eq!(forwarded("for=198.51.100.1, For=\"192.0.2.43:47011\";proto=https;by=10.0.0.1"), "192.0.2.43");
    assert_eq!(forwarded("for=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
    assert_eq!(forwarded("for=unknown"), "10.0.0.1");
    assert_eq!(forwarded("for=192.0.2.43, for=_hidden"), "10.0.0.1");
    assert_eq!(forwarded("for=192.0.2.43;for=192.0.2.44"), "10.0.0.1");
    assert_eq!(forwarded("proto=https"), "10.0.0.1");
}

#[test]
fn only_the_configured_way_of_telling_is_believed() {
    let both = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")];
    assert_eq!(caller(Told::XForwardedFor, &both), "192.0.2.1");
    assert_eq!(caller(Told::Forwarded, &both), "192.0.2.2");
    assert_eq!(caller(Told::ProxyProtocol, &both), "10.0.0.1");
}

async fn header(bytes: &[u8]) -> Result<(Option<String>, usize), io::ErrorKind> {
    let mut rest = bytes;
    let read = read_proxy_header(&mut rest).await;
    read.map(|told| (told.map(|address| address.to_string()), rest.len())).map_err(|fault| fault.kind())
}

#[tokio::test]
async fn the_proxy_protocol_is_read_to_its_end_and_no_further() {
    let told = |text: &str, left| Ok((Some(text.to_owned()), left));
    assert_eq!(header(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\nGET /").await, told("192.0.2.7", 5));
    assert_eq!(header(b"PROXY TCP6 2001:db8::1 fd00::1 4711 80\r\n").await, told("2001:db8::1", 0));
    assert_eq!(header(b"PROXY UNKNOWN\r\nGET /").await, Ok((None, 5)));
    let mut v2 = V2_SIGNATURE.to_vec();
    v2.extend([0x21, 0x11, 0, 15, 192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 0, 80, 4, 0, 0]);
    v2.extend(b"GET /");
    assert_eq!(header(&v2).await, told("192.0.2.7", 5), "extensions are read past");
    let mut local = V2_SIGNATURE.to_vec();
    local.extend([0x20, 0, 0, 0]);
    assert_eq!(header(&local).await, Ok((None, 0)));
    for wrong in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"PROXY TCP4 2001:db8::1 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
        b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n",
    ] {
        assert_eq!(header(wrong).await, Err(io::ErrorKind::InvalidData));
    }
    let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
    assert_eq!(header(&long).await, Err(io::ErrorKind::InvalidData));
    assert_eq!(header(b"PROXY TCP4 192.0").await, Err(io::ErrorKind::UnexpectedEof));
}
