//! What the register promises: one winner per version, whole batches or nothing, versions that only grow.

use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, OsRng, Timestamp};

use super::*;

fn name(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn act() -> Act {
    Act::new(&ManualClock::at(Timestamp::from_seconds(1)), &OsRng, "put", "Thing", name("a"))
}

fn content(spec: &str) -> Content {
    Content { spec: spec.to_owned(), ..Content::default() }
}

fn batch(changes: Vec<Change>) -> Batch {
    Batch { changes, ..Batch::of(act()) }
}

fn change(of: &str, expected: Option<u64>, to: Option<Content>) -> Change {
    Change { kind: "Thing".to_owned(), name: name(of), expected, to }
}

#[test]
fn of_sixteen_commits_on_one_version_one_succeeds() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("control.db");
    let first = Register::open(&path).expect("opens");
    let version = first.commit(&batch(vec![change("a", None, Some(content("{}")))])).expect("committed");
    // Connections of their own, so that SQLite and not the mutex decides.
    let registers: Vec<_> = (0..16).map(|_| Register::open(&path).expect("opens")).collect();
    let won: usize = std::thread::scope(|scope| {
        let race = |register: Register| {
            let batch = batch(vec![change("a", Some(version), Some(content("{\"won\":1}")))]);
            scope.spawn(move || match register.commit(&batch) {
                Ok(_) => 1,
                Err(CommitError::Conflict) => 0,
                // Write-ahead mode lets a reader that becomes a writer fail at once; it has changed nothing.
                Err(CommitError::Store(error)) if error.retryable() => 0,
                Err(other) => panic!("{other}"),
            })
        };
        let threads: Vec<_> = registers.into_iter().map(race).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(first.revision().expect("answers"), 2);
    assert_eq!(first.outbox().expect("answers").len(), 2);
}

#[test]
fn a_batch_that_fails_at_its_end_leaves_nothing() {
    let register = Register::in_memory().expect("opens");
    register.commit(&batch(vec![change("a", None, Some(content("{}")))])).expect("committed");
    let before = register.dump().expect("answers");
    let halves = vec![change("b", None, Some(content("{}"))), change("a", Some(9), Some(content("{}")))];
    assert!(matches!(register.commit(&batch(halves)), Err(CommitError::Conflict)));
    assert_eq!(register.dump().expect("answers"), before);
}

#[test]
fn a_version_is_never_given_twice() {
    let register = Register::in_memory().expect("opens");
    let commit = |change| register.commit(&batch(vec![change])).expect("committed");
    let first = commit(change("a", None, Some(content("{}"))));
    commit(change("a", Some(first), None));
    let again = commit(change("a", None, Some(content("{}"))));
    assert!(again > first);
    let stale = register.commit(&batch(vec![change("a", Some(first), None)]));
    assert!(matches!(stale, Err(CommitError::Conflict)));
}

#[test]
fn what_is_referred_to_stays_and_what_is_held_is_held_once() {
    let register = Register::in_memory().expect("opens");
    let version = register.commit(&batch(vec![change("a", None, Some(content("{}")))])).expect("committed");
    let held = vec![("Grant".to_owned(), name("g"))];
    let holder = Content { refers: vec![("Thing".to_owned(), name("a"))], in_force: held, ..content("{}") };
    register.commit(&batch(vec![change("b", None, Some(holder.clone()))])).expect("committed");
    let removed = register.commit(&batch(vec![change("a", Some(version), None)]));
    assert!(matches!(removed, Err(CommitError::Referred((_, name))) if name.as_str() == "b"));
    let second = register.commit(&batch(vec![change("c", None, Some(holder))]));
    assert!(matches!(second, Err(CommitError::Held((_, name))) if name.as_str() == "g"));
    assert_eq!(register.holder("Grant", "g").expect("answers").map(|o| o.name), Some(name("b")));
}

#[test]
fn a_deadline_keeps_its_mark_until_it_moves() {
    let register = Register::in_memory().expect("opens");
    let due = |at| vec![("review".to_owned(), Timestamp::from_seconds(at), true)];
    let with = |at| Some(Content { deadlines: due(at), ..content("{}") });
    let first = register.commit(&batch(vec![change("a", None, with(5))])).expect("committed");
    let open = || register.due(Timestamp::from_seconds(100), 9).expect("answers");
    let deadline = open().pop().expect("is due");
    assert!(register.overdue(&deadline, Timestamp::from_seconds(9)).expect("marked"));
    assert!(!register.overdue(&deadline, Timestamp::from_seconds(9)).expect("answers"), "once");
    let second = register.commit(&batch(vec![change("a", Some(first), with(5))])).expect("committed");
    assert!(open().is_empty());
    register.commit(&batch(vec![change("a", Some(second), with(6))])).expect("committed");
    assert_eq!(open().len(), 1);
    assert_eq!(register.notices(None, 9).expect("answers").len(), 1);
}

fn mark(key: &str, window: Option<(i64, i64)>, shared_as: Option<&str>) -> Mark {
    let window = window.map(|(from, until)| (Timestamp::from_seconds(from), Timestamp::from_seconds(until)));
    Mark { of: "code".to_owned(), key: key.to_owned(), window, shared_as: shared_as.map(str::to_owned) }
}

#[test]
fn what_is_claimed_by_one_is_not_written_for_another() {
    let register = Register::in_memory().expect("opens");
    let put = |name: &str, expected: Option<u64>, marks: Vec<Mark>| {
        let content = Content { marks, ..content("{}") };
        register.commit(&batch(vec![change(name, expected, Some(content))]))
    };
    let held = put("a", None, vec![mark("x", None, None), mark("w", Some((10, 20)), None)]).expect("first");
    for (marks, clashes) in [
        (vec![mark("y", None, None)], false),
        (vec![mark("y", None, None), mark("x", None, None)], true),
        (vec![mark("x", Some((0, 1)), None)], true),
        (vec![mark("x", None, Some("shared"))], true),
        (vec![mark("w", Some((20, 30)), None)], false),
        (vec![mark("w", Some((0, 10)), None)], false),
        (vec![mark("w", Some((19, 30)), None)], true),
        (vec![mark("w", Some((0, 30)), None)], true),
    ] {
        let before = register.dump().expect("dumped");
        let written = put("b", None, marks.clone());
        match (&written, clashes) {
            (Err(CommitError::Clash(other)), true) => assert_eq!(other.1, name("a"), "{marks:?}"),
            (Ok(version), false) => {
                let change = change("b", Some(*version), None);
                register.commit(&batch(vec![change])).expect("removed, and its marks with it");
                continue;
            }
            _ => panic!("{marks:?}: {written:?}"),
        }
        assert_eq!(register.dump().expect("dumped"), before, "nothing of it remains");
    }
    // Whoever gives a claim up makes room for it; what is one's own does not clash with itself.
    let held = put("a", Some(held), vec![mark("w", Some((15, 40)), None)]).expect("its own window moves");
    put("b", None, vec![mark("x", None, None), mark("s", None, Some("real"))]).expect("given up");
    put("c", None, vec![mark("s", None, Some("real"))]).expect("shared");
    assert!(matches!(put("d", None, vec![mark("s", None, Some("synthetic"))]), Err(CommitError::Clash(_))));
    assert!(matches!(put("a", Some(held), vec![mark("x", None, None)]), Err(CommitError::Clash(_))));
}

#[test]
fn of_sixteen_that_claim_one_code_one_succeeds() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("control.db");
    // Connections of their own, so that SQLite and not the mutex decides.
    let registers: Vec<_> = (0..16).map(|_| Register::open(&path).expect("opens")).collect();
    let won: usize = std::thread::scope(|scope| {
        let race = |(at, register): (usize, Register)| {
            let content = Content { marks: vec![mark("x", None, None)], ..content("{}") };
            let batch = batch(vec![change(&format!("n{at}"), None, Some(content))]);
            scope.spawn(move || match register.commit(&batch) {
                Ok(_) => 1,
                Err(CommitError::Clash(_) | CommitError::Store(_)) => 0,
                Err(other) => panic!("{other}"),
            })
        };
        let racers: Vec<_> = registers.into_iter().enumerate().map(race).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).sum()
    });
    assert_eq!(won, 1);
}

/// Every version of an object is read back with the instant of its writing, of removed objects too.
#[test]
fn g2_every_version_of_an_object_is_kept_with_its_time() {
    let register = Register::in_memory().expect("opens");
    let at = |second, changes| Batch {
        act: Act { at: Timestamp::from_seconds(second), ..act() },
        ..batch(changes)
    };
    let commit = |second, changes| register.commit(&at(second, changes)).expect("committed");
    let first = commit(1, vec![change("b", None, Some(content("{\"n\":1}")))]);
    let second = commit(2, vec![change("b", Some(first), Some(content("{\"n\":2}")))]);
    let gone = commit(3, vec![change("a", None, Some(content("{\"n\":3}")))]);
    commit(4, vec![change("a", Some(gone), None)]);
    let found: Vec<_> = register
        .versions("Thing")
        .expect("answers")
        .into_iter()
        .map(|one| (one.name.to_string(), one.version, one.updated.seconds(), one.spec))
        .collect();
    let kept = |name: &str, version, second, spec: &str| (name.to_owned(), version, second, spec.to_owned());
    assert_eq!(
        found,
        [
            kept("a", gone, 3, "{\"n\":3}"),
            kept("b", first, 1, "{\"n\":1}"),
            kept("b", second, 2, "{\"n\":2}"),
        ]
    );
    assert_eq!(register.versions("Other").expect("answers"), []);
    let stood = |name: &str, second| {
        let found = register.as_at("Thing", name, Timestamp::from_seconds(second)).expect("answers");
        found.map(|one| one.version)
    };
    assert_eq!([stood("b", 1), stood("b", 2), stood("b", 3)], [Some(first), Some(first), Some(second)]);
    assert_eq!([stood("a", 9), stood("c", 9)], [Some(gone), None]);
}

/// What stood when promises began to be kept is the first value, whatever it had been before; a version from then on never goes.
#[test]
fn e6_the_history_of_an_object_begins_with_what_stood_at_the_upgrade() {
    let register = Register::in_memory().expect("opens");
    let commit = |changes| register.commit(&batch(changes)).expect("committed");
    let mut versions = vec![commit(vec![change("b", None, Some(content("{\"n\":1}")))])];
    for n in 2..6 {
        let spec = format!("{{\"n\":{n}}}");
        versions.push(commit(vec![change("b", versions.last().copied(), Some(content(&spec)))]));
    }
    let history = |register: &Register| -> Vec<u64> {
        register.history("Thing", "b").expect("answers").iter().map(|one| one.version).collect()
    };
    assert_eq!(history(&register), versions);
    // As a register that was migrated after the third.
    register
        .lock()
        .execute("UPDATE promises SET since = ?1", [i64::try_from(versions[2]).expect("small")])
        .expect("a row");
    assert_eq!(history(&register), versions[2..]);
    commit(vec![change("b", versions.last().copied(), None)]);
    assert_eq!(history(&register), versions[2..], "removed, and not forgotten");
    assert_eq!(register.history("Thing", "other").expect("answers"), []);
}
