//! A YAML document as a tree whose nodes know their lines.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

use super::document::{DOCUMENT_BYTES_MAX, Document};

/// Deepest nesting of a document.
const DEPTH_MAX: usize = 32;
/// Most nodes of a document.
const NODES_MAX: usize = 100_000;

/// A node and the line it begins on.
#[derive(Debug)]
pub(crate) struct Node {
    /// Line of the file, from 1.
    pub(crate) line: u32,
    /// Content.
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Debug)]
pub(crate) enum Value {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order. Keys are unique.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Line of the key.
    pub(crate) line: u32,
    /// Key.
    pub(crate) key: String,
    /// Value.
    pub(crate) node: Node,
}

impl Value {
    /// What this is, for messages.
    pub(crate) const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "true/false",
            Self::Integer(_) => "a whole number",
            Self::Real(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    /// The same as JSON. Numbers that JSON cannot hold become `null`; the parser refuses them before.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Real(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::List(nodes) => nodes.iter().map(|node| node.value.to_json()).collect(),
            Self::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.node.value.to_json()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }
}

impl Node {
    /// A JSON value as a tree without lines.
    ///
    /// # Errors
    /// Why not, when it is larger or deeper than a document may be, or holds a whole number out of range.
    pub(crate) fn from_json(json: &serde_json::Value) -> Result<Self, String> {
        let mut left = NODES_MAX;
        from_json(json, DEPTH_MAX, &mut left)
    }
}

fn from_json(json: &serde_json::Value, depth: usize, left: &mut usize) -> Result<Node, String> {
    use serde_json::Value as Json;
    let depth = depth.checked_sub(1).ok_or_else(|| format!("is nested deeper than {DEPTH_MAX} levels"))?;
    *left = left.checked_sub(1).ok_or_else(|| format!("has more than {NODES_MAX} values"))?;
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match (number.as_i64(), number.is_f64().then(|| number.as_f64()).flatten()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(real)) => Value::Real(real),
            (None, None) => return Err("holds a whole number out of range".to_owned()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().map(|item| from_json(item, depth, left)).collect::<Result<_, _>>()?)
        }
        Json::Object(fields) => {
            let entry = |(key, value): (&String, &Json)| {
                let node = from_json(value, depth, left)?;
                Ok(Entry { line: 0, key: key.clone(), node })
            };
            Value::Map(fields.iter().map(entry).collect::<Result<_, String>>()?)
        }
    };
    Ok(Node { line: 0, value })
}

/// Parses one document.
///
/// # Errors
/// Line and reason, when it is not YAML, repeats a key, uses anchors, aliases or merge keys (one object, read from
/// top to bottom, is what a reviewer signs off), or is larger than the limits.
pub(crate) fn parse(document: &Document<'_>) -> Result<Node, (u32, String)> {
    if document.text.len() > DOCUMENT_BYTES_MAX {
        return Err((document.first_line, format!("a document has at most {DOCUMENT_BYTES_MAX} bytes")));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 2 * NODES_MAX,
            max_anchors: 0,
            max_aliases: 0,
            max_documents: 1,
            max_total_scalar_bytes: DOCUMENT_BYTES_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
    };
    let mut node: Node = serde_saphyr::from_str_with_options(document.text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line().max(1));
        let reason = error.to_string();
        (in_file(document, line), reason.lines().next().unwrap_or("not YAML").to_owned())
    })?;
    place(&mut node, document);
    Ok(node)
}

/// Turns lines of the document into lines of the file.
fn place(node: &mut Node, document: &Document<'_>) {
    node.line = in_file(document, node.line.into());
    match &mut node.value {
        Value::List(nodes) => nodes.iter_mut().for_each(|node| place(node, document)),
        Value::Map(entries) => {
            for entry in entries {
                entry.line = in_file(document, entry.line.into());
                place(&mut entry.node, document);
            }
        }
        _ => {}
    }
}

fn in_file(document: &Document<'_>, line: u64) -> u32 {
    document.first_line.saturating_add(to_line(line.saturating_sub(1)))
}

fn to_line(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { line: to_line(spanned.referenced.line()), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        let small = i64::try_from(value).map_err(|_| E::custom("the whole number is out of range"))?;
        Ok(Value::Integer(small))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Real(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = access.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let line = to_line(key.referenced.line());
            entries.push(Entry { line, key: key.value, node: access.next_value()? });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Node, (u32, String)> {
        parse(&Document { file: "f", first_line: 10, text })
    }

    #[test]
    fn nodes_know_their_lines() {
        let node = parse_text("a:\n  - 1\n  - b: \"x\"\n    c: 1.5\n").expect("YAML");
        let Value::Map(top) = &node.value else { panic!("a map") };
        let Value::List(items) = &top[0].node.value else { panic!("a list") };
        let Value::Map(inner) = &items[1].value else { panic!("a map") };
        assert_eq!((top[0].line, items[0].line, inner[0].line, inner[1].line), (10, 11, 12, 13));
        assert_eq!(node.value.to_json(), serde_json::json!({"a": [1, {"b": "x", "c": 1.5}]}));
    }

    #[test]
    fn bombs_and_tricks_are_refused_with_their_line() {
        for (text, line) in [
            ("a: 1\na: 2\n", 11),
            ("a: &x 1\nb: *x\n", 10),
            ("a: {<<: {b: 1}}\n", 10),
            ("a: 1\n  b: [\n", 11),
            ("a: .nan\n", 10),
            ("a: 1\n...\nb: 2\n", 12),
            ("a: 9223372036854775808\n", 10),
        ] {
            let fault = parse_text(text).map(|node| node.value.to_json());
            assert_eq!(fault.as_ref().map_err(|(at, _)| *at), Err(line), "{text:?} {fault:?}");
        }
        assert!(parse_text(&"[".repeat(DEPTH_MAX + 1)).is_err());
    }
}
