//! Why an export was not finished.

use std::io;

use shuzha_core::Code;

/// Why a cell cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellFault {
    /// A character that GB 18030, as the WHATWG Encoding Standard has it, cannot hold.
    #[error("a character that GB 18030 cannot hold")]
    NotInGb18030,
    /// Longer than the format's cells.
    #[error("longer than a cell of this format")]
    TooLong,
    /// A number or time outside what the format holds.
    #[error("outside what this format holds")]
    OutOfRange,
}

/// Why an export was not finished. `E` is why a row could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// The next row could not be had.
    #[error("the rows could not be read")]
    Source(#[from] E),
    /// A cell cannot be written. Its content is not told: it may be a secret.
    #[error("row {row}, column {column}: {fault}")]
    Cell {
        /// Number of the row, from 1.
        row: u64,
        /// Key of the column.
        column: &'static str,
        /// Why.
        fault: CellFault,
    },
    /// The file would be larger than its format permits.
    #[error("more than a file of this format holds")]
    Full,
    /// Whoever watched the progress stopped it.
    #[error("stopped")]
    Stopped,
    /// The file could not be written.
    #[error("the file could not be written")]
    Write(#[source] io::Error),
}

impl<E> ExportError<E> {
    /// The refusal code, where the asker can mend it by another format or another text.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Cell { fault: CellFault::NotInGb18030, .. } => Some(Code::C1650),
            Self::Cell { .. } => Some(Code::C1651),
            Self::Full => Some(Code::C1652),
            Self::Source(_) | Self::Stopped | Self::Write(_) => None,
        }
    }
}

/// Why a writer could not go on, before the row's number is known.
#[derive(Debug)]
pub(super) enum Fault {
    Cell(&'static str, CellFault),
    Full,
    Write(io::Error),
}

impl Fault {
    pub(super) fn at_row<E>(self, row: u64) -> ExportError<E> {
        match self {
            Self::Cell(column, fault) => ExportError::Cell { row, column, fault },
            Self::Full => ExportError::Full,
            Self::Write(error) => ExportError::Write(error),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}
