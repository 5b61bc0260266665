//! Places for connections: so many in all, and so many of one address. A new one that finds none takes the place of the
//! oldest on which no whole request is under way, so that neither idle connections nor half requests shut anybody out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use shuzha_products::credential::Cidr;
use tokio::sync::Notify;

use crate::limits::Limits;
use crate::source::place;

/// Every connection that is open.
pub(crate) struct Connections {
    max: usize,
    per_address_max: usize,
    trusted: Vec<Cidr>,
    /// By address, oldest first.
    open: Mutex<HashMap<IpAddr, Vec<Arc<Entry>>>>,
}

struct Entry {
    /// Whole requests of it that are being answered.
    answering: AtomicUsize,
    evicted: Notify,
}

/// One connection's place; free when it is dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    address: IpAddr,
    entry: Arc<Entry>,
}

/// How requests say that they are under way on a connection.
#[derive(Clone)]
pub(crate) struct UseOf(Arc<Entry>);

/// A whole request that is being answered; its connection is not closed for another.
pub(crate) struct Answering(Arc<Entry>);

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max: limits.connections_max,
            per_address_max: limits.connections_per_address_max,
            trusted: limits.trusted_proxies.clone(),
            open: Mutex::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Arc<Entry>>>> {
        self.open.lock().expect("nothing panics while it holds the connections")
    }

    /// A place for a connection from `address`; none where all are held by requests under way.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let proxy = self.trusted.iter().any(|network| network.contains(address));
        let address = place(address.to_canonical());
        let mut open = self.open();
        let held = open.get(&address).map_or(0, Vec::len);
        if !proxy && held >= self.per_address_max {
            evict(&mut open, address)?;
        } else if open.values().map(Vec::len).sum::<usize>() >= self.max {
            // Whoever holds most makes room first.
            let mut holders: Vec<_> = open.iter().map(|(address, all)| (all.len(), *address)).collect();
            holders.sort_unstable_by(|a, b| b.cmp(a));
            holders.into_iter().find_map(|(_, holder)| evict(&mut open, holder))?;
        }
        let entry = Arc::new(Entry { answering: AtomicUsize::new(0), evicted: Notify::new() });
        open.entry(address).or_default().push(Arc::clone(&entry));
        drop(open);
        Some(Place { connections: Arc::clone(self), address, entry })
    }
}

/// Closes the oldest connection of `address` that has no whole request under way; none where each has.
fn evict(open: &mut HashMap<IpAddr, Vec<Arc<Entry>>>, address: IpAddr) -> Option<()> {
    let all = open.get_mut(&address)?;
    let oldest = all.iter().position(|entry| entry.answering.load(Ordering::Relaxed) == 0)?;
    all.remove(oldest).evicted.notify_one();
    Some(())
}

impl Place {
    /// Ready when another connection took the place.
    pub(crate) async fn evicted(&self) {
        self.entry.evicted.notified().await;
    }

    pub(crate) fn use_of(&self) -> UseOf {
        UseOf(Arc::clone(&self.entry))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        if let Some(all) = open.get_mut(&self.address) {
            all.retain(|entry| !Arc::ptr_eq(entry, &self.entry));
            if all.is_empty() {
                open.remove(&self.address);
            }
        }
    }
}

impl UseOf {
    /// A whole request has arrived.
    pub(crate) fn answering(&self) -> Answering {
        self.0.answering.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(&self.0))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body during which its request is under way.
pub(crate) struct Held {
    body: Body,
    _answering: Option<Answering>,
}

impl Held {
    pub(crate) fn body(body: Body, answering: Option<Answering>) -> Body {
        Body::new(Self { body, _answering: answering })
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(trusted: &[&str]) -> Arc<Connections> {
        let trusted_proxies = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        let limits = Limits {
            connections_max: 4,
            connections_per_address_max: 2,
            trusted_proxies,
            ..Limits::default()
        };
        Arc::new(Connections::new(&limits))
    }

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_oldest_without_a_request_makes_room_and_a_request_under_way_never_does() {
        let connections = connections(&[]);
        let busy = connections.enter(at("192.0.2.1")).expect("a place");
        let answering = busy.use_of().answering();
        let idle = connections.enter(at("192.0.2.1")).expect("a place");
        let third = connections.enter(at("192.0.2.1")).expect("in place of the idle one");
        let answering_too = third.use_of().answering();
        assert!(connections.enter(at("192.0.2.1")).is_none(), "both are answering");
        // One that was evicted leaves nothing behind, and takes nobody's place along.
        drop(idle);
        drop(answering);
        let fourth = connections.enter(at("192.0.2.1")).expect("in place of the first");
        drop((busy, third, fourth, answering_too));
        assert!(connections.open().is_empty());
    }

    #[test]
    fn when_all_places_are_held_whoever_holds_most_makes_room() {
        let connections = connections(&["10.0.0.0/8"]);
        let proxied: Vec<_> = (0..4).map(|_| connections.enter(at("10.0.0.1")).expect("a proxy")).collect();
        let other = connections.enter(at("192.0.2.1")).expect("in place of one of the proxy's");
        let held = |address: &str| connections.open().get(&at(address)).map_or(0, Vec::len);
        assert_eq!((held("10.0.0.1"), held("192.0.2.1")), (3, 1));
        drop((proxied, other));
    }
}
