//! Why a product service could not be started or kept running.
//!
//! Faults of a single call are not here: they are answers ([`crate::service::Answer`]).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a product service could not be started or kept running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file of the gateway's key cannot be read.
    #[error("the gateway key file {path} cannot be read: {source}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gateway's key has a length that is not allowed.
    #[error("the gateway key must have between {min} and {max} bytes")]
    KeyLength {
        /// Fewest bytes.
        min: usize,
        /// Most bytes.
        max: usize,
    },
    /// The seed of the keys of blinded verification cannot be read, or is not 32 bytes.
    #[error("the seed file {path} must hold 32 random bytes: {reason}")]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The address to listen on is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The signals that end a service cannot be watched.
    #[error("cannot watch for the signals that end the service: {0}")]
    Signals(io::Error),
    /// A table that is built into the program is not what it should be.
    #[error("built-in data {file}: {reason}")]
    Data {
        /// Which table.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The scoring model cannot be prepared or run.
    #[error("the scoring model: {0}")]
    Model(String),
}
