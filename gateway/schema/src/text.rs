//! Texts of one form.

use std::borrow::Cow;
use std::fmt::{self, Display};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$about:meta])* $name:ident = $schema:tt;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// As what knows the form writes it.
            #[must_use]
            pub fn of(value: impl Display) -> Self {
                Self(value.to_string())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

texts! {
    /// An amount of money.
    Yuan = {"type": "string", "pattern": "^-?[0-9]+([.][0-9]{1,6})?$", "description": "Yuan, as decimal text."};
    /// A calendar month.
    Month = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "description": "A month in Asia/Shanghai."};
    /// A point in time.
    Instant = {"type": "string", "format": "date-time", "description": "RFC 3339."};
    /// A point in time as a caller may write it.
    Moment = {
        "type": "string",
        "description": "A date in China (its first instant), or an instant with its offset.",
        "anyOf": [{"format": "date"}, {"format": "date-time"}],
    };
    /// A digest of 32 bytes.
    Digest = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Lower-case hexadecimal."};
    /// A name of something.
    Name = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,27}$"};
    /// The place of an act in the order of all acts, as a `cursor` has it.
    Revision = {"type": "string", "pattern": "^[0-9]{1,18}$"};
    /// The id of a request.
    RequestId = {"type": "string", "format": "uuid"};
    /// What an account may act as.
    Role = {"enum": [
        "authority", "registrar", "provider", "operator", "expert", "application_unit", "pricing", "finance", "auditor",
        "data_subject", "sre",
    ]};
    /// The number in a person's papers.
    IdNumber = {
        "type": "string", "pattern": "^[0-9]{17}[0-9X]$",
        "description": "公民身份号码; a keyed hash or a pseudonym is made of it, and the number is not kept.",
    };
    /// Why something is done.
    Reason = {"type": "string", "maxLength": 2_000, "description": "Why; kept with the act."};
}
