//! Revenue of a cycle, month by month, against what is permitted (最高准许收入).

use shuzha_core::{Lang, MicroYuan};

use super::axis::{Axis, Unit, percent};
use super::svg::{Anchor, Svg, WIDTH};
use super::{ACCENT, Caption, LIMIT, TEXT, word};

/// Where the plot lies.
const TOP: i64 = 56;
const BOTTOM: i64 = 300;
const LEFT: i64 = 64;
const RIGHT: i64 = WIDTH - 48;
const HEIGHT: i64 = 344;

/// Months named below the plot, at most; of more, every second, third … is.
const NAMES_MAX: usize = 8;

/// One month of the cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its name: `2026-01`.
    pub name: String,
    /// Its revenue; `None` where it has not begun.
    pub revenue: Option<MicroYuan>,
}

/// A cycle's revenue, added up from its first month.
#[derive(Clone, Copy, Debug)]
pub struct Revenue<'a> {
    /// The picture's caption.
    pub caption: Caption<'a>,
    /// Every month of the cycle, those to come too.
    pub months: &'a [Month],
    /// The permitted revenue, less what is carried.
    pub permitted: MicroYuan,
    /// What the cycle is expected to end with.
    pub forecast: Option<MicroYuan>,
}

impl Revenue<'_> {
    /// The picture.
    #[must_use]
    pub fn draw(&self) -> String {
        let lang = self.caption.lang;
        let sums = self.sums();
        let permitted = i128::from(self.permitted.micros());
        let forecast = self.forecast.map(|sum| i128::from(sum.micros()));
        let values = || sums.iter().copied().chain([permitted]).chain(forecast);
        let axis = Axis::over(values().min().unwrap_or(0), values().max().unwrap_or(0));
        let unit = Unit::of_money(axis.reach(), lang);
        let mut svg = Svg::new(&self.caption, HEIGHT, &self.description(&sums));
        let y = |value| BOTTOM - axis.place(value, BOTTOM - TOP);
        for &tick in &axis.ticks {
            svg.line((LEFT, y(tick)), (RIGHT, y(tick)), TEXT, "stroke-opacity=\"0.18\"");
            svg.text((LEFT - 8, y(tick) + 4), Anchor::End, "font-size=\"12\"", &unit.show(tick, 2));
        }
        let heading = word(lang, "累计收入", "revenue so far");
        svg.text((0, 40), Anchor::Start, "font-size=\"12\"", &format!("{heading} ({})", unit.name));
        self.months_axis(&mut svg);
        for alert in [80, 95] {
            let height = y(permitted * alert / 100);
            svg.line((LEFT, height), (RIGHT, height), LIMIT, "stroke-dasharray=\"2 4\"");
            svg.text((RIGHT + 6, height + 4), Anchor::Start, LABEL, &format!("{alert}%"));
        }
        svg.line((LEFT, y(permitted)), (RIGHT, y(permitted)), LIMIT, "stroke-width=\"2\"");
        let name = word(lang, "最高准许收入", "permitted");
        let limit = format!("{name} {}", unit.show(permitted, 2));
        svg.text((LEFT + 8, y(permitted) - 6), Anchor::Start, LABEL, &limit);
        self.course(&mut svg, &sums, forecast, &y);
        svg.line((LEFT, y(0)), (RIGHT, y(0)), TEXT, "");
        svg.finish()
    }

    /// What was taken until the end of each month that has begun.
    fn sums(&self) -> Vec<i128> {
        let begun = self.months.iter().map_while(|month| month.revenue);
        begun
            .scan(0_i128, |sum, revenue| {
                *sum += i128::from(revenue.micros());
                Some(*sum)
            })
            .collect()
    }

    /// Where the end of the month with this number lies; 0 is the beginning of the cycle.
    fn x(&self, month: usize) -> i64 {
        let whole = i64::try_from(self.months.len().max(1)).expect("few months");
        LEFT + (RIGHT - LEFT) * i64::try_from(month).expect("few months") / whole
    }

    fn months_axis(&self, svg: &mut Svg) {
        let each = self.months.len().div_ceil(NAMES_MAX).max(1);
        for (index, month) in self.months.iter().enumerate() {
            svg.line((self.x(index + 1), BOTTOM), (self.x(index + 1), BOTTOM + 5), TEXT, "");
            if index.is_multiple_of(each) {
                let middle = (self.x(index) + self.x(index + 1)) / 2;
                svg.text((middle, BOTTOM + 20), Anchor::Middle, "font-size=\"11\"", &month.name);
            }
        }
    }

    /// The line that has been gone, and the one that is expected.
    fn course(&self, svg: &mut Svg, sums: &[i128], forecast: Option<i128>, y: &dyn Fn(i128) -> i64) {
        let mut points = vec![(self.x(0), y(0))];
        points.extend((1..).zip(sums).map(|(month, &sum)| (self.x(month), y(sum))));
        let last = points[points.len() - 1];
        let mut area = points.clone();
        area.push((last.0, y(0)));
        svg.path(&area, "Z", &format!("fill=\"{ACCENT}\" fill-opacity=\"0.18\""));
        svg.path(&points, "", &format!("fill=\"none\" stroke=\"{ACCENT}\" stroke-width=\"2.5\""));
        if let Some(end) = forecast.filter(|_| sums.len() < self.months.len()) {
            let end = [last, (self.x(self.months.len()), y(end))];
            let dashes =
                format!("fill=\"none\" stroke=\"{ACCENT}\" stroke-width=\"2\" stroke-dasharray=\"6 5\"");
            svg.path(&end, "", &dashes);
            let name = word(self.caption.lang, "预计", "forecast");
            svg.text((end[1].0 - 8, end[1].1 - 8), Anchor::End, "font-size=\"12\"", name);
        }
        let unit = Unit::of_money(0, self.caption.lang);
        for ((month, sum), &at) in self.months.iter().zip(sums).zip(&points[1..]) {
            let meaning = format!("{}: {} {}", month.name, unit.show(*sum, 2), unit.name);
            svg.dot(at, &format!("fill=\"{ACCENT}\""), &meaning);
        }
    }

    /// The picture in words.
    fn description(&self, sums: &[i128]) -> String {
        let lang = self.caption.lang;
        let unit = Unit::of_money(0, lang);
        let (taken, permitted) = (sums.last().copied().unwrap_or(0), i128::from(self.permitted.micros()));
        let show = |sum| format!("{} {}", unit.show(sum, 6), unit.name);
        let (taken_text, permitted_text, part) = (show(taken), show(permitted), percent(taken, permitted));
        let forecast = self.forecast.map(|sum| show(sum.micros().into()));
        match lang {
            Lang::Zh => {
                let forecast = forecast.map_or(String::new(), |sum| format!("；预计期末 {sum}"));
                format!("累计收入 {taken_text}，最高准许收入 {permitted_text}，已用 {part}{forecast}")
            }
            Lang::En => {
                let forecast = forecast.map_or(String::new(), |sum| format!("; expected at the end {sum}"));
                format!("revenue {taken_text} of {permitted_text} permitted, {part}{forecast}")
            }
        }
    }
}

/// A small text beside the limit.
const LABEL: &str = "font-size=\"12\" fill=\"#c4572b\"";
