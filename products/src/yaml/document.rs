//! Cutting a file into its YAML documents.
//!
//! `---` at the start of a line always begins a document (YAML 1.2.2 §9.1.2: not even a block scalar may hold
//! it), so the cut needs no parser, and a document that cannot be read does not hide the faults of the others.

/// Largest document in bytes: one object, its schemas included.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// One document of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'t> {
    /// The file's name, for messages.
    pub(crate) file: &'t str,
    /// Line of the file on which `text` begins, from 1.
    pub(crate) first_line: u32,
    /// The document, without its `---`.
    pub(crate) text: &'t str,
}

impl<'t> Document<'t> {
    /// What the line `kind: …` at the document's margin says, where there is one. Lets the caller order documents
    /// before parsing them, so that one tree at a time is in memory.
    pub(crate) fn kind_hint(&self) -> Option<&'t str> {
        let rest = self.text.lines().find_map(|line| line.strip_prefix("kind:"))?;
        let rest = rest.split_once(" #").map_or(rest, |(before, _)| before);
        Some(rest.trim().trim_matches(['"', '\'']))
    }

    /// What the document seems to name its object: the first `name:` after `metadata:`. Good enough to tell what a
    /// document that cannot be read was meant to declare.
    pub(crate) fn name_hint(&self) -> Option<&'t str> {
        let (_, after) = self.text.split_once("metadata:")?;
        let (_, name) = after.split_once("name:")?;
        let name = name.trim_start().trim_start_matches(['"', '\'']);
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
        Some(&name[..end.unwrap_or(name.len())]).filter(|name| !name.is_empty())
    }

    fn is_blank(&self) -> bool {
        self.text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "...")
    }
}

/// The documents of `text`; those that hold only comments are left out.
pub(crate) fn split<'t>(file: &'t str, text: &'t str) -> impl Iterator<Item = Document<'t>> {
    let mut rest = Some((text, 1_u32));
    let next = move || {
        let (text, first_line) = rest.take()?;
        let mut at = 0;
        let mut line = first_line;
        for piece in text.split_inclusive('\n') {
            if starts_document(piece) {
                rest = Some((&text[at + "---".len()..], line));
                return Some(Document { file, first_line, text: &text[..at] });
            }
            at += piece.len();
            line = line.saturating_add(1);
        }
        Some(Document { file, first_line, text })
    };
    std::iter::from_fn(next).filter(|document| !document.is_blank())
}

fn starts_document(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_know_their_lines() {
        let text = "# head\n---\nkind: A # first\n---\n# nothing\n--- {kind: B}\nx: |\n  kind: no\n  ---\n";
        let found: Vec<_> = split("f", text).map(|d| (d.first_line, d.kind_hint())).collect();
        assert_eq!(found, [(2, Some("A")), (6, None)]);
        let named = |text| split("f", text).next().and_then(|document| document.name_hint());
        assert_eq!(named("metadata: {name: bank-a}\nspec: ["), Some("bank-a"));
        assert_eq!(named("metadata:\n  name: \"b\"\n"), Some("b"));
        assert_eq!(named("name: c\n"), None);
        assert_eq!(split("f", "").count(), 0);
        assert_eq!(split("f", "---\r\nkind: A\r\n---\r\nkind: B\r\n").count(), 2);
        assert_eq!(split("f", "----\nkind: A\n").count(), 1);
    }
}
