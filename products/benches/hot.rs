//! How long the parts of this crate take that every call, or every start, goes through.
//!
//! `cargo bench -p shuzha-products` prints nanoseconds per request check and per answer release, and the time to read
//! worlds of growing numbers of grants. Each figure is the best of several rounds; each round asserts that the work
//! was done.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use shuzha_products::World;
use shuzha_products::input::check;

const ROUNDS: u32 = 9;
const CALLS: u32 = 20_000;

const PERSON: &str = r#"{"id_number":"11010519491231002X","name":"某某"}"#;
const FEATURES: &str = r#"{"limit_bal":20000,"sex":2,"education":2,"marriage":1,"age":24,"pay_0":2,"pay_2":2,"pay_3":-1,
"pay_4":-1,"pay_5":-2,"pay_6":-2,"bill_amt1":3913,"bill_amt2":3102,"bill_amt3":689,"bill_amt4":0,"bill_amt5":0,
"bill_amt6":0,"pay_amt1":0,"pay_amt2":689,"pay_amt3":0,"pay_amt4":0,"pay_amt5":0,"pay_amt6":0}"#;
const PROFILE: &str = r#"{"uscc":"91350100M000100Y43","name":"云帆公司","status":"存续","established":"2019-03-04",
"area":"690101","legal_person":"林望舒","phone":"13800000000","registered_capital_yuan":1000000}"#;

fn main() {
    let world = World::parse(&demo()).expect("the demo world");
    requests(&world);
    answers(&world);
    worlds();
}

fn requests(world: &World) {
    for (product, body) in [("person-check", PERSON), ("credit-score", FEATURES)] {
        let operation = &world.products[product].operations[0];
        let best = best_of(|| {
            for _ in 0..CALLS {
                let parsed = check(operation, black_box(body.as_bytes())).expect("a good request");
                assert!(black_box(parsed).value.is_object());
            }
        });
        println!("check    {product:<16} {:>4} bytes  {:>6} ns", body.len(), (best / CALLS).as_nanos());
    }
}

fn answers(world: &World) {
    for (product, grant, answer) in [
        ("person-check", "bank-person", r#"{"code":"00"}"#),
        ("credit-score", "bank-score", r#"{"probability":0.1234,"score":877,"model":"credit-default-1"}"#),
        ("company-profile", "bank-profile", PROFILE),
    ] {
        let operation = &world.products[product].operations[0];
        let fields = world.grants[grant].operations[0].fields;
        let best = best_of(|| {
            for _ in 0..CALLS {
                let released =
                    operation.release(fields, black_box(answer.as_bytes())).expect("a good answer");
                assert!(!black_box(released).bytes.is_empty());
            }
        });
        println!("release  {product:<16} {:>4} bytes  {:>6} ns", answer.len(), (best / CALLS).as_nanos());
    }
}

/// Reading must be linear: the time per grant stays the same as the world grows.
fn worlds() {
    for count in [1_000_u32, 10_000, 100_000] {
        let files = grants(count);
        let before = now();
        let world = World::parse(&files).expect("a world of grants");
        let took = before.elapsed();
        assert_eq!(world.grants.len(), count as usize + demo_grants());
        println!(
            "world    {count:>7} grants  {:>8} ms  {:>6} ns per grant",
            took.as_millis(),
            (took / count).as_nanos()
        );
    }
}

/// The demo world and `count` more grants, each for a scenario of its own.
fn grants(count: u32) -> Vec<(String, String)> {
    let mut files = demo();
    let (mut scenarios, mut grants) = (String::new(), String::new());
    for at in 0..count {
        let window = "{from: 2025-01-01, until: 2030-01-01}";
        let head = "---\napiVersion: shuzha/v1\nkind:";
        write!(
            scenarios,
            "{head} Scenario\nmetadata: {{name: s{at}}}\nspec: {{unit: bank, purpose: industry, title: t, window: {window}, approved: true}}\n",
        )
        .expect("a string takes everything");
        write!(
            grants,
            "{head} Grant\nmetadata: {{name: g{at}}}\nspec:\n  unit: bank\n  scenario: s{at}\n  agreement: bank-2025\n  \
             product: person-check\n  operations: [verify]\n  window: {window}\n  quota: {{max: 100, per: day}}\n  \
             rate: {{calls: 10, perSeconds: 1}}\n",
        )
        .expect("a string takes everything");
    }
    files.push(("more-scenarios.yaml".to_owned(), scenarios));
    files.push(("more-grants.yaml".to_owned(), grants));
    files
}

fn demo() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/examples/demo");
    let entries = std::fs::read_dir(folder).expect("the demo folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let worlds = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    worlds.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8"))).collect()
}

fn demo_grants() -> usize {
    World::parse(&demo()).expect("the demo world").grants.len()
}

fn best_of(mut work: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let before = now();
        work();
        before.elapsed()
    });
    rounds.min().expect("at least one round")
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the machine's own time")]
fn now() -> Instant {
    Instant::now()
}
