//! What anyone may know of a registration (Gansu-R 19, 34: 登记信息公开查询，凭证核验).

use serde_json::Value;
use shuzha_core::Timestamp;

use super::state::{Matter, Standing, State, Step};
use crate::case::Refused;
use crate::case::kind::load;

use super::Registration;

/// The public part of a registration: of one that is publicised (公示, Gansu-R 28), or was certified. Names no person, and
/// nothing of an application before its publicity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The registered name (名称), or the one under publicity.
    pub title: String,
    /// 登记对象: `product` or `resource`.
    pub subject: String,
    /// The product; none for a data resource.
    pub product: Option<String>,
    /// The certificate; none before it is issued.
    pub certificate: Option<PublicCertificate>,
    /// What it is worth: `publicity`, `certified`, `suspended`, `cancelled`, `expired`, `revoked`.
    pub standing: &'static str,
    /// Whether an objection to it is open (异议标注, Gansu-R 33).
    pub objected: bool,
    /// What is under publicity now.
    pub publicity: Option<Publicised>,
}

/// A certificate (登记凭证).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicCertificate {
    /// Its code (一证一码).
    pub code: String,
    /// First instant of its validity.
    pub from: Timestamp,
    /// First instant at which it is no longer valid.
    pub until: Timestamp,
}

/// What Gansu-R 28 has publicised: kind of registration, name, abstract. The registrant stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publicised {
    /// 登记类型: `first` or `change`.
    pub matter: &'static str,
    /// 登记数据名称.
    pub title: String,
    /// 数据内容简介.
    pub summary: String,
    /// When the publicity began.
    pub from: Timestamp,
}

/// States in which a registration may be public: publicity, and all that follow it.
pub const PUBLIC_STATES: &[&str] = &[
    "publicity",
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
pub const STANDINGS: &[&str] = &["publicity", "certified", "suspended", "cancelled", "expired", "revoked"];

impl Public {
    /// Whether the certificate is good at `at`. One that time has ended is not, however it still stands.
    #[must_use]
    pub fn valid_at(&self, at: Timestamp) -> bool {
        let in_time = |certificate: &PublicCertificate| certificate.from <= at && at < certificate.until;
        self.standing == "certified" && self.certificate.as_ref().is_some_and(in_time)
    }
}

/// The public part of a stored registration; none where it is neither publicised nor was certified.
///
/// # Errors
/// C1002, when the state cannot be read any more.
pub fn public(spec: &Value, state: &Value) -> Result<Option<Public>, Refused> {
    let state: State = load::<Registration>(state)?;
    // What was registered last, and not what is being applied for.
    let content = state.content.as_ref().unwrap_or(spec);
    let publicity = state.procedure.as_ref().filter(|procedure| procedure.step == Step::Publicity);
    let publicity = publicity.map(|procedure| {
        let shown = procedure.pending.as_ref().map_or(content, |pending| &pending.content);
        let matter = if procedure.matter == Matter::First { "first" } else { "change" };
        let from = Timestamp::from_micros(procedure.since);
        Publicised { matter, title: text(shown, "name"), summary: text(shown, "abstract"), from }
    });
    let standing = match state.standing {
        Standing::Open if publicity.is_some() => "publicity",
        Standing::Certified => "certified",
        Standing::Suspended => "suspended",
        Standing::Cancelled => "cancelled",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
        // These end an application, or begin one: without a certificate.
        Standing::Open | Standing::Withdrawn | Standing::Refused | Standing::Rejected => return Ok(None),
    };
    let product = content["basic"]["product"].as_str().map(str::to_owned);
    let certificate = state.certificate.as_ref().map(|certificate| PublicCertificate {
        code: certificate.code.clone(),
        from: Timestamp::from_micros(certificate.from),
        until: Timestamp::from_micros(certificate.until),
    });
    let (title, objected) = (text(content, "name"), state.objected());
    let subject = text(content, "type");
    Ok(Some(Public { title, subject, product, certificate, standing, objected, publicity }))
}

fn text(content: &Value, field: &str) -> String {
    content["basic"][field].as_str().unwrap_or_default().to_owned()
}
