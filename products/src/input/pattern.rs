//! Patterns and formats of text: in linear time, of bounded size, and with a known cost for each byte.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use regex_automata::meta;
use regex_automata::nfa::thompson::{self, NFA};
use serde_json::json;
use shuzha_core::text;

/// Longest pattern as it is written, in bytes.
pub(super) const PATTERN_TEXT_BYTES_MAX: usize = 1_024;
/// Most bytes of a pattern's automaton.
const AUTOMATON_BYTES_MAX: usize = 256 << 10;
/// Most bytes of the table by which a pattern that never has a choice is read.
const ONE_PASS_BYTES_MAX: usize = 64 << 10;
/// Steps that a format takes for each byte.
pub(super) const FORMAT_STEPS: u64 = 16;

/// A pattern (ECMA-262, without look-around and back-references), found anywhere in a text.
pub(super) struct Pattern {
    automaton: meta::Regex,
    /// States of the automaton: a byte of text may visit each of them.
    pub(super) states: u64,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("states", &self.states).finish_non_exhaustive()
    }
}

impl Pattern {
    pub(super) fn compile(text: &str) -> Result<Self, &'static str> {
        if text.len() > PATTERN_TEXT_BYTES_MAX {
            return Err("a pattern of more than 1024 bytes");
        }
        let foreign =
            "not a pattern that can be checked in linear time (look-around and back-references are not)";
        let rust = jsonschema_regex::to_rust_regex(text).map_err(|()| foreign)?;
        let larger = "not a pattern, or one whose automaton is above 256 KiB; write it shorter";
        let states = thompson::Compiler::new()
            .configure(NFA::config().nfa_size_limit(Some(AUTOMATON_BYTES_MAX)))
            .build(&rust)
            .map_err(|_| larger)?
            .states()
            .len();
        // No automaton is built while a text is read: its cache would be memory that a caller can fill.
        let config = meta::Config::new()
            .nfa_size_limit(Some(AUTOMATON_BYTES_MAX))
            .onepass_size_limit(Some(ONE_PASS_BYTES_MAX))
            .hybrid(false)
            .dfa(false);
        let automaton = meta::Builder::new().configure(config).build(&rust).map_err(|_| larger)?;
        Ok(Self { automaton, states: states as u64 })
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        self.automaton.is_match(text)
    }
}

/// The formats that are asserted.
const FORMATS: [&str; 12] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

static VALIDATORS: LazyLock<HashMap<&'static str, Arc<jsonschema::Validator>>> = LazyLock::new(|| {
    let validator = |name: &'static str| {
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).offline();
        let built = options.should_validate_formats(true).should_ignore_unknown_formats(false);
        let validator = built.build(&json!({ "format": name })).expect("a format of the standard");
        (name, Arc::new(validator))
    };
    FORMATS.into_iter().map(validator).collect()
});

/// The format of a person's name, which the gateway knows and no standard does.
const PERSON_NAME: &str = "person-name";
/// The format of an organisation's name.
const ORGANISATION_NAME: &str = "organisation-name";

/// A format that is asserted.
#[derive(Clone)]
pub(super) enum Format {
    /// One of JSON Schema's.
    Standard(Arc<jsonschema::Validator>),
    /// A name of which there is one spelling.
    Name(fn(&str) -> bool),
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Format")
    }
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            PERSON_NAME => Some(Self::Name(text::is_person_name)),
            ORGANISATION_NAME => Some(Self::Name(text::is_organisation_name)),
            _ => VALIDATORS.get(name).map(|validator| Self::Standard(Arc::clone(validator))),
        }
    }

    pub(super) fn fits(&self, value: &serde_json::Value) -> bool {
        match self {
            Self::Standard(validator) => validator.is_valid(value),
            Self::Name(is_canonical) => value.as_str().is_some_and(is_canonical),
        }
    }

    /// The names of all.
    pub(super) fn names() -> String {
        [&FORMATS[..], &[PERSON_NAME, ORGANISATION_NAME]].concat().join(", ")
    }
}
