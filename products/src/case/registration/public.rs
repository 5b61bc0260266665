//! What anyone may know of a registration (Gansu-R 19, 34: 登记信息公开查询，凭证核验).

use serde_json::Value;
use shuzha_core::Timestamp;

use super::state::{Standing, State};
use crate::case::Refused;
use crate::case::kind::load;

use super::Registration;

/// The public part of a registration that was certified. Names no person, and nothing of an application under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The registered name (名称).
    pub title: String,
    /// The product; none for a data resource.
    pub product: Option<String>,
    /// The certificate's code (一证一码).
    pub code: String,
    /// First instant of its validity.
    pub from: Timestamp,
    /// First instant at which it is no longer valid.
    pub until: Timestamp,
    /// What it is worth: `certified`, `suspended`, `cancelled`, `expired`, `revoked`.
    pub standing: &'static str,
    /// Whether an objection to it is open (异议标注, Gansu-R 33).
    pub objected: bool,
}

/// States in which a registration may have, or have had, a certificate: all that follow publicity.
pub const PUBLIC_STATES: &[&str] = &[
    "certified",
    "changing",
    "correcting",
    "renewing",
    "cancelling",
    "suspended",
    "objected",
    "cancelled",
    "expired",
    "revoked",
];

/// Standings that a public registration has.
pub const STANDINGS: &[&str] = &["certified", "suspended", "cancelled", "expired", "revoked"];

impl Public {
    /// Whether the certificate is good at `at`. One that time has ended is not, however it still stands.
    #[must_use]
    pub fn valid_at(&self, at: Timestamp) -> bool {
        self.standing == "certified" && self.from <= at && at < self.until
    }
}

/// The public part of a stored registration; none where it never had a certificate.
///
/// # Errors
/// C1002, when the state cannot be read any more.
pub fn public(spec: &Value, state: &Value) -> Result<Option<Public>, Refused> {
    let state: State = load::<Registration>(state)?;
    let Some(certificate) = &state.certificate else { return Ok(None) };
    let standing = match state.standing {
        Standing::Certified => "certified",
        Standing::Suspended => "suspended",
        Standing::Cancelled => "cancelled",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
        // These end an application, or begin one: without a certificate.
        Standing::Open | Standing::Withdrawn | Standing::Refused | Standing::Rejected => return Ok(None),
    };
    // What was registered last, and not what is being applied for.
    let content = state.content.as_ref().unwrap_or(spec);
    Ok(Some(Public {
        title: content["basic"]["name"].as_str().unwrap_or_default().to_owned(),
        product: certificate.product.clone(),
        code: certificate.code.clone(),
        from: Timestamp::from_micros(certificate.from),
        until: Timestamp::from_micros(certificate.until),
        standing,
        objected: state.objected(),
    }))
}
