//! A rated line, and the one table of its fields.
//!
//! Everything that shows, keeps or compares a line follows [`FIELDS`]: the books' table `line` and its migrations, the export
//! `lines`, the tables of papers, the digest of a period, the documents of the API, the command line, `shuzha verify
//! reconcile`. What a field is worth is the rule's to say (`lines.rs`); `CONTRIBUTING.md` says how to add one.
//!
//! Rows are never taken out, renamed or moved, and a new one goes to the end: the order is that of the export's columns, of
//! which files were handed out.

use shuzha_core::{Fen, Id, MicroYuan, PurposeClass};

use crate::metering::Line;
use crate::vat::Taxed;
use crate::{Basis, Month};

/// Makes the struct, and its constructor with nothing in each figure, so that a figure is declared in one place.
macro_rules! rated_line {
    ($($(#[$about:meta])* $name:ident: $type:ty,)*) => {
        /// One rated line.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct RatedLine {
            /// What it is about.
            pub line: Line,
            /// The month the calls were made in; before the period for late calls and corrections, which it is about.
            pub month: Month,
            $($(#[$about])* pub $name: $type,)*
        }

        impl RatedLine {
            /// A line about this, with nothing in it.
            #[must_use]
            pub fn of(line: Line, month: Month) -> Self {
                Self { line, month, $($name: <$type>::default(),)* }
            }
        }
    };
}

rated_line! {
    /// Calls; none for a correction of calls that were billed before.
    calls: u64,
    /// Quantity.
    quantity: u64,
    /// What it comes to by its price, exactly.
    exact: MicroYuan,
    /// Of that, what the close adds to or takes from what was posted call by call.
    adjustment: MicroYuan,
    /// What free calls would be worth.
    notional: MicroYuan,
    /// The one rounding, and tax.
    taxed: Taxed,
    /// What the rounding leaves.
    residue: MicroYuan,
    /// Tax rate, in parts of ten thousand.
    vat_parts: u32,
    /// Number of the act behind the price.
    act: String,
    /// Sequence of the first record.
    first_seq: u64,
    /// Sequence of the last record.
    last_seq: u64,
}

/// How a field is read that a line is made with: what it is about.
macro_rules! known {
    ($kind:ident: & $($path:ident).+) => {
        Access { get: |of| Some(Figure::$kind(&of.$($path).+)), put: None }
    };
    ($kind:ident: $($path:ident).+) => {
        Access { get: |of| Some(Figure::$kind(of.$($path).+)), put: None }
    };
}

/// How a field is read and put that the rule fills. One that came later is `later`: an `Option`, which is none in lines that were
/// closed before.
macro_rules! worth {
    (Text: $($path:ident).+) => {
        Access {
            get: |of| Some(Figure::Text(&of.$($path).+)),
            put: Some(|of, is| match is {
                Figure::Text(is) => is.clone_into(&mut of.$($path).+),
                other => panic!("{other:?} is no text"),
            }),
        }
    };
    ($kind:ident: $($path:ident).+) => {
        Access {
            get: |of| Some(Figure::$kind(of.$($path).+)),
            put: Some(|of, is| match is {
                Figure::$kind(is) => of.$($path).+ = is,
                other => panic!("{other:?} is another kind"),
            }),
        }
    };
    (later $kind:ident: $($path:ident).+) => {
        Access {
            get: |of| of.$($path).+.map(Figure::$kind),
            put: Some(|of, is| match is {
                Figure::$kind(is) => of.$($path).+ = Some(is),
                other => panic!("{other:?} is another kind"),
            }),
        }
    };
}

/// Every field of a line, in the order of the export's columns.
pub const FIELDS: &[LineField] = &[
    field(FieldKind::Month, "month", "使用月份", known!(Month: month)).on_paper(3, "月份", 1).listed(),
    field(FieldKind::Id, "unit", "应用单位", known!(Id: &line.unit)),
    field(FieldKind::Id, "agreement", "协议", known!(Id: &line.agreement)),
    field(FieldKind::Id, "scenario", "应用场景", known!(Id: &line.scenario)).on_paper(2, "应用场景", 1),
    field(FieldKind::Id, "product", "产品", known!(Id: &line.product)).on_paper(1, "产品", 1).listed(),
    field(FieldKind::Id, "price", "价格", known!(Id: &line.price)).listed(),
    field(FieldKind::Text, "act", "价格文号", worth!(Text: act)),
    field(FieldKind::Purpose, "purpose", "用途类别", known!(Purpose: line.purpose)),
    field(FieldKind::Basis, "basis", "计费依据", known!(Basis: line.basis))
        .on_paper(4, "计费依据", 1)
        .listed(),
    field(FieldKind::Count, "calls", "调用次数", worth!(Count: calls)).total(Total::Sum),
    field(FieldKind::Count, "quantity", "计费数量", worth!(Count: quantity))
        .total(Total::Sum)
        .on_paper(5, "数量", 1)
        .listed(),
    field(FieldKind::MicroYuan, "exact", "精确金额(元)", worth!(MicroYuan: exact)).total(Total::Sum).listed(),
    field(FieldKind::MicroYuan, "adjustment", "与逐次计费之差(元)", worth!(MicroYuan: adjustment))
        .total(Total::Sum),
    field(FieldKind::MicroYuan, "notional", "免费使用价值(元)", worth!(MicroYuan: notional))
        .total(Total::Sum)
        .listed(),
    field(FieldKind::Fen, "gross", "价税合计(元)", worth!(Fen: taxed.gross))
        .total(Total::Sum)
        .kept_as("gross_fen")
        .answered_as("amounts.gross")
        .on_paper(9, "价税合计", 1)
        .listed(),
    field(FieldKind::Fen, "net", "不含税金额(元)", worth!(Fen: taxed.net))
        .total(Total::Sum)
        .kept_as("net_fen")
        .answered_as("amounts.net")
        .on_paper(7, "不含税金额", 1),
    field(FieldKind::Fen, "tax", "税额(元)", worth!(Fen: taxed.tax))
        .total(Total::Sum)
        .kept_as("tax_fen")
        .answered_as("amounts.tax")
        .on_paper(8, "税额", 1)
        .listed(),
    field(FieldKind::Parts, "vat_rate", "税率", worth!(Parts: vat_parts))
        .kept_as("vat_parts")
        .answered_as("vatParts")
        .on_paper(6, "税率", 1),
    field(FieldKind::MicroYuan, "residue", "尾差(元)", worth!(MicroYuan: residue)).total(Total::Sum),
    field(FieldKind::Count, "first_sequence", "首序号", worth!(Count: first_seq))
        .total(Total::First)
        .kept_as("first_seq")
        .answered_as("sequences.0"),
    field(FieldKind::Count, "last_sequence", "末序号", worth!(Count: last_seq))
        .total(Total::Last)
        .kept_as("last_seq")
        .answered_as("sequences.1"),
];

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A name.
    Id,
    /// Free text.
    Text,
    /// A month.
    Month,
    /// A class of purpose.
    Purpose,
    /// A basis.
    Basis,
    /// A whole number.
    Count,
    /// Money in micro-yuan.
    MicroYuan,
    /// Money in 分.
    Fen,
    /// A rate in parts of ten thousand.
    Parts,
}

/// What a field of one line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure<'l> {
    /// [`FieldKind::Id`].
    Id(&'l Id),
    /// [`FieldKind::Text`].
    Text(&'l str),
    /// [`FieldKind::Month`].
    Month(Month),
    /// [`FieldKind::Purpose`].
    Purpose(PurposeClass),
    /// [`FieldKind::Basis`].
    Basis(Basis),
    /// [`FieldKind::Count`].
    Count(u64),
    /// [`FieldKind::MicroYuan`].
    MicroYuan(MicroYuan),
    /// [`FieldKind::Fen`].
    Fen(Fen),
    /// [`FieldKind::Parts`].
    Parts(u32),
}

/// What a field adds to the control totals of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Nothing.
    None,
    /// Its sum.
    Sum,
    /// Its least value.
    First,
    /// Its greatest value.
    Last,
}

/// Where a field stands on papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnPaper {
    /// Its place among the columns, from the left.
    pub place: u8,
    /// Its heading.
    pub heading: &'static str,
    /// The form that brought it.
    pub form: u32,
}

type Get = fn(&RatedLine) -> Option<Figure<'_>>;
type Put = fn(&mut RatedLine, Figure<'_>);

#[derive(Clone, Copy, Debug)]
struct Access {
    get: Get,
    put: Option<Put>,
}

/// One field of a line.
#[derive(Clone, Copy, Debug)]
pub struct LineField {
    /// Its key: the export's column.
    pub key: &'static str,
    /// Its heading in Chinese.
    pub zh: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// What it adds to an export's control totals.
    pub total: Total,
    /// The version of the export `lines` that brought it.
    pub since: u32,
    /// Its column in the books.
    pub column: &'static str,
    /// Number of the migration of the books that adds the column; none where the table began with it. Lines that were closed
    /// before have NULL.
    pub migration: Option<u32>,
    /// Where it stands in a document of the API, by its steps: `amounts.gross`.
    pub path: &'static str,
    /// Whether the command line lists it.
    pub is_listed: bool,
    /// Where it stands on papers, if it does.
    pub paper: Option<OnPaper>,
    /// The version of a period's digest that began to cover it. The first version covers what the first lines had.
    pub digest: u32,
    access: Access,
}

const fn field(kind: FieldKind, key: &'static str, zh: &'static str, access: Access) -> LineField {
    LineField {
        key,
        zh,
        kind,
        total: Total::None,
        since: 1,
        column: key,
        migration: None,
        path: key,
        is_listed: false,
        paper: None,
        digest: 1,
        access,
    }
}

impl LineField {
    const fn total(self, total: Total) -> Self {
        Self { total, ..self }
    }

    /// This field, under another name in the books.
    const fn kept_as(self, column: &'static str) -> Self {
        Self { column, ..self }
    }

    /// This field, elsewhere in the API's documents.
    const fn answered_as(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    const fn on_paper(self, place: u8, heading: &'static str, form: u32) -> Self {
        Self { paper: Some(OnPaper { place, heading, form }), ..self }
    }

    const fn listed(self) -> Self {
        Self { is_listed: true, ..self }
    }

    /// This field, which came later: with this version of the export, this version of the digest, this migration of the books.
    #[must_use]
    pub const fn came(self, since: u32, digest: u32, migration: u32) -> Self {
        Self { since, digest, migration: Some(migration), ..self }
    }

    /// What it holds in `line`; none where the line was closed before there was such a field.
    #[must_use]
    pub fn of<'l>(&self, line: &'l RatedLine) -> Option<Figure<'l>> {
        (self.access.get)(line)
    }

    /// Whether a line is made with it, because it says what the line is about.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.access.put.is_none()
    }

    /// Puts what was read of it; what a line is made with stays.
    ///
    /// # Panics
    /// For a figure of another kind than [`LineField::kind`].
    pub fn put(&self, line: &mut RatedLine, figure: Figure<'_>) {
        if let Some(put) = self.access.put {
            put(line, figure);
        }
    }

    /// The latest of what the fields have, and `first` where they have nothing later.
    const fn latest(first: u32, fields: &[Self], of: Latest) -> u32 {
        let (mut latest, mut at) = (first, 0);
        while at < fields.len() {
            let one = match (of, fields[at].paper) {
                (Latest::Digest, _) => fields[at].digest,
                (Latest::Form, Some(paper)) => paper.form,
                (Latest::Form, None) => first,
            };
            if one > latest {
                latest = one;
            }
            at += 1;
        }
        latest
    }
}

#[derive(Clone, Copy)]
enum Latest {
    Digest,
    Form,
}

/// The latest form of papers that a field brings, or `first`.
pub(crate) const fn latest_form(first: u32) -> u32 {
    LineField::latest(first, FIELDS, Latest::Form)
}

/// The latest version of a period's digest that a field brings, or `first`.
pub(crate) const fn latest_digest(first: u32) -> u32 {
    LineField::latest(first, FIELDS, Latest::Digest)
}

#[cfg(test)]
mod tests;
