//! Handing the sockets to a successor, here in the same process: the sockets travel as between two.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketType};
use shuzha_proxy::{Addresses, ProxyError, Sockets};

use crate::world::{Event, PATIENCE, Setup, World, free, soon};

fn private_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("run");
    std::fs::DirBuilder::new().mode(0o700).create(&inner).expect("a folder");
    let socket = inner.join("upgrade.sock");
    (folder, socket)
}

/// What the tests' servers listen on.
fn anywhere() -> Addresses {
    Addresses { data: vec![free()], operations: Some(free()) }
}

/// Starts to wait for sockets of `addresses`; returns once somebody could pass them.
async fn successor(
    socket: &Path,
    addresses: Addresses,
) -> tokio::task::JoinHandle<Result<Sockets, ProxyError>> {
    let path = socket.to_owned();
    let (there, waits) = tokio::sync::oneshot::channel();
    let waiting = tokio::task::spawn_blocking(move || {
        Sockets::take_over(&path, PATIENCE, &addresses, || there.send(()).expect("the test waits"))
    });
    soon(waits).await.expect("it begins to wait");
    waiting
}

/// Passes `sockets` as a running process would, the last as the operations listener's; the answer, if there is one.
fn pass(socket: &Path, sockets: &[std::os::fd::BorrowedFd<'_>]) -> Option<u8> {
    use std::io::Read as _;
    let mut stream = std::os::unix::net::UnixStream::connect(socket).expect("somebody waits");
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    assert!(control.push(rustix::net::SendAncillaryMessage::ScmRights(sockets)));
    let text = [std::io::IoSlice::new(b"shuzha-sockets-1\n\x01")];
    rustix::net::sendmsg(&stream, &text, &mut control, rustix::net::SendFlags::NOSIGNAL).expect("sent");
    let mut answer = [0];
    stream.read_exact(&mut answer).is_ok().then_some(answer[0])
}

#[tokio::test]
async fn only_listening_tcp_sockets_of_the_configured_addresses_are_taken() {
    use std::os::fd::AsFd as _;
    let (_folder, socket) = private_folder();
    let listener = || std::net::TcpListener::bind(free()).expect("a free port");
    let (data, operations, foreign) = (listener(), listener(), listener());
    let address = |listener: &std::net::TcpListener| listener.local_addr().expect("bound");
    let configured = Addresses { data: vec![address(&data)], operations: Some(address(&operations)) };
    let udp = std::net::UdpSocket::bind(free()).expect("a free port");
    let idle = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let connected = std::net::TcpStream::connect(address(&foreign)).expect("it listens");
    let local = std::os::unix::net::UnixListener::bind(socket.with_file_name("other")).expect("a socket");
    let file = std::fs::File::open("/dev/null").expect("a file");
    let cases: [(&str, &[std::os::fd::BorrowedFd<'_>]); 9] = [
        ("a UDP socket", &[udp.as_fd(), operations.as_fd()]),
        ("a socket that does not listen", &[idle.as_fd(), operations.as_fd()]),
        ("a connection", &[connected.as_fd(), operations.as_fd()]),
        ("a local socket", &[local.as_fd(), operations.as_fd()]),
        ("a file", &[file.as_fd(), operations.as_fd()]),
        ("a listener elsewhere", &[foreign.as_fd(), operations.as_fd()]),
        ("an operations listener elsewhere", &[data.as_fd(), foreign.as_fd()]),
        ("one too many", &[data.as_fd(), foreign.as_fd(), operations.as_fd()]),
        ("the operations listener alone", &[operations.as_fd()]),
    ];
    for (name, sockets) in cases {
        let waiting = successor(&socket, configured.clone()).await;
        assert_eq!(pass(&socket, sockets), None, "{name} is not confirmed");
        let refused = soon(waiting).await.expect("no panic").expect_err(name);
        assert!(matches!(refused, ProxyError::Handover(_)), "{name}: {refused}");
    }
    let waiting = successor(&socket, configured.clone()).await;
    assert_eq!(pass(&socket, &[data.as_fd(), operations.as_fd()]), Some(b'+'));
    let taken = soon(waiting).await.expect("no panic").expect("the right ones");
    assert_eq!(taken.addresses().expect("bound").data, configured.data);
}

#[tokio::test]
async fn a_successor_takes_over_and_nobody_is_refused() {
    let (_folder, socket) = private_folder();
    let old = World::start(Setup { upgrade_socket: Some(socket.clone()), ..Setup::default() });
    let address = old.data();
    let mut events = old.gate.events();
    let mut busy = old.connect().await;
    busy.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));

    let waiting = successor(&socket, anywhere()).await;
    old.handle.upgrade();
    let sockets = soon(waiting).await.expect("no panic").expect("the sockets come");
    assert_eq!(sockets.addresses().expect("they are bound").data, [address]);

    // Between the two processes: the old one no longer accepts, the new one does not yet.
    old.gate.release.add_permits(1);
    assert_eq!(busy.answer().await.status, 200, "the old process finishes its calls");
    let old_gate = Arc::clone(&old.gate);
    old.ended().await;
    let mut between = crate::world::Caller::connect(address).await;
    between.write("GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n").await;

    let new = World::start(Setup { sockets: Some(sockets), ..Setup::default() });
    assert_eq!(between.answer().await.status, 200, "who connected meanwhile is served by the new process");
    assert_eq!((old_gate.calls(), new.gate.calls()), (1, 1));
    assert!(!socket.exists(), "the upgrade socket is removed");
}

#[tokio::test]
async fn without_a_successor_the_server_goes_on() {
    let (_folder, socket) = private_folder();
    let world = World::start(Setup { upgrade_socket: Some(socket.clone()), ..Setup::default() });
    world.handle.upgrade();
    assert_eq!(world.connect().await.call("/v1/products/echo/run", "{}").await.status, 200);
    let waiting = successor(&socket, anywhere()).await;
    world.handle.upgrade();
    assert!(soon(waiting).await.expect("no panic").is_ok(), "a later upgrade succeeds");
}

#[tokio::test]
async fn who_greets_wrongly_passes_nothing() {
    let (_folder, socket) = private_folder();
    let waiting = successor(&socket, anywhere()).await;
    drop(std::os::unix::net::UnixStream::connect(&socket).expect("somebody waits"));
    let fault = soon(waiting).await.expect("no panic").expect_err("nothing was passed");
    assert!(fault.to_string().contains("not a transfer"), "{fault}");
}

#[tokio::test]
async fn a_folder_open_to_others_is_refused() {
    let (folder, socket) = private_folder();
    let inner = folder.path().join("run");
    std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let fault =
        Sockets::take_over(&socket, PATIENCE, &anywhere(), || {}).expect_err("others could pass sockets");
    assert!(fault.to_string().contains("0700"), "{fault}");
}
