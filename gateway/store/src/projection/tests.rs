//! Written and read back, in any batches, the projection is the state.

use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Code, Id, NanoCharge};
use shuzha_evidence::{Act, ActKind, Call, Decision, Entry, Intent};
use shuzha_journal::{Journal, Options};

use super::*;
use crate::reduce::tests::laws::history;
use crate::reduce::tests::{apply_all, at, boot, call, closing, intent, next};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever follows a projection that the log was told of, nothing of it is given back; and its canonical form is it.
    #[test]
    fn what_follows_a_projection_gives_nothing_back(history in history(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(history.len() + 1);
        let ((before, mut changes), (now, _)) =
            (apply_all(&history[..cut]).expect("sound"), apply_all(&history).expect("sound"));
        prop_assert_eq!(given_back(&before, &now), []);
        let store = Store::in_memory().expect("opens");
        store.project(&before, &mut changes).expect("stores");
        let (reached, bytes) = store.canonical_projection().expect("reads");
        prop_assert_eq!(reached, before.reached);
        let again = Store::of_projection(&bytes).expect("reads");
        prop_assert_eq!(again.load_state().expect("loads"), before.clone());
        prop_assert_eq!(again.canonical_projection().expect("reads").1, bytes);
        // What was spent and answered, and is not there any more, is noticed.
        let empty = State { latest: before.latest, ..State::default() };
        prop_assert!(before.settled.is_empty() || !given_back(&before, &empty).is_empty());
    }
}

#[test]
fn a_projection_of_other_software_is_refused() {
    let store = Store::in_memory().expect("opens");
    let (_, bytes) = store.canonical_projection().expect("reads");
    assert!(Store::of_projection(&bytes).is_ok());
    let newer: Vec<u8> =
        bytes.iter().enumerate().map(|(at, byte)| if at == 24 { 99 } else { *byte }).collect();
    for wrong in [&b"SHUZHAP2"[..], &bytes[..bytes.len() - 1], &bytes[..30], &newer, b""] {
        assert!(matches!(Store::of_projection(wrong), Err(StoreError::BadRow(_))));
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

/// Logic H7: rows and memory grew for ever, 74 bytes for each consent ever used and 157 for each day of each grant.
#[test]
fn ended_consents_and_days_long_past_are_gone_also_after_a_restart() {
    const DAY: i64 = 86_400_000_000;
    let store = Store::in_memory().expect("opens");
    let (mut state, mut changes) = apply_all(&[]).expect("sound");
    let kept = i64::try_from(crate::CONSENT_KEPT.as_micros()).expect("short");
    let answer = |state: &mut State, changes: &mut Changes, number: u8, after: i64| {
        let received = at(after);
        let (nonce, consent) = ([number; 8], Some([number; 16]));
        let (idempotency, charge) = (None, NanoCharge::ZERO);
        let held = Intent { received, nonce, consent, idempotency, charge, measure: None, ..intent(number) };
        let closed =
            Call { received, nonce, consent, idempotency, charge, ..call(number, Decision::Answered) };
        for entry in [Entry::Intent(held), Entry::Call(Box::new(closed))] {
            state.apply(next(state, &entry), &entry, changes).expect("sound");
        }
        store.project(state, changes).expect("stores");
        // A restart: what is in memory is what the rows say.
        *state = store.load_state().expect("loads");
    };
    for number in 0..70 {
        answer(&mut state, &mut changes, number, i64::from(number) * DAY);
    }
    assert_eq!(state.consents.len(), 70);
    let days: Vec<_> = state.usage.keys().map(|(_, day)| *day).collect();
    assert!(days.len() <= 33 && days[0] == crate::BEFORE, "{days:?}");
    assert_eq!(
        state.usage.values().map(|used| used.quantity).sum::<u64>(),
        70,
        "nothing is lost of the term"
    );
    let withdrawn = Act {
        at: at(70 * DAY),
        kind: ActKind::ConsentWithdrawn,
        actor: "issuer",
        object: "",
        commitment: Some([1; 16]),
        target: "",
    };
    let entry = Entry::Act(withdrawn);
    state.apply(next(&state, &entry), &entry, &mut changes).expect("sound");
    answer(&mut state, &mut changes, 99, 69 * DAY + kept + 1);
    let left: Vec<_> = state.consents.keys().map(|consent| consent[0]).collect();
    assert_eq!(left, [1, 99], "those that can be used no more are gone; what was withdrawn is kept as long");
    let rows: i64 =
        store.lock().query_row("SELECT count(*) FROM consents", [], |row| row.get(0)).expect("counts");
    assert_eq!(rows, 2);
    // Before, what was withdrawn was remembered for ever.
    answer(&mut state, &mut changes, 98, 70 * DAY + kept + 1);
    let left: Vec<_> = state.consents.keys().map(|consent| consent[0]).collect();
    assert_eq!(left, [98, 99], "a withdrawn consent that has ended is refused by its own end");
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
        ("drawn", "UPDATE drawn SET quantity = quantity + 1"),
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

/// D4: what a person may see is what the journal says, newest first, by tag or consent, each once; `verify` finds a row that was
/// changed, taken away or added.
#[test]
fn d4_uses_are_found_by_tag_and_checked_against_the_journal() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
    let mut options = Options::new(dir.path(), Id::new("gate-1").expect("a name"), "0.1.0");
    options.free_bytes_min = 0;
    let journal = Journal::open(options, clock).expect("opens");
    let about = |number: u8, decision, subject: u8, consent: Option<u8>, code| {
        let call = shuzha_evidence::Call {
            subject: Some([subject; 16]),
            consent: consent.map(|consent| [consent; 16]),
            code,
            charge: shuzha_core::NanoCharge::ZERO,
            ..crate::reduce::tests::call(number, decision)
        };
        Entry::Call(Box::new(call))
    };
    let refused = |code| (Decision::Refused, Some(code));
    for (number, subject, consent, (decision, code)) in [
        (1, 7, Some(9), (Decision::Answered, None)),
        (2, 7, None, refused(Code::C401)),
        // Not about a person's consent: refused before that was asked.
        (3, 7, None, refused(Code::C302)),
        (4, 8, Some(5), (Decision::Failed, Some(Code::C802))),
    ] {
        let entry = about(number, decision, subject, consent, code);
        journal.append_durable(&entry).expect("appends").wait().expect("durable");
    }
    let store = Store::in_memory().expect("opens");
    let (mut state, mut changes) = (State::default(), Changes::default());
    state.replay(journal.reader(1).expect("reads"), &mut changes).expect("sound");
    store.project(&state, &mut changes).expect("stores");
    let found = |subjects: &[u8], consents: &[u8], before, limit| -> Vec<u64> {
        let tags = |tags: &[u8]| tags.iter().map(|tag| [*tag; 16]).collect();
        let of = UsesOf { subjects: tags(subjects), consents: tags(consents) };
        store.data_uses(&of, before, limit).expect("reads").iter().map(|one| one.seq).collect()
    };
    assert_eq!(found(&[7], &[], None, 10), [3, 2]);
    assert_eq!(found(&[7], &[9], None, 10), [3, 2]);
    assert_eq!(found(&[7, 8], &[9, 5], None, 2), [5, 3]);
    assert_eq!(found(&[7], &[], Some(3), 10), [2]);
    assert_eq!(found(&[1], &[1], None, 10), Vec::<u64>::new());
    let wrong = || {
        let found = store.verify(dir.path()).expect("compares").differences;
        found.iter().map(|difference| (difference.table, difference.rows)).collect::<Vec<_>>()
    };
    assert_eq!(wrong(), []);
    for damage in [
        "UPDATE data_uses SET unit = 'another' WHERE seq = 2",
        "DELETE FROM data_uses WHERE seq = 3",
        "INSERT INTO data_uses SELECT 99, at_micros, subject, consent, unit, scenario, product, operation, purpose,
         decision, code FROM data_uses WHERE seq = 5",
    ] {
        store.lock().execute(damage, []).expect("damages");
    }
    assert_eq!(wrong(), [("data_uses", 3)]);
}
