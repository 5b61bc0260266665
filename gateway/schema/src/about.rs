//! What the API says about itself, about what it refuses, and to anyone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Instant, Name, RequestId, Role};

/// What is wrong with one field or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Where: `spec.window.until`, `?limit` for a parameter, empty for the whole.
    pub path: String,
    /// The same as a JSON pointer (RFC 6901) into what was sent. Not of a parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong there, in English.
    pub reason: String,
    /// The same in Chinese, where it is a sentence of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_zh: Option<String>,
}

impl Fault {
    /// What is wrong, in both languages.
    #[must_use]
    pub fn in_both(&self) -> String {
        match &self.reason_zh {
            Some(zh) => format!("{} · {zh}", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// Why a request is refused (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Address of the page about the code.
    #[schemars(extend("format" = "uri-reference"))]
    pub r#type: String,
    /// What the code says.
    pub title: String,
    /// The status of the answer.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// The code.
    pub code: String,
    /// Names the request.
    pub request_id: RequestId,
    /// Every fault, where the code is about what was submitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub faults: Vec<Fault>,
}

/// A role and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleTitle {
    /// The role.
    pub role: Role,
    /// What it is called, in Chinese.
    pub title: String,
}

/// A rule by which cases are decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// Null where the rule does not exist here.
    pub value: Value,
    /// The article that gives it.
    pub article: Option<String>,
}

/// By which rules cases are decided; terms are in working days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// What they are called.
    pub title: String,
    /// Whose they are.
    #[schemars(extend("enum" = ["province", "local"]))]
    pub level: String,
    /// All of them.
    pub items: Vec<Rule>,
    /// Null: there is no further page.
    pub next: (),
}

/// For how long a renewed certificate is applied for and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renewal {
    /// Days before its end from which it can be asked for.
    pub window_days: u16,
    /// For how long it holds at most.
    pub years_max: u16,
}

/// Who operates a product, or registered a data resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicOperator {
    /// The organisation.
    pub organisation: Name,
    /// What it is called.
    pub title: String,
}

/// From when until when a certificate holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicWindow {
    /// The first instant.
    pub from: Instant,
    /// The first instant after.
    pub until: Instant,
}

/// What is under publicity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Publicity {
    /// Whether it is a first registration or a change.
    #[schemars(extend("enum" = ["first", "change"]))]
    pub matter: String,
    /// The name to be registered.
    pub title: String,
    /// What the data is about.
    pub r#abstract: String,
    /// When the publicity began.
    pub from: Instant,
    /// When it ends; null where the rules set it no term.
    pub until: Option<Instant>,
}

/// What is promised to the people of a person-space (人群), as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicBudget {
    /// The person-space.
    pub name: Name,
    /// What it counts in.
    #[schemars(extend("enum" = ["pure-eps", "rho"]))]
    pub measure: String,
    /// Its lifetime cap, ε or ρ as quoted decimal text.
    pub cap: String,
    /// What the cap means: by at most so much more likely does any outcome become by one person's being in the data, e^ε to one.
    pub odds: String,
    /// Whether the cap is above the ceiling of the rules.
    pub above_ceiling: bool,
    /// Why the cap is above the ceiling: the reason of the act that put it there; empty where it is not above.
    pub reason: String,
    /// Data sets over these people of which one query may take more than the ceiling of the rules.
    pub queries: Vec<PublicQuery>,
    /// Raises of a cap over these people that are under publicity or count, the latest first.
    pub raises: Vec<PublicRaise>,
}

/// A data set of which one query may take more than the ceiling of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicQuery {
    /// The data set.
    pub data_set: Name,
    /// The most that one query may take, ε or ρ as quoted decimal text.
    pub per_query_max: String,
    /// What that means, e^ε to one.
    pub odds: String,
    /// Why: the reason of the act that put it above the ceiling; empty where that was before reasons were asked for.
    pub reason: String,
}

/// A raise of a privacy cap, decided by different organisations together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicRaise {
    /// The case.
    pub case: Name,
    /// Whether it is under publicity still, or counts.
    #[schemars(extend("enum" = ["publicity", "in-force"]))]
    pub state: String,
    /// The data set whose own cap it is; null where it is the person-space's.
    pub data_set: Option<Name>,
    /// Up to where the cap may be declared.
    pub cap: String,
    /// What the cap meant when the raise was applied for, e^ε to one.
    pub odds_now: String,
    /// What it would mean.
    pub odds_then: String,
    /// Why.
    pub cause: String,
    /// When the case was last written.
    pub at: Instant,
}

/// A registration as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicRegistration {
    /// Its name.
    pub name: Name,
    /// The registered name.
    pub title: String,
    /// Whether a product or a data resource is registered.
    #[schemars(extend("enum" = ["product", "resource"]))]
    pub r#type: String,
    /// Null for a data resource.
    pub product: Option<Name>,
    /// Who operates the product, or registered the data resource.
    pub operator: Option<PublicOperator>,
    /// The certificate's code; null before it is issued.
    pub code: Option<String>,
    /// From when until when the certificate holds.
    pub window: Option<PublicWindow>,
    /// What the registration is worth.
    #[schemars(extend("enum" = STANDINGS))]
    pub state: String,
    /// Whether an objection is open (异议标注).
    pub objected: bool,
    /// Whether the certificate is good now.
    pub valid: bool,
    /// What is under publicity now (公示); anyone with an account may object to it.
    pub publicity: Option<Publicity>,
}

/// Standings of a public registration.
pub const STANDINGS: [&str; 6] = ["publicity", "certified", "suspended", "cancelled", "expired", "revoked"];
