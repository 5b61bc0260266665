//! The section `[consents]`: under which name the platform gives consents, and where outsiders look them up.

use std::sync::Arc;

use shuzha_privacy::subject::{HmacSha256Prf, HmacSm3Prf, SubjectPrf};

use super::reader::Reader;
use shuzha_client::WebAddress;

/// How the consent service runs.
#[derive(Clone, Debug)]
pub struct ConsentConfig {
    pub(crate) issuer: String,
    pub(crate) kid: String,
    /// Without a slash at its end; empty where lists are not served.
    pub status_address: String,
    /// The function behind pseudonyms.
    pub pseudonyms: Pseudonyms,
}

/// The function behind pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pseudonyms {
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SM3.
    HmacSm3,
}

impl Pseudonyms {
    /// The function under `key`.
    pub fn function(self, key_id: &str, key: &[u8; 32]) -> Arc<dyn SubjectPrf> {
        match self {
            Self::HmacSha256 => Arc::new(HmacSha256Prf::new(key_id, key)),
            Self::HmacSm3 => Arc::new(HmacSm3Prf::new(key_id, key)),
        }
    }
}

/// Reads the section.
pub(crate) fn read(r: &mut Reader) -> Option<ConsentConfig> {
    let issuer = r.take::<String>("consents", "issuer").and_then(|name| read_name(r, "issuer", name));
    let kid = r.take::<String>("consents", "key_id").and_then(|name| read_name(r, "key_id", name));
    let address = r.take::<String>("consents", "status_address").and_then(|text| {
        let sound = text.is_empty() || WebAddress::read(&text).is_ok();
        if !sound || text.ends_with('/') {
            r.fault("consents.status_address", "expected an address (https://…) without a slash at its end");
            return None;
        }
        Some(text)
    });
    let pseudonyms = match r.take::<String>("consents", "pseudonyms")?.as_str() {
        "hmac-sha256" => Some(Pseudonyms::HmacSha256),
        "hmac-sm3" => Some(Pseudonyms::HmacSm3),
        _ => {
            r.fault("consents.pseudonyms", "expected hmac-sha256 or hmac-sm3");
            None
        }
    };
    Some(ConsentConfig { issuer: issuer?, kid: kid?, status_address: address?, pseudonyms: pseudonyms? })
}

fn read_name(r: &mut Reader, key: &str, name: String) -> Option<String> {
    match shuzha_core::Id::check(&name) {
        Ok(()) => Some(name),
        Err(error) => {
            r.fault(&format!("consents.{key}"), error.to_string());
            None
        }
    }
}
