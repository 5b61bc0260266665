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
    /// 地址: the administrative part up to county level (…省…市…区), nothing from the first street, village or
    /// house-number character on, at most [`ADDRESS_KEPT_MAX`] characters; not the length of the rest.
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
    /// Pseudonymisation: whether two texts that one unit gets in one scenario from one product are the same, and nothing
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
    date_digits(plain).map_or_else(|| "****".to_owned(), |(year, _)| year.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [Mask; 11] = [
        Mask::Name,
        Mask::Phone,
        Mask::IdNumber,
        Mask::Address,
        Mask::BankCard,
        Mask::YearOnly,
        Mask::MonthOnly,
        Mask::Email,
        Mask::Plate,
        Mask::Prefix(NonZeroU32::new(4).unwrap()),
        Mask::Suppress,
    ];

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
            ("month_only", "1987-03-02", "1987-03"),
            ("month_only", "19870302", "1987-03"),
            ("month_only", "03-1987", "****-**"),
            ("email", "zhang.san@example.com", "***@example.com"),
            ("email", "a@b@example.com", "***@example.com"),
            ("email", "zhang.san@1380000 5678", "***"),
            ("email", "@example.com", "***"),
            ("plate", "鲁F12345", "鲁F*****"),
            ("plate", "鲁FD12345", "鲁F******"),
            ("plate", "13800005678", "***********"),
            ("prefix(2)", "690101", "69****"),
            ("prefix(2)", "69", "**"),
            ("prefix(2)", "六九零一", "****"),
            ("suppress", "anything", "***"),
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
            Mask::MonthOnly => 7,
            // All of it but the local part may be the domain; a test of its own looks at that.
            Mask::Email => 64,
            Mask::Plate => 2,
            Mask::Prefix(kept) => kept.get() as usize,
            Mask::Band(_) | Mask::Suppress | Mask::Pseudonym | Mask::Noise(_) => 0,
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
            "[鲁京][A-F][A-Z0-9]{5,6}",
            "[a-z.]{1,9}@[a-z]{1,9}\\.(cn|com)",
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
                let keeps_length = matches!(
                    mask,
                    Mask::Name | Mask::Phone | Mask::IdNumber | Mask::BankCard | Mask::Plate | Mask::Prefix(_)
                );
                if keeps_length {
                    prop_assert_eq!(masked.chars().count(), plain.chars().count());
                }
            }
        }

        /// What was masked once shows no less masked again: masking on top of a service's own masking is harmless.
        #[test]
        fn e3_masking_again_never_reveals_more(plain in plain()) {
            for mask in TEXTS {
                let once = mask.text(&plain);
                let twice = mask.text(&once);
                let standing = |text: &str| text.chars().filter(|&c| c != '*').count();
                prop_assert!(standing(&twice) <= standing(&once), "{mask:?}");
                if matches!(mask, Mask::Name | Mask::Address | Mask::Email | Mask::Suppress | Mask::MonthOnly) {
                    prop_assert_eq!(&twice, &once, "{:?} is idempotent", mask);
                }
            }
        }

        /// Two texts that differ only in what a mask covers come out alike: nothing of the covered part is left.
        #[test]
        fn e3_what_is_covered_leaves_no_trace(a in "[0-9]{4}", b in "[0-9]{4}") {
            for (mask, form) in [
                (Mask::Phone, "138....5678"),
                (Mask::IdNumber, "1101051949123....X"),
                (Mask::Email, "z....@example.com"),
                (Mask::Plate, "鲁F1...."),
            ] {
                let filled = |digits: &str| mask.text(&form.replace("....", digits));
                prop_assert_eq!(filled(&a), filled(&b), "{:?}", mask);
            }
        }

        /// Noise stays within its bound and is the same for the same value: asking again teaches nothing.
        #[test]
        fn e3_noise_is_bounded_and_never_averages_out(plain in any::<i64>(), most in 1_u32..1_000) {
            let (key, other) = (MaskKey::new(&[1; 32]), MaskKey::new(&[2; 32]));
            let most = NonZeroU32::new(most).unwrap();
            let noised = Mask::noised(plain, most, "/age", &key);
            prop_assert!(noised.abs_diff(plain) <= u64::from(most.get()));
            prop_assert_eq!(noised, Mask::noised(plain, most, "/age", &key));
            let wide = NonZeroU32::new(u32::MAX).unwrap();
            let plain = plain / 2;
            prop_assert_ne!(Mask::noised(plain, wide, "/age", &key), Mask::noised(plain, wide, "/age", &other));
            prop_assert_ne!(Mask::noised(plain, wide, "/age", &key), Mask::noised(plain, wide, "/sum", &key));
        }

        /// A pseudonym is one per text, leaf and key, and has one length.
        #[test]
        fn e3_pseudonyms_join_within_a_scenario_and_nowhere_else(a in ".{0,20}", b in ".{0,20}") {
            let (key, other) = (MaskKey::new(&[1; 32]), MaskKey::new(&[2; 32]));
            let made = Mask::pseudonym(&a, "/id", &key);
            prop_assert_eq!(made.len(), 22);
            prop_assert_eq!(&made, &Mask::pseudonym(&a, "/id", &key));
            prop_assert_eq!(made == Mask::pseudonym(&b, "/id", &key), a == b);
            prop_assert_ne!(&made, &Mask::pseudonym(&a, "/id", &other));
            prop_assert_ne!(&made, &Mask::pseudonym(&a, "/other", &key));
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
