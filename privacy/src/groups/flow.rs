//! The table as a network: rows and columns are nodes, suppressed cells are edges between them.
//!
//! If a cell's (signed) value grows by one, its row and its column must each be balanced by other suppressed cells: a way
//! from the column's node back to the row's, along which cells shrink (from a column to a row) and grow (from a row to a
//! column) in turn. How far a published count may shrink is the count itself; growing has no bound. For totals, which
//! enter with a minus, it is the other way round.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Table;

/// A bound that is none.
const UNBOUNDED: u64 = u64::MAX;

/// A step of a way: the cell, and the node it leads to.
#[derive(Clone, Copy)]
struct Step {
    cell: usize,
    to: usize,
}

/// By how much the signed value of each cell has moved, in either direction, and the cell in question in all.
struct Flow {
    grown: Vec<u64>,
    shrunk: Vec<u64>,
    moved: u64,
}

impl Flow {
    fn push(&mut self, cell: usize, grows: bool, by: u64) {
        let (with, against) =
            if grows { (&mut self.grown, &mut self.shrunk) } else { (&mut self.shrunk, &mut self.grown) };
        // A move back along a cell first undoes what was moved.
        let undone = against[cell].min(by);
        against[cell] -= undone;
        with[cell] += by - undone;
    }
}

impl Table {
    /// Rows come first, then columns.
    fn nodes(&self) -> usize {
        self.rows + self.columns
    }

    /// The cells at a node, each with the node at its other end.
    fn steps(&self, node: usize) -> impl Iterator<Item = Step> {
        let (rows, columns) = (self.rows, self.columns);
        let of_row = (0..columns).filter(move |_| node < rows);
        let of_row = of_row.map(move |column| Step { cell: node * columns + column, to: rows + column });
        let of_column = (0..rows).filter(move |_| node >= rows);
        let of_column =
            of_column.map(move |row| Step { cell: row * columns + (node.max(rows) - rows), to: row });
        of_row.chain(of_column)
    }

    /// How far the cell may move where its signed value shrinks or grows, before anything has moved.
    fn room(&self, cell: usize, grows: bool) -> u64 {
        if grows == self.is_negative(cell) { self.counts[cell] } else { UNBOUNDED }
    }

    /// Where a move of `at` begins and ends, and in which direction of the signed value.
    fn ends(&self, at: usize, up: bool) -> (usize, usize) {
        let (row, column) = (at / self.columns, self.rows + at % self.columns);
        // Growing the signed value is balanced from the column back to the row, shrinking the other way.
        if up == self.is_negative(at) { (row, column) } else { (column, row) }
    }

    /// How far the suppressed cell `at` can grow (`up`) or shrink by what is published, at most `enough`: a maximal flow by
    /// shortest ways (Edmonds and Karp 1972).
    pub(super) fn shift(&self, at: usize, up: bool, enough: u64) -> u64 {
        self.flow(at, up, enough).moved
    }

    fn flow(&self, at: usize, up: bool, enough: u64) -> Flow {
        let (source, sink) = self.ends(at, up);
        let most = if up { enough } else { self.counts[at].min(enough) };
        let cells = self.counts.len();
        let mut flow = Flow { grown: vec![0; cells], shrunk: vec![0; cells], moved: 0 };
        while flow.moved < most {
            let usable = |step: &Step, from: usize| {
                let grows = from < self.rows;
                self.suppressed[step.cell] && step.cell != at && self.left(&flow, step.cell, grows) > 0
            };
            let Some(way) = self.shortest(source, sink, usable) else { break };
            let narrowest = way.iter().map(|&(cell, grows)| self.left(&flow, cell, grows)).min();
            let by = narrowest.unwrap_or(0).min(most - flow.moved);
            way.into_iter().for_each(|(cell, grows)| flow.push(cell, grows, by));
            flow.moved += by;
        }
        flow
    }

    /// How far the cell may still move after `flow`.
    fn left(&self, flow: &Flow, cell: usize, grows: bool) -> u64 {
        let (with, against) = if grows { (&flow.grown, &flow.shrunk) } else { (&flow.shrunk, &flow.grown) };
        match self.room(cell, grows) {
            UNBOUNDED => UNBOUNDED,
            room => room - with[cell] + against[cell],
        }
    }

    /// A way with fewest cells, each with whether its signed value grows.
    fn shortest(
        &self,
        source: usize,
        sink: usize,
        usable: impl Fn(&Step, usize) -> bool,
    ) -> Option<Vec<(usize, bool)>> {
        let mut came_by: Vec<Option<(usize, usize)>> = vec![None; self.nodes()];
        let mut queue = std::collections::VecDeque::from([source]);
        while let Some(node) = queue.pop_front() {
            if node == sink {
                break;
            }
            for step in self.steps(node).filter(|step| usable(step, node)) {
                if step.to != source && came_by[step.to].is_none() {
                    came_by[step.to] = Some((node, step.cell));
                    queue.push_back(step.to);
                }
            }
        }
        self.walk_back(source, sink, &came_by)
    }

    fn walk_back(
        &self,
        source: usize,
        sink: usize,
        came_by: &[Option<(usize, usize)>],
    ) -> Option<Vec<(usize, bool)>> {
        let (mut way, mut node) = (Vec::new(), sink);
        while node != source {
            let (from, cell) = came_by[node]?;
            way.push((cell, from < self.rows));
            node = from;
        }
        Some(way)
    }

    /// The cells to suppress so that `at` can move by at least one more, and how many people they hide: the cheapest way
    /// (Dijkstra 1959) in what the greatest move so far leaves, over fresh cells that have room, preferably for all of
    /// `missing`. There is no way over suppressed cells alone: the move would not be the greatest.
    pub(super) fn cheapest(&self, at: usize, up: bool, missing: u64) -> Option<(u64, Vec<usize>)> {
        let flow = self.flow(at, up, missing.saturating_add(self.counts[at]));
        if !up && flow.moved == self.counts[at] {
            return None;
        }
        let way =
            self.cheapest_with(at, up, missing, &flow).or_else(|| self.cheapest_with(at, up, 1, &flow))?;
        let fresh: Vec<usize> = way.into_iter().filter(|&cell| !self.suppressed[cell]).collect();
        let cost = fresh.iter().fold(0_u64, |sum, &cell| sum.saturating_add(self.counts[cell]));
        (!fresh.is_empty()).then_some((cost, fresh))
    }

    fn cheapest_with(&self, at: usize, up: bool, room: u64, flow: &Flow) -> Option<Vec<usize>> {
        let (source, sink) = self.ends(at, up);
        let mut came_by: Vec<Option<(usize, usize)>> = vec![None; self.nodes()];
        let mut cost = vec![u64::MAX; self.nodes()];
        cost[source] = 0;
        let mut queue = BinaryHeap::from([(Reverse(0_u64), source)]);
        while let Some((Reverse(reached), node)) = queue.pop() {
            if reached > cost[node] {
                continue;
            }
            let grows = node < self.rows;
            for step in self.steps(node).filter(|step| step.cell != at) {
                let hidden = self.suppressed[step.cell];
                let has_room = if hidden {
                    self.left(flow, step.cell, grows) > 0
                } else {
                    self.room(step.cell, grows) >= room
                };
                // One more than the count, so that of two ways that hide nobody the one with fewer cells is taken.
                let own = if hidden { 0 } else { self.counts[step.cell].saturating_add(1) };
                let next = reached.saturating_add(own);
                if has_room && next < cost[step.to] {
                    cost[step.to] = next;
                    came_by[step.to] = Some((node, step.cell));
                    queue.push((Reverse(next), step.to));
                }
            }
        }
        let way = self.walk_back(source, sink, &came_by)?;
        Some(way.into_iter().map(|(cell, _)| cell).collect())
    }
}
