//! Configuration: the embedded defaults, a file, the environment, flags — in this order — parsed into types.
//!
//! The only place that reads environment variables. Every fault is shown at once, as `path.key: reason`.

mod anchoring;
pub(crate) mod client;
mod consents;
mod control;
mod identity;
mod reader;
mod retention;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shuzha_core::Id;
use shuzha_evidence::note::{Algorithm, Verifier};
use shuzha_store::retention::Term;
use toml::{Table, Value};

pub(crate) use anchoring::{AnchorConfig, AnchoringConfig};
pub(crate) use consents::ConsentConfig;
pub(crate) use control::{ControlConfig, Provider};
pub(crate) use reader::ConfigFault;
use reader::{Bytes, Reader, merge};

/// The documented defaults.
pub(crate) const DEFAULT: &str = include_str!("../../../config/default.toml");

/// Environment variables that set a key: `SHUZHA__NODE__NAME` sets `node.name`.
const ENV_PREFIX: &str = "SHUZHA__";

/// A witness of the evidence log.
#[derive(Clone, Debug)]
pub(crate) struct WitnessConfig {
    /// Where it takes checkpoints, without a slash at the end.
    pub(crate) url: String,
    /// Its public key.
    pub(crate) key: Verifier,
}

/// Longest name of an evidence log: it stands in every receipt, twice.
const ORIGIN_BYTES_MAX: usize = 64;

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) node: Id,
    pub(crate) data_dir: PathBuf,
    pub(crate) world: Vec<PathBuf>,
    pub(crate) control: ControlConfig,
    pub(crate) consents: ConsentConfig,
    /// How long after a soft close late records are waited for.
    pub(crate) grace: Duration,
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) audience: String,
    pub(crate) signature_window: Duration,
    pub(crate) nonces_max: usize,
    pub(crate) threads: usize,
    pub(crate) operations: SocketAddr,
    pub(crate) limits: shuzha_proxy::Limits,
    pub(crate) segment_bytes: u64,
    pub(crate) queue_records_max: usize,
    pub(crate) free_bytes_min: u64,
    /// What every origin of the evidence log begins with.
    pub(crate) evidence_origin: String,
    /// Where the passphrase of sealed keys is.
    pub(crate) key_passphrase_file: Option<PathBuf>,
    /// How long records of calls are kept.
    pub(crate) retention: Term,
    /// Who cosigns the checkpoints.
    pub(crate) witnesses: Vec<WitnessConfig>,
    /// Who outside is shown them.
    pub(crate) anchoring: AnchoringConfig,
    pub(crate) upgrade_socket: PathBuf,
    pub(crate) log_level: tracing::Level,
    pub(crate) log_format: LogFormat,
}

/// Where the configuration comes from besides the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// A file.
    pub(crate) file: Option<PathBuf>,
    /// Flags: `section.key` and its TOML value.
    pub(crate) flags: Vec<(&'static str, &'static str, Value)>,
}

/// Reads the configuration.
///
/// # Errors
/// Every fault found.
pub(crate) fn load(sources: &Sources) -> Result<Config, Vec<ConfigFault>> {
    merged(sources).and_then(|table| read(table, sources.file.as_deref()))
}

/// The merged configuration as text, for `config dump`.
///
/// # Errors
/// Every fault found.
pub(crate) fn dump(sources: &Sources) -> Result<String, Vec<ConfigFault>> {
    load(sources)?;
    merged(sources).map(|table| table.to_string())
}

fn merged(sources: &Sources) -> Result<Table, Vec<ConfigFault>> {
    let mut table: Table = DEFAULT.parse().expect("the embedded defaults are TOML: a test reads them");
    let one = |path: &str, reason: String| vec![ConfigFault { path: path.to_owned(), reason }];
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
    for (name, value) in std::env::vars() {
        let Some((section, key)) = name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let as_toml = format!("v = {value}").parse::<Table>().ok().and_then(|mut t| t.remove("v"));
        let over = Table::from_iter([(key.to_lowercase(), as_toml.unwrap_or(Value::String(value)))]);
        merge(&mut table, Table::from_iter([(section.to_lowercase(), Value::Table(over))]));
    }
    table
}

fn read(table: Table, file: Option<&Path>) -> Result<Config, Vec<ConfigFault>> {
    let mut r = Reader::new(table);
    let node = r.take::<String>("node", "name").and_then(|name| match Id::new(&name) {
        Ok(id) => Some(id),
        Err(error) => {
            r.fault("node.name", error.to_string());
            None
        }
    });
    let data_dir = r.take::<String>("node", "data_dir").map(PathBuf::from);
    let world = r.take::<Vec<String>>("world", "files");
    let relative_to = file.and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    let control = control::read(&mut r, &relative_to);
    let consents = consents::read(&mut r);
    let grace = r.take::<Duration>("finance", "grace");
    let listen = r.take("data_plane", "listen");
    let tls = read_tls(&mut r);
    let audience = r.take::<String>("data_plane", "audience");
    let signature_window = r.take("data_plane", "signature_window");
    let nonces_max = r.take::<usize>("data_plane", "nonces_max");
    let threads = r.take("data_plane", "threads");
    let exceptions = identity::read(&mut r);
    let operations = r.take("operations", "listen");
    let limits = read_limits(&mut r);
    let segment_bytes = r.take::<Bytes>("journal", "segment_bytes");
    let queue_records_max = r.take("journal", "queue_records_max");
    let free_bytes_min = r.take::<Bytes>("journal", "free_bytes_min");
    let retention = retention::read(&mut r, control.as_ref().map(|control| &control.rules.jurisdiction));
    let evidence_origin = read_origin(&mut r, node.as_ref());
    let passphrase = r.take::<String>("evidence", "key_passphrase_file");
    let passphrase = passphrase.map(|path| (!path.is_empty()).then(|| relative_to.join(path)));
    let witnesses = read_witnesses(&mut r);
    let anchoring = anchoring::read(&mut r, &relative_to);
    let socket = r.take::<String>("upgrade", "socket");
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
            segment_bytes: segment_bytes?.0,
            queue_records_max: queue_records_max?,
            free_bytes_min: free_bytes_min?.0,
            evidence_origin: evidence_origin?,
            key_passphrase_file: passphrase?,
            retention: retention?,
            witnesses: witnesses?,
            anchoring: anchoring?,
            upgrade_socket: data_dir.join(socket?),
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

/// The name of the evidence log: as configured, or made of the node's.
fn read_origin(r: &mut Reader, node: Option<&Id>) -> Option<String> {
    let origin = r.take::<String>("evidence", "origin")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':');
    if origin.is_empty() {
        return node.map(|node| format!("shuzha.local/{node}"));
    }
    if origin.chars().all(plain) && !origin.ends_with('/') && origin.len() <= ORIGIN_BYTES_MAX {
        return Some(origin);
    }
    let reason =
        format!("\"{origin}\" is not like example.com/name, of at most {ORIGIN_BYTES_MAX} characters");
    r.fault("evidence.origin", reason);
    None
}

/// Each witness as `URL KEY`.
fn read_witnesses(r: &mut Reader) -> Option<Vec<WitnessConfig>> {
    let read = |text: String| {
        let (url, key) = text.split_once(' ')?;
        let key: Verifier = key.parse().ok()?;
        let is_url = url.starts_with("http://") || url.starts_with("https://");
        let good = is_url && key.algorithm() == Algorithm::Cosignature;
        good.then(|| WitnessConfig { url: url.trim_end_matches('/').to_owned(), key })
    };
    let given = r.take::<Vec<String>>("evidence", "witnesses")?;
    let witnesses: Option<Vec<_>> = given.into_iter().map(read).collect();
    if witnesses.is_none() {
        r.fault("evidence.witnesses", "each is \"URL KEY\", the key as `shuzha witness key` prints it");
    }
    witnesses
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
    let small = |count: Option<usize>| count.and_then(|count| u32::try_from(count).ok());
    Some(shuzha_proxy::Limits {
        body_bytes_max: usize::try_from(body?.0).ok()?,
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
mod tests {
    use super::*;

    fn with(text: &str) -> Result<Config, Vec<ConfigFault>> {
        let mut table: Table = DEFAULT.parse().expect("defaults");
        merge(&mut table, text.parse().expect("TOML"));
        read(table, None)
    }

    #[test]
    fn the_defaults_are_complete() {
        let config = with("").expect("the defaults are a configuration");
        assert_eq!(config.listen, [SocketAddr::from(([127, 0, 0, 1], 8080))]);
        assert!(config.tls.is_none());
    }

    #[test]
    fn all_faults_are_shown_at_once() {
        let faults = with(
            "[node]\nname = 'Gate 1'\n[data_plane]\nlisten = ['nowhere']\nsignature_window = '1 fortnight'\n\
             [limits]\nbody_bytes_max = '1MB'\ncolour = 'red'\n",
        )
        .expect_err("five faults");
        let mut paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "data_plane.listen",
                "data_plane.signature_window",
                "limits.body_bytes_max",
                "limits.colour",
                "node.name"
            ]
        );
    }

    #[test]
    fn half_a_tls_pair_and_an_unknown_section_are_faults() {
        let faults = with("[data_plane]\ntls_key_file = 'k.pem'\n[extra]\na = 1\n").expect_err("two");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
