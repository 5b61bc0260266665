//! The standard profile: HTTP Message Signatures (RFC 9421) with `Content-Digest` (RFC 9530).
//!
//! Exactly one signature; it covers at least `@method`, the target (`@target-uri`, or `@authority` with `@path` and, where
//! there is a query, `@query`), where there is a body `content-digest`, and each header field that decides a call where it
//! was sent ([`DECIDING`]); its parameters hold `created`, `nonce` and `keyid`. More header fields may be covered. The
//! structured fields are read strictly (RFC 8941): what this reader does not know, it refuses.

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::{Code, Refusal, Timestamp};

use super::{Algorithm, Claim, DECIDING, Proof, check_nonce, required, sha256};
use crate::Inbound;

/// Most components one signature may cover.
const COMPONENTS_MAX: usize = 16;

fn malformed() -> Refusal {
    Refusal::at(Code::C102, "signature-input")
}

/// `Signature-Input` taken apart. Slices point into the header.
struct Input<'a> {
    label: &'a str,
    components: Vec<&'a str>,
    /// The inner list with its parameters, as sent: the value of `@signature-params`.
    params: &'a str,
    created: Option<i64>,
    expires: Option<i64>,
    nonce: Option<&'a str>,
    key_id: Option<&'a str>,
    algorithm: Option<&'a str>,
}

/// The key that a `Signature-Input` names.
pub(super) fn key_id(field: &str) -> Option<&str> {
    parse_input(field)?.key_id
}

pub(super) fn read<'a>(call: &'a Inbound<'a>) -> Result<Claim<'a>, Refusal> {
    let input = parse_input(required(call.headers, "signature-input")?).ok_or_else(malformed)?;
    let (Some(created), Some(nonce), Some(key_id)) = (input.created, input.nonce, input.key_id) else {
        return Err(malformed());
    };
    check_nonce(nonce, "signature-input")?;
    let algorithm = match input.algorithm {
        None => None,
        Some(name) => Some(Algorithm::from_name(name).ok_or_else(malformed)?),
    };
    let covers = |component: &str| input.components.contains(&component);
    let must_digest = !call.body.is_empty() || call.headers.contains_key("content-digest");
    let in_parts = covers("@authority") && covers("@path") && (call.query.is_none() || covers("@query"));
    let target = covers("@target-uri") || in_parts;
    if !covers("@method") || !target || (must_digest && !covers("content-digest")) {
        return Err(malformed());
    }
    let believed = |field: &&str| call.headers.contains_key(*field) && !covers(field);
    if let Some(field) = DECIDING.into_iter().find(believed) {
        return Err(Refusal::at(Code::C115, field));
    }
    let body_sha256 = sha256(&call.body);
    if must_digest {
        check_digest(required(call.headers, "content-digest")?, &body_sha256)?;
    }
    let signature = parse_signature(required(call.headers, "signature")?, input.label)
        .ok_or_else(|| Refusal::at(Code::C102, "signature"))?;
    Ok(Claim {
        key_id,
        created: Timestamp::from_seconds(created),
        expires: input.expires.map(Timestamp::from_seconds),
        nonce,
        algorithm,
        body_sha256,
        proof: Proof::Rfc9421 { base: base(call, &input)?, signature },
    })
}

/// The signature base (RFC 9421 §2.5).
fn base(call: &Inbound<'_>, input: &Input<'_>) -> Result<Vec<u8>, Refusal> {
    let mut text = String::with_capacity(512);
    for component in &input.components {
        let _ = write!(text, "\"{component}\": ");
        match *component {
            "@method" => text.push_str(call.method.as_str()),
            "@target-uri" => {
                let _ = write!(text, "{}://{}{}", call.scheme, call.authority, call.path);
                if let Some(query) = call.query {
                    let _ = write!(text, "?{query}");
                }
            }
            "@authority" => text.push_str(&call.authority.to_ascii_lowercase()),
            "@path" => text.push_str(call.path),
            "@query" => {
                let _ = write!(text, "?{}", call.query.unwrap_or_default());
            }
            derived if derived.starts_with('@') => return Err(malformed()),
            field => text.push_str(covered_field(call, field)?),
        }
        text.push('\n');
    }
    let _ = write!(text, "\"@signature-params\": {}", input.params);
    Ok(text.into_bytes())
}

/// The value of a covered header field, which must stand exactly once.
fn covered_field<'a>(call: &'a Inbound<'_>, field: &str) -> Result<&'a str, Refusal> {
    let mut values = call.headers.get_all(field).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(malformed()) };
    value.to_str().map(str::trim).map_err(|_| malformed())
}

/// Checks that `Content-Digest` holds a `sha-256` that matches (RFC 9530 §2); others beside it are ignored.
fn check_digest(field: &str, body_sha256: &[u8; 32]) -> Result<(), Refusal> {
    let value = field
        .split(',')
        .find_map(|member| member.trim().strip_prefix("sha-256=:"))
        .and_then(|rest| rest.strip_suffix(':'))
        .ok_or_else(|| Refusal::at(Code::C102, "content-digest"))?;
    let digest = BASE64_STANDARD.decode(value).map_err(|_| Refusal::at(Code::C102, "content-digest"))?;
    if digest == body_sha256 { Ok(()) } else { Err(Refusal::at(Code::C108, "content-digest")) }
}

/// Reads `label=:base64:`, the only member.
fn parse_signature(field: &str, label: &str) -> Option<Vec<u8>> {
    let value = field.strip_prefix(label)?.strip_prefix("=:")?.strip_suffix(':')?;
    BASE64_STANDARD.decode(value).ok()
}

/// Reads `label=("a" "b");created=1;keyid="k";nonce="n"`, the only member.
fn parse_input(field: &str) -> Option<Input<'_>> {
    let (label, params) = field.split_once('=')?;
    let key = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.' | b'*');
    if !label.bytes().all(key) || !label.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
        return None;
    }
    let (list, mut rest) = params.strip_prefix('(')?.split_once(')')?;
    let mut components = Vec::with_capacity(4);
    for item in list.split(' ').filter(|item| !item.is_empty()) {
        let name = item.strip_prefix('"')?.strip_suffix('"')?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'@' | b'_');
        if name.is_empty() || !name.bytes().all(plain) || components.contains(&name) {
            return None;
        }
        components.push(name);
        if components.len() > COMPONENTS_MAX {
            return None;
        }
    }
    let mut input = Input {
        label,
        components,
        params,
        created: None,
        expires: None,
        nonce: None,
        key_id: None,
        algorithm: None,
    };
    while !rest.is_empty() {
        let (name, value) = rest.strip_prefix(';')?.split_once('=')?;
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => {
                let (text, after) = quoted.split_once('"')?;
                (Value::Text(text), after)
            }
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (Value::Number(parse_number(&value[..end])?), &value[end..])
            }
        };
        input.set(name, value)?;
        rest = after;
    }
    Some(input)
}

enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

fn parse_number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

impl<'a> Input<'a> {
    /// Sets one parameter; `None` when it is unknown, repeated, or of the wrong type.
    fn set(&mut self, name: &str, value: Value<'a>) -> Option<()> {
        fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
            if slot.is_some() {
                return None;
            }
            *slot = Some(value);
            Some(())
        }
        match (name, value) {
            ("created", Value::Number(seconds)) => once(&mut self.created, seconds),
            ("expires", Value::Number(seconds)) => once(&mut self.expires, seconds),
            ("nonce", Value::Text(text)) if !text.contains('\\') => once(&mut self.nonce, text),
            ("keyid", Value::Text(text)) if !text.contains('\\') => once(&mut self.key_id, text),
            ("alg", Value::Text(text)) => once(&mut self.algorithm, text),
            ("tag", Value::Text(_)) => Some(()),
            _ => None,
        }
    }
}
