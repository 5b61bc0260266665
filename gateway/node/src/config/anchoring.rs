//! Who outside is shown the evidence log's checkpoints, and what follows when nobody is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shuzha_core::Id;
use shuzha_evidence::anchor::Kind;
use toml::Value;

use super::reader::{FromConfig, Reader};
use shuzha_client::WebAddress;

/// Most anchors: each is asked in turn.
const ANCHORS_MAX: usize = 16;

/// One anchor.
#[derive(Clone, Debug)]
pub struct AnchorConfig {
    /// Its name in the log.
    pub name: Id,
    /// How it is reached.
    pub kind: Kind,
    /// An address, a command with its arguments, or a folder.
    pub to: String,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct AnchoringConfig {
    pub(crate) anchors: Vec<AnchorConfig>,
    /// Time between two checkpoints that one anchor is shown.
    pub interval: Duration,
    /// Certificates of the time-stamping authorities that are trusted; tokens are checked where it is given.
    pub authorities: Option<PathBuf>,
    /// How long the gateway serves while nobody outside has seen the log; for good where it is none.
    pub fail_closed_after: Option<Duration>,
}

/// Reads `evidence.anchors` and what belongs to it.
pub(crate) fn read(r: &mut Reader, relative_to: &Path) -> Option<AnchoringConfig> {
    let anchors = r.take::<Vec<String>>("evidence", "anchors").and_then(|given| {
        let anchors: Option<Vec<AnchorConfig>> = given.iter().map(|text| anchor(text)).collect();
        if anchors.is_none() {
            let reason = "each is \"NAME KIND WHERE\" with KIND rfc3161, http (WHERE a URL), exec (a command) or file (a folder)";
            r.fault("evidence.anchors", reason);
        }
        if given.len() > ANCHORS_MAX {
            r.fault("evidence.anchors", format!("at most {ANCHORS_MAX}"));
        }
        let names: BTreeSet<_> = anchors.iter().flatten().map(|anchor| &anchor.name).collect();
        if anchors.as_ref().is_some_and(|anchors| names.len() < anchors.len()) {
            r.fault("evidence.anchors", "two anchors have one name");
        }
        anchors
    });
    let plain = r.take::<bool>("evidence", "dangerous_plain_http_anchors")?;
    let exposed = |anchor: &&AnchorConfig| anchor.kind == Kind::Http && !plain && !is_private(&anchor.to);
    if let Some(anchor) = anchors.iter().flatten().find(exposed) {
        let reason = format!(
            "{} is asked over plain http, where anybody on the way can answer in its place: use https, or set \
             dangerous_plain_http_anchors",
            anchor.name
        );
        r.fault("evidence.anchors", reason);
    }
    let interval = r.take::<Duration>("evidence", "anchor_interval");
    let authorities = r.take::<String>("evidence", "anchor_authorities_file");
    let authorities = authorities.map(|path| (!path.is_empty()).then(|| relative_to.join(path)));
    let after = r.take::<Never>("evidence", "anchor_fail_closed_after");
    let config = AnchoringConfig {
        anchors: anchors?,
        interval: interval?,
        authorities: authorities?,
        fail_closed_after: after?.0,
    };
    match config.fail_closed_after {
        Some(_) if config.anchors.is_empty() => {
            r.fault(
                "evidence.anchor_fail_closed_after",
                "there is no anchor: the gateway would stop for good",
            );
            None
        }
        Some(after) if after <= config.interval => {
            r.fault("evidence.anchor_fail_closed_after", "must be longer than evidence.anchor_interval");
            None
        }
        _ => Some(config),
    }
}

fn anchor(text: &str) -> Option<AnchorConfig> {
    let mut words = text.splitn(3, ' ');
    let name = Id::new(words.next()?).ok()?;
    let kind = Kind::from_name(words.next()?)?;
    let to = words.next()?.trim();
    let remote = matches!(kind, Kind::Timestamp | Kind::Http);
    let good = if remote { WebAddress::read(to).is_ok() } else { !to.is_empty() };
    good.then(|| AnchorConfig { name, kind, to: to.to_owned() })
}

/// Whether nobody on the way can answer in place of whoever is at this address: it is asked under TLS, or on this machine.
fn is_private(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A user's name before the host could look like a host.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A duration, or `never`.
struct Never(Option<Duration>);

impl FromConfig for Never {
    fn from_config(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("never") => Ok(Self(None)),
            _ => Duration::from_config(value)
                .map(|after| Self(Some(after)))
                .map_err(|error| format!("{error}, or never")),
        }
    }

    fn size(&self) -> Option<u128> {
        self.0.as_ref().and_then(Duration::size)
    }
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn only_this_machine_is_asked_over_plain_http() {
        for good in [
            "https://notary.example/",
            "http://127.0.0.1:9/",
            "http://[::1]:9/x",
            "http://localhost",
            "http://127.8.8.8",
        ] {
            assert!(is_private(good), "{good}");
        }
        for bad in [
            "http://notary.example/",
            "http://localhost.example/",
            "http://127.0.0.1@notary.example/",
            "http://127.0.0.1.notary.example/",
            "http://10.0.0.1/",
            "http://[::2]/",
        ] {
            assert!(!is_private(bad), "{bad}");
        }
    }
}
