//! The comparison: every system in turn, on one core, against the same upstream, for several rounds.
//!
//! Machines are shared and drift, so figures of one run compare only with each other. Processor time per request is
//! the figure that drifts least; ratios to nginx are taken within each round.

mod figures;
mod systems;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use comfy_table::Table;

use crate::drive::{Pace, Plan, Tally, drive};
use crate::gateway;
use crate::process::{self, Usage};
use crate::say::say;
use crate::upstream::Upstream;
use figures::{Figures, median, micros_text};
use systems::{Running, System};

/// The system that ratios are relative to.
const BASELINE: &str = "nginx";

/// The system that all this is about.
const OURS: &str = "shuzha";

/// How to compare.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the built programs are.
    pub(crate) programs: PathBuf,
    /// Rounds; in each, every system has its turn.
    pub(crate) rounds: usize,
    /// Asked but not counted at the start of a turn.
    pub(crate) warm_up: Duration,
    /// Measured per turn.
    pub(crate) measure: Duration,
    /// Keep-alive connections.
    pub(crate) connections: usize,
    /// Names of the systems to run; all when empty.
    pub(crate) only: Vec<String>,
    /// Requests per second of the open loop; half of what ours reached when absent.
    pub(crate) rate: Option<u32>,
    /// Core of the system under test.
    pub(crate) system_core: usize,
    /// Core of the generator and the upstream.
    pub(crate) load_core: usize,
}

/// Runs the comparison and prints it.
///
/// # Errors
/// When a system does not start, an answer is not 200, or an answer of ours is not in its journal: figures without
/// the work behind them are void.
pub(crate) fn run(options: &Options) -> Result<()> {
    process::pin_here(options.load_core)?;
    let upstream = Upstream::start(gateway::UPSTREAM_ANSWER)?;
    let systems = chosen(options)?;
    say(&format!(
        "setting   system on core {}, generator and upstream on core {}; {} connections, {} rounds × {} s, \
         POST of {} bytes signed anew each time",
        options.system_core,
        options.load_core,
        options.connections,
        options.rounds,
        options.measure.as_secs(),
        gateway::body().len(),
    ));

    let closed = rounds(options, &systems, &upstream, Pace::Closed)?;
    say("\nclosed loop: how much it can do");
    say(&throughput_table(&systems, &closed).to_string());

    let ours = systems.iter().position(|system| system.name == OURS);
    if let Some(at) = ours {
        say(&format!("{OURS}, µs/request by thread: {}", by_thread(&closed[at])));
    }
    let half = ours.map(|at| median(closed[at].iter().map(Figures::per_second)) / 2.0);
    let Some(rate) = options.rate.or_else(|| half.map(whole)) else { return Ok(()) };
    let open = rounds(options, &systems, &upstream, Pace::Open { rate })?;
    say(&format!(
        "\nopen loop at {rate} requests/s: how long users wait, from the time each request was due"
    ));
    say(&latency_table(&systems, &open).to_string());
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and far below 2³²"
)]
fn whole(rate: f64) -> u32 {
    rate.max(1.0) as u32
}

fn chosen(options: &Options) -> Result<Vec<System>> {
    let all = systems::all();
    if let Some(unknown) = options.only.iter().find(|name| all.iter().all(|system| system.name != **name)) {
        let names: Vec<&str> = all.iter().map(|system| system.name).collect();
        bail!("no system is called {unknown}; there are {}", names.join(", "));
    }
    let wanted =
        |system: &System| options.only.is_empty() || options.only.iter().any(|name| name == system.name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// Figures by system, then by round. The order within a round moves on by one each time.
fn rounds(
    options: &Options,
    systems: &[System],
    upstream: &Upstream,
    pace: Pace,
) -> Result<Vec<Vec<Figures>>> {
    let mut figures: Vec<Vec<Figures>> = systems.iter().map(|_| Vec::new()).collect();
    for round in 0..options.rounds {
        for turn in 0..systems.len() {
            let at = (turn + round) % systems.len();
            let system = &systems[at];
            let result = one_turn(options, system, upstream, pace);
            figures[at].push(result.with_context(|| format!("{} in round {}", system.name, round + 1))?);
        }
    }
    Ok(figures)
}

fn one_turn(options: &Options, system: &System, upstream: &Upstream, pace: Pace) -> Result<Figures> {
    let folder = tempfile::tempdir().context("a folder for this turn")?;
    let place = systems::Place {
        programs: &options.programs,
        folder: folder.path(),
        upstream: upstream.address(),
        core: options.system_core,
    };
    let running = (system.start)(&place)?;
    let plan = Plan {
        address: running.address,
        connections: options.connections,
        warm_up: options.warm_up,
        measure: options.measure,
        pace,
    };
    let before = upstream.answered();
    let tally = drive(&plan, &running.call, || running.usage())?;
    prove(&tally, upstream.answered() - before)?;
    let figures = Figures::of(&tally);
    let Running { process, journal, .. } = running;
    if let Some(process) = process {
        process.stop()?;
    }
    if let Some(journal) = journal {
        let recorded = journal.answered()?;
        if recorded != tally.answered_in_all {
            bail!("{} answers were received and {recorded} are in the journal", tally.answered_in_all);
        }
    }
    Ok(figures)
}

/// The work happened: every request was answered 200, and each answer cost the upstream one of its own.
fn prove(tally: &Tally<Usage>, upstream_answered: u64) -> Result<()> {
    if let Some((status, count)) = tally.refused.first_key_value() {
        bail!("{count} answers had status {status}");
    }
    if tally.broken > 0 {
        bail!("{} requests were never answered", tally.broken);
    }
    if tally.answered == 0 || upstream_answered != tally.answered_in_all {
        bail!("{} answers were received and the upstream gave {upstream_answered}", tally.answered_in_all);
    }
    Ok(())
}

fn throughput_table(systems: &[System], figures: &[Vec<Figures>]) -> Table {
    let baseline = systems.iter().position(|system| system.name == BASELINE);
    let mut table = Table::new();
    table.set_header([
        "system",
        "does",
        "requests/s",
        "µs/request",
        "µs vs nginx",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "RSS MiB",
    ]);
    for (system, rounds) in systems.iter().zip(figures) {
        let ratio = baseline.map(|at| {
            let pairs = rounds.iter().zip(&figures[at]);
            median(pairs.map(|(this, base)| this.cpu_micros() / base.cpu_micros()))
        });
        table.add_row([
            system.name.to_owned(),
            system.does.to_owned(),
            format!("{:.0}", median(rounds.iter().map(Figures::per_second))),
            micros_text(median(rounds.iter().map(Figures::cpu_micros))),
            ratio
                .filter(|ratio| *ratio > 0.0 && ratio.is_finite())
                .map_or_else(String::new, |ratio| format!("× {ratio:.2}")),
            quantile(rounds, 0.5),
            quantile(rounds, 0.99),
            quantile(rounds, 0.999),
            format!("{:.0}", median(rounds.iter().map(Figures::resident_mib))),
        ]);
    }
    table
}

/// Medians over rounds, most expensive thread first.
fn by_thread(rounds: &[Figures]) -> String {
    let mut by_name: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, micros) in rounds.iter().flat_map(Figures::thread_micros) {
        by_name.entry(name).or_default().push(micros);
    }
    let mut medians: Vec<(&str, f64)> =
        by_name.into_iter().map(|(name, micros)| (name, median(micros.into_iter()))).collect();
    medians.sort_by(|one, other| other.1.total_cmp(&one.1));
    let shown = medians.iter().filter(|(_, micros)| *micros >= 0.05);
    shown.map(|(name, micros)| format!("{name} {micros:.1}")).collect::<Vec<_>>().join(", ")
}

fn latency_table(systems: &[System], figures: &[Vec<Figures>]) -> Table {
    let mut table = Table::new();
    table.set_header(["system", "answered/s", "µs/request", "p50 µs", "p99 µs", "p99.9 µs"]);
    for (system, rounds) in systems.iter().zip(figures) {
        table.add_row([
            system.name.to_owned(),
            format!("{:.0}", median(rounds.iter().map(Figures::per_second))),
            micros_text(median(rounds.iter().map(Figures::cpu_micros))),
            quantile(rounds, 0.5),
            quantile(rounds, 0.99),
            quantile(rounds, 0.999),
        ]);
    }
    table
}

fn quantile(rounds: &[Figures], quantile: f64) -> String {
    format!("{:.0}", median(rounds.iter().map(|round| round.latency_micros(quantile))))
}
