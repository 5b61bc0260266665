//! The demo's gateway: a node of its own on this machine, on a thread of its own.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shuzha_control::Control;
use shuzha_core::clock::ShiftedClock;
use shuzha_products::World;
use shuzha_proxy::{Addresses, Handle, Sockets};
use toml::Value;

use super::disk::DemoDisk;
use super::services::Services;
use super::story;
use crate::config::{self, Sources};
use crate::logging;
use crate::node::{Node, NodeKeys, Setup};

/// Where the demo listens if the ports are free; others are taken if not.
const DATA_PORT: u16 = 8080;
const CONTROL_PORT: u16 = 8081;
const OPERATIONS_PORT: u16 = 9090;

/// A running gateway.
pub(super) struct Gateway {
    pub(super) handle: Handle,
    pub(super) keys: NodeKeys,
    pub(super) clock: ShiftedClock,
    /// Its control plane, where no files say what is in force.
    pub(super) control: Option<ControlApi>,
    thread: JoinHandle<Result<()>>,
}

/// The control plane of a gateway that begins with an empty register.
pub(super) struct ControlApi {
    pub(super) address: SocketAddr,
    pub(super) first_token: String,
    pub(super) plane: Arc<Control>,
}

impl Gateway {
    /// Starts it in `data_dir`: with the world of `files`, or with a register and the clock at the story's beginning.
    /// One that stays listens at the usual address of the control API if that is free.
    pub(super) fn start(
        data_dir: &Path,
        services: &Services,
        disk: Arc<DemoDisk>,
        files: Option<World>,
        stays: bool,
    ) -> Result<Self> {
        let text = |text: &str| Value::String(text.to_owned());
        let flags = vec![
            ("node", "data_dir", text(&data_dir.display().to_string())),
            ("node", "name", text("demo")),
            ("control", "listen", text(&control_address(stays).to_string())),
            ("control", "rules", text(story::RULES)),
            // What calls show is meant to go wrong; the table says so better than warnings in between.
            ("log", "level", text("error")),
            ("log", "format", text("text")),
        ];
        let config = config::load(&Sources { file: None, flags })
            .map_err(|faults| anyhow::anyhow!("the demo's configuration: {faults:?}"))?;
        logging::start(config.log_level, config.log_format);
        let clock = ShiftedClock::default();
        if files.is_none() {
            story::begin(&clock);
        }
        let setup = Setup {
            files,
            clock: clock.clone(),
            sockets: sockets()?,
            endpoints: services.endpoints.clone().into_iter().collect::<HashMap<_, _>>(),
            disk: Some(disk),
            journal_wait: Duration::from_secs(1),
        };
        let node = Node::build(&config, setup)?;
        let control = node.control.as_ref().map(|controlled| {
            let plane = &controlled.plane;
            let first_token = plane.first_token.as_ref().context("the register is not new")?.to_string();
            Ok::<_, anyhow::Error>(ControlApi {
                address: plane.address(),
                first_token,
                plane: plane.control(),
            })
        });
        let control = control.transpose()?;
        let (handle, keys) = (node.handle.clone(), node.keys.clone());
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || node.run())?;
        Ok(Self { handle, keys, clock, control, thread })
    }

    /// Where callers find it.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.handle.addresses().data[0])
    }

    /// Answers what is under way, and ends.
    pub(super) fn end(self) -> Result<()> {
        self.handle.drain();
        match self.thread.join() {
            Ok(done) => done,
            Err(_) => bail!("the gateway's thread panicked"),
        }
    }
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

/// Where the control API listens. Nobody looks for one that is gone when the calls are made.
fn control_address(stays: bool) -> SocketAddr {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, CONTROL_PORT));
    let free = stays && TcpListener::bind(usual).is_ok();
    if free { usual } else { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
}
