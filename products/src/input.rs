//! Input contracts (输入合约): what a request's body must be, and whom it is about.
//!
//! A body is parsed once, strictly, into one JSON value; the product's JSON Schema and the subject's identifier are
//! checked on that value. A refusal names a place of the contract, never a value and never a key that the caller
//! made up: keys may be personal data too.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use shuzha_core::{Code, Refusal};
use shuzha_privacy::blind::Element;
use shuzha_privacy::subject::{CanonicalId, IdKind};

use crate::product::Operation;

mod choice;
mod compile;
mod node;
mod pattern;
mod plain;
mod strict;
mod walk;

pub use choice::Choice;
pub(crate) use compile::always_text;
use node::Node;
pub use strict::{DEPTH_MAX, NUMBER_MAX};
use walk::{Stop, Walk, pointer};

/// Largest body that is read against a contract, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Most values of one body: each member and element counts, as does whatever holds them.
pub const VALUES_MAX: usize = 1 << 17;
/// Most steps of checking one body, and the most that a contract may ask for. A step is a value looked at, 64 bytes of
/// text counted, or one byte of text against one state of a pattern: ten million take less than a tenth of a second.
pub const STEPS_MAX: u64 = 10_000_000;
/// Longest text where a contract states no `maxLength`, in characters.
pub const LENGTH_DEFAULT: usize = 4_096;
/// Most elements where a contract states no `maxItems`.
pub const ITEMS_DEFAULT: usize = 1_000;
/// Most members where a contract states no `maxProperties`.
pub const MEMBERS_DEFAULT: usize = 1_000;
/// Most schemas in one contract.
const SCHEMAS_MAX: usize = 4_096;
/// Most schemas within one another, references followed.
const HEIGHT_MAX: usize = 64;
/// Most patterns in one contract.
const PATTERNS_MAX: usize = 64;
/// Most values in one `enum` or `const`, whatever is in them counted.
const FIXED_VALUES_MAX: u64 = 10_000;

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

/// A compiled input contract: acyclic, and of bounded cost.
pub struct InputContract {
    /// The root stands last.
    nodes: Vec<Node>,
    /// Whether `/elements` holds blinded elements.
    is_blinded: bool,
}

impl fmt::Debug for InputContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputContract").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl InputContract {
    /// Compiles a contract: the subset of JSON Schema (draft 2020-12) that `docs/input-contracts.md` names. There is no
    /// recursion, every length and count has a bound, patterns run in linear time, and no value within the bounds takes
    /// more than [`STEPS_MAX`] steps. The root must be a closed object: what a contract does not list does not reach a
    /// product service.
    ///
    /// # Errors
    /// Why the schema cannot be used, with the place.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        compile::contract(schema).map(|nodes| Self { nodes, is_blinded: false })
    }

    /// The contract of a blinded operation, from the schema its kind makes.
    pub(crate) fn blinded(schema: &Value) -> Self {
        let contract = Self::compile(schema).expect("the fixed contract of blinded requests compiles");
        Self { is_blinded: true, ..contract }
    }

    /// Most steps that checking a body takes.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.nodes.last().map_or(0, |root| root.shape.cost)
    }

    /// Whether a request can hold somebody's identifier, at another place than `but`: a text that is none of an enumeration, a
    /// number of many digits, a member or element of any shape. What cannot be told counts.
    pub(crate) fn may_identify(&self, but: Option<&str>) -> bool {
        let root = self.nodes.last().expect("a contract has a root");
        let own = but.and_then(|pointer| root.members.listed.get(pointer.strip_prefix('/')?));
        let others = self.nodes.iter().enumerate().filter(|(at, _)| own != Some(at));
        others.map(|(_, node)| node).any(Node::may_identify)
    }

    /// Whether a request holds the text at `pointer` and nothing else that could be chosen.
    pub(crate) fn is_only(&self, pointer: &str) -> bool {
        let members = &self.nodes.last().expect("a contract has a root").members.listed;
        let named = pointer.strip_prefix('/');
        members.len() == 1 && named.is_some_and(|name| members.contains_key(name))
    }

    /// The fixed places of a request and what may stand there, by pointer and in the order of pointers: what whoever asks may
    /// choose. None where a request may hold more than that: lists, members that are not named, branches.
    #[must_use]
    pub fn choices(&self) -> Option<BTreeMap<String, Choice>> {
        let mut found = BTreeMap::new();
        let root = self.nodes.len() - 1;
        choice::collect(&self.nodes, root, String::new(), &mut found).then_some(found)
    }

    /// Checks `value`; gives the steps that it took.
    fn meets(&self, value: &Value) -> Result<u64, Refusal> {
        let mut walk = Walk::new(&self.nodes);
        match walk.check(self.nodes.len() - 1, value) {
            Ok(()) => Ok(walk.steps),
            Err(Stop::Steps) => Err(Code::C313.into()),
            Err(Stop::Fault(tokens)) => {
                let place = pointer(&tokens);
                let code = if self.is_blinded && place == "/epoch" && value.get("epoch").is_some() {
                    Code::C311
                } else {
                    Code::C302
                };
                Err(Refusal::at(code, place))
            }
        }
    }
}

/// What a request says that could name somebody, in a fixed order: its texts and its numbers of many digits.
#[must_use]
pub fn said(body: &[u8]) -> Vec<String> {
    let mut said = Vec::new();
    let mut left: Vec<Value> = serde_json::from_slice(body).ok().into_iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => said.push(text),
            Value::Number(number) if node::identifies(&number) => said.push(number.to_string()),
            Value::Array(items) => left.extend(items),
            Value::Object(members) => {
                let mut members: Vec<_> = members.into_iter().collect();
                members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                left.extend(members.into_iter().map(|(_, value)| value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    said
}

/// Checks the body of a request against the operation's input contract and extracts the subject.
///
/// # Errors
/// C301 not JSON; C302 against the contract or text that is not plain, with the place; C304 too deep or a number out of range; C305 the
/// subject's identifier is not canonical; C306 a key is repeated; C310 a blinded element is none; C311 another epoch;
/// C312 more bytes than the operation takes, or more bytes or values than a contract may; C313 more steps.
pub fn check(operation: &Operation, body: &[u8]) -> Result<Parsed, Refusal> {
    let Some(contract) = &operation.input else {
        let empty = Parsed { value: Value::Null, subject: None, blinded: Vec::new() };
        return if body.is_empty() { Ok(empty) } else { Err(Refusal::at(Code::C302, "")) };
    };
    if body.len() > operation.request_bytes_max.unwrap_or(BODY_BYTES_MAX) {
        return Err(Code::C312.into());
    }
    let value = strict::parse(body)?;
    contract.meets(&value)?;
    plain::check(&contract.nodes, &value)?;
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
