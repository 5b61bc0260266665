//! Masking (安全脱敏): what of a personal field may be seen, after the families of GB/T 37964.
//!
//! Every mask is total: a text that does not have the form the mask is for is covered entirely, so a product
//! service that puts something else into the field reveals nothing by it. What each mask reveals is in its doc
//! and is the whole of what it reveals.

use std::num::NonZeroU32;

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
    /// 地址: the administrative part up to county level (…省…市…区), nothing from the first street, village or
    /// house-number character on, at most [`ADDRESS_KEPT_MAX`] characters; not the length of the rest.
    Address,
    /// 银行卡号: of 12 to 19 digits the last four and the length; of any other text the length.
    BankCard,
    /// Generalisation of a date (`1987-03-02`, `1987/03/02`, `19870302`, `1987-03`) to its year; any other text
    /// reveals nothing.
    YearOnly,
    /// Generalisation of an integer to the band of this width that holds it, counted from zero: `30-39`.
    Band(NonZeroU32),
}

impl Mask {
    /// Reads a mask's name: `name`, `phone`, `id_number`, `address`, `bank_card`, `year_only`, `band(10)`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "name" => Self::Name,
            "phone" => Self::Phone,
            "id_number" => Self::IdNumber,
            "address" => Self::Address,
            "bank_card" => Self::BankCard,
            "year_only" => Self::YearOnly,
            _ => Self::Band(name.strip_prefix("band(")?.strip_suffix(')')?.parse().ok()?),
        })
    }

    /// Whether the mask is for integers; the others are for texts.
    #[must_use]
    pub const fn is_for_integers(self) -> bool {
        matches!(self, Self::Band(_))
    }

    /// The masked form of a text. A mask for integers covers a text entirely.
    #[must_use]
    pub fn text(self, plain: &str) -> String {
        match self {
            Self::Name => name(plain),
            Self::Phone => ends(plain, 3, 4, is_mobile(plain)),
            Self::IdNumber => ends(plain, 1, 1, is_identity_number(plain)),
            Self::Address => address(plain),
            Self::BankCard => ends(plain, 0, 4, (12..=19).contains(&plain.len()) && all_digits(plain)),
            Self::YearOnly => year(plain),
            Self::Band(_) => COVERED.to_owned(),
        }
    }

    /// The masked form of an integer: its band, or nothing for a mask that is for texts.
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

fn address(plain: &str) -> String {
    /// Ends the name of an administrative division down to the county.
    const DIVISION: [char; 7] = ['省', '市', '区', '县', '旗', '州', '盟'];
    /// Begins what is finer than a county, or is part of a house number.
    const FINER: [char; 16] =
        ['路', '街', '巷', '号', '弄', '栋', '楼', '村', '镇', '乡', '道', '院', '幢', '室', '组', '园'];
    let mut kept = 0;
    for (at, character) in plain.char_indices().take(ADDRESS_KEPT_MAX) {
        if FINER.contains(&character) || character.is_numeric() || character.is_ascii() {
            break;
        }
        if DIVISION.contains(&character) {
            kept = at + character.len_utf8();
        }
    }
    format!("{}{COVERED}", &plain[..kept])
}

fn year(plain: &str) -> String {
    let shape: String = plain.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match &*shape {
        "0000-00-00" | "0000/00/00" | "00000000" | "0000-00" => plain[..4].to_owned(),
        _ => "****".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [Mask; 6] =
        [Mask::Name, Mask::Phone, Mask::IdNumber, Mask::Address, Mask::BankCard, Mask::YearOnly];

    #[test]
    fn masks_by_example() {
        for (name, plain, masked) in [
            ("name", "张三丰", "张**"),
            ("name", "李", "*"),
            ("name", "", ""),
            ("phone", "13800005678", "138****5678"),
            ("phone", "1380000567", "**********"),
            ("phone", "1380000567８", "***********"),
            ("id_number", "11010519491231002X", "1****************X"),
            ("id_number", "11010519491231002x", "******************"),
            // 18 bytes, the last three of them one character.
            ("id_number", "110105194912310\u{fffd}", "****************"),
            ("id_number", "110105491231002", "***************"),
            ("address", "山东省烟台市莱山区观海路1号", "山东省烟台市莱山区***"),
            ("address", "建国路88号院3区2号楼", "***"),
            ("address", "", "***"),
            ("bank_card", "6222020000001234567", "***************4567"),
            ("bank_card", "62220200", "********"),
            ("year_only", "1987-03-02", "1987"),
            ("year_only", "19870302", "1987"),
            ("year_only", "3 March 1987", "****"),
        ] {
            assert_eq!(Mask::from_name(name).unwrap().text(plain), masked, "{name} {plain}");
        }
    }

    #[test]
    fn bands_by_example() {
        let ten = Mask::from_name("band(10)").unwrap();
        for (plain, masked) in [(30, "30-39"), (39, "30-39"), (0, "0-9"), (-1, "-10--1")] {
            assert_eq!(ten.integer(plain), masked);
        }
        for name in ["band(0)", "band(-1)", "band()", "band(1", "band", "Name", ""] {
            assert_eq!(Mask::from_name(name), None, "{name}");
        }
        assert_eq!(ten.integer(i64::MIN), "-9223372036854775810--9223372036854775801");
    }

    /// How many characters of the plain text each mask may leave standing.
    fn revealed_max(mask: Mask) -> usize {
        match mask {
            Mask::Name => 1,
            Mask::Phone => 7,
            Mask::IdNumber => 2,
            Mask::Address => ADDRESS_KEPT_MAX,
            Mask::BankCard | Mask::YearOnly => 4,
            Mask::Band(_) => 0,
        }
    }

    fn plain() -> impl Strategy<Value = String> {
        let alphabet = "[张王0-9a-zX省市区路号１九\\-/ ]{0,40}";
        prop_oneof![
            alphabet,
            "1[0-9]{10}",
            "[0-9]{17}[0-9X]",
            "[0-9]{12,19}",
            "[0-9]{4}-[0-9]{2}-[0-9]{2}",
            ".{0,40}"
        ]
    }

    proptest! {
        #[test]
        fn no_mask_reveals_more_than_it_states(plain in plain()) {
            for mask in TEXTS {
                let masked = mask.text(&plain);
                let standing = masked.chars().filter(|&c| c != '*').count();
                prop_assert!(standing <= revealed_max(mask), "{mask:?}");
                if matches!(mask, Mask::Name | Mask::Phone | Mask::IdNumber | Mask::BankCard) {
                    prop_assert_eq!(masked.chars().count(), plain.chars().count());
                }
            }
        }

        /// An address shows no digit, ever: house numbers identify.
        #[test]
        fn addresses_show_no_digit(plain in plain()) {
            prop_assert!(!Mask::Address.text(&plain).chars().any(char::is_numeric));
        }

        #[test]
        fn a_band_holds_its_integer(plain in -1_000_000_i64..1_000_000, width in 1_u32..1_000) {
            let masked = Mask::Band(NonZeroU32::new(width).unwrap()).integer(plain);
            let cut = masked[1..].find('-').unwrap() + 1;
            let (low, high): (i64, i64) = (masked[..cut].parse().unwrap(), masked[cut + 1..].parse().unwrap());
            prop_assert!(low <= plain && plain <= high);
            prop_assert_eq!(high - low + 1, i64::from(width));
            prop_assert_eq!(low.rem_euclid(i64::from(width)), 0);
        }
    }
}
