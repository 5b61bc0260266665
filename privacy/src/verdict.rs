//! Verification answers (核验): consistent 一致, inconsistent 不一致, no record 查无 — and nothing else.
//!
//! A product service answers with codes of its own. They are mapped explicitly; a code that nobody mapped means
//! "cannot verify", never a verdict. All three verdicts leave as the same number of bytes, so that the size of an
//! encrypted answer says nothing (privacy research §3.3).

use std::collections::BTreeMap;

use serde_json::Value;

/// Longest result code that is compared, in bytes.
pub const CODE_BYTES_MAX: usize = 64;

/// The answer to a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// 一致.
    Consistent,
    /// 不一致.
    Inconsistent,
    /// 查无.
    NoRecord,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 3] = [Self::Consistent, Self::Inconsistent, Self::NoRecord];

    /// The verdict's name: `consistent`, `inconsistent`, `no_record`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Inconsistent => "inconsistent",
            Self::NoRecord => "no_record",
        }
    }

    /// The verdict with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == name)
    }

    /// The answer that leaves: `{"result":"consistent"}`, padded before the closing brace with spaces, which JSON
    /// ignores (RFC 8259 §2), to the length of the longest verdict.
    #[must_use]
    pub fn to_json(self) -> Vec<u8> {
        let longest = Self::Inconsistent.as_str().len();
        let padding = longest - self.as_str().len();
        format!("{{\"result\":\"{}\"{:padding$}}}", self.as_str(), "").into_bytes()
    }
}

/// How a product service's result codes read. An unknown code is "cannot verify", never a verdict.
#[derive(Clone, Debug, Default)]
pub struct VerdictMap {
    /// JSON pointer of the result in the product service's answer.
    pub pointer: String,
    /// Result code to verdict. A code that the service sends as an integer or boolean is written as in JSON.
    pub codes: BTreeMap<String, Verdict>,
}

impl VerdictMap {
    /// The verdict in a product service's answer, or `None` where it cannot be verified: the answer is not JSON,
    /// repeats a key anywhere, has nothing at the pointer, or has a code that is not mapped.
    #[must_use]
    pub fn read(&self, answer: &[u8]) -> Option<Verdict> {
        // Of two results under one name, neither is the result: a repeated key is refused.
        let answer = crate::json::from_slice(answer).ok()?;
        let code = match answer.pointer(&self.pointer)? {
            Value::String(code) if code.len() <= CODE_BYTES_MAX => self.codes.get(code),
            Value::Number(number) if !number.is_f64() => self.codes.get(&number.to_string()),
            Value::Bool(flag) => self.codes.get(if *flag { "true" } else { "false" }),
            _ => None,
        };
        code.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> VerdictMap {
        let codes = [("00", Verdict::Consistent), ("1", Verdict::Inconsistent), ("-2", Verdict::NoRecord)];
        VerdictMap {
            pointer: "/data/code".to_owned(),
            codes: codes.map(|(code, verdict)| (code.to_owned(), verdict)).into(),
        }
    }

    #[test]
    fn mapped_codes_read_and_everything_else_is_no_verdict() {
        for (answer, verdict) in [
            (r#"{"data":{"code":"00"}}"#, Some(Verdict::Consistent)),
            (r#"{"data":{"code":"\u0030\u0030"}}"#, Some(Verdict::Consistent)),
            (r#"{"data":{"code":1}}"#, Some(Verdict::Inconsistent)),
            (r#"{"data":{"code":"1"}}"#, Some(Verdict::Inconsistent)),
            (r#"{"data":{"code":-2,"extra":[1]}}"#, Some(Verdict::NoRecord)),
            (r#"{"data":{"code":"0"}}"#, None),
            (r#"{"data":{"code":0}}"#, None),
            (r#"{"data":{"code":1.0}}"#, None),
            (r#"{"data":{"code":true}}"#, None),
            (r#"{"data":{"code":null}}"#, None),
            (r#"{"data":{"code":"00"},"data":{"code":"1"}}"#, None),
            (r#"{"data":{"code":"1","code":"00"}}"#, None),
            (r#"{"data":{"code":"00"}} {}"#, None),
            (r#"{"code":"00"}"#, None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(map().read(answer.as_bytes()), verdict, "{answer}");
        }
    }

    #[test]
    fn all_verdicts_leave_with_one_length_and_read_back() {
        let sizes = Verdict::ALL.map(|verdict| verdict.to_json().len());
        assert!(sizes.iter().all(|&size| size == sizes[0]), "{sizes:?}");
        for verdict in Verdict::ALL {
            let read: Value = serde_json::from_slice(&verdict.to_json()).unwrap();
            assert_eq!(Verdict::from_name(read["result"].as_str().unwrap()), Some(verdict));
        }
        assert_eq!(Verdict::from_name("unknown"), None);
    }
}
