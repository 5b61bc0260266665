//! Masking (安全脱敏): what of a personal field may be seen, after the families of GB/T 37964.
//!
//! Every mask is total: a text that does not have the form the mask is for is covered entirely, so a product
//! service that puts something else into the field reveals nothing by it. What each mask reveals is in its doc
//! and is the whole of what it reveals.
//!
//! | family (GB/T 37964) | masks and rules |
//! |---|---|
//! | suppression 抑制 | `suppress`, and every leaf that a contract does not list |
//! | covering 遮盖 | `name`, `phone`, `id_number`, `address`, `bank_card`, `email`, `plate` |
//! | generalisation 泛化 | `year_only`, `month_only`, `prefix(n)`, `band(n)`, the rule's `step` (rounding) and `clamp` (top and bottom coding) |
//! | pseudonymisation 假名化 | `pseudonym` |
//! | randomisation 随机化 | `noise(n)` |
//! | sampling 抽样 | the rule's `sample_one_in` |

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keyed::{MaskKey, Use};

/// Longest part of an address kept, in characters.
pub const ADDRESS_KEPT_MAX: usize = 30;

/// Stands for a part whose length is not revealed either.
const COVERED: &str = "***";

/// How one leaf is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// 姓名: reveals the first character and the length; of a single character only the length.
    Name,
    /// 手机号: of an 11-digit mobile number the first three and last four digits; of any other text the length.
    Phone,
    /// 证件号码: of an 18-character identity number the first and last character; of any other text the length.
    IdNumber,
    /// 地址: the administrative part down to the first name of county level (…省…市…区), nothing after it, and nothing
    /// from the first street, estate, village or house-number character on, at most [`ADDRESS_KEPT_MAX`] characters; not
    /// the length of the rest.
    Address,
    /// 银行卡号: of 12 to 19 digits the last four and the length; of any other text the length.
    BankCard,
    /// Generalisation of a date (`1987-03-02`, `1987/03/02`, `19870302`, `1987-03`) to its year; any other text
    /// reveals nothing.
    YearOnly,
    /// Generalisation of a date, as [`Mask::YearOnly`] reads it, to its month, `1987-03`; any other text reveals nothing.
    MonthOnly,
    /// 电子邮箱: the domain; of any text that is no address nothing.
    Email,
    /// 车牌号: of a plate (省 character, letter, five or six letters or digits) the first two characters and the length; of
    /// any other text the length.
    Plate,
    /// Generalisation of a hierarchical code of letters and digits to its first characters, and its length; of a text that
    /// is no longer than that, or is no such code, only the length.
    Prefix(NonZeroU32),
    /// Suppression: nothing, not even the length. For texts and integers.
    Suppress,
    /// Pseudonymisation: whether two texts that one unit gets in one scenario within one scope of one product are the same, and nothing
    /// else ([`super::MaskKey`]).
    Pseudonym,
    /// Randomisation of an integer: moved by at most so much, evenly, the same value always by the same
    /// ([`super::MaskKey`]).
    Noise(NonZeroU32),
    /// Generalisation of an integer to the band of this width that holds it, counted from zero: `30-39`.
    Band(NonZeroU32),
}

impl Mask {
    /// Reads a mask's name, as in the table above.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "phone" => Self::Phone,
            "id_number" => Self::IdNumber,
            "address" => Self::Address,
            "bank_card" => Self::BankCard,
            "year_only" => Self::YearOnly,
            "month_only" => Self::MonthOnly,
            "email" => Self::Email,
            "plate" => Self::Plate,
            "suppress" => Self::Suppress,
            "pseudonym" => Self::Pseudonym,
            _ => {
                let (mask, width) = name.strip_suffix(')')?.split_once('(')?;
                let width: NonZeroU32 = width.parse().ok()?;
                match mask {
                    "band" => Self::Band(width),
                    "prefix" => Self::Prefix(width),
                    "noise" => Self::Noise(width),
                    _ => return None,
                }
            }
        })
    }

    /// Whether the mask is for integers, or else for texts.
    #[must_use]
    pub const fn fits(self, integers: bool) -> bool {
        match self {
            Self::Suppress => true,
            Self::Band(_) | Self::Noise(_) => integers,
            _ => !integers,
        }
    }

    /// Whether it needs a key.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        matches!(self, Self::Pseudonym | Self::Noise(_))
    }

    /// The masked form of a text, by a mask that needs no key. Any other covers it entirely.
    #[must_use]
    pub fn text(self, plain: &str) -> String {
        match self {
            Self::Name => name(plain),
            Self::Phone => ends(plain, 3, 4, is_mobile(plain)),
            Self::IdNumber => ends(plain, 1, 1, is_identity_number(plain)),
            Self::Address => address(plain),
            Self::BankCard => ends(plain, 0, 4, (12..=19).contains(&plain.len()) && all_digits(plain)),
            Self::YearOnly => year(plain),
            Self::MonthOnly => month(plain),
            Self::Email => email(plain),
            Self::Plate => ends_of(plain, 2, is_plate(plain)),
            Self::Prefix(kept) => prefix(plain, kept.get() as usize),
            Self::Band(_) | Self::Noise(_) | Self::Pseudonym | Self::Suppress => COVERED.to_owned(),
        }
    }

    /// The pseudonym of a text: 22 characters.
    pub(super) fn pseudonym(plain: &str, leaf: &str, key: &MaskKey) -> String {
        URL_SAFE_NO_PAD.encode(&key.value(Use::Pseudonym, leaf, plain.as_bytes())[..16])
    }

    /// An integer with its noise, of at most `most` either way; saturates.
    pub(super) fn noised(plain: i64, most: NonZeroU32, leaf: &str, key: &MaskKey) -> i64 {
        let span = 2 * u64::from(most.get()) + 1;
        let drawn = key.below(span, Use::Noise, leaf, &plain.to_be_bytes());
        let drawn = i64::try_from(drawn).expect("below 2^33") - i64::from(most.get());
        plain.saturating_add(drawn)
    }

    /// The masked form of an integer: its band, or nothing for any other mask.
    #[must_use]
    pub fn integer(self, plain: i64) -> String {
        let Self::Band(width) = self else { return COVERED.to_owned() };
        let width = i128::from(width.get());
        let low = i128::from(plain).div_euclid(width) * width;
        format!("{low}-{}", low + width - 1)
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn is_mobile(text: &str) -> bool {
    text.len() == 11 && text.starts_with('1') && all_digits(text)
}

fn is_identity_number(text: &str) -> bool {
    text.len() == 18 && {
        let (digits, last) = text.as_bytes().split_at(17);
        digits.iter().all(u8::is_ascii_digit) && (last[0].is_ascii_digit() || last[0] == b'X')
    }
}

fn name(plain: &str) -> String {
    let mut characters = plain.chars();
    let first = characters.next();
    let rest = characters.count();
    match first {
        Some(first) if rest > 0 => std::iter::once(first).chain(std::iter::repeat_n('*', rest)).collect(),
        Some(_) => "*".to_owned(),
        None => String::new(),
    }
}

/// Keeps `head` and `tail` characters of a text in the expected form (which is ASCII), covers all of any other.
fn ends(plain: &str, head: usize, tail: usize, as_expected: bool) -> String {
    if !as_expected {
        return "*".repeat(plain.chars().count());
    }
    let covered = plain.len() - head - tail;
    format!("{}{}{}", &plain[..head], "*".repeat(covered), &plain[plain.len() - tail..])
}

/// Keeps the first `head` characters of a text in the expected form and covers the rest, or all of any other.
fn ends_of(plain: &str, head: usize, as_expected: bool) -> String {
    let kept = if as_expected { head } else { 0 };
    plain.chars().enumerate().map(|(at, character)| if at < kept { character } else { '*' }).collect()
}

fn is_plate(text: &str) -> bool {
    let mut characters = text.chars();
    let province = characters.next().is_some_and(|first| ('\u{4e00}'..='\u{9fff}').contains(&first));
    let code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let city = characters.next().is_some_and(|second| second.is_ascii_uppercase());
    let rest = characters.as_str();
    province && city && (5..=6).contains(&rest.len()) && rest.chars().all(code)
}

fn prefix(plain: &str, kept: usize) -> String {
    let is_code = plain.len() > kept && plain.bytes().all(|byte| byte.is_ascii_alphanumeric());
    ends_of(plain, kept, is_code)
}

fn email(plain: &str) -> String {
    let label = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match plain.rsplit_once('@') {
        Some((local, domain))
            if !local.is_empty() && domain.contains('.') && domain.split('.').all(label) =>
        {
            format!("{COVERED}@{domain}")
        }
        _ => COVERED.to_owned(),
    }
}

/// The digits of year and month of a date in one of the forms that [`Mask::YearOnly`] names.
fn date_digits(plain: &str) -> Option<(&str, &str)> {
    let shape: String = plain.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match &*shape {
        "0000-00-00" | "0000/00/00" | "0000-00" => Some((&plain[..4], &plain[5..7])),
        "00000000" => Some((&plain[..4], &plain[4..6])),
        _ => None,
    }
}

fn month(plain: &str) -> String {
    date_digits(plain).map_or_else(|| "****-**".to_owned(), |(year, month)| format!("{year}-{month}"))
}

fn address(plain: &str) -> String {
    /// Begins what is finer than a county, or is part of a house number.
    const FINER: [char; 16] =
        ['路', '街', '巷', '号', '弄', '栋', '楼', '村', '镇', '乡', '道', '院', '幢', '室', '组', '园'];
    let letters: Vec<(usize, char)> = plain.char_indices().take(ADDRESS_KEPT_MAX).collect();
    let finer = |c: char| FINER.contains(&c) || c.is_numeric() || c.is_ascii();
    let end = letters.iter().position(|(_, c)| finer(*c)).unwrap_or(letters.len());
    let (mut kept, mut begins, mut level) = (0, 0, Level::Country);
    for at in 0..end {
        let letter = |at: usize| letters.get(at).map_or(' ', |(_, c)| *c);
        let name: String = letters[begins..at].iter().map(|(_, c)| c).collect();
        // Banners are Inner Mongolia's; elsewhere it is a name, as of a street or a village.
        if letter(at) == '旗' && !plain.starts_with("内蒙古") {
            break;
        }
        let found = match division(&name, letter(at), letter(at + 1), level) {
            Division::None => continue,
            Division::Finer => break,
            Division::Ends(found) => found,
        };
        kept = letters[at].0 + letters[at].1.len_utf8();
        (begins, level) = (at + 1, found);
        if level == Level::County {
            break;
        }
    }
    format!("{}{COVERED}", &plain[..kept])
}

/// How deep an administrative division lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Country,
    Province,
    Municipality,
    Prefecture,
    County,
}

/// What a character of an address ends.
enum Division {
    /// Nothing: it is part of a name.
    None,
    /// The name of a division.
    Ends(Level),
    /// The name of something finer, an estate or a market: from the end of the last division on, nothing may be seen.
    Finer,
}

/// Whether `last` ends the division called `name`, which stands below one of `above` and before `next`.
fn division(name: &str, last: char, next: char, above: Level) -> Division {
    /// Before 区: what names an estate, a zone or a campus, and no district.
    const ESTATES: [char; 27] = [
        '小', '社', '园', '属', '发', '校', '厂', '景', '库', '宅', '活', '舍', '税', '范', '墅', '院', '片',
        '街', '营', '理', '假', '业', '作', '验', '住', '能', '务',
    ];
    const MUNICIPALITIES: [&str; 4] = ["北京", "上海", "天津", "重庆"];
    let before = name.chars().next_back().unwrap_or(' ');
    match last {
        '省' if above == Level::Country && !name.is_empty() => Division::Ends(Level::Province),
        '区' if name.ends_with("自治") && above == Level::Country => Division::Ends(Level::Province),
        '区' if before == '地' && above == Level::Province => Division::Ends(Level::Prefecture),
        '区' if name.is_empty() || ESTATES.contains(&before) => Division::Finer,
        '市' if MUNICIPALITIES.contains(&name) && above == Level::Country => {
            Division::Ends(Level::Municipality)
        }
        '市' if name.is_empty() || next == '场' || "超夜菜闹".contains(before) => Division::Finer,
        '市' if above <= Level::Province => Division::Ends(Level::Prefecture),
        '市' if above == Level::Municipality => Division::Finer,
        '州' if name.ends_with("自治") && above == Level::Province => Division::Ends(Level::Prefecture),
        '盟' if above == Level::Province && name.chars().count() >= 2 => Division::Ends(Level::Prefecture),
        '旗' | '县' if name.is_empty() => Division::Finer,
        '区' | '市' | '县' | '旗' => Division::Ends(Level::County),
        _ => Division::None,
    }
}

fn year(plain: &str) -> String {
    date_digits(plain).map_or_else(|| "****".to_owned(), |(year, _)| year.to_owned())
}
