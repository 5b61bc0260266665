//! What units and finance say about statements: confirmed, disputed, resolved.

use rusqlite::{Connection, OptionalExtension};
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Statement, payable};
use shuzha_pricing::ledger::Transaction;

use super::{Books, BooksError, PeriodState, periods, read, rows, transactions};
use crate::StoreError;

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 2_000;

/// What may be said about a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// 确认: the unit agrees; shares become payable.
    Confirm,
    /// 异议: the unit disagrees, and says why.
    Dispute,
    /// 答复: finance answers a dispute; the unit may then confirm or dispute again.
    Resolve,
}

impl Word {
    /// Every word.
    pub const ALL: [Self; 3] = [Self::Confirm, Self::Dispute, Self::Resolve];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Dispute => "dispute",
            Self::Resolve => "resolve",
        }
    }

    /// The word of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.as_str() == name)
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// The unit has still to speak.
    Issued,
    /// Final.
    Confirmed,
    /// Finance has still to answer.
    Disputed,
}

impl StatementState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Confirmed => "confirmed",
            Self::Disputed => "disputed",
        }
    }

    const fn after(self, word: Word) -> Option<Self> {
        match (self, word) {
            (Self::Issued, Word::Confirm) => Some(Self::Confirmed),
            (Self::Issued, Word::Dispute) => Some(Self::Disputed),
            (Self::Disputed, Word::Resolve) => Some(Self::Issued),
            _ => None,
        }
    }
}

/// What was said about a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementAct {
    /// What.
    pub word: Word,
    /// Who.
    pub account: Id,
    /// For which organisation.
    pub organisation: Id,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A statement with all that was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The period.
    pub month: Month,
    /// The statement; its lines are those of the period at these positions.
    pub statement: Statement,
    /// Where it stands.
    pub state: StatementState,
    /// What was said, in order.
    pub acts: Vec<StatementAct>,
}

/// What was said about a statement, and where that leaves it.
pub(super) fn acts(
    connection: &Connection,
    number: &str,
) -> Result<(StatementState, Vec<StatementAct>), StoreError> {
    let sql = "SELECT act, account, organisation, at, reason FROM statement_act WHERE statement = ?1 ORDER BY number";
    let acts = rows(connection, sql, [number], |columns| {
        let word = Word::from_name(&columns.text()?).ok_or(StoreError::BadRow("statement_act"))?;
        let (account, organisation) = (columns.id()?, columns.id()?);
        let (at, reason) = (Timestamp::from_micros(columns.next()?), columns.text()?);
        Ok(StatementAct { word, account, organisation, at, reason })
    })?;
    let mut state = StatementState::Issued;
    for act in &acts {
        state = state.after(act.word).ok_or(StoreError::BadRow("statement_act"))?;
    }
    Ok((state, acts))
}

impl Books {
    /// Says something about a statement. A confirmation makes the shares of its agreements payable, in the same step.
    ///
    /// # Errors
    /// C1003 where there is no such statement; C1610 where its state does not allow that; C1002 for a dispute or answer
    /// without a reason, or one too long.
    pub fn say(&self, number: &str, act: &StatementAct) -> Result<Stated, BooksError> {
        let reason = act.reason.trim();
        if reason.len() > REASON_BYTES_MAX || (act.word != Word::Confirm && reason.is_empty()) {
            return Err(Code::C1002.into());
        }
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let stated = read::statement(&sql, number)?.ok_or(Code::C1003)?;
        stated.state.after(act.word).ok_or(Code::C1610)?;
        let at = i64::try_from(stated.acts.len()).map_err(|_| StoreError::Range("statement_act"))?;
        sql.execute(
            "INSERT INTO statement_act VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                number,
                at,
                act.word.as_str(),
                act.account.as_str(),
                act.organisation.as_str(),
                act.at.micros(),
                reason,
            ),
        )?;
        if act.word == Word::Confirm {
            let owed = owed(&sql, &stated, act.at)?;
            transactions::post(&sql, &owed, act.at)?;
        }
        let after = read::statement(&sql, number)?.ok_or(Code::C1003)?;
        sql.commit()?;
        Ok(after)
    }
}

/// T4 of every share of the statement's agreements, posted in the period that is open.
fn owed(connection: &Connection, stated: &Stated, at: Timestamp) -> Result<Vec<Transaction>, BooksError> {
    let sql = "SELECT DISTINCT agreement FROM line WHERE period = ?1 AND unit = ?2";
    let key = (stated.month.index(), stated.statement.unit.as_str());
    let agreements = rows(connection, sql, key, |columns| columns.id())?;
    let mut posted_in = Month::of(at).map_err(|_| StoreError::Range("period"))?;
    if periods::period(connection, posted_in)?.state == PeriodState::Closed {
        posted_in = periods::first_open(connection)?.unwrap_or(posted_in);
    }
    let shares = read::shares(connection, stated.month)?;
    let shares = shares
        .iter()
        .filter(|share| agreements.contains(&share.agreement) && share.amount != shuzha_pricing::Fen::ZERO);
    let owed = shares.map(|share| payable(stated.month, posted_in, share).map_err(BooksError::from));
    let mut new = Vec::new();
    for transaction in owed {
        let transaction = transaction?;
        // An agreement of two units becomes payable with the first that confirms.
        let known = connection
            .query_row("SELECT 1 FROM txn WHERE key = ?1", [&transaction.key], |_| Ok(()))
            .optional()?;
        if known.is_none() {
            new.push(transaction);
        }
    }
    Ok(new)
}
