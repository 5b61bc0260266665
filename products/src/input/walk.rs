//! Checks a value against a contract: the first fault ends it, and every step is counted.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use super::STEPS_MAX;
use super::node::{List, Members, Node, Range, Rest, Text, Types, same, values_in};
use super::pattern::FORMAT_STEPS;

/// Bytes of text that are counted or compared in one step.
pub(super) const STEP_BYTES: usize = 64;

/// Why a value was not taken.
pub(super) enum Stop<'c> {
    /// It does not meet the contract; the place of the fault, innermost token first.
    Fault(Vec<Token<'c>>),
    /// Checking it took more steps than a call may take.
    Steps,
}

/// One token of a place. A key that the caller made up is never repeated: it may be personal data.
#[derive(Clone, Copy)]
pub(super) enum Token<'c> {
    Listed(&'c str),
    At(usize),
    Unlisted,
}

const FAULT: Stop<'static> = Stop::Fault(Vec::new());

/// A place as a JSON pointer (RFC 6901); `*` stands for a key that the contract does not list.
pub(super) fn pointer(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for token in tokens.iter().rev() {
        text.push('/');
        match token {
            Token::Listed(name) => text.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Token::At(index) => write!(text, "{index}").expect("writing to a string cannot fail"),
            Token::Unlisted => text.push('*'),
        }
    }
    text
}

/// One walk over one value.
pub(super) struct Walk<'c> {
    nodes: &'c [Node],
    pub(super) steps: u64,
}

fn within<'c>(inner: Result<(), Stop<'c>>, token: Token<'c>) -> Result<(), Stop<'c>> {
    inner.map_err(|stop| match stop {
        Stop::Fault(mut tokens) => {
            tokens.push(token);
            Stop::Fault(tokens)
        }
        Stop::Steps => Stop::Steps,
    })
}

fn hold<'c>(condition: bool) -> Result<(), Stop<'c>> {
    if condition { Ok(()) } else { Err(FAULT) }
}

impl<'c> Walk<'c> {
    pub(super) fn new(nodes: &'c [Node]) -> Self {
        Self { nodes, steps: 0 }
    }

    fn spend(&mut self, steps: u64) -> Result<(), Stop<'c>> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX { Err(Stop::Steps) } else { Ok(()) }
    }

    /// Checks `value` against the node at `place`: type and size first, then what costs more.
    pub(super) fn check(&mut self, place: usize, value: &Value) -> Result<(), Stop<'c>> {
        let node = &self.nodes[place];
        self.spend(1)?;
        hold(node.types.holds(Types::of(value)))?;
        match value {
            Value::String(text) => self.text(&node.text, text, value)?,
            Value::Number(number) => hold(in_range(&node.range, number))?,
            Value::Array(items) => self.list(&node.list, items)?,
            Value::Object(members) => self.members(&node.members, members)?,
            Value::Null | Value::Bool(_) => {}
        }
        if let Some(fixed) = &node.fixed {
            self.spend(fixed.iter().map(values_in).sum())?;
            hold(fixed.iter().any(|one| same(one, value)))?;
        }
        if let Some(other) = node.refers {
            self.check(other, value)?;
        }
        self.branches(node, value)
    }

    fn text(&mut self, asked: &Text, text: &str, value: &Value) -> Result<(), Stop<'c>> {
        // A character has at most four bytes: what is longer by far is refused without being counted.
        hold(text.len() <= asked.most.saturating_mul(4))?;
        if asked.least > 0 || asked.most < text.len() {
            self.spend((text.len() / STEP_BYTES) as u64)?;
            let characters = text.chars().count();
            hold(characters >= asked.least && characters <= asked.most)?;
        }
        if let Some(pattern) = &asked.pattern {
            self.spend(pattern.states.saturating_mul(text.len() as u64 + 1))?;
            hold(pattern.is_in(text))?;
        }
        if let Some(format) = &asked.format {
            self.spend(FORMAT_STEPS.saturating_mul(text.len() as u64))?;
            hold(format.fits(value))?;
        }
        Ok(())
    }

    fn list(&mut self, asked: &'c List, items: &[Value]) -> Result<(), Stop<'c>> {
        hold(items.len() >= asked.least && items.len() <= asked.most)?;
        for (at, item) in items.iter().enumerate() {
            match (asked.first.get(at), asked.rest) {
                (Some(&place), _) | (None, Rest::Is(place)) => {
                    within(self.check(place, item), Token::At(at))?;
                }
                (None, Rest::Any) => break,
                (None, Rest::Never) => return within(Err(FAULT), Token::At(at)),
            }
        }
        if asked.unique { self.unique(items) } else { Ok(()) }
    }

    /// Whether no element stands twice. All of them are scalars: the contract's compiler saw to it.
    fn unique(&mut self, items: &[Value]) -> Result<(), Stop<'c>> {
        let mut seen = HashSet::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            self.spend(2 + item.as_str().map_or(0, |text| (text.len() / STEP_BYTES) as u64))?;
            let key = Scalar::of(item);
            if !seen.insert(key) {
                return within(Err(FAULT), Token::At(at));
            }
        }
        Ok(())
    }

    fn members(&mut self, asked: &'c Members, members: &Map<String, Value>) -> Result<(), Stop<'c>> {
        self.spend((asked.required.len() + asked.together.len()) as u64)?;
        if let Some(name) = asked.required.iter().find(|name| !members.contains_key(*name)) {
            return within(Err(FAULT), Token::Listed(name));
        }
        // In a closed object the first key that is not listed ends the loop.
        let closed = matches!(asked.rest, Rest::Never);
        hold(members.len() >= asked.least && (closed || members.len() <= asked.most))?;
        for (name, value) in members {
            self.spend(1)?;
            match (asked.listed.get_key_value(name), asked.rest) {
                (Some((listed, &place)), _) => within(self.check(place, value), Token::Listed(listed))?,
                (None, Rest::Is(place)) => within(self.check(place, value), Token::Unlisted)?,
                (None, Rest::Any) => {}
                (None, Rest::Never) => return within(Err(FAULT), Token::Unlisted),
            }
        }
        hold(members.len() <= asked.most)?;
        let apart =
            |pair: &&(String, String)| members.contains_key(&pair.0) && !members.contains_key(&pair.1);
        match asked.together.iter().find(apart) {
            Some((_, missing)) => within(Err(FAULT), Token::Listed(missing)),
            None => Ok(()),
        }
    }

    fn branches(&mut self, node: &'c Node, value: &Value) -> Result<(), Stop<'c>> {
        let branches = &node.branches;
        for &place in &branches.all {
            self.check(place, value)?;
        }
        let mut any = branches.any.is_empty();
        for &place in &branches.any {
            any = self.meets(place, value)?;
            if any {
                break;
            }
        }
        hold(any)?;
        if !branches.one.is_empty() {
            let mut met = 0_u32;
            for &place in &branches.one {
                met += u32::from(self.meets(place, value)?);
                hold(met < 2)?;
            }
            hold(met == 1)?;
        }
        if let Some(place) = branches.not {
            hold(!self.meets(place, value)?)?;
        }
        let Some(condition) = branches.when else { return Ok(()) };
        let next = if self.meets(condition, value)? { branches.then } else { branches.otherwise };
        next.map_or(Ok(()), |place| self.check(place, value))
    }

    fn meets(&mut self, place: usize, value: &Value) -> Result<bool, Stop<'c>> {
        match self.check(place, value) {
            Ok(()) => Ok(true),
            Err(Stop::Fault(_)) => Ok(false),
            Err(Stop::Steps) => Err(Stop::Steps),
        }
    }
}

/// A scalar, such that equal values are equal.
#[derive(PartialEq, Eq, Hash)]
enum Scalar<'v> {
    Null,
    Boolean(bool),
    Whole(i64),
    Real(u64),
    Text(&'v str),
}

impl<'v> Scalar<'v> {
    fn of(value: &'v Value) -> Self {
        match value {
            Value::Bool(value) => Self::Boolean(*value),
            Value::String(text) => Self::Text(text),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::real(number.as_f64().unwrap_or_default()), Self::Whole)
            }
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Null,
        }
    }

    /// `1.0` is the same as `1`.
    fn real(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53 as the parser saw to")]
        let whole = number as i64;
        if number.fract() == 0.0 { Self::Whole(whole) } else { Self::Real(number.to_bits()) }
    }
}

/// Which of two numbers is larger.
fn compare(one: &Number, other: &Number) -> Ordering {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal),
    }
}

fn in_range(asked: &Range, number: &Number) -> bool {
    let is = |bound: &Option<Number>, wanted: &[Ordering]| {
        bound.as_ref().is_none_or(|bound| wanted.contains(&compare(number, bound)))
    };
    is(&asked.least, &[Ordering::Greater, Ordering::Equal])
        && is(&asked.above, &[Ordering::Greater])
        && is(&asked.most, &[Ordering::Less, Ordering::Equal])
        && is(&asked.below, &[Ordering::Less])
        && asked.step.as_ref().is_none_or(|step| is_multiple(number, step))
}

/// Whether `number` is a whole number of `step`s. Fractions are decimal in JSON and binary here: what lies within a
/// billionth of a whole number is one.
fn is_multiple(number: &Number, step: &Number) -> bool {
    const NEAR: f64 = 1e-9;
    if let (Some(number), Some(step)) = (number.as_i64(), step.as_i64()) {
        return number.checked_rem(step) == Some(0) || step == -1;
    }
    let steps = number.as_f64().unwrap_or_default() / step.as_f64().unwrap_or(1.0);
    (steps - steps.round()).abs() <= NEAR * steps.abs().max(1.0)
}
