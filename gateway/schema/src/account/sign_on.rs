//! Signing on, and what a person does to their own account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Account;
use crate::{IdNumber, Instant, Moment, Name, Role};

/// Longest password in characters.
pub const PASSWORD_MAX: usize = 256;

/// Signs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignIn {
    /// The account.
    #[schemars(length(min = 1, max = 28))]
    pub name: String,
    /// Its password.
    #[schemars(length(min = 1, max = PASSWORD_MAX))]
    pub password: String,
    /// A one-time or recovery code, where the account has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = 64))]
    pub code: Option<String>,
}

/// What a person is told when they have signed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The account.
    pub account: Account,
    /// For `X-CSRF-Token`.
    pub csrf: String,
    /// Until when.
    pub until: Instant,
    /// Whether the password is to be changed first.
    pub must_change_password: bool,
    /// Until one-time codes are enrolled the account may do nothing else (C1110).
    pub must_enrol_one_time_code: bool,
}

/// Makes the first account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FirstAdministrator {
    /// That the first start left in a file.
    #[schemars(length(min = 1, max = 128))]
    pub token: String,
    /// The name to sign on with.
    pub name: Name,
    /// The organisation they act for.
    pub organisation: Name,
    /// The person's name.
    #[schemars(length(min = 1, max = 100))]
    pub person: String,
    /// The natural person's.
    pub id_number: IdNumber,
    /// The password.
    #[schemars(length(min = 1, max = PASSWORD_MAX))]
    pub password: String,
}

/// Who one is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The account.
    pub account: Name,
    /// For which organisation.
    pub organisation: Name,
    /// The person's name.
    pub person: String,
    /// In which roles.
    #[schemars(extend("uniqueItems" = true))]
    pub roles: Vec<Role>,
    /// Whether by an API token.
    pub by_token: bool,
    /// Whether for reading only.
    pub read_only: bool,
    /// Until when.
    pub until: Instant,
    /// Whether the password is to be changed first.
    pub must_change_password: bool,
    /// Whether one-time codes are to be enrolled first.
    pub must_enrol_one_time_code: bool,
    /// For `X-CSRF-Token`; null by token.
    pub csrf: Option<String>,
}

/// Changes one's password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetPassword {
    /// The present one.
    #[schemars(length(min = 1, max = PASSWORD_MAX))]
    pub present: String,
    /// The new one.
    #[schemars(length(min = 1, max = PASSWORD_MAX))]
    pub password: String,
}

/// What a device is set up with for one-time codes (RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enrolment {
    /// The secret, in base 32.
    pub secret: String,
    /// The same as an `otpauth:` address.
    pub address: String,
}

/// A one-time code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OneTimeCode {
    /// The code.
    #[schemars(length(min = 1, max = 64))]
    pub code: String,
}

/// Codes in place of a lost device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    /// Each good once; shown here only.
    pub recovery_codes: Vec<String>,
}

/// An API token, without what it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What its owner calls it.
    pub name: Name,
    /// What it may act as.
    #[schemars(extend("uniqueItems" = true))]
    pub roles: Vec<Role>,
    /// Whether it may only read.
    pub read_only: bool,
    /// When it was made.
    pub created: Instant,
    /// When it expires.
    pub until: Instant,
}

/// An API token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewToken {
    /// What to call it.
    pub name: Name,
    /// What it may act as.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub roles: Vec<Role>,
    /// Whether it may only read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub read_only: bool,
    /// When it expires.
    pub until: Moment,
}

/// An API token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeToken {
    /// What it is called.
    pub name: Name,
    /// When it expires.
    pub until: Instant,
    /// Null in the answer to a retry.
    pub token: Option<String>,
    /// Whether this answers a retry: the token was shown the first time and is not shown again.
    pub already_shown: bool,
}

/// Opens an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenInvitation {
    /// That was sent.
    #[schemars(length(min = 1, max = 128))]
    pub token: String,
    /// That whoever confirmed handed over, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = 64))]
    pub code: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedInvitation {
    /// Whose.
    pub account: Account,
    /// Until when it holds.
    pub until: Instant,
    /// What a device is set up with, where one-time codes are needed.
    pub enrolment: Option<Enrolment>,
}

/// Accepts an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: OpenInvitation,
    /// The person's own password.
    #[schemars(length(min = 1, max = PASSWORD_MAX))]
    pub password: String,
    /// The first code of their device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = 64))]
    pub one_time_code: Option<String>,
}

/// Whoever accepted an invitation has signed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedInvitation {
    /// As by name and password.
    #[serde(flatten)]
    pub signed_in: SignedIn,
    /// Codes in place of a lost device.
    #[serde(flatten)]
    pub recovery: RecoveryCodes,
}
