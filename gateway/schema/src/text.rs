//! Texts of one form.

use std::borrow::Cow;
use std::fmt::{self, Display};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$about:meta])* $name:ident: $keyword:literal = $form:literal, $said:literal;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", $keyword: $form, "description": $said})
            }
        }
    )*};
}

texts! {
    /// An amount of money.
    Yuan: "pattern" = "^-?[0-9]+([.][0-9]{1,6})?$", "Yuan, as decimal text.";
    /// A calendar month.
    Month: "pattern" = "^[0-9]{4}-(0[1-9]|1[0-2])$", "A month in Asia/Shanghai.";
    /// A point in time.
    Instant: "format" = "date-time", "RFC 3339.";
    /// A digest of 32 bytes.
    Digest: "pattern" = "^[0-9a-f]{64}$", "Lower-case hexadecimal.";
}
