//! What a person's own questions cost among 100,000 consents and as many uses (research table R21: p95 below 300 ms): their
//! list, who used their data, a withdrawal. Databases in memory, so that the disk's time stands apart: a withdrawal adds two
//! synced writes to it. Asserts what it found.

use std::time::{Duration, Instant};

use shuzha_core::{PurposeClass, RequestId, Timestamp};
use shuzha_evidence::{Call, Decision, Entry, Outcome, Terms};
use shuzha_journal::Position;
use shuzha_store::consents::NewConsent;
use shuzha_store::{Changes, ConsentStore, State, Store, UsesOf};

use shuzha_testkit::printed::{heading, number};

/// Consents, and uses.
const CONSENTS: u32 = 100_000;
/// Persons.
const HOLDERS: u32 = 1_000;

fn tag<const N: usize>(number: u32) -> [u8; N] {
    let mut tag = [7; N];
    tag[..4].copy_from_slice(&number.to_be_bytes());
    tag
}

fn consent(number: u32) -> NewConsent {
    NewConsent {
        jti: format!("{number:022}"),
        issuer: "platform-consent".to_owned(),
        holder: tag(number % HOLDERS),
        subject: tag(number % HOLDERS),
        unit: "bank".to_owned(),
        parent: None,
        claims: format!("{{\"jti\":\"{number:022}\",\"filler\":\"{}\"}}", "x".repeat(700)),
        status: Some((0, number)),
        given: Timestamp::from_seconds(i64::from(number)),
        expires: Timestamp::from_seconds(i64::from(CONSENTS) + 1),
        receipt: Some("x".repeat(1_000)),
    }
}

fn call(number: u32) -> Entry<'static> {
    let terms = Terms {
        unit: "bank",
        product: "person-check",
        operation: "verify",
        scenario: "bank-onboarding",
        grant: "bank-person",
        purpose: Some(PurposeClass::Industry),
        ..Terms::default()
    };
    Entry::Call(Box::new(Call {
        terms,
        consent: Some(tag(number)),
        subject: Some(tag(number % HOLDERS)),
        quantity: 1,
        decision: Decision::Answered,
        outcome: Outcome::Uncharged,
        ..Call::of(RequestId::from_bytes(tag(number)), Timestamp::from_seconds(i64::from(number)))
    }))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn measure(name: &str, mut ask: impl FnMut(u32)) {
    let mut times: Vec<Duration> = (0..HOLDERS)
        .map(|holder| {
            let start = Instant::now();
            ask(holder);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
    number(&format!("{name}, median"), at(50), "ms", None);
    number(&format!("{name}, p95"), at(95), "ms", Some(0.0..=300.0));
}

fn main() {
    heading(&format!("{CONSENTS} consents of {HOLDERS} persons, {CONSENTS} uses, databases in memory"));
    let consents = ConsentStore::in_memory().expect("opens");
    for number in 0..CONSENTS {
        consents.give(&consent(number)).expect("kept").expect("free");
    }
    let store = Store::in_memory().expect("opens");
    let (mut state, mut changes) = (State::default(), Changes::default());
    for number in 0..CONSENTS {
        let position = Position { epoch: 0, seq: u64::from(number) + 1 };
        state.apply(position, &call(number), &mut changes).expect("sound");
    }
    store.project(&state, &mut changes).expect("stores");
    let most = (CONSENTS / HOLDERS) as usize;
    measure("list one's consents, 50 of 100", |holder| {
        assert_eq!(consents.list(&tag(holder), None, None, 50).expect("reads").len(), 50);
    });
    measure("who used one's data, 50 of 100", |holder| {
        let all = consents.list(&tag(holder), None, None, 1_000).expect("reads");
        assert_eq!(all.len(), most);
        let numbers = all.iter().map(|kept| tag(kept.jti.parse().expect("a number")));
        let of = UsesOf { subjects: vec![tag(holder)], consents: numbers.collect() };
        assert_eq!(store.data_uses(&of, None, 50).expect("reads").len(), 50);
    });
    measure("withdraw a consent", |holder| {
        let jti = format!("{holder:022}");
        let at = Timestamp::from_seconds(i64::from(CONSENTS));
        assert!(consents.withdraw(&tag(holder), &jti, at, Some("receipt")).expect("writes"));
    });
    measure("a status list of 100,000", |_| {
        assert_eq!(consents.places_withdrawn(0).expect("reads").len(), HOLDERS as usize);
    });
}
