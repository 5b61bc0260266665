//! TLS on the data listener, with a certificate made for the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use shuzha_proxy::TlsOptions;

use crate::world::{PATIENCE, Setup, World};

/// A certificate for `localhost` and where its files are.
fn certificate(folder: &Path) -> (TlsOptions, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let options = TlsOptions { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&options.cert, made.cert.pem()).expect("written");
    std::fs::write(&options.key, made.signing_key.serialize_pem()).expect("written");
    (options, made.cert.der().clone())
}

/// Connects and offers `protocols`.
fn connect(
    world: &World,
    root: CertificateDer<'static>,
    protocols: &[&str],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(world.data()).expect("the server takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
    StreamOwned::new(client, stream)
}

#[test]
fn calls_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let world = World::start(Setup { tls: Some(options), ..Setup::default() });
    for protocols in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&world, root.clone(), protocols);
        let request = b"GET /v1/products/echo/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, closed with a notice");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    let last = world.gate.last.lock().expect("no panic").clone();
    assert_eq!(last, Some(("localhost".to_owned(), "https".to_owned())));
}

#[test]
fn http2_is_agreed_on_and_spoken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let world = World::start(Setup { tls: Some(options), ..Setup::default() });
    let mut stream = connect(&world, root, &["h2", "http/1.1"]);
    // The preface and an empty SETTINGS frame; the server's first frame is its SETTINGS (RFC 9113 §3.4).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sent");
    let mut frame = [0_u8; 9];
    stream.read_exact(&mut frame).expect("a frame");
    assert_eq!(frame[3], 4, "SETTINGS");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
}

#[test]
fn unsound_requests_are_refused_over_tls_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let world = World::start(Setup { tls: Some(options), ..Setup::default() });
    let mut stream = connect(&world, root, &["http/1.1"]);
    stream.write_all(b"GET /v1/products/echo/run HTTP/1.1\nHost: localhost\n\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, closed with a notice");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(world.gate.calls(), 0);
}

#[test]
fn a_stranger_in_the_clear_is_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let world = World::start(Setup { tls: Some(options), ..Setup::default() });
    let mut clear = TcpStream::connect(world.data()).expect("the server takes connections");
    clear.set_read_timeout(Some(PATIENCE)).expect("a socket option");
    clear.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // Closed by an end or by a reset; never answered in the clear.
    drop(clear.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    drop(connect(&world, root, &[]));
}
