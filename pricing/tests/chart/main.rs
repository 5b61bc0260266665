//! Charts, compared with pictures that a person has looked at.

use std::path::Path;

use proptest::prelude::*;
use shuzha_core::{Lang, MicroYuan};
use shuzha_pricing::chart::{Bar, Bars, Caption, Measure, Month, Revenue};

/// Compares with the picture in this folder, or draws it anew when asked to by `SHUZHA_WRITE_GOLDEN=1`.
fn golden(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/chart/{name}.svg"));
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    if std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        std::fs::write(&path, drawn).expect("the folder of the tests can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("the picture is kept");
    assert!(
        kept == drawn,
        "{name} is drawn another way: look at it, then write it with SHUZHA_WRITE_GOLDEN=1"
    );
}

fn caption<'a>(id: &'a str, title: &'a str, lang: Lang) -> Caption<'a> {
    Caption { id, title, lang }
}

fn yuan(yuan: i64) -> MicroYuan {
    MicroYuan::from_micros(yuan * 1_000_000)
}

fn months(begun: &[i64]) -> Vec<Month> {
    let month = |number: usize| Month {
        name: format!("2026-{number:02}"),
        revenue: begun.get(number - 1).copied().map(yuan),
    };
    (1..=12).map(month).collect()
}

#[test]
fn f2_revenue_is_drawn_against_what_is_permitted() {
    let months = months(&[182_000, 240_500, 310_000, 295_300, 402_000, 388_800, 420_100, 455_000]);
    let revenue = Revenue {
        caption: caption("revenue", "2026 年度收入与最高准许收入", Lang::Zh),
        months: &months,
        permitted: yuan(4_000_000),
        forecast: Some(yuan(4_350_000)),
    };
    golden("revenue", &revenue.draw());
    let english = Revenue {
        caption: caption("revenue-en", "Revenue of 2026 and what is permitted", Lang::En),
        ..revenue
    };
    golden("revenue-en", &english.draw());
}

#[test]
fn g2_shares_are_drawn_by_party() {
    let bar = |name: &str, yuan_: i64| Bar { name: name.to_owned(), paid: yuan(yuan_).micros(), free: 0 };
    let bars = [
        bar("烟台市公积金管理中心", 1_120_000),
        bar("烟台市市场监督管理局（登记注册处）", 830_400),
        bar("烟台大数据集团有限公司", 700_000),
        bar("市财政专户", 150_000),
        bar("更正 <上期>", -42_000),
    ];
    let shares = Bars {
        caption: caption("shares", "2026-08 收益分配", Lang::Zh),
        measure: Measure::Money,
        bars: &bars,
    };
    golden("shares", &shares.draw());
}

#[test]
fn g4_use_is_drawn_by_product() {
    let bars: Vec<Bar> = (1..=18)
        .map(|number| Bar {
            name: format!("产品 {number:02}"),
            paid: 2_000_000 / number,
            free: 90_000 * (number % 4),
        })
        .collect();
    let usage = Bars {
        caption: caption("usage", "2026-08 各产品调用量", Lang::Zh),
        measure: Measure::Calls,
        bars: &bars,
    };
    golden("usage", &usage.draw());
}

/// Every place of the picture, as far as it is a number.
fn places(svg: &str) -> Vec<i64> {
    let attribute = |name: &str| {
        let start = format!(" {name}=\"");
        let values: Vec<i64> =
            svg.split(&start).skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect();
        values
    };
    ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"]
        .iter()
        .flat_map(|name| attribute(name))
        .collect()
}

/// Whether elements are closed in order, no attribute stands twice, and nothing is left open.
fn is_well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("every tag ends");
        if text.contains('>') {
            return false;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.to_owned()) {
                return false;
            }
            continue;
        }
        let names: Vec<&str> = tag.split("=\"").filter_map(|part| part.rsplit([' ', '"']).next()).collect();
        let attributes = &names[..names.len() - 1];
        if attributes.iter().enumerate().any(|(at, name)| attributes[..at].contains(name)) {
            return false;
        }
        if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a tag has a name").to_owned());
        }
    }
    open.is_empty()
}

proptest! {
    /// No number and no name breaks a picture or leads outside of it.
    #[test]
    fn g4_any_numbers_make_a_whole_picture(
        bars in proptest::collection::vec(("\\PC{0,40}", any::<i64>(), 0_i64..i64::MAX), 0..20),
        begun in proptest::collection::vec(-9_000_000_000_000_i64..9_000_000_000_000, 0..13),
        permitted in 0_i64..9_000_000_000_000, forecast in proptest::option::of(any::<i64>()),
    ) {
        let bars: Vec<Bar> = bars.into_iter().map(|(name, paid, free)| Bar { name, paid, free }).collect();
        for measure in [Measure::Money, Measure::Calls] {
            let svg = Bars { caption: caption("any", "<&任意\u{1}>", Lang::Zh), measure, bars: &bars }.draw();
            prop_assert!(is_well_formed(&svg), "{}", svg);
            prop_assert!(places(&svg).iter().all(|place| (-1..=900).contains(place)), "{}", svg);
        }
        let months = months(&begun);
        let forecast = forecast.map(MicroYuan::from_micros);
        let caption = caption("any", "任意", Lang::En);
        let svg = Revenue { caption, months: &months, permitted: yuan(permitted), forecast }.draw();
        prop_assert!(is_well_formed(&svg), "{}", svg);
        prop_assert!(places(&svg).iter().all(|place| (-1..=900).contains(place)), "{}", svg);
    }
}
