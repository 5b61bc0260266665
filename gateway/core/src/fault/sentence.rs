//! Sentences about faults in Chinese: the sources say them in English, one table beside has both.

use std::sync::LazyLock;

/// The table. One that is not read as meant is found by the test below.
const TABLE: &str = include_str!("zh.txt");
/// Deepest sentence within a sentence, as in `"a.toml": is missing`.
const DEPTH_MAX: u8 = 3;

/// A sentence with places for what it is about.
struct Sentence {
    /// What stands between the places, in English.
    parts: Vec<&'static str>,
    zh: &'static str,
    /// Bytes of all parts: of two that fit, the longer says more.
    weight: usize,
}

static SENTENCES: LazyLock<Vec<Sentence>> = LazyLock::new(|| {
    let pairs =
        TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" => "));
    let mut sentences: Vec<_> = pairs
        .map(|(en, zh)| {
            let parts: Vec<_> = en.split("{}").collect();
            let weight = parts.iter().map(|part| part.len()).sum();
            Sentence { parts, zh, weight }
        })
        .collect();
    sentences.sort_by_key(|sentence| std::cmp::Reverse(sentence.weight));
    sentences
});

/// The sentence in Chinese.
pub(super) fn zh(reason: &str) -> Option<String> {
    within(reason, 0)
}

fn within(reason: &str, depth: u8) -> Option<String> {
    SENTENCES.iter().find_map(|sentence| {
        let found = sentence.places(reason)?;
        let said: Vec<_> = found.into_iter().map(|(place, quoted)| said(place, quoted, depth)).collect();
        Some(sentence.fill(&said))
    })
}

/// What stands at a place: words of ours in Chinese, and anybody's own, which are quoted, as they are.
fn said(place: &str, quoted: bool, depth: u8) -> String {
    let own = (!quoted && depth < DEPTH_MAX).then(|| within(place, depth + 1)).flatten();
    own.unwrap_or_else(|| place.to_owned())
}

impl Sentence {
    /// What stands at the places of `text`, and whether it is quoted; none where it is another sentence.
    fn places<'t>(&self, text: &'t str) -> Option<Vec<(&'t str, bool)>> {
        let (first, others) = self.parts.split_first()?;
        let mut rest = text.strip_prefix(first)?;
        let Some((last, middle)) = others.split_last() else { return rest.is_empty().then(Vec::new) };
        let mut before = *first;
        let mut found = Vec::with_capacity(others.len());
        let quoted = |before: &str| before.ends_with(['"', '`']);
        for part in middle {
            let (place, after) = rest.split_once(part)?;
            found.push((place, quoted(before)));
            (rest, before) = (after, part);
        }
        found.push((rest.strip_suffix(last)?, quoted(before)));
        Some(found)
    }

    /// The Chinese sentence with `places` filled in.
    fn fill(&self, places: &[String]) -> String {
        let mut next = 0;
        let mut filled = String::new();
        let mut rest = self.zh;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((number, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            match number.parse().ok().or_else(|| number.is_empty().then_some(next)) {
                Some(at) => filled.push_str(places.get(at).map_or("", String::as_str)),
                None => filled.push_str(&format!("{{{number}}}")),
            }
            next += usize::from(number.is_empty());
            rest = after;
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_said_in_chinese() {
        for (en, zh) in [
            ("is missing", "缺少"),
            ("expected text (put it in quotes), found a list", "应为文字（请加引号），实为列表"),
            ("must be 1 to 7", "须在 1 到 7 之间"),
            ("must be `x`", "须为 `x`"),
            ("there is no Agreement named `a-1`", "没有名为 `a-1` 的 Agreement"),
            ("\"is missing\" is neither json nor text", "\"is missing\" 既不是 json 也不是 text"),
            ("entry 3: must not be empty", "第 3 项：不得为空"),
            (
                "a package is streamed; declare `sandbox: {upstream}` instead",
                "数据包是流式传送的；请改为声明 `sandbox: {upstream}`",
            ),
        ] {
            assert_eq!(super::zh(en).as_deref(), Some(zh), "{en}");
        }
        assert_eq!(super::zh("nobody says this"), None);
    }

    /// Each line of the table is a pair, each English sentence stands once, and both have the same places.
    #[test]
    fn the_table_is_sound() {
        let mut seen = std::collections::BTreeSet::new();
        for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (en, zh) = line.split_once(" => ").unwrap_or_else(|| panic!("no pair: {line}"));
            assert!(seen.insert(en), "twice: {en}");
            let places = en.matches("{}").count();
            let shown =
                zh.matches("{}").count() + (0..9).filter(|at| zh.contains(&format!("{{{at}}}"))).count();
            assert_eq!(places, shown, "{line}");
            assert!(zh.chars().any(|character| character > '\u{2e80}'), "not Chinese: {line}");
        }
        assert!(seen.len() > 200, "the table is there");
    }
}
