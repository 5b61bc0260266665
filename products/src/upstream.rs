//! Product services (产品服务): where a product's answers come from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use shuzha_core::Id;

use crate::World;
use crate::exit_review::Digest;
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::Place;

/// Longest a product service may be waited for.
pub const UPSTREAM_TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// The field that once named a key file.
pub const KEY_FILE: &str = "keyFile";
/// Most endpoints of one product service.
const ENDPOINTS_MAX: usize = 64;
/// Longest version of a service, in bytes.
const VERSION_BYTES_MAX: usize = 64;
/// Longest host name (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// `host:port` of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// As it is shown.
    address: String,
    host: String,
    port: u16,
}

/// The text is not an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected host:port, such as 127.0.0.1:7101 or [::1]:7101")]
pub struct EndpointError;

impl Endpoint {
    /// Host name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port, not 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = text.rsplit_once(':').ok_or(EndpointError)?;
        let port_plain = port.bytes().all(|b| b.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|port| port_plain && *port != 0).ok_or(EndpointError)?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().map_err(|_| EndpointError)?.to_string(),
            // Names are the same in either case (RFC 4343).
            None => host.to_ascii_lowercase(),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':');
        if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.bytes().all(plain) {
            return Err(EndpointError);
        }
        if host.contains(':') && !text.starts_with('[') {
            return Err(EndpointError);
        }
        let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Ok(Self { address, host, port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// What a product service says of itself, as it was declared: the gateway calls no other, and an exit review is of this
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfDescription {
    /// Version of the service.
    pub version: String,
    /// SHA-256 of the contract it answers by.
    pub contract: Digest,
}

/// A product service and its instances.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Instances, at least one.
    pub endpoints: Vec<Endpoint>,
    /// How long an answer may take, where an operation says nothing else.
    pub timeout: Duration,
    /// Path of the health check; `None` checks the TCP connection only.
    pub health_path: Option<String>,
    /// Whose it is, where that is known: the register knows it of each, files may say it. No other operator's product
    /// names it.
    pub operator: Option<Id>,
    /// What it says of itself, where that was declared.
    pub described: Option<SelfDescription>,
    /// SHA-256 of the key that signs the gateway's calls (REQUIREMENTS A5), where that was declared. The key itself is in a
    /// file that is called after the service: [`Upstream::key_file`].
    pub key_digest: Option<Digest>,
    /// Where a declaration made before key files were called after their services says its key is. Read so that these go
    /// on; nothing new is declared with it.
    pub key_file_before: Option<String>,
    /// Whether it answers from synthetic data (合成数据). Only such a service stands behind a product's sandbox, and none
    /// behind the product itself.
    pub synthetic: bool,
}

impl Upstream {
    /// The file with the key of the service of this name, in the data folder.
    #[must_use]
    pub fn key_file(name: &Id) -> String {
        format!("keys/upstreams/{name}.key")
    }

    /// What an exit review binds of it: where it is, which key it knows the gateway by, what it says of itself.
    pub(crate) fn reviewed(&self) -> Value {
        let mut endpoints: Vec<_> = self.endpoints.iter().map(ToString::to_string).collect();
        endpoints.sort_unstable();
        json!({
            "endpoints": endpoints,
            "keyDigest": self.key_digest.map(|digest| digest.to_string()),
            "version": self.described.as_ref().map(|described| &described.version),
            "contract": self.described.as_ref().map(|described| described.contract.to_string()),
            "synthetic": self.synthetic,
        })
    }
}

impl Object for Upstream {
    const KIND: &'static str = "Upstream";

    fn read(_: &Id, spec: &Place<'_>, _: &Scope<'_>) -> Option<Self> {
        let fields = &["endpoints", "timeout", "healthPath", "synthetic"];
        let spec = spec.section(&[fields, &["operator", "selfDescription", "keyDigest", KEY_FILE]])?;
        let items = spec.required("endpoints").and_then(|place| place.some_items(ENDPOINTS_MAX));
        let endpoints = items.map(|items| items.iter().filter_map(Place::parsed).collect());
        let timeout = spec.required("timeout").and_then(|place| place.duration(UPSTREAM_TIMEOUT_MAX));
        let health_path = spec.optional("healthPath").and_then(|place| path(&place));
        let operator = spec.optional("operator").map(|place| place.id());
        let described = spec.optional("selfDescription").map(|place| self_description(&place));
        let key_digest = spec.optional("keyDigest").map(|place| place.parsed());
        let key_file_before = spec.optional(KEY_FILE).map(|place| place.file().map(str::to_owned));
        let synthetic = spec.optional("synthetic").map_or(Some(false), |place| place.boolean());
        Some(Self {
            endpoints: endpoints?,
            timeout: timeout?,
            health_path,
            operator: operator.map_or(Some(None), |id| id.map(Some))?,
            described: described.map_or(Some(None), |described| described.map(Some))?,
            key_digest: key_digest.map_or(Some(None), |digest| digest.map(Some))?,
            key_file_before: key_file_before.map_or(Some(None), |file| file.map(Some))?,
            synthetic: synthetic?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.upstreams
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.upstreams
    }
}

impl Marked for Upstream {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        // No instance stands for a synthetic service and for a real one: a trial would reach real data (REQUIREMENTS K1).
        let (shared_as, clash) = match self.synthetic {
            true => ("synthetic", "shares an instance with a service that is not synthetic,"),
            false => ("real", "shares an instance with a synthetic service,"),
        };
        for endpoint in &self.endpoints {
            let key = [endpoint.address.as_str(), "", "", ""];
            take(Mark {
                of: "endpoint",
                key,
                window: None,
                shared_as: Some(shared_as),
                path: "spec.endpoints",
                clash,
            });
        }
    }
}

fn self_description(place: &Place<'_>) -> Option<SelfDescription> {
    let section = place.section(&[&["version", "contract"]])?;
    let version = section.required("version").and_then(|place| {
        let text = place.text()?;
        let plain =
            (1..=VERSION_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if plain { Some(text.to_owned()) } else { place.fail("1 to 64 characters of ASCII, without blanks") }
    });
    let contract = section.required("contract").and_then(|place| place.parsed());
    Some(SelfDescription { version: version?, contract: contract? })
}

/// A path at a product service: absolute, plain, with nothing a proxy might rewrite.
pub(crate) fn path(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b':' | b'~');
    let segments_plain = text.split('/').skip(1).all(|segment| !matches!(segment, "" | "." | ".."));
    if text.starts_with('/') && text.bytes().all(plain) && segments_plain {
        Some(text.to_owned())
    } else {
        place
            .fail("expected an absolute path of letters, digits and - _ . : ~, without empty or dot segments")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_read_and_print() {
        for text in ["127.0.0.1:7101", "[::1]:7101", "register.internal:80"] {
            let endpoint: Endpoint = text.parse().expect(text);
            assert_eq!(endpoint.to_string(), text);
        }
        for text in [
            "",
            ":80",
            "host",
            "host:0",
            "host:65536",
            "host:+80",
            "::1:80",
            "a b:80",
            "http://a:80",
            "[x]:1",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError), "{text}");
        }
    }
}
