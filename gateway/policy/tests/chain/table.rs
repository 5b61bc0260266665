//! `table.txt`: one runner, many rows. Every code the chain can give, every kind of answer, and which stage wins.

mod row;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use shuzha_core::{Clock as _, Code, Id, NanoCharge};
use shuzha_policy::{FEED_AGE_MAX, KeptRelease, NewRelease, ReleaseKey, ReleaseStore, Reply};

use crate::calls::{Ask, OTHER, PERSON, histogram, serial};
use crate::consents::{Consent, reheaded, reissued};
use crate::gateway::{Plan, TestGateway, body, outcome, resumed};
use crate::listings;
use crate::upstream::{CONSISTENT, Fake, MISS, MISSES_NOTICED, Say, WARD};
use crate::world;
use row::Row;

/// Codes that no row can give, and why.
const NOT_IN_THE_TABLE: [(Code, &str); 35] = [
    (Code::C001, "framing: refused by whoever speaks HTTP"),
    (Code::C002, "paths: refused by whoever speaks HTTP"),
    (Code::C003, "sizes: refused by whoever speaks HTTP"),
    (Code::C004, "header sizes: refused by whoever speaks HTTP"),
    (Code::C005, "slow requests: refused by whoever speaks HTTP"),
    (Code::C006, "addresses: refused by whoever speaks HTTP"),
    (Code::C007, "methods of addresses: refused by whoever speaks HTTP"),
    (Code::C008, "lengths: refused by whoever speaks HTTP"),
    (Code::C010, "strangers' pace: refused by whoever speaks HTTP"),
    (Code::C011, "an address's share: refused by whoever speaks HTTP"),
    (Code::C094, "unfinished requests of the control API: refused by its listener"),
    (Code::C096, "the memory of all bodies: refused by whoever speaks HTTP"),
    (Code::C097, "a unit's bound of idempotency keys: `bounds.rs`"),
    (Code::C110, "a credential's pace: `bounds.rs`"),
    (Code::C111, "a unit's bound of nonces: `bounds.rs`"),
    (Code::C091, "draining: refused by whoever speaks HTTP"),
    (Code::C114, "versions of the simple profile: `signing.rs`"),
    (Code::C115, "a signature that leaves out what was sent: `signing.rs`"),
    (Code::C505, "what may be drawn of an operation at all: `drawn.rs`"),
    (Code::C312, "bodies beyond every contract; shown by the contracts' own tests"),
    (Code::C314, "answers that have gone; shown by retries.rs"),
    (Code::C313, "no contract that is let in costs so much; shown by the contracts' own tests"),
    (Code::C411, "nobody narrows a consent at the gate; shown by the consents' own tests"),
    (Code::C412, "no product of the demo is over a business secret: `authorisations.rs`"),
    (
        Code::C606,
        "a checked world has no report over data without a budget, and no query of charge nothing is parsed",
    ),
    (Code::C607, "paces take days: `budgets.rs`"),
    (Code::C608, "a person-space must have been charged in another measure: `budgets.rs`"),
    (Code::C610, "plans have paths of their own: `budgets.rs`"),
    (Code::C611, "a table over two versions of its data: `tables.rs`"),
    (Code::C612, "a table of two dates: `tables.rs`"),
    (Code::C613, "a table that a register of the version before holds: `tables.rs`"),
    (Code::C702, "a checked world has no two prices in force at once; shown by the price book's own tests"),
    (Code::C703, "a checked world has no price above its ceiling; shown by the price book's own tests"),
    (Code::C705, "a limit in the range of money is passed (C704) first; shown by the purse's own tests"),
    (Code::C807, "nobody is there to be answered: the journal shows it, in `holds.rs`"),
];

/// The last stage that refuses; settling has codes of the gate itself (C09x).
const RELEASE: u8 = 9;

/// The consent token of a row; withdrawn ones are withdrawn by the caller, after what was given.
fn token(house: &TestGateway, row: &Row<'_>, consent: &Consent) -> Option<String> {
    let now = house.clock_seconds();
    let token = &consent.token;
    Some(match row.get("consent")? {
        "none" => return None,
        "right" | "withdrawn" | "used-up" | "of-another-person" => token.clone(),
        "garbage" => "garbage".to_owned(),
        "forged" => {
            let mut forged = token.clone().into_bytes();
            let last = forged.len() - 2;
            forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
            String::from_utf8(forged).expect("ASCII")
        }
        "expired" => reissued(token, |claims| {
            for (name, at) in [("iat", now - 7_200), ("nbf", now - 7_200), ("exp", now - 3_600)] {
                claims[name] = at.into();
            }
        }),
        "early" => reissued(token, |claims| claims["nbf"] = (now + 1_800).into()),
        "for-another-unit" => {
            reissued(token, |claims| claims["authorization_details"][0]["au"] = "charity".into())
        }
        "for-another-purpose" => {
            reissued(token, |claims| claims["authorization_details"][0]["purpose"] = "sector".into())
        }
        "without-uses" => reissued(token, |claims| {
            claims.as_object_mut().expect("an object").remove("use");
        }),
        "without-end" => reissued(token, |claims| {
            claims.as_object_mut().expect("an object").remove("exp");
        }),
        "two-details" => reissued(token, |claims| {
            let details = claims["authorization_details"].as_array_mut().expect("a list");
            details.push(details[0].clone());
        }),
        "all-products" => {
            reissued(token, |claims| claims["authorization_details"][0]["products"] = json!(["*"]))
        }
        "all-fields" => {
            reissued(token, |claims| claims["authorization_details"][0]["fields"] = json!(["/*"]))
        }
        "of-no-end" => reissued(token, |claims| claims["exp"] = i64::MAX.into()),
        "with-a-condition" => reissued(token, |claims| claims["cnf"] = json!({"jkt": "x"})),
        "for-another-gate" => reissued(token, |claims| claims["aud"] = "elsewhere".into()),
        "by-another-issuer" => reissued(token, |claims| claims["iss"] = "another".into()),
        "issued-in-the-future" => reissued(token, |claims| claims["iat"] = (now + 301).into()),
        "begins-in-the-future" => reissued(token, |claims| claims["nbf"] = (now + 301).into()),
        "by-a-clock-ahead" => reissued(token, |claims| {
            for name in ["iat", "nbf"] {
                claims[name] = (now + 300).into();
            }
        }),
        "by-another-function" => reissued(token, |claims| claims["sub_alg"] = "hmac-sm3".into()),
        "under-another-key" => reissued(token, |claims| claims["sub_kid"] = "local-2".into()),
        "of-an-element" => reissued(token, |claims| claims["sub_alg"] = "blinded-element".into()),
        "of-another-key" => reissued(token, |claims| claims["sub_alg"] = "oprf".into()),
        "alg-none" => reheaded(token, |header| header["alg"] = "none".into()),
        "alg-hs256" => reheaded(token, |header| header["alg"] = "HS256".into()),
        "alg-es256" => reheaded(token, |header| header["alg"] = "ES256".into()),
        "alg-sm2" => reheaded(token, |header| header["alg"] = "SM2-SM3".into()),
        "kid-unknown" => reheaded(token, |header| header["kid"] = "another-1".into()),
        "kid-path" => reheaded(token, |header| header["kid"] = "../../keys/commit.key".into()),
        "typ-jwt" => reheaded(token, |header| header["typ"] = "JWT".into()),
        "crit" => reheaded(token, |header| header["crit"] = json!(["b64"])),
        "unsigned" => format!("{}.", token.rsplit_once('.').expect("a compact token").0),
        "narrower" => consent.narrowed(1, house.clock.now()).token,
        other => panic!("line {}: no consent {other}", row.line),
    })
}

/// A store of releases that breaks when it is written.
struct Broken;

impl ReleaseStore for Broken {
    fn get(&self, _: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    fn put(&self, _: &ReleaseKey, _: &NewRelease) -> Result<Vec<u8>, String> {
        panic!("the planned fault of the release store")
    }

    fn after(&self, _: Option<&ReleaseKey>, _: usize) -> Result<Vec<KeptRelease>, String> {
        Ok(Vec::new())
    }
}

fn house_for(given: &str) -> TestGateway {
    let plan = match given {
        "nonces-full" => Plan { nonces_max: 1, ..Plan::default() },
        "journal-busy" => Plan { queue_records_max: 1, ..Plan::default() },
        "releases-broken" => Plan { releases: Some(Arc::new(Broken)), ..Plan::default() },
        _ => Plan::default(),
    };
    TestGateway::planned(plan)
}

/// Calls until every nonce is refused: each of the 256 slots takes one.
const CALLS_TO_FILL: usize = 5_000;

/// Makes what is given true, before the row's own call. The ask may change with it.
async fn prepare(house: &TestGateway, row: &Row<'_>, mut ask: Ask) -> Ask {
    let fake = Fake::new([]);
    let answered = async |ask: &Ask, fake: &Fake| {
        let reply = house.call(ask, fake).await;
        let done = outcome(&reply);
        assert!(matches!(&*done, "answered" | "opened"), "line {}: what is given was {done}", row.line);
    };
    match row.given() {
        "paid-before" | "asked-before" | "called-before" => answered(&ask, &fake).await,
        "called-twice" => {
            answered(&ask, &fake).await;
            answered(&ask, &fake).await;
        }
        "answered-before" => {
            ask = ask.with("idempotency-key", "k1");
            answered(&ask, &fake).await;
        }
        "replayed" => {
            ask.nonce = Some(format!("nonce-{}", serial()));
            answered(&ask, &fake).await;
        }
        "key-of-another-request" => {
            ask = ask.with("idempotency-key", "k1");
            answered(&ask.clone().body(r#"{"uscc":"91690114MAC4UCDX1R","name":"另"}"#), &fake).await;
        }
        "key-under-another-consent" => {
            let other = house.consent(PERSON.0, "bank", 1);
            let mut first = ask.clone().with("idempotency-key", "k1");
            first.headers.retain(|(name, _)| name != "x-consent");
            answered(&first.with("x-consent", &other.token), &fake).await;
            ask = ask.with("idempotency-key", "k1");
        }
        "asked-for-0.2" => answered(&ask.clone().body(&histogram("sex", "0.2")), &fake).await,
        "ward-a-asked" => {
            let first =
                Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", "0.3"));
            answered(&first, &Fake::new([Say::Json(200, WARD)])).await;
        }
        "nonces-full" => {
            let nowhere = Ask::new("bank-1", "nowhere", "verify", "bank-onboarding");
            for _ in 0..CALLS_TO_FILL {
                house.call(&nowhere, &fake).await;
            }
        }
        "guessed" => {
            for _ in 0..MISSES_NOTICED {
                answered(&ask, &Fake::new([Say::Json(200, MISS)])).await;
            }
        }
        "unauthorised" => house.gate.install(listings::unauthorised()),
        "listing-demanded" => house.gate.install(listings::without("heilongjiang")),
        "reviews-demanded" => house.gate.install(world::under("gansu")),
        "feed-silent" => {
            house.gate.heard_withdrawals();
            house.clock.advance(FEED_AGE_MAX + std::time::Duration::from_micros(1));
        }
        "journal-full" => house.disk.set_capacity(Some(0)),
        "journal-busy" => {
            // Once a record is being written and is held, the next fills the queue.
            house.disk.hold_writes();
            while !house.disk.holds_a_write() {
                let _full_or_not = house.gate.journal().append(&resumed(house));
                std::thread::yield_now();
            }
            while house.gate.journal().append(&resumed(house)).is_ok() {}
        }
        _ => {}
    }
    ask
}

/// The row's own call, with what happens while it is under way.
async fn perform(house: &TestGateway, row: &Row<'_>, ask: &Ask, consent: &Consent) -> Reply<()> {
    let waiting = Fake::new([Say::Wait(CONSISTENT)]);
    match row.given() {
        "one-in-flight" | "key-in-progress" => {
            let key = row.given() == "key-in-progress";
            let ask = if key { ask.clone().with("idempotency-key", "k1") } else { ask.clone() };
            let (_, reply) = tokio::join!(house.call(&ask, &waiting), async {
                waiting.arrived().await;
                let reply = house.call(&ask, &Fake::new([])).await;
                waiting.go();
                reply
            });
            reply
        }
        "withdrawn-meanwhile" | "suspended-meanwhile" => {
            let (reply, ()) = tokio::join!(house.call(ask, &waiting), async {
                waiting.arrived().await;
                if row.given() == "withdrawn-meanwhile" {
                    house.withdraw(consent).await;
                } else {
                    house.gate.install(world::snapshot(&world::suspension("ApplicationUnit", "bank")));
                }
                waiting.go();
            });
            reply
        }
        _ => house.call(ask, &Fake::new(row.says())).await,
    }
}

/// ε spent over all data sets, in nano-units.
fn spent(house: &TestGateway) -> u64 {
    let of = |name| house.gate.privacy_spent(&Id::new(name).expect("a name")).nanos();
    ["census", "ward-a", "ward-b"].map(of).iter().sum()
}

/// Runs one row; says what is wrong.
async fn run(row: &Row<'_>) -> Result<(), String> {
    let house = house_for(row.given());
    let unit = row.get("unit").expect("every row has a unit");
    let person = if row.get("consent") == Some("of-another-person") { OTHER } else { PERSON };
    let uses = if row.get("consent") == Some("used-up") { 1 } else { 5 };
    let named = Id::new(unit).expect("a name");
    let consent = house.consent(person.0, unit, uses);
    let mut ask = row.ask();
    if let Some(token) = token(&house, row, &consent) {
        ask = ask.with("x-consent", &token);
    }
    let prepared_with = if row.get("consent") == Some("of-another-person") && !row.given().is_empty() {
        let right = house.consent(PERSON.0, unit, uses);
        let mut first = ask.clone();
        first.headers.retain(|(name, _)| name != "x-consent");
        first.with("x-consent", &right.token)
    } else {
        ask.clone()
    };
    let prepared = prepare(&house, row, prepared_with.clone()).await;
    if row.get("consent") != Some("of-another-person") {
        ask = prepared;
    }
    match row.get("consent") {
        Some("withdrawn") => house.withdraw(&consent).await,
        Some("used-up") => {
            house.call(&ask, &Fake::new([])).await;
        }
        _ => {}
    }
    let (charged, epsilon) = (house.gate.charged(&named), spent(&house));
    let reply = perform(&house, row, &ask, &consent).await;
    let (charged, epsilon) =
        (house.gate.charged(&named).micros() - charged.micros(), spent(&house) - epsilon);
    house.disk.release_writes();
    check(row, &reply, charged, epsilon)
}

/// Compares what came back with the row.
fn check(row: &Row<'_>, reply: &Reply<()>, charged: i64, epsilon: u64) -> Result<(), String> {
    let mut words = row.expected.split_whitespace();
    let wanted = words.next().expect("something is expected");
    let found = outcome(reply);
    if found != wanted {
        return Err(format!("{found} instead of {wanted}"));
    }
    let refused = wanted.starts_with('C');
    if refused && (reply.fee.is_some() || reply.receipt.is_some()) {
        return Err("a refusal has a fee or a receipt".to_owned());
    }
    if let (true, Ok(code)) = (refused, wanted.parse::<Code>())
        && reply.status != code.status()
    {
        return Err(format!("status {}", reply.status));
    }
    // An idempotent repetition shows the fee of its first answer and takes none.
    let taken = if refused || found == "replayed" { Some(0) } else { reply.fee.map(|fee| fee.micros()) };
    if taken.is_some_and(|taken| taken != charged)
        && !matches!(row.given(), "one-in-flight" | "key-in-progress")
    {
        return Err(format!("{charged} micro-yuan were taken, fee {:?}", reply.fee));
    }
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        let found = match key {
            "fee" => reply.fee.map_or_else(|| "none".to_owned(), |fee| fee.to_string()),
            "eps" => NanoCharge::from_nanos(epsilon).to_string(),
            "says" => {
                let text = String::from_utf8_lossy(body(reply)).into_owned();
                if text.contains(value) { value.to_owned() } else { text }
            }
            other => panic!("line {}: nothing called {other} is expected", row.line),
        };
        let same = found == value || (key == "eps" && value == "0" && found == "0.0");
        if !same {
            return Err(format!("{key} is {found}"));
        }
    }
    Ok(())
}

fn rows() -> Vec<Row<'static>> {
    let lines = include_str!("table.txt").lines().zip(1..);
    let rows = lines.filter(|(text, _)| !text.is_empty() && !text.starts_with('#'));
    rows.map(|(text, line)| Row::read(line, text)).collect()
}

#[tokio::test]
async fn every_row_of_the_table_holds() {
    let mut wrong = Vec::new();
    for row in rows() {
        if let Err(why) = run(&row).await {
            wrong.push(format!("table.txt:{}: {}\n    {why}", row.line, row.text));
        }
    }
    assert!(wrong.is_empty(), "{} rows do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_code_is_in_the_table_or_has_a_reason_not_to_be() {
    let rows = rows();
    let covered: BTreeSet<&str> =
        rows.iter().filter_map(|row| row.expected.split_whitespace().next()).collect();
    let excused: BTreeSet<&str> = NOT_IN_THE_TABLE.iter().map(|(code, _)| code.as_str()).collect();
    // Codes of a later stage than release are those of the control plane: no call meets them.
    for code in Code::ALL.iter().filter(|code| code.stage() <= RELEASE).map(|code| code.as_str()) {
        let both = (covered.contains(code), excused.contains(code));
        assert_ne!(both, (false, false), "no row gives {code}, and nothing says why");
        assert_ne!(both, (true, true), "{code} has a row: its excuse is out of date");
    }
}
