//! Consents that the measured calls carry, issued by the rules that the gateway checks them by.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use shuzha_core::Id;
use shuzha_privacy::consent::{Basis, Claims, Details, Legal, Signer, USES_MAX, Use, issue};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonymiser, SubjectPrf};

use super::{PERSON, declared, random_bytes};
use crate::clock::unix_seconds;

/// How many: together they have more uses than any turn takes.
const CONSENTS: u32 = 128;

/// How long a consent lasts, in seconds.
const CONSENT_SECONDS: i64 = 86_400;

/// The gateway's name in consents (`aud`), as `config/default.toml` has it.
const AUDIENCE: &str = "shuzha";

/// Consents by which [`declared::UNIT`] may verify the synthetic person.
///
/// # Errors
/// When the gateway's own rules refuse one.
pub(super) fn issue_all(issuer: &Signer, key_id: &str, subject_key: &[u8; 32]) -> Result<Vec<String>> {
    let pseudonymiser = Pseudonymiser::new(HmacSha256Prf::new(key_id, subject_key));
    let person = CanonicalId::new(IdKind::Person, PERSON)?;
    let (unit, scenario) = (Id::new(declared::UNIT)?, Id::new(declared::SCENARIO)?);
    let subject = pseudonymiser.pseudonym(&unit, &scenario, &person);
    let now = i64::try_from(unix_seconds())?;
    let token = |_| {
        let claims = Claims {
            iss: issuer.issuer().to_owned(),
            jti: URL_SAFE_NO_PAD.encode(random_bytes::<32>()),
            iat: now,
            nbf: now,
            exp: Some(now + CONSENT_SECONDS),
            sub: subject.to_string(),
            sub_alg: pseudonymiser.prf().algorithm().to_owned(),
            sub_kid: key_id.to_owned(),
            aud: AUDIENCE.to_owned(),
            authorization_details: vec![Details {
                r#type: "data-product".to_owned(),
                au: declared::UNIT.to_owned(),
                scenario: declared::SCENARIO.to_owned(),
                products: vec![declared::PRODUCT.to_owned()],
                fields: vec!["/result".to_owned()],
                purpose: declared::PURPOSE.to_owned(),
                actions: vec!["verify".to_owned()],
            }],
            r#use: Some(Use { max: Some(USES_MAX) }),
            legal: Legal {
                basis: Basis::SeparateConsent,
                sensitive: true,
                notice: "load@1".to_owned(),
                notice_hash: URL_SAFE_NO_PAD.encode(digest(&SHA256, b"load").as_ref()),
                authn: None,
            },
            rcpt: None,
            parent: None,
            status: None,
        };
        issue(&claims, issuer).map_err(|code| anyhow::anyhow!("issuing a consent: {code}"))
    };
    (0..CONSENTS).map(token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Peers are given headers of the same length. `CanonicalId` also checks the person's check character.
    #[test]
    fn consents_are_valid_and_of_the_length_that_peers_are_given() {
        let issuer = Signer::from_seed(declared::ISSUER, declared::ISSUER_KEY, &[7; 32]);
        let consents = issue_all(&issuer, "local-1", &[9; 32]).expect("issued by the gateway's own rules");
        assert_eq!(consents.len(), CONSENTS as usize);
        assert_eq!(consents[0].len(), declared::TOKEN_BYTES_USUAL);
    }
}
