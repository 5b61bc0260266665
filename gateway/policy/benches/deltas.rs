//! A million grants: how long a node takes to have them in force, what they weigh, and how soon a change is felt while
//! calls are served.
//!
//! `cargo bench -p shuzha-policy --bench deltas -- 1000000`. A process of its own compiles the world and keeps it on
//! disk, so that the memory shown is that of a node started from the file. Every change is shown to be in force by a
//! call that it decides.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use shuzha_core::{Clock, Id};
use shuzha_policy::kept::{self, Kept};
use shuzha_policy::{Delta, Snapshot};
use shuzha_products::World;

#[path = "scaffold/scaffold.rs"]
mod scaffold;

use scaffold::{AtOnce, now, say};
use shuzha_testkit_policy::gateway::TestGateway;
use shuzha_testkit_policy::{calls, gateway, world};

/// Grants where the command line says nothing.
const GRANTS: usize = 1_000_000;
/// Scenarios of one unit, and grants of one scenario.
const SCENARIOS_PER_UNIT: usize = 10;
const GRANTS_PER_SCENARIO: usize = 100;
/// How long calls are served, alone and with changes.
const SERVE: Duration = Duration::from_secs(8);
/// Between two changes.
const PAUSE: Duration = Duration::from_millis(10);

/// Declares units and scenarios for `grants` grants.
fn parties(grants: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut object = |kind: &str, name: &str, spec: &str| {
        let _ = writeln!(
            text,
            "---\napiVersion: shuzha/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}"
        );
    };
    let term = "window: {from: 2025-01-01, until: 2031-01-01}";
    for product in 0..GRANTS_PER_SCENARIO {
        let about =
            "kind: verification, title: x, operator: yunze-data, dataSets: [enterprises], upstream: register";
        let operation = "{name: verify, method: POST, path: /v1/check, personal: false, \
             input: {type: object, additionalProperties: false, required: [uscc], properties: {uscc: {type: string}}}, \
             subject: {kind: organisation, pointer: /uscc}, verdicts: {pointer: /code, codes: {\"00\": consistent}}}";
        let spec = format!("{about}, version: 1, operations: [{operation}]");
        object("Product", &format!("product-{product}"), &spec);
    }
    for unit in 0..grants.div_ceil(SCENARIOS_PER_UNIT * GRANTS_PER_SCENARIO) {
        let unit = format!("unit-{unit}");
        object(
            "ApplicationUnit",
            &unit,
            "organisation: yunze-bank, securityOfficer: x, creditLimit: \"9.00\"",
        );
        object("Credential", &format!("{unit}-1"), &format!("unit: {unit}, algorithm: hmac-sha256, {term}"));
        object("Agreement", &unit, &format!("unit: {unit}, {term}, signed: true"));
        for scenario in 0..SCENARIOS_PER_UNIT {
            let spec = format!("unit: {unit}, purpose: industry, title: x, {term}, approved: true");
            object("Scenario", &format!("{unit}-s{scenario}"), &spec);
        }
    }
    text
}

/// The tests' world and `more`, with nobody's credit or quota in the way of calls that are measured.
fn files(more: &str) -> Vec<(String, String)> {
    let free = |text: String| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("quota: "));
        lines
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .replace("creditLimit: \"", "creditLimit: \"9999999")
    };
    world::files(more).into_iter().map(|(name, text)| (name, free(text))).collect()
}

/// The tests' world with `grants` more grants. They are put in compiled: reading a million of YAML is another matter.
fn big_world(grants: usize) -> World {
    let mut world = World::parse(&files(&parties(grants))).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let model = world.grants["bank-company"].clone();
    let id = |text: String| Id::new(&text).expect("a name");
    for at in 0..grants {
        let (scenario, own) = (at / GRANTS_PER_SCENARIO, at % GRANTS_PER_SCENARIO);
        let unit = format!("unit-{}", scenario / SCENARIOS_PER_UNIT);
        let scenario = format!("{unit}-s{}", scenario % SCENARIOS_PER_UNIT);
        let mut grant = model.clone();
        (grant.unit, grant.agreement) = (id(unit.clone()), id(unit));
        grant.product = id(format!("product-{own}"));
        let name = id(format!("{scenario}-g{own}"));
        grant.scenario = id(scenario);
        grant.window = shuzha_products::Window::new(
            model.window.from(),
            model.window.until().minus(Duration::from_secs(86_400 * (own as u64 / 4))),
        )
        .expect("years are longer than weeks");
        world.grants.insert(name, grant);
    }
    world
}

/// Resident memory in MiB.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) >> 10
}

fn prepare(grants: usize, path: &Path) {
    let began = now();
    let world = big_world(grants);
    let made = now();
    let snapshot = Snapshot::compile(world, &world::key_ring()).expect("it compiles");
    let compiled = now();
    kept::write(path, &snapshot).expect("written");
    let bytes = std::fs::metadata(path).expect("a file").len();
    say(&format!(
        "declared in {:.2} s; compiled in {:.2} s; kept in {:.2} s, {} MiB",
        (made - began).as_secs_f64(),
        (compiled - made).as_secs_f64(),
        compiled.elapsed().as_secs_f64(),
        bytes >> 20
    ));
}

/// Times in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    fn shown(&self) -> String {
        let at = |share: usize| self.0[(self.0.len() - 1) * share / 1_000].as_secs_f64() * 1e6;
        let last = self.0.len() - 1;
        format!(
            "p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs, most {:.0} µs ({} of them)",
            at(500),
            at(990),
            at(999),
            self.0[last].as_secs_f64() * 1e6,
            self.0.len()
        )
    }
}

async fn call(house: &TestGateway, credential: &str, scenario: &str) -> (String, Duration) {
    house.clock.advance(Duration::from_millis(20));
    let sent = calls::Ask::new(credential, "company-check", "verify", scenario).send(house.clock.now());
    let began = now();
    let reply = house.gate.serve(&sent.inbound(), &AtOnce).await;
    (gateway::outcome(&reply), began.elapsed())
}

fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Serves calls for [`SERVE`]; how long each took.
fn serve(house: &TestGateway) -> Vec<Duration> {
    on_one_thread(async {
        let end = now() + SERVE;
        let mut times = Vec::new();
        while now() < end {
            let (outcome, took) = call(house, "bank-1", "bank-onboarding").await;
            assert_eq!(outcome, "answered");
            times.push(took);
        }
        times
    })
}

/// Takes the insurer's grant away and gives it back, again and again; how long that took, and how long until a
/// call that it decides had ended. Reading the declaration is not in it.
fn change(house: &TestGateway, stop: &AtomicBool, changes: &AtomicU32) -> (Vec<Duration>, Vec<Duration>) {
    let ring = world::key_ring();
    let files = files("");
    let key = ("Grant", Id::new("insurer-company").expect("a name"));
    let (mut felt, mut applied) = (Vec::new(), Vec::new());
    on_one_thread(async {
        let mut here = true;
        while !stop.load(Ordering::Relaxed) {
            let world = if here { World::default() } else { World::parse(&files).expect("no fault") };
            let began = now();
            let (changed, removed) =
                if here { (vec![], vec![key.clone()]) } else { (vec![key.clone()], vec![]) };
            house.gate.apply(Delta { world, changed, removed, mark: None }, &ring).expect("it stands");
            applied.push(began.elapsed());
            let (outcome, _) = call(house, "insurer-1", "insurer-claims").await;
            felt.push(began.elapsed());
            here = !here;
            assert_eq!(outcome, if here { "answered" } else { "C206" });
            changes.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    });
    (applied, felt)
}

fn measure(path: &Path) {
    let idle = resident();
    let began = now();
    let kept = Kept::read(path).expect("it was just kept");
    let read = began.elapsed();
    let snapshot = kept.compile(&world::key_ring()).expect("it compiles");
    let total = began.elapsed();
    let loaded = resident();
    say(&format!(
        "{} grants in force {:.2} s after the start ({:.2} s to read and check the file); resident {loaded} MiB ({idle} before)",
        snapshot.grant_count(),
        total.as_secs_f64(),
        read.as_secs_f64()
    ));
    let house = TestGateway::new();
    house.gate.install(snapshot);
    let alone = Times::of(serve(&house));
    say(&format!("calls, nothing changing: {}", alone.shown()));
    let (stop, changes) = (AtomicBool::new(false), AtomicU32::new(0));
    let (times, (applied, felt)) = std::thread::scope(|scope| {
        let changer = scope.spawn(|| change(&house, &stop, &changes));
        let times = serve(&house);
        stop.store(true, Ordering::Relaxed);
        (times, changer.join().expect("every change was felt"))
    });
    say(&format!(
        "calls, {} changes meanwhile: {}",
        changes.load(Ordering::Relaxed),
        Times::of(times).shown()
    ));
    say(&format!("change put in force: {}", Times::of(applied).shown()));
    say(&format!("change felt by a call that ended: {}", Times::of(felt).shown()));
    say(&format!("resident afterwards: {} MiB", resident()));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [task, grants, path] = &arguments[..]
        && task == "prepare"
    {
        return prepare(grants.parse().expect("a number of grants"), Path::new(path));
    }
    let grants = arguments.first().map_or(GRANTS, |count| count.parse().expect("a number of grants"));
    shuzha_testkit::printed::heading(&format!(
        "{grants} grants, the system's allocator, the journal in memory"
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("kept.world");
    let own = std::env::current_exe().expect("this program");
    let mut child = Command::new(own);
    child.arg("prepare").arg(grants.to_string()).arg(&path);
    assert!(child.status().expect("it starts").success(), "the world could not be prepared");
    measure(&path);
}
