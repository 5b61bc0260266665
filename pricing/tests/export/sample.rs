//! A set with a column of every kind, and rows for it.

use std::convert::Infallible;
use std::ops::ControlFlow;

use proptest::prelude::*;
use shuzha_core::calendar::Day;
use shuzha_core::{Lang, MicroYuan, Timestamp};
use shuzha_pricing::Fen;
use shuzha_pricing::export::{self, Column, ExportError, Format, Job, Kind, Layout, Record, Row, Totals};

/// Every kind of column once; sequences and a sum of each kind of number.
pub(crate) static LAYOUT: Layout = Layout {
    set: "sample",
    zh: "样例",
    columns: &[
        Column::new(Kind::Id, "unit", "应用单位"),
        Column::new(Kind::Text, "name", "名称"),
        Column::new(Kind::Count, "quantity", "数量").summed(),
        Column::new(Kind::MicroYuan, "exact", "金额(元)").summed(),
        Column::new(Kind::Fen, "gross", "含税金额(元)").summed(),
        Column::new(Kind::Ratio, "rate", "税率"),
        Column::new(Kind::Instant, "at", "时间"),
        Column::new(Kind::Day, "day", "日期"),
        Column::new(Kind::Count, "first", "首序号").first_sequence(),
        Column::new(Kind::Count, "last", "末序号").last_sequence(),
    ],
};

/// One row of the set.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) unit: String,
    pub(crate) name: String,
    pub(crate) quantity: u64,
    pub(crate) exact: i64,
    pub(crate) gross: i64,
    pub(crate) rate: i64,
    pub(crate) at: i64,
    pub(crate) day: Option<i64>,
    pub(crate) first: u64,
}

impl Record for Sample {
    const LAYOUT: &'static Layout = &LAYOUT;

    fn fill(&self, row: &mut Row) {
        row.text(&self.unit)
            .text(&self.name)
            .count(self.quantity)
            .micro_yuan(MicroYuan::from_micros(self.exact))
            .fen(Fen::new(self.gross))
            .ratio(self.rate)
            .instant(Timestamp::from_micros(self.at));
        match self.day {
            Some(day) => row.day(Day::from_days(day)),
            None => row.empty(),
        };
        row.count(self.first).count(self.first + self.quantity);
    }
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            unit: "bank-a".to_owned(),
            name: "烟台某银行".to_owned(),
            quantity: 3,
            exact: 150_000,
            gross: 15,
            rate: 60_000,
            at: 1_767_196_800_000_000,
            day: Some(20_454),
            first: 7,
        }
    }
}

/// Texts that trouble spreadsheets, separators and encodings.
pub(crate) fn nasty_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{0,12}",
        2 => "[=+\\-@＝＋－＠#'\t\r\n][ -~\t\r\n]{0,8}",
        1 => "[ \t]{0,2}[=+@'#][a-z]{0,3}",
        1 => "(_x[0-9a-fA-F]{4}_|[,\"'\r\n\u{0}\u{1}\u{b}\u{1f}<&>\u{fffe}\u{ffff}]){0,4}",
        1 => Just("1E5".to_owned()),
        1 => Just("00123456789012345678".to_owned()),
        1 => Just("may-2".to_owned()),
    ]
}

prop_compose! {
    /// Any row at all that every format holds.
    pub(crate) fn any_sample()(
        unit in nasty_text(), name in nasty_text(), quantity in 0_u64..1_000_000_000_000,
        exact in -999_999_999_999_999_999_i64..=999_999_999_999_999_999, gross in -99_999_999_i64..=99_999_999,
        rate in 0_i64..=1_000_000, at in -60_000_000_000_000_000_i64..=250_000_000_000_000_000,
        day in proptest::option::of(-719_162_i64..=2_932_896), first in 0_u64..1 << 62,
    ) -> Sample {
        let unmappable = |text: String| text.replace(is_private_use, "");
        Sample { unit: unmappable(unit), name: unmappable(name), quantity, exact, gross, rate, at, day, first }
    }
}

/// Where the characters lie that GB 18030 of the Encoding Standard cannot hold, or holds as others.
fn is_private_use(character: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&character)
}

pub(crate) fn job(format: Format) -> Job<'static> {
    Job { format, lang: Lang::Zh, period: "2026-01" }
}

/// The file and its control totals.
pub(crate) fn write(format: Format, rows: &[Sample]) -> Result<(Vec<u8>, Totals), ExportError<Infallible>> {
    let mut file = Vec::new();
    let rows = rows.iter().map(|row| Ok(row.clone()));
    let totals = export::export(&job(format), rows, &mut file, &mut |_| ControlFlow::Continue(()))?;
    Ok((file, totals))
}

/// A file that must be right.
pub(crate) fn written(format: Format, rows: &[Sample]) -> Vec<u8> {
    write(format, rows).expect("rows that every format holds").0
}

/// The exact texts of a row's cells.
pub(crate) fn cells(row: &Row) -> Vec<String> {
    (0..LAYOUT.columns.len()).map(|column| row.cell(column).to_owned()).collect()
}

/// The exact texts that a sample is exported as.
pub(crate) fn expected(sample: &Sample) -> Vec<String> {
    let mut row = Row::new(&LAYOUT);
    sample.fill(&mut row);
    cells(&row)
}
