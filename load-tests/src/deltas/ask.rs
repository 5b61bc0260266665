//! One connection, one question at a time.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::upstream::read_some;
use crate::wire;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A kept connection.
pub(super) struct Line {
    address: SocketAddr,
    stream: TcpStream,
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address, stream })
    }

    /// Sends a whole request; status and body of the answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).with_context(|| format!("asking {}", self.address))?;
        let mut received = Vec::new();
        loop {
            let open = read_some(&mut self.stream, &mut received)?;
            if let Some(answer) = wire::message(&received)? {
                let status = wire::status(&received)?;
                let body = received[answer.head..answer.len].to_vec();
                if answer.last {
                    *self = Self::to(self.address)?;
                }
                return Ok((status, body));
            }
            if !open {
                bail!("{} closed without an answer", self.address);
            }
        }
    }
}
