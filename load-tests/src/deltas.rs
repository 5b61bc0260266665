//! A register of a million grants: how long a node takes to serve it, what it weighs, how soon a decision is felt, and
//! whether calls notice.
//!
//! A change is a grant that the authority revokes over the control API. It is felt when the first call under that grant is
//! refused; the time runs from the API's answer to that refusal, and every grant was shown to be in force just before.

mod ask;
mod town;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;

use crate::clock::{micros, now, unix_seconds};
use crate::drive::{Pace, Plan, Tally, drive};
use crate::gateway::{Journal, UPSTREAM_ANSWER, issue_secret, random_bytes, write_key};
use crate::process::{Process, Usage, free_address, pin_here};
use crate::say::say;
use crate::sign::{Call, Signer};
use crate::upstream::Upstream;
use ask::Line;
use town::{CREDENTIAL, Made, PRODUCTS, SCENARIOS, grant};

/// The key that requests to the product service are signed with, within the gateway's data folder.
const UPSTREAM_KEY: &str = "keys/upstreams/service.key";
/// Keep-alive connections of the load.
const CONNECTIONS: usize = 64;
/// Length of the closed loop that finds the rate.
const PROBE: Duration = Duration::from_secs(3);
/// Changes before the crash that the last start recovers from.
const BEFORE_CRASH: u32 = 5;

/// What to measure.
pub(crate) struct Options {
    pub(crate) grants: u32,
    pub(crate) changes: u32,
    pub(crate) measure: Duration,
    /// Cores of the gateway, as `taskset` writes them.
    pub(crate) system_cores: String,
    pub(crate) load_core: usize,
}

/// A gateway whose register has the grants.
struct World {
    config: std::path::PathBuf,
    data: std::path::PathBuf,
    address: SocketAddr,
    operations: SocketAddr,
    control: SocketAddr,
    secret: Vec<u8>,
    made: Made,
}

/// Makes the register, then measures.
///
/// # Errors
/// When anything that a figure rests on did not happen.
pub(crate) fn run(programs: &Path, options: &Options) -> Result<()> {
    let changes_max = (SCENARIOS - 1) * PRODUCTS - BEFORE_CRASH;
    ensure!((1..=changes_max).contains(&options.changes), "1 to {changes_max} changes");
    ensure!(options.grants >= SCENARIOS * PRODUCTS, "at least {} grants", SCENARIOS * PRODUCTS);
    pin_here(options.load_core)?;
    let upstream = Upstream::start(UPSTREAM_ANSWER)?;
    let folder = tempfile::tempdir()?;
    let began = now();
    let world = World::make(programs, folder.path(), &upstream, options.grants)?;
    let bytes = fs::metadata(world.data.join("control.db"))?.len();
    say(&format!(
        "setting   {} grants in a register of {} MiB, made in {:.0} s; gateway on core {}, generator and upstream on core {}",
        world.made.grants,
        bytes >> 20,
        began.elapsed().as_secs_f64(),
        options.system_cores,
        options.load_core
    ));
    let first = world.start(programs, folder.path(), options)?;
    first.tell("first start")?;
    first.from("the whole register")?;
    first.process.stop()?;
    let second = world.start(programs, folder.path(), options)?;
    second.tell("second start")?;
    second.from("the kept world and 0 acts since")?;
    let answered = world.serve(options, &second.process)?;
    let (_, usage) = (second.status()?, second.process.usage()?);
    say(&format!("after {} changes: {} MiB resident", options.changes, usage.resident >> 20));
    let more: Vec<u32> = (options.changes..options.changes + BEFORE_CRASH).collect();
    let last = world.revoke_all(&more, Duration::ZERO, &AtomicBool::new(false))?;
    // Killed where it stands: nothing more is kept.
    drop(second);
    let third = world.start(programs, folder.path(), options)?;
    third.tell("start after a crash")?;
    let left = world.made.grants - u64::from(options.changes + BEFORE_CRASH);
    ensure!(third.status()?["snapshot"]["grants"] == left, "another number of grants is in force");
    third.process.stop()?;
    let expected = answered + u64::from(last.answered_calls);
    let recorded = Journal::in_folder(world.data.join("journal")).answered()?;
    ensure!(recorded == expected, "{expected} calls were answered, and {recorded} are on record");
    say(&format!("every one of {recorded} answered calls is in the journal"));
    Ok(())
}

/// A gateway that has become ready.
struct Started {
    process: Process,
    took: Duration,
    resident: u64,
    operations: SocketAddr,
}

impl Started {
    fn tell(&self, what: &str) -> Result<()> {
        let from = self.status()?["started_from"].as_str().unwrap_or("?").to_owned();
        say(&format!(
            "{what:<20} ready after {:.2} s, {} MiB resident, from {from}",
            self.took.as_secs_f64(),
            self.resident >> 20
        ));
        Ok(())
    }

    fn from(&self, expected: &str) -> Result<()> {
        let status = self.status()?;
        ensure!(status["started_from"] == expected, "started from {}", status["started_from"]);
        Ok(())
    }

    fn status(&self) -> Result<Value> {
        let request = format!("GET /status HTTP/1.1\r\nHost: {}\r\n\r\n", self.operations);
        let (status, body) = Line::to(self.operations)?.ask(request.as_bytes())?;
        ensure!(status == 200, "/status answers {status}");
        Ok(serde_json::from_slice(&body)?)
    }
}

/// What the changes came to.
struct Felt {
    /// From the API's answer to the first call that it decided.
    latency: Histogram<u64>,
    /// From the request to the API's answer.
    decided: Histogram<u64>,
    /// Calls that were still answered after the API had.
    late: u32,
    answered_calls: u32,
}

impl World {
    fn make(programs: &Path, folder: &Path, upstream: &Upstream, grants: u32) -> Result<Self> {
        let data = folder.join("data");
        fs::create_dir_all(data.join("keys/upstreams"))?;
        fs::create_dir_all(data.join("journal"))?;
        write_key(&data.join(UPSTREAM_KEY), &random_bytes::<32>())?;
        let made = town::make(&data, &upstream.address().to_string(), grants)?;
        let (address, operations, control) = (free_address()?, free_address()?, free_address()?);
        let config = folder.join("shuzha.toml");
        let text = format!(
            "[node]\nname = \"{}\"\ndata_dir = {data:?}\n[control]\nlisten = \"{control}\"\nrules = \"{}\"\n\
             [egress]\nallow = [\"127.0.0.1\"]\nself_description = \"declared\"\n[data_plane]\nlisten = [\"{address}\"]\nthreads = 1\n[operations]\nlisten = \"{operations}\"\n[limits]\n\
             requests_per_connection_max = 1_000_000_000\nsigned_requests_per_second_max = 1_000_000\n\
             nonces_per_unit_max = 8_000_000\n[log]\nlevel = \"warn\"\n",
            town::NODE,
            town::RULES
        );
        fs::write(&config, text)?;
        let secret = issue_secret(programs, &config, CREDENTIAL)?;
        Ok(Self { config, data, address, operations, control, secret, made })
    }

    fn start(&self, programs: &Path, folder: &Path, options: &Options) -> Result<Started> {
        let log = folder.join("log");
        let mut command = Command::new(programs.join("shuzha"));
        command.arg("serve").arg("--config").arg(&self.config);
        let began = now();
        let mut process = Process::start_on("shuzha", &command, &options.system_cores, &log)?;
        let ready = || crate::gateway::is_ready(self.operations);
        process.wait_until(ready).with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        let took = began.elapsed();
        let resident = process.usage()?.resident;
        Ok(Started { process, took, resident, operations: self.operations })
    }

    fn call(&self, scenario: u32, product: u32) -> Call {
        Call {
            path: format!("/v1/products/product-{product}/verify"),
            body: r#"{"uscc":"91690000MA0001333Q","name":"云泽市示例科技有限公司"}"#.to_owned(),
            app_key: CREDENTIAL.to_owned(),
            secret: self.secret.clone(),
            scenario: format!("{}-s{scenario}", town::UNIT),
            consents: Vec::new(),
        }
    }

    /// Serves without changes, with, and without again. Says how many calls were answered.
    fn serve(&self, options: &Options, process: &Process) -> Result<u64> {
        let plan = |pace, measure| Plan {
            address: self.address,
            connections: CONNECTIONS,
            warm_up: Duration::from_secs(1),
            measure,
            pace,
        };
        let turn = |pace, measure| -> Result<Tally<Usage>> {
            let tally = drive(&plan(pace, measure), &self.call(0, 0), || process.usage())?;
            ensure!(
                tally.refused.is_empty() && tally.broken == 0,
                "calls failed: {:?}, {} broken",
                tally.refused,
                tally.broken
            );
            Ok(tally)
        };
        let probe = turn(Pace::Closed, PROBE)?;
        let rate = u32::try_from(probe.answered / PROBE.as_secs() / 2)?.max(1);
        say(&format!(
            "\nopen loop at {rate} calls/s, half of what a closed loop reached; {} s each",
            options.measure.as_secs()
        ));
        let open = Pace::Open { rate };
        let before = turn(open, options.measure)?;
        let all: Vec<u32> = (0..options.changes).collect();
        let pause = options.measure / options.changes;
        let stop = AtomicBool::new(false);
        let (with, felt) = thread::scope(|scope| {
            let changes = scope.spawn(|| self.revoke_all(&all, pause, &stop));
            // One that fails ends the other as well.
            let with = turn(open, options.measure + Duration::from_secs(1));
            stop.store(with.is_err(), Ordering::Relaxed);
            let felt = changes.join().map_err(|_| anyhow::anyhow!("the changes panicked"))?;
            Ok::<_, anyhow::Error>((with?, felt?))
        })?;
        let after = turn(open, options.measure)?;
        for (what, tally) in
            [("without changes", &before), ("with changes", &with), ("without again", &after)]
        {
            let cpu = tally.meter.1.cpu.saturating_sub(tally.meter.0.cpu).as_secs_f64();
            say(&format!(
                "  {what:<16} {}; gateway {:.0} % of a core",
                shown(&tally.latency),
                100.0 * cpu / tally.elapsed.as_secs_f64()
            ));
        }
        say(&format!("{} changes, one each {} ms:", options.changes, pause.as_millis()));
        say(&format!("  decided and on disk  {}", shown(&felt.decided)));
        say(&format!("  felt after answer    {}; {} calls came too early", shown(&felt.latency), felt.late));
        let calls = [&probe, &before, &with, &after].iter().map(|tally| tally.answered_in_all).sum::<u64>();
        Ok(calls + u64::from(felt.answered_calls))
    }

    /// Revokes grants of the calling unit, each shown to be in force before and not to be afterwards.
    fn revoke_all(&self, which: &[u32], pause: Duration, stop: &AtomicBool) -> Result<Felt> {
        let histogram = || Histogram::new_with_bounds(1, 60_000_000, 3).context("histogram bounds");
        let mut felt = Felt { latency: histogram()?, decided: histogram()?, late: 0, answered_calls: 0 };
        let (mut calls, mut api) = (Line::to(self.address)?, Line::to(self.control)?);
        let mut request = Vec::new();
        for &at in which {
            let began = now();
            if stop.load(Ordering::Relaxed) {
                bail!("the load failed");
            }
            // The first scenario's grants are the load's.
            let (scenario, product) = (1 + at / PRODUCTS, at % PRODUCTS);
            let mut signer = Signer::new(&self.call(scenario, product), &self.address.to_string());
            let mut ask = |calls: &mut Line| -> Result<(u16, Value)> {
                signer.request(unix_seconds(), &mut request);
                let (status, body) = calls.ask(&request)?;
                Ok((status, serde_json::from_slice(&body)?))
            };
            let (status, answer) = ask(&mut calls)?;
            ensure!(status == 200, "before the change: {status} {answer}");
            felt.answered_calls += 1;
            let answered = self.revoke(&mut api, &grant(scenario, product), &mut felt.decided)?;
            loop {
                let (status, answer) = ask(&mut calls)?;
                if status == 200 {
                    felt.late += 1;
                    felt.answered_calls += 1;
                    continue;
                }
                ensure!(answer["code"] == "C206", "after the change: {status} {answer}");
                felt.latency.saturating_record(micros(answered.elapsed()));
                break;
            }
            thread::sleep(pause.saturating_sub(began.elapsed()));
        }
        Ok(felt)
    }

    /// Revokes one grant; when the API answered.
    fn revoke(&self, api: &mut Line, name: &str, decided: &mut Histogram<u64>) -> Result<Instant> {
        let version = self.made.versions.get(name).with_context(|| format!("{name} was not made"))?;
        let body = r#"{"reason":"测量"}"#;
        let request = format!(
            "POST /api/v1/grants/{name}:revoke HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIf-Match: \"{version}\"\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.control,
            self.made.token,
            body.len()
        );
        let began = now();
        let (status, answer) = api.ask(request.as_bytes())?;
        let answered = now();
        ensure!(status == 200, "revoking {name}: {status} {}", String::from_utf8_lossy(&answer));
        decided.saturating_record(micros(answered - began));
        Ok(answered)
    }
}

fn shown(times: &Histogram<u64>) -> String {
    let at = |quantile| Duration::from_micros(times.value_at_quantile(quantile)).as_secs_f64() * 1e3;
    format!(
        "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.1} ms ({} of them)",
        at(0.5),
        at(0.99),
        at(0.999),
        Duration::from_micros(times.max()).as_secs_f64() * 1e3,
        times.len()
    )
}
