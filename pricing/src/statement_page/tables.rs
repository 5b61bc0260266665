//! The tables of papers: what stands in each column, and since which form.

use super::paper::{Cell, Section};
use super::{Frame, percent, yuan};
use crate::chart::grouped;
use crate::closing::{RatedLine, Share};
use crate::money::InFen as _;
use crate::{Fen, Overflow};

/// One column of a table. A new one stands wherever it reads best, with the form that brings it.
pub(super) struct TableColumn<T> {
    heading: &'static str,
    since: u32,
    /// The cell, from the row's number on the paper and what the row is of.
    cell: fn(u32, &T, &Frame<'_>) -> Cell,
    /// What the sum below it adds up; none stands below a column without.
    sum: Option<fn(&T) -> Fen>,
}

impl<T> Clone for TableColumn<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TableColumn<T> {}

impl<T> TableColumn<T> {
    /// A column of the first form.
    pub(super) const fn new(heading: &'static str, cell: fn(u32, &T, &Frame<'_>) -> Cell) -> Self {
        Self { heading, since: 1, cell, sum: None }
    }

    /// This column, with a sum below it.
    pub(super) const fn summed(self, sum: fn(&T) -> Fen) -> Self {
        Self { sum: Some(sum), ..self }
    }

    /// This column, which `form` brings: papers of former forms do not have it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever adds the first column"))]
    pub(super) const fn since(self, form: u32) -> Self {
        Self { since: form, ..self }
    }
}

/// Every table.
pub(super) struct Tables {
    pub(super) lines: &'static [TableColumn<RatedLine>],
    pub(super) shares: &'static [TableColumn<Share>],
}

/// The tables of all forms.
pub(super) const TABLES: Tables = Tables { lines: LINES, shares: SHARES };

type LineColumn = TableColumn<RatedLine>;
type ShareColumn = TableColumn<Share>;

const LINES: &[LineColumn] = &[
    LineColumn::new("序号", |number, _, _| Cell::short(number.to_string())),
    LineColumn::new("产品", |_, one, frame| Cell::text((frame.names)(&one.line.product))),
    LineColumn::new("应用场景", |_, one, frame| Cell::text((frame.names)(&one.line.scenario))),
    LineColumn::new("月份", |_, one, _| Cell::short(one.month.to_string())),
    LineColumn::new("计费依据", |_, one, _| {
        Cell::text(format!("{}，{}", one.line.basis.title_zh(), one.act))
    }),
    LineColumn::new("数量", |_, one, _| Cell::number(grouped(one.quantity.into()))),
    LineColumn::new("税率", |_, one, _| {
        Cell::number(percent(one.vat_parts.into(), crate::vat::RATE_WHOLE.into()))
    }),
    LineColumn::new("不含税金额", |_, one, _| Cell::number(yuan(one.taxed.net))).summed(|one| one.taxed.net),
    LineColumn::new("税额", |_, one, _| Cell::number(yuan(one.taxed.tax))).summed(|one| one.taxed.tax),
    LineColumn::new("价税合计", |_, one, _| Cell::number(yuan(one.taxed.gross)))
        .summed(|one| one.taxed.gross),
];

const SHARES: &[ShareColumn] = &[
    ShareColumn::new("序号", |number, _, _| Cell::short(number.to_string())),
    ShareColumn::new("授权运营协议", |_, share, frame| Cell::text((frame.names)(&share.agreement))),
    ShareColumn::new("产品", |_, share, frame| Cell::text((frame.names)(&share.product))),
    ShareColumn::new("分配基数", |_, share, _| Cell::number(yuan(share.base))).summed(|share| share.base),
    ShareColumn::new("占比", |_, share, _| Cell::number(percent(share.weight, share.whole))),
    ShareColumn::new("分配金额", |_, share, _| Cell::number(yuan(share.amount))).summed(|share| share.amount),
];

/// A table in the frame's form, with its sums.
pub(super) fn section<T>(
    title: &'static str,
    columns: &[TableColumn<T>],
    of: &[T],
    frame: &Frame<'_>,
) -> Result<Section, Overflow> {
    let columns: Vec<_> = columns.iter().filter(|column| column.since <= frame.form).collect();
    let label_columns = columns.iter().position(|column| column.sum.is_some()).unwrap_or(columns.len());
    let sum = |column: &&TableColumn<T>| {
        let Some(part) = column.sum else { return Ok(String::new()) };
        of.iter().map(part).try_fold(Fen::ZERO, Fen::plus).map(yuan)
    };
    let row = |(number, one)| columns.iter().map(|column| (column.cell)(number, one, frame)).collect();
    Ok(Section {
        title,
        headings: columns.iter().map(|column| column.heading).collect(),
        rows: (1..).zip(of).map(row).collect(),
        label_columns,
        sum_label: "小计",
        sums: columns[label_columns..].iter().map(sum).collect::<Result<_, Overflow>>()?,
    })
}
