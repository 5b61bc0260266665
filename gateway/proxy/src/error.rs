//! What can go wrong when the data plane is built, started or handed over.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A fault of ours or of the configuration; never of a request.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address as configured.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key file cannot be used.
    #[error("TLS file {path}: {reason}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why, without the file's content.
        reason: String,
    },
    /// An upstream's declaration cannot be used.
    #[error("upstream {name}: {reason}")]
    Upstream {
        /// The upstream.
        name: String,
        /// Why.
        reason: String,
    },
    /// Sockets could not be handed from the old process to the new one.
    #[error("hand-over of sockets: {0}")]
    Handover(String),
    /// A metric could not be registered.
    #[error("metrics")]
    Metrics(#[from] prometheus::Error),
    /// The operating system refused something.
    #[error("input or output")]
    Io(#[from] std::io::Error),
}
