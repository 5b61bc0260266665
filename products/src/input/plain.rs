//! Text that every product service reads alike: each text of a body is in Normalization Form C and holds no character that
//! is not seen, turns others round, or has no agreed meaning. What a service cannot compare is refused, and costs nothing.

use serde_json::Value;
use shuzha_core::{Code, Refusal, text};

use super::node::Node;
use super::walk::{Token, pointer};

/// Checks every text of `value`, keys included.
///
/// # Errors
/// C302 with the place.
pub(super) fn check(nodes: &[Node], value: &Value) -> Result<(), Refusal> {
    let Some(mut place) = fault(value) else { return Ok(()) };
    for token in &mut place {
        // Keys that no contract lists may be personal data.
        if let Token::Listed(name) = *token
            && !nodes.iter().any(|node| node.members.listed.contains_key(name))
        {
            *token = Token::Unlisted;
        }
    }
    Err(Refusal::at(Code::C302, pointer(&place)))
}

/// The place of the first text that is not plain, innermost token first.
fn fault(value: &Value) -> Option<Vec<Token<'_>>> {
    fn within<'v>(inner: &'v Value, token: Token<'v>) -> Option<Vec<Token<'v>>> {
        let mut place = fault(inner)?;
        place.push(token);
        Some(place)
    }
    match value {
        Value::String(found) => text::check(found).is_err().then(Vec::new),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| within(item, Token::At(at))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let token = Token::Listed(name);
            if text::check(name).is_err() { Some(vec![token]) } else { within(member, token) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
