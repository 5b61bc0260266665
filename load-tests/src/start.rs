//! How long the gateway takes to be ready, and how much memory grants cost.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use comfy_table::Table;

use crate::clock::now;
use crate::gateway::World;
use crate::process::{Process, Usage, free_address};
use crate::say::say;

/// The core that the gateway starts on: as in the comparison, it has one.
const CORE: usize = 0;

/// Times `runs` starts of the demo world, each in a folder of its own.
///
/// # Errors
/// When the gateway does not become ready.
pub(crate) fn cold(programs: &Path, runs: usize) -> Result<()> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let folder = tempfile::tempdir()?;
        let world = World::write(programs, folder.path(), free_address()?, 1)?;
        times.push(start(programs, &world, folder.path())?.0);
    }
    times.sort_unstable();
    let show = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    let (first, middle, last) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    say(&format!(
        "cold start to ready, {runs} runs: fastest {}, median {}, slowest {}",
        show(first),
        show(middle),
        show(last)
    ));
    Ok(())
}

/// Starts worlds of so many grants and prints time and memory of each, beside a world of one.
///
/// # Errors
/// When a world cannot be written or the gateway does not become ready.
pub(crate) fn grants(programs: &Path, counts: &[u32]) -> Result<()> {
    let mut table = Table::new();
    table.set_header(["grants", "ready s", "RSS MiB", "bytes per grant"]);
    let mut alone = None;
    for &count in [1].iter().chain(counts) {
        let folder = tempfile::tempdir()?;
        let world = World::write(programs, folder.path(), free_address()?, count)?;
        let (ready, usage) = start(programs, &world, folder.path())?;
        let base = *alone.get_or_insert(usage.resident);
        table.add_row([
            count.to_string(),
            format!("{:.2}", ready.as_secs_f64()),
            (usage.resident >> 20).to_string(),
            (usage.resident.saturating_sub(base) / u64::from(count)).to_string(),
        ]);
    }
    say(&table.to_string());
    Ok(())
}

/// Starts the gateway, waits until it is ready, stops it: how long that took and what it held.
fn start(programs: &Path, world: &World, folder: &Path) -> Result<(Duration, Usage)> {
    let log = folder.join("log");
    let began = now();
    let mut process = Process::start("shuzha", &world.command(programs), CORE, &log)?;
    process.wait_until(|| world.is_ready()).with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    let took = began.elapsed();
    let usage = process.usage()?;
    process.stop()?;
    Ok((took, usage))
}
