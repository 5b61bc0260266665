//! From a declared schema to nodes: the named subset of JSON Schema 2020-12 of `docs/input-contracts.md`, and no more.
//!
//! What the standard knows and the subset does not is refused by name, as is a word that neither knows: a bound that
//! is spelt wrong would not be one. References are followed once; a circle, and a contract whose largest value would
//! cost more steps than a call may take, are refused here, so that no request can find out.

mod bounds;
mod cost;
mod words;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::node::{Branches, Node, Rest, Types};
use super::pattern::{Format, Pattern};
use super::{HEIGHT_MAX, PATTERNS_MAX, SCHEMAS_MAX, STEPS_MAX};
use words::{ANNOTATIONS, ARRAY_WORDS, KEYWORDS, OBJECT_WORDS, TEXT_WORDS};

/// The dialect; a contract that names another is refused.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Before the name of a definition.
const DEFINITIONS: &str = "#/$defs/";

/// A reason with its place in the contract.
fn at<T>(place: &str, reason: impl std::fmt::Display) -> Result<T, String> {
    let place = if place.is_empty() { "the root" } else { place };
    Err(format!("{place}: {reason}"))
}

/// The nodes of a contract, its root last.
pub(super) fn contract(schema: &Value) -> Result<Vec<Node>, String> {
    let closed =
        schema["type"].as_str() == Some("object") && schema["additionalProperties"] == Value::Bool(false);
    let Some(root) = schema.as_object().filter(|_| closed) else {
        return Err("the root must have `type: object` and `additionalProperties: false`".to_owned());
    };
    if root.get("$schema").is_some_and(|named| named != DIALECT) {
        return at("/$schema", format_args!("only {DIALECT} is read"));
    }
    let empty = Map::new();
    let definitions = match root.get("$defs") {
        None => &empty,
        Some(Value::Object(definitions)) => definitions,
        Some(_) => return at("/$defs", "must be an object"),
    };
    let mut reader = Reader { definitions, known: HashMap::new(), nodes: Vec::new(), patterns: 0 };
    // Those that nothing refers to as well: nothing that is refused may lie there and wait.
    for name in definitions.keys() {
        reader.definition(name, "/$defs", 0)?;
    }
    let root = reader.schema(schema, "", 0)?;
    let cost = reader.nodes[root].shape.cost;
    if cost > STEPS_MAX {
        return Err(format!(
            "checking the largest request would take {cost} steps, and at most {STEPS_MAX} are permitted: state \
             lower maxItems, maxProperties or maxLength, or fewer branches and shorter patterns"
        ));
    }
    Ok(reader.nodes)
}

/// A definition that a reference may name.
#[derive(Clone, Copy)]
enum Definition {
    /// Being read: a reference to it now is a circle.
    Open,
    Read(usize),
}

struct Reader<'s> {
    definitions: &'s Map<String, Value>,
    known: HashMap<&'s str, Definition>,
    nodes: Vec<Node>,
    patterns: usize,
}

impl<'s> Reader<'s> {
    fn definition(&mut self, name: &str, place: &str, depth: usize) -> Result<usize, String> {
        let Some((name, schema)) = self.definitions.get_key_value(name) else {
            return at(place, "refers to nothing in `$defs`");
        };
        match self.known.get(name.as_str()) {
            Some(Definition::Open) => return at(place, "refers to itself: a contract has no recursion"),
            Some(Definition::Read(node)) => return Ok(*node),
            None => {}
        }
        self.known.insert(name, Definition::Open);
        let node = self.schema(schema, &format!("{DEFINITIONS}{name}")[1..], depth + 1)?;
        self.known.insert(name, Definition::Read(node));
        Ok(node)
    }

    /// Reads one schema; gives the place of its node.
    fn schema(&mut self, schema: &'s Value, place: &str, depth: usize) -> Result<usize, String> {
        if depth > HEIGHT_MAX || self.nodes.len() >= SCHEMAS_MAX {
            return at(place, format_args!("more than {SCHEMAS_MAX} schemas, or deeper than {HEIGHT_MAX}"));
        }
        let mut node = match schema {
            Value::Bool(true) => Node::open(Types::ALL),
            Value::Bool(false) => Node::open(Types::NONE),
            Value::Object(words) => self.keywords(words, place, depth)?,
            _ => return at(place, "a schema is an object, `true` or `false`"),
        };
        cost::settle(&mut node, &self.nodes, place)?;
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn keywords(&mut self, words: &'s Map<String, Value>, place: &str, depth: usize) -> Result<Node, String> {
        for word in words.keys() {
            let at_root = matches!(word.as_str(), "$schema" | "$defs");
            if at_root && !place.is_empty() {
                return at(place, format_args!("`{word}` stands at the root only"));
            }
            let known = at_root || KEYWORDS.contains(&word.as_str()) || ANNOTATIONS.contains(&word.as_str());
            if !known && !word.starts_with("x-") {
                return at(place, format_args!("`{word}` is no keyword of an input contract"));
            }
        }
        let stated = words.get("type").map(|value| words::types(value, place)).transpose()?;
        let mut node = Node::open(stated.unwrap_or(Types::ALL));
        if let Some(reference) = words.get("$ref") {
            let Some(name) = reference.as_str().and_then(|text| text.strip_prefix(DEFINITIONS)) else {
                return at(place, "a reference is `#/$defs/NAME`");
            };
            node.refers = Some(self.definition(name, place, depth)?);
        }
        node.fixed = words::fixed(words, place)?;
        bounds::number(&mut node.range, words, place)?;
        let asks = |of: Types, about: &[&str]| {
            stated.is_some_and(|types| types.meets(of)) || about.iter().any(|word| words.contains_key(*word))
        };
        if asks(Types::STRING, TEXT_WORDS) {
            self.text(&mut node, words, place)?;
        }
        if asks(Types::ARRAY, ARRAY_WORDS) {
            self.list(&mut node, words, place, depth)?;
        }
        if asks(Types::OBJECT, OBJECT_WORDS) {
            self.members(&mut node, words, place, depth)?;
        }
        node.branches = self.branches(words, place, depth)?;
        Ok(node)
    }

    fn text(&mut self, node: &mut Node, words: &Map<String, Value>, place: &str) -> Result<(), String> {
        (node.text.least, node.text.most) = bounds::LENGTH.read(words, place)?;
        if let Some(pattern) = words.get("pattern") {
            self.patterns += 1;
            if self.patterns > PATTERNS_MAX {
                return at(place, format_args!("more than {PATTERNS_MAX} patterns"));
            }
            let Some(text) = pattern.as_str() else { return at(place, "`pattern` must be text") };
            let compiled = Pattern::compile(text);
            node.text.pattern =
                Some(compiled.or_else(|reason| at(place, format_args!("`pattern`: {reason}")))?);
        }
        if let Some(format) = words.get("format") {
            let Some(found) = format.as_str().and_then(Format::named) else {
                return at(place, format_args!("`format` is one of: {}", Format::names()));
            };
            node.text.format = Some(found);
        }
        Ok(())
    }

    fn list(
        &mut self,
        node: &mut Node,
        words: &'s Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        (node.list.least, node.list.most) = bounds::ITEMS.read(words, place)?;
        node.list.first = self.schemas(words, "prefixItems", place, depth)?;
        node.list.rest = self.rest(words, "items", place, depth)?;
        node.list.unique = match words.get("uniqueItems") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => return at(place, "`uniqueItems` must be true or false"),
        };
        let scalars = Types::STRING.with(Types::NUMBER).with(Types::BOOLEAN).with(Types::NULL);
        let item = |place: usize| scalars.holds(self.nodes[place].types);
        let scalar = matches!(node.list.rest, Rest::Is(place) if item(place)) && node.list.first.is_empty();
        if node.list.unique && !scalar {
            return at(place, "`uniqueItems` needs `items` whose type is text, numbers or booleans");
        }
        Ok(())
    }

    fn members(
        &mut self,
        node: &mut Node,
        words: &'s Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        (node.members.least, node.members.most) = bounds::MEMBERS.read(words, place)?;
        node.members.required = words::names(words.get("required"), place)?;
        match words.get("properties") {
            None => {}
            Some(Value::Object(listed)) => {
                for (name, schema) in listed {
                    let child = self.schema(schema, &format!("{place}/properties/{name}"), depth + 1)?;
                    node.members.listed.insert(name.clone(), child);
                }
            }
            Some(_) => return at(place, "`properties` must be an object"),
        }
        node.members.rest = self.rest(words, "additionalProperties", place, depth)?;
        match words.get("dependentRequired") {
            None => {}
            Some(Value::Object(pairs)) => {
                for (name, needed) in pairs {
                    for other in words::names(Some(needed), place)? {
                        node.members.together.push((name.clone(), other));
                    }
                }
            }
            Some(_) => return at(place, "`dependentRequired` must be an object"),
        }
        Ok(())
    }

    fn branches(
        &mut self,
        words: &'s Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<Branches, String> {
        let mut one = |word: &str| match words.get(word) {
            None => Ok(None),
            Some(schema) => self.schema(schema, &format!("{place}/{word}"), depth + 1).map(Some),
        };
        let (not, when, then, otherwise) = (one("not")?, one("if")?, one("then")?, one("else")?);
        Ok(Branches {
            all: self.schemas(words, "allOf", place, depth)?,
            any: self.schemas(words, "anyOf", place, depth)?,
            one: self.schemas(words, "oneOf", place, depth)?,
            not,
            when,
            then,
            otherwise,
        })
    }

    fn schemas(
        &mut self,
        words: &'s Map<String, Value>,
        word: &str,
        place: &str,
        depth: usize,
    ) -> Result<Vec<usize>, String> {
        let list = match words.get(word) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) if !list.is_empty() => list,
            Some(_) => return at(place, format_args!("`{word}` must be a list that is not empty")),
        };
        let read = |(index, schema): (usize, &'s Value)| {
            self.schema(schema, &format!("{place}/{word}/{index}"), depth + 1)
        };
        list.iter().enumerate().map(read).collect()
    }

    fn rest(
        &mut self,
        words: &'s Map<String, Value>,
        word: &str,
        place: &str,
        depth: usize,
    ) -> Result<Rest, String> {
        match words.get(word) {
            None | Some(Value::Bool(true)) => Ok(Rest::Any),
            Some(Value::Bool(false)) => Ok(Rest::Never),
            Some(schema) => self.schema(schema, &format!("{place}/{word}"), depth + 1).map(Rest::Is),
        }
    }
}

/// Whether every request that meets `schema` holds text at `pointer`: each property on the way is required.
pub(crate) fn always_text(schema: &Value, pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix('/') else { return false };
    let mut at = schema;
    for token in rest.split('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        let required =
            at["required"].as_array().is_some_and(|list| list.iter().any(|one| *one == name.as_str()));
        let Some(next) = at["properties"].get(&name).filter(|_| required) else { return false };
        at = next;
    }
    at["type"].as_str() == Some("string")
}
