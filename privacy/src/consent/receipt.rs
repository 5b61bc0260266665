//! Receipts (同意回执): what a person agreed to, signed by the issuer, for the person to keep (ISO/IEC TS 27560:2023;
//! Kantara Consent Receipt v1.1). Anyone with the issuer's public key can check one; it names nobody but by the unit's
//! pseudonym.

use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Timestamp};

use super::claims::Basis;
use super::{Claims, Issuers, Signer, claims, jws, rules};

/// The type of receipts. They say more than a token, in more room.
const TYPE: jws::Type = jws::Type { name: "shuzha-consent-receipt+jwt", bytes_max: 8_192 };
/// The record structure that the members follow.
const SCHEMA: &str = "ISO/IEC TS 27560:2023";

/// What happened to the consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// 给予.
    Given,
    /// 撤回.
    Withdrawn,
}

/// A receipt. Times in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    schema: String,
    /// The issuer, who keeps the record.
    pub iss: String,
    /// When the event was recorded.
    pub iat: i64,
    /// The consent.
    pub consent: String,
    /// What happened to it.
    pub event: Event,
    /// The person, as the unit's pseudonym (`pii_principal_id`).
    pub pii_principal: String,
    /// The application unit that may use the data (`pii_controller`).
    pub pii_controller: String,
    /// The approved scenario.
    pub scenario: String,
    /// The purpose that the person was told.
    pub purpose: String,
    /// Products.
    pub products: Vec<String>,
    /// Leaves of personal information.
    pub pii: Vec<String>,
    /// What may be done.
    pub actions: Vec<String>,
    /// The basis of the consent.
    pub basis: Basis,
    /// Whether sensitive personal information is concerned.
    pub sensitive: bool,
    /// The notice shown, `id@version`.
    pub notice: String,
    /// SHA-256 of its text, base64url.
    pub notice_hash: String,
    /// When the consent begins.
    pub from: i64,
    /// When it ends.
    pub until: i64,
    /// How often it may be used.
    pub uses_max: u32,
}

impl Receipt {
    /// The receipt of `event` upon the consent of these claims at `at`.
    ///
    /// # Errors
    /// As [`super::issue`] refuses the claims.
    pub fn of(claims: &Claims, event: Event, at: Timestamp) -> Result<Self, Code> {
        rules::check(claims)?;
        let details = claims.authorization_details.first().ok_or(Code::C409)?;
        Ok(Self {
            schema: SCHEMA.to_owned(),
            iss: claims.iss.clone(),
            iat: at.seconds(),
            consent: claims.jti.clone(),
            event,
            pii_principal: claims.sub.clone(),
            pii_controller: details.au.clone(),
            scenario: details.scenario.clone(),
            purpose: details.purpose.clone(),
            products: details.products.clone(),
            pii: details.fields.clone(),
            actions: details.actions.clone(),
            basis: claims.legal.basis,
            sensitive: claims.legal.sensitive,
            notice: claims.legal.notice.clone(),
            notice_hash: claims.legal.notice_hash.clone(),
            from: claims.nbf,
            until: claims.exp.ok_or(Code::C409)?,
            uses_max: claims.r#use.as_ref().and_then(|uses| uses.max).ok_or(Code::C409)?,
        })
    }
}

/// Signs a receipt.
///
/// # Errors
/// [`Code::C403`] where the consent is another issuer's; [`Code::C402`] where it does not fit.
pub fn issue_receipt(receipt: &Receipt, signer: &Signer) -> Result<String, Code> {
    if receipt.iss != signer.issuer() {
        return Err(Code::C403);
    }
    jws::seal(receipt, TYPE, signer)
}

/// Verifies a receipt.
///
/// # Errors
/// [`Code::C402`] where it is none, [`Code::C403`] where issuer, algorithm or signature is wrong.
pub fn verify_receipt(token: &str, issuers: &Issuers) -> Result<Receipt, Code> {
    let signed = jws::open(token, TYPE, issuers)?;
    let receipt: Receipt = claims::read(&signed.payload)?;
    if receipt.iss != signed.issuer {
        return Err(Code::C403);
    }
    if receipt.schema == SCHEMA { Ok(receipt) } else { Err(Code::C402) }
}
