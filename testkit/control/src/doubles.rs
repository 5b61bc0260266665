//! What stands for the parts around a control plane: the journal, the policy engine, the way to persons.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use shuzha_control::accounts::{Deliver, Letter, Undelivered};
use shuzha_control::{ActLog, Delta, Force, NotInForce, Publish, Unfit, Unrecorded};
use shuzha_core::{Id, RequestId};
use shuzha_store::register::Recorded;

/// The next act is kept.
pub const PASS: u8 = 0;
/// The next act is lost.
pub const LOSE: u8 = 1;
/// The next act is kept, and answered as if it were lost.
pub const KEEP_AND_FAIL: u8 = 2;

/// A journal that fails on request: before it keeps an act, or after.
#[derive(Default)]
pub struct ActLogDouble {
    /// Acts that it keeps, in order.
    pub kept: Mutex<Vec<RequestId>>,
    /// What happens to the next act.
    pub fault: AtomicU8,
    /// Told when an act comes, which then waits for a word; once.
    pub holds: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl ActLog for ActLogDouble {
    fn append(&self, recorded: &Recorded) -> Result<u64, Unrecorded> {
        if let Some((reached, word)) = self.holds.lock().expect("answers").take() {
            reached.send(()).expect("somebody listens");
            word.recv().expect("somebody says so");
        }
        let fault = self.fault.swap(PASS, Ordering::SeqCst);
        let mut kept = self.kept.lock().expect("answers");
        if fault != LOSE {
            kept.push(recorded.act.id);
        }
        if fault == PASS { Ok(kept.len() as u64) } else { Err(Unrecorded) }
    }

    fn recorded_after(&self, seq: u64) -> Result<Vec<(RequestId, u64)>, Unrecorded> {
        let kept = self.kept.lock().expect("answers");
        let after = kept.iter().zip(1..).map(|(id, at)| (*id, at));
        Ok(after.filter(|(_, at)| *at > seq).collect())
    }
}

/// A policy engine that remembers what was put in force, and judges and fails on request.
#[derive(Default)]
pub struct GateDouble {
    /// What was put in force.
    pub seen: Mutex<Vec<Delta>>,
    /// Why what is checked could not take effect, where it could not.
    pub unfit: Mutex<Option<Unfit>>,
    /// Whether it puts nothing in force.
    pub fails: AtomicBool,
    /// Objects that are not in force.
    pub left_out: Mutex<Vec<(String, Id)>>,
    /// Whether secrets were deposited by another way.
    pub holds_secrets: AtomicBool,
}

impl Publish for GateDouble {
    fn check(&self, _: &Delta, _: &Force<'_>) -> Result<(), Unfit> {
        self.unfit.lock().expect("answers").clone().map_or(Ok(()), Err)
    }

    fn publish(&self, delta: &Delta, _: &Force<'_>) -> Result<(), NotInForce> {
        self.seen.lock().expect("answers").push(delta.clone());
        if self.fails.load(Ordering::SeqCst) { Err(NotInForce) } else { Ok(()) }
    }

    fn is_left_out(&self, kind: &str, name: &Id) -> bool {
        self.left_out.lock().expect("answers").contains(&(kind.to_owned(), name.clone()))
    }

    fn holds_secret(&self, _: &Id) -> bool {
        self.holds_secrets.load(Ordering::SeqCst)
    }
}

/// The way by which invitations reach persons: their tokens by account. Refuses where it is told to.
#[derive(Default)]
pub struct Letters {
    /// Tokens by account.
    pub tokens: Mutex<HashMap<Id, String>>,
    /// Whether none arrives.
    pub lost: AtomicBool,
}

impl Deliver for Letters {
    fn deliver(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(Undelivered);
        }
        self.tokens.lock().expect("answers").insert(letter.account.clone(), letter.token.to_owned());
        Ok(())
    }

    fn recall(&self, account: &Id) {
        self.tokens.lock().expect("answers").remove(account);
    }
}
