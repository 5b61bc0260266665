//! The control plane, as its commands call it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use shuzha_client::{ClientError, ControlClient, Expect, WebAddress, encoded, with_query};
use shuzha_control::Kind;
use shuzha_files::secret;
use shuzha_schema::object::Change;

use crate::environment;

/// Largest file of an API token in bytes.
const TOKEN_BYTES_MAX: u64 = 512;

/// Which control plane, and who calls.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Connection {
    /// Address of the control plane.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    pub(super) api: String,
    /// File that holds the API token, readable by its owner only; `SHUZHA_API_TOKEN_FILE` sets it too.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Lets secrets travel over plain HTTP to another machine.
    #[arg(long)]
    dangerous_plain_http: bool,
}

impl Connection {
    /// Where the API token is kept.
    pub(super) fn token_path(&self) -> Result<PathBuf> {
        let path = self.token_file.clone().or_else(environment::token_file);
        path.context("there is no home folder to keep an API token in: name a file by --token-file")
    }

    /// The control plane, without signing on.
    pub(super) fn anonymous(&self) -> Result<ControlClient> {
        let base = self.api.trim_end_matches('/').to_owned();
        let address = WebAddress::read(&base).map_err(anyhow::Error::msg).context("--api")?;
        if !self.dangerous_plain_http && !address.secure && !address.is_loopback() {
            bail!("{base} is another machine and not HTTPS: passwords and tokens could be read on the way");
        }
        Ok(ControlClient::new(&base)?)
    }

    /// The control plane, signed on by the kept API token.
    pub(super) fn signed_on(&self) -> Result<ControlClient> {
        let api = self.anonymous()?;
        let path = self.token_path()?;
        let token = secret::load_word(&path, TOKEN_BYTES_MAX)
            .with_context(|| format!("not signed on; `shuzha login --api {}`", self.api))?;
        Ok(api.by_token(&token))
    }
}

/// Writes an object of a kind, or tries to.
pub(super) fn put(
    api: &ControlClient,
    (kind, name): (Kind, &str),
    spec: &Value,
    reason: Option<&str>,
    how: (Expect, bool),
) -> Result<Change, ClientError> {
    let at = (kind.name(), &*address(kind, name), name);
    Ok(api.put(at, spec, reason, how)?.body)
}

/// A path, tried only where `dry_run`.
pub(super) fn tried(path: String, dry_run: bool) -> String {
    if dry_run { with_query(&path, &[("dry_run", "true")]) } else { path }
}

/// Where the objects of a kind are.
pub(super) fn addresses(kind: Kind) -> String {
    format!("/api/v1/{}", kind.plural())
}

/// Where an object is.
pub(super) fn address(kind: Kind, name: &str) -> String {
    format!("{}/{}", addresses(kind), encoded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_without_tls() {
        for (url, open) in [
            ("http://127.0.0.1:8081", true),
            ("http://[::1]:8081/", true),
            ("http://localhost:1", true),
            ("http://127.0.0.1.example.cn:1", false),
            ("http://10.0.0.1:8081", false),
            ("https://shuzha.example.cn", true),
            ("ftp://127.0.0.1", false),
            ("http://admin:secret@127.0.0.1:8081", false),
            ("https://127.0.0.1:1@shuzha.example.cn", false),
        ] {
            let connection =
                Connection { api: url.to_owned(), token_file: None, dangerous_plain_http: false };
            assert_eq!(connection.anonymous().is_ok(), open, "{url}");
        }
    }
}
