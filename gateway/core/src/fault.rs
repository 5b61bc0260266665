//! What is wrong with something that was read: the one type in which declared files, request bodies and the configuration tell their
//! faults, all of them at once.

mod sentence;

use std::cell::RefCell;
use std::fmt;

/// Most faults of one thing that are kept; the rest are counted.
pub const FAULTS_MAX: usize = 1_000;

/// One fault, and what would be right. Never holds anything of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, `spec.window.until`, `parties[2]`; `?limit` for a parameter; empty for the whole. A key that is no word stands in brackets
    /// and quotes, `labels["a.b"]`.
    pub path: String,
    /// The line of the file, from 1, where it is one of a file.
    pub line: Option<u32>,
    /// What is wrong, in English.
    pub reason: String,
}

impl Fault {
    /// A fault of what has no lines.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, reason: reason.into() }
    }

    /// The same, with the line of its file.
    #[must_use]
    pub fn at_line(self, line: u32) -> Self {
        Self { line: Some(line), ..self }
    }

    /// Where, as a JSON pointer (RFC 6901); none for a parameter, which is in no document.
    #[must_use]
    pub fn pointer(&self) -> Option<String> {
        if self.path.starts_with('?') {
            return None;
        }
        let mut pointer = String::new();
        let mut rest = self.path.as_str();
        while !rest.is_empty() {
            let (key, after) = next_key(rest);
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            rest = after;
        }
        Some(pointer)
    }

    /// What is wrong, in Chinese; none where the sentence is not in the table.
    #[must_use]
    pub fn zh(&self) -> Option<String> {
        sentence::zh(&self.reason)
    }

    /// What is wrong, in both languages.
    #[must_use]
    pub fn in_both(&self) -> String {
        match self.zh() {
            Some(zh) => format!("{} · {zh}", self.reason),
            None => self.reason.clone(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.path, self.reason)
        }
    }
}

/// The first key of a path, and what follows it.
fn next_key(path: &str) -> (String, &str) {
    if let Some(quoted) = path.strip_prefix("[\"") {
        let mut key = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return (key, after_key(quoted[at + 1..].strip_prefix(']').unwrap_or_default())),
                '\\' => key.extend(characters.next().map(|(_, escaped)| escaped)),
                plain => key.push(plain),
            }
        }
        return (key, "");
    }
    if let Some((number, rest)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (number.to_owned(), after_key(rest));
    }
    let end = path.find(['.', '[']).filter(|end| *end > 0).unwrap_or(path.len());
    (path[..end].to_owned(), after_key(&path[end..]))
}

fn after_key(rest: &str) -> &str {
    rest.strip_prefix('.').unwrap_or(rest)
}

/// The path of the member `key` of what is at `path`.
#[must_use]
pub fn member(path: &str, key: &str) -> String {
    let is_word = !key.is_empty() && !key.contains(['.', '[', ']', '"', '\\', '?']);
    match (is_word, path) {
        (true, "") => key.to_owned(),
        (true, path) => format!("{path}.{key}"),
        (false, path) => format!("{path}[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// The path of the element `at` of the list at `path`.
#[must_use]
pub fn element(path: &str, at: usize) -> String {
    format!("{path}[{at}]")
}

/// Gathers faults, of which no more than a bound are kept.
#[derive(Debug)]
pub struct Faults<F = Fault> {
    list: RefCell<Vec<F>>,
    more: RefCell<usize>,
    max: usize,
}

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self { list: RefCell::default(), more: RefCell::default(), max: FAULTS_MAX }
    }
}

impl<F> Faults<F> {
    /// Keeps every fault: for whoever leaves out what is at fault and must know each of them.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { max: usize::MAX, ..Self::default() }
    }

    /// Adds a fault, or counts it when the list is full.
    pub fn push(&self, fault: F) {
        let mut list = self.list.borrow_mut();
        if list.len() < self.max {
            list.push(fault);
        } else {
            *self.more.borrow_mut() += 1;
        }
    }

    /// Takes over the faults of a part.
    pub fn append(&self, part: Self) {
        let (list, more) = part.into_parts();
        list.into_iter().for_each(|fault| self.push(fault));
        *self.more.borrow_mut() += more;
    }

    /// Faults found so far.
    pub fn len(&self) -> usize {
        self.list.borrow().len() + *self.more.borrow()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All faults, and how many more were not kept.
    pub fn into_parts(self) -> (Vec<F>, usize) {
        (self.list.into_inner(), self.more.into_inner())
    }
}

impl Faults {
    /// All faults; where some were not kept, the last says how many.
    #[must_use]
    pub fn into_list(self) -> Vec<Fault> {
        let (mut list, more) = self.into_parts();
        if more > 0 {
            list.push(Fault::new("", format!("{more} more faults are not shown")));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_pointer() {
        for (path, pointer) in [
            ("", Some("")),
            ("spec", Some("/spec")),
            ("spec.parties[2].name", Some("/spec/parties/2/name")),
            ("[0]", Some("/0")),
            ("a[1][2].b", Some("/a/1/2/b")),
            ("?limit", None),
        ] {
            assert_eq!(Fault::new(path, "").pointer().as_deref(), pointer, "{path}");
        }
    }

    #[test]
    fn every_key_keeps_its_pointer() {
        for key in ["a", "a.b", "a/b~c", "", "x[0]", "say \"it\"", "back\\slash", "?limit", "数"] {
            let path = member(&element(&member("spec", key), 3), key);
            let escaped = key.replace('~', "~0").replace('/', "~1");
            let pointer = Fault::new(path.clone(), "").pointer();
            assert_eq!(pointer, Some(format!("/spec/{escaped}/3/{escaped}")), "{path}");
        }
    }

    #[test]
    fn no_more_than_the_bound_are_kept_and_the_rest_are_counted() {
        let faults = Faults::default();
        for at in 0..FAULTS_MAX + 7 {
            faults.push(Fault::new(element("list", at), "is missing"));
        }
        let part = Faults::default();
        part.push(Fault::new("", "is missing"));
        faults.append(part);
        assert_eq!(faults.len(), FAULTS_MAX + 8);
        let list = faults.into_list();
        assert_eq!(list.len(), FAULTS_MAX + 1);
        assert_eq!(
            list.last().expect("the count").in_both(),
            "8 more faults are not shown · 另有 8 处错误未列出"
        );
    }
}
