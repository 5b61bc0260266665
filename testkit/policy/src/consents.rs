//! The consents of a person who does not exist, as the trusted issuer issues them, and as no honest one would.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use ring::digest::{SHA256, digest};
use shuzha_core::{Id, Timestamp};
use shuzha_privacy::consent::{self, Basis, Claims, Details, Legal, Narrower, Use};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonymiser};

use crate::calls::{PSEUDONYM_KEY, serial};
use crate::world::{ISSUER, secret};

/// A consent as its holder has it.
#[derive(Clone)]
pub struct Consent {
    /// The token.
    pub token: String,
    /// Its identity.
    pub jti: String,
    claims: Claims,
}

impl Consent {
    /// The consent that this one narrows.
    pub fn parent(&self) -> Option<&str> {
        self.claims.parent.as_ref().map(|parent| &*parent.jti)
    }

    /// A narrower one, to `uses` uses, given at `now`.
    pub fn narrowed(&self, uses: u32, now: Timestamp) -> Self {
        let jti = fresh_jti();
        let narrower = Narrower { uses_max: Some(uses), ..Narrower::default() };
        let claims = consent::attenuate(&self.claims, &narrower, &jti, now).expect("it is narrower");
        let token = consent::issue(&claims, &issuer()).expect("the claims keep the rules");
        Self { token, jti, claims }
    }
}

fn fresh_jti() -> String {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&serial().to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(id)
}

/// The consent of `person` to `unit` for `scenario`, `uses` times, given at `now` and valid for an hour.
pub fn consent(
    person: &str,
    unit: &str,
    scenario: &str,
    purpose: &str,
    uses: u32,
    now: Timestamp,
) -> Consent {
    let jti = fresh_jti();
    let name = |text: &str| Id::new(text).expect("a name");
    let person = CanonicalId::new(IdKind::Person, person).expect("a valid number");
    let prf = HmacSha256Prf::new("local-1", &PSEUDONYM_KEY);
    let subject = Pseudonymiser::new(prf).pseudonym(&name(unit), &name(scenario), &person);
    let claims = Claims {
        iss: "yunze-consent".to_owned(),
        jti: jti.clone(),
        iat: now.seconds(),
        nbf: now.seconds(),
        exp: Some(now.seconds() + 3_600),
        sub: subject.to_string(),
        sub_alg: "hmac-sha256".to_owned(),
        sub_kid: "local-1".to_owned(),
        aud: "shuzha".to_owned(),
        authorization_details: vec![Details {
            r#type: "data-product".to_owned(),
            au: unit.to_owned(),
            scenario: scenario.to_owned(),
            products: vec!["person-check".to_owned(), "person-made".to_owned()],
            fields: vec!["/result".to_owned()],
            purpose: purpose.to_owned(),
            actions: vec!["verify".to_owned()],
        }],
        r#use: Some(Use { max: Some(uses) }),
        legal: Legal {
            basis: Basis::SeparateConsent,
            sensitive: true,
            notice: "person-check@1".to_owned(),
            notice_hash: BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, b"notice")),
            authn: Some("wangzheng".to_owned()),
        },
        rcpt: None,
        parent: None,
        status: None,
    };
    let token = consent::issue(&claims, &issuer()).expect("the claims keep the rules");
    Consent { token, jti, claims }
}

/// The person's withdrawal of `consent`.
pub fn withdrawal(consent: &Consent, now: Timestamp) -> String {
    consent::issue_withdrawal(&consent.jti, Some("person"), now, &issuer()).expect("a withdrawal")
}

/// The token with `change` made to its claims, signed again by the issuer: what no honest issuer would issue.
pub fn reissued(token: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut parts = token.split('.');
    let (header, payload) = (parts.next().expect("a header"), parts.next().expect("a payload"));
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    let mut claims = serde_json::from_slice(&payload).expect("JSON");
    change(&mut claims);
    sealed(header, &BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The token with `change` made to its header, signed again by the issuer.
pub fn reheaded(token: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut parts = token.split('.');
    let header = BASE64_URL_SAFE_NO_PAD.decode(parts.next().expect("a header")).expect("base64url");
    let mut header = serde_json::from_slice(&header).expect("JSON");
    change(&mut header);
    sealed(&BASE64_URL_SAFE_NO_PAD.encode(header.to_string()), parts.next().expect("a payload"))
}

fn sealed(header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let tag = ed25519_dalek::SigningKey::from_bytes(&secret(ISSUER)).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

fn issuer() -> consent::Signer {
    consent::Signer::from_seed("yunze-consent", ISSUER, &secret(ISSUER))
}
