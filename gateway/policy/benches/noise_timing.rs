//! Whether the time of an answer tells the size of its noise (privacy research R10): Pearson's and Spearman's correlation
//! of |noise| with the time of a whole call through the gate, beside that of the sampler alone. Run with
//! `cargo bench -p shuzha-policy --bench noise_timing`; with `-- full` over 100,000 pairs.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use shuzha_core::{Clock, NanoCharge, OsRng};
use shuzha_policy::{Dispatch, Fetched, Opened, Payload, Upstream, UpstreamFault};
use shuzha_privacy::dp::{Domain, Measure, Query, Terms};

use shuzha_testkit::printed::{heading, number};
use shuzha_testkit_policy::calls;
use shuzha_testkit_policy::gateway::TestGateway;

/// Calls of one gate, each a query of its own: as many as its budget allows.
const CALLS: u64 = 16_000;
/// Gates one after the other in a full run: 112,000 pairs.
const GATES_FULL: u64 = 7;
/// Calls at once.
const AT_ONCE: usize = 32;
/// The least charge of a query, in nano-units of ε; each costs one more than the last.
const CHARGE: u64 = 50_000;
/// The exact count.
const EXACT: i64 = 1_000;
/// Keeps the grant's rate.
const PAUSE: Duration = Duration::from_millis(20);
/// Most correlation (R10).
const CORRELATION_MAX: f64 = 0.02;

/// The engine: answers at once.
struct Engine;

impl Upstream for Engine {
    type Stream = ();

    fn keeps(&self, _: &shuzha_core::Id, _: shuzha_privacy::dp::DomainDigest) -> bool {
        true
    }

    async fn fetch(&self, _: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        let answer = r#"{"data_version":"adult-1","max_rows_per_person":1,"rows":[{"key":[],"count":1000}]}"#;
        Ok(Fetched { status: 200, body: Bytes::from_static(answer.as_bytes()) })
    }

    async fn open(&self, _: Dispatch<'_>) -> Result<Opened<()>, UpstreamFault> {
        Err(UpstreamFault::Unreachable)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// |noise| of a released count.
fn noise(answer: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    (answer["cells"][0]["count"].as_i64().expect("a count") - EXACT).unsigned_abs() as f64
}

fn query(number: u64) -> Value {
    json!({"measure": "count", "accuracy": {"epsilon": NanoCharge::from_nanos(CHARGE + number).to_string()}})
}

/// The time of one call and the noise of its answer.
async fn call(house: &TestGateway, number: u64) -> (f64, f64) {
    house.clock.advance(PAUSE);
    let ask = calls::Ask::new("civil-affairs-1", "census-report", "query", "civil-planning");
    let sent = ask.body(&query(number).to_string()).send(house.clock.now());
    let inbound = sent.inbound();
    let begun = now();
    let reply = house.gate.serve(&inbound, &Engine).await;
    let spent = begun.elapsed().as_secs_f64();
    let Payload::Answer(body) = reply.payload else { panic!("not answered: {:?}", reply.payload) };
    // Queries differ in ε, so that none is answered by a release of another; their noise is compared in units of its scale. Otherwise
    // whatever else changes in the course of the calls would seem to go with the noise.
    (noise(&body) * (CHARGE + number) as f64, spent)
}

async fn calls(house: &TestGateway) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    let mut next = 0;
    while next < CALLS {
        let batch = (next..next + AT_ONCE as u64).map(|number| Box::pin(call(house, number))).collect();
        next += AT_ONCE as u64;
        pairs.extend(join(batch).await);
    }
    pairs
}

async fn join<F: Future>(mut running: Vec<Pin<Box<F>>>) -> Vec<F::Output> {
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

/// The sampler alone: |noise| and time of a draw.
fn draws(pairs: u64) -> Vec<(f64, f64)> {
    let declared = json!({"data_version": "adult-1", "max_rows_per_person": 1, "columns": {"age": {"type": "integer", "minimum": 17, "maximum": 90}}});
    let terms = Terms { measure: Measure::PureEps, per_query_max: NanoCharge::from_nanos(1_000_000_000) };
    let domain = Domain::compile(&declared, terms).expect("it compiles");
    let query = Query::parse(&json!({"measure": "count", "accuracy": {"epsilon": "0.00005"}}), &domain)
        .expect("sound");
    let engine = r#"{"data_version":"adult-1","max_rows_per_person":1,"rows":[{"key":[],"count":1000}]}"#;
    let one = |_| {
        let begun = now();
        let drawn = query.draw(&domain, &OsRng).expect("the map confirms");
        let spent = begun.elapsed().as_secs_f64();
        (noise(&query.release(drawn, engine.as_bytes(), &domain).expect("released").bytes), spent)
    };
    (0..pairs).map(one).collect()
}

fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| of(pair.0 - x, pair.1 - y)).sum::<f64>();
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.zip(0..).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut ranks = vec![0.0; order.len()];
    for (rank, (_, at)) in order.iter().enumerate() {
        ranks[*at] = rank as f64;
    }
    ranks
}

fn spearman(pairs: &[(f64, f64)]) -> f64 {
    let (x, y) = (ranks(pairs.iter().map(|pair| pair.0)), ranks(pairs.iter().map(|pair| pair.1)));
    pearson(&x.into_iter().zip(y).collect::<Vec<_>>())
}

fn main() {
    let full = std::env::args().any(|argument| argument == "full");
    let gates = if full { GATES_FULL } else { 1 };
    heading(&format!(
        "{} pairs, {AT_ONCE} calls at once, noise drawn in a slot of fixed length",
        gates * CALLS
    ));
    let alone = draws(CALLS);
    number("sampler alone, Pearson of |noise| and time", pearson(&alone), "", None);
    number("sampler alone, Spearman", spearman(&alone), "", None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut pairs = Vec::new();
    for _ in 0..gates {
        let house = TestGateway::new();
        pairs.extend(runtime.block_on(calls(&house)));
    }
    assert_eq!(pairs.len() as u64, gates * CALLS, "every call was answered");
    number("whole calls, |Pearson|", pearson(&pairs).abs(), "", Some(0.0..=CORRELATION_MAX));
    number("whole calls, |Spearman|", spearman(&pairs).abs(), "", Some(0.0..=CORRELATION_MAX));
    number("either is uncertain by (two standard errors)", 2.0 / (pairs.len() as f64).sqrt(), "", None);
}
