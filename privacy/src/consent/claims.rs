//! The claims of a consent token, as they stand on the wire.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shuzha_core::Code;

/// The payload of a consent token. What may be absent here is absent only to get its own code from the rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Name of the issuer.
    pub iss: String,
    /// Identifier of the consent: 128 random bits or more, base64url.
    pub jti: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it begins, in seconds since 1970.
    pub nbf: i64,
    /// When it ends, in seconds since 1970. Mandatory: absent is open-ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The person's pairwise pseudonym, text form.
    pub sub: String,
    /// The pseudonym's function.
    pub sub_alg: String,
    /// Id of the pseudonym's key.
    pub sub_kid: String,
    /// The gate the token is made out to.
    pub aud: String,
    /// Exactly one entry: more is a blanket consent.
    #[serde(default)]
    pub authorization_details: Vec<Details>,
    /// How often it may be used. Mandatory: absent is open-ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#use: Option<Use>,
    /// What the person was told and on which basis they agreed.
    pub legal: Legal,
    /// Handle of the person's receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcpt: Option<String>,
    /// The consent that this one narrows; its uses are counted there too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentRef>,
    /// Where outsiders look up whether it was withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// The consent that a narrower one was derived from, of the same issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentRef {
    /// Its identifier.
    pub jti: String,
    /// Its number of uses, so that whoever sees only the narrower one can hold both to it.
    pub max: u32,
}

/// Reference to a status list (draft-ietf-oauth-status-list §6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The one mechanism there is.
    pub status_list: StatusEntry,
}

/// A place in a status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusEntry {
    /// The place, from 0.
    pub idx: u32,
    /// Address of the list.
    pub uri: String,
}

/// The one entry of `authorization_details` (RFC 9396 §2).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Always `data-product`.
    pub r#type: String,
    /// The application unit.
    pub au: String,
    /// The approved scenario.
    pub scenario: String,
    /// Products, by name.
    #[serde(default)]
    pub products: Vec<String>,
    /// Pointers of leaves (RFC 6901; an inner `*` stands for the elements of an array, as in output contracts).
    #[serde(default)]
    pub fields: Vec<String>,
    /// Code of the purpose.
    pub purpose: String,
    /// Names of operations.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// How often a consent may be used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Number of uses. Mandatory: absent is open-ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// What the person was told and on which basis they agreed (个人信息保护法 13, 14, 17).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legal {
    /// The basis.
    pub basis: Basis,
    /// Whether sensitive personal information is concerned; then the basis is not the plain consent.
    #[serde(default)]
    pub sensitive: bool,
    /// The notice shown, `id@version`.
    pub notice: String,
    /// SHA-256 of the notice's text, base64url.
    pub notice_hash: String,
    /// How the person was authenticated, where the issuer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn: Option<String>,
}

/// The kind of consent given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// 同意 (个人信息保护法 14).
    Consent,
    /// 单独同意 (个人信息保护法 23, 29).
    SeparateConsent,
    /// 书面同意 (个人信息保护法 29).
    WrittenConsent,
}

impl Basis {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Consent, Self::SeparateConsent, Self::WrittenConsent];

    /// Its name in tokens and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::SeparateConsent => "separate_consent",
            Self::WrittenConsent => "written_consent",
        }
    }
}

/// Reads claims so that all of the text was understood: no unknown, repeated or positional member at any level.
pub(super) fn read<T: Serialize + DeserializeOwned>(payload: &[u8]) -> Result<T, Code> {
    let document = crate::json::from_slice(payload).map_err(|_| Code::C402)?;
    let claims = T::deserialize(&document).map_err(|_| Code::C402)?;
    // The derive also reads structures from arrays, by position. Such a text does not come out again as it went in.
    let again = serde_json::to_value(&claims).map_err(|_| Code::C402)?;
    if contains(&again, &document) { Ok(claims) } else { Err(Code::C402) }
}

/// Whether all of `part` is in `whole`, with the same shape. (`whole` also has members that default.)
fn contains(whole: &serde_json::Value, part: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (whole, part) => whole == part,
    }
}
