//! `shuzha doctor`: looks for what would keep the gateway from serving, and says what to do.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};
use shuzha_core::{Clock as _, Code, Lang, SystemClock};
use shuzha_files::terminal::Out;
use shuzha_node::config::{self, Config};
use shuzha_node::control::{REGISTER_FILE, world_in_force};
use shuzha_node::node::JOURNAL_DIR;
use shuzha_node::store::{self, open_store};
use shuzha_node::world;
use shuzha_products::credential::{PublicKey, SignatureAlgorithm};
use shuzha_products::{World, instant_text};
use shuzha_proxy::RENEW_DAYS;
use shuzha_store::Register;
use shuzha_verify::Trouble;

/// Files that a node opens beside its connections: databases, segments, product services.
const FILES_BESIDE: u64 = 256;

/// How long an address may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// What was found.
struct Findings<'o> {
    out: &'o mut Out,
    bad: usize,
}

impl Findings<'_> {
    fn good(&mut self, text: &str) -> Result<()> {
        self.out.line(&format!("  ok    {text}"))
    }

    fn warn(&mut self, text: &str) -> Result<()> {
        self.out.line(&format!("  warn  {text}"))
    }

    fn bad(&mut self, text: &str) -> Result<()> {
        self.bad += 1;
        self.out.line(&format!("  BAD   {text}"))
    }
}

/// Checks everything; `false` when something would keep the gateway from serving.
pub(crate) fn run(out: &mut Out, config: &Config) -> Result<bool> {
    let mut findings = Findings { out, bad: 0 };
    for fault in config::check(config) {
        findings.bad(&fault.to_string())?;
    }
    certificate(&mut findings, config)?;
    data_folder(&mut findings, config)?;
    machine(&mut findings, config)?;
    if let Some(unwatched) = config.unwatched() {
        findings.warn(unwatched)?;
    }
    if let Some(ending) = config::ending(&config.control.rules.jurisdiction, SystemClock.now()) {
        findings.warn(&ending)?;
    }
    addresses(&mut findings, config)?;
    if config.world.is_empty() {
        registered(&mut findings, config)?;
    } else {
        match world::load(&config.world) {
            Err(error) => findings.bad(&format!("world: {error:#}"))?,
            Ok(loaded) => declared(&mut findings, config, &loaded.world, "world")?,
        }
    }
    let bad = findings.bad;
    out.line(&if bad == 0 {
        "没有妨碍启动的问题 Nothing keeps the gateway from serving.".to_owned()
    } else {
        format!("有 {bad} 处问题须先处理 {bad} findings must be mended first.")
    })?;
    Ok(bad == 0)
}

fn data_folder(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    let dir = config.data_dir.display();
    // Looking makes nothing: a folder that is filled by mistake stands in the way of a restore.
    if !config.data_dir.join(store::STORE_FILE).exists() {
        findings.good(&format!("data folder {dir}: {} will be made at first start", store::STORE_FILE))?;
    } else {
        opened(findings, config)?;
    }
    let journal = config.data_dir.join(JOURNAL_DIR);
    if !journal.exists() {
        return findings.good("journal: will be made at first start");
    }
    match shuzha_journal::node_of(&journal) {
        Ok(Some(node)) if node != config.node.as_str() => findings.bad(&format!(
            "journal: 属于节点 belongs to node `{node}`, not to `{}`: 请将 set node.name = \"{node}\"",
            config.node
        ))?,
        Ok(_) => {}
        Err(error) => return findings.bad(&format!("journal: {error}")),
    }
    match shuzha_journal::verify(&journal) {
        Ok(summary) => findings.good(&format!("journal: whole, {} to {}", summary.first, summary.last)),
        Err(error) => findings.bad(&format!("journal: {error}")),
    }
}

fn opened(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    let dir = config.data_dir.display();
    match open_store(&config.data_dir) {
        Ok(_) => findings.good(&format!("data folder {dir} and {}", store::STORE_FILE)),
        Err(error) => findings.bad(&format!("data folder {dir}: {error:#}")),
    }
}

/// The register, for reading: where it carries a seal, nothing is written without its key.
fn register_in(data_dir: &Path) -> Result<Register> {
    Register::open(&data_dir.join(REGISTER_FILE)).context("the register")
}

fn addresses(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    // The control API does not run beside world files.
    let control = config.world.is_empty().then_some(&config.control.listen);
    for address in config.listen.iter().chain([&config.operations]).chain(control) {
        match TcpListener::bind(address) {
            Ok(_) => findings.good(&format!("address {address} is free"))?,
            Err(error) => findings.warn(&format!("address {address}: {error} (is a gateway running?)"))?,
        }
    }
    if !config.operations.ip().is_loopback() {
        findings.warn("the operations listener is not on loopback: keep it off the public network")?;
    }
    if control.is_some_and(|address| !address.ip().is_loopback()) && !config.control.https {
        findings.warn(
            "the control API is not on loopback and control.https is off: passwords could be read on the way",
        )?;
    }
    Ok(())
}

/// How long the certificate lasts; what is wrong with the files has been said.
fn certificate(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    let Some(Ok(state)) = config.tls_options().map(|options| options.check(SystemClock.now())) else {
        return Ok(());
    };
    let left = state.days_left;
    match left {
        ..0 => Ok(()),
        0..RENEW_DAYS => findings.warn(&format!("the TLS certificate ends in {left} days: renew it")),
        _ => findings.good(&format!("the TLS certificate lasts {left} days more")),
    }
}

/// What the limits need of the machine: file descriptors, and room on the disk.
fn machine(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    let files = getrlimit(Resource::Nofile).current;
    let needed = config.limits.connections_max as u64 + FILES_BESIDE;
    if files.is_some_and(|files| files < needed) {
        let files = files.unwrap_or_default();
        findings.warn(&format!(
            "{files} files may be open (ulimit -n), limits.connections_max needs {needed}: callers would wait"
        ))?;
    }
    let Ok(disk) = statvfs(&config.data_dir) else { return Ok(()) };
    let (free, least) = (disk.f_bavail.saturating_mul(disk.f_frsize), config.free_bytes_min);
    if free < least {
        return findings.bad(&format!(
            "disk: {} MiB free, journal.free_bytes_min demands {} MiB: every call would be refused with C090",
            free >> 20,
            least >> 20
        ));
    }
    findings.good(&format!("disk: {} MiB free", free >> 20))
}

/// What the register has in force.
fn registered(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    if !config.data_dir.join(REGISTER_FILE).exists() {
        return findings.good("register: will be made at first start");
    }
    match crate::verify::differs(&config.data_dir) {
        Ok(None) => findings.good("register: is what its acts made it, and the journal has them")?,
        Ok(Some(what)) => {
            let code = Code::C1740;
            let todo = "shuzha register verify; restored from a copy: shuzha register adopt --reason …";
            findings.bad(&format!("register: {code} {}: {what}: {todo}", code.title(Lang::En)))?;
        }
        // A folder of before there were seals and bound acts is put right by its next start.
        Err(Trouble::Incomplete(why)) => findings.warn(&format!("register: not compared: {why}"))?,
        Err(Trouble::Bad(what) | Trouble::Usage(what)) => findings.bad(&format!("register: {what}"))?,
        Err(Trouble::Out(error)) => findings.bad(&format!("register: {error:#}"))?,
    }
    let read = register_in(&config.data_dir).and_then(|register| world_in_force(&register, &config.control));
    match read {
        Err(error) => findings.bad(&format!("register: {error:#}")),
        Ok((world, left_out)) => {
            for one in left_out.iter().filter(|one| !one.dangling) {
                findings.bad(&format!("register: {} is not in force: {}", one.object(), one.reason))?;
            }
            declared(findings, config, &world, "register")
        }
    }
}

fn declared(findings: &mut Findings<'_>, config: &Config, world: &World, from: &str) -> Result<()> {
    findings.good(&format!(
        "{from}: {} products, {} units, {} grants",
        world.products.len(),
        world.units.len(),
        world.grants.len()
    ))?;
    let there = config.data_dir.join(store::STORE_FILE).exists();
    let names = || open_store(&config.data_dir).and_then(|data| data.secret_names()).unwrap_or_default();
    let kept = if there { names() } else { Vec::new() };
    for (name, credential) in &world.credentials {
        let there = match (&credential.public_key, credential.algorithm) {
            (Some(PublicKey::Inline(_)), _) => true,
            (Some(PublicKey::File(file)), _) => config.data_dir.join(file).exists(),
            (None, SignatureAlgorithm::Ed25519) => false,
            (None, _) => kept.iter().any(|(known, _)| known == name),
        };
        if !there && !credential.revoked {
            findings.warn(&format!("credential {name} has no key here: `shuzha keys issue {name}`"))?;
        }
    }
    operated(findings, world)?;
    for (name, upstream) in &world.upstreams {
        for endpoint in &upstream.endpoints {
            let text = format!("{}:{}", endpoint.host(), endpoint.port());
            let answers = text
                .parse::<SocketAddr>()
                .is_ok_and(|address| TcpStream::connect_timeout(&address, PROBE_TIMEOUT).is_ok());
            if answers {
                findings.good(&format!("upstream {name} at {text} takes connections"))?;
            } else {
                findings.warn(&format!("upstream {name} at {text} does not answer"))?;
            }
        }
    }
    Ok(())
}

/// Which operators have products that stand under no operating agreement, where the rules demand one.
fn operated(findings: &mut Findings<'_>, world: &World) -> Result<()> {
    let (demand, now) = (world.jurisdiction().operating, SystemClock.now());
    for (operator, products) in world.outside_agreements(now) {
        let binds = demand.binds_from.filter(|binds| now < *binds && world.in_transition(&operator));
        let then = match binds {
            Some(binds) => format!("from {} they are refused with C211", instant_text(binds)),
            None => "they are refused with C211".to_owned(),
        };
        findings.warn(&format!(
            "operator {operator}: {products} products stand under no operating agreement; {then}"
        ))?;
    }
    Ok(())
}
