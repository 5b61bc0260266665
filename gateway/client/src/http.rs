//! The HTTP of a caller: pooled connections, no redirects, no proxy, whole answers.

use std::time::{Duration, Instant};

use shuzha_core::{Clock, OsRng, Rng, SystemClock};

use crate::address::WebAddress;
use crate::error::ClientError;
use crate::message::{HttpAnswer, HttpRequest};
use crate::sign::{self, CallSigner};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer read into memory; packages are cut here.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Longest wait for the first byte of a file that is prepared before it is sent.
const PREPARED_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Bytes of a file that are taken at once.
const PIECE_BYTES: usize = 64 << 10;

/// A client of one gateway, with pooled connections.
#[derive(Debug)]
pub struct HttpClient {
    base: String,
    authority: String,
    agent: ureq::Agent,
}

impl HttpClient {
    /// A client of the gateway at `base`, `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// Where that is no address of a gateway.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/').to_owned();
        // What is wrong is not repeated: it may hold a password.
        let address = WebAddress::read(&base).map_err(|why| ClientError::Address(why.to_owned()))?;
        if !address.rest.is_empty() {
            return Err(ClientError::Address(format!("{base}: scheme, host and port only")));
        }
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
    ///
    /// # Errors
    /// Where it cannot be had whole; or of `take`.
    pub fn fetch<E: From<ClientError>>(
        &self,
        request: &HttpRequest,
        take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<HttpAnswer, E> {
        let request = self.prepared(None, request)?;
        let request = self.agent.configure_request(request).timeout_global(None);
        let request = request.timeout_recv_response(Some(PREPARED_WITHIN)).build();
        let mut response = self.agent.run(request).map_err(ClientError::Unreachable)?;
        let status = response.status().as_u16();
        states_its_end(&response)?;
        let mut body = Vec::new();
        if (200..300).contains(&status) {
            let mut from = response.body_mut().with_config().limit(u64::MAX).reader();
            let mut bytes = vec![0; PIECE_BYTES];
            loop {
                match std::io::Read::read(&mut from, &mut bytes).map_err(ClientError::Broken)? {
                    0 => break,
                    count => take(&bytes[..count])?,
                }
            }
        } else {
            body = whole(&mut response)?;
        }
        Ok(HttpAnswer { status, headers: headers_of(&response), body, latency: Duration::ZERO })
    }

    /// Signs `request` and sends it; unsigned where `signer` is none.
    ///
    /// # Errors
    /// Where there is no whole answer.
    pub fn send(
        &self,
        signer: Option<&CallSigner>,
        request: &HttpRequest,
    ) -> Result<HttpAnswer, ClientError> {
        let request = self.prepared(signer, request)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the latency shown to a person is measured on the wall"
        )]
        let started = Instant::now();
        let mut response = self.agent.run(request).map_err(ClientError::Unreachable)?;
        states_its_end(&response)?;
        let body = whole(&mut response)?;
        let (status, headers) = (response.status().as_u16(), headers_of(&response));
        Ok(HttpAnswer { status, headers, body, latency: started.elapsed() })
    }

    fn prepared(
        &self,
        signer: Option<&CallSigner>,
        request: &HttpRequest,
    ) -> Result<::http::Request<Vec<u8>>, ClientError> {
        let mut headers = request.headers.clone();
        if let Some(signer) = signer {
            let nonce = request.nonce.clone().unwrap_or_else(fresh_nonce);
            let scheme = if self.base.starts_with("https") { "https" } else { "http" };
            let target = format!("{scheme}://{}{}", self.authority, request.path);
            headers.extend(sign::headers(signer, request, &target, SystemClock.now().seconds(), &nonce));
        }
        let mut builder = ::http::Request::builder()
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
fn states_its_end(response: &::http::Response<ureq::Body>) -> Result<(), ClientError> {
    let headers = response.headers();
    let length = headers.contains_key(::http::header::CONTENT_LENGTH);
    let chunked = headers.get_all(::http::header::TRANSFER_ENCODING).iter().next_back().is_some_and(|last| {
        let last = last.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    });
    let empty = matches!(response.status().as_u16(), 100..=199 | 204 | 304);
    if length || chunked || empty { Ok(()) } else { Err(ClientError::Endless) }
}

fn whole(response: &mut ::http::Response<ureq::Body>) -> Result<Vec<u8>, ClientError> {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    body.map_err(|error| ClientError::Broken(error.into_io()))
}

fn headers_of(response: &::http::Response<ureq::Body>) -> Vec<(String, String)> {
    let headers = response.headers().iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    headers.collect()
}

/// 128 random bits in hex.
fn fresh_nonce() -> String {
    shuzha_core::hex::encode(&OsRng.bytes::<16>())
}
