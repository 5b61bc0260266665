//! The tables of papers: what stands in each column, and since which form.

use super::paper::{Cell, Section};
use super::{Frame, percent, yuan};
use crate::chart::grouped;
use crate::closing::rated::{FIELDS, FieldKind, Figure, LineField, OnPaper};
use crate::closing::{RatedLine, Share};
use crate::money::InFen as _;
use crate::{Fen, Overflow};

/// A cell, from the row's number on the paper and what the row is of.
type Write<T> = Box<dyn Fn(u32, &T, &Frame<'_>) -> Cell>;
/// What a sum below a column adds up.
type Part<T> = Box<dyn Fn(&T) -> Fen>;

/// One column of a table. A new one stands wherever it reads best, with the form that brings it.
pub(super) struct TableColumn<T> {
    heading: &'static str,
    since: u32,
    cell: Write<T>,
    /// None stands below a column without.
    sum: Option<Part<T>>,
}

impl<T> TableColumn<T> {
    /// A column of the first form.
    pub(super) fn new(heading: &'static str, cell: impl Fn(u32, &T, &Frame<'_>) -> Cell + 'static) -> Self {
        Self { heading, since: 1, cell: Box::new(cell), sum: None }
    }

    /// This column, with a sum below it.
    pub(super) fn summed(self, sum: impl Fn(&T) -> Fen + 'static) -> Self {
        Self { sum: Some(Box::new(sum)), ..self }
    }

    /// This column, which `form` brings: papers of former forms do not have it.
    pub(super) fn since(self, form: u32) -> Self {
        Self { since: form, ..self }
    }
}

type LineColumn = TableColumn<RatedLine>;
type ShareColumn = TableColumn<Share>;

/// The columns of lines: their number, then what the table of a line's fields puts on papers.
pub(super) fn lines() -> Vec<LineColumn> {
    let mut fields: Vec<_> = FIELDS.iter().filter_map(|field| Some((field.paper?, field))).collect();
    fields.sort_unstable_by_key(|(paper, _)| paper.place);
    let own = fields.into_iter().map(|(paper, field)| of_field(paper, field));
    std::iter::once(LineColumn::new("序号", |number, _, _| Cell::short(number.to_string())))
        .chain(own)
        .collect()
}

fn of_field(paper: OnPaper, field: &'static LineField) -> LineColumn {
    let cell = |_, line: &RatedLine, frame: &Frame<'_>| match field.of(line) {
        None => Cell::short(String::new()),
        Some(Figure::Id(id)) => Cell::text((frame.names)(id)),
        Some(Figure::Text(text)) => Cell::text(text.to_owned()),
        Some(Figure::Month(month)) => Cell::short(month.to_string()),
        Some(Figure::Purpose(purpose)) => Cell::text(purpose.as_str().to_owned()),
        // On what act, too: a correction names the case that made it.
        Some(Figure::Basis(basis)) => Cell::text(format!("{}，{}", basis.title_zh(), line.act)),
        Some(Figure::Count(count)) => Cell::number(grouped(count.into())),
        Some(Figure::MicroYuan(amount)) => Cell::number(amount.to_string()),
        Some(Figure::Fen(amount)) => Cell::number(yuan(amount)),
        Some(Figure::Parts(parts)) => Cell::number(percent(parts.into(), crate::vat::RATE_WHOLE.into())),
    };
    let column = LineColumn::new(paper.heading, cell).since(paper.form);
    if field.kind != FieldKind::Fen {
        return column;
    }
    column.summed(|line| match field.of(line) {
        Some(Figure::Fen(amount)) => amount,
        _ => Fen::ZERO,
    })
}

/// The columns of shares.
pub(super) fn shares() -> Vec<ShareColumn> {
    vec![
        ShareColumn::new("序号", |number, _, _| Cell::short(number.to_string())),
        ShareColumn::new("授权运营协议", |_, share, frame| Cell::text((frame.names)(&share.agreement))),
        ShareColumn::new("产品", |_, share, frame| Cell::text((frame.names)(&share.product))),
        ShareColumn::new("分配基数", |_, share, _| Cell::number(yuan(share.base))).summed(|share| share.base),
        ShareColumn::new("占比", |_, share, _| Cell::number(percent(share.weight, share.whole))),
        ShareColumn::new("分配金额", |_, share, _| Cell::number(yuan(share.amount)))
            .summed(|share| share.amount),
    ]
}

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
        let Some(part) = &column.sum else { return Ok(String::new()) };
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
