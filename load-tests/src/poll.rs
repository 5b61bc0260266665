//! Readiness of many sockets on one thread: a thin cover over epoll.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{Timespec, epoll};

/// Most events taken at once.
const EVENTS_MAX: usize = 256;

/// A set of sockets, each with the token that the caller gave it.
#[derive(Debug)]
pub(crate) struct Poll {
    epoll: OwnedFd,
}

impl Poll {
    /// An empty set.
    ///
    /// # Errors
    /// When the process may open no more descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Watches `socket` for reading. Closing the socket ends the watch.
    ///
    /// # Errors
    /// When the kernel refuses the socket.
    pub(crate) fn add(&self, socket: impl AsFd, token: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token as u64);
        Ok(epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN | epoll::EventFlags::RDHUP)?)
    }

    /// Tokens of the sockets that can be read, after at most `patience`.
    ///
    /// # Errors
    /// When the kernel refuses to wait.
    pub(crate) fn wait(&self, patience: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let mut room = [MaybeUninit::uninit(); EVENTS_MAX];
        let events: &[epoll::Event] = match epoll::wait(&self.epoll, &mut room, Some(&patience)) {
            Ok((events, _)) => events,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        let token = |event: &epoll::Event| usize::try_from(event.data.u64()).expect("a token was a usize");
        ready.extend(events.iter().map(token));
        Ok(())
    }
}
