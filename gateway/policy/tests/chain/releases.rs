//! Releases are known in memory and read where a call may wait.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use shuzha_policy::{KeptRelease, NewRelease, ReleaseKey, ReleaseStore};
use shuzha_store::Store;

use crate::calls::{Ask, PERSON, histogram};
use crate::gateway::{Plan, TestGateway, outcome};
use crate::upstream::{CENSUS, CONSISTENT, Fake, Say};

/// A store that reads when it is let go.
struct Stuck {
    store: Store,
    go: Mutex<Receiver<()>>,
}

impl Stuck {
    fn new() -> (Arc<Self>, Sender<()>) {
        let (sender, receiver) = channel();
        let store = Store::in_memory().expect("a database in memory");
        (Arc::new(Self { store, go: receiver.into() }), sender)
    }
}

impl ReleaseStore for Stuck {
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        self.go.lock().expect("no holder panics").recv().expect("it is let go");
        ReleaseStore::get(&self.store, key)
    }

    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String> {
        ReleaseStore::put(&self.store, key, release)
    }

    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<KeptRelease>, String> {
        self.store.after(last, most)
    }
}

/// Logic M2: a look-up of 291 ms blocked a worker, and every call on it. Here there is one worker only.
#[tokio::test]
async fn a_release_that_is_slow_to_read_holds_nobody_up() {
    let (stuck, go) = Stuck::new();
    let house = TestGateway::planned(Plan { releases: Some(stuck as _), ..Plan::default() });
    let query = histogram("sex", "0.25");
    let ask = Ask::new("civil-affairs-1", "census-report", "query", "civil-planning").body(&query);
    assert_eq!(outcome(&house.call(&ask, &Fake::new([Say::Json(200, CENSUS)])).await), "answered");
    let nothing = Fake::new([]);
    let again = house.call(&ask, &nothing);
    tokio::pin!(again);
    let consent = house.consent(PERSON.0, "probe", 1);
    let person = Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token);
    let other = Fake::new([Say::Json(200, CONSISTENT)]);
    tokio::select! {
        biased;
        reply = &mut again => panic!("it waits for its store: {}", outcome(&reply)),
        reply = house.call(&person, &other) => assert_eq!(outcome(&reply), "answered"),
    }
    go.send(()).expect("it waits");
    assert_eq!(outcome(&again.await), "answered");
    assert!(nothing.seen().is_empty(), "nothing is asked of the data");
}
