//! Small groups (小群体): a table of exact counts is published only when no small count can be found from it (REQUIREMENTS E6;
//! privacy research §3.3: k ≥ 20 for fixed cohorts, with complementary suppression).
//!
//! Suppressing a small cell is not enough: with the row's total and its other cells anybody subtracts. [`protect`] suppresses
//! further cells until, for every small cell, what a reader can still deduce is an interval at least as wide as the
//! threshold. A reader is taken to know everything that is published, that totals are the sums of their parts, and that
//! no count is negative, and to solve the system exactly. Tables of one or two dimensions are flow networks, so the exact
//! interval of a cell is what two maximal flows say ([`Table::interval`]; Gusfield 1988); no heuristic bound is used.
//!
//! Not protected against: knowledge of other releases about the same people (fixed cohorts only: the same table always over
//! the same groups), and a member of a group who counts themselves out.

mod flow;
#[cfg(test)]
mod tests;

/// Most rows or columns, totals included.
pub const LINES_MAX: usize = 64;

/// Smallest threshold that may be declared: a group below ten is small in any use.
pub const THRESHOLD_MIN: u64 = 10;

/// Why a table cannot be published at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// It is empty, has lines of different lengths, or more lines than [`LINES_MAX`].
    #[error("not a table of a size that can be protected")]
    Shape,
    /// A count is beyond what is counted with.
    #[error("a count is out of range")]
    Range,
    /// Even with everything suppressed that may be, a small cell could be found: too few people for this table.
    #[error("the table cannot be protected")]
    Unprotectable,
}

/// A cell of a published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The exact count.
    Published(u64),
    /// Not shown. Whether it was small itself is not shown either.
    Suppressed,
}

/// A table of counts with its totals: the last row holds the totals of the columns, the last column those of the rows.
#[derive(Clone, Debug)]
struct Table {
    rows: usize,
    columns: usize,
    counts: Vec<u64>,
    suppressed: Vec<bool>,
}

/// Protects a table of `rows` (each with the same number of counts, totals not included): the table with totals appended to
/// each row and as a last row, as it may be published. Counts below `threshold` are suppressed, and what else must be.
///
/// # Errors
/// [`GroupError`]: nothing of the table may then be published.
pub fn protect(rows: &[Vec<u64>], threshold: u64) -> Result<Vec<Vec<Cell>>, GroupError> {
    let mut table = Table::new(rows)?;
    let small: Vec<usize> = (0..table.counts.len()).filter(|&at| table.counts[at] < threshold).collect();
    for &at in &small {
        table.suppressed[at] = true;
    }
    for &at in &small {
        while let Some(missing) = table.missing(at, threshold) {
            table.suppress_one_more(at, missing)?;
        }
    }
    // Suppressing more for one cell only ever widens the interval of another, so all of them hold now.
    Ok(table.published())
}

/// The sum of counts, within what a reader of JSON keeps exactly.
fn sum(mut counts: impl Iterator<Item = u64>) -> Result<u64, GroupError> {
    let total = counts.try_fold(0_u64, u64::checked_add);
    total.filter(|total| *total < 1 << 53).ok_or(GroupError::Range)
}

impl Table {
    fn new(rows: &[Vec<u64>]) -> Result<Self, GroupError> {
        let columns = rows.first().map_or(0, Vec::len) + 1;
        let shape = (2..=LINES_MAX).contains(&columns) && (1..LINES_MAX).contains(&rows.len());
        if !shape || rows.iter().any(|row| row.len() + 1 != columns) {
            return Err(GroupError::Shape);
        }
        let mut counts = Vec::with_capacity((rows.len() + 1) * columns);
        for row in rows {
            counts.extend_from_slice(row);
            counts.push(sum(row.iter().copied())?);
        }
        for column in 0..columns {
            let total = sum((0..rows.len()).map(|row| counts[row * columns + column]))?;
            counts.push(total);
        }
        let suppressed = vec![false; counts.len()];
        Ok(Self { rows: rows.len() + 1, columns, counts, suppressed })
    }

    fn published(&self) -> Vec<Vec<Cell>> {
        let cell = |at: usize| {
            if self.suppressed[at] { Cell::Suppressed } else { Cell::Published(self.counts[at]) }
        };
        (0..self.rows)
            .map(|row| (0..self.columns).map(|column| cell(row * self.columns + column)).collect())
            .collect()
    }

    /// Whether the cell enters the sums of its row and column with a minus: totals do, the total of totals enters with a
    /// plus again.
    fn is_negative(&self, at: usize) -> bool {
        let (row, column) = (at / self.columns, at % self.columns);
        (row + 1 == self.rows) != (column + 1 == self.columns)
    }

    /// The least and greatest value that the suppressed cell `at` can have by what is published. The greatest is cut off at
    /// `enough` above the count.
    fn interval(&self, at: usize, enough: u64) -> (u64, u64) {
        let (down, up) = (self.shift(at, false, enough), self.shift(at, true, enough));
        (self.counts[at] - down, self.counts[at].saturating_add(up))
    }

    /// How far the width of a small cell's interval falls short of the threshold.
    fn missing(&self, at: usize, threshold: u64) -> Option<u64> {
        let (least, greatest) = self.interval(at, threshold);
        let width = greatest - least;
        (width < threshold).then(|| threshold - width)
    }

    /// Suppresses the cells by which `at` can move most cheaply by at least one more; cheap is what hides few people.
    fn suppress_one_more(&mut self, at: usize, missing: u64) -> Result<(), GroupError> {
        let up = self.cheapest(at, true, missing);
        let down = self.cheapest(at, false, missing);
        let cheapest = up.into_iter().chain(down).min_by_key(|(cost, _)| *cost);
        let (_, cells) = cheapest.ok_or(GroupError::Unprotectable)?;
        for cell in cells {
            self.suppressed[cell] = true;
        }
        Ok(())
    }
}
