//! Control totals: what the end of every export states, and what a reader checks.
//!
//! Each row is sealed to all before it: h₀ is SHA-256 over the form of the seal, the set and its columns, hₙ = SHA-256(hₙ₋₁ ‖ lengths ‖ texts) over the n-th row,
//! lengths as four big-endian bytes a cell. The text formats carry the first eight bytes of hₙ in the row's last cell, so that
//! a changed, missing, added or moved row is found by its number. The digest is SHA-256 over the last hₙ and a line
//! `name=value` for each control total before it.

use ring::digest::{Context, SHA256};

use super::columns::{Control, Layout};
use super::row::{Row, push_fixed};

/// Bytes of the chain that a row shows.
const CHECK_BYTES: usize = 8;

/// What an export states at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    entries: Vec<(String, String)>,
    rows: u64,
    digest: [u8; 32],
}

impl Totals {
    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Digest over all rows.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Names and values in the order in which they are written: `set`, `version`, `period`, `rows`, `sum_…` for every
    /// summed column, `first_sequence`, `last_sequence`, `digest`.
    #[must_use]
    pub fn entries(&self) -> &[(String, String)] {
        &self.entries
    }
}

/// The totals as they grow.
pub(super) struct Tally {
    layout: Layout,
    rows: u64,
    /// Beside each column: its sum, least or greatest value so far.
    controls: Vec<Option<i128>>,
    chain: [u8; 32],
    lengths: Vec<u8>,
}

/// A row's seal as its last cell shows it: sixteen hexadecimal digits.
pub(super) struct Check([u8; 2 * CHECK_BYTES]);

impl Check {
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

impl Tally {
    pub(super) fn new(layout: Layout) -> Self {
        let mut start = Context::new(&SHA256);
        start.update(format!("shuzha export {}\n{}\n", super::SEAL_VERSION, layout.set).as_bytes());
        for column in layout.columns {
            start.update(format!("{}\n", column.key).as_bytes());
        }
        Self {
            layout,
            rows: 0,
            controls: vec![None; layout.columns.len()],
            chain: finish(start),
            lengths: Vec::new(),
        }
    }

    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Counts a row and seals it.
    pub(super) fn row(&mut self, row: &Row) -> Check {
        self.rows += 1;
        self.lengths.clear();
        for ((index, column, text), control) in row.cells().zip(&mut self.controls) {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.lengths.extend_from_slice(&length.to_be_bytes());
            let Some(value) = row.value(index).map(i128::from) else { continue };
            let so_far = control.unwrap_or(value);
            match column.control {
                Control::None => {}
                Control::Sum => *control = Some(control.unwrap_or(0) + value),
                Control::First => *control = Some(so_far.min(value)),
                Control::Last => *control = Some(so_far.max(value)),
            }
        }
        let mut next = Context::new(&SHA256);
        next.update(&self.chain);
        next.update(&self.lengths);
        next.update(row.whole().as_bytes());
        self.chain = finish(next);
        let mut check = [0; 2 * CHECK_BYTES];
        for (pair, byte) in check.chunks_exact_mut(2).zip(self.chain) {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        Check(check)
    }

    /// The totals of an export of `period`. The digest covers the names and values before it.
    pub(super) fn finish(self, period: &str) -> Totals {
        let mut entries = vec![
            ("set".to_owned(), self.layout.set.to_owned()),
            ("version".to_owned(), self.layout.version().to_string()),
            ("period".to_owned(), period.to_owned()),
            ("rows".to_owned(), self.rows.to_string()),
        ];
        for (column, control) in self.layout.columns.iter().zip(&self.controls) {
            let name = match column.control {
                Control::None => continue,
                Control::Sum => format!("sum_{}", column.key),
                Control::First => "first_sequence".to_owned(),
                Control::Last => "last_sequence".to_owned(),
            };
            let empty = (column.control == Control::Sum).then_some(0);
            let mut text = String::new();
            if let Some(value) = control.or(empty) {
                push_fixed(&mut text, value, column.kind.decimals().unwrap_or_default());
            }
            entries.push((name, text));
        }
        let mut last = Context::new(&SHA256);
        last.update(&self.chain);
        for (name, value) in &entries {
            last.update(format!("{name}={value}\n").as_bytes());
        }
        let digest = finish(last);
        let shown = shuzha_core::hex::encode(&digest);
        entries.push(("digest".to_owned(), shown));
        Totals { entries, rows: self.rows, digest }
    }
}

fn finish(context: Context) -> [u8; 32] {
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
