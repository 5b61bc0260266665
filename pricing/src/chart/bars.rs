//! One bar a name: shares by party, use by product.

use shuzha_core::Lang;

use super::axis::{Axis, Unit, percent};
use super::svg::{Anchor, Svg, WIDTH, fitted, width};
use super::{ACCENT, Caption, TEXT, word};

/// Bars drawn; what is beyond is drawn as one.
const BARS_MAX: usize = 15;

const BAR: i64 = 20;
const ROW: i64 = 32;

/// Room for names on the left, at most.
const NAMES_MAX: i64 = 200;

/// Room for numbers behind the bars.
const NUMBERS: i64 = 150;

/// What bars count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Micro-yuan.
    Money,
    /// Calls.
    Calls,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// What is paid for.
    pub paid: i64,
    /// What is free, drawn behind it in a lighter tone.
    pub free: i64,
}

/// A bar chart.
#[derive(Clone, Copy, Debug)]
pub struct Bars<'a> {
    /// Its caption.
    pub caption: Caption<'a>,
    /// What it counts.
    pub measure: Measure,
    /// Its bars, greatest first if it should look so.
    pub bars: &'a [Bar],
}

impl Bars<'_> {
    /// The picture.
    #[must_use]
    pub fn draw(&self) -> String {
        let lang = self.caption.lang;
        let rows = rows(self.bars, lang);
        let ends = || rows.iter().flat_map(|(_, paid, free)| [*paid, paid + free]);
        let axis = Axis::over(ends().min().unwrap_or(0), ends().max().unwrap_or(0));
        let unit = self.measure.unit(axis.reach(), lang);
        let has_free = rows.iter().any(|(_, _, free)| *free != 0);
        let top = if has_free { 62 } else { 40 };
        let bottom = top + ROW * i64::try_from(rows.len()).expect("few rows");
        let mut svg = Svg::new(&self.caption, bottom + 42, &self.description());
        if has_free {
            legend(&mut svg, &[("1", word(lang, "收费", "paid")), ("0.35", word(lang, "免费", "free"))]);
        }
        let names = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0).clamp(40, NAMES_MAX);
        let left = names + 12;
        let length = WIDTH - left - NUMBERS;
        let at = |value| left + axis.place(value, length);
        for &tick in &axis.ticks {
            svg.line((at(tick), top), (at(tick), bottom), TEXT, "stroke-opacity=\"0.18\"");
            svg.text((at(tick), bottom + 16), Anchor::Middle, "font-size=\"12\"", &unit.show(tick, 2));
        }
        svg.text((left, bottom + 34), Anchor::Start, "font-size=\"12\"", unit.name);
        let whole: i128 = rows.iter().map(|(_, paid, free)| paid + free).sum();
        for (row, (name, paid, free)) in (0..).zip(&rows) {
            let y = top + row * ROW + (ROW - BAR) / 2;
            let sum = paid + free;
            let number = format!("{} ({})", unit.show(sum, 2), percent(sum, whole));
            let meaning = format!("{name}: {number}");
            svg.text((left - 8, y + 15), Anchor::End, "", &fitted(name, names));
            span(&mut svg, (at(0), at(*paid)), y, "1", &meaning);
            span(&mut svg, (at(*paid), at(sum)), y, "0.35", &meaning);
            svg.text((at(sum.max(0)) + 6, y + 15), Anchor::Start, "font-size=\"12\"", &number);
        }
        svg.line((at(0), top), (at(0), bottom), TEXT, "");
        svg.finish()
    }

    /// Every bar in words: exact numbers, for those who do not see the picture.
    fn description(&self) -> String {
        let lang = self.caption.lang;
        let unit = self.measure.unit(0, lang);
        let one = |(name, paid, free): &Row| format!("{name} {} {}", unit.show(paid + free, 6), unit.name);
        let all: Vec<String> = rows(self.bars, lang).iter().map(one).collect();
        if all.is_empty() {
            word(lang, "没有数据", "no data").to_owned()
        } else {
            all.join(word(lang, "；", "; "))
        }
    }
}

impl Measure {
    const fn unit(self, reach: u128, lang: Lang) -> Unit {
        match self {
            Self::Money => Unit::of_money(reach, lang),
            Self::Calls => Unit::of_calls(reach, lang),
        }
    }
}

/// Name, paid, free.
type Row = (String, i128, i128);

/// The bars that are drawn: the first ones, and one for all the rest.
fn rows(bars: &[Bar], lang: Lang) -> Vec<Row> {
    let kept = if bars.len() > BARS_MAX { BARS_MAX - 1 } else { bars.len() };
    let (first, rest) = bars.split_at(kept);
    let row = |bar: &Bar| (bar.name.clone(), bar.paid.into(), bar.free.into());
    let mut rows: Vec<Row> = first.iter().map(row).collect();
    if !rest.is_empty() {
        let name = match lang {
            Lang::Zh => format!("其他 {} 项", rest.len()),
            Lang::En => format!("{} others", rest.len()),
        };
        let sum = |part: fn(&Bar) -> i64| rest.iter().map(|bar| i128::from(part(bar))).sum();
        rows.push((name, sum(|bar| bar.paid), sum(|bar| bar.free)));
    }
    rows
}

/// The part of a bar between two places, whichever is left.
fn span(svg: &mut Svg, (from, to): (i64, i64), y: i64, opacity: &str, meaning: &str) {
    if from != to {
        let look = format!("fill=\"{ACCENT}\" fill-opacity=\"{opacity}\"");
        svg.rect((from.min(to), y), ((to - from).abs(), BAR), &look, meaning);
    }
}

/// What the tones mean, below the title.
fn legend(svg: &mut Svg, tones: &[(&str, &str)]) {
    let mut x = 0;
    for (opacity, meaning) in tones {
        let look = format!("fill=\"{ACCENT}\" fill-opacity=\"{opacity}\"");
        svg.rect((x, 34), (14, 14), &look, meaning);
        svg.text((x + 20, 46), Anchor::Start, "", meaning);
        x += 20 + width(meaning) + 24;
    }
}
