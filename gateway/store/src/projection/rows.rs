//! Reading and writing the rows of the projection, one function per table and direction.

use rusqlite::{Row, Transaction};
use shuzha_core::{MicroYuan, NanoCharge, PurposeClass, RequestId, Timestamp};
use shuzha_journal::Position;
use shuzha_pricing::{Basis, Month};

use super::{budgets, data_uses, drawn, oldest_nonce};
use crate::StoreError;
use crate::reduce::{
    Changes, Consent, CoveredCharge, Mark, MarkAnswer, MarkStatus, MeterKey, OpenIntent,
    ProjectionCheckpoint, RegisterHead, State, Usage, Watched,
};

/// Bytes of one nonce in a batch: its time and its tag.
const NONCE_BYTES: usize = 16;

const OPEN: u8 = 0;
const SPENT: u8 = 1;
const ANSWERED: u8 = 2;

/// A count as SQLite's signed integer.
pub(super) fn integer(value: u64, table: &'static str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Range(table))
}

pub(super) fn count(value: i64, table: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::BadRow(table))
}

/// Calls `take` with every row of a query.
pub(super) fn each(
    transaction: &Transaction<'_>,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

/// Tables of the projection that make up a state, but `position` and those of budgets.
const TABLES: [&str; 11] = [
    "consents",
    "usage",
    "posted",
    "meters",
    "settled",
    "marks",
    "nonce_batches",
    "open_intents",
    "watched",
    "register_head",
    "projection_checkpoint",
];

/// Every table that makes up a state, but `position`.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().chain([drawn::TABLE]).chain(budgets::TABLES)
}

/// Empties them.
pub(super) fn clear(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    for table in tables() {
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}

/// Reads every table into `state`.
pub(super) fn load(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    each(transaction, "SELECT consent, uses, withdrawn, used_micros FROM consents", |row| {
        let used = Timestamp::from_micros(row.get(3)?);
        state.set_consent(row.get(0)?, Consent { uses: row.get(1)?, withdrawn: row.get(2)?, used });
        Ok(())
    })?;
    budgets::load(transaction, state)?;
    each(transaction, "SELECT grant_name, day, calls, quantity, micro_yuan FROM usage", |row| {
        let usage = Usage {
            calls: count(row.get(2)?, "usage")?,
            quantity: count(row.get(3)?, "usage")?,
            amount: MicroYuan::from_micros(row.get(4)?),
        };
        state.usage.insert((row.get(0)?, row.get(1)?), usage);
        Ok(())
    })?;
    each(transaction, "SELECT unit, micro_yuan FROM posted", |row| {
        state.posted.insert(row.get(0)?, MicroYuan::from_micros(row.get(1)?));
        Ok(())
    })?;
    load_meters(transaction, state)?;
    drawn::load(transaction, state)?;
    each(transaction, "SELECT grant_name, product, epoch, seq FROM settled", |row| {
        let position = Position { epoch: row.get(2)?, seq: count(row.get(3)?, "settled")? };
        state.settled.insert((row.get(0)?, row.get(1)?), position);
        Ok(())
    })?;
    load_marks(transaction, state)?;
    load_nonces(transaction, state)?;
    each(transaction, "SELECT scenario, slowed_micros, stopped_micros FROM watched", |row| {
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let watched = Watched { slowed: at(row.get(1)?), stopped: at(row.get(2)?) };
        state.watched.insert(row.get(0)?, watched);
        Ok(())
    })?;
    each(transaction, "SELECT revision, digest FROM register_head", |row| {
        let revision = count(row.get(0)?, "register_head")?;
        state.register = Some(RegisterHead { revision, digest: row.get(1)? });
        Ok(())
    })?;
    state.checkpoint = load_checkpoint(transaction)?;
    load_open(transaction, state)
}

/// What the log was last told of the projection.
pub(super) fn load_checkpoint(
    transaction: &Transaction<'_>,
) -> Result<Option<ProjectionCheckpoint>, StoreError> {
    let (mut found, table) = (None, "projection_checkpoint");
    each(transaction, "SELECT seq, digest, at_epoch, at_seq FROM projection_checkpoint", |row| {
        let at = Position { epoch: row.get(2)?, seq: count(row.get(3)?, table)? };
        found = Some(ProjectionCheckpoint { seq: count(row.get(0)?, table)?, digest: row.get(1)?, at });
        Ok(())
    })?;
    Ok(found)
}

fn load_meters(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    let sql = "SELECT unit, price, scenario, agreement, purpose, basis, month, quantity FROM meters";
    each(transaction, sql, |row| {
        let (purpose, basis, month) = (row.get::<_, u8>(4)?, row.get(5)?, row.get(6)?);
        let known = (
            PurposeClass::ALL.get(usize::from(purpose)).copied(),
            Basis::from_number(basis),
            Month::from_index(month),
        );
        let (Some(purpose), Some(basis), Ok(month)) = known else { return Err(StoreError::BadRow("meters")) };
        let (unit, price, scenario, agreement) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let key = MeterKey { unit, price, scenario, agreement, purpose, basis, month };
        state.meters.insert(key, count(row.get(7)?, "meters")?);
        Ok(())
    })
}

fn save_meters(transaction: &Transaction<'_>, state: &State, changes: &Changes) -> Result<(), StoreError> {
    let mut put =
        transaction.prepare_cached("REPLACE INTO meters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for key in &changes.meters {
        let quantity = state.meters.get(key).copied().unwrap_or(0);
        let MeterKey { unit, price, scenario, agreement, purpose, basis, month } = key;
        let numbers = (*purpose as u8, basis.number(), month.index(), integer(quantity, "meters")?);
        put.execute((unit, price, scenario, agreement, numbers.0, numbers.1, numbers.2, numbers.3))?;
    }
    Ok(())
}

fn load_marks(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    let sql = "SELECT mark, unit, request, covered_consent, covered_nanos, status, micro_yuan, epoch, seq, at_micros,
               covered_request, covered_release, answer_request, answer, reruns FROM marks";
    // Only what was read is put into the state; nothing of it is to be written again.
    let mut unneeded = Changes::default();
    each(transaction, sql, |row| {
        let status = match row.get(5)? {
            OPEN => MarkStatus::Open,
            SPENT => MarkStatus::Spent,
            ANSWERED => MarkStatus::Answered {
                amount: MicroYuan::from_micros(row.get(6)?),
                position: Position { epoch: row.get(7)?, seq: count(row.get(8)?, "marks")? },
            },
            _ => return Err(StoreError::BadRow("marks")),
        };
        let mark = Mark {
            unit: row.get(1)?,
            request: row.get(2)?,
            covered_consent: row.get(3)?,
            covered_charge: covered_charge(row)?,
            status,
            answer: match (row.get::<_, Option<_>>(12)?, row.get(13)?) {
                (Some(request), Some(commitment)) => {
                    Some(MarkAnswer { request: RequestId::from_bytes(request), commitment })
                }
                _ => None,
            },
            reruns: row.get(14)?,
            at: Timestamp::from_micros(row.get(9)?),
        };
        state.set_mark(row.get(0)?, Some(mark), &mut unneeded);
        Ok(())
    })
}

/// What a mark covers. One of software that did not say whose charge it is covers none: its retry pays again.
fn covered_charge(row: &Row<'_>) -> Result<Option<CoveredCharge>, StoreError> {
    let Some(request) = row.get::<_, Option<_>>(10)? else { return Ok(None) };
    Ok(Some(CoveredCharge {
        request: RequestId::from_bytes(request),
        release: row.get(11)?,
        charge: NanoCharge::from_nanos(count(row.get(4)?, "marks")?),
    }))
}

fn load_nonces(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    each(transaction, "SELECT packed FROM nonce_batches", |row| {
        let packed: Vec<u8> = row.get(0)?;
        let nonces = packed.chunks_exact(NONCE_BYTES);
        if !nonces.remainder().is_empty() {
            return Err(StoreError::BadRow("nonce_batches"));
        }
        for nonce in nonces {
            let (at, tag) = nonce.split_at(8);
            let at = i64::from_be_bytes(at.try_into().expect("eight bytes"));
            state.nonces.insert((Timestamp::from_micros(at), tag.try_into().expect("eight bytes")));
        }
        Ok(())
    })
}

fn load_open(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    let mut debits = budgets::load_open(transaction)?;
    let sql = "SELECT request, mark, consent, held_micro_yuan, consent_parent, release FROM open_intents";
    each(transaction, sql, |row| {
        let request = RequestId::from_bytes(row.get(0)?);
        let intent = OpenIntent {
            mark: row.get(1)?,
            consent: row.get(2)?,
            consent_parent: row.get(4)?,
            debit: debits.remove(&request),
            release: row.get(5)?,
            held: MicroYuan::from_micros(row.get(3)?),
        };
        state.open.insert(request, intent);
        Ok(())
    })
}

/// Writes the rows that `changes` names.
pub(super) fn save(
    transaction: &Transaction<'_>,
    state: &State,
    changes: &Changes,
) -> Result<(), StoreError> {
    let mut put = transaction.prepare_cached("REPLACE INTO consents VALUES (?1, ?2, ?3, ?4)")?;
    let mut forget = transaction.prepare_cached("DELETE FROM consents WHERE consent = ?1")?;
    for key in &changes.consents {
        match state.consents.get(key) {
            Some(known) => put.execute((key, known.uses, known.withdrawn, known.used.micros()))?,
            None => forget.execute([key])?,
        };
    }
    budgets::save(transaction, state, changes)?;
    let mut put = transaction.prepare_cached("REPLACE INTO usage VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut forget = transaction.prepare_cached("DELETE FROM usage WHERE grant_name = ?1 AND day = ?2")?;
    for key @ (grant, day) in &changes.usage {
        let Some(&Usage { calls, quantity, amount }) = state.usage.get(key) else {
            forget.execute((grant, day))?;
            continue;
        };
        put.execute((grant, day, integer(calls, "usage")?, integer(quantity, "usage")?, amount.micros()))?;
    }
    let mut put = transaction.prepare_cached("REPLACE INTO posted VALUES (?1, ?2)")?;
    for unit in &changes.posted {
        put.execute((unit, state.posted.get(unit).copied().unwrap_or_default().micros()))?;
    }
    save_meters(transaction, state, changes)?;
    drawn::save(transaction, state, changes)?;
    let mut put = transaction.prepare_cached("REPLACE INTO settled VALUES (?1, ?2, ?3, ?4)")?;
    for key @ (grant, product) in &changes.settled {
        let position = state.settled.get(key).copied().unwrap_or_default();
        put.execute((grant, product, position.epoch, integer(position.seq, "settled")?))?;
    }
    save_marks(transaction, state, changes)?;
    save_nonces(transaction, state, changes)?;
    let mut put = transaction.prepare_cached("REPLACE INTO watched VALUES (?1, ?2, ?3)")?;
    for scenario in &changes.watched {
        let Watched { slowed, stopped } = state.watched.get(scenario).copied().unwrap_or_default();
        put.execute((scenario, slowed.map(Timestamp::micros), stopped.map(Timestamp::micros)))?;
    }
    save_open(transaction, state, changes)?;
    if let Some(head) = state.register.filter(|_| changes.register) {
        let mut put = transaction.prepare_cached("REPLACE INTO register_head VALUES (1, ?1, ?2)")?;
        put.execute((integer(head.revision, "register_head")?, head.digest))?;
    }
    if let Some(checkpoint) = state.checkpoint.filter(|_| changes.checkpoint) {
        let ProjectionCheckpoint { seq, digest, at } = checkpoint;
        let (seq, at_seq) =
            (integer(seq, "projection_checkpoint")?, integer(at.seq, "projection_checkpoint")?);
        let mut put =
            transaction.prepare_cached("REPLACE INTO projection_checkpoint VALUES (1, ?1, ?2, ?3, ?4)")?;
        put.execute((seq, digest, at.epoch, at_seq))?;
    }
    data_uses::save(transaction, &changes.data_uses)
}

fn save_marks(transaction: &Transaction<'_>, state: &State, changes: &Changes) -> Result<(), StoreError> {
    let sql = "REPLACE INTO marks (mark, unit, request, covered_consent, covered_nanos, status, micro_yuan, epoch, seq,
               at_micros, covered_request, covered_release, answer_request, answer, reruns)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let mut put = transaction.prepare_cached(sql)?;
    let mut remove = transaction.prepare_cached("DELETE FROM marks WHERE mark = ?1")?;
    for key in &changes.marks {
        let Some(mark) = state.marks.get(key) else {
            remove.execute([key])?;
            continue;
        };
        let (status, answer) = match mark.status {
            MarkStatus::Open => (OPEN, None),
            MarkStatus::Spent => (SPENT, None),
            MarkStatus::Answered { amount, position } => (ANSWERED, Some((amount, position))),
        };
        let covered = mark.covered_charge.as_ref();
        put.execute((
            key,
            &mark.unit,
            mark.request,
            mark.covered_consent,
            integer(covered.map_or(0, |covered| covered.charge.nanos()), "marks")?,
            status,
            answer.map(|(amount, _)| amount.micros()),
            answer.map(|(_, position)| position.epoch),
            answer.map(|(_, position)| integer(position.seq, "marks")).transpose()?,
            mark.at.micros(),
            covered.map(|covered| covered.request.as_bytes()),
            covered.and_then(|covered| covered.release),
            mark.answer.as_ref().map(|answer| answer.request.as_bytes()),
            mark.answer.map(|answer| answer.commitment),
            mark.reruns,
        ))?;
    }
    Ok(())
}

fn save_nonces(transaction: &Transaction<'_>, state: &State, changes: &Changes) -> Result<(), StoreError> {
    let live: Vec<_> = changes.nonces.iter().filter(|nonce| state.nonces.contains(nonce)).collect();
    if let Some((latest, _)) = live.last() {
        let mut packed = Vec::with_capacity(live.len() * NONCE_BYTES);
        for (at, tag) in &live {
            packed.extend_from_slice(&at.micros().to_be_bytes());
            packed.extend_from_slice(tag);
        }
        let mut put = transaction.prepare_cached("INSERT INTO nonce_batches VALUES (?1, ?2, ?3)")?;
        put.execute((integer(state.reached.seq, "nonce_batches")?, latest.micros(), packed))?;
    }
    let mut forget = transaction.prepare_cached("DELETE FROM nonce_batches WHERE latest_micros < ?1")?;
    forget.execute([oldest_nonce(state)])?;
    Ok(())
}

fn save_open(transaction: &Transaction<'_>, state: &State, changes: &Changes) -> Result<(), StoreError> {
    let sql = "REPLACE INTO open_intents (request, mark, consent, held_micro_yuan, consent_parent, release)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut put = transaction.prepare_cached(sql)?;
    let mut remove = transaction.prepare_cached("DELETE FROM open_intents WHERE request = ?1")?;
    for request in &changes.open {
        let key = request.as_bytes();
        let open = state.open.get(request);
        budgets::save_open(transaction, request, open.and_then(|intent| intent.debit.as_ref()))?;
        match open {
            None => remove.execute([key])?,
            Some(intent) => {
                let held = intent.held.micros();
                put.execute((key, intent.mark, intent.consent, held, intent.consent_parent, intent.release))?
            }
        };
    }
    Ok(())
}
