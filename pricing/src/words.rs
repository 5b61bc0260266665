//! 大写金额: an amount in the characters that cannot be altered, as vouchers and settlement documents carry it
//! (中国人民银行《支付结算办法》附件一《正确填写票据和结算凭证的基本规定》).
//!
//! Where the rules leave a choice, one is taken: a run of zeros between two digits of the whole 元 is one 零, none stands
//! between 元 and 角, and 整 closes every amount that does not end in 分.

use crate::Fen;

const DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];

/// What a number is read by, greatest first. A head of 亿 may itself have 亿.
const UNITS: [(u64, char); 5] = [(100_000_000, '亿'), (10_000, '万'), (1_000, '仟'), (100, '佰'), (10, '拾')];

/// The amount in words, without the 人民币 that stands before it: `壹万陆仟肆佰零玖元零贰分`. A negative one, as in a
/// correction, begins with 负.
#[must_use]
pub fn in_words(amount: Fen) -> String {
    let fen = amount.count().unsigned_abs();
    let (yuan, tenths, hundredths) = (fen / 100, fen / 10 % 10, fen % 10);
    let mut words = String::new();
    if amount < Fen::ZERO {
        words.push('负');
    }
    if yuan > 0 || fen == 0 {
        push_number(&mut words, yuan);
        words.push('元');
    }
    if tenths > 0 {
        words.extend([digit(tenths), '角']);
    } else if yuan > 0 && hundredths > 0 {
        words.push('零');
    }
    if hundredths > 0 {
        words.extend([digit(hundredths), '分']);
    } else {
        words.push('整');
    }
    words
}

fn push_number(words: &mut String, number: u64) {
    let Some(&(unit, name)) = UNITS.iter().find(|(unit, _)| number >= *unit) else {
        words.push(digit(number));
        return;
    };
    let (head, rest) = (number / unit, number % unit);
    push_number(words, head);
    words.push(name);
    if rest > 0 {
        if head.is_multiple_of(10) || rest < unit / 10 {
            words.push('零');
        }
        push_number(words, rest);
    }
}

fn digit(number: u64) -> char {
    DIGITS[usize::try_from(number).expect("one digit")]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The examples of the rules come first, then every place a zero can have.
    #[test]
    fn g3_amounts_in_words_follow_the_rules() {
        for (amount, words) in [
            ("1409.50", "壹仟肆佰零玖元伍角整"),
            ("6007.14", "陆仟零柒元壹角肆分"),
            ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
            ("107000.53", "壹拾万零柒仟元伍角叁分"),
            ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
            ("325.04", "叁佰贰拾伍元零肆分"),
            ("0", "零元整"),
            ("0.01", "壹分"),
            ("0.10", "壹角整"),
            ("0.11", "壹角壹分"),
            ("1", "壹元整"),
            ("1.01", "壹元零壹分"),
            ("10", "壹拾元整"),
            ("10.10", "壹拾元壹角整"),
            ("11.05", "壹拾壹元零伍分"),
            ("100", "壹佰元整"),
            ("101", "壹佰零壹元整"),
            ("110", "壹佰壹拾元整"),
            ("1001", "壹仟零壹元整"),
            ("1010", "壹仟零壹拾元整"),
            ("1100", "壹仟壹佰元整"),
            ("10000", "壹万元整"),
            ("10001", "壹万零壹元整"),
            ("10010", "壹万零壹拾元整"),
            ("11000", "壹万壹仟元整"),
            ("100010", "壹拾万零壹拾元整"),
            ("1000000", "壹佰万元整"),
            ("10000000", "壹仟万元整"),
            ("10010000", "壹仟零壹万元整"),
            ("10000001", "壹仟万零壹元整"),
            ("100000000", "壹亿元整"),
            ("100000001", "壹亿零壹元整"),
            ("100010000", "壹亿零壹万元整"),
            ("110000000", "壹亿壹仟万元整"),
            ("1000000000", "壹拾亿元整"),
            ("1010000000", "壹拾亿零壹仟万元整"),
            ("1000000000000", "壹万亿元整"),
            ("1000200000000.30", "壹万零贰亿元叁角整"),
            ("-0.01", "负壹分"),
            ("-283.02", "负贰佰捌拾叁元零贰分"),
        ] {
            assert_eq!(in_words(amount.parse().unwrap()), words, "{amount}");
        }
        let most = "玖亿贰仟贰佰叁拾叁万柒仟贰佰零叁亿陆仟捌佰伍拾肆万柒仟柒佰伍拾捌元零";
        assert_eq!(in_words(Fen::new(i64::MAX)), format!("{most}柒分"));
        assert_eq!(in_words(Fen::new(i64::MIN)), format!("负{most}捌分"));
    }

    /// Reads words the way a person does: adds up what stands before each unit.
    fn read(words: &str) -> i128 {
        let (sign, words) = words.strip_prefix('负').map_or((1, words), |rest| (-1, rest));
        let (yuan, parts) = words.split_once('元').map_or((0, words), |(yuan, rest)| (number(yuan), rest));
        let before = |unit: char| {
            let (head, _) = parts.split_once(unit)?;
            head.chars().last().map(|digit| value(digit).unwrap())
        };
        sign * (yuan * 100 + before('角').unwrap_or(0) * 10 + before('分').unwrap_or(0))
    }

    fn value(digit: char) -> Option<i128> {
        DIGITS.iter().position(|&own| own == digit).map(|at| at as i128)
    }

    fn number(words: &str) -> i128 {
        for (size, unit) in [(100_000_000, '亿'), (10_000, '万')] {
            if let Some((head, rest)) = words.rsplit_once(unit) {
                return number(head) * size + number(rest);
            }
        }
        let (mut sum, mut last) = (0, 0);
        for character in words.chars() {
            match value(character) {
                Some(digit) => last = digit,
                None => {
                    let (size, _) = UNITS.iter().find(|(_, unit)| *unit == character).unwrap();
                    sum += last * i128::from(*size);
                    last = 0;
                }
            }
        }
        sum + last
    }

    proptest! {
        #[test]
        fn g3_words_read_back_as_the_amount(
            fen in prop_oneof![any::<i64>(), -100_000_000_i64..100_000_000, (0_i64..1_000, 0_u32..16).prop_map(|(n, e)| n * 10_i64.pow(e))]
        ) {
            let words = in_words(Fen::new(fen));
            prop_assert_eq!(read(&words), i128::from(fen), "{}", words);
            prop_assert!(!words.contains("零零") && !words.contains("零元") || fen == 0);
            prop_assert!(words.ends_with(['分', '整']));
        }
    }
}
