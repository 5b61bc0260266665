//! Refusal codes. They are declared once, in `gateway/core/codes.toml`: status, cause, action and effect in both languages.
//!
//! The leading digit is the stage that refuses (DESIGN §2), so precedence is pipeline order; `C0xx` is the gate
//! itself: what reached it was not yet a call, or the gate cannot serve. `C1xxx` is the control plane. Enum and pages
//! (`docs/errors/`) are written from the table by `cargo xtask pages`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Lang;

macro_rules! codes {
    ($($name:ident $status:literal $zh:literal $en:literal;)*) => {
        /// A stable refusal code. Messages never hold data of the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each code's meaning is its message and its page in docs/errors")]
        pub enum Code { $($name,)* }

        impl Code {
            /// Every code, in order of precedence.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code's name, `C401`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The HTTP status the caller sees.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One sentence for people: what happened.
            #[must_use]
            pub const fn title(self, lang: $crate::Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, $crate::Lang::Zh) => $zh, (Self::$name, $crate::Lang::En) => $en,)*
                }
            }
        }
    };
}

mod table;

pub use table::Code;

impl Code {
    /// The stage that refuses with this code: 1–9, 0 for the gate itself, 10 and more for the control plane.
    #[must_use]
    pub fn stage(self) -> u8 {
        u8::try_from(self.number() / 100).expect("a number has at most four digits and begins with 1 then")
    }

    /// The number after the `C`, as the journal keeps it.
    #[must_use]
    pub fn number(self) -> u16 {
        self.as_str()[1..].parse().expect("a code is C and digits")
    }

    /// The code with this number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a refusal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refusal code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

/// An expected refusal: the caller's to mend, with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// Where in the request the fault lies: a JSON pointer or header name, never a value.
    pub at: Option<String>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// How many bytes the package has whose range was asked for outside of it (RFC 9110 §15.5.17).
    pub package_bytes: Option<u64>,
}

impl Refusal {
    /// A refusal with a place in the request.
    #[must_use]
    pub fn at(code: Code, place: impl Into<String>) -> Self {
        Self { at: Some(place.into()), ..Self::from(code) }
    }

    /// A refusal that says when to try again.
    #[must_use]
    pub fn retry(code: Code, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::from(code) }
    }

    /// A refusal of a range outside a package of so many bytes.
    #[must_use]
    pub fn outside(code: Code, package_bytes: u64) -> Self {
        Self { package_bytes: Some(package_bytes), ..Self::from(code) }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, at: None, retry_after: None, package_bytes: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.code.title(Lang::En))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses per stage, as DESIGN §2 promises them.
    #[test]
    fn statuses_follow_the_stage() {
        for &code in Code::ALL {
            let allowed: &[u16] = match code.stage() {
                0 => &[400, 404, 405, 408, 411, 413, 429, 431, 500, 503],
                1 => &[401, 429, 503],
                2 => &[403],
                3 => &[409, 422],
                4 => &[403, 503],
                5 => &[429],
                6 => &[403, 429],
                7 => &[402, 403],
                8 => &[408, 502, 503, 504],
                9 => &[403, 416, 502],
                10.. => &[400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 428, 429, 503],
            };
            assert!(allowed.contains(&code.status()), "{code} has {}", code.status());
        }
    }

    #[test]
    fn codes_are_in_order_and_read_back() {
        assert!(Code::ALL.is_sorted());
        for &code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
        assert!("C999".parse::<Code>().is_err());
    }
}
