//! What of a request can be chosen, place by place.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::node::{Node, Rest, Types};

/// What may stand at one place of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// One of these.
    Among(Vec<Value>),
    /// A number.
    Number {
        /// Least value, where there is one.
        least: Option<f64>,
        /// Most.
        most: Option<f64>,
        /// Whether it is a whole number.
        whole: bool,
    },
    /// A text that is in no list.
    Text,
}

/// Adds what may be chosen at and below `at`; whether that is all there is.
pub(super) fn collect(
    nodes: &[Node],
    at: usize,
    pointer: String,
    found: &mut BTreeMap<String, Choice>,
) -> bool {
    let node = &nodes[at];
    if let Some(other) = node.refers {
        return collect(nodes, other, pointer, found);
    }
    if node.branches.every().next().is_some() {
        return false;
    }
    if let Some(values) = &node.fixed {
        found.insert(pointer, Choice::Among(values.clone()));
    } else if node.types == Types::OBJECT {
        let below = |(name, at): (&String, &usize)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            collect(nodes, *at, format!("{pointer}/{name}"), found)
        };
        return matches!(node.members.rest, Rest::Never) && node.members.listed.iter().all(below);
    } else if node.types == Types::BOOLEAN {
        found.insert(pointer, Choice::Among(vec![Value::Bool(false), Value::Bool(true)]));
    } else if node.types == Types::STRING {
        found.insert(pointer, Choice::Text);
    } else if Types::NUMBER.holds(node.types) && node.types != Types::NONE {
        let value = |one: &Option<Number>, other: &Option<Number>| {
            one.as_ref().or(other.as_ref()).and_then(Number::as_f64)
        };
        found.insert(
            pointer,
            Choice::Number {
                least: value(&node.range.least, &node.range.above),
                most: value(&node.range.most, &node.range.below),
                whole: node.types == Types::INTEGER,
            },
        );
    } else {
        return false;
    }
    true
}
