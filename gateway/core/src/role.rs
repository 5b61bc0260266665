//! The roles of the control plane (REQUIREMENTS, who uses it).

use std::fmt;
use std::str::FromStr;

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident $code:literal $zh:literal;)*) => {
        /// In what capacity a person acts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role { $($(#[$doc])* $name,)* }

        impl Role {
            /// Every role.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The role's code in interfaces and records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The role's name for people, in Chinese.
            #[must_use]
            pub const fn title_zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }
        }
    };
}

roles! {
    /// Approves scenarios, agreements and exit reviews; suspends and terminates.
    Authority "authority" "数据主管部门";
    /// Accepts, reviews, publicises, certifies and revokes registrations.
    Registrar "registrar" "登记机构";
    /// Approves uses of its data sets and sets their privacy budgets.
    Provider "provider" "数据提供单位";
    /// Publishes products and sets prices under the ceiling.
    Operator "operator" "运营机构";
    /// Gives opinions on scenarios and products.
    Expert "expert" "专家委员会";
    /// Applies for scenarios and calls products.
    ApplicationUnit "application_unit" "应用单位";
    /// Fixes the permitted revenue and the ceilings.
    Pricing "pricing" "发展改革部门";
    /// Pulls metering, closes periods, settles shares.
    Finance "finance" "财政财务";
    /// Verifies the evidence log and reads the audit trail.
    Auditor "auditor" "审计网信";
    /// Grants, lists and withdraws consents.
    DataSubject "data_subject" "个人信息主体";
    /// Runs the nodes and administers accounts.
    Sre "sre" "运维";
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No role has this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}
