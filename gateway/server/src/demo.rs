//! `shuzha demo`: everything on one machine, and real calls through it.
//!
//! It starts the reference product services as programs of their own, a gateway with a journal and a store of its
//! own, and a small world in which every role has acted; then it calls, and shows what was answered, what was refused
//! and why, what it cost in money and in privacy. The world is the one under `config/examples/demo`.

mod calls;
mod cast;
mod disk;
mod script;
mod services;
mod story;
mod table;

use std::collections::HashMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::clock::ShiftedClock;
use shuzha_journal::disk::Directory;
use shuzha_proxy::{Addresses, Handle, Sockets};
use toml::Value;

use crate::config::{self, Sources};
use crate::node::{JOURNAL_DIR, Node, Setup};
use crate::output::{Out, say};
use crate::{logging, secret_file, world};
use cast::Cast;
use disk::DemoDisk;
use services::Services;

/// The world of the demo.
pub(crate) const WORLD: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/demo_world.rs"));

/// Where the demo's gateway listens if the ports are free; others are taken if not.
const DATA_PORT: u16 = 8080;
const OPERATIONS_PORT: u16 = 9090;

/// Starts everything on this machine, makes real calls, and shows what happened.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct DemoArgs {
    /// End when the calls are made, instead of staying up.
    #[arg(long)]
    once: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// A gateway that runs on a thread of its own.
struct RunningNode {
    handle: Handle,
    thread: JoinHandle<Result<()>>,
}

/// Runs the demo; `true` when every call went as expected.
pub(crate) fn run(out: &mut Out, args: DemoArgs, data_dir: Option<PathBuf>) -> Result<bool> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the time to be ready, shown to a person, is measured on the wall"
    )]
    let started = Instant::now();
    let temporary = tempfile::Builder::new().prefix("shuzha-demo-").tempdir()?;
    let data_dir = data_dir.unwrap_or_else(|| temporary.path().to_path_buf());
    secret_file::private_dir(&data_dir.join("keys"))?;
    let cast = Cast::prepare(&data_dir)?;
    let mut services = Services::start(&data_dir.join("keys/gateway.key"))?;
    if !args.json {
        say(
            "数闸演示 Shuzha demo: 先看一个产品从登记到调用 one product, from its registration to its first call",
        );
    }
    let before = started.elapsed();
    let story_dir = temporary.path().join("story");
    let told = story::play(&story_dir, &services, &data_dir.join("keys/gateway.key"))?;
    let story_took = started.elapsed().saturating_sub(before);
    if !args.json {
        story::print(out, &told)?;
        say(&format!("以上用时 it took {} ms", story_took.as_millis()));
    }
    let (directory, _lock) = journal_directory(&data_dir)?;
    let disk = Arc::new(DemoDisk::new(directory));
    let (node, keys) = start_node(&data_dir, &services, Arc::clone(&disk))?;
    let base = format!("http://{}", node.handle.addresses().data[0]);
    let ready = started.elapsed().saturating_sub(story_took);
    if !args.json {
        say(&format!("数闸演示 Shuzha demo: everything is ready after {} ms.", ready.as_millis()));
    }
    let results = script::play(&base, &cast, &keys, &mut services, &disk)?;
    let as_expected = results.iter().all(|result| result.ok) && story::as_expected(&told);
    if args.json {
        out.line(&table::json(&results, ready, &story::json(&told)).to_string())?;
    } else {
        table::print(out, &results)?;
    }
    if !args.once {
        stay_up(&cast, &node.handle, &data_dir)?;
    }
    node.handle.drain();
    match node.thread.join() {
        Ok(done) => done?,
        Err(_) => anyhow::bail!("the gateway's thread panicked"),
    }
    Ok(as_expected)
}

/// The journal's folder, locked against another demo: the demo's own disk does not take the journal's lock.
fn journal_directory(data_dir: &Path) -> Result<(Directory, File)> {
    let dir = data_dir.join(JOURNAL_DIR);
    secret_file::private_dir(&dir)?;
    let lock = File::create(dir.join("LOCK"))?;
    lock.try_lock().with_context(|| format!("another gateway uses {}", dir.display()))?;
    Ok((Directory::create(&dir).context("the demo's journal")?, lock))
}

fn start_node(
    data_dir: &Path,
    services: &Services,
    disk: Arc<DemoDisk>,
) -> Result<(RunningNode, crate::node::NodeKeys)> {
    let flags = vec![
        ("node", "data_dir", Value::String(data_dir.display().to_string())),
        ("node", "name", Value::String("demo".into())),
        ("log", "level", Value::String("warn".into())),
        ("log", "format", Value::String("text".into())),
    ];
    let config = config::load(&Sources { file: None, flags })
        .map_err(|faults| anyhow::anyhow!("the demo's configuration: {faults:?}"))?;
    logging::start(config.log_level, config.log_format);
    let files: Vec<_> =
        WORLD.iter().map(|(name, text)| (format!("{name}.yaml"), (*text).to_owned())).collect();
    let setup = Setup {
        files: Some(world::from_texts(&files)?.world),
        clock: ShiftedClock::default(),
        sockets: sockets()?,
        endpoints: services.endpoints.clone().into_iter().collect::<HashMap<_, _>>(),
        disk: Some(disk),
        journal_wait: Duration::from_secs(1),
    };
    let node = Node::build(&config, setup)?;
    let (handle, keys) = (node.handle.clone(), node.keys.clone());
    let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || node.run())?;
    Ok((RunningNode { handle, thread }, keys))
}

/// The usual ports, or free ones where they are taken.
fn sockets() -> Result<Sockets> {
    Sockets::bind(&addresses(DATA_PORT, OPERATIONS_PORT))
        .or_else(|_| Sockets::bind(&addresses(0, 0)))
        .context("no address to listen on")
}

/// These ports of this machine.
fn addresses(data: u16, operations: u16) -> Addresses {
    Addresses {
        data: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, data))],
        operations: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, operations))),
    }
}

/// Says how to try it, and waits for Ctrl-C.
fn stay_up(cast: &Cast, handle: &Handle, data_dir: &Path) -> Result<()> {
    let key = data_dir.join("bank-1.key");
    if !key.exists() {
        secret_file::write_new(&key, BASE64_STANDARD.encode(cast.secret("bank-1")).as_bytes())?;
    }
    let addresses = handle.addresses();
    let base = format!("http://{}", addresses.data[0]);
    let (uscc, name) = cast::COMPANY;
    say("");
    say("网关仍在运行，可以自己试 The gateway stays up; try it:");
    say(&format!(
        "  shuzha call company-check verify --url {base} --key-id bank-1 --key-file {} \\",
        key.display()
    ));
    say(&format!("    --scenario bank-onboarding --data '{{\"uscc\":\"{uscc}\",\"name\":\"{name}\"}}'"));
    if let Some(operations) = addresses.operations {
        say(&format!("  curl http://{operations}/status        curl http://{operations}/metrics"));
    }
    say(&format!(
        "  curl {base}/errors/C401            shuzha journal inspect --data-dir {}",
        data_dir.display()
    ));
    say("按 Ctrl-C 结束 Ctrl-C ends it.");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done,
            _ = terminate.recv() => Ok(()),
        }
    })?;
    Ok(())
}
