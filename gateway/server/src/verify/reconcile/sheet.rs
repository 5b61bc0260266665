//! Figures of a bill in one form, wherever they come from: by sheet, by what a row is of, by column.

use std::collections::BTreeMap;

use shuzha_core::{Fen, Id, MicroYuan, PurposeClass};
use shuzha_pricing::Basis;
use shuzha_pricing::closing::{Closing, Quality};
use shuzha_pricing::export::sets::{ContributionRow, LineRow, ShareRow, StatementRow};
use shuzha_pricing::export::{Kind, Record, Row, Set};
use shuzha_pricing::rerating::Correction;

/// What rows are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sheet {
    Lines,
    Statements,
    Shares,
    Bills,
    Contributions,
}

impl Sheet {
    pub(super) const ALL: [Self; 5] =
        [Self::Lines, Self::Statements, Self::Shares, Self::Bills, Self::Contributions];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Lines => "计费明细 lines",
            Self::Statements => "结算单 statements",
            Self::Shares => "收益分配 shares",
            Self::Bills => "收益分配账单 share bills",
            Self::Contributions => "数据贡献评价 contributions",
        }
    }

    /// The columns that say what a row is of.
    const fn identity(self) -> &'static [&'static str] {
        match self {
            Self::Lines => {
                &["unit", "agreement", "scenario", "product", "price", "purpose", "basis", "month"]
            }
            Self::Statements | Self::Bills => &["number"],
            Self::Shares => &["party", "agreement", "product"],
            Self::Contributions => &["party", "product"],
        }
    }

    /// The column that says whose a row is.
    pub(super) const fn owner(self) -> &'static str {
        match self {
            Self::Lines | Self::Statements => "unit",
            Self::Shares | Self::Bills | Self::Contributions => "party",
        }
    }

    /// The set of exports with these rows.
    pub(super) const fn of_set(set: Set) -> Option<Self> {
        match set {
            Set::Lines => Some(Self::Lines),
            Set::Statements => Some(Self::Statements),
            Set::Shares => Some(Self::Shares),
            Set::Contributions => Some(Self::Contributions),
            _ => None,
        }
    }

    /// Whether a version of its set after the first brought the column: what was closed before has nothing there.
    fn came_later(self, column: &str) -> bool {
        let sets = Set::ALL.into_iter().filter(|set| Self::of_set(*set) == Some(self));
        let mut columns = sets.flat_map(|set| set.layout().columns);
        columns.any(|one| one.key == column && one.version() > 1)
    }
}

/// Values by column. An amount is written in one way, so that equal ones are equal texts.
pub(super) type Cells = BTreeMap<&'static str, String>;

/// One row, and where it was read.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) sheet: Sheet,
    pub(super) cells: Cells,
}

impl Line {
    /// What the row is of.
    pub(super) fn key(&self) -> String {
        let of = |column: &&str| self.cells.get(*column).cloned().unwrap_or_default();
        let mut key = self.sheet.identity().iter().map(of).collect::<Vec<_>>();
        if self.is_correction() {
            // Two cases of one line are two corrections.
            key.push(format!("更正 correction {}", self.cells.get("act").map_or("", String::as_str)));
        }
        key.join("/")
    }

    /// Whether it is a difference of a closed month, which no calls of its own lead to.
    fn is_correction(&self) -> bool {
        self.sheet == Sheet::Lines && self.cells.get("calls").is_some_and(|calls| calls == "0")
    }

    /// The difference that it states, where it is one.
    pub(super) fn correction(&self) -> Option<Correction> {
        let of = |column| self.cells.get(column).map(String::as_str);
        let id = |column| Id::new(of(column)?).ok();
        let basis = |name: &str| (0..=u8::MAX).map_while(Basis::from_number).find(|one| one.as_str() == name);
        let line = shuzha_pricing::metering::Line {
            unit: id("unit")?,
            agreement: id("agreement")?,
            scenario: id("scenario")?,
            product: id("product")?,
            price: id("price")?,
            purpose: PurposeClass::ALL.into_iter().find(|one| Some(one.as_str()) == of("purpose"))?,
            basis: basis(of("basis")?)?,
        };
        let stated = Correction {
            line,
            month: of("month")?.parse().ok()?,
            exact: of("exact")?.parse().ok()?,
            notional: of("notional")?.parse().ok()?,
            act: of("act")?.to_owned(),
        };
        self.is_correction().then_some(stated)
    }

    /// Whether it may state nothing in this column, because it was closed before there was such a figure.
    pub(super) fn may_lack(&self, column: &str) -> bool {
        self.cells.get(column).is_some_and(String::is_empty) && self.sheet.came_later(column)
    }

    /// What it states of a provider's data of a product: what tickets said is in no record of calls.
    pub(super) fn quality(&self) -> Option<((Id, Id), Quality)> {
        if self.sheet != Sheet::Contributions {
            return None;
        }
        let id = |column| Id::new(self.cells.get(column)?).ok();
        let count = |column| self.cells.get(column)?.parse().ok();
        let quality = Quality { tickets: count("tickets")?, faults: count("faults")? };
        Some(((id("product")?, id("party")?), quality))
    }

    pub(super) fn owner(&self) -> &str {
        self.cells.get(self.sheet.owner()).map_or("", String::as_str)
    }

    /// A row of an export; how far a statement has come is no figure.
    pub(super) fn of_row(sheet: Sheet, row: &Row) -> Self {
        let cells = row.columns().iter().enumerate().filter(|(_, column)| column.key != "state");
        let cells = cells.map(|(at, column)| (column.key, row.cell(at).to_owned())).collect();
        Self { sheet, cells }
    }
}

/// An amount as exports write it; none where it is no amount.
pub(super) fn amount(kind: Kind, text: &str) -> Option<String> {
    Some(match kind {
        Kind::Fen => text.parse::<Fen>().ok()?.to_string(),
        Kind::MicroYuan | Kind::Ratio => {
            let micros = i128::from(text.parse::<MicroYuan>().ok()?.micros());
            let sign = if micros < 0 { "-" } else { "" };
            format!("{sign}{}.{:06}", micros.abs() / 1_000_000, micros.abs() % 1_000_000)
        }
        _ => text.to_owned(),
    })
}

/// Everything that a month comes to.
pub(super) struct Sheets(BTreeMap<Sheet, BTreeMap<String, Line>>);

impl Sheets {
    /// The figures of a close.
    pub(super) fn of(closing: &Closing) -> Self {
        let mut sheets = Self(BTreeMap::new());
        let period = closing.month;
        for statement in &closing.statements {
            sheets.put(Sheet::Statements, &StatementRow { period, statement, state: "" });
            for line in &closing.lines[statement.lines.clone()] {
                sheets.put(Sheet::Lines, &LineRow { period, statement: &statement.number, line });
            }
        }
        for bill in &closing.bills {
            for share in &closing.shares[bill.shares.clone()] {
                sheets.put(Sheet::Shares, &ShareRow { period, bill, share });
            }
            let cells = [
                ("number", bill.number.clone()),
                ("party", bill.party.to_string()),
                ("amount", bill.amount.to_string()),
            ];
            sheets.add(Line { sheet: Sheet::Bills, cells: cells.into() });
        }
        for contribution in &closing.contributions {
            sheets.put(Sheet::Contributions, &ContributionRow { period, contribution });
        }
        sheets
    }

    fn put<R: Record>(&mut self, sheet: Sheet, record: &R) {
        let mut row = Row::new(R::LAYOUT);
        record.fill(&mut row);
        self.add(Line::of_row(sheet, &row));
    }

    fn add(&mut self, line: Line) {
        self.0.entry(line.sheet).or_default().insert(line.key(), line);
    }

    /// The rows of a sheet by what they are of.
    pub(super) fn rows(&self, sheet: Sheet) -> &BTreeMap<String, Line> {
        const NONE: &BTreeMap<String, Line> = &BTreeMap::new();
        self.0.get(&sheet).unwrap_or(NONE)
    }
}
