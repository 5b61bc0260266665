//! Handing the listening sockets from a running process to its successor.
//!
//! The sequence of an upgrade:
//! 1. The new process starts with [`Sockets::take_over`]: it listens on the upgrade socket and waits.
//! 2. The old process gets `SIGQUIT` (or [`Handle::upgrade`](super::Handle::upgrade)): it connects there and passes its
//!    listening sockets. Only when the new process has confirmed them does it stop accepting; otherwise it serves on.
//! 3. The old process finishes what it has in flight, closes its connections, closes the journal and ends. Callers who
//!    connect meanwhile wait in the kernel's backlog of the same sockets; none is refused.
//! 4. The new process, which waited for the journal's lock, opens the journal, builds its server on the inherited
//!    sockets, and accepts.
//!
//! Pingora has such a transfer. It makes its socket writable for everyone, waits in steps of a second, panics on a path
//! that cannot be bound, does not wait for a confirmation, and then keeps both processes accepting for five seconds,
//! while only one of ours may hold the journal.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use super::sockets::Sockets;
use crate::error::ProxyError;

/// Sockets that can be passed at once.
const SOCKETS_MAX: usize = 32;
/// What a transfer begins with; then one byte says whether the last socket is the operations listener's.
const GREETING: &[u8; 17] = b"shuzha-sockets-1\n";
/// The new process's confirmation.
const TAKEN: u8 = b'+';
/// Time for the other side to answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

fn fault(what: impl std::fmt::Display) -> ProxyError {
    ProxyError::Handover(what.to_string())
}

impl Sockets {
    /// Waits up to `wait` for a running process to pass its sockets through the Unix socket at `path`.
    ///
    /// The folder of `path` must be closed to other users: whoever can reach the socket could pass sockets of its own.
    ///
    /// # Errors
    /// [`ProxyError::Handover`] when the folder is open to others, nobody passes sockets in time, or what is passed is
    /// not a transfer.
    pub fn take_over(path: &Path, wait: Duration) -> Result<Self, ProxyError> {
        private(path)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(fault)?;
        let received = receive(&listener, wait);
        // Removed also on failure, so that a later upgrade finds no stale socket.
        std::fs::remove_file(path).map_err(fault)?;
        received
    }
}

/// Passes `sockets` to the process that waits at `path`; returns once it has confirmed them.
pub(super) fn hand_over(sockets: &Sockets, path: &Path) -> Result<(), ProxyError> {
    private(path)?;
    let mut stream = UnixStream::connect(path).map_err(fault)?;
    stream.set_read_timeout(Some(ANSWER_TIME)).map_err(fault)?;
    let passed: Vec<BorrowedFd<'_>> =
        sockets.data.iter().chain(&sockets.operations).map(AsFd::as_fd).collect();
    if passed.len() > SOCKETS_MAX {
        return Err(fault("too many sockets"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&passed)) {
        return Err(fault("too many sockets"));
    }
    let operations = [u8::from(sockets.operations.is_some())];
    let text = [IoSlice::new(GREETING), IoSlice::new(&operations)];
    let sent = rustix::net::sendmsg(&stream, &text, &mut control, SendFlags::NOSIGNAL).map_err(fault)?;
    if sent != GREETING.len() + 1 {
        return Err(fault("the transfer was cut short"));
    }
    let mut answer = [0_u8];
    stream.read_exact(&mut answer).map_err(fault)?;
    if answer[0] == TAKEN { Ok(()) } else { Err(fault("the new process declined")) }
}

/// Waits for one transfer.
fn receive(listener: &UnixListener, wait: Duration) -> Result<Sockets, ProxyError> {
    // On Linux the receive timeout of a listening socket bounds accept (socket(7)).
    set_socket_timeout(listener, Timeout::Recv, Some(wait)).map_err(fault)?;
    let (mut stream, _) =
        listener.accept().map_err(|error| fault(format!("nobody passed sockets: {error}")))?;
    stream.set_read_timeout(Some(ANSWER_TIME)).map_err(fault)?;
    let mut text = [0_u8; GREETING.len() + 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut text)];
    let got =
        rustix::net::recvmsg(&stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).map_err(fault)?;
    let mut passed: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            passed.extend(rights);
        }
    }
    if got.bytes != text.len() || !text.starts_with(GREETING) {
        return Err(fault("not a transfer of sockets"));
    }
    let mut data: Vec<TcpListener> = passed.into_iter().map(TcpListener::from).collect();
    let operations = if text[GREETING.len()] == 1 { data.pop() } else { None };
    if data.is_empty() {
        return Err(fault("no socket was passed"));
    }
    for socket in data.iter().chain(&operations) {
        // Fails for anything that is not a listening internet socket.
        socket.local_addr().and_then(|_| socket.set_nonblocking(true)).map_err(fault)?;
    }
    stream.write_all(&[TAKEN]).map_err(fault)?;
    Ok(Sockets { data, operations })
}

/// Whether only our own user can reach `path`.
fn private(path: &Path) -> Result<(), ProxyError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).ok_or_else(|| fault("no folder"))?;
    let about = std::fs::metadata(folder).map_err(fault)?;
    let ours = about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o077 == 0;
    if ours {
        Ok(())
    } else {
        Err(fault("the upgrade socket's folder must be ours and closed to others (mode 0700)"))
    }
}
