//! Postings that wait for a second person: money out, and reversals.

use rusqlite::Connection;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Fen;

use super::payments::book;
use super::{Booked, Books, BooksError, Columns, integer, rows};
use crate::StoreError;

/// What one person proposes to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posting {
    /// A party is paid its share.
    PayOut(Id, Fen),
    /// A unit gets back what it paid ahead.
    Refund(Id, Fen),
    /// A payment is taken back (红冲).
    Reverse,
}

impl Posting {
    /// Its name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::PayOut(..) => "pay-out",
            Self::Refund(..) => "refund",
            Self::Reverse => "reverse",
        }
    }

    /// Whom the money goes to, and how much; nothing for a reversal.
    #[must_use]
    pub const fn paid(&self) -> Option<(&Id, Fen)> {
        match self {
            Self::PayOut(party, amount) | Self::Refund(party, amount) => Some((party, *amount)),
            Self::Reverse => None,
        }
    }
}

/// What a second person made of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingDecision {
    /// Who decided.
    pub by: Id,
    /// When.
    pub at: Timestamp,
    /// Key of what was posted; none where it was declined.
    pub posted: Option<String>,
}

/// A proposed posting, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingProposal {
    /// Its number.
    pub number: u64,
    /// What is proposed.
    pub posting: Posting,
    /// The bank's reference; for a reversal, the key of the transaction that it takes back.
    pub key: String,
    /// Why.
    pub reason: String,
    /// Who proposed it, and when.
    pub proposed: (Id, Timestamp),
    /// What became of it.
    pub decision: Option<PostingDecision>,
}

const PROPOSAL: &str =
    "SELECT number, kind, key, party, amount_fen, reason, proposed_by, proposed_at, decided_by,
    decided_at, posted FROM posting_proposal";

impl PostingProposal {
    fn read(columns: &mut Columns<'_, '_>) -> Result<Self, StoreError> {
        const BAD: StoreError = StoreError::BadRow("posting_proposal");
        let id = |text: Option<String>| text.map(|text| Id::new(&text).map_err(|_| BAD)).transpose();
        let (number, kind, key) = (columns.count()?, columns.text()?, columns.text()?);
        let (party, amount): (_, Option<i64>) = (id(columns.next()?)?, columns.next()?);
        let posting = match (kind.as_str(), party, amount) {
            ("pay-out", Some(party), Some(amount)) => Posting::PayOut(party, Fen::new(amount)),
            ("refund", Some(party), Some(amount)) => Posting::Refund(party, Fen::new(amount)),
            ("reverse", None, None) => Posting::Reverse,
            _ => return Err(BAD),
        };
        let reason = columns.text()?;
        let proposed = (columns.id()?, Timestamp::from_micros(columns.next()?));
        let (by, at): (_, Option<i64>) = (id(columns.next()?)?, columns.next()?);
        let posted = columns.next()?;
        let decision =
            by.zip(at).map(|(by, at)| PostingDecision { by, at: Timestamp::from_micros(at), posted });
        Ok(Self { number, posting, key, reason, proposed, decision })
    }
}

fn proposal(connection: &Connection, number: u64) -> Result<Option<PostingProposal>, StoreError> {
    let sql = format!("{PROPOSAL} WHERE number = ?1");
    Ok(rows(connection, &sql, [integer(number)?], PostingProposal::read)?.pop())
}

/// A proposal that nobody decided yet.
fn undecided(connection: &Connection, number: u64) -> Result<PostingProposal, BooksError> {
    let found = proposal(connection, number)?.ok_or(Code::C1003)?;
    if found.decision.is_some() { Err(Code::C1622.into()) } else { Ok(found) }
}

impl Books {
    /// Keeps a proposal; the same that still waits is that one.
    ///
    /// # Errors
    /// Of the database.
    pub fn propose_posting(
        &self,
        (posting, key, reason): (&Posting, &str, &str),
        (by, at): (&Id, Timestamp),
    ) -> Result<PostingProposal, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let waiting = format!("{PROPOSAL} WHERE decided_by IS NULL AND kind = ?1 AND key = ?2");
        let waiting = rows(&sql, &waiting, (posting.as_str(), key), PostingProposal::read)?;
        if let Some(same) = waiting.into_iter().find(|one| one.posting == *posting && one.reason == reason) {
            return Ok(same);
        }
        let paid = posting.paid();
        sql.execute(
            "INSERT INTO posting_proposal (number, kind, key, party, amount_fen, reason, proposed_by, proposed_at)
             SELECT coalesce(max(number), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM posting_proposal",
            (
                posting.as_str(),
                key,
                paid.map(|(party, _)| party.as_str()),
                paid.map(|(_, amount)| amount.count()),
                reason,
                by.as_str(),
                at.micros(),
            ),
        )?;
        let number =
            u64::try_from(sql.last_insert_rowid()).map_err(|_| StoreError::BadRow("posting_proposal"))?;
        let kept = proposal(&sql, number)?.ok_or(StoreError::BadRow("posting_proposal"))?;
        sql.commit()?;
        Ok(kept)
    }

    /// Posts what was proposed, in one step with the decision.
    ///
    /// # Errors
    /// C1003 where there is none of this number; C1614 for who proposed it; C1622 where it is decided; otherwise as
    /// [`Self::book`].
    pub fn approve_posting(
        &self,
        number: u64,
        booked: Booked<'_>,
        (by, at): (&Id, Timestamp),
    ) -> Result<PostingProposal, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        if undecided(&sql, number)?.proposed.0 == *by {
            return Err(Code::C1614.into());
        }
        book(&sql, booked, at)?;
        let update =
            "UPDATE posting_proposal SET decided_by = ?2, decided_at = ?3, posted = ?4 WHERE number = ?1";
        sql.execute(update, (integer(number)?, by.as_str(), at.micros(), &booked.transaction.key))?;
        let after = proposal(&sql, number)?.ok_or(StoreError::BadRow("posting_proposal"))?;
        sql.commit()?;
        Ok(after)
    }

    /// Declines a proposal: nothing is posted.
    ///
    /// # Errors
    /// C1003 where there is none of this number; C1622 where it is decided.
    pub fn decline_posting(
        &self,
        number: u64,
        (by, at): (&Id, Timestamp),
    ) -> Result<PostingProposal, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        undecided(&sql, number)?;
        let update = "UPDATE posting_proposal SET decided_by = ?2, decided_at = ?3 WHERE number = ?1";
        sql.execute(update, (integer(number)?, by.as_str(), at.micros()))?;
        let after = proposal(&sql, number)?.ok_or(StoreError::BadRow("posting_proposal"))?;
        sql.commit()?;
        Ok(after)
    }

    /// The proposed posting of this number.
    ///
    /// # Errors
    /// Of the database.
    pub fn posting_proposal(&self, number: u64) -> Result<Option<PostingProposal>, StoreError> {
        proposal(&self.lock(), number)
    }

    /// Every proposed posting, the latest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn posting_proposals(&self) -> Result<Vec<PostingProposal>, StoreError> {
        rows(&self.lock(), &format!("{PROPOSAL} ORDER BY number DESC"), [], PostingProposal::read)
    }
}
