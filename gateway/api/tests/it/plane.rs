//! A control plane on a real socket, with persons of every role, each with an API token.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use shuzha_api::{Limits, Options};
use shuzha_control::accounts::{self, Accounts};
use shuzha_control::consents::{self, ConsentService};
use shuzha_control::evidence::{self, Evidence};
use shuzha_control::finance::{self, Finance};
use shuzha_control::{Control, Parts, Rules};
use shuzha_core::clock::ManualClock;
use shuzha_core::{OsRng, Role, Timestamp};
use shuzha_evidence::log::SeedKeys;
use shuzha_evidence::{Call, Decision, Entry, Terms};
use shuzha_journal::Journal;
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_privacy::subject::HmacSha256Prf;
use shuzha_store::ledger::MeterOptions;
use shuzha_store::register::{Account, Act, Batch, Effect, OneTimeSecret, Token};
use shuzha_store::{
    Books, ConsentStore, MasterKey, Register, Retention, Store, Traces, retention, tiles, traces,
};
use shuzha_testkit_control::{ActLogDouble, GateDouble, Letters, id};
use tokio::sync::oneshot;

use crate::people::People;

/// 2026-02-02, a Monday.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_770_000_000);

/// Persons: account, organisation, roles.
pub(crate) const CAST: &[(&str, &str, &[Role])] = &[
    ("root", "ops", &[Role::Sre]),
    ("wang", "bureau", &[Role::Authority]),
    ("li", "bureau", &[Role::Authority]),
    ("registrar", "centre", &[Role::Registrar]),
    ("provider", "police", &[Role::Provider]),
    ("operator", "operating", &[Role::Operator]),
    ("expert", "institute", &[Role::Expert]),
    ("bank", "bank", &[Role::ApplicationUnit]),
    ("lender", "lender", &[Role::ApplicationUnit]),
    ("pricing", "ndrc", &[Role::Pricing]),
    ("finance", "treasury", &[Role::Finance]),
    ("auditor", "audit", &[Role::Auditor]),
    ("subject", "people", &[Role::DataSubject]),
];

/// A running control plane.
pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) register: Register,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) control: Arc<Control>,
    pub(crate) gate: Arc<GateDouble>,
    pub(crate) people: Arc<People>,
    pub(crate) letters: Arc<Letters>,
    master: Arc<MasterKey>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    dir: tempfile::TempDir,
}

impl Plane {
    /// Every file it has written, with what is in it.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.is_file())
            .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
            .collect()
    }

    /// All that the register holds, but the record of what was refused.
    pub(crate) fn kept(&self) -> String {
        let dump = self.register.dump().unwrap();
        let refused = |line: &&str| line.starts_with("refusals ") || line.starts_with("sqlite_sequence ");
        dump.lines().filter(|line| !refused(line)).collect::<Vec<_>>().join("\n")
    }

    /// Without anybody.
    pub(crate) fn empty(limits: Limits, address: &str) -> Self {
        Self::built(limits, address, Options::build)
    }

    /// Without anybody, built in its own way.
    pub(crate) fn built(
        limits: Limits,
        address: &str,
        build: impl FnOnce(Options) -> shuzha_api::Api + Send + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let register = Register::open(&dir.path().join("control.db")).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let gate = Arc::new(GateDouble::default());
        let parts = Parts {
            register: register.clone(),
            clock: clock.clone(),
            rng: Arc::new(OsRng),
            log: Arc::new(ActLogDouble::default()),
            publish: gate.clone(),
            rules: Rules::default(),
        };
        let control = Arc::new(Control::new(parts).unwrap());
        let master = Arc::new(MasterKey::load_or_create(&dir.path().join("master.key"), &OsRng).unwrap());
        let letters = Arc::new(Letters::default());
        let accounts = Accounts::new(control.clone(), master.clone(), accounts::Options::default());
        let accounts = Arc::new(accounts.delivering(letters.clone()));
        let people = Arc::new(People::new(&clock));
        let consents = ConsentService::new(consents::Parts {
            control: control.clone(),
            store: ConsentStore::open(&dir.path().join("consents.db")).unwrap(),
            feed: ConsentStore::open(&dir.path().join("consents.db")).unwrap(),
            gate: people.clone(),
            signer: People::signer(),
            holders: Arc::new(HmacSha256Prf::new("holders", &[4; 32])),
            status_address: "http://gate.example/status-lists".to_owned(),
        });
        let finance = Arc::new(books(dir.path(), &control, &clock));
        let evidence = Arc::new(archive(&dir.path().join("evidence"), &control, &clock));
        let options = Options {
            consents: Arc::new(consents),
            control: control.clone(),
            accounts: accounts.clone(),
            finance: Some(finance),
            evidence: Some(evidence),
            clock: clock.clone(),
            limits,
            https: false,
            error_pages: &[("C1003", "# C1003\n")],
        };
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                build(options).serve(listener, async { drop(stopped.await) }).await;
            });
        });
        let (stop, thread) = (Some(stop), Some(thread));
        Self { address, clock, register, accounts, control, gate, people, letters, master, stop, thread, dir }
    }

    /// With the cast.
    pub(crate) fn new() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// With the cast, within limits.
    pub(crate) fn limited(limits: Limits) -> Self {
        Self::empty(limits, "127.0.0.1:0").with_cast()
    }

    /// With the cast, at a given address.
    pub(crate) fn at(address: &str) -> Self {
        Self::empty(Limits::default(), address).with_cast()
    }

    fn with_cast(self) -> Self {
        let plane = self;
        for (name, organisation, roles) in CAST {
            plane.person(name, organisation, roles);
        }
        plane
    }

    /// One more person, without a password.
    pub(crate) fn person(&self, name: &str, organisation: &str, roles: &[Role]) {
        let (name, organisation) = (id(name), id(organisation));
        let account = Account {
            name: name.clone(),
            version: 0,
            organisation,
            person: "某人".to_owned(),
            roles: roles.to_vec(),
            disabled: false,
        };
        self.keep(Effect::Account { account, expected: None });
        // Their device is set up: a role may demand it.
        self.keep(Effect::OneTime(OneTimeSecret::seal(&self.master, &OsRng, &name, &[7; 20]).unwrap()));
        self.keep(Effect::ConfirmOneTime(name.clone()));
        self.token(name.as_str(), "all", roles, false);
    }

    /// One more token; answers it.
    pub(crate) fn token(&self, account: &str, name: &str, roles: &[Role], read_only: bool) -> String {
        let text = token_text(account, name);
        let token = Token {
            hash: digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap(),
            name: id(name),
            account: id(account),
            roles: roles.to_vec(),
            read_only,
            created: NOW,
            until: NOW.plus(std::time::Duration::from_secs(86_400)),
        };
        self.keep(Effect::Token(token));
        text
    }

    fn keep(&self, effect: Effect) {
        let act = Act::new(&*self.clock, &OsRng, "create", "Account", id("fixture"));
        self.register.commit(&Batch { effects: vec![effect], ..Batch::of(act) }).unwrap();
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Finance over an empty journal.
fn books(dir: &std::path::Path, control: &Arc<Control>, clock: &Arc<ManualClock>) -> Finance {
    let options = shuzha_journal::Options::new("/", id("gate-1"), "1");
    let journal = Journal::open_on(Arc::new(MemoryDisk::new()), options, clock.clone()).unwrap();
    let books = Books::open(&dir.join("finance.db")).unwrap();
    let meter = MeterOptions::default().build(books.clone(), journal).unwrap().handle();
    Finance::new(finance::Parts {
        books,
        meter,
        control: control.clone(),
        log: Arc::new(ActLogDouble::default()),
        clock: clock.clone(),
        rng: Arc::new(OsRng),
        grace: finance::GRACE,
        credit: Arc::new(()),
    })
}

/// The call in the archive.
pub(crate) const CALL: &str = "019c1a2b-3c4d-7e5f-8a6b-7c8d9e0f1a2b";

/// The record of [`CALL`], by a unit that is not declared, in log and index.
fn archive(folder: &Path, control: &Arc<Control>, clock: &Arc<ManualClock>) -> Evidence {
    let options = shuzha_journal::Options::new("/", id("gate-1"), "1");
    let journal = Journal::open_on(Arc::new(MemoryDisk::new()), options, clock.clone()).unwrap();
    let (product, unit) = ("company-check", "ghost");
    let terms = Terms { unit, product, version: 1, operation: "verify", price: "p-1", ..Terms::default() };
    let call = Call { terms, decision: Decision::Answered, ..Call::of(CALL.parse().unwrap(), NOW) };
    journal.append_durable(&Entry::Call(Box::new(call))).unwrap().wait().unwrap();
    let origin = "log.example/gate-1";
    let follower = tiles::Options {
        folder: folder.to_owned(),
        origin: origin.to_owned(),
        keys: Arc::new(SeedKeys::new(origin, [1; 32], [1; 32], []).unwrap()),
        interval: tiles::CHECKPOINT_INTERVAL,
        clock: clock.clone(),
    };
    let follower = follower.build(journal.clone()).unwrap();
    follower.handle().drain();
    follower.run();
    let index = Traces::in_memory().unwrap();
    let products = Arc::new(evidence::Products(control.clone()));
    let tracer = traces::Options::default().build(index.clone(), journal.clone(), products).unwrap();
    tracer.handle().catch_up().unwrap();
    let retention = Retention::new(retention::Parts {
        decisions: retention::Decisions::open(&folder.join("retention.db")).unwrap(),
        journal,
        files: Arc::new(tiles::Directory::new(folder)),
        traces: index.clone(),
        books: Books::open(&folder.join("finance.db")).unwrap(),
        store: Store::in_memory().unwrap(),
        register: control.register().clone(),
        authorisations: control.clone(),
        origin: origin.to_owned(),
        keys: Arc::new(SeedKeys::new(origin, [1; 32], [1; 32], []).unwrap()),
        term: retention::Term {
            months: 24,
            after_authorisation: None,
            article: "Heilongjiang 29".to_owned(),
        },
    });
    Evidence::new(evidence::Parts {
        control: control.clone(),
        traces: index,
        retention,
        log: Arc::new(ActLogDouble::default()),
        clock: clock.clone(),
        rng: Arc::new(OsRng),
    })
}

/// The token of a person of the cast.
pub(crate) fn token_text(account: &str, name: &str) -> String {
    format!("szt_{account}-{name}")
}
