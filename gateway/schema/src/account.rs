//! Accounts, how they sign on, and what two persons decide about them.

mod sign_on;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{IdNumber, Instant, Name, Role};

pub use sign_on::{
    AcceptInvitation, AcceptedInvitation, Enrolment, FirstAdministrator, MadeToken, Me, NewToken,
    OneTimeCode, OpenInvitation, OpenedInvitation, PASSWORD_MAX, RecoveryCodes, SetPassword, SignIn,
    SignedIn, Token,
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The name to sign on with.
    pub name: Name,
    /// The `ETag`.
    #[schemars(range(min = 1))]
    pub version: u64,
    /// Who the person is and may do.
    #[serde(flatten)]
    pub profile: ShownProfile,
}

/// Who a person is and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownProfile {
    /// The organisation they act for.
    pub organisation: Name,
    /// The person's name.
    pub person: String,
    /// What they may act as.
    pub roles: Vec<Role>,
    /// Whether signing on is closed to them.
    pub disabled: bool,
}

/// Who a person is to be and may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The organisation they act for.
    pub organisation: Name,
    /// The person's name.
    #[schemars(length(min = 1, max = 100))]
    pub person: String,
    /// What they may act as.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub roles: Vec<Role>,
    /// Whether signing on is closed to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub disabled: bool,
    /// The natural person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub id_number: Option<IdNumber>,
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewAccount {
    /// The name to sign on with.
    pub name: Name,
    /// Who the person is.
    #[serde(flatten)]
    pub profile: Profile,
}

/// An account that was made or reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeAccount {
    /// The account.
    pub account: Account,
    /// Until when the person's invitation holds; null where none was sent now.
    pub invited_until: Option<Instant>,
}

/// Who asked for something or decided it, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// The account.
    pub account: Name,
    /// For which organisation.
    pub organisation: Name,
    /// When.
    pub at: Instant,
}

/// What an administrator asked for and a second person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRequest {
    /// Its name.
    pub name: Name,
    /// What is to be done.
    #[schemars(extend("enum" = ["create", "change", "reset-password", "remove-one-time-code", "link", "bind"]))]
    pub verb: String,
    /// To which account.
    pub account: Name,
    /// As what, where it is made or changed.
    pub profile: Option<ShownProfile>,
    /// The identity provider, for a link.
    pub issuer: Option<String>,
    /// The identity there.
    pub subject: Option<String>,
    /// Who asked.
    pub by: Party,
    /// When it lapses.
    pub expires: Instant,
    /// How it stands.
    #[schemars(extend("enum" = ["open", "confirmed", "refused", "withdrawn", "expired"]))]
    pub state: String,
    /// Who decided.
    pub decided: Option<Party>,
}

/// Something waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingRequest {
    /// What waits.
    pub request: AccountRequest,
}

/// What was done, or waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Handled<T> {
    /// It waits.
    Waits(Box<WaitingRequest>),
    /// It was done.
    Done(T),
}

/// A request as it stands after it was decided, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecidedRequest {
    /// The request.
    pub request: AccountRequest,
    /// The account, where it was made or changed.
    pub account: Option<Account>,
    /// Until when the person's invitation holds; null where none was sent now.
    pub invited_until: Option<Instant>,
    /// What the person needs beside their invitation: to be handed over by whoever confirmed. Shown here only.
    pub code: Option<String>,
}

/// An identity of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The provider.
    #[schemars(length(min = 1, max = 255))]
    pub issuer: String,
    /// The identity there.
    #[schemars(length(min = 1, max = 255))]
    pub subject: String,
}
