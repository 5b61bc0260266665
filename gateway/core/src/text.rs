//! Text that people read: names, titles, reasons.
//!
//! Two texts that look alike on paper must not be two names. What cannot be seen, turns the direction of what is around
//! it, or has no agreed shape is refused and never dropped: private-use, unassigned and format characters, and text that
//! is not in Normalization Form C (UAX #15), in which one spelling has one sequence of characters.

mod names;

pub use names::{is_organisation_name, is_person_name};

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_general_category::{GeneralCategory, get_general_category};

/// Why a text was refused, by position; the first character is 1. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A control character.
    #[error("holds a control character at position {0}")]
    Control(usize),
    /// A character that is not seen, or that changes the direction of others.
    #[error("holds an invisible or direction-changing character at position {0}")]
    Invisible(usize),
    /// A private-use or unassigned character, or a noncharacter: it looks different everywhere.
    #[error("holds a character without an agreed meaning at position {0}")]
    Unassigned(usize),
    /// Not in Normalization Form C.
    #[error("is not in Unicode Normalization Form C (NFC)")]
    NotNormalised,
}

/// Whether a spreadsheet could take a cell with `text` for a formula, for a line of control totals, or for one that was guarded
/// against that already: an apostrophe goes before it then.
#[must_use]
pub fn needs_guard_in_a_sheet(text: &str) -> bool {
    const DANGEROUS: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '#', '\''];
    text.starts_with(DANGEROUS) || text.trim_start().starts_with(DANGEROUS)
}

/// Checks a text that people read. Line ends and tabs are left to whoever takes the text.
///
/// # Errors
/// [`TextError`].
pub fn check(text: &str) -> Result<(), TextError> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        return Ok(());
    }
    for (at, character) in text.chars().enumerate() {
        match fault(character) {
            None => {}
            Some(of) => return Err(of(at + 1)),
        }
    }
    if ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
        Ok(())
    } else {
        Err(TextError::NotNormalised)
    }
}

/// What a name looks like: two names with one skeleton are taken for each other. For comparing only: it is no name itself.
///
/// Compatibility forms (full width, ligatures, radicals), case and blanks are taken off, and letters of other scripts that
/// have the shape of a Latin letter, a digit or an ideograph become that one. A part of the method of UTS #39, section 4.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let shapes = composed.chars().filter(|character| !character.is_whitespace()).map(shape);
    shapes.flat_map(char::to_lowercase).map(shape).collect()
}

/// The character whose shape this one has.
const fn shape(character: char) -> char {
    match character {
        'А' | 'Α' | 'а' | 'α' => 'a',
        'В' | 'Β' | 'β' => 'b',
        'С' | 'с' | 'Ϲ' | 'ϲ' => 'c',
        'Ԁ' | 'ԁ' => 'd',
        'Е' | 'Ε' | 'е' | 'ε' => 'e',
        'Н' | 'Η' | 'һ' | 'Һ' => 'h',
        'І' | 'Ι' | 'і' | 'ι' | 'Ӏ' | 'ӏ' | 'ı' | 'i' | 'I' | 'L' | '1' | '|' => 'l',
        'Ј' | 'ј' | 'Ϳ' | 'ϳ' => 'j',
        'К' | 'Κ' | 'к' | 'κ' => 'k',
        'М' | 'Μ' => 'm',
        'Ν' => 'n',
        'О' | 'Ο' | 'о' | 'ο' | 'օ' | '0' | '〇' | '○' | '◯' => 'o',
        'Р' | 'Ρ' | 'р' | 'ρ' => 'p',
        'Ԛ' | 'ԛ' => 'q',
        'Ѕ' | 'ѕ' => 's',
        'Т' | 'Τ' | 'т' | 'τ' => 't',
        'υ' => 'u',
        'ν' | 'ѵ' | 'Ѵ' => 'v',
        'Ԝ' | 'ԝ' => 'w',
        'Х' | 'Χ' | 'х' | 'χ' => 'x',
        'У' | 'Υ' | 'у' | 'ү' | 'Ү' => 'y',
        'Ζ' => 'z',
        // Katakana and characters that few tell from an ideograph or a stroke.
        'エ' => '工',
        'カ' => '力',
        'タ' => '夕',
        'ト' => '卜',
        'ニ' => '二',
        'ハ' => '八',
        'ロ' | '囗' => '口',
        '曰' => '日',
        'ー' | '－' | '—' | '–' | '‐' | '‑' | '−' | '―' | '一' => '-',
        '·' | '•' | '・' | '‧' | '∙' | '⋅' => '·',
        other => other,
    }
}

fn fault(character: char) -> Option<fn(usize) -> TextError> {
    if matches!(character, '\n' | '\r' | '\t') {
        return None;
    }
    if is_ignorable(character) {
        return Some(TextError::Invisible);
    }
    match get_general_category(character) {
        GeneralCategory::Control => Some(TextError::Control),
        GeneralCategory::Format | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
            Some(TextError::Invisible)
        }
        GeneralCategory::PrivateUse | GeneralCategory::Unassigned | GeneralCategory::Surrogate => {
            Some(TextError::Unassigned)
        }
        _ => None,
    }
}

/// Characters that are not seen though they count as letters, marks or symbols: those of the property
/// `Default_Ignorable_Code_Point` (Unicode 16, DerivedCoreProperties) that are no format characters, and the empty
/// Braille pattern.
const fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2065}' | '\u{2800}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack F11: a title took each of these.
    #[test]
    fn what_cannot_be_seen_is_refused_by_position() {
        for character in [
            '\u{202e}',
            '\u{202a}',
            '\u{2066}',
            '\u{2069}',
            '\u{200e}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{ad}',
            '\u{34f}',
            '\u{fe0f}',
            '\u{e0101}',
            '\u{e0041}',
            '\u{3164}',
            '\u{2800}',
            '\u{2028}',
            '\u{2029}',
            '\u{fff9}',
            '\u{1d173}',
        ] {
            let text = format!("云泽{character}银行");
            assert_eq!(check(&text), Err(TextError::Invisible(3)), "{:x}", u32::from(character));
        }
        for character in ['\0', '\u{7f}', '\u{1b}', '\u{85}', '\u{9b}'] {
            assert_eq!(
                check(&format!("a{character}")),
                Err(TextError::Control(2)),
                "{:x}",
                u32::from(character)
            );
        }
        for character in
            ['\u{e863}', '\u{f0001}', '\u{10fffd}', '\u{378}', '\u{ffff}', '\u{fdd0}', '\u{3ffff}']
        {
            assert_eq!(
                check(&format!("{character}")),
                Err(TextError::Unassigned(1)),
                "{:x}",
                u32::from(character)
            );
        }
    }

    #[test]
    fn what_looks_alike_has_one_skeleton_and_what_does_not_has_another() {
        for (one, other) in [
            ("Yunze Bank", "Уunzе Ваnk"),
            ("PAY", "ΡΑΥ"),
            ("ICBC", "lCBC"),
            ("云泽Ａ银行", "云泽a银行"),
            ("云泽工业银行", "云泽エ业银行"),
            ("人口中心", "人ロ中心"),
            ("云泽 银行", "云泽　银行"),
            ("二〇二六", "二○二六"),
            ("阿里木·买买提", "阿里木・买买提"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in
            [("云泽银行", "云泽信托"), ("机构1", "机构2"), ("Bank A", "Bank B"), ("农行", "工行")]
        {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_eq!(
            skeleton(&skeleton("Уunzе Ваnk 0１")),
            skeleton("Уunzе Ваnk 0１"),
            "of a skeleton, itself"
        );
    }

    #[test]
    fn one_spelling_is_one_sequence_of_characters() {
        assert_eq!(check("e\u{301}cole"), Err(TextError::NotNormalised));
        assert_eq!(check("école"), Ok(()));
        // A compatibility ideograph that is the same character as U+8C48 to every reader.
        assert_eq!(check("\u{f900}"), Err(TextError::NotNormalised));
    }

    #[test]
    fn names_as_people_write_them_pass() {
        for text in [
            "",
            "云泽市鹿鸣县启木医药有限公司",
            "阿里木·买买提",
            "ئۇيغۇر",
            "བོད",
            "한국",
            "A & B (Yunze) Ltd.",
            "全角　空格",
            "一行\n两行\t。",
            "\u{20bb7}野家",
            "Ελλάδα",
            "𠅤",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
