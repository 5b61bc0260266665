//! The systems compared, each started with what it needs to do its job and nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::gateway::{self, Journal, World};
use crate::process::{Process, Usage, free_address};
use crate::sign::Call;

/// Connections that a peer keeps open to the upstream, and requests it lets one connection carry: never the limit.
const NGINX_KEEPALIVE: &str = "keepalive 256; keepalive_requests 1000000000;";

/// A system and how to start it.
pub(super) struct System {
    /// Its name in tables and in `--only`.
    pub(super) name: &'static str,
    /// What it does with a request.
    pub(super) does: &'static str,
    /// Starts it.
    pub(super) start: fn(&Place<'_>) -> Result<Running>,
}

/// Where a system runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Where the built programs are.
    pub(super) programs: &'a Path,
    /// A folder of its own, empty.
    pub(super) folder: &'a Path,
    /// The product service.
    pub(super) upstream: SocketAddr,
    /// The core it is pinned to.
    pub(super) core: usize,
}

/// A system that listens.
#[derive(Debug)]
pub(super) struct Running {
    /// Its process; none for the upstream asked directly.
    pub(super) process: Option<Process>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What to ask it.
    pub(super) call: Call,
    /// Where it records what it answered.
    pub(super) journal: Option<Journal>,
}

impl Running {
    /// What its process has used.
    ///
    /// # Errors
    /// When the process has ended.
    pub(super) fn usage(&self) -> Result<Usage> {
        self.process.as_ref().map_or_else(|| Ok(Usage::default()), Process::usage)
    }
}

/// Every system, cheapest first.
pub(super) fn all() -> Vec<System> {
    vec![
        System { name: "direct", does: "no gateway", start: direct },
        System { name: "nginx", does: "passes through", start: nginx },
        System { name: "hyper", does: "passes through", start: hyper },
        System { name: "pingora", does: "passes through", start: pingora },
        System { name: "shuzha", does: "all ten stages, durable", start: shuzha },
    ]
}

fn direct(place: &Place<'_>) -> Result<Running> {
    Ok(Running { process: None, address: place.upstream, call: gateway::plain_call(), journal: None })
}

fn nginx(place: &Place<'_>) -> Result<Running> {
    let address = free_address()?;
    let config = place.folder.join("nginx.conf");
    let folder = place.folder.display();
    let upstream = place.upstream;
    // One process without a master, so that its processor time is all there is.
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n  \
         fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n  \
         upstream service {{ server {upstream}; {NGINX_KEEPALIVE} }}\n  \
         server {{\n    listen {address}; keepalive_requests 1000000000;\n    \
         location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}\n  }}\n}}\n"
    );
    fs::write(&config, text).context("writing nginx's configuration")?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(place.folder).arg("-c").arg(&config);
    listening("nginx", &command, place, address)
}

fn hyper(place: &Place<'_>) -> Result<Running> {
    bare("peer-hyper", place)
}

fn pingora(place: &Place<'_>) -> Result<Running> {
    bare("peer-pingora", place)
}

/// One of our own bare proxies, built with the feature `peers`.
fn bare(name: &str, place: &Place<'_>) -> Result<Running> {
    let program = place.programs.join(name);
    if !program.exists() {
        bail!("{} is not built: build shuzha-load with --features peers", program.display());
    }
    let address = free_address()?;
    let mut command = Command::new(program);
    command.arg(address.to_string()).arg(place.upstream.to_string());
    listening(name, &command, place, address)
}

fn listening(name: &str, command: &Command, place: &Place<'_>, address: SocketAddr) -> Result<Running> {
    let log = place.folder.join("log");
    let mut process = Process::start(name, command, place.core, &log)?;
    process.wait_listening(address).with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    Ok(Running { process: Some(process), address, call: gateway::plain_call(), journal: None })
}

fn shuzha(place: &Place<'_>) -> Result<Running> {
    let world = World::write(place.programs, place.folder, place.upstream, 1)?;
    let log = place.folder.join("log");
    let mut process = Process::start("shuzha", &world.command(place.programs), place.core, &log)?;
    process.wait_until(|| world.is_ready()).with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
    let (address, call, journal) = world.into_parts();
    Ok(Running { process: Some(process), address, call, journal: Some(journal) })
}
