//! A compiled input contract: nodes that refer to one another by place, each with what it can cost.

use std::collections::HashMap;

use serde_json::{Number, Value};

use super::pattern::{Format, Pattern};

/// Kinds of JSON values, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const BOOLEAN: Self = Self(1 << 1);
    pub(super) const INTEGER: Self = Self(1 << 2);
    /// Every number, whole ones included.
    pub(super) const NUMBER: Self = Self(1 << 3 | 1 << 2);
    pub(super) const STRING: Self = Self(1 << 4);
    pub(super) const ARRAY: Self = Self(1 << 5);
    pub(super) const OBJECT: Self = Self(1 << 6);
    pub(super) const ALL: Self = Self(0x7f);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The narrowest type of `value`.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            // `1.0` is whole (JSON Schema 2020-12 §6.1.1).
            Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => Self::INTEGER,
            Value::Number(_) => Self(1 << 3),
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }
}

/// What is asked of the members or elements that are not listed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rest {
    Any,
    Never,
    Is(usize),
}

/// What is asked of text. Lengths in characters.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
}

/// What is asked of a number.
#[derive(Debug, Default)]
pub(super) struct Range {
    pub(super) least: Option<Number>,
    pub(super) above: Option<Number>,
    pub(super) most: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) step: Option<Number>,
}

/// What is asked of an array.
#[derive(Debug)]
pub(super) struct List {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) unique: bool,
    pub(super) first: Vec<usize>,
    pub(super) rest: Rest,
}

/// What is asked of an object.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) required: Vec<String>,
    /// Where the first is there, the second must be.
    pub(super) together: Vec<(String, String)>,
    pub(super) listed: HashMap<String, usize>,
    pub(super) rest: Rest,
}

/// Branches of a combinator.
#[derive(Debug, Default)]
pub(super) struct Branches {
    pub(super) all: Vec<usize>,
    pub(super) any: Vec<usize>,
    pub(super) one: Vec<usize>,
    pub(super) not: Option<usize>,
    pub(super) when: Option<usize>,
    pub(super) then: Option<usize>,
    pub(super) otherwise: Option<usize>,
}

impl Branches {
    pub(super) fn every(&self) -> impl Iterator<Item = usize> + '_ {
        let single = [self.not, self.when, self.then, self.otherwise];
        let lists = self.all.iter().chain(&self.any).chain(&self.one);
        lists.copied().chain(single.into_iter().flatten())
    }
}

/// What a node is, apart from what it asks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// Most steps that checking a value against it takes.
    pub(super) cost: u64,
    /// Nodes on the longest way down.
    pub(super) height: usize,
    /// Whether a combinator stands in it.
    pub(super) combines: bool,
    /// Whether an array stands in it that holds a combinator.
    pub(super) lists_combinators: bool,
}

/// One schema.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) types: Types,
    pub(super) fixed: Option<Vec<Value>>,
    pub(super) refers: Option<usize>,
    pub(super) text: Text,
    pub(super) range: Range,
    pub(super) list: List,
    pub(super) members: Members,
    pub(super) branches: Branches,
    pub(super) shape: Shape,
}

impl Node {
    /// A node that asks nothing, of values of these types.
    pub(super) fn open(types: Types) -> Self {
        Self {
            types,
            fixed: None,
            refers: None,
            text: Text { least: 0, most: usize::MAX, pattern: None, format: None },
            range: Range::default(),
            list: List { least: 0, most: usize::MAX, unique: false, first: Vec::new(), rest: Rest::Any },
            members: Members {
                least: 0,
                most: usize::MAX,
                required: Vec::new(),
                together: Vec::new(),
                listed: HashMap::new(),
                rest: Rest::Any,
            },
            branches: Branches::default(),
            shape: Shape { cost: 1, height: 1, ..Shape::default() },
        }
    }
}

/// Numbers below it name nobody: pages, years, thresholds.
const SMALL: f64 = 100_000.0;

/// Whether a number has so many digits that it may name somebody.
pub(super) fn identifies(number: &Number) -> bool {
    number.as_f64().is_none_or(|value| value.abs() >= SMALL)
}

impl Node {
    /// Whether a value that meets this node can hold an identifier.
    pub(super) fn may_identify(&self) -> bool {
        if self.fixed.is_some() {
            return false;
        }
        let bound = |bound: &Option<Number>| bound.as_ref().is_some_and(|number| !identifies(number));
        let small = (bound(&self.range.least) || bound(&self.range.above))
            && (bound(&self.range.most) || bound(&self.range.below));
        // Anything, as where nothing refers to what it is, may be anything.
        let any = |rest: Rest| matches!(rest, Rest::Any);
        self.refers.is_none()
            && (self.types.meets(Types::STRING)
                || self.types.meets(Types::NUMBER) && !small
                || self.types.meets(Types::ARRAY) && any(self.list.rest)
                || self.types.meets(Types::OBJECT) && any(self.members.rest))
    }
}

/// Whether two JSON values are equal: numbers by value, `1` and `1.0` alike (JSON Schema 2020-12 §4.2.2).
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64() == other.as_f64(),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let member = |(name, value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(member)
        }
        _ => one == other,
    }
}

/// How many values `value` is made of.
pub(super) fn values_in(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(values_in).sum(),
        Value::Object(members) => members.values().map(values_in).sum(),
        _ => 0,
    }
}
