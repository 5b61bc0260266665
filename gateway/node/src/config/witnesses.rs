//! The evidence log's name and its witnesses, of the section `[evidence]`.

use std::collections::BTreeSet;

use shuzha_core::Id;
use shuzha_evidence::note::{Algorithm, Verifier};

use super::reader::Reader;
use shuzha_client::WebAddress;

/// A witness of the evidence log.
#[derive(Clone, Debug)]
pub struct WitnessConfig {
    /// Where it takes checkpoints, without a slash at the end.
    pub url: String,
    /// Its public key.
    pub key: Verifier,
}

/// Longest name of an evidence log: it stands in every receipt, twice.
const ORIGIN_BYTES_MAX: usize = 64;
/// Most witnesses: each is asked every ten seconds.
const WITNESSES_MAX: usize = 16;

/// The name of the evidence log: as configured, or made of the node's.
pub(crate) fn read_origin(r: &mut Reader, node: Option<&Id>) -> Option<String> {
    let origin = r.take::<String>("evidence", "origin")?;
    if origin.is_empty() {
        return node.map(|node| format!("shuzha.local/{node}"));
    }
    if is_origin(&origin) {
        return Some(origin);
    }
    let reason = format!(
        "\"{origin}\" is not like example.com/name: a host, and at most {ORIGIN_BYTES_MAX} characters in all; no empty \
         part, and none that begins with a dot"
    );
    r.fault("evidence.origin", reason);
    None
}

/// Whether `text` is a host and parts of a path: it becomes part of addresses and of file names.
fn is_origin(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && part.bytes().all(plain)
    };
    let (host, rest) = text.split_once('/').map_or((text, None), |(host, rest)| (host, Some(rest)));
    let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
    text.len() <= ORIGIN_BYTES_MAX
        && part(host)
        && !host.split('.').any(str::is_empty)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && rest.is_none_or(|rest| rest.split('/').all(part))
}

/// Each witness as `URL KEY`.
pub(crate) fn read(r: &mut Reader) -> Option<Vec<WitnessConfig>> {
    let one = |text: String| {
        let (url, key) = text.split_once(' ')?;
        let key: Verifier = key.parse().ok()?;
        let good = WebAddress::read(url).is_ok() && key.algorithm() == Algorithm::Cosignature;
        good.then(|| WitnessConfig { url: url.trim_end_matches('/').to_owned(), key })
    };
    let given = r.take::<Vec<String>>("evidence", "witnesses")?;
    if given.len() > WITNESSES_MAX {
        r.fault("evidence.witnesses", format!("at most {WITNESSES_MAX}"));
    }
    let witnesses: Option<Vec<_>> = given.into_iter().map(one).collect();
    if witnesses.is_none() {
        r.fault("evidence.witnesses", "each is \"URL KEY\", the key as `shuzha witness key` prints it");
    }
    let urls: BTreeSet<_> = witnesses.iter().flatten().map(|witness: &WitnessConfig| &witness.url).collect();
    if witnesses.as_ref().is_some_and(|witnesses| urls.len() < witnesses.len()) {
        r.fault("evidence.witnesses", "one witness is named twice");
    }
    witnesses
}
