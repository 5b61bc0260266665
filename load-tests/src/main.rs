//! `shuzha-load`: what the gateway costs, beside what others cost on the same machine in the same run.
//!
//! A figure is printed only after the work behind it was shown to have happened: answers were 200, and every answer
//! that the gateway gave is in its journal.

mod clock;
mod deltas;
mod drive;
mod gateway;
mod machine;
mod peers;
mod poll;
mod process;
mod say;
mod sign;
mod start;
mod upstream;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::say::say;

/// Load generator, peer comparison, start-up and memory measurements.
#[derive(Debug, Parser)]
#[command(name = "shuzha-load")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Compares the gateway with nginx, hyper and Pingora passing through.
    Peers(PeersArgs),
    /// Times `shuzha serve` from its start to ready.
    ColdStart(ColdStartArgs),
    /// Memory and start with many grants.
    Grants(GrantsArgs),
    /// A register of many grants: start, memory, how soon a decision is felt, and whether calls notice.
    Deltas(DeltasArgs),
}

#[derive(Debug, Args)]
struct Binary {
    /// Folder of the built programs; by default the one that holds this program.
    #[arg(long)]
    bin: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PeersArgs {
    #[command(flatten)]
    binary: Binary,
    /// Rounds; in each, every system has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds measured per turn.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Systems to run, by name; all of them by default.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Requests per second of the open loop; by default half of what the gateway reached.
    #[arg(long)]
    rate: Option<u32>,
    /// Core of the system under test.
    #[arg(long, default_value_t = 0)]
    system_core: usize,
    /// Core of the load generator and the upstream.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

#[derive(Debug, Args)]
struct ColdStartArgs {
    #[command(flatten)]
    binary: Binary,
    /// Starts measured.
    #[arg(long, default_value_t = 11)]
    runs: usize,
}

#[derive(Debug, Args)]
struct GrantsArgs {
    #[command(flatten)]
    binary: Binary,
    /// Grants in the world.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    counts: Vec<u32>,
}

#[derive(Debug, Args)]
struct DeltasArgs {
    #[command(flatten)]
    binary: Binary,
    /// Grants in the register.
    #[arg(long, default_value_t = 1_000_000)]
    grants: u32,
    /// Grants revoked while calls are served.
    #[arg(long, default_value_t = 250)]
    changes: u32,
    /// Seconds of serving without changes, with, and without again.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Cores of the gateway, as taskset writes them.
    #[arg(long, default_value = "0")]
    system_cores: String,
    /// Core of the load generator and the upstream.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
}

impl Binary {
    fn folder(&self) -> Result<PathBuf> {
        match &self.bin {
            Some(folder) => Ok(folder.clone()),
            None => {
                let own = std::env::current_exe()?;
                Ok(own.parent().context("this program is in no folder")?.to_path_buf())
            }
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("void: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    for line in machine::describe() {
        say(&line);
    }
    match task {
        Task::Peers(args) => peers::run(&peers::Options {
            programs: args.binary.folder()?,
            rounds: args.rounds.max(1),
            warm_up: Duration::from_secs(1),
            measure: Duration::from_secs(args.seconds.max(1)),
            connections: args.connections.max(1),
            only: args.only,
            rate: args.rate,
            system_core: args.system_core,
            load_core: args.load_core,
        }),
        Task::ColdStart(args) => start::cold(&args.binary.folder()?, args.runs.max(1)),
        Task::Grants(args) => start::grants(&args.binary.folder()?, &args.counts),
        Task::Deltas(args) => deltas::run(
            &args.binary.folder()?,
            &deltas::Options {
                grants: args.grants,
                changes: args.changes,
                measure: Duration::from_secs(args.seconds.max(1)),
                system_cores: args.system_cores,
                load_core: args.load_core,
            },
        ),
    }
}
