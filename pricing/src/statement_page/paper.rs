//! What stands on a paper, and how it is laid out.

use askama::Template;
use shuzha_core::calendar::Day;

use super::Party;

/// Everything that the template lays out, in the form in which it is printed.
#[derive(Template)]
#[template(path = "paper.html")]
pub(super) struct Paper<'a> {
    pub(super) title: &'static str,
    pub(super) is_red: bool,
    pub(super) number: &'a str,
    /// Number of the statement that is taken back, and why.
    pub(super) corrects: Option<(&'a str, &'a str)>,
    pub(super) period: String,
    pub(super) issued: Day,
    pub(super) issuer_role: &'static str,
    pub(super) issuer: Party<'a>,
    pub(super) recipient_role: &'static str,
    pub(super) recipient: Party<'a>,
    pub(super) agreements: String,
    pub(super) sections: Vec<Section>,
    pub(super) free_use: Vec<FreeRow>,
    pub(super) total_label: &'static str,
    pub(super) totals: Vec<(&'static str, String)>,
    pub(super) words_label: &'static str,
    pub(super) words: String,
    pub(super) proof: Option<Proof>,
    pub(super) digest: String,
    pub(super) reply_by: Option<Day>,
}

impl Paper<'_> {
    pub(super) fn print(&self) -> String {
        self.render().expect("the template writes to memory, and its values cannot fail to print")
    }
}

/// A table of lines with its sum.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) headings: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Columns that the sum's label stands across; a sum stands below each of the others.
    pub(super) label_columns: usize,
    pub(super) sum_label: &'static str,
    pub(super) sums: Vec<String>,
}

/// One cell of a table, and how it is set.
pub(super) struct Cell {
    text: String,
    class: &'static str,
}

impl Cell {
    /// A text, which may be broken into lines.
    pub(super) const fn text(text: String) -> Self {
        Self { text, class: "t" }
    }

    /// A short text that stays on one line.
    pub(super) const fn short(text: String) -> Self {
        Self { text, class: "c" }
    }

    /// A number.
    pub(super) const fn number(text: String) -> Self {
        Self { text, class: "n" }
    }
}

/// On what free lines stand, and under what conditions.
pub(super) struct FreeRow {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) ground: &'static str,
    pub(super) conditions: String,
}

/// Which calls the paper is about.
pub(super) struct Proof {
    pub(super) root: String,
    pub(super) size: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
}
