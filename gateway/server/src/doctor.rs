//! `shuzha doctor`: looks for what would keep the gateway from serving, and says what to do.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Result;
use shuzha_products::credential::{PublicKey, SignatureAlgorithm};

use crate::config::Config;
use crate::node::JOURNAL_DIR;
use crate::output::Out;
use crate::store::{self, open_store};
use crate::world::{self, Loaded};

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
    data_folder(&mut findings, config)?;
    addresses(&mut findings, config)?;
    match world::load(&config.world) {
        Err(error) => findings.bad(&format!("world: {error:#}"))?,
        Ok(loaded) => declared(&mut findings, config, &loaded)?,
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
    match open_store(&config.data_dir) {
        Ok(_) => findings.good(&format!("data folder {dir} and {}", store::STORE_FILE))?,
        Err(error) => findings.bad(&format!("data folder {dir}: {error:#}"))?,
    }
    let journal = config.data_dir.join(JOURNAL_DIR);
    if !journal.exists() {
        return findings.good("journal: will be made at first start");
    }
    match shuzha_journal::verify(&journal) {
        Ok(summary) => findings.good(&format!("journal: whole, {} to {}", summary.first, summary.last)),
        Err(error) => findings.bad(&format!("journal: {error}")),
    }
}

fn addresses(findings: &mut Findings<'_>, config: &Config) -> Result<()> {
    for address in config.listen.iter().chain([&config.operations]) {
        match TcpListener::bind(address) {
            Ok(_) => findings.good(&format!("address {address} is free"))?,
            Err(error) => findings.warn(&format!("address {address}: {error} (is a gateway running?)"))?,
        }
    }
    if !config.operations.ip().is_loopback() {
        findings.warn("the operations listener is not on loopback: keep it off the public network")?;
    }
    Ok(())
}

fn declared(findings: &mut Findings<'_>, config: &Config, loaded: &Loaded) -> Result<()> {
    let world = &loaded.world;
    findings.good(&format!(
        "world: {} products, {} units, {} grants",
        world.products.len(),
        world.units.len(),
        world.grants.len()
    ))?;
    let kept = open_store(&config.data_dir).and_then(|data| data.secret_names()).unwrap_or_default();
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
