//! Scales: round steps, and numbers in a unit that people read.

use shuzha_core::Lang;

/// Steps of an axis, at most.
const STEPS: i128 = 5;

/// The values an axis is marked at: multiples of a round step, that hold every value between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) ticks: Vec<i128>,
}

impl Axis {
    /// An axis from `low` (or nothing) to `high` (or nothing).
    pub(super) fn over(low: i128, high: i128) -> Self {
        let (low, high) = (low.min(0), high.max(0));
        let mut step: i128 = 1;
        let mut factors = [2, 5, 10].into_iter().cycle();
        let mut power = 1;
        // 1, 2, 5, 10, 20, 50 …
        while (high - low) > step * STEPS {
            let factor = factors.next().expect("a cycle does not end");
            step = power * factor;
            if factor == 10 {
                power *= 10;
            }
        }
        let first = low.div_euclid(step);
        let last = high.div_euclid(step) + i128::from(high.rem_euclid(step) > 0 || high == low);
        Self { ticks: (first..=last).map(|number| number * step).collect() }
    }

    /// Where `value` lies on `length` units, from 0 at the first tick.
    pub(super) fn place(&self, value: i128, length: i64) -> i64 {
        let (first, last) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        let place = (value - first) * i128::from(length) / (last - first);
        i64::try_from(place).expect("a value of the axis lies on it")
    }

    /// The greatest distance of a tick from nothing.
    pub(super) fn reach(&self) -> u128 {
        self.ticks.iter().map(|tick| tick.unsigned_abs()).max().unwrap_or(0)
    }
}

/// A unit that numbers are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// How many of what is counted make one.
    size: u128,
    pub(super) name: &'static str,
}

impl Unit {
    /// The unit for amounts of micro-yuan up to `reach`.
    pub(super) const fn of_money(reach: u128, lang: Lang) -> Self {
        const YUAN: u128 = 1_000_000;
        match lang {
            Lang::Zh if reach >= 100_000_000 * YUAN => Self { size: 100_000_000 * YUAN, name: "亿元" },
            Lang::Zh if reach >= 10_000 * YUAN => Self { size: 10_000 * YUAN, name: "万元" },
            Lang::Zh => Self { size: YUAN, name: "元" },
            Lang::En if reach >= 1_000_000 * YUAN => Self { size: 1_000_000 * YUAN, name: "million yuan" },
            Lang::En if reach >= 1_000 * YUAN => Self { size: 1_000 * YUAN, name: "thousand yuan" },
            Lang::En => Self { size: YUAN, name: "yuan" },
        }
    }

    /// The unit for numbers of calls up to `reach`.
    pub(super) const fn of_calls(reach: u128, lang: Lang) -> Self {
        match lang {
            Lang::Zh if reach >= 100_000_000 => Self { size: 100_000_000, name: "亿次" },
            Lang::Zh if reach >= 10_000 => Self { size: 10_000, name: "万次" },
            Lang::Zh => Self { size: 1, name: "次" },
            Lang::En if reach >= 1_000_000 => Self { size: 1_000_000, name: "million calls" },
            Lang::En if reach >= 1_000 => Self { size: 1_000, name: "thousand calls" },
            Lang::En => Self { size: 1, name: "calls" },
        }
    }

    /// The number in this unit, rounded half away from zero to `decimals`, with commas and without idle zeros.
    pub(super) fn show(self, number: i128, decimals: u32) -> String {
        let scale = 10_u128.pow(decimals);
        let scaled = (number.unsigned_abs() * scale * 2 + self.size) / (self.size * 2);
        let sign = if number < 0 && scaled > 0 { "-" } else { "" };
        let fraction = format!("{:0width$}", scaled % scale, width = decimals as usize);
        let fraction = if decimals == 0 { "" } else { fraction.trim_end_matches('0') };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}", grouped(scaled / scale))
    }
}

/// The number with a comma before every three digits.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `part` of `whole` in percent with one decimal, rounded half away from zero.
pub(super) fn percent(part: i128, whole: i128) -> String {
    if whole == 0 {
        return "—".to_owned();
    }
    let negative = (part < 0) != (whole < 0) && part != 0;
    let (part, whole) = (part.unsigned_abs(), whole.unsigned_abs());
    let tenths = (part * 2_000 + whole) / (whole * 2);
    format!("{}{}.{}%", if negative { "-" } else { "" }, tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_are_round() {
        let ticks = |low, high| Axis::over(low, high).ticks;
        assert_eq!(ticks(0, 0), [0, 1]);
        assert_eq!(ticks(0, 1), [0, 1]);
        assert_eq!(ticks(0, 7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(0, 100), [0, 20, 40, 60, 80, 100]);
        assert_eq!(ticks(0, 101), [0, 50, 100, 150]);
        assert_eq!(ticks(-30, 100), [-50, 0, 50, 100]);
    }

    #[test]
    fn numbers_are_readable() {
        let show = |micros, lang| {
            let unit = Unit::of_money(i128::unsigned_abs(micros), lang);
            format!("{} {}", unit.show(micros, 2), unit.name)
        };
        assert_eq!(show(1_234_500_000, Lang::Zh), "1,234.5 元");
        assert_eq!(show(12_345_678_000_000, Lang::Zh), "1,234.57 万元");
        assert_eq!(show(-250_000_000_000_000, Lang::Zh), "-2.5 亿元");
        assert_eq!(show(1_500_000_000, Lang::En), "1.5 thousand yuan");
        assert_eq!(Unit::of_calls(9_999, Lang::Zh).show(9_999, 0), "9,999");
        assert_eq!(
            (percent(1, 3), percent(-1, 1_000), percent(0, 0)),
            ("33.3%".into(), "-0.1%".into(), "—".into())
        );
    }

    proptest! {
        /// Whatever the values, the axis has few ticks, holds them, and places them in order.
        #[test]
        fn every_value_lies_on_its_axis(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
            let mut values = [a, b, c].map(i128::from);
            values.sort_unstable();
            let axis = Axis::over(values[0], values[2]);
            prop_assert!((2..=7).contains(&axis.ticks.len()), "{:?}", axis);
            prop_assert!(axis.ticks.contains(&0));
            let places = values.map(|value| axis.place(value, 600));
            prop_assert!(places.is_sorted() && places[0] >= 0 && places[2] <= 600);
        }
    }
}
