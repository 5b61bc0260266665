//! Finds whom a file was made for.

use std::io::BufRead;

use super::{Layout, POSITIONS, Product, fields, last_digit, said, without_end};

/// Fewest places that must be read before anybody is named.
pub const POSITIONS_MIN: usize = 200;
/// How many standard deviations a recipient's score lies above that of one who has nothing to do with a file, at least, before
/// it is named: one in a thousand million of those who have not is.
pub const SCORE_MIN: f64 = 6.0;

/// What a file that was found says about where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// Rows that were read.
    pub rows: u64,
    /// Places of the code word of which something was read.
    pub positions: usize,
    /// Recipients named, with their scores in standard deviations, the highest first.
    pub found: Vec<(String, f64)>,
}

/// Why nothing can be told of a file.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Its first line does not name the key columns and a carrier.
    #[error("its first line does not name the columns that carry the mark")]
    Header,
}

/// Which of `recipients` a file that was found comes from. Its columns may stand in another order and some be gone, its rows too.
///
/// # Errors
/// [`TraceError`].
pub fn trace<'r>(
    layout: &Layout,
    product: &Product,
    recipients: impl Iterator<Item = &'r str>,
    mut file: impl BufRead,
) -> Result<Traced, TraceError> {
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> std::io::Result<bool> {
        line.clear();
        Ok(file.read_until(b'\n', line)? > 0)
    };
    next(&mut line)?;
    let header = without_end(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line)).to_vec();
    let names = fields(&header).unwrap_or_default();
    let find = |column: usize| {
        names.iter().position(|range| said(&header[range.clone()]) == layout.columns[column].as_bytes())
    };
    let key: Vec<usize> =
        layout.key.iter().map(|at| find(*at)).collect::<Option<_>>().ok_or(TraceError::Header)?;
    let carriers: Vec<_> = layout.carriers.iter().map(|at| find(*at)).collect();
    if carriers.iter().all(Option::is_none) {
        return Err(TraceError::Header);
    }
    let mut votes = vec![0_i32; POSITIONS];
    let mut rows = 0;
    while next(&mut line)? {
        let content = without_end(&line);
        let Some(fields) = fields(content).filter(|fields| fields.len() == names.len()) else { continue };
        rows += 1;
        let row = product.row(key.iter().map(|at| said(&content[fields[*at].clone()])));
        for (number, column) in carriers.iter().enumerate() {
            let Some(value) = column.map(|at| said(&content[fields[at].clone()])) else { continue };
            let Some(digit) = last_digit(value) else { continue };
            let bit = (value[digit] % 2 == 1) != row.mask(number);
            votes[row.position] += if bit { 1 } else { -1 };
        }
    }
    let read: Vec<(usize, bool)> =
        votes.iter().enumerate().filter(|(_, vote)| **vote != 0).map(|(at, vote)| (at, *vote > 0)).collect();
    let mut found = Vec::new();
    if read.len() >= POSITIONS_MIN {
        let scale = f64::from(u32::try_from(read.len()).expect("few places")).sqrt();
        for name in recipients {
            let word = product.word(name);
            let score: f64 =
                read.iter().map(|(at, bit)| weight(product.biases[*at], word.bit(*at), *bit)).sum();
            found.push((name.to_owned(), score / scale));
        }
    }
    found.retain(|(_, score)| *score >= SCORE_MIN);
    found.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(Traced { rows, positions: read.len(), found })
}

/// What it says of a recipient whose code word has `own` that `read` was read where a one is as likely as `bias`.
fn weight(bias: u16, own: bool, read: bool) -> f64 {
    let one = f64::from(bias) / 65_536.0;
    let odds = ((1.0 - one) / one).sqrt();
    match (own, read) {
        (true, true) => odds,
        (true, false) => -odds,
        (false, false) => odds.recip(),
        (false, true) => -odds.recip(),
    }
}
