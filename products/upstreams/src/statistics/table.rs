//! The table in memory, column by column, and the aggregation over it.
//!
//! **No overflow:** a table has fewer than 2³² rows ([`ROWS_MAX`]) and clamped values fit `i32`, so every
//! partial sum of an `i64` stays below 2⁶³ in size.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

use serde::Serialize;

use super::domain::{Column, Domain};
use super::query::{Accepted, CELLS_MAX, Measure, Query, QueryFault};

/// Most rows of a table.
pub const ROWS_MAX: usize = 10_000_000;
/// Most keys of a categorical column: positions are kept in one byte.
pub const KEYS_MAX: usize = 256;
/// Longest open key, in bytes.
pub const KEY_BYTES_MAX: usize = 128;
/// The column that says whose row it is. It can be neither asked for nor filtered by.
const PERSON: &str = "person_id";

/// The values of one column.
#[derive(Debug)]
enum Values {
    /// Positions in the domain's list of keys.
    Keys(Vec<u8>),
    /// Clamped numbers.
    Integers(Vec<i32>),
    /// Positions in the list of keys that were found.
    Open { positions: Vec<u16>, keys: Vec<String> },
}

/// A table with its domain.
#[derive(Debug)]
pub struct Table {
    domain: Domain,
    columns: HashMap<String, Values>,
    rows: usize,
    dropped: usize,
}

/// One cell of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row<'a> {
    /// Values of the grouped columns, then of the histogram's.
    pub key: Vec<Cow<'a, str>>,
    /// How many rows.
    pub count: u64,
    /// Sum of the measured column, for `sum` and `mean`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<i64>,
}

impl Table {
    /// Reads a table from CSV with a header. Columns that the domain does not name are left out.
    ///
    /// # Errors
    /// A sentence with the line, when a column is missing, a value does not fit its column, or the domain or
    /// the table is too large.
    pub fn read(source: impl Read, domain: Domain) -> Result<Self, String> {
        let mut reader = csv::Reader::from_reader(source);
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        let at = |name: &str| {
            header.iter().position(|found| found == name).ok_or_else(|| format!("there is no column {name}"))
        };
        let person_at = at(PERSON)?;
        let mut builders = domain
            .columns
            .iter()
            .map(|(name, column)| Builder::new(name, at(name)?, column))
            .collect::<Result<Vec<_>, _>>()?;

        let mut rows_of: HashMap<u64, u32> = HashMap::new();
        let (mut rows, mut dropped) = (0, 0);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| error.to_string())? {
            let line = record.position().map_or(0, csv::Position::line);
            let person =
                record[person_at].parse().map_err(|_| format!("line {line}: {PERSON} is not a number"))?;
            let already = rows_of.entry(person).or_default();
            if *already >= domain.max_rows_per_person {
                dropped += 1;
                continue;
            }
            *already += 1;
            rows += 1;
            if rows > ROWS_MAX {
                return Err(format!("more than {ROWS_MAX} rows"));
            }
            for builder in &mut builders {
                builder.push(&record).map_err(|reason| format!("line {line}: {}: {reason}", builder.name))?;
            }
        }
        let columns = builders.into_iter().map(|builder| (builder.name.to_owned(), builder.values)).collect();
        Ok(Self { columns, rows, dropped, domain })
    }

    /// The public metadata.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// How many rows count.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows were dropped because their person already had as many as may count.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Exact aggregates: one row for every cell that the domain allows, in the domain's order of keys, empty
    /// cells included. Of an open column, one for every key of the table.
    ///
    /// # Errors
    /// [`QueryFault`] when the query does not fit the domain or the limits.
    pub fn aggregate(&self, query: &Query) -> Result<Vec<Row<'_>>, QueryFault> {
        let key = query.key_columns(&self.domain)?;
        let selected = self.select(query)?;
        let cell_of = self.cells(&key);
        let cells = key.iter().map(|name| self.size(name)).product();

        let mut counts = vec![0_u64; cells];
        let mut sums = vec![0_i64; cells];
        match (query.measure, query.column.as_ref().map(|name| &self.columns[name])) {
            (Measure::Sum | Measure::Mean, Some(Values::Integers(values))) => {
                for ((&chosen, &cell), &value) in selected.iter().zip(&cell_of).zip(values) {
                    counts[cell as usize] += u64::from(chosen);
                    sums[cell as usize] += if chosen { i64::from(value) } else { 0 };
                }
            }
            _ => {
                for (&chosen, &cell) in selected.iter().zip(&cell_of) {
                    counts[cell as usize] += u64::from(chosen);
                }
            }
        }
        let summed = matches!(query.measure, Measure::Sum | Measure::Mean);
        let row = |cell: usize| Row {
            key: self.labels(&key, cell),
            count: counts[cell],
            sum: summed.then_some(sums[cell]),
        };
        Ok((0..cells).map(row).collect())
    }

    /// Which rows meet all conditions. Every condition looks at every row, so the time says little about the
    /// data.
    fn select(&self, query: &Query) -> Result<Vec<bool>, QueryFault> {
        let mut selected = vec![true; self.rows];
        for (at, condition) in query.conditions.iter().enumerate() {
            let column = self.domain.columns.get(&condition.column).ok_or(QueryFault::Column("where"))?;
            match (condition.accepted(column, at + 1)?, &self.columns[&condition.column]) {
                (Accepted::Keys(keys), Values::Keys(values)) => {
                    retain(&mut selected, values, |&key| keys[usize::from(key)]);
                }
                (Accepted::Between(low, high), Values::Integers(values)) => {
                    retain(&mut selected, values, |&value| (low..=high).contains(&i64::from(value)));
                }
                (Accepted::Values(wanted), Values::Integers(values)) => {
                    retain(&mut selected, values, |&value| wanted.binary_search(&i64::from(value)).is_ok());
                }
                _ => return Err(QueryFault::Condition(at + 1)),
            }
        }
        Ok(selected)
    }

    /// For every row, the number of its cell: the positions of its key columns as digits, the first one
    /// highest.
    fn cells(&self, key: &[&str]) -> Vec<u32> {
        let mut cell_of = vec![0_u32; self.rows];
        for name in key {
            let column = &self.domain.columns[*name];
            let size = u32::try_from(self.size(name)).expect("cells are limited");
            match (&self.columns[*name], column) {
                (Values::Integers(values), Column::Integer { minimum, .. }) => {
                    for (cell, value) in cell_of.iter_mut().zip(values) {
                        *cell = *cell * size + value.abs_diff(*minimum);
                    }
                }
                (Values::Keys(values), _) => {
                    for (cell, value) in cell_of.iter_mut().zip(values) {
                        *cell = *cell * size + u32::from(*value);
                    }
                }
                (Values::Open { positions, .. }, _) => {
                    for (cell, position) in cell_of.iter_mut().zip(positions) {
                        *cell = *cell * size + u32::from(*position);
                    }
                }
                (Values::Integers(_), _) => unreachable!("values are built from the domain"),
            }
        }
        cell_of
    }

    /// How many cells the column makes: as many as the domain says, or as keys were found.
    fn size(&self, name: &str) -> usize {
        match &self.columns[name] {
            Values::Open { keys, .. } => keys.len(),
            Values::Keys(_) | Values::Integers(_) => self.domain.columns[name].size(),
        }
    }

    /// The key of cell number `cell`: the inverse of [`Table::cells`].
    fn labels(&self, key: &[&str], mut cell: usize) -> Vec<Cow<'_, str>> {
        let mut labels = Vec::with_capacity(key.len());
        for name in key.iter().rev() {
            let size = self.size(name);
            labels.push(self.label(name, cell % size));
            cell /= size;
        }
        labels.reverse();
        labels
    }

    /// The name of the column's value at position `at`: the key, or the number in decimal.
    fn label(&self, name: &str, at: usize) -> Cow<'_, str> {
        match (&self.columns[name], &self.domain.columns[name]) {
            (Values::Open { keys, .. }, _) | (_, Column::Categorical { keys }) => Cow::Borrowed(&keys[at]),
            (_, Column::Integer { minimum, .. }) => {
                Cow::Owned((i64::from(*minimum) + i64::try_from(at).expect("below 2³²")).to_string())
            }
            (_, Column::Open { .. }) => unreachable!("values are built from the domain"),
        }
    }
}

/// Keeps of `selected` what `meets` holds for.
fn retain<T>(selected: &mut [bool], values: &[T], meets: impl Fn(&T) -> bool) {
    for (chosen, value) in selected.iter_mut().zip(values) {
        *chosen &= meets(value);
    }
}

/// One column while it is read.
struct Builder<'a> {
    name: &'a str,
    at: usize,
    column: &'a Column,
    positions: HashMap<&'a str, u8>,
    found: HashMap<String, u16>,
    values: Values,
}

impl<'a> Builder<'a> {
    fn new(name: &'a str, at: usize, column: &'a Column) -> Result<Self, String> {
        let (positions, values) = match column {
            Column::Categorical { keys } => {
                let numbered = keys.iter().map(String::as_str).zip(0..=u8::MAX);
                let positions: HashMap<&str, u8> = numbered.collect();
                if positions.len() != keys.len() || keys.len() > KEYS_MAX {
                    return Err(format!("{name}: keys repeat or are more than {KEYS_MAX}"));
                }
                (positions, Values::Keys(Vec::new()))
            }
            Column::Integer { minimum, maximum } if minimum <= maximum => {
                (HashMap::new(), Values::Integers(Vec::new()))
            }
            Column::Integer { .. } => return Err(format!("{name}: the bounds are crossed")),
            Column::Open { keys_max } if *keys_max <= CELLS_MAX => {
                (HashMap::new(), Values::Open { positions: Vec::new(), keys: Vec::new() })
            }
            Column::Open { .. } => return Err(format!("{name}: more than {CELLS_MAX} keys")),
        };
        Ok(Self { name, at, column, positions, found: HashMap::new(), values })
    }

    fn push(&mut self, record: &csv::StringRecord) -> Result<(), &'static str> {
        let text = &record[self.at];
        match (&mut self.values, self.column) {
            (Values::Integers(values), Column::Integer { minimum, maximum }) => {
                let value: i64 = text.parse().map_err(|_| "not a whole number")?;
                let clamped = value.clamp(i64::from(*minimum), i64::from(*maximum));
                values.push(i32::try_from(clamped).expect("between two i32"));
            }
            (Values::Keys(values), _) => {
                values.push(*self.positions.get(text).ok_or("not a key of the column")?)
            }
            (Values::Open { positions, keys }, Column::Open { keys_max }) => {
                let position = match self.found.get(text) {
                    Some(position) => *position,
                    None if !(1..=KEY_BYTES_MAX).contains(&text.len()) => {
                        return Err("an empty or too long key");
                    }
                    None if keys.len() >= *keys_max => return Err("more keys than keys_max"),
                    None => {
                        let position = u16::try_from(keys.len()).expect("at most 4,096");
                        keys.push(text.to_owned());
                        self.found.insert(text.to_owned(), position);
                        position
                    }
                };
                positions.push(position);
            }
            (Values::Integers(_) | Values::Open { .. }, _) => unreachable!("built in `new`"),
        }
        Ok(())
    }
}
