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
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::{
    Timeout, set_socket_timeout, socket_acceptconn, socket_peercred, socket_protocol, socket_type,
};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketType, ipproto,
};

use super::sockets::{Addresses, Sockets};
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
    /// Waits up to `wait` for a running process to pass its sockets through the Unix socket at `path`. `waiting` is called
    /// once the socket is there.
    ///
    /// Only a process of our own user is listened to, and only listening TCP sockets of exactly the configured
    /// `addresses` are taken; port 0 stands for any port. The folder of `path` must be closed to other
    /// users as well.
    ///
    /// # Errors
    /// [`ProxyError::Handover`] when the folder is open to others, nobody passes sockets in time, or what is passed is
    /// not a transfer of these sockets.
    pub fn take_over(
        path: &Path,
        wait: Duration,
        addresses: &Addresses,
        waiting: impl FnOnce(),
    ) -> Result<Self, ProxyError> {
        private(path)?;
        // Bound beside its place and then put there: whoever sees the file can connect to it.
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        for stale in [path, beside] {
            match std::fs::remove_file(stale) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
                _ => {}
            }
        }
        let listener = UnixListener::bind(beside).map_err(fault)?;
        std::fs::rename(beside, path).map_err(fault)?;
        waiting();
        let received = receive(&listener, wait, addresses);
        // Removed also on failure, so that a later upgrade finds no stale socket.
        std::fs::remove_file(path).map_err(fault)?;
        received
    }
}

/// Passes `sockets` to the process that waits at `path`; returns once it has confirmed them.
pub(super) fn hand_over(sockets: &Sockets, path: &Path) -> Result<(), ProxyError> {
    private(path)?;
    let mut stream = UnixStream::connect(path).map_err(fault)?;
    same_user(&stream)?;
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
fn receive(listener: &UnixListener, wait: Duration, addresses: &Addresses) -> Result<Sockets, ProxyError> {
    // On Linux the receive timeout of a listening socket bounds accept (socket(7)).
    set_socket_timeout(listener, Timeout::Recv, Some(wait)).map_err(fault)?;
    let (mut stream, _) =
        listener.accept().map_err(|error| fault(format!("nobody passed sockets: {error}")))?;
    same_user(&stream)?;
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
    let mut passed: Vec<TcpListener> = passed.into_iter().map(listening).collect::<Result<_, _>>()?;
    let operations = if text[GREETING.len()] == 1 { passed.pop() } else { None };
    if passed.is_empty() {
        return Err(fault("no socket was passed"));
    }
    let sockets = Sockets { data: passed, operations };
    as_configured(&sockets.addresses()?, addresses)?;
    stream.write_all(&[TAKEN]).map_err(fault)?;
    Ok(sockets)
}

/// `socket`, if it is a TCP socket that listens.
fn listening(socket: OwnedFd) -> Result<TcpListener, ProxyError> {
    if socket_type(&socket).map_err(fault)? != SocketType::STREAM
        || socket_protocol(&socket).map_err(fault)? != Some(ipproto::TCP)
        || !socket_acceptconn(&socket).map_err(fault)?
    {
        return Err(fault("something else than a listening TCP socket was passed"));
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true).map_err(fault)?;
    Ok(listener)
}

/// Whether what was passed listens where the configuration says, no less and no more.
fn as_configured(passed: &Addresses, configured: &Addresses) -> Result<(), ProxyError> {
    let same = |passed: &SocketAddr, wanted: &SocketAddr| {
        passed.ip() == wanted.ip() && (wanted.port() == 0 || passed.port() == wanted.port())
    };
    let data = passed.data.len() == configured.data.len()
        && passed.data.iter().all(|passed| configured.data.iter().any(|wanted| same(passed, wanted)))
        && configured.data.iter().all(|wanted| passed.data.iter().any(|passed| same(passed, wanted)));
    let operations = match (&passed.operations, &configured.operations) {
        (Some(passed), Some(wanted)) => same(passed, wanted),
        (passed, wanted) => passed.is_none() && wanted.is_none(),
    };
    if data && operations {
        return Ok(());
    }
    let shown = |addresses: &Addresses| {
        let all = addresses.data.iter().chain(&addresses.operations).map(SocketAddr::to_string);
        all.collect::<Vec<_>>().join(", ")
    };
    Err(fault(format!(
        "sockets of {} were passed, while {} are configured",
        shown(passed),
        shown(configured)
    )))
}

/// Whether the process at the other end runs as our user: only then are its sockets taken, or ours passed to it.
fn same_user(stream: &UnixStream) -> Result<(), ProxyError> {
    let peer = socket_peercred(stream).map_err(fault)?;
    if peer.uid == rustix::process::geteuid() {
        Ok(())
    } else {
        Err(fault("the process at the upgrade socket runs as another user"))
    }
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
