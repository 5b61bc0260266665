//! The control plane, as its commands call it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use shuzha_control::Kind;

use super::problem::Problem;
use crate::address::WebAddress;
use crate::client::{Client, Request};
use crate::{config, secret_file};

/// Objects of one page of a list: the most that the API gives.
const PAGE: usize = 200;
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
        let path = self.token_file.clone().or_else(config::client::token_file);
        path.context("there is no home folder to keep an API token in: name a file by --token-file")
    }

    /// The control plane, without signing on.
    pub(super) fn anonymous(&self) -> Result<Api> {
        let base = self.api.trim_end_matches('/').to_owned();
        let address = WebAddress::read(&base).map_err(anyhow::Error::msg).context("--api")?;
        if !self.dangerous_plain_http && !address.secure && !address.is_loopback() {
            bail!("{base} is another machine and not HTTPS: passwords and tokens could be read on the way");
        }
        Ok(Api { client: Client::new(&base)?, base, headers: Vec::new() })
    }

    /// The control plane, signed on by the kept API token.
    pub(super) fn signed_on(&self) -> Result<Api> {
        let mut api = self.anonymous()?;
        let path = self.token_path()?;
        let token = secret_file::load_word(&path, TOKEN_BYTES_MAX)
            .with_context(|| format!("not signed on; `shuzha login --api {}`", self.api))?;
        api.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        Ok(api)
    }
}

/// A control plane.
pub(super) struct Api {
    client: Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// What it answered.
pub(super) struct Answer {
    /// The body; null where there is none.
    pub(super) body: Value,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Which version a change is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    /// There is none yet.
    New,
    /// This one.
    Version(u64),
}

impl Api {
    /// The same with further headers on every request.
    pub(super) fn with(mut self, headers: &[(&str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// One request.
    ///
    /// # Errors
    /// A [`Problem`] when it is refused; anything else when the control plane cannot be reached.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expect: Option<Expect>,
    ) -> Result<Answer> {
        let mut headers = self.headers.clone();
        match expect {
            Some(Expect::New) => headers.push(("If-None-Match".to_owned(), "*".to_owned())),
            Some(Expect::Version(version)) => headers.push(("If-Match".to_owned(), format!("\"{version}\""))),
            None => {}
        }
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            headers,
            nonce: None,
        };
        let answer = self.client.send(None, &request).with_context(|| self.base.clone())?;
        let (status, body) = (answer.status, answer.json());
        if (200..300).contains(&status) {
            return Ok(Answer { body, headers: answer.headers });
        }
        Err(Problem::read(&self.base, status, &body, answer.header("retry-after")).into())
    }

    /// Reads a file, as it comes.
    ///
    /// # Errors
    /// A [`Problem`] when it is refused; anything else when it cannot be had, or of `take`.
    pub(super) fn fetch(&self, path: &str, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Answer> {
        let request = Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: self.headers.clone(),
            ..Request::default()
        };
        let answer = self.client.fetch(&request, take).with_context(|| self.base.clone())?;
        if (200..300).contains(&answer.status) {
            return Ok(Answer { body: Value::Null, headers: answer.headers });
        }
        let (status, body) = (answer.status, answer.json());
        Err(Problem::read(&self.base, status, &body, answer.header("retry-after")).into())
    }

    /// An object; none where there is none, or none that the caller may see.
    pub(super) fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>> {
        match self.call("GET", &address(kind, name), None, None) {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if refused_with(&error, "C1003") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes an object, or tries to.
    pub(super) fn put(
        &self,
        kind: Kind,
        name: &str,
        spec: &Value,
        reason: Option<&str>,
        (expect, dry_run): (Expect, bool),
    ) -> Result<Value> {
        let mut body = json!({
            "apiVersion": shuzha_products::world::API_VERSION,
            "kind": kind.name(), "metadata": {"name": name}, "spec": spec,
        });
        if let Some(reason) = reason {
            body["reason"] = reason.into();
        }
        let path = format!("{}{}", address(kind, name), if dry_run { "?dry_run=true" } else { "" });
        self.call("PUT", &path, Some(&body), Some(expect)).map(|answer| answer.body)
    }

    /// Calls `take` with the items of a list, page by page, until it answers `false`.
    pub(super) fn each(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        mut take: impl FnMut(&Value) -> Result<bool>,
    ) -> Result<()> {
        let mut cursor: Option<String> = None;
        loop {
            let mut query = format!("{path}?limit={PAGE}");
            let next = cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
            for (name, value) in filters.iter().copied().chain(next) {
                query.push_str(&format!("&{name}={}", encoded(value)));
            }
            let page = self.call("GET", &query, None, None)?.body;
            for item in page["items"].as_array().into_iter().flatten() {
                if !take(item)? {
                    return Ok(());
                }
            }
            let next = page["next"].as_str().map(str::to_owned);
            if next.is_none() || next == cursor {
                return Ok(());
            }
            cursor = next;
        }
    }
}

/// Whether an error is a refusal with this code.
pub(super) fn refused_with(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.code == code)
}

/// Where the objects of a kind are.
pub(super) fn addresses(kind: Kind) -> String {
    format!("/api/v1/{}", kind.plural())
}

/// Where an object is.
pub(super) fn address(kind: Kind, name: &str) -> String {
    format!("{}/{}", addresses(kind), encoded(name))
}

/// Text as part of an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().fold(String::new(), |mut out, byte| {
        if plain(byte) {
            out.push(char::from(byte))
        } else {
            out.push_str(&format!("%{byte:02X}"))
        }
        out
    })
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

    #[test]
    fn names_are_encoded() {
        assert_eq!(encoded("bank-a.1"), "bank-a.1");
        assert_eq!(encoded("a/b?c=核"), "a%2Fb%3Fc%3D%E6%A0%B8");
    }
}
