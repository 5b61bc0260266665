//! What the configuration names on this machine: files that a start reads, and the memory that limits add up to.
//!
//! `config check` and `doctor` ask; commands that touch none of it work without.

use std::path::Path;

use shuzha_core::{Clock as _, SystemClock};
use shuzha_evidence::timestamp::Authorities;

use super::{Config, ConfigFault};
use crate::evidence::custody::passphrase_in;

/// Bytes that one remembered nonce takes, with its place in a table that is half full.
const NONCE_BYTES: u64 = 64;
/// Bytes that one waiting record takes at most.
const RECORD_BYTES: u64 = 1_024;
/// Bytes of a connection beside its body: its head, what is read ahead, its task.
const CONNECTION_BYTES: u64 = 24 << 10;

/// Every fault of what the configuration names.
pub(crate) fn check(config: &Config) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, reason: String| {
        faults.push(ConfigFault { path: path.to_owned(), reason });
    };
    if let Err(reason) = folder(&config.data_dir) {
        fault("node.data_dir", reason);
    }
    if let Some(options) = config.tls_options() {
        match options.check(SystemClock.now()) {
            Ok(state) if state.days_left < 0 => {
                let reason = format!("{} has ended", options.cert.display());
                fault("data_plane.tls_certificate_file", reason);
            }
            Ok(_) => {}
            Err(error) => fault("data_plane.tls_key_file", error.to_string()),
        }
    }
    if let Some(Err(error)) = config.key_passphrase_file.as_deref().map(passphrase_in) {
        fault("evidence.key_passphrase_file", format!("{error:#}"));
    }
    if let Some(file) = &config.anchoring.authorities {
        let pem = std::fs::read(file).map_err(|error| error.to_string());
        let read = pem.and_then(|pem| Authorities::parse(&pem).map_err(|error| error.to_string()));
        if let Err(reason) = read {
            fault("evidence.anchor_authorities_file", format!("{}: {reason}", file.display()));
        }
    }
    if let Some((promised, there)) = over_memory(config) {
        let mib = |bytes: u64| bytes >> 20;
        let reason = format!(
            "data_plane.nonces_max, journal.queue_records_max, limits.connections_max and limits.body_bytes_max may take \
             {} MiB together; this machine has {} MiB",
            mib(promised),
            mib(there)
        );
        fault("limits", reason);
    }
    faults
}

/// Bytes that the limits permit to be used at once.
fn promised_bytes(config: &Config) -> u64 {
    let counted = |count: usize, bytes: u64| (count as u64).saturating_mul(bytes);
    counted(config.nonces_max, NONCE_BYTES)
        .saturating_add(counted(config.queue_records_max, RECORD_BYTES))
        .saturating_add(counted(config.limits.connections_max, CONNECTION_BYTES))
        .saturating_add(config.limits.body_bytes_max as u64)
}

/// What is promised and what there is, where that is less.
fn over_memory(config: &Config) -> Option<(u64, u64)> {
    let there = memory_bytes()?;
    let promised = promised_bytes(config);
    (promised > there).then_some((promised, there))
}

/// Memory of this machine; none where the kernel does not say.
fn memory_bytes() -> Option<u64> {
    let about = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = about.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// Whether `path` is a folder, or can become one.
fn folder(path: &Path) -> Result<(), String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    let nearest = absolute.ancestors().find(|there| there.exists());
    match nearest {
        Some(there) if there.is_dir() => Ok(()),
        Some(there) => Err(format!("{} is no folder", there.display())),
        None => Err("there is no such place".to_owned()),
    }
}
