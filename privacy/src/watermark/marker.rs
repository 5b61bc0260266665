//! Makes a recipient's file of the original, as it passes.

use std::sync::Arc;

use super::{Layout, Product, Word, fields, last_digit, said, without_end};

/// Longest line in bytes.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// Why a file cannot be marked: it is not what was declared, and nothing more of it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkFault {
    /// Its first line does not name the declared columns.
    #[error("the first line does not name the declared columns")]
    Header,
    /// A line has another number of fields, an open quotation, or is too long.
    #[error("a line is not one of the declared file")]
    Line,
}

/// Makes a recipient's file of the original, as it passes.
pub struct Marker {
    layout: Arc<Layout>,
    product: Product,
    word: Word,
    /// What came of a line whose end has not.
    line: Vec<u8>,
    header: bool,
}

impl Marker {
    /// The marker of `recipient`'s file.
    #[must_use]
    pub fn new(layout: Arc<Layout>, product: Product, recipient: &str) -> Self {
        let word = product.word(recipient);
        Self { layout, product, word, line: Vec::new(), header: true }
    }

    /// The next bytes of the original; `marked` gets those of the recipient's file that follow from them.
    ///
    /// # Errors
    /// [`MarkFault`]: `marked` holds what may still leave.
    pub fn feed(&mut self, mut original: &[u8], marked: &mut Vec<u8>) -> Result<(), MarkFault> {
        while let Some(end) = original.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = original.split_at(end + 1);
            original = rest;
            self.take(line)?;
            self.line_ended(marked)?;
        }
        self.take(original)
    }

    /// The original has ended.
    ///
    /// # Errors
    /// [`MarkFault`].
    pub fn finish(&mut self, marked: &mut Vec<u8>) -> Result<(), MarkFault> {
        if self.line.is_empty() { Ok(()) } else { self.line_ended(marked) }
    }

    fn take(&mut self, part: &[u8]) -> Result<(), MarkFault> {
        if self.line.len() + part.len() > LINE_BYTES_MAX {
            return Err(MarkFault::Line);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn line_ended(&mut self, marked: &mut Vec<u8>) -> Result<(), MarkFault> {
        let content = without_end(&self.line);
        let fields = fields(content).filter(|fields| fields.len() == self.layout.columns.len());
        let fields = fields.ok_or(if self.header { MarkFault::Header } else { MarkFault::Line })?;
        if std::mem::take(&mut self.header) {
            let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
            let names = super::fields(content).unwrap_or_default();
            let named = |(range, name): (&std::ops::Range<usize>, &String)| {
                said(&content[range.clone()]) == name.as_bytes()
            };
            if !names.iter().zip(&self.layout.columns).all(named) {
                return Err(MarkFault::Header);
            }
        } else {
            let row = self.product.row(self.layout.key.iter().map(|at| said(&content[fields[*at].clone()])));
            let bit = self.word.bit(row.position);
            for (number, column) in self.layout.carriers.iter().enumerate() {
                let range = fields[*column].clone();
                let value = said(&self.line[range.clone()]);
                let quoted = usize::from(value.len() < range.len());
                let Some(digit) = last_digit(value).map(|at| range.start + quoted + at) else { continue };
                let odd = bit != row.mask(number);
                self.line[digit] = match self.line[digit] {
                    digit if (digit % 2 == 1) == odd => digit,
                    b'0' => b'1',
                    b'9' => b'8',
                    digit if row.up(number) => digit + 1,
                    digit => digit - 1,
                };
            }
        }
        marked.append(&mut self.line);
        Ok(())
    }
}
