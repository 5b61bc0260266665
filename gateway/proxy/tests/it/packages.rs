//! The package lane: streamed bytes, and an account of those that were handed over.

use tokio::task::JoinSet;

use crate::world::{Caller, Event, Service, World, soon};

async fn open(world: &World, path: &str) -> Caller {
    let mut caller = world.connect().await;
    caller.write(format!("GET /v1/products/pack/{path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    caller
}

#[tokio::test]
async fn a_package_arrives_whole_and_is_accounted() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut events = world.gate.events();
    let answer = open(&world, "pack").await.answer().await;
    let size = crate::world::PACKAGE_BYTES;
    assert_eq!((answer.status, answer.body.len()), (200, size));
    assert_eq!(answer.field("ETag"), Some("\"v1\""));
    assert_eq!(answer.field("Accept-Ranges"), Some("bytes"));
    assert_eq!(soon(events.recv()).await, Some(Event::Delivered(size as u64, true)));
    assert_eq!(open(&world, "pack").await.answer().await.body.len(), size);
    assert_eq!(
        service.connections.load(std::sync::atomic::Ordering::SeqCst),
        1,
        "the link went back to its pool"
    );
}

#[tokio::test]
async fn a_package_of_unknown_length() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut events = world.gate.events();
    let mut caller = open(&world, "pack-chunked").await;
    let answer = caller.answer().await;
    assert_eq!((answer.field("Transfer-Encoding"), answer.body.len()), (Some("chunked"), 6));
    assert_eq!(soon(events.recv()).await, Some(Event::Delivered(6, true)));
}

#[tokio::test]
async fn a_package_that_breaks_off_is_cut_and_never_called_whole() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut events = world.gate.events();
    assert!(open(&world, "pack-short").await.try_answer().await.is_none(), "the connection is cut");
    let Some(Event::Delivered(bytes, false)) = soon(events.recv()).await else {
        panic!("not accounted as broken")
    };
    assert!(bytes <= 4);
}

/// An end that looks like a break is not taken for one: what is not told by length or chunks is not opened.
#[tokio::test]
async fn a_package_whose_end_cannot_be_told_is_refused() {
    let service = Service::start().await;
    let world = World::with(&service);
    for path in ["pack-unsaid", "pack-old", "pack-odd", "pack-twice", "pack-list"] {
        let answer = open(&world, path).await.answer().await;
        assert_eq!((answer.status, &answer.body[..]), (599, &b"Closed"[..]), "{path}");
    }
    let mut events = world.gate.events();
    assert!(open(&world, "pack-cut").await.try_answer().await.is_none(), "the connection is cut");
    assert!(matches!(soon(events.recv()).await, Some(Event::Delivered(_, false))));
}

#[tokio::test]
async fn a_caller_who_leaves_a_package() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut events = world.gate.events();
    let mut caller = open(&world, "pack-huge").await;
    let mut some = [0_u8; 1024];
    let read = soon(tokio::io::AsyncReadExt::read(&mut caller.stream, &mut some)).await.expect("bytes come");
    assert!(read > 0);
    drop(caller);
    let Some(Event::Delivered(bytes, false)) = soon(events.recv()).await else {
        panic!("not accounted as broken")
    };
    assert!(bytes < crate::world::HUGE_BYTES as u64, "{bytes}");
}

/// Packages that never end, piece by piece, with callers who take all of them, share one thread with everybody else.
#[tokio::test]
async fn packages_without_end_starve_nobody() {
    let service = Service::start().await;
    let world = World::with(&service);
    let mut readers = JoinSet::new();
    let (began, mut begun) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..8 {
        let mut caller = open(&world, "flood-crumbs").await;
        let began = began.clone();
        readers.spawn(async move {
            let mut space = [0_u8; 16 * 1024];
            while let Ok(1..) = tokio::io::AsyncReadExt::read(&mut caller.stream, &mut space).await {
                let _ = began.send(());
            }
        });
    }
    for _ in 0..64 {
        soon(begun.recv()).await.expect("bytes come");
    }
    let mut other = world.connect().await;
    for _ in 0..20 {
        assert_eq!(other.call("/v1/products/echo/run", "{}").await.status, 200);
        assert_eq!(other.call("/v1/products/pass/ok", "{}").await.status, 200);
    }
    assert_eq!(readers.len(), 8, "the packages go on");
    assert!(readers.try_join_next().is_none(), "none has ended");
    readers.shutdown().await;
}
