//! Sentences about faults exist in both languages: what the readers say in English stands, with its Chinese, in the table of
//! `gateway/core/src/fault/zh.txt`.

use super::Finding;
use crate::tree::Tree;

/// The table.
const TABLE: &str = "gateway/core/src/fault/zh.txt";
/// Folders whose files read what people write.
const READERS: [&str; 4] =
    ["products/src/", "gateway/api/src/", "gateway/control/src/", "gateway/node/src/config"];
/// Calls by which a reader tells a fault.
const TELLS: [&str; 8] = [
    ".fail(",
    ".fail::<()>(",
    ".fail_in(",
    ".fault(",
    "Fault::new(",
    "Problem::fault(",
    "Error::fault(",
    ".forbid(",
];

/// Finds each sentence that has no Chinese.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(table) = tree.text(TABLE) else { return Vec::new() };
    let known: Vec<String> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(with_places(line.split_once(" => ")?.0)))
        .collect();
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".rs") {
        let read = READERS.iter().any(|folder| path.starts_with(folder));
        let tests = path.contains("/tests/") || path.ends_with("tests.rs");
        if !read || tests {
            continue;
        }
        let source = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (line, sentence) in sentences(source) {
            if !says(&known, &sentence) {
                let message = format!("`{sentence}` is told to people and has no Chinese in {TABLE}");
                findings.push(Finding::at(path, line, message));
            }
        }
    }
    findings
}

/// Whether the table says this: a place of its sentences takes a place, or words that the table says too.
fn says(table: &[String], sentence: &str) -> bool {
    let known = |place: &&str| !has_letters(place) || says(table, place);
    table.iter().any(|of_table| match places(of_table, sentence) {
        Some(places) => places.iter().all(known),
        None => false,
    })
}

/// What stands in the sentence at the places of one of the table; none where it is another.
fn places<'s>(of_table: &str, sentence: &'s str) -> Option<Vec<&'s str>> {
    let mut parts = of_table.split("{}");
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let (place, after) = match parts.peek() {
            Some(_) => rest.split_once(part)?,
            None => (rest.strip_suffix(part)?, ""),
        };
        found.push(place);
        rest = after;
    }
    rest.is_empty().then_some(found)
}

/// Whether there are words beside the places.
fn has_words(text: &str) -> bool {
    text.contains(' ') && has_letters(text)
}

fn has_letters(text: &str) -> bool {
    text.replace("{}", "").contains(char::is_alphabetic)
}

/// The sentences that faults are told in: literals of more than one word, each with its line.
fn sentences(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for tells in TELLS {
        for (at, _) in source.match_indices(tells) {
            let line = source[..at].matches('\n').count() + 1;
            let told = literals(&source[at + tells.len()..]);
            found.extend(told.into_iter().filter(|text| has_words(text)).map(|text| (line, text)));
        }
    }
    found
}

/// The literals up to the parenthesis that closes, their places as `{}`.
fn literals(rest: &str) -> Vec<String> {
    let (mut depth, mut found) = (1_usize, Vec::new());
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => found.push(literal(&mut characters)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The text with each of its places as `{}`.
fn with_places(text: &str) -> String {
    literal(&mut text.replace('"', "\\\"").chars())
}

fn literal(characters: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            // A line that goes on: the blanks that follow are none of the text.
            '\\' => match characters.next() {
                Some('\n') => *characters = characters.as_str().trim_start().chars(),
                Some(escaped) => text.push(escaped),
                None => break,
            },
            '{' => match characters.as_str().split_once('}') {
                Some((name, after)) if !name.starts_with('{') => {
                    text.push_str("{}");
                    *characters = after.chars();
                }
                _ => text.push('{'),
            },
            plain => text.push(plain),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_without_chinese_is_found() {
        let told = "place.fail(format!(\"at most {count_max} entries of \\\n   {}\", f(1)));\nr.fault(\"log.level\", \"no\")";
        assert_eq!(sentences(told), [(1, "at most {} entries of {}".to_owned())]);
        let tree = Tree::of(&[
            (TABLE, "# head\nis missing => 缺少\n"),
            (
                "products/src/a.rs",
                "fn a() {\n    fail(\"x y\");\n    p.fail(\"is missing\");\n    p.fail(\"is lost\");\n}\n",
            ),
        ]);
        let found: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("products/src/a.rs:4: `is lost`"), "{found:?}");
        let table = ["expected {}, found {}", "text", "at most {}", "is missing"].map(str::to_owned);
        for (sentence, is_said) in [
            ("expected text, found {}", true),
            ("expected {}, found {}", true),
            ("expected prose, found {}", false),
            ("at most {}", true),
            ("at most {} entries", false),
            ("is missing", true),
            ("is missing `kind`", false),
        ] {
            assert_eq!(says(&table, sentence), is_said, "{sentence}");
        }
        assert_eq!(with_places("\"{}\": `a: {b}`"), "\"{}\": `a: {}`");
    }
}
