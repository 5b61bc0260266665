//! Handing the sockets to a successor, here in the same process: the sockets travel as between two.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shuzha_proxy::Sockets;

use crate::world::{Event, PATIENCE, Setup, World, soon};

fn private_folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("run");
    std::fs::DirBuilder::new().mode(0o700).create(&inner).expect("a folder");
    let socket = inner.join("upgrade.sock");
    (folder, socket)
}

/// Starts to wait for sockets; returns once somebody could pass them.
async fn successor(socket: &Path) -> tokio::task::JoinHandle<Result<Sockets, shuzha_proxy::ProxyError>> {
    let path = socket.to_owned();
    let waiting = tokio::task::spawn_blocking(move || Sockets::take_over(&path, PATIENCE));
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        tokio::task::yield_now().await;
    }
    waiting
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

    let path = socket.clone();
    let waiting = tokio::task::spawn_blocking(move || Sockets::take_over(&path, PATIENCE));
    while !socket.exists() {
        tokio::task::yield_now().await;
    }
    old.handle.upgrade();
    let sockets = soon(waiting).await.expect("no panic").expect("the sockets come");
    assert_eq!(sockets.addresses().expect("they are bound").data, [address]);

    // Between the two processes: the old one no longer accepts, the new one does not yet.
    old.gate.release.add_permits(1);
    assert_eq!(busy.answer().await.status, 200, "the old process finishes its calls");
    let old_gate = Arc::clone(&old.gate);
    old.ended().await.expect("it ends in order");
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
    let waiting = tokio::task::spawn_blocking(move || Sockets::take_over(&socket, PATIENCE));
    while !waiting.is_finished() {
        world.handle.upgrade();
        tokio::task::yield_now().await;
    }
    assert!(waiting.await.expect("no panic").is_ok(), "a later upgrade succeeds");
}

#[tokio::test]
async fn who_greets_wrongly_passes_nothing() {
    let (_folder, socket) = private_folder();
    // The probe of `successor` connects and says nothing: that is not a transfer.
    let waiting = successor(&socket).await;
    let fault = soon(waiting).await.expect("no panic").expect_err("nothing was passed");
    assert!(fault.to_string().contains("not a transfer"), "{fault}");
}

#[tokio::test]
async fn a_folder_open_to_others_is_refused() {
    let (folder, socket) = private_folder();
    let inner = folder.path().join("run");
    std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let fault = Sockets::take_over(&socket, PATIENCE).expect_err("others could pass sockets");
    assert!(fault.to_string().contains("0700"), "{fault}");
}
