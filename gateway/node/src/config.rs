//! Configuration: the embedded defaults, a file, the environment, flags — in this order — parsed into types.
//!
//! The only place that reads environment variables. Every fault is shown at once, as `path.key: reason`.

mod access;
mod anchoring;
mod bounds;
mod check;
mod consents;
mod control;
mod egress;
mod identity;
mod lines;
mod listeners;
mod reader;
mod retention;
mod shares;
mod warnings;
mod witnesses;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shuzha_core::{Fault, Id};
use shuzha_store::retention::Term;
use toml::{Table, Value};

#[cfg(test)]
pub use access::AccessConfig;
pub use access::Invitations;
pub use anchoring::{AnchorConfig, AnchoringConfig};
pub use check::check;
pub use consents::{ConsentConfig, Pseudonyms};
pub use control::ControlConfig;
pub(crate) use control::Provider;
pub use egress::EgressConfig;
use reader::{Bytes, Reader, merge};
pub use warnings::ending;
pub use witnesses::WitnessConfig;

/// The documented defaults.
pub const DEFAULT: &str = include_str!("../../../config/default.toml");

/// Environment variables that set a key: `SHUZHA__NODE__NAME` sets `node.name`.
const ENV_PREFIX: &str = "SHUZHA__";

/// Longest audience: it stands in every consent.
const AUDIENCE_BYTES_MAX: usize = 128;
/// Longest path of a Unix socket (unix(7)), less what an upgrade puts behind it while it is made.
const SOCKET_BYTES_MAX: usize = 107 - ".new".len();

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// An object a line, for whoever collects them.
    Json,
    /// For a person at a terminal.
    Text,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this node, in its records.
    pub node: Id,
    /// Folder of journal, registers and keys.
    pub data_dir: PathBuf,
    /// Files of the declared world; none where there is a register.
    pub world: Vec<PathBuf>,
    /// The control API, and who may call it.
    pub control: ControlConfig,
    /// The consent service.
    pub consents: ConsentConfig,
    /// How long after a soft close late records are waited for.
    pub grace: Duration,
    /// Addresses of the data listener.
    pub listen: Vec<SocketAddr>,
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) audience: String,
    pub(crate) signature_window: Duration,
    pub(crate) nonces_max: usize,
    pub(crate) threads: usize,
    /// Address of the operations listener.
    pub operations: SocketAddr,
    /// Limits of the data plane.
    pub limits: shuzha_proxy::Limits,
    /// What callers may fill of the gate's tables.
    pub bounds: shuzha_policy::Bounds,
    /// Where product services may be.
    pub egress: EgressConfig,
    /// Size of a segment of the journal.
    pub segment_bytes: u64,
    pub(crate) queue_records_max: usize,
    /// Least free space on the disk of the data folder.
    pub free_bytes_min: u64,
    /// What every origin of the evidence log begins with.
    pub evidence_origin: String,
    /// Where the passphrase of sealed keys is.
    pub key_passphrase_file: Option<PathBuf>,
    /// How long records of calls are kept.
    pub retention: Term,
    /// Who cosigns the checkpoints.
    pub witnesses: Vec<WitnessConfig>,
    /// Who outside is shown them.
    pub anchoring: AnchoringConfig,
    /// Where listening sockets are handed over.
    pub upgrade_socket: PathBuf,
    /// What is logged: this and what is graver.
    pub log_level: tracing::Level,
    /// How it is written.
    pub log_format: LogFormat,
}

impl Config {
    /// Where the data listener's certificate is, where it has one.
    pub fn tls_options(&self) -> Option<shuzha_proxy::TlsOptions> {
        self.tls.clone().map(|(cert, key)| shuzha_proxy::TlsOptions { cert, key })
    }
}

/// Where the configuration comes from besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file.
    pub file: Option<PathBuf>,
    /// Flags: `section.key` and its TOML value.
    pub flags: Vec<(&'static str, &'static str, Value)>,
}

/// Reads the configuration.
///
/// # Errors
/// Every fault found.
pub fn load(sources: &Sources) -> Result<Config, Vec<Fault>> {
    let read = merged(sources).and_then(|table| read(table, sources.file.as_deref()));
    read.map_err(|faults| lines::told(faults, sources))
}

/// The merged configuration as text, for `config dump`.
///
/// # Errors
/// Every fault found.
pub fn dump(sources: &Sources) -> Result<String, Vec<Fault>> {
    load(sources)?;
    merged(sources).map(|table| table.to_string())
}

/// Whether anything but the defaults sets a key.
///
/// # Errors
/// When the file cannot be read.
pub fn sets(sources: &Sources, section: &str, key: &str) -> Result<bool, Vec<Fault>> {
    laid_over(sources).map(|table| table.get(section).and_then(|keys| keys.get(key)).is_some())
}

fn merged(sources: &Sources) -> Result<Table, Vec<Fault>> {
    let mut table: Table = DEFAULT.parse().expect("the embedded defaults are TOML: a test reads them");
    merge(&mut table, laid_over(sources)?);
    Ok(table)
}

/// What file, environment and flags set, in this order.
fn laid_over(sources: &Sources) -> Result<Table, Vec<Fault>> {
    let mut table = Table::new();
    let one = |path: &str, reason: String| vec![Fault::new(path, reason)];
    if let Some(file) = &sources.file {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| one(&shown, error.to_string()))?;
        let over: Table = text.parse().map_err(|error: toml::de::Error| one(&shown, error.to_string()))?;
        merge(&mut table, over);
    }
    merge(&mut table, environment());
    for (section, key, value) in &sources.flags {
        let over = Table::from_iter([((*key).to_owned(), value.clone())]);
        merge(&mut table, Table::from_iter([((*section).to_owned(), Value::Table(over))]));
    }
    Ok(table)
}

/// What the environment sets. A value is read as TOML where it is TOML, and as text otherwise.
fn environment() -> Table {
    let mut table = Table::new();
    // A variable of somebody else's need not be text.
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    for (name, value) in ours {
        let Some((section, key)) = name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let value = value.to_string_lossy().into_owned();
        let as_toml = format!("v = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        let over = Table::from_iter([(key.to_lowercase(), as_toml.unwrap_or(Value::String(value)))]);
        merge(&mut table, Table::from_iter([(section.to_lowercase(), Value::Table(over))]));
    }
    table
}

fn read(table: Table, file: Option<&Path>) -> Result<Config, Vec<Fault>> {
    let mut r = Reader::new(table);
    let node = r.take::<String>("node", "name").and_then(|name| match Id::new(&name) {
        Ok(id) => Some(id),
        Err(error) => {
            r.fault("node.name", error.to_string());
            None
        }
    });
    let data_dir = read_data_dir(&mut r);
    let world = r.take::<Vec<String>>("world", "files");
    let relative_to = file.and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    let control = control::read(&mut r, &relative_to);
    let consents = consents::read(&mut r);
    let grace = r.take::<Duration>("finance", "grace");
    let listen = r.take::<Vec<SocketAddr>>("data_plane", "listen");
    let tls = read_tls(&mut r);
    let audience = read_audience(&mut r);
    let signature_window = r.take("data_plane", "signature_window");
    let nonces_max = r.take::<usize>("data_plane", "nonces_max");
    let threads = r.take("data_plane", "threads");
    let exceptions = identity::read(&mut r);
    let operations = r.take::<SocketAddr>("operations", "listen");
    // The control API does not run beside world files.
    let with_control = world.as_ref().is_some_and(Vec::is_empty);
    let control_listen = control.as_ref().map(|control| control.listen).filter(|_| with_control);
    listeners::judge(&mut r, listen.as_deref().unwrap_or_default(), operations, control_listen);
    let limits = read_limits(&mut r);
    let limits = shares::read_shares(&mut r, limits);
    let bounds = shares::read_tables(&mut r);
    let egress = egress::read(&mut r);
    let segment_bytes = r.take::<Bytes>("journal", "segment_bytes");
    let queue_records_max = r.take("journal", "queue_records_max");
    let free_bytes_min = r.take::<Bytes>("journal", "free_bytes_min");
    let retention = retention::read(&mut r, control.as_ref().map(|control| &control.rules.jurisdiction));
    let evidence_origin = witnesses::read_origin(&mut r, node.as_ref());
    let passphrase = r.take::<String>("evidence", "key_passphrase_file");
    let passphrase = passphrase.map(|path| (!path.is_empty()).then(|| relative_to.join(path)));
    let witnesses = witnesses::read(&mut r);
    let anchoring = anchoring::read(&mut r, &relative_to);
    let socket = read_upgrade_socket(&mut r, data_dir.as_deref());
    let log_level = read_level(&mut r);
    let log_format = read_format(&mut r);
    let build = || {
        exceptions?;
        let data_dir: PathBuf = data_dir?;
        Some(Config {
            node: node?,
            world: world?.iter().map(|path| relative_to.join(path)).collect(),
            control: control?,
            consents: consents?,
            grace: grace?,
            listen: listen?,
            tls: tls?,
            audience: audience?,
            signature_window: signature_window?,
            nonces_max: nonces_max?,
            threads: threads?,
            operations: operations?,
            limits: limits?,
            bounds: bounds?,
            egress: egress?,
            segment_bytes: segment_bytes?.0,
            queue_records_max: queue_records_max?,
            free_bytes_min: free_bytes_min?.0,
            evidence_origin: evidence_origin?,
            key_passphrase_file: passphrase?,
            retention: retention?,
            witnesses: witnesses?,
            anchoring: anchoring?,
            upgrade_socket: socket?,
            data_dir,
            log_level: log_level?,
            log_format: log_format?,
        })
    };
    let built = build();
    let faults = r.finish();
    match built {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(faults),
    }
}

/// The folder of everything that is kept.
fn read_data_dir(r: &mut Reader) -> Option<PathBuf> {
    let dir = r.take::<String>("node", "data_dir")?;
    if dir.is_empty() {
        r.fault("node.data_dir", "a folder is expected");
        return None;
    }
    Some(PathBuf::from(dir))
}

/// The name under which consents are issued to this gateway.
fn read_audience(r: &mut Reader) -> Option<String> {
    let audience = r.take::<String>("data_plane", "audience")?;
    let sound = (1..=AUDIENCE_BYTES_MAX).contains(&audience.len())
        && audience.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        let reason = format!("1 to {AUDIENCE_BYTES_MAX} visible ASCII characters are expected");
        r.fault("data_plane.audience", reason);
        return None;
    }
    Some(audience)
}

/// The Unix socket of upgrades, in the data folder where it is not absolute.
fn read_upgrade_socket(r: &mut Reader, data_dir: Option<&Path>) -> Option<PathBuf> {
    let socket = r.take::<String>("upgrade", "socket")?;
    let path = data_dir?.join(&socket);
    if socket.is_empty() || path.file_name().is_none() {
        r.fault("upgrade.socket", "a file is expected");
        return None;
    }
    if path.as_os_str().len() > SOCKET_BYTES_MAX {
        let reason = format!(
            "{} is longer than the {SOCKET_BYTES_MAX} bytes that the address of a Unix socket may have; name a \
             shorter path",
            path.display()
        );
        r.fault("upgrade.socket", reason);
        return None;
    }
    Some(path)
}

fn read_tls(r: &mut Reader) -> Option<Option<(PathBuf, PathBuf)>> {
    let certificate = r.take::<String>("data_plane", "tls_certificate_file")?;
    let key = r.take::<String>("data_plane", "tls_key_file")?;
    match (certificate.is_empty(), key.is_empty()) {
        (true, true) => Some(None),
        (false, false) => Some(Some((certificate.into(), key.into()))),
        _ => {
            r.fault("data_plane.tls_key_file", "certificate and key are given together or not at all");
            None
        }
    }
}

fn read_limits(r: &mut Reader) -> Option<shuzha_proxy::Limits> {
    let body = r.take::<Bytes>("limits", "body_bytes_max");
    let head = r.take("limits", "head_timeout");
    let body_time = r.take("limits", "body_timeout");
    let idle = r.take("limits", "idle_timeout");
    let requests = r.take::<usize>("limits", "requests_per_connection_max");
    let streams = r.take::<usize>("limits", "streams_per_connection_max");
    let connections = r.take("limits", "connections_max");
    let drain = r.take("limits", "drain_timeout");
    // Both fit: the bounds of the keys are narrower.
    let small = |count: Option<usize>| count.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    Some(shuzha_proxy::Limits {
        body_bytes_max: usize::try_from(body?.0).unwrap_or(usize::MAX),
        head: head?,
        body: body_time?,
        idle: idle?,
        requests_per_connection_max: small(requests)?,
        h2_streams_max: small(streams)?,
        connections_max: connections?,
        drain: drain?,
        ..shuzha_proxy::Limits::default()
    })
}

fn read_level(r: &mut Reader) -> Option<tracing::Level> {
    let text = r.take::<String>("log", "level")?;
    match text.parse() {
        Ok(level) => Some(level),
        Err(_) => {
            r.fault("log.level", format!("\"{text}\" is none of error, warn, info, debug, trace"));
            None
        }
    }
}

fn read_format(r: &mut Reader) -> Option<LogFormat> {
    match r.take::<String>("log", "format")?.as_str() {
        "json" => Some(LogFormat::Json),
        "text" => Some(LogFormat::Text),
        other => {
            r.fault("log.format", format!("\"{other}\" is neither json nor text"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
