//! Names of persons and organisations in one canonical form, so that two spellings of one name are never two names.
//!
//! A register compares names as bytes. Whatever can be written in two ways is therefore taken in one of them here, and
//! refused in the others: `docs/input-contracts.md` has the table.

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_general_category::{GeneralCategory, get_general_category};

/// The dot between the parts of a name (间隔号).
const MIDDLE_DOT: char = '·';

/// Whether `text` is a person's name (姓名) in canonical form.
#[must_use]
pub fn is_person_name(text: &str) -> bool {
    is_name(text, text, |character| matches!(character, '-' | '\'' | '.'))
}

/// Whether `text` is an organisation's name (单位名称) in canonical form.
#[must_use]
pub fn is_organisation_name(text: &str) -> bool {
    let in_han = text.chars().any(is_han);
    // Brackets are full width in a Chinese name, as the registers write them, and nowhere else.
    let brackets = if in_han { ['（', '）'] } else { ['(', ')'] };
    let narrow = text.replace('（', "(").replace('）', ")");
    is_name(text, &narrow, |character| {
        character.is_ascii_digit()
            || brackets.contains(&character)
            || matches!(character, '-' | '\'' | '.' | '&' | ',' | '/' | '+' | '、' | '“' | '”')
    })
}

/// A name whose characters are letters, and those that `more` takes. `narrow` is it without what may be full width.
fn is_name(text: &str, narrow: &str, more: impl Fn(char) -> bool) -> bool {
    let one_form =
        super::check(text).is_ok() && ComposingNormalizerBorrowed::new_nfkc().is_normalized(narrow);
    let characters: Vec<char> = text.chars().collect();
    let beside = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| characters.get(at)).copied();
        before.zip(characters.get(at + 1).copied())
    };
    let fits = |(at, &character): (usize, &char)| match character {
        MIDDLE_DOT => beside(at).is_some_and(|(one, other)| is_letter(one) && is_letter(other)),
        ' ' => beside(at).is_some_and(|pair| {
            [pair.0, pair.1].iter().all(|&next| next != ' ' && next != MIDDLE_DOT && !is_han(next))
        }),
        // Between ideographs it is a middle dot that was typed otherwise.
        '.' => at > 0 && characters[at - 1].is_ascii_alphanumeric(),
        other => is_letter(other) || more(other),
    };
    one_form && !characters.is_empty() && characters.iter().enumerate().all(fits)
}

/// Letters of every script, the marks on them, and 〇, which is an ideograph to whoever bears it.
fn is_letter(character: char) -> bool {
    character == '〇'
        || matches!(
            get_general_category(character),
            GeneralCategory::UppercaseLetter
                | GeneralCategory::LowercaseLetter
                | GeneralCategory::TitlecaseLetter
                | GeneralCategory::OtherLetter
                | GeneralCategory::NonspacingMark
                | GeneralCategory::SpacingMark
        )
        // Tibetan parts its syllables with a mark of punctuation.
        || character == '\u{f0b}'
}

const fn is_han(character: char) -> bool {
    matches!(character, '〇' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_registers_write_them_are_canonical() {
        for name in [
            "张三",
            "阿里木·买买提",
            "买买提·吐尔逊·艾力",
            "㛃𠅤",
            "王〇",
            "O'Neill-Smith John Q.",
            "ئالىم تۇرسۇن",
            "བསོད་ནམས",
            "José",
            "김철수",
        ] {
            assert!(is_person_name(name), "{name}");
        }
        for name in [
            "云泽市鹿鸣县启木医药有限公司",
            "云泽（北京）科技有限公司",
            "7天连锁酒店",
            "A & B (Yunze) Ltd.",
            "阿里木·买买提餐馆",
        ] {
            assert!(is_organisation_name(name), "{name}");
        }
    }

    /// Issue 13, section 1: each of these was answered 不一致 and paid for.
    #[test]
    fn other_spellings_of_a_name_are_not() {
        let dots = ['•', '・', '‧', '∙', '⋅', '･', '.', '．', '\u{387}', '、', '﹒', '。'];
        let dotted = dots.map(|dot| format!("阿里木{dot}买买提"));
        let others = [
            "",
            " ",
            "张 三",
            " 张三",
            "张三 ",
            "张\u{a0}三",
            "张\u{3000}三",
            "张\u{200b}三",
            "\u{feff}张三",
            "张\u{202e}三",
            "张\u{2066}三",
            "张\0三",
            "张\u{e863}",
            "Jose\u{301}",
            "ＪＯＨＮ",
            "⼀三",
            "\u{f900}三",
            "·张三",
            "张三·",
            "张··三",
            "阿里木 ·买买提",
            "John  Smith",
            "John\u{a0}Smith",
            "O’Neill",
            "王○",
            "张三\u{fe00}",
            "张三\n",
            "Smith–Jones",
        ];
        for name in dotted.iter().map(String::as_str).chain(others) {
            assert!(!is_person_name(name), "{name:?}");
        }
        for name in [
            "云泽(北京)科技有限公司",
            "云泽(北京）科技有限公司",
            "A （Yunze） Ltd.",
            "云泽科技 有限公司",
            "云泽科技\u{a0}有限公司",
            "７天酒店",
            "云泽\u{200b}科技",
            "云泽科技有限公司\u{202c}",
            "云泽•科技",
            "云泽\u{e000}科技",
            "云泽.科技",
        ] {
            assert!(!is_organisation_name(name), "{name:?}");
        }
    }
}
