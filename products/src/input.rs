//! Input contracts (输入合约): what a request's body must be, and whom it is about.
//!
//! A body is parsed once, strictly, into one JSON value; the product's JSON Schema and the subject's identifier are
//! checked on that value. A refusal names a place of the contract, never a value and never a key that the caller
//! made up: keys may be personal data too.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;
use shuzha_core::{Code, Refusal};
use shuzha_privacy::blind::Element;
use shuzha_privacy::subject::{CanonicalId, IdKind};

use crate::product::Operation;

mod compile;
mod strict;

pub(crate) use compile::always_text;
pub use strict::{DEPTH_MAX, NUMBER_MAX};

/// Most digits of a number in a refusal's place that can only be an array's index, not an identifier.
const INDEX_DIGITS_MAX: usize = 4;

/// Where a request names its subject.
#[derive(Clone, Debug)]
pub struct SubjectRule {
    /// What kind of subject.
    pub kind: IdKind,
    /// JSON pointer (RFC 6901) of its identifier in the request.
    pub pointer: String,
}

/// A request that met its contract.
#[derive(Clone)]
pub struct Parsed {
    /// The body; null for an operation without one.
    pub value: Value,
    /// Whom it is about, in canonical form, where the operation says.
    pub subject: Option<CanonicalId>,
    /// The blinded elements, where the operation takes such: whom they are of cannot be known.
    pub blinded: Vec<Element>,
}

impl Parsed {
    /// How many answers are asked for: each is metered and paid for.
    #[must_use]
    pub fn parts(&self) -> u32 {
        u32::try_from(self.blinded.len()).unwrap_or(u32::MAX).max(1)
    }
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A compiled input contract.
pub struct InputContract {
    validator: jsonschema::Validator,
    /// Property names that the schema declares: the only ones a refusal may repeat.
    names: HashSet<String>,
    /// Whether `/elements` holds blinded elements.
    is_blinded: bool,
}

impl fmt::Debug for InputContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputContract").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

impl InputContract {
    /// Compiles a JSON Schema (draft 2020-12). References outside the schema are refused, formats are asserted and
    /// unknown formats refused, patterns run in linear time. The root must be a closed object: what a contract does
    /// not list does not reach a product service.
    ///
    /// # Errors
    /// Why the schema cannot be used.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        compile::contract(schema)
    }

    /// The contract of a blinded operation, from the schema its kind makes.
    pub(crate) fn blinded(schema: &Value) -> Self {
        let contract = compile::contract(schema).expect("the fixed contract of blinded requests compiles");
        Self { is_blinded: true, ..contract }
    }

    fn refuse(&self, value: &Value) -> Refusal {
        let Err(error) = self.validator.validate(value) else { return Code::C302.into() };
        let path = error.instance_path().as_str();
        if self.is_blinded && path == "/epoch" {
            return Refusal::at(Code::C311, path);
        }
        let is_index =
            |token: &str| token.len() <= INDEX_DIGITS_MAX && token.bytes().all(|b| b.is_ascii_digit());
        let known = |token: &str| {
            is_index(token) || self.names.contains(&token.replace("~1", "/").replace("~0", "~"))
        };
        let place: String =
            path.split('/').skip(1).flat_map(|token| ["/", if known(token) { token } else { "*" }]).collect();
        Refusal::at(Code::C302, place)
    }
}

/// Checks the body of a request against the operation's input contract and extracts the subject.
///
/// # Errors
/// C301 not JSON; C302 against the contract, with the place; C304 too deep or a number out of range; C305 the
/// subject's identifier is not canonical; C306 a key is repeated; C310 a blinded element is none; C311 another epoch.
pub fn check(operation: &Operation, body: &[u8]) -> Result<Parsed, Refusal> {
    let Some(contract) = &operation.input else {
        let empty = Parsed { value: Value::Null, subject: None, blinded: Vec::new() };
        return if body.is_empty() { Ok(empty) } else { Err(Code::C302.into()) };
    };
    let value = strict::parse(body)?;
    if !contract.validator.is_valid(&value) {
        return Err(contract.refuse(&value));
    }
    let blinded = if contract.is_blinded { elements(&value)? } else { Vec::new() };
    let subject = operation.subject.as_ref().map(|rule| extract(rule, &value)).transpose()?;
    Ok(Parsed { value, subject, blinded })
}

/// The blinded elements of a request, each in its one encoding.
fn elements(value: &Value) -> Result<Vec<Element>, Refusal> {
    let items = value["elements"].as_array().map_or(&[][..], Vec::as_slice);
    let read = |(at, item): (usize, &Value)| {
        let element = item.as_str().and_then(|text| text.parse().ok());
        element.ok_or_else(|| Refusal::at(Code::C310, format!("/elements/{at}")))
    };
    items.iter().enumerate().map(read).collect()
}

fn extract(rule: &SubjectRule, value: &Value) -> Result<CanonicalId, Refusal> {
    let identifier = value.pointer(&rule.pointer).and_then(Value::as_str);
    let canonical = identifier.and_then(|text| CanonicalId::new(rule.kind, text).ok());
    canonical.ok_or_else(|| Refusal::at(Code::C305, rule.pointer.as_str()))
}

#[cfg(test)]
mod tests;
