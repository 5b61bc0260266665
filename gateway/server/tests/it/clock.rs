//! A node does not start on a clock that its own journal contradicts, and writes nothing then.

use std::sync::Arc;
use std::time::Duration;

use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock as _, Id, SystemClock, Timestamp};
use shuzha_journal::{Journal, Options, last_seq};

use crate::home::Home;
use crate::node::Node;

/// A journal in `home` whose only record was written at `at`; its last sequence.
fn written_at(home: &Home, at: Timestamp) -> u64 {
    let folder = home.data().join("journal");
    let node = Id::new("gate-1").expect("a name");
    let mut options = Options::new(&folder, node, "1");
    options.free_bytes_min = 0;
    Journal::open(options, Arc::new(ManualClock::at(at))).expect("opens").close();
    last_seq(&folder).expect("readable")
}

#[test]
fn a_start_on_a_clock_that_the_journal_contradicts_is_refused_and_writes_nothing() {
    let now = SystemClock.now();
    for at in [now.plus(Duration::from_secs(3_600)), now.minus(Duration::from_hours(40 * 366 * 24))] {
        let home = Home::new();
        let last = written_at(&home, at);
        let mut refused = Node::spawn(&home, &[]);
        let said = refused.wait_line("not serving");
        let error = said["error"].as_str().expect("says why");
        assert!(error.contains("--clock-is-right"), "{error}");
        assert_eq!(last_seq(&home.data().join("journal")).expect("readable"), last, "nothing was written");
        let node = Node::start_with(&home, &["--clock-is-right"]);
        drop(node);
    }
    let home = Home::new();
    written_at(&home, now.minus(Duration::from_hours(24)));
    Node::start(&home);
}
