//! Why something was not done.

use std::time::Duration;

use shuzha_core::Code;
use shuzha_core::Fault;
use shuzha_products::case::Refused;
use shuzha_store::StoreError;
use shuzha_store::register::CommitError;

/// A refusal: the caller's to mend; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// Every fault found, where the code is about what was submitted.
    pub faults: Vec<Fault>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

/// Why a change must not be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It could not take effect: every fault.
    Faults(Vec<Fault>),
    /// Whether it could cannot be told now.
    Unknown,
}

/// A change that is accepted and recorded, and not in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the change is recorded and not in effect")]
pub struct NotInForce;

/// Why something was not done; nothing has changed, but for [`Error::Unrecorded`] and [`Error::NotInForce`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A refusal.
    #[error("{}", .0.code)]
    Refused(Refusal),
    /// The store failed: ours to mend.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal does not take acts. What was already accepted stands in the register and takes effect once the journal
    /// has it; nothing new is accepted until then (C090).
    #[error("the journal does not take acts")]
    Unrecorded,
    /// The act is accepted and recorded, and this node could not put it in force yet (C1018). It goes on trying.
    #[error(transparent)]
    NotInForce(#[from] NotInForce),
    /// The register holds what this software cannot read.
    #[error("{kind} {name} in the register cannot be read: {what}")]
    Unreadable {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What is wrong.
        what: String,
    },
}

impl Error {
    /// The code that the caller is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Unrecorded => Code::C090,
            Self::NotInForce(_) => Code::C1018,
            Self::Store(_) | Self::Unreadable { .. } => Code::C093,
        }
    }

    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.retry_after.is_some(),
            Self::Store(error) => error.retryable(),
            Self::Unrecorded | Self::NotInForce(_) => true,
            Self::Unreadable { .. } => false,
        }
    }

    /// Whether the register itself failed, and not one object in it.
    pub(crate) fn is_of_the_register(&self) -> bool {
        matches!(self, Self::Store(error) if error.retryable())
    }

    /// A refusal for one fault.
    pub(crate) fn fault(code: Code, path: &str, reason: impl Into<String>) -> Self {
        let faults = vec![Fault::new(path, reason)];
        Self::Refused(Refusal { code, faults, retry_after: None })
    }
}

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        let (code, faults, retry_after) = match unfit {
            Unfit::Faults(faults) => (Code::C1002, faults, None),
            Unfit::Unknown => (Code::C1019, Vec::new(), Some(Duration::from_secs(1))),
        };
        Self::Refused(Refusal { code, faults, retry_after })
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Refused(Refusal { code, faults: Vec::new(), retry_after: None })
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Refusal { code: refused.code, faults: refused.faults, retry_after: None })
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict => Code::C1005.into(),
            CommitError::Held((kind, name)) => Self::fault(
                Code::C1004,
                "metadata.name",
                format!("{kind}/{name} is in force by another case"),
            ),
            CommitError::Clash((kind, name)) => {
                Self::fault(Code::C1013, "", format!("{kind}/{name} claims the same"))
            }
            CommitError::Referred((kind, name)) => {
                Self::fault(Code::C1008, "", format!("{kind}/{name} refers to it"))
            }
            CommitError::KeyUsed => Code::C1009.into(),
            CommitError::Store(error) => Self::Store(error),
        }
    }
}
