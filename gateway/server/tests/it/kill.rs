//! `kill -9` under load, fifty times on one data folder: no answered call is lost, nothing scarce is over-spent.
//!
//! Each round starts the gateway, looks back at the round before (replays are refused, retries are charged once), puts
//! load on it, and kills it after the n-th answer. Then the journal is read and everything the clients were told is
//! compared with it. A failure prints its seed; `SHUZHA_TEST_SEED` runs that one again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use shuzha_core::{MicroYuan, NanoCharge, OsRng, Rng, hex};
use shuzha_testkit::Seeded;

use crate::answers::Answer;
use crate::books::{Books, Limits};
use crate::caller::{Ask, Caller, Credential, Signed};
use crate::home::{COMPANY, Home, PERSON};
use crate::node::{Node, PATIENCE};

const ROUNDS: u32 = 50;
const CLIENTS: u64 = 8;
/// The kill comes after one to this many answers of a round.
const ANSWERS_MAX: u64 = 80;
/// Of the calls answered in a round, how many are sent again after the restart.
const REPLAYS_MAX: usize = 3;
/// Calls that must be enough to use up what is left of anything when the rounds are over.
const LAST_CALLS_MAX: usize = 400;

/// What the world file allows.
const LIMITS: Limits = Limits {
    uses_per_consent: 3,
    privacy_cap: NanoCharge::from_nanos(1_000_000_000),
    quota: ("insurer-company", 60),
    credit: ("startup", MicroYuan::from_micros(20_000_000)),
};
/// A verification of a company.
const PRICE: MicroYuan = MicroYuan::from_micros(300_000);

/// A call that was sent, and what came back before the kill, or why nothing did.
struct Sent {
    ask: Ask,
    signed: Signed,
    answer: Result<Answer, ureq::Error>,
}

/// Everything that clients need to make calls.
#[derive(Clone)]
struct Cast {
    bank: Credential,
    insurer: Credential,
    startup: Credential,
    /// Reports asked so far; every one asks something new.
    reports: Arc<AtomicU32>,
}

impl Cast {
    fn new(home: &Home) -> Self {
        Self {
            bank: home.credential("bank-1"),
            insurer: home.credential("insurer-1"),
            startup: home.credential("startup-1"),
            reports: Arc::default(),
        }
    }

    /// A report that nobody asked for before: another span of ages.
    fn report(&self) -> Ask {
        let number = self.reports.fetch_add(1, Ordering::Relaxed);
        Ask::report((17 + number % 37, 54 + number / 37 % 37), "0.02")
    }

    fn throw(&self, dice: &Seeded, consents: &[String]) -> (&Credential, Ask) {
        let company = |scenario| Ask::company(scenario, COMPANY.1);
        match dice.below(8) {
            0 => (&self.bank, self.report()),
            1 => (&self.insurer, company("insurer-scenario")),
            2 => (&self.startup, company("startup-scenario")),
            3 | 4 => (&self.bank, Ask::person(Some(consents[dice.index(consents.len())].clone()))),
            5 => (&self.bank, company("bank-scenario")),
            _ => {
                let key = Some(hex::encode(&OsRng.bytes::<8>()));
                (&self.bank, Ask { idempotency: key, ..company("bank-scenario") })
            }
        }
    }
}

/// Calls, one after another, until the gateway is gone.
fn client(cast: Cast, seed: u64, node: &Node, consents: &[String], tell: Sender<Sent>) -> JoinHandle<()> {
    let (gateway, consents) = (node.data, consents.to_vec());
    std::thread::spawn(move || {
        let caller = Caller::new(gateway);
        let dice = Seeded::new(seed);
        loop {
            let (credential, ask) = cast.throw(&dice, &consents);
            let signed = ask.signed(credential);
            let answer = caller.send(&signed);
            let gone = answer.is_err();
            // The test may have failed and gone as well.
            if tell.send(Sent { ask, signed, answer }).is_err() || gone {
                return;
            }
        }
    })
}

/// Puts load on the node and kills it after `answers` of them. What was sent, and the node's log.
fn load_and_kill(
    cast: &Cast,
    node: Node,
    dice: &Seeded,
    consents: &[String],
    answers: u64,
) -> (Vec<Sent>, Vec<String>) {
    let (tell, told) = channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| client(cast.clone(), dice.below(u64::MAX >> 32) + 1, &node, consents, tell.clone()))
        .collect();
    drop(tell);
    let mut sent: Vec<_> = (0..answers).map_while(|_| told.recv_timeout(PATIENCE).ok()).collect();
    let log = node.kill();
    assert_eq!(sent.len() as u64, answers, "clients go on until the kill\n{log:#?}");
    for call in &sent {
        assert!(call.answer.is_ok(), "unanswered before the kill: {:?}\n{log:#?}", call.answer);
    }
    sent.extend(told.iter());
    for client in clients {
        client.join().expect("clients do not panic");
    }
    (sent, log)
}

/// After a restart: what was answered is refused as a replay, and what had a key is charged once in all.
fn look_back(cast: &Cast, node: &Node, before: &[Sent], retried: &mut Vec<Answer>) {
    let caller = Caller::new(node.data);
    let answered =
        || before.iter().filter(|call| call.answer.as_ref().is_ok_and(|answer| answer.status == 200));
    for call in answered().rev().take(REPLAYS_MAX) {
        let again = caller.send(&call.signed).expect("an answer");
        assert_eq!(again.code().as_deref(), Some("C105"), "not refused as a replay: {again:?}");
    }
    let unanswered = before.iter().filter(|call| call.answer.is_err());
    for call in answered().rev().take(REPLAYS_MAX).chain(unanswered) {
        if call.ask.idempotency.is_none() {
            continue;
        }
        let again = caller.call(&cast.bank, &call.ask);
        assert_eq!(again.status, 200, "a retry: {again:?}, first {:?}", call.answer);
        if let Ok(first) = &call.answer {
            assert_eq!((again.fee, again.replayed), (Some(MicroYuan::ZERO), true), "{again:?}");
            assert_eq!(again.body, first.body, "{again:?}, first {first:?}");
        }
        retried.push(again);
    }
}

/// Every answer is in the books as its client has it; returns how many were answered.
fn compare(books: &Books, sent: &[Sent], log: &[String]) -> usize {
    let answers = sent.iter().filter_map(|call| call.answer.as_ref().ok());
    let mut answered = 0;
    for answer in answers {
        if let Some(code) = answer.code() {
            let used_up = ["C407", "C503", "C601", "C602", "C603", "C704"];
            assert!(used_up.contains(&&*code), "refused, and not as used up: {answer:?}\n{log:#?}");
        } else {
            books.record_of(answer);
            answered += 1;
        }
    }
    answered
}

/// Makes calls until one is refused; its code.
fn until_refused(caller: &Caller, credential: &Credential, ask: impl Fn() -> Ask) -> String {
    let mut codes = (0..LAST_CALLS_MAX).filter_map(|_| caller.call(credential, &ask()).code());
    codes.next().expect("there is an end to it")
}

#[test]
fn killed_fifty_times_no_answer_is_lost_and_nothing_is_overspent() {
    let dice = Seeded::from_environment();
    let seed = dice.seed();
    let home = Home::new();
    let cast = Cast::new(&home);
    let mut books = Books::new(home.journal());
    let (mut before, mut consents, mut retried) = (Vec::new(), Vec::new(), Vec::new());
    let (mut answered, mut caught_open) = (0, 0);
    for round in 1..=ROUNDS {
        // Where any failure below this line belongs.
        eprintln!("SHUZHA_TEST_SEED={seed} round {round}");
        if dice.below(4) == 0 {
            // Killed while it starts: what recovery leaves behind must be a journal to start from, too.
            let mut starting = Node::spawn(&home, &[]);
            starting.wait_line("the journal is replayed");
            starting.kill();
        }
        let node = Node::start(&home);
        look_back(&cast, &node, &before, &mut retried);
        consents.push(home.consent(PERSON.0, LIMITS.uses_per_consent));
        let last = &consents[consents.len().saturating_sub(3)..];
        let answers = 1 + dice.below(ANSWERS_MAX);
        let log;
        (before, log) = load_and_kill(&cast, node, &dice, last, answers);
        books.read_on();
        books.check(&LIMITS);
        answered += compare(&books, &before, &log);
        caught_open += books.state.open.len();
        for answer in retried.drain(..) {
            assert_eq!(books.charged_under_key_of(&answer), (1, PRICE), "{answer:?}");
        }
    }
    println!("{ROUNDS} kills, {answered} answers, {caught_open} calls caught between intent and record");
    assert!(caught_open > 0, "no kill came between intent and record: this was no load");

    // What the kills left over can be used up, to the last micro-yuan and nano, and not beyond.
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let company = |scenario| move || Ask::company(scenario, COMPANY.1);
    assert_eq!(until_refused(&caller, &cast.startup, company("startup-scenario")), "C704");
    assert_eq!(until_refused(&caller, &cast.insurer, company("insurer-scenario")), "C503");
    assert!(until_refused(&caller, &cast.bank, || cast.report()).starts_with("C60"));
    let (status, _) = node.drain();
    assert!(status.success(), "{status}");
    books.read_on();
    books.check(&LIMITS);
    assert_eq!(books.posted("startup"), MicroYuan::from_micros(19_800_000));
    assert_eq!(books.quota_used(LIMITS.quota.0), LIMITS.quota.1);
    assert_eq!(books.privacy_spent(), LIMITS.privacy_cap);
    let checked = home.run(&["journal", "verify"]);
    assert!(checked.status.success(), "{checked:?}");
}
