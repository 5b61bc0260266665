//! JSON of a request in its unambiguous part: what the gateway checks must be what the product service sees.

use serde_json::Value;
pub use shuzha_core::json::NUMBER_MAX;
use shuzha_core::json::{self, JsonLimits, Numbers, Reason};
use shuzha_core::{Code, Refusal};

use super::VALUES_MAX;

/// Deepest nesting of a request: the root object is level 1.
pub const DEPTH_MAX: usize = 16;

/// Parses a body.
///
/// # Errors
/// C301 not JSON; C304 too deep or a number out of range; C306 a key is repeated; C312 more values than [`VALUES_MAX`].
pub(super) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let limits = JsonLimits { depth: DEPTH_MAX, values: VALUES_MAX, numbers: Numbers::Interoperable };
    json::read(body, limits).map_err(|fault| Refusal::from(code_of(fault.reason)))
}

fn code_of(reason: Reason) -> Code {
    match reason {
        Reason::Syntax => Code::C301,
        Reason::Depth | Reason::Number => Code::C304,
        Reason::Repeated => Code::C306,
        Reason::Values => Code::C312,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_code() {
        let code = |body: &str| parse(body.as_bytes()).err().map(|refusal| refusal.code);
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(code("{"), Some(Code::C301));
        assert_eq!(code("{\"a\":1,\"\\u0061\":1}"), Some(Code::C306));
        assert_eq!(code("9007199254740993.0"), Some(Code::C304));
        assert_eq!((code(&nested(DEPTH_MAX)), code(&nested(DEPTH_MAX + 1))), (None, Some(Code::C304)));
        assert_eq!(code(&format!("[{}0]", "0,".repeat(VALUES_MAX))), Some(Code::C312));
    }
}
