//! A control plane on a register in memory, with doubles around it.

use std::sync::Arc;

use serde_json::Value;
use shuzha_control::accounts::{Accounts, Options};
use shuzha_control::{Caller, Control, Error, Outcome, Parts, Request, Rules};
use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, OsRng, Role, Timestamp};
use shuzha_store::register::{Account, Act, Batch, CaseState, Change, Content, Effect};
use shuzha_store::{MasterKey, Register};

use crate::{ActLogDouble, GateDouble, Letters, id};

/// Everything of a control plane but its HTTP.
pub struct TestControl {
    /// The register.
    pub register: Register,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// What stands for the journal.
    pub log: Arc<ActLogDouble>,
    /// What stands for the policy engine.
    pub gate: Arc<GateDouble>,
    /// The use cases.
    pub control: Arc<Control>,
    /// Accounts, and signing on.
    pub accounts: Accounts,
    /// Invitations that are on their way.
    pub letters: Arc<Letters>,
    /// Where the master key is.
    _dir: tempfile::TempDir,
}

impl TestControl {
    /// With an empty register.
    #[must_use]
    pub fn new() -> Self {
        Self::under(Rules::default())
    }

    /// With an empty register, under rules of a jurisdiction.
    ///
    /// # Panics
    /// As all of this crate does: when a test cannot go on.
    #[must_use]
    pub fn under(rules: Rules) -> Self {
        Self::on(Register::in_memory().expect("opens"), Arc::default(), Arc::default(), rules)
    }

    fn on(register: Register, log: Arc<ActLogDouble>, gate: Arc<GateDouble>, rules: Rules) -> Self {
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
    #[must_use]
    pub fn restarted(self) -> Self {
        let rules = self.control.rules();
        Self::on(self.register, self.log, self.gate, (*rules).clone())
    }

    /// An account as a folder from before may have it, with the natural person where it is told.
    pub fn account(&self, name: &str, person_key: Option<[u8; 32]>) {
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
        self.commit(&Batch { effects, ..Batch::of(self.act_of("create", "Account", name)) });
    }

    /// Writes a case past its rules, as an older version left it.
    pub fn plant(
        &self,
        kind: &str,
        name: &str,
        version: u64,
        owner: Option<Id>,
        spec: String,
        state: CaseState,
    ) {
        let act = Act { state: Some(state.name.clone()), ..self.act_of("plant", kind, name) };
        let product = ("Product".to_owned(), id("company-check"));
        let review = ("ExitReview".to_owned(), id(name));
        let (refers, in_force) = (vec![product], vec![review]);
        let to = Content { owner, spec, state: Some(state), refers, in_force, ..Content::default() };
        let change = Change { kind: kind.to_owned(), name: id(name), expected: Some(version), to: Some(to) };
        self.commit(&Batch { changes: vec![change], ..Batch::of(act) });
    }

    /// An act that no rule looks at.
    pub fn act_of(&self, verb: &str, kind: &str, name: &str) -> Act {
        Act::new(&*self.clock, &OsRng, verb, kind, id(name))
    }

    /// Writes past the rules.
    pub fn commit(&self, batch: &Batch) {
        self.register.commit(batch).expect("kept");
    }

    /// Writes an object that is not there yet, or at `expected`.
    ///
    /// # Errors
    /// Of the control plane.
    pub fn put(
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
    ///
    /// # Errors
    /// Of the control plane.
    pub fn act(
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

    /// At which version an object stands.
    #[must_use]
    pub fn version(&self, kind: &str, name: &str) -> Option<u64> {
        self.register.get(kind, name).expect("answers").map(|object| object.version)
    }

    /// All that the register holds.
    #[must_use]
    pub fn dump(&self) -> String {
        self.register.dump().expect("answers")
    }
}

impl Default for TestControl {
    fn default() -> Self {
        Self::new()
    }
}
