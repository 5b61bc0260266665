//! The state as rows. Only rows that changed are written, and the position moves in the same transaction: every record
//! counts exactly once, whatever happens to the process.

mod budgets;
mod checkpoint;
mod data_uses;
mod drawn;
mod given_back;
mod rows;

use std::path::Path;

use rusqlite::Connection;
use shuzha_core::Timestamp;
use shuzha_evidence::Commitment;
use shuzha_journal::{Position, first_seq, projection, projections, read};

use self::checkpoint::Source;
pub use self::checkpoint::{projection_before, projection_digest};
pub use self::data_uses::UsesOf;
pub use self::given_back::given_back;
use crate::reduce::{CONSENT_KEPT, Changes, NONCE_WINDOW, State};
use crate::{Store, StoreError};

/// A table whose rows are not what the journal adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Rows that are missing, superfluous or different.
    pub rows: usize,
}

/// The stored projection beside one rebuilt from the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The record up to which they were compared.
    pub reached: Position,
    /// Where they differ; empty when the projection is sound.
    pub differences: Vec<Difference>,
}

impl Store {
    /// The state as last projected. Entries after [`State::reached`] are then applied from the journal.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] for a row that cannot be one of ours, or of the database.
    pub fn load_state(&self) -> Result<State, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let (reached, latest) = position(&transaction)?;
        let mut state = State { reached, latest, ..State::default() };
        rows::load(&transaction, &mut state)?;
        state.forget_old_nonces();
        Ok(state)
    }

    /// The last record that is in the projection.
    ///
    /// # Errors
    /// Of the database.
    pub fn reached(&self) -> Result<shuzha_journal::Position, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        Ok(position(&transaction)?.0)
    }

    /// Writes the rows of `state` that `changes` names, and the position, in one transaction; then empties `changes`.
    ///
    /// # Errors
    /// [`StoreError::OutOfStep`] when the database does not stand where `changes` begins; nothing is written then, nor
    /// after any other error, and `changes` stays as it is.
    pub fn project(&self, state: &State, changes: &mut Changes) -> Result<(), StoreError> {
        let Some(after) = changes.after else { return Ok(()) };
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let (stored, _) = position(&transaction)?;
        if stored != after {
            return Err(StoreError::OutOfStep { stored: stored.seq, expected: after.seq });
        }
        rows::save(&transaction, state, changes)?;
        let moved = transaction
            .prepare_cached("UPDATE position SET epoch = ?1, seq = ?2, latest_micros = ?3")?
            .execute((
                state.reached.epoch,
                rows::integer(state.reached.seq, "position")?,
                state.latest.micros(),
            ))?;
        if moved != 1 {
            return Err(StoreError::BadRow("position"));
        }
        transaction.commit()?;
        *changes = Changes::default();
        Ok(())
    }

    /// Empties the projection, so that it can be built again from the journal's first record. Releases and secrets stay.
    ///
    /// # Errors
    /// Of the database; nothing is changed then.
    pub fn reset_projection(&self) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        rows::clear(&transaction)?;
        transaction.execute("DELETE FROM data_uses", [])?;
        transaction.execute("UPDATE position SET epoch = 0, seq = 0, latest_micros = 0", [])?;
        Ok(transaction.commit()?)
    }

    /// Rebuilds the state from the journal in `journal_dir`, up to where the projection stands, and compares the two. Where records
    /// were given up, it begins with the projection that the log was told of before.
    ///
    /// # Errors
    /// [`StoreError::JournalEndsEarly`] when the projection has reached a record that the journal does not hold (one of
    /// the two is from another time or node); [`StoreError::NoProjection`] where records were given up and none is kept; or what
    /// reading either said.
    pub fn verify(&self, journal_dir: &Path) -> Result<Comparison, StoreError> {
        let stored = self.load_state()?;
        let source = Source {
            first_seq: first_seq(journal_dir)?,
            places: projections(journal_dir)?,
            kept: &|seq| projection(journal_dir, seq),
            records: &|seq| read(journal_dir, seq),
        };
        let base = source.base()?.map(|bytes| Self::of_projection(&bytes)?.load_state()).transpose()?;
        let (mut rebuilt, mut changes) = (base.unwrap_or_default(), Changes::default());
        let mut uses = data_uses::Checked::after(rebuilt.reached.seq);
        for record in read(journal_dir, rebuilt.reached.seq + 1)? {
            let record = record?;
            if record.position.seq > stored.reached.seq {
                break;
            }
            rebuilt.apply(record.position, &record.entry()?, &mut changes)?;
            uses.check(self, changes.data_uses.drain(..))?;
        }
        if rebuilt.reached != stored.reached {
            let (reached, journal) = (stored.reached.seq, rebuilt.reached.seq);
            return Err(StoreError::JournalEndsEarly { reached, journal });
        }
        let mut differences = compare(&stored, &rebuilt);
        differences.extend(uses.difference(self)?);
        Ok(Comparison { reached: stored.reached, differences })
    }
}

fn position(connection: &Connection) -> Result<(Position, Timestamp), StoreError> {
    let mut statement = connection.prepare_cached("SELECT epoch, seq, latest_micros FROM position")?;
    let (epoch, seq, latest): (u32, i64, i64) =
        statement.query_one([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let seq = u64::try_from(seq).map_err(|_| StoreError::BadRow("position"))?;
    Ok((Position { epoch, seq }, Timestamp::from_micros(latest)))
}

/// Times before this are past the window of nonces.
fn oldest_nonce(state: &State) -> i64 {
    state.latest.minus(NONCE_WINDOW).micros()
}

fn compare(stored: &State, rebuilt: &State) -> Vec<Difference> {
    use std::collections::BTreeMap;

    fn maps<K: Ord, V: PartialEq>(a: &BTreeMap<K, V>, b: &BTreeMap<K, V>) -> usize {
        let changed = a.iter().filter(|(key, value)| b.get(*key) != Some(value)).count();
        changed + b.keys().filter(|key| !a.contains_key(*key)).count()
    }

    fn more<K: Ord, V: Ord + Default>(a: &BTreeMap<K, V>, b: &BTreeMap<K, V>) -> usize {
        a.iter().filter(|(key, value)| b.get(*key).unwrap_or(&V::default()) < *value).count()
    }

    // When a consent was last used or withdrawn is not known of those that were there before that was kept: they stay in the rows for
    // longer, and what counts is how often they were used and whether they were withdrawn.
    let known = |state: &State| -> BTreeMap<_, _> {
        state.consents.iter().map(|(key, known)| (*key, (known.uses, known.withdrawn))).collect()
    };
    let (mut consents, rebuilt_consents) = (known(stored), known(rebuilt));
    let past = rebuilt.latest.minus(CONSENT_KEPT);
    let late = |key: &Commitment| stored.consents.get(key).is_some_and(|known| known.used >= past);
    consents.retain(|key, _| rebuilt_consents.contains_key(key) || !late(key));
    let counts = [
        ("consents", maps(&consents, &rebuilt_consents)),
        ("privacy_accounts", maps(stored.budgets.accounts(), rebuilt.budgets.accounts())),
        ("privacy_spaces", maps(stored.budgets.spaces(), rebuilt.budgets.spaces())),
        ("privacy_refunds", stored.budgets.refunds().symmetric_difference(rebuilt.budgets.refunds()).count()),
        ("usage", maps(&stored.usage, &rebuilt.usage)),
        ("posted", maps(&stored.posted, &rebuilt.posted)),
        ("meters", maps(&stored.meters, &rebuilt.meters)),
        // What was drawn before that was counted is not in the rows: they may hold less than the journal, and never more.
        ("drawn", more(&stored.drawn_sums(), &rebuilt.drawn_sums())),
        ("settled", maps(&stored.settled, &rebuilt.settled)),
        ("marks", maps(&stored.marks, &rebuilt.marks)),
        ("nonce_batches", stored.nonces.symmetric_difference(&rebuilt.nonces).count()),
        ("open_intents", maps(&stored.open, &rebuilt.open)),
        ("watched", maps(&stored.watched, &rebuilt.watched)),
        ("register_head", usize::from(stored.register != rebuilt.register)),
        ("projection_checkpoint", usize::from(stored.checkpoint != rebuilt.checkpoint)),
        ("position", usize::from(stored.latest != rebuilt.latest)),
    ];
    let wrong = counts.into_iter().filter(|(_, rows)| *rows > 0);
    wrong.map(|(table, rows)| Difference { table, rows }).collect()
}

#[cfg(test)]
mod tests;
