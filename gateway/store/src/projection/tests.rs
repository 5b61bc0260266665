//! Written and read back, in any batches, the projection is the state.

use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, NanoCharge};
use shuzha_evidence::{Decision, Entry, Intent};
use shuzha_journal::{Journal, Options};

use super::*;
use crate::reduce::tests::laws::history;
use crate::reduce::tests::{apply_all, boot, closing, intent, next};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In batches of any size, with a reload between any two, the stored state is the one built at once.
    #[test]
    fn batches_and_reloads_change_nothing(history in history(), cuts in prop::collection::vec(1_usize..9, 1..40)) {
        let store = Store::in_memory().expect("opens");
        let history: Vec<_> = std::iter::once(boot()).chain(history).collect();
        let (mut rest, mut cuts) = (&history[..], cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(cuts.next().expect("endless").min(rest.len()));
            let (mut state, mut changes) = (store.load_state().expect("loads"), Changes::default());
            for entry in batch {
                state.apply(next(&state, entry), entry, &mut changes).expect("sound");
            }
            store.project(&state, &mut changes).expect("stores");
            prop_assert!(changes.is_empty());
            prop_assert_eq!(store.load_state().expect("loads"), state);
            rest = later;
        }
        let (whole, _) = apply_all(&history[1..]).expect("sound");
        prop_assert_eq!(store.load_state().expect("loads"), whole);
    }
}

#[test]
fn a_batch_counts_once_or_not_at_all() {
    let store = Store::in_memory().expect("opens");
    let (state, mut changes) = apply_all(&[Entry::Intent(intent(1))]).expect("sound");
    let mut again = changes.clone();
    store.project(&state, &mut changes).expect("stores");
    let twice = store.project(&state, &mut again);
    assert!(matches!(twice, Err(StoreError::OutOfStep { stored: 2, expected: 0 })));
    assert!(!again.is_empty());
    assert_eq!(store.load_state().expect("loads"), state);
}

/// A batch that fails half-way leaves no row behind: here a sum that SQLite cannot hold, after rows that it can.
#[test]
fn a_failing_batch_leaves_nothing() {
    let store = Store::in_memory().expect("opens");
    let huge = Intent { charge: NanoCharge::from_nanos(1 << 63), ..intent(1) };
    let (state, mut changes) = apply_all(&[Entry::Intent(huge)]).expect("sound");
    assert!(matches!(store.project(&state, &mut changes), Err(StoreError::Range(_))));
    assert_eq!(store.load_state().expect("loads"), State::default());
    let uses: i64 =
        store.lock().query_row("SELECT count(*) FROM consents", [], |row| row.get(0)).expect("counts");
    assert_eq!(uses, 0);
}

#[test]
fn a_reset_projection_is_empty_and_can_be_rebuilt() {
    let store = Store::in_memory().expect("opens");
    let entries = [Entry::Intent(intent(1)), closing(1, Decision::Answered), Entry::Intent(intent(2))];
    let (state, mut changes) = apply_all(&entries).expect("sound");
    let mut again = changes.clone();
    store.project(&state, &mut changes).expect("stores");
    store.reset_projection().expect("empties");
    assert_eq!(store.load_state().expect("loads"), State::default());
    store.project(&state, &mut again).expect("stores");
    assert_eq!(store.load_state().expect("loads"), state);
}

#[test]
fn verify_names_the_tables_that_were_edited() {
    let dir = tempfile::tempdir().expect("a directory");
    let node = Id::new("gate-1").expect("well-formed");
    let options = Options { free_bytes_min: 0, ..Options::new(dir.path(), node, "0.1.0") };
    let journal = Journal::open(options, Arc::new(ManualClock::default())).expect("opens");
    for entry in [Entry::Intent(intent(1)), closing(1, Decision::Answered), Entry::Intent(intent(2))] {
        journal.append_durable(&entry).expect("serving").wait().expect("durable");
    }
    let store = Store::in_memory().expect("opens");
    let (mut state, mut changes) = (State::default(), Changes::default());
    state.replay(journal.reader(1).expect("reads"), &mut changes).expect("sound");
    store.project(&state, &mut changes).expect("stores");
    let sound = store.verify(dir.path()).expect("compares");
    assert_eq!((sound.reached.seq, sound.differences), (4, vec![]));

    let edits = [
        ("consents", "UPDATE consents SET uses = uses - 1"),
        ("privacy_accounts", "UPDATE privacy_accounts SET days = x''"),
        ("privacy_spaces", "UPDATE privacy_spaces SET measure = 1"),
        ("privacy_refunds", "INSERT INTO privacy_refunds VALUES (randomblob(16))"),
        ("open_intents", "DELETE FROM open_debits"),
        ("usage", "UPDATE usage SET calls = 0"),
        ("posted", "UPDATE posted SET micro_yuan = 1"),
        ("settled", "DELETE FROM settled"),
        ("marks", "UPDATE marks SET at_micros = at_micros + 1"),
        ("nonce_batches", "DELETE FROM nonce_batches"),
        ("open_intents", "DELETE FROM open_intents"),
        ("position", "UPDATE position SET latest_micros = latest_micros + 1"),
    ];
    for (table, edit) in edits {
        store.lock().execute(edit, []).expect("edits");
        let differences = store.verify(dir.path()).expect("compares").differences;
        assert_eq!(differences.iter().map(|found| found.table).collect::<Vec<_>>(), [table], "{edit}");
        let mut from_start = Changes::default();
        let mut rebuilt = State::default();
        rebuilt.replay(journal.reader(1).expect("reads"), &mut from_start).expect("sound");
        store.reset_projection().expect("empties");
        store.project(&rebuilt, &mut from_start).expect("stores");
    }
    store.lock().execute("UPDATE position SET seq = 9", []).expect("edits");
    assert!(matches!(store.verify(dir.path()), Err(StoreError::JournalEndsEarly { reached: 9, journal: 4 })));
}
