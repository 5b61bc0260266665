//! The reference product services, each started as the program it is, and ended with the demo.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use shuzha_files::secret;

use shuzha_core::Id;
use shuzha_products::upstream::Upstream;

/// The services, by the name their upstream has in the world.
const NAMES: [&str; 5] = ["register", "model", "statistics", "packages", BLIND];
/// The one whose keys come from a seed.
const BLIND: &str = "blind";
/// Its seed and its epoch. The world's files name the public keys that follow. Public, because everyone on its lists is made
/// up: whoever holds a seed can try entries without asking.
const BLIND_SEED: &[u8; 32] = b"shuzha demo: everyone is made up";
const BLIND_EPOCH: &str = "2026q4";

/// The program, which is built beside this one.
const PROGRAM: &str = "shuzha-upstreams";

/// Running services. Dropping them closes their standard input, which ends them.
pub(super) struct Services {
    children: BTreeMap<&'static str, Child>,
    pub(super) endpoints: BTreeMap<String, SocketAddr>,
}

impl Services {
    /// Starts all services on free ports of this machine, at once, and waits until each is ready.
    pub(super) fn start(data_dir: &Path) -> Result<Self> {
        let program = program()?;
        let seed_file = data_dir.join("keys/demo-blind.seed");
        if !seed_file.exists() {
            secret::write_new(&seed_file, BLIND_SEED)?;
        }
        let mut services = Self { children: BTreeMap::new(), endpoints: BTreeMap::new() };
        for name in NAMES {
            let key_file = data_dir.join(Upstream::key_file(&Id::new(name)?));
            secret::load_or_create(&key_file)?;
            let mut command = Command::new(&program);
            command.arg(name);
            if name == BLIND {
                command.args(["--epoch", BLIND_EPOCH, "--seed-file"]).arg(&seed_file);
            }
            let child = command
                .args(["--listen", "127.0.0.1:0", "--exit-with-stdin", "--quiet", "--gateway-key-file"])
                .arg(&key_file)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .with_context(|| format!("{} cannot be started", program.display()))?;
            services.children.insert(name, child);
        }
        for name in NAMES {
            let child = services.children.get_mut(name).expect("it was just started");
            let output = child.stdout.take().context("its output is piped")?;
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line)?;
            let ready: Ready = serde_json::from_str(&line)
                .with_context(|| format!("{name} did not become ready: {line}"))?;
            services.endpoints.insert(name.to_owned(), ready.listen);
        }
        Ok(services)
    }

    /// Ends one service and waits until it is gone.
    pub(super) fn stop(&mut self, name: &str) -> Result<()> {
        if let Some(mut child) = self.children.remove(name) {
            drop(child.stdin.take());
            child.wait().with_context(|| format!("{name} does not end"))?;
        }
        Ok(())
    }
}

/// What a service says when it listens.
#[derive(Deserialize)]
struct Ready {
    listen: SocketAddr,
}

impl Drop for Services {
    fn drop(&mut self) {
        for child in self.children.values_mut() {
            drop(child.stdin.take());
        }
        for child in self.children.values_mut() {
            let _ = child.wait();
        }
    }
}

/// The program beside this one.
fn program() -> Result<PathBuf> {
    let here = std::env::current_exe().context("the path of this program")?;
    let beside = here.with_file_name(PROGRAM);
    if !beside.exists() {
        bail!("{} is missing: `./run demo` builds it, or `cargo build -p {PROGRAM}`", beside.display());
    }
    Ok(beside)
}
