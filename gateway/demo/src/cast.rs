//! Who acts in the demo: credentials with fresh secrets, a consent issuer, persons and companies that do not exist.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use shuzha_client::{CallKey, CallSigner, SignatureProfile};
use shuzha_core::{Clock, Id, OsRng, Rng, SystemClock, hex};
use shuzha_files::secret::write_pair;
use shuzha_node::node::{NodeKeys, PSEUDONYM_KEY_ID};
use shuzha_node::store::open_store;
use shuzha_privacy::blind::Element;
use shuzha_privacy::consent::{self, Basis, Claims, Details, Legal, Use};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonym, Pseudonymiser};

/// Persons of the synthetic register: number and name.
pub(super) const PERSON: (&str, &str) = ("690113200205284265", "杜秀红");
/// Another one.
pub(super) const OTHER_PERSON: (&str, &str) = ("690109196909147724", "陈秀");
/// A company of the synthetic register: 统一社会信用代码 and name.
pub(super) const COMPANY: (&str, &str) = ("91690114MAC4UCDX1R", "云泽市鹿鸣县启木医药有限公司");

/// HMAC credentials of the demo's world and their algorithms. That of `insurer-lost` was lost, and it is revoked.
const SECRETS: [(&str, &str); 11] = [
    ("bank-1", "hmac-sha256"),
    ("bank-2", "hmac-sm3"),
    ("bank-2024", "hmac-sha256"),
    ("bank-sandbox", "hmac-sha256"),
    ("insurer-1", "hmac-sha256"),
    ("insurer-lost", "hmac-sha256"),
    ("insurer-office", "hmac-sha256"),
    ("charity-1", "hmac-sha256"),
    ("civil-affairs-1", "hmac-sm3"),
    ("lender-1", "hmac-sha256"),
    ("startup-1", "hmac-sha256"),
];
/// The issuer of consents.
const ISSUER: (&str, &str) = ("yunze-consent", "yunze-consent-1");
/// How long the demo's consents last.
const CONSENT_SECONDS: i64 = 3_600;

/// Everyone's keys. Made anew for every demo; none of them exists outside it.
pub(crate) struct Cast {
    secrets: BTreeMap<&'static str, (&'static str, [u8; 32])>,
    ed25519: [u8; 32],
    issuer: consent::Signer,
}

/// Whose consent it is.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// Of the person with this number, to be verified.
    Person(&'a str),
    /// Of whoever is behind this blinded element, to be matched. The consent service has seen whose it is.
    Blinded(&'a Element),
}

/// What a person consents to.
#[derive(Clone, Copy)]
pub(super) struct Consented<'a> {
    pub(super) whose: Whose<'a>,
    pub(super) unit: &'a str,
    pub(super) scenario: &'a str,
    pub(super) purpose: &'a str,
    pub(super) uses: u32,
}

/// A consent as its holder has it.
pub(super) struct Granted {
    pub(super) token: String,
    pub(super) jti: String,
}

impl Cast {
    /// Makes the keys, and deposits with the gateway's data folder what the gateway must know of them.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self> {
        let data = open_store(data_dir)?;
        let mut secrets = BTreeMap::new();
        for (name, algorithm) in SECRETS {
            let secret = OsRng.bytes::<32>();
            data.put_secret(&Id::new(name)?, algorithm, &secret)?;
            secrets.insert(name, (algorithm, secret));
        }
        let (ed25519, issuer) = (OsRng.bytes::<32>(), OsRng.bytes::<32>());
        for (name, seed) in [("bank-ed25519", &ed25519), (ISSUER.1, &issuer)] {
            let seed_file = data_dir.join("keys").join(format!("{name}.seed"));
            // A data folder that is used again gets this demo's keys.
            if seed_file.exists() {
                std::fs::remove_file(&seed_file)?;
            }
            write_pair(&seed_file, seed)?;
        }
        Ok(Self { secrets, ed25519, issuer: consent::Signer::from_seed(ISSUER.0, ISSUER.1, &issuer) })
    }

    /// The secret of a credential.
    pub(super) fn secret(&self, credential: &str) -> &[u8; 32] {
        &self.secrets.get(credential).expect("a credential of the demo").1
    }

    /// The signer of a credential.
    pub(super) fn signer(&self, credential: &str) -> Result<CallSigner> {
        let (key, profile) = match self.secrets.get(credential) {
            Some((algorithm, secret)) => (CallKey::new(algorithm, secret)?, SignatureProfile::Simple),
            None => (CallKey::new("ed25519", &self.ed25519)?, SignatureProfile::Rfc9421),
        };
        Ok(CallSigner { key_id: credential.to_owned(), key, profile })
    }

    /// The person's consent, issued as the trusted issuer does.
    pub(super) fn consent(&self, keys: &NodeKeys, given: Consented<'_>) -> Result<Granted> {
        let (claims, jti) = claims(keys, given)?;
        let token = consent::issue(&claims, &self.issuer)
            .map_err(|code| anyhow::anyhow!("the consent is refused at issue: {code}"))?;
        Ok(Granted { token, jti })
    }

    /// The person's withdrawal of a consent.
    pub(super) fn withdrawal(&self, jti: &str) -> Result<String> {
        consent::issue_withdrawal(jti, Some("person"), SystemClock.now(), &self.issuer)
            .map_err(|code| anyhow::anyhow!("the withdrawal is refused at issue: {code}"))
    }
}

fn claims(keys: &NodeKeys, given: Consented<'_>) -> Result<(Claims, String)> {
    let (unit, scenario) = (Id::new(given.unit)?, Id::new(given.scenario)?);
    let (subject, sub_alg, product, action) = match given.whose {
        Whose::Person(number) => {
            let prf = HmacSha256Prf::new(PSEUDONYM_KEY_ID, &keys.pseudonym);
            let person = CanonicalId::new(IdKind::Person, number).context("the person's number")?;
            let subject = Pseudonymiser::new(prf).pseudonym(&unit, &scenario, &person);
            (subject, "hmac-sha256", "person-check", "verify")
        }
        Whose::Blinded(element) => {
            (Pseudonym::of_blinded(&unit, &scenario, element), "blinded-element", "blind-match", "card")
        }
    };
    let now = SystemClock.now().seconds();
    let jti = BASE64_URL_SAFE_NO_PAD.encode(OsRng.bytes::<16>());
    let notice = "云泽省公民身份核验告知书，第 1 版";
    let digest = ring::digest::digest(&ring::digest::SHA256, notice.as_bytes());
    let claims = Claims {
        iss: ISSUER.0.to_owned(),
        jti: jti.clone(),
        iat: now,
        nbf: now,
        exp: Some(now + CONSENT_SECONDS),
        sub: subject.to_string(),
        sub_alg: sub_alg.to_owned(),
        sub_kid: PSEUDONYM_KEY_ID.to_owned(),
        aud: "shuzha".to_owned(),
        authorization_details: vec![Details {
            r#type: "data-product".to_owned(),
            au: given.unit.to_owned(),
            scenario: given.scenario.to_owned(),
            products: vec![product.to_owned()],
            fields: vec!["/result".to_owned()],
            purpose: given.purpose.to_owned(),
            actions: vec![action.to_owned()],
        }],
        r#use: Some(Use { max: Some(given.uses) }),
        legal: Legal {
            basis: Basis::SeparateConsent,
            sensitive: true,
            notice: "person-check@1".to_owned(),
            notice_hash: BASE64_URL_SAFE_NO_PAD.encode(digest),
            authn: Some("wangzheng".to_owned()),
        },
        rcpt: None,
        parent: None,
        status: None,
    };
    Ok((claims, jti))
}

/// A short key for a retry, fresh each time.
pub(super) fn fresh_key() -> String {
    hex::encode(&OsRng.bytes::<8>())
}
