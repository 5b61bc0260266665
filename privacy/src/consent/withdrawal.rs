//! Withdrawals (撤回): the issuer's signed word that a consent is over (个人信息保护法 15).

use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Timestamp};

use super::{Consent, Issuers, Signer, TOKEN_BYTES_MAX, claims, jws, rules};

/// The type of withdrawal tokens: another than consents', so that neither passes for the other.
const TYPE: jws::Type = jws::Type { name: "shuzha-withdrawal+jwt", bytes_max: TOKEN_BYTES_MAX };

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 256;

/// The payload of a withdrawal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    jti: String,
    iat: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A verified withdrawal. Only [`verify_withdrawal`] makes one. It has no end and no audience: a withdrawn consent
/// stays withdrawn, everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Withdrawal {
    /// The issuer of the consent and of its withdrawal.
    pub issuer: String,
    /// The consent that is over.
    pub jti: String,
    /// When the issuer recorded the withdrawal.
    pub withdrawn: Timestamp,
    /// The reason, where the person gave one. Not for logs: people write what they like.
    pub reason: Option<String>,
}

impl Withdrawal {
    /// Whether this is the withdrawal of `consent`. An issuer can withdraw only what it issued.
    #[must_use]
    pub fn withdraws(&self, consent: &Consent) -> bool {
        self.issuer == consent.issuer && self.jti == consent.jti
    }
}

fn check(claims: &Claims) -> Result<(), Code> {
    let reason_fits = claims.reason.as_ref().is_none_or(|reason| reason.len() <= REASON_BYTES_MAX);
    if rules::is_jti(&claims.jti) && claims.iat >= 0 && reason_fits { Ok(()) } else { Err(Code::C402) }
}

/// Verifies a withdrawal token.
///
/// # Errors
/// [`Code::C402`] where it is malformed, [`Code::C403`] where issuer, algorithm or signature is wrong.
pub fn verify_withdrawal(token: &str, issuers: &Issuers) -> Result<Withdrawal, Code> {
    let signed = jws::open(token, TYPE, issuers)?;
    let claims: Claims = claims::read(&signed.payload)?;
    if claims.iss != signed.issuer {
        return Err(Code::C403);
    }
    check(&claims)?;
    Ok(Withdrawal {
        issuer: claims.iss,
        jti: claims.jti,
        withdrawn: Timestamp::from_seconds(claims.iat),
        reason: claims.reason,
    })
}

/// Signs the withdrawal of the signer's consent `jti` at `now`.
///
/// # Errors
/// [`Code::C402`] where `jti` or `reason` cannot be one.
pub fn issue_withdrawal(
    jti: &str,
    reason: Option<&str>,
    now: Timestamp,
    signer: &Signer,
) -> Result<String, Code> {
    let claims = Claims {
        iss: signer.issuer().to_owned(),
        jti: jti.to_owned(),
        iat: now.seconds(),
        reason: reason.map(str::to_owned),
    };
    check(&claims)?;
    jws::seal(&claims, TYPE, signer)
}
