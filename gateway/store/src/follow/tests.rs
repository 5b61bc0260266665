//! A follower goes on after whatever kept it, tells how far it is behind, and ends when it is asked to.

use std::sync::mpsc::channel;

use shuzha_core::Id;
use shuzha_core::clock::ManualClock;
use shuzha_evidence::{Act, ActKind, Entry};
use shuzha_journal::disk::memory::MemoryDisk;

use super::*;

fn journal() -> Journal {
    let node = Id::new("gate-1").expect("well-formed");
    let options =
        shuzha_journal::Options { free_bytes_min: 0, ..shuzha_journal::Options::new("", node, "0.1.0") };
    let disk = Arc::new(MemoryDisk::new());
    Journal::open_on(disk, options, Arc::new(ManualClock::default())).expect("opens")
}

fn record(journal: &Journal) -> u64 {
    let (at, kind) = (shuzha_core::Timestamp::default(), ActKind::Resumed);
    let act = Act { at, kind, actor: "test", object: "", commitment: None, target: "" };
    let durable = journal.append_durable(&Entry::Act(act)).expect("serving");
    durable.wait().expect("durable").seq
}

const NOW: Duration = Duration::from_millis(1);

#[test]
fn what_fails_is_tried_again_from_what_is_on_disk_and_its_lag_is_told() {
    let journal = journal();
    let watch = Watch::new("test", &journal, journal.durable_seq());
    assert_eq!((watch.lag(), watch.behind(), watch.fault()), (0, Duration::ZERO, None));
    let first = record(&journal);
    let (tried, tries) = channel();
    let (heal, healed) = channel::<()>();
    let (watched, durable) = (watch.clone(), journal.clone());
    std::thread::scope(|scope| {
        let following = scope.spawn(move || {
            let mut count = 0;
            follow(&watched, NOW, |how| {
                count += 1;
                let _ = tried.send(how);
                match count {
                    1 => Err("the disk is full"),
                    2 => panic!("about somebody"),
                    3 => {
                        healed.recv().expect("the test says when");
                        Ok(first)
                    }
                    _ => Ok(durable.durable_seq()),
                }
            })
        });
        let how: Vec<Try> = tries.iter().take(3).collect();
        assert_eq!(how, [Try::On, Try::Again, Try::Again]);
        assert_eq!(watch.fault().as_deref(), Some("a panic"), "and not what it was about");
        assert_eq!(watch.lag(), 1);
        assert!(watch.behind() >= RETRY_MIN, "two pauses have passed: {:?}", watch.behind());
        heal.send(()).expect("it waits");
        let wanted = record(&journal);
        assert_eq!(tries.recv().ok(), Some(Try::On), "it goes on where it stands");
        watch.drain();
        assert_eq!(following.join().expect("no panic"), Ok(()));
        assert_eq!((watch.reached(), watch.fault()), (wanted, None));
        assert_eq!((watch.lag(), watch.behind()), (0, Duration::ZERO));
    });
}

#[test]
fn one_that_fails_ends_when_it_is_drained_and_says_why() {
    let journal = journal();
    let watch = Watch::new("test", &journal, 0);
    let (tried, tries) = channel();
    std::thread::scope(|scope| {
        let following = scope.spawn(|| {
            follow(&watch, NOW, |_| {
                let _ = tried.send(());
                Err::<u64, _>("the database is locked")
            })
        });
        tries.recv().expect("it tries");
        watch.drain();
        assert_eq!(following.join().expect("no panic"), Err("the database is locked"));
    });
    journal.close();
}
