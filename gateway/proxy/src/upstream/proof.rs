//! What a product service says of itself, signed with the key that it shares with the gateway.
//!
//! On a fresh connection, and again from time to time, the gateway asks `GET /.well-known/shuzha-service`, signed as every
//! call is. The answer is JSON of three members, for a statistics service of four, and carries `X-Service-Signature`: base64 of HMAC-SHA256 under the
//! service's key over `shuzha-service-v1\nREQUEST_ID\nhex(sha256(body))`. The request's id makes it an answer to this
//! question; the key makes it this service's. Asked on the connection that the call then takes, so that what answers a call
//! is what proved itself.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, Method, StatusCode, header};
use ring::hmac;
use shuzha_core::{OsRng, RequestId};
use shuzha_policy::{Dispatch, DomainDigest, UpstreamFault};
use tokio::time::Instant;

use super::link::{Link, ReadFault, SendFault};
use super::target::{Instance, Target};
use super::{request, sign};

/// Where a service describes itself.
const PATH: &str = "/.well-known/shuzha-service";
const X_SERVICE_SIGNATURE: HeaderName = HeaderName::from_static("x-service-signature");
/// Largest description that is read.
const BYTES_MAX: usize = 16 * 1024;
/// Most domains that a description lists.
const DOMAINS_MAX: usize = 128;
/// How long a proof holds on a connection that stays open.
const HOLDS: Duration = Duration::from_secs(60);

/// What a service says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Version of the service.
    pub version: String,
    /// SHA-256 of the contract it answers by, in lower-case hexadecimal.
    pub contract: String,
}

/// Makes sure that what is at the other end of `link` has proved to be the declared service, and that it keeps `domain`, where
/// one is asked for.
///
/// # Errors
/// [`UpstreamFault::Unproved`] where it has not, [`UpstreamFault::OtherDomain`] where it keeps another; a fault of the way there.
pub(super) async fn demand(
    link: &mut Link,
    instance: &Instance,
    target: &Target,
    domain: Option<DomainDigest>,
    clock: &dyn shuzha_core::Clock,
    by: Instant,
) -> Result<(), UpstreamFault> {
    let (upstream, address) = (&target.options.name, instance.address);
    if link.proved.is_none_or(|proved| proved.elapsed() >= HOLDS)
        && let Err(reason) = inquire(link, instance, target, clock, by).await?
    {
        tracing::error!(%upstream, instance = %address, reason, "not the declared product service");
        instance.unproved();
        return Err(UpstreamFault::Unproved);
    }
    match domain {
        Some(domain) if instance.keeps(domain) != Some(true) => {
            tracing::error!(%upstream, instance = %address, %domain, "the service does not keep the declared domain");
            Err(UpstreamFault::OtherDomain)
        }
        _ => Ok(()),
    }
}

/// Asks what is at the other end of `link` what it is, and notes it; or why it is not the declared service.
///
/// # Errors
/// A fault of the way there.
pub(super) async fn inquire(
    link: &mut Link,
    instance: &Instance,
    target: &Target,
    clock: &dyn shuzha_core::Clock,
    by: Instant,
) -> Result<Result<(), &'static str>, UpstreamFault> {
    let asked = ask(link, instance, target, clock, by).await?;
    Ok(asked.and_then(|body| compare(&body, target)).map(|domains| {
        link.proved = Some(Instant::now());
        instance.proved(target.options.synthetic, domains);
    }))
}

/// The description, where its signature is good.
async fn ask(
    link: &mut Link,
    instance: &Instance,
    target: &Target,
    clock: &dyn shuzha_core::Clock,
    by: Instant,
) -> Result<Result<Bytes, &'static str>, UpstreamFault> {
    let id = RequestId::generate(clock, &OsRng);
    let dispatch = Dispatch {
        request: id,
        upstream: &target.options.name,
        method: Method::GET,
        path: PATH,
        body: Bytes::new(),
        body_sha256: sign::sha256(&[]),
        unit: "",
        scenario: "",
        fields: "",
        range: None,
        timeout: HOLDS,
        answer_bytes_max: BYTES_MAX,
        persons: false,
        domain: None,
    };
    let mut question =
        request::request(&target.key, clock.now(), dispatch).ok_or(UpstreamFault::Unreachable)?;
    question.headers_mut().insert(header::HOST, instance.host.clone());
    let response = link.send(question, by).await.map_err(|fault| match fault {
        SendFault::Late => UpstreamFault::Timeout,
        SendFault::Unsent(_) | SendFault::Broken => UpstreamFault::Unreachable,
    })?;
    let (head, body) = response.into_parts();
    let body = match link.read(body, BYTES_MAX).await {
        Ok(body) => body,
        Err(ReadFault::Late) => return Err(UpstreamFault::Timeout),
        Err(ReadFault::Broken) => return Err(UpstreamFault::Unreachable),
        Err(ReadFault::TooLarge) => return Ok(Err("its description is too large")),
    };
    if head.status != StatusCode::OK {
        return Ok(Err("it does not describe itself"));
    }
    let mut signatures = head.headers.get_all(X_SERVICE_SIGNATURE).iter();
    let signature = signatures.next().and_then(|value| STANDARD.decode(value.as_bytes()).ok());
    let (Some(signature), None) = (signature, signatures.next()) else {
        return Ok(Err("its description is not signed"));
    };
    let text = sign::description(&id.to_string(), &body);
    match hmac::verify(&target.key, &text, &signature) {
        Ok(()) => Ok(Ok(body)),
        Err(_) => Ok(Err("its description is not signed with its key")),
    }
}

/// Whether the description is the declared one; the digests of the domains that it lists.
fn compare(body: &[u8], target: &Target) -> Result<Vec<String>, &'static str> {
    let said: serde_json::Value = serde_json::from_slice(body).map_err(|_| "its description is not JSON")?;
    let text = |member: &str| said.get(member).and_then(serde_json::Value::as_str);
    let synthetic = said.get("synthetic").and_then(serde_json::Value::as_bool);
    let (Some(synthetic), Some(version), Some(contract)) = (synthetic, text("version"), text("contract"))
    else {
        return Err("its description lacks `synthetic`, `version` or `contract`");
    };
    match (synthetic, target.options.synthetic) {
        (true, false) => return Err("it answers from synthetic data and is declared as real"),
        (false, true) => return Err("it answers from real data and is declared as synthetic"),
        _ => {}
    }
    let domains = match said.get("domains") {
        None => Vec::new(),
        Some(domains) => serde_json::from_value(domains.clone())
            .ok()
            .filter(|domains: &Vec<String>| domains.len() <= DOMAINS_MAX)
            .ok_or("its `domains` are no list of digests")?,
    };
    let Some(declared) = &target.options.described else { return Ok(domains) };
    if declared.version != version {
        return Err("it is of another version than was declared");
    }
    if declared.contract != contract {
        return Err("it answers by another contract than was declared");
    }
    Ok(domains)
}
