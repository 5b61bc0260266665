//! Listening sockets, bound before anything else: so that port 0 can be asked what it became, so that callers wait in the
//! kernel's backlog while the gateway still starts, and so that a new process can inherit them.

use std::net::{SocketAddr, TcpListener};

use crate::error::ProxyError;

/// Connections that may wait in the kernel; the kernel's own limit may be lower.
const BACKLOG: i32 = 4096;

/// Where to listen.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// For callers.
    pub data: Vec<SocketAddr>,
    /// For operators: health, metrics, status. Keep it on loopback or a management network.
    pub operations: Option<SocketAddr>,
}

/// Bound and listening sockets.
#[derive(Debug)]
pub struct Sockets {
    pub(super) data: Vec<TcpListener>,
    pub(super) operations: Option<TcpListener>,
}

impl Sockets {
    /// Binds `addresses`.
    ///
    /// # Errors
    /// [`ProxyError::Bind`] names the address that cannot be listened on.
    pub fn bind(addresses: &Addresses) -> Result<Self, ProxyError> {
        Ok(Self {
            data: addresses.data.iter().copied().map(bind).collect::<Result<_, _>>()?,
            operations: addresses.operations.map(bind).transpose()?,
        })
    }

    /// What is listened on; ports are real ones.
    ///
    /// # Errors
    /// [`ProxyError::Io`] when the operating system does not know a socket.
    pub fn addresses(&self) -> Result<Addresses, ProxyError> {
        Ok(Addresses {
            data: self.data.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?,
            operations: self.operations.as_ref().map(TcpListener::local_addr).transpose()?,
        })
    }

    /// Another handle on the same sockets.
    pub(super) fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self {
            data: self.data.iter().map(TcpListener::try_clone).collect::<Result<_, _>>()?,
            operations: self.operations.as_ref().map(TcpListener::try_clone).transpose()?,
        })
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, ProxyError> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // Listening again only makes the queue longer.
        rustix::net::listen(&listener, BACKLOG)?;
        Ok(listener)
    };
    listen().map_err(|source| ProxyError::Bind { address, source })
}
