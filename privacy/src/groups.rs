//! Small groups (小群体): a table of exact counts in which no small count can be found (REQUIREMENTS E6).
//!
//! Only where a law demands suppression; counts are otherwise noised (`crate::dp`, ADR 0031).
//!
//! Hiding a small cell and some partners for it gives more away than subtraction shows: which partners were chosen follows
//! from the counts, so whoever knows the rule runs it over all candidates and keeps those that give the same publication
//! (minimality attack; Wong, Fu, Wang and Pei 2007). Here the partners follow from the declaration alone. The possible cells are the
//! leaves of a fixed binary [`Tree`] — halves of the rows, of the halves, and so on; then halves of a row's cells — and a node
//! is published by its sum when it is large enough and one of its halves is not. The largest such nodes are the *merged groups*;
//! every cell outside them is published as it is.
//!
//! **What a reader can find.** Take a reader who knows this file, the declaration, every cell that is published and the sum of
//! every merged group. The tables that give this publication are exactly those that agree outside the merged groups and in
//! which each merged group has its sum s and a half that is too small, independently of each other: no node outside them,
//! nor above them, has another sum. In such a group every cell takes the value 0, with its half 0, and the value s, with all else 0. As
//! s is above the threshold, no cell of it is narrowed to less than the threshold. Where the whole table is too small, nothing is published
//! and every cell takes each value up to the threshold. The tests try all tables of small sizes.
//!
//! Not protected against: another publication about the same people (one table and one date per data set; the catalogue and
//! the gate see to it), and readers who know the other members of a group.

#[cfg(test)]
mod tests;

/// Most rows, and most columns.
pub const LINES_MAX: usize = 256;
/// Most cells.
pub const CELLS_MAX: usize = 4_096;

/// Smallest threshold that may be declared: a group below ten is small in any use.
pub const THRESHOLD_MIN: u64 = 10;

/// Why a table cannot be published at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// It has none or too many cells, or another number of counts.
    #[error("not a table of a size that can be protected")]
    Shape,
    /// A count is beyond what is counted with.
    #[error("a count is out of range")]
    Range,
    /// A cell that is declared impossible has a count.
    #[error("a cell that is declared impossible has a count")]
    Impossible,
}

/// The cells of a table as halves of halves: what hides together. Made of the declaration, never of counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    rows: usize,
    columns: usize,
    /// None where no cell is possible.
    root: Option<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// The place of a cell, row by row.
    Cell(usize),
    Halves(Box<[Node; 2]>),
}

/// Cells that are published by their sum alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Their places, row by row.
    pub cells: Vec<usize>,
    /// Their sum.
    pub count: u64,
}

/// A table as it may be published. What is `None` is not shown; impossible cells are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Cell by cell, row by row.
    pub cells: Vec<Option<u64>>,
    /// Cells that are hidden, by their sums; none where the whole table is too small.
    pub merged: Vec<Merged>,
    /// The total of each row.
    pub rows: Vec<Option<u64>>,
    /// The total of each column: shown where none of its cells is hidden.
    pub columns: Vec<Option<u64>>,
    /// The total of all.
    pub total: Option<u64>,
}

impl Tree {
    /// The tree over `rows` × `columns` cells, of which some are `possible`, row by row.
    ///
    /// # Errors
    /// [`GroupError::Shape`].
    pub fn new(rows: usize, columns: usize, possible: &[bool]) -> Result<Self, GroupError> {
        let within = (1..=LINES_MAX).contains(&rows) && (1..=LINES_MAX).contains(&columns);
        if !within || rows * columns > CELLS_MAX || possible.len() != rows * columns {
            return Err(GroupError::Shape);
        }
        let row = |row: usize| {
            let cells = (row * columns..(row + 1) * columns).filter(|&at| possible[at]);
            Node::over(cells.map(Node::Cell).collect())
        };
        Ok(Self { rows, columns, root: Node::over((0..rows).filter_map(row).collect()) })
    }

    /// Protects `counts`, row by row. Counts below `threshold` are not shown, nor what hides together with them.
    ///
    /// # Errors
    /// [`GroupError`]: nothing of the table may then be published.
    pub fn protect(&self, counts: &[u64], threshold: u64) -> Result<Published, GroupError> {
        if counts.len() != self.rows * self.columns {
            return Err(GroupError::Shape);
        }
        // Within what a reader of JSON keeps exactly; so every sum below is.
        let total = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        let total = total.filter(|total| *total < 1 << 53).ok_or(GroupError::Range)?;
        let possible: u64 = self.root.as_ref().map_or(0, |root| root.sum(counts));
        if possible != total {
            return Err(GroupError::Impossible);
        }
        let mut published = Published {
            cells: counts.iter().copied().map(Some).collect(),
            merged: Vec::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            total: Some(total),
        };
        let mut hidden = Vec::new();
        match &self.root {
            Some(root) if total <= threshold => {
                root.collect(&mut hidden);
                published.total = None;
            }
            Some(root) => root.merge(counts, threshold, &mut published.merged),
            None => {}
        }
        hidden.extend(published.merged.iter().flat_map(|merged| &merged.cells));
        for at in hidden {
            published.cells[at] = None;
        }
        self.add_totals(counts, &mut published);
        Ok(published)
    }

    /// A row's total is shown unless the row is part of what is merged; a column's only where all of it is shown.
    fn add_totals(&self, counts: &[u64], published: &mut Published) {
        let columns = self.columns;
        let within = |merged: &Merged, row: usize| merged.cells.iter().any(|at| at / columns == row);
        let across = |merged: &Merged| {
            let first = merged.cells.first().map(|at| at / columns);
            merged.cells.iter().any(|at| Some(at / columns) != first)
        };
        let open = published.total.is_some();
        published.rows = (0..self.rows)
            .map(|row| {
                let torn = published.merged.iter().any(|merged| across(merged) && within(merged, row));
                let cells = row * columns..(row + 1) * columns;
                let none = cells.clone().all(|at| published.cells[at] == Some(0));
                ((open && !torn) || none).then(|| counts[cells].iter().sum())
            })
            .collect();
        published.columns = (0..columns)
            .map(|column| (0..self.rows).map(|row| published.cells[row * columns + column]).sum())
            .collect();
    }
}

impl Node {
    /// The tree over `nodes`, in their order; none over none.
    fn over(mut nodes: Vec<Self>) -> Option<Self> {
        if nodes.len() <= 1 {
            return nodes.pop();
        }
        let right = nodes.split_off(nodes.len().div_ceil(2));
        Some(Self::Halves(Box::new([Self::over(nodes)?, Self::over(right)?])))
    }

    fn collect(&self, cells: &mut Vec<usize>) {
        match self {
            Self::Cell(at) => cells.push(*at),
            Self::Halves(halves) => halves.iter().for_each(|half| half.collect(cells)),
        }
    }

    fn sum(&self, counts: &[u64]) -> u64 {
        match self {
            Self::Cell(at) => counts[*at],
            Self::Halves(halves) => halves.iter().map(|half| half.sum(counts)).sum(),
        }
    }

    /// Whether it must not be published by itself. Of several cells the sum must be above the threshold, not at it: the
    /// values from 0 to the sum are what a reader is left with, and their width must be the threshold at least even where
    /// the reader knows that the sum is too small.
    fn is_small(&self, counts: &[u64], threshold: u64) -> bool {
        match self {
            Self::Cell(at) => counts[*at] < threshold,
            Self::Halves(_) => self.sum(counts) <= threshold,
        }
    }

    /// Adds the largest nodes that are large enough and have a half that is not. Of a node that is large enough itself.
    fn merge(&self, counts: &[u64], threshold: u64, merged: &mut Vec<Merged>) {
        let Self::Halves(halves) = self else { return };
        if halves.iter().any(|half| half.is_small(counts, threshold)) {
            let mut cells = Vec::new();
            self.collect(&mut cells);
            merged.push(Merged { cells, count: self.sum(counts) });
        } else {
            halves.iter().for_each(|half| half.merge(counts, threshold, merged));
        }
    }
}
