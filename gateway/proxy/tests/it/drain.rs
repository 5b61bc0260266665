//! How a server ends: in order, or at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tokio::task::JoinSet;

use crate::world::{Caller, Event, Setup, World, soon};

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_closes_the_rest() {
    let drained = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&drained);
    let on_drained = Some(Box::new(move || told.store(true, SeqCst)) as Box<dyn FnOnce() + Send>);
    let world = World::start(Setup { on_drained, ..Setup::default() });
    let mut events = world.gate.events();
    let mut silent = world.connect().await;
    let mut idle = world.connect().await;
    assert_eq!(idle.call("/v1/products/echo/run", "{}").await.status, 200);
    let mut busy = world.connect().await;
    busy.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    world.handle.drain();
    assert!(silent.is_closed().await);
    assert!(idle.is_closed().await);
    assert!(!drained.load(SeqCst), "not while a call is in flight");
    let mut probe = Caller::connect(world.operations()).await;
    probe.write("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let ready = probe.answer().await;
    assert_eq!((ready.status, ready.json()["reasons"][0].as_str()), (503, Some("draining")));
    world.gate.release.add_permits(1);
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
    assert!(busy.is_closed().await);
    world.ended().await;
    assert!(drained.load(SeqCst));
}

/// Every call that reached the gate is answered, whenever the drain begins.
#[tokio::test]
async fn a_drain_answers_one_more_request_on_a_quiet_connection_and_says_that_it_is_the_last() {
    let limits = shuzha_proxy::Limits { farewell: crate::world::PATIENCE, ..shuzha_proxy::Limits::default() };
    let world = World::start(Setup { limits, ..Setup::default() });
    let mut events = world.gate.events();
    let mut used = world.connect().await;
    assert_eq!(used.call("/v1/products/echo/run", "{}").await.status, 200);
    let mut fresh = world.connect().await;
    let mut busy = world.connect().await;
    busy.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    world.handle.drain();
    // Nobody is accepted any more once the drain has begun.
    let mut probe = Caller::connect(world.operations()).await;
    loop {
        probe.write("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        if probe.answer().await.status == 503 {
            break;
        }
    }
    for caller in [&mut used, &mut fresh] {
        let answer = caller.call("/v1/products/echo/run", "{}").await;
        assert_eq!((answer.status, answer.field("Connection")), (200, Some("close")));
        assert!(caller.is_closed().await);
    }
    world.gate.release.add_permits(1);
    assert_eq!(busy.answer().await.field("Connection"), Some("close"));
    world.ended().await;
}

#[tokio::test]
async fn a_drain_under_load_loses_nothing() {
    let world = World::plain();
    let answered = Arc::new(AtomicUsize::new(0));
    let (reached, mut enough) = tokio::sync::mpsc::channel(1);
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let mut caller = world.connect().await;
        let (answered, reached) = (Arc::clone(&answered), reached.clone());
        callers.spawn(async move {
            loop {
                caller.write("GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
                let Some(answer) = caller.try_answer().await else { return };
                assert_eq!(answer.status, 200);
                if answered.fetch_add(1, SeqCst) == 500 {
                    reached.send(()).await.expect("the test waits");
                }
            }
        });
    }
    soon(enough.recv()).await.expect("calls are answered");
    world.handle.drain();
    while let Some(ended) = soon(callers.join_next()).await {
        ended.expect("no caller fails");
    }
    let gate = Arc::clone(&world.gate);
    world.ended().await;
    assert_eq!(gate.calls(), answered.load(SeqCst));
}

#[tokio::test]
async fn a_second_order_ends_a_drain_at_once() {
    let world = World::plain();
    let mut events = world.gate.events();
    let mut busy = world.connect().await;
    busy.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    world.handle.drain();
    world.handle.stop();
    assert_eq!(soon(events.recv()).await, Some(Event::Dropped), "the call is dropped, its guards run");
    world.ended().await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let limits = shuzha_proxy::Limits {
        drain: std::time::Duration::from_millis(100),
        ..shuzha_proxy::Limits::default()
    };
    let world = World::start(Setup { limits, ..Setup::default() });
    let mut events = world.gate.events();
    let mut busy = world.connect().await;
    busy.write("GET /v1/products/hold/run HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(soon(events.recv()).await, Some(Event::Holding));
    world.handle.drain();
    world.ended().await;
}
