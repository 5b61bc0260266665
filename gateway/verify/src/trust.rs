//! Whom to believe, from the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use shuzha_evidence::handover::{Handover, statements};
use shuzha_evidence::note::{Algorithm, Note, Verifier};
use shuzha_evidence::policy::Policy;

use shuzha_core::files::{self, Links};

use crate::Trouble;
use crate::malformed;
use crate::read_file;

/// Largest file of public keys.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// Public keys, and how many witnesses are needed.
#[derive(clap::Args, Debug)]
pub struct TrustArgs {
    /// File of public keys, one a line, of the log and of witnesses; as `shuzha keys log` prints them. May be repeated.
    #[arg(long = "keys", required = true)]
    keys: Vec<PathBuf>,
    /// How many of the witnesses must have signed.
    #[arg(long, default_value_t = 0)]
    quorum: usize,
    /// File of statements by which the log's keys were handed over, as `shuzha keys log --handovers` prints them; those beside a copy of a
    /// log are read by themselves. May be repeated.
    #[arg(long)]
    handovers: Vec<PathBuf>,
}

impl TrustArgs {
    /// The keys in these files, and no witness.
    #[must_use]
    pub fn of(keys: &[PathBuf]) -> Self {
        Self { keys: keys.to_vec(), quorum: 0, handovers: Vec::new() }
    }

    /// Whom to believe.
    ///
    /// # Errors
    /// Keys that are not there or cannot be read, and handovers that are not to be believed.
    pub fn policy(&self) -> Result<Policy, Trouble> {
        let mut policy = Policy { quorum: self.quorum, ..Policy::default() };
        let mut handovers = Vec::new();
        for path in &self.handovers {
            let text = String::from_utf8(read_file(path)?).unwrap_or_default();
            let found = statements(&text).map_err(malformed("密钥交接 the handover of keys"))?;
            handovers.extend(found);
        }
        for path in &self.keys {
            for key in read_keys(path).map_err(|error| Trouble::Usage(format!("{error:#}")))? {
                match key.algorithm() {
                    Algorithm::Cosignature => policy.witnesses.push(key),
                    Algorithm::Ed25519 | Algorithm::Sm2 => policy.log.push(key),
                }
            }
        }
        if policy.log.is_empty() {
            return Err(Trouble::Usage("没有日志的公钥 no key of a log is given".to_owned()));
        }
        follow(&mut policy, &handovers)?;
        if policy.witnesses.len() < policy.quorum {
            let given = policy.witnesses.len();
            let text = format!(
                "见证方公钥只有 {given} 个 --quorum {} needs as many keys of witnesses",
                policy.quorum
            );
            return Err(Trouble::Usage(text));
        }
        Ok(policy)
    }
}

/// Comes to trust the keys that trusted ones were handed over to.
///
/// # Errors
/// A handover that no trusted key signed.
pub fn follow(policy: &mut Policy, handovers: &[Note]) -> Result<(), Trouble> {
    for note in handovers {
        // One that is there twice, in the folder and in a file, is one.
        let again = Handover::parse(note).is_ok_and(|handover| {
            let done =
                |key: &Verifier| policy.retired.iter().any(|one| one.key.to_string() == key.to_string());
            let known = |key: &Verifier| policy.log.iter().any(|one| one.to_string() == key.to_string());
            handover.from.iter().all(done) && handover.to.iter().all(known)
        });
        if !again {
            let text = |error| {
                Trouble::Bad(format!("密钥交接不可信 a handover of keys is not to be believed: {error}"))
            };
            policy.follow(note).map_err(text)?;
        }
    }
    Ok(())
}

/// The public keys in a file: one a line, but for empty lines and those that begin with `#`.
///
/// # Errors
/// When it cannot be read, or a line is no key.
pub fn read_keys(path: &Path) -> Result<Vec<Verifier>> {
    let text =
        files::read_text(path, Links::Follow, KEYS_BYTES_MAX).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.parse().with_context(|| format!("{}: {line}", path.display()))).collect()
}
