//! A signing client: what `shuzha call` and the demo use to make calls.
//!
//! It speaks both signature profiles of DESIGN §7. The gateway's verifying side is in `shuzha-policy` and shares
//! no code with this one: they meet in the protocol only.

pub(crate) mod blind;
mod sign;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shuzha_core::{Clock, OsRng, Rng, SystemClock};

use crate::address::WebAddress;
pub(crate) use sign::{Profile, SigningKey};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer read into memory; packages are cut here.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Longest wait for the first byte of a file that is prepared before it is sent.
const PREPARED_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Bytes of a file that are taken at once.
const PIECE_BYTES: usize = 64 << 10;

/// Who signs, and how.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key_id: String,
    pub(crate) key: SigningKey,
    pub(crate) profile: Profile,
}

/// One call to make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// Header fields beyond the signature's.
    pub(crate) headers: Vec<(String, String)>,
    /// The nonce; fresh where none is given. Tests of replay give one.
    pub(crate) nonce: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) latency: Duration,
}

impl Answer {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether it is an answer and no refusal.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, or null.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A client of one gateway, with pooled connections.
pub(crate) struct Client {
    base: String,
    authority: String,
    agent: ureq::Agent,
}

impl Client {
    /// A client of the gateway at `base`, `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str) -> Result<Self> {
        let base = base.trim_end_matches('/').to_owned();
        // What is wrong is not repeated: it may hold a password.
        let address = WebAddress::read(&base).map_err(anyhow::Error::msg).context("the address to call")?;
        ensure!(address.rest.is_empty(), "{base}: scheme, host and port only");
        let authority = address.authority.to_owned();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            // The gateway is called directly: a proxy of the environment would see consents and answers.
            .proxy(None)
            .build();
        Ok(Self { base, authority, agent: config.new_agent() })
    }

    /// Sends `request` unsigned and hands the body of a good answer to `take` as it comes, however long that takes; the
    /// answer's own body is then empty.
    pub(crate) fn fetch(
        &self,
        request: &Request,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Answer> {
        let request = self.prepared(None, request)?;
        let request = self.agent.configure_request(request).timeout_global(None);
        let request = request.timeout_recv_response(Some(PREPARED_WITHIN)).build();
        let mut response = self.agent.run(request).context("the gateway cannot be reached")?;
        let status = response.status().as_u16();
        states_its_end(&response)?;
        let mut body = Vec::new();
        if (200..300).contains(&status) {
            let mut from = response.body_mut().with_config().limit(u64::MAX).reader();
            let mut bytes = vec![0; PIECE_BYTES];
            loop {
                match std::io::Read::read(&mut from, &mut bytes).context("the answer broke off")? {
                    0 => break,
                    count => take(&bytes[..count])?,
                }
            }
        } else {
            body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        }
        Ok(Answer { status, headers: headers_of(&response), body, latency: Duration::ZERO })
    }

    /// Signs `request` and sends it; unsigned where `signer` is none.
    pub(crate) fn send(&self, signer: Option<&Signer>, request: &Request) -> Result<Answer> {
        let request = self.prepared(signer, request)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the latency shown to a person is measured on the wall"
        )]
        let started = Instant::now();
        let mut response = self.agent.run(request).context("the gateway cannot be reached")?;
        states_its_end(&response)?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.context("the answer broke off")?;
        let (status, headers) = (response.status().as_u16(), headers_of(&response));
        Ok(Answer { status, headers, body, latency: started.elapsed() })
    }

    fn prepared(&self, signer: Option<&Signer>, request: &Request) -> Result<http::Request<Vec<u8>>> {
        let mut headers = request.headers.clone();
        if let Some(signer) = signer {
            let nonce = request.nonce.clone().unwrap_or_else(fresh_nonce);
            let scheme = if self.base.starts_with("https") { "https" } else { "http" };
            let target = format!("{scheme}://{}{}", self.authority, request.path);
            headers.extend(sign::headers(signer, request, &target, SystemClock.now().seconds(), &nonce));
        }
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base, request.path));
        for (name, value) in &headers {
            builder = builder.header(name, value);
        }
        if !request.body.is_empty()
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            builder = builder.header("Content-Type", "application/json");
        }
        Ok(builder.body(request.body.clone())?)
    }
}

/// Refuses an answer of which nobody can tell whether it is whole: one that ends with the connection. With a length or in
/// chunks, a part is an error of the reading.
fn states_its_end(response: &http::Response<ureq::Body>) -> Result<()> {
    let headers = response.headers();
    let length = headers.contains_key(http::header::CONTENT_LENGTH);
    let chunked = headers.get_all(http::header::TRANSFER_ENCODING).iter().next_back().is_some_and(|last| {
        let last = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    });
    let empty = matches!(response.status().as_u16(), 100..=199 | 204 | 304);
    ensure!(
        length || chunked || empty,
        "the answer states neither its length nor its end: it cannot be told whether it is whole"
    );
    Ok(())
}

fn headers_of(response: &http::Response<ureq::Body>) -> Vec<(String, String)> {
    let headers = response.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    headers.collect()
}

/// 128 random bits in hex.
fn fresh_nonce() -> String {
    shuzha_core::hex::encode(&OsRng.bytes::<16>())
}
