//! On which line of its file a key of the configuration stands.

use shuzha_core::Fault;
use toml::de::DeTable;

use super::{Sources, environment};

/// The faults with the lines of the file that they come from: where nothing that is laid over the file says the key anew.
pub(super) fn told(faults: Vec<Fault>, sources: &Sources) -> Vec<Fault> {
    let Some(text) = sources.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) else {
        return faults;
    };
    let over = environment();
    let overlaid = |section: &str, key: &str| {
        over.get(section).and_then(|keys| keys.get(key)).is_some()
            || sources.flags.iter().any(|(of, flag, _)| (*of, *flag) == (section, key))
    };
    let lined = |fault: Fault| {
        let (section, key) = fault.path.split_once('.').unwrap_or((&fault.path, ""));
        match (overlaid(section, key), line_of(&text, section, key)) {
            (false, Some(line)) => fault.at_line(line),
            _ => fault,
        }
    };
    faults.into_iter().map(lined).collect()
}

/// The line of `key` in `section`, of the section itself where the key is empty; of the syntax error, where the text is no TOML.
fn line_of(text: &str, section: &str, key: &str) -> Option<u32> {
    let at = match DeTable::parse(text) {
        Err(error) => error.span()?.start,
        Ok(table) => {
            let named = |(name, _): &(&toml::Spanned<_>, _), wanted: &str| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                name == wanted
            };
            let (head, keys) = table.get_ref().iter().find(|entry| named(entry, section))?;
            match (key, keys.get_ref().as_table()) {
                ("", _) => head.span().start,
                (key, Some(keys)) => keys.iter().find(|entry| named(entry, key))?.0.span().start,
                (_, None) => return None,
            }
        }
    };
    let before = text.get(..at)?.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(before + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn keys_have_the_lines_of_their_file() {
        let text = "# head\n[node]\nname = \"a\"\n\n[log]\n# how\nlevel = 3\n";
        for (section, key, line) in [
            ("node", "name", Some(3)),
            ("log", "level", Some(7)),
            ("log", "", Some(5)),
            ("log", "format", None),
            ("limits", "", None),
        ] {
            assert_eq!(line_of(text, section, key), line, "{section}.{key}");
        }
        assert_eq!(line_of("[node]\nname = \n", "", ""), Some(2));
    }
}
