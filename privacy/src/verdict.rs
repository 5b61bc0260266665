//! Verification answers (核验): consistent 一致, inconsistent 不一致, no record 查无 — and nothing else.

use std::collections::BTreeMap;

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

/// How a product service's result codes read. An unknown code is "cannot verify", never a verdict.
#[derive(Clone, Debug, Default)]
pub struct VerdictMap {
    /// JSON pointer of the result in the product service's answer.
    pub pointer: String,
    /// Result code to verdict.
    pub codes: BTreeMap<String, Verdict>,
}
