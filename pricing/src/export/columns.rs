//! What an export's columns are.

use shuzha_core::Lang;

/// What the cells of a column hold, and so how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text: a name, a reason.
    Text,
    /// A name of a thing, number of an act or digest: never a number or date to a spreadsheet.
    Id,
    /// A whole number.
    Count,
    /// Money in micro-yuan, written in 元 with six decimals.
    MicroYuan,
    /// Money in 分, written in 元 with two decimals.
    Fen,
    /// A ratio in millionths, written with six decimals: `0.060000`.
    Ratio,
    /// An instant, written in Asia/Shanghai to the microsecond: `2026-01-31T08:00:00.000000+08:00`.
    Instant,
    /// A day in Asia/Shanghai: `2026-01-31`.
    Day,
}

impl Kind {
    /// Decimals behind the point, for a kind that is a number.
    pub(super) const fn decimals(self) -> Option<usize> {
        match self {
            Self::Count => Some(0),
            Self::Fen => Some(2),
            Self::MicroYuan | Self::Ratio => Some(6),
            Self::Text | Self::Id | Self::Instant | Self::Day => None,
        }
    }
}

/// What a column adds to the control totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    None,
    Sum,
    First,
    Last,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its key: the heading in English, the name in JSON and Parquet.
    pub key: &'static str,
    /// Its heading in Chinese.
    pub zh: &'static str,
    /// What it holds.
    pub kind: Kind,
    pub(super) control: Control,
    since: u32,
}

impl Column {
    /// A column that adds nothing to the control totals.
    #[must_use]
    pub const fn new(kind: Kind, key: &'static str, zh: &'static str) -> Self {
        Self { key, zh, kind, control: Control::None, since: FIRST_VERSION }
    }

    /// This column, which version `version` of its set brings: files of former versions do not have it.
    #[must_use]
    pub const fn since(mut self, version: u32) -> Self {
        self.since = version;
        self
    }

    /// The version of its set that brought it.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.since
    }

    /// This column, summed in the control totals.
    ///
    /// # Panics
    /// Where the column does not hold numbers.
    #[must_use]
    pub const fn summed(mut self) -> Self {
        assert!(self.kind.decimals().is_some(), "only numbers have a sum");
        self.control = Control::Sum;
        self
    }

    /// This column, whose least value is the first sequence of the export.
    #[must_use]
    pub const fn first_sequence(mut self) -> Self {
        self.control = Control::First;
        self
    }

    /// This column, whose greatest value is the last sequence of the export.
    #[must_use]
    pub const fn last_sequence(mut self) -> Self {
        self.control = Control::Last;
        self
    }

    /// Whether the control totals have its sum.
    #[must_use]
    pub const fn is_summed(&self) -> bool {
        matches!(self.control, Control::Sum)
    }

    /// Its heading.
    pub(super) const fn heading(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.key,
        }
    }
}

/// The columns of one set of rows.
///
/// What was handed out stays checkable: no column is ever taken out, renamed, moved or given another meaning. A new one goes to
/// the end with [`Column::since`] the next version, which is all that a new version takes; a former version is the columns before.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The set's name: `usage`.
    pub set: &'static str,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its columns, in order; those of the first version first.
    pub columns: &'static [Column],
}

/// The version that a set begins with.
const FIRST_VERSION: u32 = 1;

impl Layout {
    /// Its version: that of its latest column.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.columns.last().map_or(FIRST_VERSION, Column::version)
    }

    /// The layout that it had in a version; none where there was no such version.
    #[must_use]
    pub fn at(&self, version: u32) -> Option<Self> {
        let count = self.columns.iter().take_while(|column| column.since <= version).count();
        let former = Self { columns: &self.columns[..count], ..*self };
        (former.version() == version).then_some(former)
    }

    /// Every layout that it has had, the present one first.
    pub fn versions(&self) -> impl Iterator<Item = Self> {
        (FIRST_VERSION..=self.version()).rev().filter_map(|version| self.at(version))
    }
}
