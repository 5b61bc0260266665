//! What each address holds of the node, so that none can hold all of it: connections, half handshakes, unfinished requests, bytes
//! of bodies, and how often it may ask without naming a live credential.
//!
//! An IPv6 address counts by its /64, which is what one subscriber is given. Behind a reverse proxy that is configured as trusted
//! the address is the one it tells (`client`).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use shuzha_core::{Code, Pace};
use tokio::time::Instant;

use crate::limits::Limits;

/// Shards of the table. A lock is held to find or add one address.
const SHARDS: usize = 64;
/// Addresses in one shard before those that hold nothing are first looked for.
const SWEEP_AT: usize = 1_024;
/// Bits of an IPv6 address that one subscriber chooses freely.
const SUBSCRIBER_BITS: u32 = 64;

/// The accounts of all addresses, and the bytes of all bodies.
#[derive(Debug)]
pub(crate) struct Peers {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    begun: Instant,
    bytes: AtomicU64,
    bytes_max: u64,
    of_one: Share,
}

/// What one address may hold.
#[derive(Clone, Copy, Debug)]
struct Share {
    connections: u64,
    handshakes: u64,
    unfinished: u64,
    bytes: u64,
    bytes_of_connection: u64,
    strangers_per_second: u32,
}

#[derive(Debug)]
struct Shard {
    peers: HashMap<IpAddr, Arc<Peer>>,
    sweep_at: usize,
}

/// The account of one address.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    connections: AtomicU64,
    handshakes: AtomicU64,
    unfinished: AtomicU64,
    bytes: AtomicU64,
    strangers: Pace,
}

/// Something of an address's share; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    peer: Arc<Peer>,
    of: fn(&Peer) -> &AtomicU64,
}

impl Drop for Held {
    fn drop(&mut self) {
        (self.of)(&self.peer).fetch_sub(1, Relaxed);
    }
}

/// Adds `more` to `counter` where that is within `most`.
fn take(counter: &AtomicU64, more: u64, most: u64) -> bool {
    let add = |held: u64| held.checked_add(more).filter(|sum| *sum <= most);
    counter.fetch_update(Relaxed, Relaxed, add).is_ok()
}

impl Peers {
    /// Accounts within `limits`.
    pub(crate) fn new(limits: &Limits) -> Self {
        let wide = |count: usize| count as u64;
        let shard = || Mutex::new(Shard { peers: HashMap::new(), sweep_at: SWEEP_AT });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            begun: Instant::now(),
            bytes: AtomicU64::new(0),
            bytes_max: limits.body_bytes_total_max,
            of_one: Share {
                connections: wide(limits.connections_per_address_max),
                handshakes: wide(limits.handshakes_per_address_max),
                unfinished: wide(limits.unfinished_per_address_max),
                bytes: limits.body_bytes_per_address_max,
                bytes_of_connection: limits.body_bytes_per_connection_max,
                strangers_per_second: limits.unidentified_requests_per_second,
            },
        }
    }

    /// The account of `address`.
    pub(crate) fn of(&self, address: IpAddr) -> Arc<Peer> {
        let address = subscriber(address);
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
        let index = self.hasher.hash_one(address) as usize % SHARDS;
        let mut shard = lock(&self.shards[index]);
        if let Some(peer) = shard.peers.get(&address) {
            return Arc::clone(peer);
        }
        if shard.peers.len() >= shard.sweep_at {
            // Only connections hold accounts, and they are bounded. An account that nobody holds is a pace; forgetting it under a
            // flood of addresses forgives at most its burst.
            shard.peers.retain(|_, peer| Arc::strong_count(peer) > 1);
            shard.sweep_at = SWEEP_AT.max(2 * shard.peers.len());
        }
        Arc::clone(shard.peers.entry(address).or_default())
    }

    /// One more connection of `peer`; none when it has as many as it may.
    pub(crate) fn connect(&self, peer: &Arc<Peer>) -> Option<Held> {
        Self::hold(peer, |peer| &peer.connections, self.of_one.connections)
    }

    /// One more handshake under way; none when it has as many as it may.
    pub(crate) fn handshake(&self, peer: &Arc<Peer>) -> Option<Held> {
        Self::hold(peer, |peer| &peer.handshakes, self.of_one.handshakes)
    }

    /// One more request whose body has not arrived; none when it has as many as it may.
    pub(crate) fn unfinished(&self, peer: &Arc<Peer>) -> Option<Held> {
        Self::hold(peer, |peer| &peer.unfinished, self.of_one.unfinished)
    }

    fn hold(peer: &Arc<Peer>, of: fn(&Peer) -> &AtomicU64, most: u64) -> Option<Held> {
        take(of(peer), 1, most).then(|| Held { peer: Arc::clone(peer), of })
    }

    /// Counts a request that names no live credential.
    ///
    /// # Errors
    /// C010 when the address sends too many of them.
    pub(crate) fn stranger(&self, peer: &Peer) -> Result<(), Code> {
        let passed = peer.strangers.pass(self.begun.elapsed(), self.of_one.strangers_per_second);
        passed.map_err(|_| Code::C010)
    }

    /// Room for a body on a connection that has `on_connection` bytes of others.
    pub(crate) fn room(self: &Arc<Self>, peer: Arc<Peer>, on_connection: Arc<AtomicU64>) -> Room {
        Room { peers: Arc::clone(self), peer, on_connection, bytes: 0 }
    }

    /// Bytes of all bodies, and the most that there may be.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.bytes.load(Relaxed), self.bytes_max)
    }

    /// Of each share, what the address that holds most of it holds, and the most that one may hold.
    pub(crate) fn fullest(&self) -> [(&'static str, u64, u64); 4] {
        let share = &self.of_one;
        #[expect(clippy::type_complexity, reason = "four rows of one small table, read where they stand")]
        let mut shares: [(_, fn(&Peer) -> &AtomicU64, _, _); 4] = [
            ("body_bytes_of_fullest_address", |peer| &peer.bytes, 0, share.bytes),
            ("connections_of_fullest_address", |peer| &peer.connections, 0, share.connections),
            ("handshakes_of_fullest_address", |peer| &peer.handshakes, 0, share.handshakes),
            ("unfinished_of_fullest_address", |peer| &peer.unfinished, 0, share.unfinished),
        ];
        for shard in &self.shards {
            for peer in lock(shard).peers.values() {
                for (_, of, most, _) in &mut shares {
                    *most = (*most).max(of(peer).load(Relaxed));
                }
            }
        }
        shares.map(|(name, _, most, max)| (name, most, max))
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().expect("no code panics while it holds this lock")
}

/// What stands for `address` in the table: itself, or its /64.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> SUBSCRIBER_BITS << SUBSCRIBER_BITS)),
    }
}

/// Bytes that a body holds of its connection's, its address's and the node's share; given back when dropped.
#[derive(Debug)]
pub(crate) struct Room {
    peers: Arc<Peers>,
    peer: Arc<Peer>,
    on_connection: Arc<AtomicU64>,
    bytes: u64,
}

impl Room {
    /// The accounts.
    pub(crate) fn peers(&self) -> &Peers {
        &self.peers
    }

    /// The address's account.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Holds `bytes` from now on, more or less than before.
    ///
    /// # Errors
    /// C011 when connection or address, C096 when the node has no more; what was held stays so then.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), Code> {
        let bytes = bytes as u64;
        let Some(more) = bytes.checked_sub(self.bytes) else {
            self.give_back(self.bytes - bytes);
            return Ok(());
        };
        let share = &self.peers.of_one;
        if !take(&self.on_connection, more, share.bytes_of_connection) {
            return Err(Code::C011);
        }
        if !take(&self.peer.bytes, more, share.bytes) {
            self.on_connection.fetch_sub(more, Relaxed);
            return Err(Code::C011);
        }
        if !take(&self.peers.bytes, more, self.peers.bytes_max) {
            self.on_connection.fetch_sub(more, Relaxed);
            self.peer.bytes.fetch_sub(more, Relaxed);
            return Err(Code::C096);
        }
        self.bytes = bytes;
        Ok(())
    }

    fn give_back(&mut self, bytes: u64) {
        for counter in [&self.on_connection, &self.peer.bytes, &self.peers.bytes] {
            counter.fetch_sub(bytes, Relaxed);
        }
        self.bytes -= bytes;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

/// The time that a caller who met a bound is told to wait.
pub(crate) const WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> Arc<Peers> {
        Arc::new(Peers::new(&Limits {
            body_bytes_total_max: 100,
            body_bytes_per_address_max: 60,
            body_bytes_per_connection_max: 40,
            connections_per_address_max: 2,
            ..Limits::default()
        }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_taken_is_always_given_back() {
        let peers = peers();
        let (one, other) = (peers.of(address("127.0.0.1")), peers.of(address("127.0.0.2")));
        let connection = Arc::new(AtomicU64::new(0));
        let mut body = peers.room(Arc::clone(&one), Arc::clone(&connection));
        assert_eq!(body.resize(40), Ok(()));
        assert_eq!(body.resize(41), Err(Code::C011), "the connection's share");
        let mut second = peers.room(Arc::clone(&one), Arc::default());
        assert_eq!(second.resize(20), Ok(()));
        assert_eq!(second.resize(21), Err(Code::C011), "the address's share");
        let mut third = peers.room(Arc::clone(&other), Arc::default());
        assert_eq!(third.resize(40), Ok(()));
        let mut fourth = peers.room(other, Arc::default());
        assert_eq!(fourth.resize(1), Err(Code::C096), "the node's");
        assert_eq!(body.resize(10), Ok(()), "less");
        assert_eq!(peers.bytes(), (70, 100));
        drop((body, second, third, fourth));
        assert_eq!((peers.bytes().0, connection.load(Relaxed)), (0, 0));
        assert_eq!(peers.fullest()[0].1, 0);
    }

    #[test]
    fn addresses_count_by_what_one_subscriber_is_given() {
        let peers = peers();
        let same = |a: &str, b: &str| Arc::ptr_eq(&peers.of(address(a)), &peers.of(address(b)));
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:127.0.0.1", "127.0.0.1"));
        assert!(!same("127.0.0.1", "127.0.0.2"));
        let one = peers.of(address("2001:db8::1"));
        let held = (peers.connect(&one), peers.connect(&peers.of(address("2001:db8::2"))));
        assert!(held.0.is_some() && held.1.is_some() && peers.connect(&one).is_none());
        drop(held);
        assert!(peers.connect(&one).is_some());
    }

    /// A flood of addresses takes bounded memory, and never an account that somebody holds.
    #[test]
    fn accounts_that_nobody_holds_are_forgotten() {
        let peers = peers();
        let held = peers.of(address("10.0.0.1"));
        let _connection = peers.connect(&held);
        for n in 0..300_000_u32 {
            peers.of(IpAddr::V4((0x0b00_0000 + n).into()));
        }
        let known: usize = peers.shards.iter().map(|shard| lock(shard).peers.len()).sum();
        assert!(known <= SHARDS * SWEEP_AT, "{known}");
        assert!(Arc::ptr_eq(&held, &peers.of(address("10.0.0.1"))));
    }
}
