//! What the configuration names on this machine: files that a start reads, and the memory that limits add up to.
//!
//! `config check` and `doctor` ask; commands that touch none of it work without.

use std::path::Path;

use shuzha_core::{Clock as _, Fault, SystemClock};
use shuzha_evidence::timestamp::Authorities;
use shuzha_policy::{IDEMPOTENCY_KEY_BYTES_MAX, NONCE_BYTES_MAX};

use super::Config;
use crate::evidence::custody::passphrase_in;

/// Bytes that one remembered nonce takes: in the gate, and in what the journal adds up to.
const NONCE_BYTES: u64 = NONCE_BYTES_MAX as u64 + 48;
/// Bytes that one idempotency key takes: in the gate, and in what the journal adds up to.
const KEY_BYTES: u64 = IDEMPOTENCY_KEY_BYTES_MAX as u64 + 448;
/// Bytes that one waiting record takes at most.
const RECORD_BYTES: u64 = 1_024;
/// Bytes of a connection beside its body: its head, what is read ahead, its task.
const CONNECTION_BYTES: u64 = 24 << 10;

/// Every fault of what the configuration names.
pub fn check(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, reason: String| {
        faults.push(Fault::new(path, reason));
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
            "limits.body_bytes_total_max, limits.idempotency_keys_max, limits.stored_response_bytes_max, \
             limits.connections_max, data_plane.nonces_max and journal.queue_records_max may take {} MiB together; this \
             machine has {} MiB",
            mib(promised),
            mib(there)
        );
        fault("limits", reason);
    }
    faults
}

/// Bytes that the limits permit to be used at once. Bodies are bounded in sum, over HTTP/2 too, where each stream of each
/// connection has one of its own.
fn promised_bytes(config: &Config) -> u64 {
    let counted = |count: usize, bytes: u64| (count as u64).saturating_mul(bytes);
    let bounds = &config.bounds;
    [
        config.limits.body_bytes_total_max,
        // The sandbox has a sixteenth of its own.
        counted(bounds.idempotency_keys.saturating_add(bounds.idempotency_keys / 16), KEY_BYTES),
        counted(bounds.answer_bytes.saturating_add(bounds.answer_bytes / 16), 1),
        counted(config.nonces_max, NONCE_BYTES),
        counted(config.queue_records_max, RECORD_BYTES),
        counted(config.limits.connections_max, CONNECTION_BYTES),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
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

#[cfg(test)]
mod tests {
    use super::super::tests::with;
    use super::*;

    /// Security-2 F1: six connections over HTTP/2 took a body for each of their streams, and the sum knew of one.
    #[test]
    fn whatever_callers_may_fill_is_in_the_sum() {
        let promised =
            |text: &str| promised_bytes(&with(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}")));
        let before = promised("");
        assert!((1 << 30..6 << 30).contains(&before), "{} MiB by default", before >> 20);
        for (text, more) in [
            ("[limits]\nbody_bytes_total_max = '1GiB'", (1 << 30) - (256 << 20)),
            ("[limits]\nidempotency_keys_max = 8_000_000", 5_100_000 * KEY_BYTES),
            ("[limits]\nstored_response_bytes_max = '1GiB'", 1_020 << 20),
            ("[limits]\nconnections_max = 20_000", 10_000 * CONNECTION_BYTES),
            ("[data_plane]\nnonces_max = 16_000_000", 8_000_000 * NONCE_BYTES),
            ("[journal]\nqueue_records_max = 165_536", 100_000 * RECORD_BYTES),
        ] {
            assert_eq!(promised(text), before + more, "{text}");
        }
        let streams = promised("[limits]\nstreams_per_connection_max = 1_000");
        assert_eq!(streams, before, "bodies are bounded in sum, however many streams carry them");
        // A body that is larger than the sum is allowed for: the sum is never less than one whole body.
        let large = promised("[limits]\nbody_bytes_max = '64MiB'\nbody_bytes_total_max = '1MiB'");
        assert_eq!(large, before - (256 << 20) + (64 << 20));
    }
}
