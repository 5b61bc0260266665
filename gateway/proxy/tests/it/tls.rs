//! TLS on the data listener, with a certificate made for the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use shuzha_proxy::{Limits, TlsOptions};

use crate::world::{Caller, PATIENCE, Setup, World};

/// A certificate for `localhost` and where its files are.
fn certificate(folder: &Path) -> (TlsOptions, CertificateDer<'static>) {
    certificate_until(folder, 2099)
}

/// The same, valid until the first day of a year.
fn certificate_until(folder: &Path, year: i32) -> (TlsOptions, CertificateDer<'static>) {
    let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    wanted.not_before = rcgen::date_time_ymd(2000, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = wanted.self_signed(&key).expect("a certificate");
    let options = TlsOptions { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&options.cert, made.pem()).expect("written");
    write_key(&options.key, key.serialize_pem().as_bytes());
    (options, made.der().clone())
}

/// Writes a file for its owner only, in place of whatever is there.
fn write_key(path: &Path, content: &[u8]) {
    drop(std::fs::remove_file(path));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).expect("written");
}

/// Whether a handshake shows the certificate that ends at `root`.
fn shows(world: &World, root: &CertificateDer<'static>) -> bool {
    let mut stream = connect(world, root.clone(), &["http/1.1"]);
    let StreamOwned { conn, sock } = &mut stream;
    while conn.is_handshaking() {
        if conn.complete_io(sock).is_err() {
            return false;
        }
    }
    true
}

async fn days_left(world: &World) -> String {
    let mut operations = Caller::connect(world.operations()).await;
    operations.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let metrics = operations.answer().await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("shuzha_tls_certificate_days_left "));
    line.expect("the metric").to_owned()
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

#[tokio::test]
async fn a_renewed_certificate_comes_into_use_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, old) = certificate_until(folder.path(), 2098);
    let world = World::start(Setup { tls: Some(options), ..Setup::default() });
    assert!(shows(&world, &old));
    let before: i64 = days_left(&world).await.parse().expect("a number");
    let (_, new) = certificate_until(folder.path(), 2099);
    assert!(shows(&world, &old), "nothing changes until it is read");
    let state = world.handle.reload_certificate().expect("a good pair").expect("there is TLS");
    assert!(shows(&world, &new));
    assert!(!shows(&world, &old));
    assert_eq!(days_left(&world).await, state.days_left.to_string());
    assert!((365..=366).contains(&(state.days_left - before)), "{state:?} after {before}");
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_and_the_one_before_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let world = World::start(Setup { tls: Some(options.clone()), ..Setup::default() });
    let other = tempfile::tempdir().expect("a folder");
    let (foreign, _) = certificate(other.path());
    let (cert, key) = (&options.cert, &options.key);
    let good = [std::fs::read(cert).expect("there"), std::fs::read(key).expect("there")];
    let chmod = |mode| {
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    let pipe = |path: &Path| {
        std::fs::remove_file(path).expect("ours");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
    };
    let past = tempfile::tempdir().expect("a folder");
    let (ended, _) = certificate_until(past.path(), 2001);
    let spoils: [(&str, &dyn Fn()); 9] = [
        ("key is missing", &|| std::fs::remove_file(key).expect("ours")),
        ("certificate is missing", &|| std::fs::remove_file(cert).expect("ours")),
        ("certificate is empty", &|| std::fs::write(cert, "").expect("written")),
        ("key is noise", &|| {
            write_key(key, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        }),
        ("key of another", &|| write_key(key, &std::fs::read(&foreign.key).expect("there"))),
        ("key that everybody reads", &|| chmod(0o644)),
        ("key that a group may change", &|| chmod(0o660)),
        ("key is a pipe", &|| pipe(key)),
        ("both have ended", &|| {
            std::fs::write(cert, std::fs::read(&ended.cert).expect("there")).expect("written");
            write_key(key, &std::fs::read(&ended.key).expect("there"));
        }),
    ];
    for (name, spoil) in spoils {
        spoil();
        let refused = world.handle.reload_certificate().expect_err(name).to_string();
        assert!(refused.contains("cert.pem") || refused.contains("key.pem"), "{name}: {refused}");
        assert!(shows(&world, &root), "{name}");
        drop(std::fs::remove_file(cert));
        std::fs::write(cert, &good[0]).expect("written");
        write_key(key, &good[1]);
        world.handle.reload_certificate().expect("the good pair again");
    }
    chmod(0o640);
    world.handle.reload_certificate().expect("a group may read it");
}

#[test]
fn a_key_that_everybody_reads_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, _) = certificate(folder.path());
    std::fs::set_permissions(&options.key, std::fs::Permissions::from_mode(0o666)).expect("ours");
    let refused = options.check(shuzha_core::Clock::now(&shuzha_core::SystemClock)).expect_err("mode 666");
    assert!(refused.to_string().contains("666"), "{refused}");
}

/// Half a handshake holds a place for ten seconds; so few of them, and the oldest makes room.
#[test]
fn half_handshakes_are_bounded_by_address_and_make_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let limits = Limits { connections_max: 4, handshakes_per_address_max: 3, ..Limits::default() };
    let world = World::start(Setup { tls: Some(options), limits, ..Setup::default() });
    let mut halves = Vec::new();
    for _ in 0..3 {
        let half = TcpStream::connect(world.data()).expect("the server takes connections");
        (&half).write_all(b"\x16\x03\x01").expect("sent");
        half.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        halves.push(half);
    }
    let mut fourth = TcpStream::connect(world.data()).expect("the server takes connections");
    fourth.set_read_timeout(Some(PATIENCE)).expect("a socket option");
    assert!(matches!(fourth.read(&mut [0]), Ok(0) | Err(_)), "closed at once");
    drop(halves.remove(0));
    // A handshake that was under way has ended: the next goes on, although the listener would be full without it.
    let mut stream = loop {
        let mut stream = connect(&world, root.clone(), &["http/1.1"]);
        let request = b"GET /v1/products/echo/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        if stream.write_all(request).is_ok() {
            break stream;
        }
    };
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, closed with a notice");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn half_handshakes_of_others_make_room_where_the_listener_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let (options, root) = certificate(folder.path());
    let limits = Limits { connections_max: 4, ..Limits::default() };
    let world = World::start(Setup { tls: Some(options), limits, ..Setup::default() });
    let half = || {
        let half = TcpStream::connect(world.data()).expect("the server takes connections");
        (&half).write_all(b"\x16\x03\x01").expect("sent");
        half
    };
    let _halves: Vec<_> = (0..4).map(|_| half()).collect();
    let mut stream = connect(&world, root, &["http/1.1"]);
    let request = b"GET /v1/products/echo/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, closed with a notice");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
