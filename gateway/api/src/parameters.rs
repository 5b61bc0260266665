//! Query parameters, strictly: each at most once, none that the address does not take.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::Offset;
use shuzha_core::fault::{Fault, Faults};
use shuzha_core::{Code, Lang, Timestamp, calendar};

use crate::problem::Problem;

/// Where local dates are local.
pub(crate) const LOCAL: Offset = Offset::constant(calendar::OFFSET_HOURS);

/// Most objects of a page.
pub(crate) const PAGE_MAX: usize = 200;
/// Longest text of a parameter in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 64;
/// Objects of a page where the caller does not say.
pub(crate) const PAGE_DEFAULT: usize = 50;

/// The parameters of one request, being read. [`Parameters::done`] ends the reading.
#[derive(Debug)]
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Faults,
}

impl Parameters {
    /// Takes a query apart.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let mut given: Vec<(String, String)> = Vec::new();
        let faults = Faults::default();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                faults.push(Fault::new("?", "is not percent-encoded UTF-8"));
                continue;
            };
            if given.iter().any(|(known, _)| *known == name) {
                faults.push(Fault::new(format!("?{name}"), "is given twice"));
            }
            given.push((name, value));
        }
        Self { given, known: Vec::new(), faults }
    }

    /// Reports a fault of a parameter.
    pub(crate) fn fail<T>(&mut self, name: &str, reason: impl Into<String>) -> Option<T> {
        self.faults.push(Fault::new(format!("?{name}"), reason));
        None
    }

    /// The parameter's text, where it is given.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let (_, value) = self.given.iter().find(|(given, _)| given == name)?;
        let value = value.clone();
        match value.chars().count() {
            1..=TEXT_CHARS_MAX if !value.contains(char::is_control) => Some(value),
            _ => self
                .fail(name, format!("must have 1 to {TEXT_CHARS_MAX} characters, none a control character")),
        }
    }

    /// The parameter's text, where it is given and another party chose its length.
    #[cfg(feature = "oidc")]
    pub(crate) fn long(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    /// The parameter as `T`, where it is given.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        text.parse().map_or_else(|error: T::Err| self.fail(name, error.to_string()), Some)
    }

    /// `cursor` where pages go by a number of the register or the books: as large as those get.
    pub(crate) fn number_cursor(&mut self) -> Option<u64> {
        let text = self.text("cursor")?;
        match text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Some(number),
            None => self.fail("cursor", "is not the `next` of a page"),
        }
    }

    /// `true` or `false`; false where it is not given.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        match self.text(name).as_deref() {
            Some("true") => true,
            None | Some("false") => false,
            Some(_) => self.fail(name, "must be true or false").unwrap_or_default(),
        }
    }

    /// `limit`.
    pub(crate) fn limit(&mut self) -> usize {
        let Some(text) = self.text("limit") else { return PAGE_DEFAULT };
        match text.parse() {
            Ok(limit @ 1..=PAGE_MAX) => limit,
            _ => self.fail("limit", format!("must be 1 to {PAGE_MAX}")).unwrap_or_default(),
        }
    }

    /// A whole number in `range`.
    pub(crate) fn whole(&mut self, name: &'static str, range: RangeInclusive<u16>) -> Option<u16> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => self.fail(name, format!("must be {} to {}", range.start(), range.end())),
        }
    }

    /// Ends a reading whose parameters `names` must all be there.
    ///
    /// # Errors
    /// C1001 with every fault.
    pub(crate) fn need<T>(mut self, found: Option<T>, names: &[&str]) -> Result<T, Problem> {
        for name in names {
            if !self.given.iter().any(|(given, _)| given == name) {
                self.fail::<()>(name, "is missing");
            }
        }
        self.done()?;
        Ok(found.expect("what is there and has no fault was read"))
    }

    /// `lang`, the language of what is drawn or written for people: `zh` or `en`; Chinese where it is not given.
    pub(crate) fn lang(&mut self) -> Lang {
        match self.word("lang", &["zh", "en"]).as_deref() {
            Some("en") => Lang::En,
            _ => Lang::Zh,
        }
    }

    /// One of a closed list of words.
    pub(crate) fn word(&mut self, name: &'static str, words: &[&str]) -> Option<String> {
        let text = self.text(name)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        self.fail(name, format!("must be one of: {}", words.join(", ")))
    }

    /// A date in China, meaning its first instant, or an instant with its offset.
    pub(crate) fn instant(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match instant(&text) {
            Some(at) => Some(at),
            None => self.fail(name, "must be a date (2026-01-31) or an instant (2026-01-31T08:00:00+08:00)"),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// C1001 with every fault, unknown parameters among them.
    pub(crate) fn done(self) -> Result<(), Problem> {
        let known = self.known.join(", ");
        for (name, _) in &self.given {
            if !self.known.contains(&name.as_str()) {
                let reason = match known.as_str() {
                    "" => "unknown parameter; none is taken here".to_owned(),
                    known => format!("unknown parameter; permitted: {known}"),
                };
                self.faults.push(Fault::new(format!("?{name}"), reason));
            }
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem { faults: self.faults.into_list(), ..Code::C1001.into() })
        }
    }
}

pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let found = if text.len() == "2026-01-31".len() {
        let date: Date = text.parse().ok()?;
        LOCAL.to_timestamp(date.at(0, 0, 0, 0)).ok()?
    } else {
        text.parse().ok()?
    };
    Some(Timestamp::from_micros(found.as_microsecond()))
}

/// An instant for people and programs: RFC 3339 with China's offset.
pub(crate) fn instant_text(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::MAX);
    at.display_with_offset(LOCAL).to_string()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).expect("two hexadecimal digits are a byte")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_query_is_told_at_once() {
        let mut parameters = Parameters::of(Some("limit=0&dry_run=yes&from=2026-13-01&x=1&limit=3&y=%ff"));
        parameters.limit();
        parameters.flag("dry_run");
        parameters.instant("from");
        let problem = parameters.done().expect_err("it is full of faults");
        let mut paths: Vec<_> = problem.faults.iter().map(|fault| fault.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["?", "?dry_run", "?from", "?limit", "?limit", "?x"]);
    }

    #[test]
    fn dates_and_instants_are_chinas() {
        let mut parameters =
            Parameters::of(Some("from=2026-01-31&until=2026-01-31T00%3A00%3A00%2B08:00&q=a+b"));
        let from = parameters.instant("from").expect("a date");
        assert_eq!(parameters.instant("until"), Some(from));
        assert_eq!(parameters.text("q").as_deref(), Some("a b"));
        parameters.done().expect("no fault");
        assert_eq!(instant_text(from), "2026-01-31T00:00:00+08:00");
    }
}
