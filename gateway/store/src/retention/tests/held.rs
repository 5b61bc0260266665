//! What keeps a half-year from being sealed or destroyed.

use super::*;

#[test]
fn h3_what_still_needs_a_half_year_holds_it() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.stores.now());
    let second: Shard = "2026h2".parse().unwrap();
    let retention = past.retention();
    // The later one waits for the earlier, is not sealed, and is not due; the latest is still open.
    let waits = holds(&retention, "2026h2", now);
    for hold in [Hold::Until(second.months_after(24)), Hold::Unsealed, Hold::Earlier(past.first)] {
        assert!(waits.contains(&hold), "{hold:?} in {waits:?}");
    }
    assert_eq!(held(retention.seal("2028h2".parse().unwrap(), asked(&wang, now))), [Hold::Open]);
    // Asked for while nothing held it, and held when it is to be confirmed.
    retention.ask(past.first, asked(&wang, now)).unwrap();
    past.stores.settle(&past.journal);
    let late = past.stores.call(&past.journal, |call| {
        let long_ago = day(2026, 6, 30);
        let terms = Terms {
            unit: "bank",
            product: "company-check",
            version: 1,
            operation: "verify",
            scenario: "s",
            agreement: "a",
            price: "p",
            grant: "g",
            purpose: Some(PurposeClass::Industry),
            ..Terms::default()
        };
        (call.received, call.terms, call.decision, call.code) = (long_ago, terms, Outcome::Answered, None);
        (call.quantity, call.outcome) = (1, shuzha_evidence::Outcome::Uncharged);
        call.basis = 3;
    });
    let meter =
        ledger::MeterOptions::default().build(past.stores.books.clone(), past.journal.clone()).unwrap();
    meter.handle().catch_up().unwrap();
    let june: Month = "2026-06".parse().unwrap();
    assert_eq!(held(retention.confirm(past.first, asked(&feng, now))), [Hold::OpenPeriod(june)], "{late}");
    past.untouched();
    // A follower that has not read it, and a segment that is still written to.
    let behind = Stores::new(day(2026, 3, 1));
    let journal = behind.start();
    behind.call(&journal, |_| {});
    behind.clock.set(day(2028, 7, 1));
    behind.call(&journal, |_| {});
    let follower = tiles::Options {
        folder: behind.dir.path().join("evidence"),
        origin: ORIGIN.to_owned(),
        keys: Arc::new(keys()),
        interval: Duration::from_millis(1),
        clock: behind.clock.clone(),
    };
    let follower = follower.build(journal.clone()).unwrap();
    follower.handle().drain();
    follower.run();
    let waits = holds(&behind.retention(&journal), "2026h1", behind.now());
    let unread = ["projection", "books", "traces"].map(Hold::Unread);
    assert_eq!(waits, [&[Hold::Unsealed], &unread[..], &[Hold::InUse]].concat());
    assert!(journal.prune(1).is_err(), "the journal itself refuses too");
    // An act that the register has accepted and does not know to be in the journal.
    let clock = ManualClock::at(behind.now());
    let act = crate::register::Act::new(&clock, &IdRng, "expire", "Grant", id("bank-company"));
    behind.register.commit(&crate::register::Batch::of(act)).unwrap();
    assert!(holds(&behind.retention(&journal), "2026h1", behind.now()).contains(&Hold::Outbox));
}

/// Logic: `shuzha.db` was the only account of what pruned months had spent. Before, they went as soon as two persons had said so.
#[test]
fn no_record_goes_before_what_it_spent_is_under_a_signed_checkpoint() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.stores.now());
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    assert_eq!(held(past.retention().confirm(past.first, asked(&feng, now))), [Hold::Unbound]);
    past.untouched();
    past.stores.settle(&past.journal);
    // What is kept must be what the log was told.
    let places = past.journal.projections().unwrap();
    let name = format!("{:020}.projection", places[0]);
    let middle = past.journal.projection(places[0]).unwrap().unwrap().len() / 2;
    past.stores.disk.tamper(&name, |bytes| bytes[middle] ^= 1);
    assert_eq!(held(past.retention().confirm(past.first, asked(&feng, now))), [Hold::Unbound]);
    // Asked for again, it is bound again.
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    past.stores.settle(&past.journal);
    past.retention().confirm(past.first, asked(&feng, now)).unwrap();
    past.gone();
    // And a lost store comes back from there, to the row.
    let bytes = crate::projection_before(&past.journal).unwrap().expect("records are gone");
    let store = Store::in_memory().unwrap();
    let mut state = store.put_projection(&bytes).unwrap();
    let mut changes = crate::Changes::default();
    let rest = past.journal.reader(state.reached.seq + 1).unwrap();
    state.replay(rest, &mut changes).unwrap();
    store.project(&state, &mut changes).unwrap();
    past.stores.settle(&past.journal);
    assert_eq!(store.load_state().unwrap(), past.stores.store.load_state().unwrap());
}

#[test]
fn h3_what_does_not_check_is_neither_sealed_nor_destroyed() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.stores.now());
    let folder = past.stores.dir.path().join("evidence/2026h1");
    // Sealed files are read-only, and their manifest is signed.
    let sealed = std::fs::metadata(folder.join("tile/0/000")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&sealed.permissions()) & 0o777, 0o400);
    let manifest = Note::parse(&std::fs::read(folder.join("sealed")).unwrap()).unwrap();
    let key = keys().known()[0].renamed(&format!("{ORIGIN}/2026h1")).unwrap();
    assert_eq!(manifest.verified_by(&key), Ok(()));
    assert!(manifest.text().contains("\"entries\":343") && manifest.text().contains("\"sm3/checkpoint\""));
    let tamper = |path: &str| {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    // In many places, so that it meets what is kept, wherever that stands.
    let tamper_widely = |path: &str| {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.iter_mut().skip(10).step_by(997).for_each(|byte| *byte ^= 1);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    past.stores.settle(&past.journal);
    tamper("tile/0/000");
    let outcome = past.retention().confirm(past.first, asked(&feng, now));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
    let waits = past.retention().plan(now).unwrap()[0].destroyed.clone().unwrap();
    assert_eq!(waits.decision, None, "nothing was decided");
    tamper("tile/0/000");
    // The entries do not have their hashes: what would be kept of them is found out before anything goes.
    tamper_widely("tile/entries/000");
    let outcome = past.retention().confirm(past.first, asked(&feng, now));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
    tamper_widely("tile/entries/000");
    past.untouched();
    past.restarted().gone();
    // A half-year that was changed is not sealed.
    let stores = Stores::new(day(2026, 3, 1));
    let journal = stores.start();
    stores.call(&journal, |_| {});
    stores.clock.set(day(2026, 7, 1));
    stores.call(&journal, |_| {});
    stores.settle(&journal);
    let entries = stores.dir.path().join("evidence/2026h1/tile/entries/000.p/2");
    let mut bytes = std::fs::read(&entries).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&entries, bytes).unwrap();
    let outcome = stores.retention(&journal).seal("2026h1".parse().unwrap(), asked(&wang, stores.now()));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
}
