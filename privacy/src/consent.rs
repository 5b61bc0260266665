//! Consent tokens (个人授权): one person lets one unit use listed leaves of listed products, in one scenario, for
//! one purpose, so many times, until then (REQUIREMENTS D1, D2).
//!
//! A token is a compact JWS (RFC 7515 §3.1) of type `shuzha-consent+jwt` with exactly one entry of
//! `authorization_details` (RFC 9396). [`verify`] and [`issue`] apply the same rules: what is refused at use cannot be
//! issued. Three principles:
//!
//! - *Nothing is ignored.* A member this gate does not know is refused at every level, for it may be a condition
//!   that somebody relies on and nobody enforces.
//! - *Nothing is open.* Lifetime, number of uses, products and leaves are mandatory, listed and bounded; a wildcard
//!   or a second entry is a blanket consent (一揽子授权) and has its own code, C409.
//! - *A consent never widens.* The effective right is product contract ∩ grant ∩ consent; the caller intersects.
//!
//! The token's own claim about its algorithm decides nothing: the algorithm is pinned to the key.

mod attenuate;
mod claims;
mod issuers;
mod jws;
mod receipt;
mod rules;
mod status;
mod withdrawal;

#[cfg(test)]
mod tests;

use std::time::Duration;

use shuzha_core::{Code, Timestamp};

pub use self::attenuate::{Narrower, attenuate};
pub use self::claims::{Basis, Claims, Details, Legal, ParentRef, Status, StatusEntry, Use};
pub use self::issuers::{Algorithm, IssuerError, Issuers, Signer};
pub use self::receipt::{Event, Receipt, issue_receipt, verify_receipt};
pub use self::status::{STATUSES, StatusList, issue_status_list, verify_status_list};
pub use self::withdrawal::{Withdrawal, issue_withdrawal, verify_withdrawal};
use crate::subject::Pseudonym;

/// Longest token, in bytes of its compact form.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// Most products one consent may list.
pub const PRODUCTS_MAX: usize = 5;
/// Most leaves one consent may list.
pub const FIELDS_MAX: usize = 64;
/// Most actions one consent may list.
pub const ACTIONS_MAX: usize = 8;
/// Most uses one consent may give.
pub const USES_MAX: u32 = 10_000;
/// Longest lifetime of a consent to one use, in seconds: a day.
pub const LIFETIME_SINGLE_MAX: i64 = 24 * 3_600;
/// Longest lifetime of any consent, in seconds: ninety days.
pub const LIFETIME_MAX: i64 = 90 * LIFETIME_SINGLE_MAX;
/// How far an issuer's clock may be ahead of the gate's when it says that it issued, in seconds, where nothing else is
/// configured. The end of a consent never gets leeway: what a person limited is not lengthened.
pub const ISSUED_AHEAD_MAX: i64 = 60;

/// How a consent to one blinded use names its subject (`sub_alg`).
pub const BLINDED_ELEMENT: &str = "blinded-element";

/// The type of consent tokens.
const TYPE: jws::Type = jws::Type { name: "shuzha-consent+jwt", bytes_max: TOKEN_BYTES_MAX };

/// A verified consent. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consent {
    /// The consent's identifier, unique for its issuer.
    pub jti: String,
    /// Id of the key that signed it.
    pub kid: String,
    /// Name of the issuer.
    pub issuer: String,
    /// The person, as the unit's pairwise pseudonym in the scenario.
    pub subject: Pseudonym,
    /// The function behind the pseudonym.
    pub subject_algorithm: String,
    /// Id of the key behind the pseudonym.
    pub subject_key_id: String,
    /// The one application unit that may use it.
    pub unit: String,
    /// The one scenario it is for.
    pub scenario: String,
    /// The products it is for.
    pub products: Vec<String>,
    /// Pointers of the leaves it lets out.
    pub fields: Vec<String>,
    /// The purpose told to the person.
    pub purpose: String,
    /// What may be done: names of operations.
    pub actions: Vec<String>,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends; at this instant it is over.
    pub expires: Timestamp,
    /// How often it may be used.
    pub uses_max: u32,
    /// The notice shown to the person, `id@version`.
    pub notice: String,
    /// SHA-256 of the notice's text, base64url.
    pub notice_hash: String,
    /// The legal basis.
    pub basis: Basis,
    /// The consent that this one narrows, where it does.
    pub parent: Option<ParentRef>,
}

/// What a call asks of a consent.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The calling unit.
    pub unit: &'a str,
    /// The scenario the call is made for.
    pub scenario: &'a str,
    /// The product called.
    pub product: &'a str,
    /// The operation called.
    pub action: &'a str,
    /// The purpose of the scenario's approval.
    pub purpose: &'a str,
}

impl Consent {
    /// Whether the consent covers the call. The subject is a question of its own: [`Self::check_subject`].
    ///
    /// # Errors
    /// [`Code::C405`] where unit, scenario, product, action or purpose is another.
    pub fn covers(&self, asked: &Asked<'_>) -> Result<(), Code> {
        let listed = |list: &[String], one: &str| list.iter().any(|member| member == one);
        let covered = self.unit == asked.unit
            && self.scenario == asked.scenario
            && self.purpose == asked.purpose
            && listed(&self.products, asked.product)
            && listed(&self.actions, asked.action);
        if covered { Ok(()) } else { Err(Code::C405) }
    }

    /// Whether the consent is this subject's; compared in constant time.
    ///
    /// # Errors
    /// [`Code::C406`] where it is another's.
    pub fn check_subject(&self, subject: &Pseudonym) -> Result<(), Code> {
        if self.subject == *subject { Ok(()) } else { Err(Code::C406) }
    }

    /// Whether the consent is in force at `now`: from its beginning until just before its end. For a consent that
    /// was verified earlier and kept.
    ///
    /// # Errors
    /// [`Code::C404`] before or after.
    pub fn check_time(&self, now: Timestamp) -> Result<(), Code> {
        self.check_time_within(now, Duration::ZERO)
    }

    /// As [`Self::check_time`], for an issuer whose clock may be `ahead_max` ahead of ours: its consents may begin so much
    /// earlier, and end when they end.
    ///
    /// # Errors
    /// [`Code::C404`] before or after.
    pub fn check_time_within(&self, now: Timestamp, ahead_max: Duration) -> Result<(), Code> {
        if self.not_before <= now.plus(ahead_max) && now < self.expires { Ok(()) } else { Err(Code::C404) }
    }

    /// Whether its subject is named by this function under this key. A pseudonym that another function made says nothing
    /// about the one it is compared with.
    ///
    /// # Errors
    /// [`Code::C406`] where it is named otherwise.
    pub fn check_subject_named_by(&self, algorithm: &str, key_id: &str) -> Result<(), Code> {
        let same = self.subject_algorithm == algorithm && self.subject_key_id == key_id;
        if same { Ok(()) } else { Err(Code::C406) }
    }

    /// Whether it binds one blinded element instead of a person.
    ///
    /// # Errors
    /// [`Code::C406`] where it does not.
    pub fn check_subject_is_element(&self) -> Result<(), Code> {
        if self.subject_algorithm == BLINDED_ELEMENT { Ok(()) } else { Err(Code::C406) }
    }
}

/// Verifies a token made out to `audience` at the instant `now`.
///
/// # Errors
/// - [`Code::C402`]: not a consent token, or a member is unknown, repeated, missing or malformed.
/// - [`Code::C403`]: the key is not registered, the header's algorithm is not the key's, the signature does not
///   verify, the issuer is not the key's owner, or the token is made out to another gate.
/// - [`Code::C404`]: not yet or no longer valid.
/// - [`Code::C409`]: a blanket or open-ended consent.
pub fn verify(token: &str, issuers: &Issuers, audience: &str, now: Timestamp) -> Result<Consent, Code> {
    verify_claims(token, issuers, audience, now).map(|(consent, _)| consent)
}

/// Verifies a token, and answers its claims too: for whoever keeps them.
///
/// # Errors
/// As [`verify`].
pub fn verify_claims(
    token: &str,
    issuers: &Issuers,
    audience: &str,
    now: Timestamp,
) -> Result<(Consent, Claims), Code> {
    let issued_until = now.seconds().saturating_add(ISSUED_AHEAD_MAX);
    let (claims, kid) = signed_claims(token, issuers, audience, issued_until)?;
    let consent = from_claims(claims.clone(), kid)?;
    consent.check_time(now)?;
    Ok((consent, claims))
}

/// Verifies a token as [`verify_claims`] does, for an issuer whose clock may be `ahead_max` ahead of ours: its consents may
/// be issued, and begin, so much earlier.
///
/// # Errors
/// As [`verify`].
pub fn verify_within(
    token: &str,
    issuers: &Issuers,
    audience: &str,
    now: Timestamp,
    ahead_max: Duration,
) -> Result<(Consent, Claims), Code> {
    let (claims, kid) = signed_claims(token, issuers, audience, now.plus(ahead_max).seconds())?;
    let consent = from_claims(claims.clone(), kid)?;
    consent.check_time_within(now, ahead_max)?;
    Ok((consent, claims))
}

fn signed_claims(
    token: &str,
    issuers: &Issuers,
    audience: &str,
    issued_until: i64,
) -> Result<(Claims, String), Code> {
    let signed = jws::open(token, TYPE, issuers)?;
    let claims: Claims = claims::read(&signed.payload)?;
    if claims.iss != signed.issuer || claims.aud != audience {
        return Err(Code::C403);
    }
    rules::check(&claims)?;
    if claims.iat > issued_until {
        return Err(Code::C404);
    }
    Ok((claims, signed.kid))
}

/// Signs a consent, by the same rules that [`verify`] applies.
///
/// # Errors
/// [`Code::C402`] and [`Code::C409`] as for [`verify`]; [`Code::C403`] where the claims name another issuer than the
/// signer.
pub fn issue(claims: &Claims, signer: &Signer) -> Result<String, Code> {
    if claims.iss != signer.issuer() {
        return Err(Code::C403);
    }
    rules::check(claims)?;
    jws::seal(claims, TYPE, signer)
}

/// Takes over claims that passed the rules.
fn from_claims(claims: Claims, kid: String) -> Result<Consent, Code> {
    let [details] = <[Details; 1]>::try_from(claims.authorization_details).map_err(|_| Code::C409)?;
    Ok(Consent {
        jti: claims.jti,
        kid,
        issuer: claims.iss,
        subject: claims.sub.parse().map_err(|_| Code::C402)?,
        subject_algorithm: claims.sub_alg,
        subject_key_id: claims.sub_kid,
        unit: details.au,
        scenario: details.scenario,
        products: details.products,
        fields: details.fields,
        purpose: details.purpose,
        actions: details.actions,
        not_before: Timestamp::from_seconds(claims.nbf),
        expires: Timestamp::from_seconds(claims.exp.ok_or(Code::C409)?),
        uses_max: claims.r#use.and_then(|uses| uses.max).ok_or(Code::C409)?,
        notice: claims.legal.notice,
        notice_hash: claims.legal.notice_hash,
        basis: claims.legal.basis,
        parent: claims.parent,
    })
}
