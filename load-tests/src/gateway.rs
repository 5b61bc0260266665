//! The gateway under test: its world, its configuration, its keys, and what its journal says afterwards.
//!
//! [`World::write`] is the one place that knows how `shuzha serve` is configured.

mod consents;
mod declared;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use shuzha_evidence::{Decision, Entry};
use shuzha_privacy::consent::Signer;

use crate::process::free_address;
use crate::sign::Call;

/// What the product service behind every system answers: a result code that the world maps to `consistent`.
pub(crate) const UPSTREAM_ANSWER: &str = r#"{"code":"00"}"#;

/// A synthetic person: province 69 was never assigned; the check character is right (GB 11643).
const PERSON: &str = "690101199001010018";

/// The key that requests to the product service are signed with, within the gateway's data folder.
const UPSTREAM_KEY: &str = "keys/upstreams/service.key";
/// The pseudonyms' key within the gateway's data folder, and its id.
const SUBJECT_KEY: (&str, &str) = ("keys/pseudonym.key", "local-1");

/// How long one question about readiness may take.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// The request's body, some 300 bytes.
pub(crate) fn body() -> String {
    let note = "The applicant was told in plain words what is verified, for whom and why, and has agreed to this one use of it. ";
    format!(r#"{{"id_number":"{PERSON}","name":"云小满","note":"{}"}}"#, note.repeat(2))
}

/// The request as a system sees it that only passes it on: same path, same body, same number of headers.
pub(crate) fn plain_call() -> Call {
    let secret = random_bytes::<32>().to_vec();
    call(secret, vec!["x".repeat(declared::TOKEN_BYTES_USUAL)])
}

fn call(secret: Vec<u8>, consents: Vec<String>) -> Call {
    Call {
        path: format!("/v1/products/{}/verify", declared::PRODUCT),
        body: body(),
        app_key: declared::CREDENTIAL.to_owned(),
        secret,
        scenario: declared::SCENARIO.to_owned(),
        consents,
    }
}

/// A gateway that is configured and can be started.
#[derive(Debug)]
pub(crate) struct World {
    config: PathBuf,
    address: SocketAddr,
    operations: SocketAddr,
    data: PathBuf,
    call: Call,
}

impl World {
    /// Writes world, configuration and keys below `folder`, for a gateway in front of `upstream` with `grants` grants,
    /// one of which the [`Call`] uses.
    ///
    /// # Errors
    /// When a file cannot be written or `shuzha keys` fails.
    pub(crate) fn write(programs: &Path, folder: &Path, upstream: SocketAddr, grants: u32) -> Result<Self> {
        let (data, world) = (folder.join("data"), folder.join("world"));
        fs::create_dir_all(data.join("keys/upstreams"))?;
        fs::create_dir_all(&world)?;
        let issuer = Signer::from_seed(declared::ISSUER, declared::ISSUER_KEY, &random_bytes());
        write_key(&data.join(UPSTREAM_KEY), &random_bytes::<32>())?;
        let subject_key = random_bytes();
        write_key(&data.join(SUBJECT_KEY.0), &subject_key)?;
        let public_key = STANDARD.encode(issuer.public_key());
        declared::write(&world.join("world.yaml"), upstream, &public_key, grants)?;

        let (address, operations) = (free_address()?, free_address()?);
        let config = folder.join("shuzha.toml");
        // What the defaults limit for one caller is raised where the load would meet it; every check stays on.
        let text = format!(
            "[node]\ndata_dir = {data:?}\n[world]\nfiles = [{world:?}]\n[egress]\nself_description = \"declared\"\n[data_plane]\nlisten = [\"{address}\"]\n\
             threads = 1\n[operations]\nlisten = \"{operations}\"\n[limits]\n\
             requests_per_connection_max = 1_000_000_000\nsigned_requests_per_second_max = 1_000_000\n\
             nonces_per_unit_max = 8_000_000\n[log]\nlevel = \"warn\"\n"
        );
        fs::write(&config, text)?;
        let consents = consents::issue_all(&issuer, SUBJECT_KEY.1, &subject_key)?;
        let call = call(issue_secret(programs, &config, declared::CREDENTIAL)?, consents);
        Ok(Self { config, address, operations, data, call })
    }

    /// The command that serves it.
    pub(crate) fn command(&self, programs: &Path) -> Command {
        let mut command = Command::new(programs.join("shuzha"));
        command.arg("serve").arg("--config").arg(&self.config);
        command
    }

    /// Whether `/readyz` answers 200.
    pub(crate) fn is_ready(&self) -> bool {
        is_ready(self.operations)
    }

    /// Where it listens, what to ask it, where it records.
    pub(crate) fn into_parts(self) -> (SocketAddr, Call, Journal) {
        (self.address, self.call, Journal::in_folder(self.data.join("journal")))
    }
}

/// Whether `/readyz` at `operations` answers 200.
pub(crate) fn is_ready(operations: SocketAddr) -> bool {
    let ask = || -> Result<bool> {
        let mut stream = TcpStream::connect(operations)?;
        stream.set_read_timeout(Some(READY_TIMEOUT))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {operations}\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

/// The call journal of a gateway that has stopped.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// The one in `folder`.
    pub(crate) const fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Answered calls on record, after the whole journal was verified.
    ///
    /// # Errors
    /// When the journal is damaged, or holds an intent that no call closes.
    pub(crate) fn answered(&self) -> Result<u64> {
        let summary = shuzha_journal::verify(&self.folder).context("the journal does not verify")?;
        let count = |kind: &str| summary.kinds.get(kind).copied().unwrap_or(0);
        if count("intent") > count("call") {
            bail!("{} intents and {} calls are on record", count("intent"), count("call"));
        }
        let mut answered = 0;
        for record in shuzha_journal::read(&self.folder, 1)? {
            let record = record?;
            let entry = record.entry()?;
            answered += u64::from(matches!(&entry, Entry::Call(call) if call.decision == Decision::Answered));
        }
        Ok(answered)
    }
}

/// Has the gateway make the caller's secret, and reads it off the one line that shows it.
pub(crate) fn issue_secret(programs: &Path, config: &Path, credential: &str) -> Result<Vec<u8>> {
    let mut keys = Command::new(programs.join("shuzha"));
    keys.args(["keys", "issue", credential, "--config"]).arg(config);
    let output = keys.output().context("starting `shuzha keys issue`")?;
    if !output.status.success() {
        bail!("`shuzha keys issue` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let shown = String::from_utf8(output.stdout)?;
    STANDARD.decode(shown.trim()).context("`shuzha keys issue` shows base64")
}

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A key file as the gateway wants it: for its owner only.
pub(crate) fn write_key(path: &Path, key: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_what_the_targets_are_stated_for() {
        assert!((280..=320).contains(&body().len()), "{}", body().len());
    }
}
