//! Why calls come to nothing.

use crate::refusal::ControlRefusal;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address to call is none.
    #[error("the address to call: {0}")]
    Address(String),
    /// The key cannot sign.
    #[error("{0}")]
    Key(String),
    /// The request cannot be written.
    #[error("the request cannot be written")]
    Request(#[from] ::http::Error),
    /// Nobody answers.
    #[error("the gateway cannot be reached")]
    Unreachable(#[source] ureq::Error),
    /// The answer ended early.
    #[error("the answer broke off")]
    Broken(#[source] std::io::Error),
    /// The answer does not say where it ends.
    #[error("the answer states neither its length nor its end: it cannot be told whether it is whole")]
    Endless,
    /// The answer is not the document that was asked for.
    #[error("the answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The control plane refuses.
    #[error(transparent)]
    Refused(#[from] Box<ControlRefusal>),
    /// One of these, at this address.
    #[error("{0}")]
    At(String, #[source] Box<Self>),
}
