//! The sets that finance exports, and how each is filled from what was gathered, closed and posted.
//!
//! `docs/exports.md` lists them with what each column means; a test keeps that page and these columns equal.

mod books;
mod closed;
mod focus;
mod gathered;

use super::Layout;

pub use books::{LedgerRow, PermittedRow};
pub use closed::{ContributionRow, LineRow, ShareRow, StatementRow};
pub use focus::{FocusPart, FocusRow};

/// A set of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Set {
    /// Roll-ups of calls by hour.
    Usage,
    /// Rated lines.
    Lines,
    /// Entries of the ledger.
    Ledger,
    /// Statements.
    Statements,
    /// Shares by party.
    Shares,
    /// What the providers' data did.
    Contributions,
    /// Permitted revenue and how far it is used.
    Permitted,
    /// Rated lines in the columns of FOCUS.
    Focus,
}

impl Set {
    /// Every set.
    pub const ALL: [Self; 8] = [
        Self::Usage,
        Self::Lines,
        Self::Ledger,
        Self::Statements,
        Self::Shares,
        Self::Contributions,
        Self::Permitted,
        Self::Focus,
    ];

    /// Its columns.
    #[must_use]
    pub const fn layout(self) -> &'static Layout {
        match self {
            Self::Usage => gathered::USAGE,
            Self::Lines => closed::LINES,
            Self::Ledger => books::LEDGER,
            Self::Statements => closed::STATEMENTS,
            Self::Shares => closed::SHARES,
            Self::Contributions => closed::CONTRIBUTIONS,
            Self::Permitted => books::PERMITTED,
            Self::Focus => focus::FOCUS,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.layout().set
    }

    /// The set with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.as_str() == name)
    }
}
