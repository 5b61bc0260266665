//! Readiness of many sockets on one thread: a thin cover over epoll.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// Most events taken at once.
const EVENTS_MAX: usize = 256;

/// A set of sockets, each with the token that the caller gave it.
#[derive(Debug)]
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poll {
    /// An empty set.
    ///
    /// # Errors
    /// When the process may open no more descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS_MAX) })
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
    pub(crate) fn wait(&mut self, patience: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        self.events.clear();
        ready.clear();
        let patience = Timespec::try_from(patience).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&patience)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
        let token = |event: &epoll::Event| usize::try_from(event.data.u64()).expect("a token was a usize");
        ready.extend(self.events.iter().map(token));
        Ok(())
    }
}
