//! The program `shuzha-upstreams`: one of the reference product services, or all of them.
//!
//! When a service is ready, one line of JSON goes to the standard output: `{"service": …, "listen": …}` and what the
//! service says of itself. It
//! ends on SIGTERM and SIGINT, and with `--exit-with-stdin` also when its standard input closes: whoever
//! started it by a pipe takes it along.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use shuzha_core::SystemClock;
use shuzha_upstreams::Error;
use shuzha_upstreams::blind::Blind;
use shuzha_upstreams::model::Model;
use shuzha_upstreams::model::features::{BOUNDS, Features};
use shuzha_upstreams::packages::Packages;
use shuzha_upstreams::register::{ENTERPRISES, Enterprise, PERSONS, Person, Register, enterprise, person};
use shuzha_upstreams::service::{Options, Product, Service};
use shuzha_upstreams::signature::GatewayKey;
use shuzha_upstreams::statistics::Statistics;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Reference product services of Shuzha. They answer calls that carry the gateway's signature, and no others.
#[derive(Parser)]
#[command(name = "shuzha-upstreams", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verification register: 1,000,000 synthetic persons, 50,000 synthetic enterprises.
    Register {
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:7101")]
        listen: SocketAddr,
        #[command(flatten)]
        common: Common,
    },
    /// Scoring model: credit-card default.
    Model {
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:7102")]
        listen: SocketAddr,
        #[command(flatten)]
        common: Common,
    },
    /// Statistics engine: exact aggregates over a census sample, for the gateway's noise.
    Statistics {
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:7103")]
        listen: SocketAddr,
        #[command(flatten)]
        common: Common,
    },
    /// Package store: files with ranges.
    Packages {
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:7104")]
        listen: SocketAddr,
        #[command(flatten)]
        common: Common,
    },
    /// All four, each on its own address.
    All {
        /// Address of the register.
        #[arg(long, default_value = "127.0.0.1:7101")]
        register_listen: SocketAddr,
        /// Address of the model.
        #[arg(long, default_value = "127.0.0.1:7102")]
        model_listen: SocketAddr,
        /// Address of the statistics engine.
        #[arg(long, default_value = "127.0.0.1:7103")]
        statistics_listen: SocketAddr,
        /// Address of the package store.
        #[arg(long, default_value = "127.0.0.1:7104")]
        packages_listen: SocketAddr,
        #[command(flatten)]
        common: Common,
    },
    /// Blinded verification: lists that are matched without the service learning what was asked.
    Blind {
        /// Address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:7105")]
        listen: SocketAddr,
        #[command(flatten)]
        keys: SeedArgs,
        #[command(flatten)]
        common: Common,
    },
    /// Print the public key, size and digest of each blinded list, one line of JSON each, for its product's declaration.
    BlindKeys {
        #[command(flatten)]
        keys: SeedArgs,
    },
    /// Print entries of the register, one line of JSON each, to ask for. They are synthetic.
    Sample(Sample),
    /// Answer clients on the standard input with the scoring model, a line each, for `shuzha review extraction`.
    Score,
    /// Print clients of the scoring model's table, one line of JSON each, for `shuzha review extraction --clients`.
    Clients {
        /// The table: CSV with a header, compressed with gzip.
        #[arg(long)]
        table: PathBuf,
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        count: usize,
    },
}

#[derive(Args)]
struct Sample {
    /// How many persons.
    #[arg(long, default_value_t = 3)]
    persons: u32,
    /// How many enterprises.
    #[arg(long, default_value_t = 3)]
    enterprises: u32,
    /// Index of the first of both.
    #[arg(long, default_value_t = 0)]
    first: u32,
}

#[derive(Args)]
struct SeedArgs {
    /// File with the seed of the keys: 32 random bytes, all of the file.
    #[arg(long)]
    seed_file: PathBuf,
    /// Name of the epoch; another epoch has other keys and other tags.
    #[arg(long)]
    epoch: String,
}

impl SeedArgs {
    fn lists(&self) -> Result<Blind, Error> {
        let failed = |reason: String| Error::Seed { path: self.seed_file.clone(), reason };
        let seed = std::fs::read(&self.seed_file).map_err(|error| failed(error.to_string()))?;
        let seed = seed.try_into().map_err(|_| failed("it has another length".to_owned()))?;
        Blind::new(&seed, &self.epoch)
    }
}

#[derive(Args)]
struct Common {
    /// File with the key shared with the gateway: 32 random bytes or more, all of the file.
    #[arg(long)]
    gateway_key_file: PathBuf,
    /// Say that answers are of synthetic data, as a service behind a sandbox must.
    #[arg(long)]
    synthetic: bool,
    /// End when the standard input closes.
    #[arg(long)]
    exit_with_stdin: bool,
    /// Log what is wrong, and nothing else.
    #[arg(long)]
    quiet: bool,
}

/// How a product is made; not before its arguments are known to be right.
type Make = Box<dyn FnOnce() -> Result<Box<dyn Product>, Error>>;

/// What makes a service.
type Maker = fn() -> Result<Box<dyn Product>, Error>;

const REGISTER: Maker = || Ok(Box::new(Register));
const MODEL: Maker = || Ok(Box::new(Model::credit_default()?));
const STATISTICS: Maker = || Ok(Box::new(Statistics::adult()?));
const PACKAGES: Maker = || Ok(Box::new(Packages::enterprises()));

/// What to serve, and where.
type Plan = Vec<(SocketAddr, Make)>;

fn main() -> ExitCode {
    match command(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that went away (`| head`) has what it wanted.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: the causes behind what failed, and no trace of the program.
            let _ = writeln!(std::io::stderr(), "错误 error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref().map(std::io::Error::kind);
    error.chain().filter_map(kind).any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}

fn command(arguments: Arguments) -> anyhow::Result<()> {
    let (plan, common) = match arguments.command {
        Command::Register { listen, common } => (one(listen, REGISTER), common),
        Command::Model { listen, common } => (one(listen, MODEL), common),
        Command::Statistics { listen, common } => (one(listen, STATISTICS), common),
        Command::Packages { listen, common } => (one(listen, PACKAGES), common),
        Command::Blind { listen, keys, common } => {
            let make: Make = Box::new(move || Ok(Box::new(keys.lists()?)));
            (vec![(listen, make)], common)
        }
        Command::BlindKeys { keys } => {
            let keys = keys.lists()?;
            return print_keys(&keys).context("cannot write to the standard output");
        }
        Command::All { register_listen, model_listen, statistics_listen, packages_listen, common } => {
            let all = [
                (register_listen, REGISTER),
                (model_listen, MODEL),
                (statistics_listen, STATISTICS),
                (packages_listen, PACKAGES),
            ];
            (all.into_iter().flat_map(|(listen, make)| one(listen, make)).collect(), common)
        }
        Command::Sample(wanted) => return sample(&wanted).context("cannot write to the standard output"),
        Command::Score => return score_lines(),
        Command::Clients { table, count } => return clients(&table, count),
    };
    let level = if common.quiet { tracing::Level::WARN } else { tracing::Level::INFO };
    tracing_subscriber::fmt().json().with_max_level(level).with_writer(std::io::stderr).init();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(run(plan, common))
}

/// A plan of one service.
fn one(listen: SocketAddr, make: Maker) -> Plan {
    vec![(listen, Box::new(make))]
}

/// Prints the public key of each list.
fn print_keys(lists: &Blind) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for ((list, key), (_, entries, tags)) in lists.public_keys().zip(lists.commitments()) {
        let line = json!({"list": list, "epoch": lists.epoch(), "public_key": key, "entries": entries, "tags_sha256": tags});
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Prints entries of the register, as far as there are any.
fn sample(wanted: &Sample) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for index in (wanted.first..PERSONS).take(wanted.persons as usize) {
        let Person { id_number, name, .. } = person(index);
        writeln!(out, "{}", json!({ "person": index, "id_number": id_number, "name": name }))?;
    }
    for index in (wanted.first..ENTERPRISES).take(wanted.enterprises as usize) {
        let Enterprise { uscc, name, at_risk, .. } = enterprise(index);
        writeln!(out, "{}", json!({ "enterprise": index, "uscc": uscc, "name": name, "at_risk": at_risk }))?;
    }
    Ok(())
}

/// Scores a client a line until the input ends.
fn score_lines() -> anyhow::Result<()> {
    let model = Model::credit_default()?;
    let mut out = std::io::stdout().lock();
    for (at, line) in std::io::stdin().lock().lines().enumerate() {
        let (line, place) = (line.context("cannot read the standard input")?, at + 1);
        let features: Features = serde_json::from_str(&line).with_context(|| format!("line {place}"))?;
        features.check().map_err(|fault| anyhow::anyhow!("line {place}: {fault}"))?;
        serde_json::to_writer(&mut out, &model.scored(&features)?)?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

/// Prints clients of a table. Nothing is printed before its columns are known to be there.
fn clients(table: &Path, count: usize) -> anyhow::Result<()> {
    let file = std::fs::File::open(table).with_context(|| table.display().to_string())?;
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let header = reader.headers().with_context(|| table.display().to_string())?.clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let missing: Vec<&str> =
        BOUNDS.iter().map(|(name, _)| *name).filter(|name| column(name).is_none()).collect();
    anyhow::ensure!(
        missing.is_empty(),
        "{}: 不是评分模型的表，缺列 is no table of the scoring model, columns are missing: {}",
        table.display(),
        missing.join(", ")
    );
    let columns: Vec<(&'static str, usize)> =
        BOUNDS.iter().filter_map(|(name, _)| Some((*name, column(name)?))).collect();
    let mut out = std::io::stdout().lock();
    for (at, row) in reader.records().take(count).enumerate() {
        let place = || format!("{}: row {}", table.display(), at + 1);
        let row = row.with_context(place)?;
        let number = |(name, column): &(&'static str, usize)| {
            let number = row.get(*column).and_then(|cell| cell.trim().parse::<i64>().ok());
            Ok((*name, number.with_context(|| format!("{}: {name} 不是整数 is no whole number", place()))?))
        };
        let input: BTreeMap<&str, i64> = columns.iter().map(number).collect::<anyhow::Result<_>>()?;
        writeln!(out, "{}", json!({ "input": input }))?;
    }
    Ok(())
}

async fn run(plan: Plan, common: Common) -> anyhow::Result<()> {
    let key = GatewayKey::read(&common.gateway_key_file)?;
    let (end, drain) = watch::channel(false);
    // Before the first line is printed: whoever reads it may end us at once.
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let stdin_closed = Arc::new(tokio::sync::Notify::new());
    if common.exit_with_stdin {
        watch_stdin(stdin_closed.clone());
    }

    let mut services = JoinSet::new();
    for (listen, make) in plan {
        let options = Options { listen, key: key.clone(), synthetic: common.synthetic };
        let service = Service::bind(options, make()?, Arc::new(SystemClock)).await?;
        announce(&service).context("cannot write to the standard output")?;
        services.spawn(service.run(drain.clone()));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_closed.notified() => {}
    }
    end.send_replace(true);
    services.join_all().await;
    Ok(())
}

/// Tells the starter where a service listens.
fn announce(service: &Service) -> std::io::Result<()> {
    let says = service.description();
    let line = json!({
        "service": service.name(), "listen": service.address(),
        "version": says.version, "contract": says.contract, "synthetic": says.synthetic,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Notifies `closed` when the standard input ends. A thread of its own, because reading it cannot be
/// interrupted; it ends with the process.
fn watch_stdin(closed: Arc<tokio::sync::Notify>) {
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        let mut input = std::io::stdin().lock();
        // What arrives is not for us; a read error is as good an end as any.
        while matches!(input.read(&mut rest), Ok(1..)) {}
        closed.notify_one();
    });
}
