//! What a closed period consists of: rated lines, statements, shares, contributions.

use super::super::{Column, Kind, Layout, Record, Row};
use crate::Month;
use crate::closing::rated::{FIELDS, FieldKind, Figure, LineField, Total};
use crate::closing::{Assessment, Contribution, RatedLine, Share, ShareBill, Statement};

/// Millionths in one part of ten thousand, as tax rates are counted in.
pub(super) const MILLIONTHS_PER_PART: i64 = 100;

/// Columns of the period and the statement that a line stands on, which are none of its own. The second stands behind its month.
const PERIOD: Column = Column::new(Kind::Id, "period", "结算期");
const STATEMENT: Column = Column::new(Kind::Id, "statement", "结算单号");
const STATEMENT_AT: usize = 2;

/// A field of a line as a column.
const fn column(field: &LineField) -> Column {
    let kind = match field.kind {
        // The number of an act is text, and never a number to a spreadsheet.
        FieldKind::Id | FieldKind::Text | FieldKind::Month | FieldKind::Purpose | FieldKind::Basis => {
            Kind::Id
        }
        FieldKind::Count => Kind::Count,
        FieldKind::MicroYuan => Kind::MicroYuan,
        FieldKind::Fen => Kind::Fen,
        FieldKind::Parts => Kind::Ratio,
    };
    let column = Column::new(kind, field.key, field.zh).since(field.since);
    match field.total {
        Total::None => column,
        Total::Sum => column.summed(),
        Total::First => column.first_sequence(),
        Total::Last => column.last_sequence(),
    }
}

/// The fields of a line, between the columns that are none of its own.
const LINE_COLUMNS: [Column; FIELDS.len() + 2] = {
    let mut columns = [PERIOD; FIELDS.len() + 2];
    columns[STATEMENT_AT] = STATEMENT;
    let mut at = 0;
    while at < FIELDS.len() {
        columns[if at + 1 < STATEMENT_AT { at + 1 } else { at + 2 }] = column(&FIELDS[at]);
        at += 1;
    }
    columns
};

pub(super) const LINES: &Layout = &Layout { set: "lines", zh: "计费明细", columns: &LINE_COLUMNS };

/// A rated line of a closed period.
#[derive(Clone, Copy, Debug)]
pub struct LineRow<'a> {
    /// The period.
    pub period: Month,
    /// Number of the statement it is on.
    pub statement: &'a str,
    /// The line.
    pub line: &'a RatedLine,
}

impl Record for LineRow<'_> {
    const LAYOUT: &'static Layout = LINES;

    fn fill(&self, row: &mut Row) {
        row.text(&self.period.to_string());
        for (at, field) in (1..).zip(FIELDS) {
            if at == STATEMENT_AT {
                row.text(self.statement);
            }
            match field.of(self.line) {
                None => row.empty(),
                Some(Figure::Id(id)) => row.text(id.as_str()),
                Some(Figure::Text(text)) => row.text(text),
                Some(Figure::Month(month)) => row.text(&month.to_string()),
                Some(Figure::Purpose(purpose)) => row.text(purpose.as_str()),
                Some(Figure::Basis(basis)) => row.text(basis.as_str()),
                Some(Figure::Count(count)) => row.count(count),
                Some(Figure::MicroYuan(amount)) => row.micro_yuan(amount),
                Some(Figure::Fen(amount)) => row.fen(amount),
                Some(Figure::Parts(parts)) => row.ratio(i64::from(parts) * MILLIONTHS_PER_PART),
            };
        }
    }
}

pub(super) const STATEMENTS: &Layout = &Layout {
    set: "statements",
    zh: "结算单",
    columns: &[
        Column::new(Kind::Id, "number", "结算单号"),
        Column::new(Kind::Id, "period", "结算期"),
        Column::new(Kind::Id, "unit", "应用单位"),
        Column::new(Kind::Id, "state", "状态"),
        Column::new(Kind::Count, "lines", "明细行数").summed(),
        Column::new(Kind::Fen, "gross", "价税合计(元)").summed(),
        Column::new(Kind::Fen, "net", "不含税金额(元)").summed(),
        Column::new(Kind::Fen, "tax", "税额(元)").summed(),
        Column::new(Kind::Id, "merkle_root", "Merkle 根"),
        Column::new(Kind::Count, "records", "调用记录数").summed(),
        Column::new(Kind::Count, "first_sequence", "首序号").first_sequence(),
        Column::new(Kind::Count, "last_sequence", "末序号").last_sequence(),
    ],
};

/// A statement.
#[derive(Clone, Copy, Debug)]
pub struct StatementRow<'a> {
    /// The period.
    pub period: Month,
    /// The statement.
    pub statement: &'a Statement,
    /// How far it has come: issued, confirmed, disputed …
    pub state: &'a str,
}

impl Record for StatementRow<'_> {
    const LAYOUT: &'static Layout = STATEMENTS;

    fn fill(&self, row: &mut Row) {
        let Self { period, statement, state } = self;
        row.text(&statement.number).text(&period.to_string()).text(statement.unit.as_str()).text(state);
        row.count(statement.lines.len() as u64);
        row.fen(statement.taxed.gross).fen(statement.taxed.net).fen(statement.taxed.tax);
        match statement.tree {
            Some(tree) => {
                let root: String = shuzha_core::hex::encode(&tree.root);
                row.text(&root).count(tree.size).count(tree.first_seq).count(tree.last_seq)
            }
            None => row.empty().empty().empty().empty(),
        };
    }
}

pub(super) const SHARES: &Layout = &Layout {
    set: "shares",
    zh: "收益分配",
    columns: &[
        Column::new(Kind::Id, "bill", "账单号"),
        Column::new(Kind::Id, "period", "结算期"),
        Column::new(Kind::Id, "party", "收益方"),
        Column::new(Kind::Id, "agreement", "协议"),
        Column::new(Kind::Id, "product", "产品"),
        Column::new(Kind::Fen, "base", "分配基数(元)"),
        Column::new(Kind::Id, "weight", "份额"),
        Column::new(Kind::Id, "whole", "份额总数"),
        Column::new(Kind::Fen, "amount", "分配金额(元)").summed(),
    ],
};

/// One share of a share bill.
#[derive(Clone, Copy, Debug)]
pub struct ShareRow<'a> {
    /// The period.
    pub period: Month,
    /// The bill it is on.
    pub bill: &'a ShareBill,
    /// The share.
    pub share: &'a Share,
}

impl Record for ShareRow<'_> {
    const LAYOUT: &'static Layout = SHARES;

    fn fill(&self, row: &mut Row) {
        let Self { period, bill, share } = self;
        row.text(&bill.number).text(&period.to_string()).text(share.party.as_str());
        row.text(share.agreement.as_str()).text(share.product.as_str()).fen(share.base);
        // Weights by contribution can have more digits than a number column holds.
        row.text(&share.weight.to_string()).text(&share.whole.to_string()).fen(share.amount);
    }
}

pub(super) const CONTRIBUTIONS: &Layout = &Layout {
    set: "contributions",
    zh: "数据贡献评价",
    columns: &[
        Column::new(Kind::Id, "period", "结算期"),
        Column::new(Kind::Id, "party", "数据提供单位"),
        Column::new(Kind::Id, "product", "产品"),
        Column::new(Kind::Count, "calls", "调用次数").summed(),
        Column::new(Kind::Count, "charged", "其中计费").summed(),
        Column::new(Kind::Count, "records", "使用数据条数").summed(),
        Column::new(Kind::Fen, "revenue", "产品收入(元)"),
        Column::new(Kind::MicroYuan, "notional", "免费使用价值(元)"),
        Column::new(Kind::Fen, "share", "分得收益(元)").summed(),
        Column::new(Kind::Count, "units", "应用单位数").since(2),
        Column::new(Kind::Count, "scenarios", "应用场景数").since(2),
        Column::new(Kind::Count, "tickets", "数据质量反馈").summed().since(2),
        Column::new(Kind::Count, "faults", "其中数据有误").summed().since(2),
    ],
};

/// What a provider's data did in a period.
#[derive(Clone, Copy, Debug)]
pub struct ContributionRow<'a> {
    /// The period.
    pub period: Month,
    /// The contribution.
    pub contribution: &'a Contribution,
}

impl Record for ContributionRow<'_> {
    const LAYOUT: &'static Layout = CONTRIBUTIONS;

    fn fill(&self, row: &mut Row) {
        let Self { period, contribution } = self;
        row.text(&period.to_string()).text(contribution.party.as_str()).text(contribution.product.as_str());
        row.count(contribution.calls).count(contribution.charged).count(contribution.records);
        row.fen(contribution.revenue).micro_yuan(contribution.notional).fen(contribution.share);
        match contribution.assessment {
            Some(Assessment { units, scenarios, quality }) => {
                row.count(units).count(scenarios).count(quality.tickets).count(quality.faults)
            }
            None => row.empty().empty().empty().empty(),
        };
    }
}
