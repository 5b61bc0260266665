//! Why the books refused.

use shuzha_core::Code;
use shuzha_pricing::ledger::Unbalanced;

use crate::StoreError;

/// Why something was not written; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// A refusal, by its stable code.
    #[error("{0}")]
    Refused(Code),
    /// A transaction that may not be posted.
    #[error("transaction {key}: {why}")]
    Unbalanced {
        /// Its key.
        key: String,
        /// What is wrong with it.
        why: Unbalanced,
    },
    /// The database failed, or holds what this software has not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BooksError {
    /// The code that the caller is told.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused(code) => *code,
            Self::Unbalanced { .. } => Code::C1608,
            Self::Store(_) => Code::C093,
        }
    }
}

impl From<Code> for BooksError {
    fn from(code: Code) -> Self {
        Self::Refused(code)
    }
}

impl From<rusqlite::Error> for BooksError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
