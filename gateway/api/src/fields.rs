//! Reading a JSON object field by field, so that every fault is told at once.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};
use shuzha_control::Attachment;
use shuzha_core::fault::{Fault, Faults, element, member};
use shuzha_core::{Code, Id, Role, hex};

use crate::problem::Problem;

/// Longest text in bytes where nothing else is said.
pub(crate) const TEXT_BYTES_MAX: usize = 512;

/// An object that is being read. Each method reports its own fault and answers `None`; [`Fields::done`] ends the reading.
#[derive(Debug)]
pub(crate) struct Fields<'v> {
    map: Option<&'v Map<String, Value>>,
    path: String,
    known: Vec<&'static str>,
    faults: Faults,
}

impl<'v> Fields<'v> {
    /// The whole body.
    pub(crate) fn of(value: &'v Value) -> Self {
        Self::below(value, String::new())
    }

    fn below(value: &'v Value, path: String) -> Self {
        let fields = Self { map: value.as_object(), path, known: Vec::new(), faults: Faults::default() };
        if fields.map.is_none() {
            let path = fields.path.clone();
            fields.faults.push(Fault::new(path, format!("expected an object, found {}", describe(value))));
        }
        fields
    }

    fn path_of(&self, key: &str) -> String {
        member(&self.path, key)
    }

    /// Reports a fault of a field.
    pub(crate) fn fail<T>(&mut self, key: &str, reason: impl Into<String>) -> Option<T> {
        self.fail_at(self.path_of(key), reason)
    }

    /// Reports a fault of an element of the list in a field.
    fn fail_in<T>(&mut self, key: &str, at: usize, reason: impl Into<String>) -> Option<T> {
        self.fail_at(element(&self.path_of(key), at), reason)
    }

    fn fail_at<T>(&mut self, path: String, reason: impl Into<String>) -> Option<T> {
        self.faults.push(Fault::new(path, reason));
        None
    }

    /// The field, if it is there.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<&'v Value> {
        self.known.push(key);
        self.map?.get(key)
    }

    /// The field; its absence is a fault.
    pub(crate) fn required(&mut self, key: &'static str) -> Option<&'v Value> {
        let found = self.optional(key);
        if found.is_none() && self.map.is_some() {
            self.fail::<()>(key, "is missing");
        }
        found
    }

    /// Text of `bytes` bytes.
    pub(crate) fn text(&mut self, key: &'static str, bytes: RangeInclusive<usize>) -> Option<&'v str> {
        let value = self.required(key)?;
        self.as_text(key, value, bytes)
    }

    /// Text of `bytes` bytes, or nothing: `Some(None)` where the field is not there.
    pub(crate) fn text_or_none(
        &mut self,
        key: &'static str,
        bytes: RangeInclusive<usize>,
    ) -> Option<Option<&'v str>> {
        match self.optional(key) {
            None => Some(None),
            Some(value) => self.as_text(key, value, bytes).map(Some),
        }
    }

    /// Texts, or nothing: `Some(None)` where the field is not there.
    pub(crate) fn texts_or_none(&mut self, key: &'static str, most: usize) -> Option<Option<Vec<String>>> {
        let Some(value) = self.optional(key) else { return Some(None) };
        let Some(items) = value.as_array().filter(|items| items.len() <= most) else {
            return self.fail(key, format!("expected a list of at most {most} texts"));
        };
        let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts) => Some(Some(texts)),
            None => self.fail(key, "expected a list of texts"),
        }
    }

    fn as_text(&mut self, key: &str, value: &'v Value, bytes: RangeInclusive<usize>) -> Option<&'v str> {
        let Some(text) = value.as_str() else {
            return self.fail(key, format!("expected text, found {}", describe(value)));
        };
        if !bytes.contains(&text.len()) {
            return self.fail(key, format!("must have {} to {} bytes", bytes.start(), bytes.end()));
        }
        Some(text)
    }

    /// Text read as `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        let text = self.text(key, 1..=TEXT_BYTES_MAX)?;
        text.parse().map_or_else(|error: T::Err| self.fail(key, error.to_string()), Some)
    }

    /// A name.
    pub(crate) fn id(&mut self, key: &'static str) -> Option<Id> {
        self.parsed(key)
    }

    /// Exactly this word.
    pub(crate) fn word(&mut self, key: &'static str, word: &str) -> Option<()> {
        let text = self.text(key, 1..=TEXT_BYTES_MAX)?;
        if text == word { Some(()) } else { self.fail(key, format!("must be `{word}`")) }
    }

    /// `true` or `false`; `default` where the field is not there.
    pub(crate) fn boolean(&mut self, key: &'static str, default: bool) -> Option<bool> {
        match self.optional(key) {
            None => Some(default),
            Some(Value::Bool(value)) => Some(*value),
            Some(other) => self.fail(key, format!("expected true or false, found {}", describe(other))),
        }
    }

    /// A whole number in `range`.
    pub(crate) fn count(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.required(key)?;
        match value.as_u64() {
            Some(count) if range.contains(&count) => Some(count),
            _ => self.fail(key, format!("must be a whole number of {} to {}", range.start(), range.end())),
        }
    }

    /// Role codes, each once, at least one.
    pub(crate) fn roles(&mut self, key: &'static str) -> Option<Vec<Role>> {
        let value = self.required(key)?;
        let Some(items) = value.as_array() else {
            return self.fail(key, format!("expected a list, found {}", describe(value)));
        };
        let mut roles = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match item.as_str().and_then(|text| text.parse::<Role>().ok()) {
                None => self.fail_in::<()>(key, at, format!("must be one of: {}", role_codes())),
                Some(role) if roles.contains(&role) => self.fail_in(key, at, "is named twice"),
                Some(role) => {
                    roles.push(role);
                    continue;
                }
            };
        }
        if items.is_empty() { self.fail(key, "at least one entry") } else { Some(roles) }
    }

    /// An object within this one; its faults become this one's.
    pub(crate) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'v>) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(key)?;
        let mut below = Fields::below(value, self.path_of(key));
        let found = read(&mut below);
        below.tell_unknown();
        self.faults.append(below.faults);
        found
    }

    /// `reason`, empty where it is not there: whether one must be given is the act's business.
    pub(crate) fn reason(&mut self) -> Option<String> {
        const REASON_BYTES_MAX: usize = 4 * shuzha_control::Request::REASON_CHARS_MAX;
        Some(self.text_or_none("reason", 0..=REASON_BYTES_MAX)?.unwrap_or_default().to_owned())
    }

    /// `attachments`: names, sizes and digests.
    pub(crate) fn attachments(&mut self) -> Option<Vec<Attachment>> {
        let Some(value) = self.optional("attachments") else { return Some(Vec::new()) };
        let Some(items) = value.as_array() else {
            return self.fail("attachments", format!("expected a list, found {}", describe(value)));
        };
        if items.len() > Attachment::COUNT_MAX {
            return self.fail("attachments", format!("at most {} entries", Attachment::COUNT_MAX));
        }
        let mut attachments = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let mut below = Fields::below(item, element(&self.path_of("attachments"), at));
            let name = below.text("name", 1..=4 * Attachment::NAME_CHARS_MAX).map(str::to_owned);
            let bytes = below.count("bytes", 0..=u64::MAX);
            let sha256 = below.text("sha256", 64..=64).and_then(|text| {
                hex::decode(text).or_else(|| below.fail("sha256", "must be 64 lower-case hexadecimal digits"))
            });
            below.tell_unknown();
            self.faults.append(below.faults);
            if let (Some(name), Some(bytes), Some(sha256)) = (name, bytes, sha256) {
                attachments.push(Attachment { name, bytes, sha256 });
            }
        }
        Some(attachments)
    }

    fn tell_unknown(&mut self) {
        let Some(map) = self.map else { return };
        let unknown: Vec<_> = map.keys().filter(|key| !self.known.contains(&key.as_str())).cloned().collect();
        for key in unknown {
            self.fail::<()>(&key, format!("unknown field; permitted: {}", self.known.join(", ")));
        }
    }

    /// Ends the reading of an object whose other fields someone else reads.
    ///
    /// # Errors
    /// C1002 with every fault.
    pub(crate) fn done_open<T>(self, found: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        match found() {
            Some(found) if self.faults.is_empty() => Ok(found),
            _ => Err(Problem { faults: self.faults.into_list(), ..Code::C1002.into() }),
        }
    }

    /// Ends the reading: fields nobody asked for are faults.
    ///
    /// # Errors
    /// C1002 with every fault.
    pub(crate) fn done<T>(mut self, found: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        self.tell_unknown();
        self.done_open(found)
    }
}

fn role_codes() -> String {
    Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_told_at_once_with_its_path() {
        let body = json!({
            "name": "Bank A", "roles": ["sre", "king", "sre"], "extra": 1,
            "attachments": [{"name": "a.pdf", "bytes": -1, "sha256": "00"}, 7],
        });
        let mut fields = Fields::of(&body);
        let name = fields.id("name");
        let roles = fields.roles("roles");
        let password = fields.text("password", 1..=10);
        fields.attachments();
        let problem = fields.done(|| Some((name?, roles?, password?))).expect_err("it is full of faults");
        let paths: Vec<_> = problem.faults.iter().map(|fault| fault.path.as_str()).collect();
        let expected = [
            "name",
            "roles[1]",
            "roles[2]",
            "password",
            "attachments[0].bytes",
            "attachments[0].sha256",
            "attachments[1]",
            "extra",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn digests_read_back() {
        let digest = [0xa5; 32];
        assert_eq!(hex::decode(&hex::encode(&digest)), Some(digest));
        assert_eq!(hex::decode::<32>(&"A5".repeat(32)), None);
    }
}
