//! Room for requests: what is still arriving, and what is being answered. Each is bounded apart, so that what never
//! finishes arriving keeps nobody from being answered.
//!
//! - Arriving: so many of one address, the newest in place of the oldest; so many bytes in all.
//! - Being answered: places for everybody; beside them places for persons who are signed on, and places for their stops.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use shuzha_core::Id;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::limits::Limits;
use crate::source::place;

/// Room for requests, shared by all connections.
pub(crate) struct Room {
    open: Arc<Semaphore>,
    signed_on: Arc<Semaphore>,
    stops: Arc<Semaphore>,
    per_account_max: usize,
    /// Reserved places held, by account.
    accounts: Mutex<HashMap<Id, usize>>,
    per_address_max: usize,
    /// Requests still arriving by address, oldest first. An entry goes with its request.
    arriving: Mutex<HashMap<IpAddr, Vec<Arc<Notify>>>>,
    bytes: Bytes,
    reserved_bytes: Bytes,
}

/// A budget of bytes.
struct Bytes {
    left: AtomicUsize,
}

impl Bytes {
    const fn new(max: usize) -> Self {
        Self { left: AtomicUsize::new(max) }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = |left: usize| left.checked_sub(bytes);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Whose turn it is to be answered.
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    reserved: Option<(Arc<Room>, Id)>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((room, account)) = self.reserved.take() else { return };
        let mut accounts = room.accounts();
        if let Some(held) = accounts.get_mut(&account) {
            *held -= 1;
            if *held == 0 {
                accounts.remove(&account);
            }
        }
    }
}

/// A request that is still arriving.
pub(crate) struct Arriving {
    room: Arc<Room>,
    address: IpAddr,
    evicted: Arc<Notify>,
    /// Bytes held of the open budget, and of the reserved one.
    held: (usize, usize),
    signed_on: bool,
}

impl Room {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            open: Arc::new(Semaphore::new(limits.requests_max)),
            signed_on: Arc::new(Semaphore::new(limits.reserved_signed_on)),
            stops: Arc::new(Semaphore::new(limits.reserved_stops)),
            per_account_max: limits.reserved_per_account_max,
            accounts: Mutex::default(),
            per_address_max: limits.unfinished_per_address_max.max(1),
            arriving: Mutex::default(),
            bytes: Bytes::new(limits.unfinished_bytes_max),
            reserved_bytes: Bytes::new(limits.reserved_bytes),
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Id, usize>> {
        self.accounts.lock().expect("nothing panics while it holds the counts")
    }

    fn arriving(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Arc<Notify>>>> {
        self.arriving.lock().expect("nothing panics while it holds the requests")
    }

    /// A turn for anybody.
    pub(crate) fn turn(&self) -> Option<Turn> {
        let place = Arc::clone(&self.open).try_acquire_owned().ok()?;
        Some(Turn { _place: place, reserved: None })
    }

    /// A turn in the reserve, for an account that is signed on; further ones where it stops something.
    pub(crate) fn reserved(self: &Arc<Self>, account: &Id, stops: bool) -> Option<Turn> {
        let mut accounts = self.accounts();
        let held = accounts.get(account).copied().unwrap_or(0);
        // One account cannot use up what is kept for all: stops have one place more each.
        if held >= self.per_account_max + usize::from(stops) {
            return None;
        }
        let signed_on = Arc::clone(&self.signed_on).try_acquire_owned().ok();
        let place = signed_on
            .or_else(|| stops.then(|| Arc::clone(&self.stops).try_acquire_owned().ok()).flatten())?;
        accounts.insert(account.clone(), held + 1);
        drop(accounts);
        Some(Turn { _place: place, reserved: Some((Arc::clone(self), account.clone())) })
    }

    /// Notes a request that begins to arrive. Where its address has as many already, the oldest makes room.
    pub(crate) fn arrives(self: &Arc<Self>, address: IpAddr) -> Arriving {
        let address = place(address);
        let evicted = Arc::new(Notify::new());
        let mut arriving = self.arriving();
        let all = arriving.entry(address).or_default();
        if all.len() >= self.per_address_max {
            all.remove(0).notify_one();
        }
        all.push(Arc::clone(&evicted));
        drop(arriving);
        Arriving { room: Arc::clone(self), address, evicted, held: (0, 0), signed_on: false }
    }
}

impl Arriving {
    /// Ready when a newer request of the same address took the place.
    pub(crate) fn evicted(&self) -> Arc<Notify> {
        Arc::clone(&self.evicted)
    }

    /// Takes room for so many more bytes; false where there is none.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        if self.room.bytes.take(bytes) {
            self.held.0 += bytes;
            return true;
        }
        let reserved = self.signed_on && self.room.reserved_bytes.take(bytes);
        if reserved {
            self.held.1 += bytes;
        }
        reserved
    }

    /// The reserve is open to it from now on: a signed-on person sends it.
    pub(crate) const fn is_of_a_person(&mut self) {
        self.signed_on = true;
    }

    /// Whether that was said.
    pub(crate) const fn of_a_person(&self) -> bool {
        self.signed_on
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.room.bytes.give(self.held.0);
        self.room.reserved_bytes.give(self.held.1);
        let mut arriving = self.room.arriving();
        if let Some(all) = arriving.get_mut(&self.address) {
            all.retain(|other| !Arc::ptr_eq(other, &self.evicted));
            if all.is_empty() {
                arriving.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Arc<Room> {
        let limits = Limits {
            requests_max: 1,
            reserved_signed_on: 2,
            reserved_stops: 1,
            reserved_per_account_max: 2,
            unfinished_per_address_max: 2,
            unfinished_bytes_max: 10,
            reserved_bytes: 5,
            ..Limits::default()
        };
        Arc::new(Room::new(&limits))
    }

    #[test]
    fn a_full_pool_leaves_the_reserve_and_a_full_reserve_leaves_the_stops() {
        let (room, wang, li) = (room(), Id::new("wang").expect("a name"), Id::new("li").expect("a name"));
        let open = room.turn().expect("a place");
        assert!(room.turn().is_none());
        let first = room.reserved(&wang, false).expect("in the reserve");
        let second = room.reserved(&wang, false).expect("in the reserve");
        assert!(room.reserved(&wang, false).is_none() && room.reserved(&li, false).is_none());
        let stop = room.reserved(&li, true).expect("a stop has its own place");
        assert!(room.reserved(&wang, true).is_none(), "all are taken");
        drop((open, first, second, stop));
        assert!(room.turn().is_some());
        assert!(room.accounts().is_empty(), "nothing is remembered of who has gone");
    }

    #[test]
    fn the_newest_of_an_address_takes_the_place_of_its_oldest_and_bytes_come_back() {
        let room = room();
        let at = |text: &str| text.parse().expect("an address");
        let mut oldest = room.arrives(at("192.0.2.1"));
        assert!(oldest.grow(10) && !oldest.grow(1));
        oldest.is_of_a_person();
        assert!(oldest.grow(5) && !oldest.grow(1));
        let (second, other) = (room.arrives(at("192.0.2.1")), room.arrives(at("192.0.2.2")));
        let third = room.arrives(at("192.0.2.1"));
        let evicted = |arriving: &Arriving| {
            let notify = arriving.evicted();
            let told = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runs");
            told.block_on(async {
                tokio::time::timeout(std::time::Duration::from_millis(1), notify.notified()).await.is_ok()
            })
        };
        assert!(evicted(&oldest) && !evicted(&second) && !evicted(&other) && !evicted(&third));
        drop((oldest, second, other, third));
        assert!(room.arriving().is_empty());
        assert!(room.arrives(at("192.0.2.9")).grow(10));
    }
}
