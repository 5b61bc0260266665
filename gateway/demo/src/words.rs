//! Words of the program for people: 中文 first, and the word itself, because it is what scripts and documents say.

/// States of cases, verdicts and codes that the demo shows.
const WORDS: &[(&str, &str)] = &[
    ("accepted", "已受理"),
    ("active", "有效"),
    ("answered", "已答复"),
    ("approved", "已批准"),
    ("C206", "没有授权"),
    ("C208", "已暂停"),
    ("C1105", "职责须分离"),
    ("certified", "已登记"),
    ("consistent", "一致"),
    ("decision", "待决定"),
    ("declared", "已声明"),
    ("draft", "草稿"),
    ("emergency", "紧急关闭"),
    ("expert-review", "待专家"),
    ("filed", "已备案"),
    ("in-force", "生效"),
    ("in-review", "审查中"),
    ("inconsistent", "不一致"),
    ("lifted", "已恢复"),
    ("matched 1 of 1", "命中"),
    ("matched 2 of 5", "命中"),
    ("no_record", "查无"),
    ("passed", "已通过"),
    ("provider-review", "待提供单位"),
    ("publicity", "公示中"),
    ("rejected", "不予批准"),
    ("replayed", "同一答复"),
    ("review", "审查中"),
    ("signing", "签署中"),
    ("submitted", "已提交"),
];

/// A word as people read it.
pub(super) fn shown(word: &str) -> String {
    let found = WORDS.iter().find(|(known, _)| *known == word);
    found.map_or_else(|| word.to_owned(), |(_, zh)| format!("{zh} {word}"))
}

/// The Chinese and the English of a text that has both: English begins where a Latin letter follows 中文 and a space.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    let mut before = ' ';
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let begins = letters.peek().is_some_and(|(_, next)| next.is_ascii_alphabetic());
        if letter == ' ' && !before.is_ascii() && begins {
            return (&text[..at], Some(&text[at + 1..]));
        }
        before = letter;
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn each_language_has_its_part() {
        for (text, parts) in [
            ("企业核验：一致 company: consistent", ("企业核验：一致", Some("company: consistent"))),
            ("查无（RFC 9421 签名）不收费 no record", ("查无（RFC 9421 签名）不收费", Some("no record"))),
            ("统计报告 ε=0.2 statistics", ("统计报告 ε=0.2 statistics", None)),
            ("没有英文", ("没有英文", None)),
        ] {
            assert_eq!(split(text), parts);
        }
    }
}
