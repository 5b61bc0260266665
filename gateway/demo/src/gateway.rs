//! The demo's gateway: a node of its own on this machine, on a thread of its own.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use shuzha_control::Control;
use shuzha_core::Fault;
use shuzha_core::clock::ShiftedClock;
use shuzha_files::secret;
use shuzha_node::config::{self, Config, Sources};
use shuzha_node::logging;
use shuzha_node::node::{Node, NodeKeys, Setup};
use shuzha_products::World;
use shuzha_proxy::{Addresses, Handle, Sockets};
use toml::Value;

use super::disk::DemoDisk;
use super::services::Services;
use super::story;

/// Where the demo listens if the ports are free; others are taken if not.
const DATA_PORT: u16 = 8080;
const CONTROL_PORT: u16 = 8081;
const OPERATIONS_PORT: u16 = 9090;
/// Longest file with the token of the first administrator.
const FIRST_TOKEN_BYTES_MAX: u64 = 256;

/// A running gateway.
pub(super) struct Gateway {
    pub(super) handle: Handle,
    pub(super) keys: NodeKeys,
    pub(super) clock: ShiftedClock,
    pub(super) data_dir: PathBuf,
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

/// Where the demo's gateway is, as far as a configuration says.
pub(super) struct Place {
    pub(super) config: Config,
    /// Whether the configuration says where callers, operators and persons at the control API are listened to.
    data_set: bool,
    operations_set: bool,
    control_set: bool,
}

/// Keys that the demo decides, because its story depends on them.
const DECIDED: [(&str, &str); 6] = [
    ("world", "files"),
    ("control", "rules"),
    ("control", "invitations_folder"),
    ("control", "invitation_command"),
    ("data_plane", "tls_certificate_file"),
    ("data_plane", "tls_key_file"),
];

impl Place {
    /// Reads the configuration; where it names no data folder, `temporary` is it. The control API of a demo that `stays`
    /// listens at its usual address if that is free and no other is configured.
    ///
    /// # Errors
    /// Every fault of the configuration; a key that the demo decides itself.
    pub(super) fn read(mut sources: Sources, temporary: &Path, stays: bool) -> Result<Self> {
        let faulty = |faults: Vec<Fault>| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the configuration:\n{}", lines.join("\n"))
        };
        for (section, key) in DECIDED {
            ensure!(
                !config::sets(&sources, section, key).map_err(faulty)?,
                "{section}.{key} is the demo's to decide: leave it out"
            );
        }
        let text = |text: &str| Value::String(text.to_owned());
        let control_port = if stays { CONTROL_PORT } else { 0 };
        // Its services are on this machine, at ports of their own choice; its own listeners are refused all the same.
        let here = Value::Array(vec![text("127.0.0.1:1024-65535")]);
        let unless_set = [
            ("egress", "allow", here),
            ("node", "data_dir", text(&temporary.display().to_string())),
            ("node", "name", text("demo")),
            ("control", "listen", text(&SocketAddr::from((Ipv4Addr::LOCALHOST, control_port)).to_string())),
            // What calls show is meant to go wrong; the table says so better than warnings in between.
            ("log", "level", text("error")),
            ("log", "format", text("text")),
        ];
        let control_set = config::sets(&sources, "control", "listen").map_err(faulty)?;
        for (section, key, value) in unless_set {
            if !config::sets(&sources, section, key).map_err(faulty)? {
                sources.flags.push((section, key, value));
            }
        }
        let data_set = config::sets(&sources, "data_plane", "listen").map_err(faulty)?;
        let operations_set = config::sets(&sources, "operations", "listen").map_err(faulty)?;
        sources.flags.push(("control", "rules", text(story::RULES)));
        let config = config::load(&sources).map_err(faulty)?;
        Ok(Self { config, data_set, operations_set, control_set })
    }

    /// The configured addresses; for those that are not, the usual ports, or free ones where they are taken.
    fn sockets(&self) -> Result<Sockets> {
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bind = |data: u16, operations: u16| {
            Sockets::bind(&Addresses {
                data: if self.data_set { self.config.listen.clone() } else { vec![at(data)] },
                operations: Some(if self.operations_set { self.config.operations } else { at(operations) }),
            })
        };
        let bound = bind(DATA_PORT, OPERATIONS_PORT).or_else(|_| bind(0, 0));
        bound.context("the listening sockets")
    }

    /// The socket of the control API, held from here on; a port that nobody configured and somebody has is replaced by a free one.
    fn control_socket(&self) -> Result<TcpListener> {
        let wanted = self.config.control.listen;
        let free = |error| match self.control_set {
            true => Err(error),
            false => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)),
        };
        let bound = TcpListener::bind(wanted).or_else(free);
        bound.with_context(|| format!("the control API cannot listen at {wanted}"))
    }
}

impl Gateway {
    /// Starts it in its place: with the world of `files`, or with a register and the clock at the story's beginning.
    pub(super) fn start(
        place: &Place,
        services: &Services,
        disk: Arc<DemoDisk>,
        files: Option<World>,
    ) -> Result<Self> {
        let mut config = place.config.clone();
        let control = match files {
            Some(_) => None,
            None => Some(place.control_socket()?),
        };
        if let Some(control) = &control {
            config.control.listen = control.local_addr().context("the control API's address")?;
        }
        logging::start_for_demo(config.log_level, config.log_format);
        let clock = ShiftedClock::default();
        if files.is_none() {
            story::begin(&clock);
        }
        let setup = Setup {
            files,
            clock: clock.clone(),
            sockets: place.sockets()?,
            control,
            endpoints: services.endpoints.clone().into_iter().collect::<HashMap<_, _>>(),
            disk: Some(disk),
            journal_wait: Duration::from_secs(1),
            // The story has a clock of its own.
            clock_is_right: true,
        };
        let node = Node::build(&config, setup)?;
        let control = node.control_plane().map(|plane| {
            let file = plane.first_token_file.as_ref().context("the register is not new")?;
            let first_token = secret::load_word(file, FIRST_TOKEN_BYTES_MAX)?;
            Ok::<_, anyhow::Error>(ControlApi {
                address: plane.address(),
                first_token,
                plane: plane.control(),
            })
        });
        let control = control.transpose()?;
        let (handle, keys) = (node.handle.clone(), node.keys.clone());
        let thread = std::thread::Builder::new().name("gateway".into()).spawn(move || node.run())?;
        Ok(Self { handle, keys, clock, data_dir: config.data_dir, control, thread })
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
