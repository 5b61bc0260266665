//! Whom to believe, from the command line.

use std::path::PathBuf;

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
            let usage = |reason: String| Trouble::Usage(format!("{}: {reason}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| usage(error.to_string()))?;
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
            {
                let key: Verifier = line.parse().map_err(|error| usage(format!("{error}: {line}")))?;
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
