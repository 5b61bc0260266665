//! Whom to believe, from the command line.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use shuzha_evidence::note::{Algorithm, Verifier};
use shuzha_evidence::policy::Policy;

use super::Trouble;

/// Public keys, and how many witnesses are needed.
#[derive(clap::Args, Debug)]
pub(crate) struct TrustArgs {
    /// File of public keys, one a line, of the log and of witnesses; as `shuzha keys log` prints them. May be repeated.
    #[arg(long = "keys", required = true)]
    keys: Vec<PathBuf>,
    /// How many of the witnesses must have signed.
    #[arg(long, default_value_t = 0)]
    quorum: usize,
}

impl TrustArgs {
    pub(super) fn policy(&self) -> Result<Policy, Trouble> {
        let mut policy = Policy { quorum: self.quorum, ..Policy::default() };
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

/// The public keys in a file: one a line, but for empty lines and those that begin with `#`.
///
/// # Errors
/// When it cannot be read, or a line is no key.
pub(crate) fn read_keys(path: &Path) -> Result<Vec<Verifier>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.parse().with_context(|| format!("{}: {line}", path.display()))).collect()
}
