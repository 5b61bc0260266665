//! A control plane on a register in memory, with a journal that fails on request and a gate that remembers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use shuzha_control::accounts::{Accounts, Deliver, Letter, Options, Undelivered};
use shuzha_control::{
    ActLog, Caller, Control, Delta, Error, Force, NotInForce, Outcome, Parts, Publish, Request, Rules,
    Unrecorded,
};
use shuzha_core::clock::ManualClock;
use shuzha_core::{Code, Id, OsRng, RequestId, Role, Timestamp};
use shuzha_store::register::{Account, Act, Batch, CaseState, Change, Content, Effect, Recorded};
use shuzha_store::{MasterKey, Register};

pub(crate) const PASS: u8 = 0;
pub(crate) const LOSE: u8 = 1;
pub(crate) const KEEP_AND_FAIL: u8 = 2;

/// A journal that fails on request: before it keeps an act, or after.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) kept: Mutex<Vec<RequestId>>,
    pub(crate) fault: AtomicU8,
    /// Told when an act comes, which then waits for a word; once.
    pub(crate) holds: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl ActLog for Log {
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
        let after = kept.iter().enumerate().map(|(at, id)| (*id, at as u64 + 1));
        Ok(after.filter(|(_, at)| *at > seq).collect())
    }
}

/// Remembers what was put in force; whether secrets were deposited by another way; whether it puts nothing in force.
#[derive(Default)]
pub(crate) struct Gate(pub(crate) Mutex<Vec<Delta>>, pub(crate) AtomicBool, pub(crate) AtomicBool);

impl Publish for Gate {
    fn publish(&self, delta: &Delta, _: &Force<'_>) -> Result<(), NotInForce> {
        self.0.lock().expect("answers").push(delta.clone());
        if self.2.load(Ordering::SeqCst) { Err(NotInForce) } else { Ok(()) }
    }

    fn holds_secret(&self, _: &Id) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

/// Stands for the way by which invitations reach persons: their tokens by account. Refuses where it is told to.
#[derive(Default)]
pub(crate) struct Letters {
    pub(crate) tokens: Mutex<HashMap<Id, String>>,
    pub(crate) lost: AtomicBool,
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

/// Everything of a control plane but its HTTP.
pub(crate) struct House {
    pub(crate) register: Register,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) log: Arc<Log>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) control: Arc<Control>,
    pub(crate) accounts: Accounts,
    pub(crate) letters: Arc<Letters>,
    /// Where the master key is.
    _dir: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::under(Rules::default())
    }

    pub(crate) fn under(rules: Rules) -> Self {
        Self::on(Register::in_memory().expect("opens"), Arc::default(), Arc::default(), rules)
    }

    fn on(register: Register, log: Arc<Log>, gate: Arc<Gate>, rules: Rules) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_770_000_000)));
        let parts = Parts {
            register: register.clone(),
            clock: clock.clone(),
            rng: Arc::new(OsRng),
            log: log.clone(),
            publish: gate.clone(),
            rules,
        };
        let control = Arc::new(Control::new(parts).expect("the journal serves"));
        let dir = tempfile::tempdir().expect("a directory");
        let master = MasterKey::load_or_create(&dir.path().join("master.key"), &OsRng).expect("a key");
        let letters = Arc::new(Letters::default());
        let accounts = Accounts::new(Arc::clone(&control), Arc::new(master), Options::default());
        let accounts = accounts.delivering(letters.clone());
        Self { register, clock, log, gate, control, accounts, letters, _dir: dir }
    }

    /// The process ends and another one takes over.
    pub(crate) fn restarted(self) -> Self {
        let rules = self.control.rules();
        Self::on(self.register, self.log, self.gate, (*rules).clone())
    }

    /// An account as a folder from before may have it, with the natural person where it is told.
    pub(crate) fn account(&self, name: &str, person_key: Option<[u8; 32]>) {
        let account = Account {
            name: id(name),
            version: 0,
            organisation: id("x"),
            person: "某人".to_owned(),
            roles: vec![Role::Expert],
            disabled: false,
        };
        let mut effects = vec![Effect::Account { account, expected: None }];
        effects.extend(person_key.map(|key| Effect::Person(id(name), key)));
        let act = Act {
            id: RequestId::generate(&*self.clock, &OsRng),
            salt: [0; 16],
            at: Timestamp::from_seconds(1_770_000_000),
            by: None,
            duty: None,
            verb: "create".to_owned(),
            kind: "Account".to_owned(),
            name: id(name),
            state: None,
            reason: String::new(),
            attachments: "[]".to_owned(),
        };
        let (changes, journalled) = (Vec::new(), Vec::new());
        let batch = Batch { act, changes, effects, passed: None, answer: None, journalled };
        self.register.commit(&batch).expect("kept");
    }

    /// Writes a case past its rules, as an older version left it.
    pub(crate) fn plant(
        &self,
        kind: &str,
        name: &str,
        version: u64,
        owner: Option<Id>,
        spec: String,
        state: CaseState,
    ) {
        let act = Act {
            id: RequestId::generate(&*self.clock, &OsRng),
            salt: [0; 16],
            at: shuzha_core::Clock::now(&*self.clock),
            by: None,
            duty: None,
            verb: "plant".to_owned(),
            kind: kind.to_owned(),
            name: id(name),
            state: Some(state.name.clone()),
            reason: String::new(),
            attachments: "[]".to_owned(),
        };
        let product = ("Product".to_owned(), id("company-check"));
        let review = ("ExitReview".to_owned(), id(name));
        let to = Content {
            owner,
            spec,
            state: Some(state),
            refers: vec![product],
            in_force: vec![review],
            marks: Vec::new(),
            deadlines: Vec::new(),
        };
        let change = Change { kind: kind.to_owned(), name: id(name), expected: Some(version), to: Some(to) };
        let (effects, journalled) = (Vec::new(), Vec::new());
        let batch = Batch { act, changes: vec![change], effects, passed: None, answer: None, journalled };
        self.register.commit(&batch).expect("kept");
    }

    /// Writes an object that is not there yet, or at `expected`.
    pub(crate) fn put(
        &self,
        by: &Caller,
        kind: &str,
        name: &str,
        spec: &Value,
        expected: Option<u64>,
    ) -> Result<Outcome, Error> {
        let request = Request { expected, ..Request::default() };
        self.control.put(by, kind, &id(name), spec, &request)
    }

    /// Does `verb` to the case as it stands now.
    pub(crate) fn act(
        &self,
        by: &Caller,
        kind: &str,
        name: &str,
        verb: &str,
        body: &Value,
    ) -> Result<Outcome, Error> {
        let expected = self.version(kind, name);
        let request = Request { expected, reason: "核查属实", ..Request::default() };
        self.control.act(by, kind, &id(name), verb, body, &request)
    }

    pub(crate) fn version(&self, kind: &str, name: &str) -> Option<u64> {
        self.register.get(kind, name).expect("answers").map(|object| object.version)
    }

    pub(crate) fn dump(&self) -> String {
        self.register.dump().expect("answers")
    }
}

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

pub(crate) fn person(account: &str, organisation: &str, roles: &[Role]) -> Caller {
    Caller {
        account: id(account),
        organisation: id(organisation),
        roles: roles.to_vec(),
        withheld: Vec::new(),
        read_only: false,
        by_token: false,
    }
}

pub(crate) fn authority(account: &str) -> Caller {
    person(account, "bureau", &[Role::Authority])
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.expect_err("refused").code()
}

/// An organisation's spec; `serial` makes its 统一社会信用代码.
pub(crate) fn organisation(kind: &str, serial: u32) -> Value {
    let entity = format!("MA{serial:06}");
    let check = shuzha_core::identity::entity_check(entity.as_bytes()).expect("8 characters");
    let body = format!("91690114{entity}{}", char::from(check));
    let check = shuzha_core::identity::organisation_check(body.as_bytes()).expect("17 characters");
    json!({"kind": kind, "uscc": format!("{body}{}", char::from(check)), "name": format!("机构{serial}")})
}
