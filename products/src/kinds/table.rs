//! 统计表: exact counts over fixed groups, small ones hidden so that totals do not give them away (REQUIREMENTS E6).
//!
//! The groups are fixed: a request has no parameters, because two tables over overlapping groups can be subtracted. Counts
//! over groups that a caller chooses are a report (differential privacy) and no table.

use std::collections::HashMap;

use serde_json::{Value, json};
use shuzha_core::Code;
use shuzha_pricing::Outcome;
use shuzha_privacy::groups::{Cell, GroupError, LINES_MAX, THRESHOLD_MIN, protect};
use shuzha_privacy::output::{Contract, Cut};

use super::{Compiled, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::input::InputContract;
use crate::yaml::Place;

/// Largest threshold that may be declared.
const THRESHOLD_MAX: u64 = 1_000_000;
/// Longest name of a group, in characters.
const NAME_CHARACTERS_MAX: usize = 64;
/// Stands for all groups of a dimension.
const ALL: &str = "*";

pub(super) const KIND: Table = Table;

#[derive(Debug)]
pub(super) struct Table;

impl ProductKind for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["by", "threshold"]
    }

    fn aggregates(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let section = declared.section;
        section.forbid("subject", "a table is not about one subject");
        let by = section.required("by").and_then(|place| {
            let items = place.some_items(2)?;
            Some(items.iter().filter_map(Place::text).map(str::to_owned).collect::<Vec<_>>())
        });
        let threshold = section.required("threshold").and_then(|place| {
            let most = i64::try_from(THRESHOLD_MAX).expect("a million");
            let least = i64::try_from(THRESHOLD_MIN).expect("ten");
            place.count::<i64>(least..=most).map(i64::cast_unsigned)
        });
        if declared.personal {
            return section.place().fail("a table may not ask for personal consent: its answers are about nobody");
        }
        let nothing = json!({"type": "object", "additionalProperties": false});
        let input = InputContract::compile(&nothing).expect("the empty contract compiles");
        Some(Compiled { input: Some(input), output: Box::new(Output { by: by?, threshold: threshold? }) })
    }
}

#[derive(Debug)]
struct Output {
    /// Names of the dimensions, one or two.
    by: Vec<String>,
    threshold: u64,
}

fn fault(at: &str, what: &'static str) -> ReleaseFault {
    ReleaseFault { code: Code::C901, at: at.to_owned(), what }
}

/// The groups of one dimension, in the order in which they came.
#[derive(Default)]
struct Groups {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Groups {
    fn place(&mut self, name: &str) -> usize {
        *self.places.entry(name.to_owned()).or_insert_with(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

impl Output {
    /// The counts as `rows × columns`, with the names of both; a table of one dimension has one row.
    fn read(&self, answer: &Value) -> Result<(Vec<Vec<u64>>, Groups, Groups), ReleaseFault> {
        let rows = answer["rows"].as_array().ok_or_else(|| fault("/rows", "wrong type"))?;
        if rows.len() > LINES_MAX * LINES_MAX {
            return Err(fault("/rows", "too many elements"));
        }
        let (mut down, mut across) = (Groups::default(), Groups::default());
        let mut cells = HashMap::new();
        for row in rows {
            let count = row["count"].as_u64().ok_or_else(|| fault("/rows/*/count", "wrong type"))?;
            let key = row["key"].as_array().filter(|key| key.len() == self.by.len());
            let key = key.ok_or_else(|| fault("/rows/*/key", "wrong type"))?;
            let names: Option<Vec<&str>> = key.iter().map(Value::as_str).collect();
            let names = names.ok_or_else(|| fault("/rows/*/key", "wrong type"))?;
            let sound = |name: &&str| *name != ALL && name.chars().count() <= NAME_CHARACTERS_MAX;
            if !names.iter().all(sound) {
                return Err(fault("/rows/*/key", "not the name of a group"));
            }
            let place = match *names {
                [one] => (down.place(ALL), across.place(one)),
                [one, two] => (down.place(one), across.place(two)),
                _ => return Err(fault("/rows/*/key", "wrong type")),
            };
            if cells.insert(place, count).is_some() {
                return Err(fault("/rows", "a group is repeated"));
            }
        }
        let cell = |row: usize, column: usize| cells.get(&(row, column)).copied();
        let line = |row| (0..across.names.len()).map(|column| cell(row, column)).collect::<Option<Vec<_>>>();
        let table = (0..down.names.len()).map(line).collect::<Option<Vec<_>>>();
        let table = table.ok_or_else(|| fault("/rows", "a group is missing"))?;
        Ok((table, down, across))
    }
}

impl Release for Output {
    /// There is nothing to choose: a table of which parts are left out is another table.
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let answer = shuzha_privacy::json::from_slice(answer).map_err(|_| fault("", "not well-formed JSON"))?;
        let (counts, down, across) = self.read(&answer)?;
        let shown = protect(&counts, self.threshold).map_err(|why| match why {
            GroupError::Unprotectable => fault("/rows", "the groups are too small for this table"),
            GroupError::Shape | GroupError::Range => fault("/rows", "not a table that can be protected"),
        })?;
        let mut rows = Vec::new();
        for (at, line) in shown.iter().enumerate() {
            let one = down.names.get(at).map_or(ALL, String::as_str);
            // A table of one dimension has its only row's total for the total; the row of sums repeats it.
            if self.by.len() == 1 && at > 0 {
                break;
            }
            for (column, cell) in line.iter().enumerate() {
                let two = across.names.get(column).map_or(ALL, String::as_str);
                let key = if self.by.len() == 1 { json!([two]) } else { json!([one, two]) };
                let count = match cell {
                    Cell::Published(count) => json!(count),
                    Cell::Suppressed => Value::Null,
                };
                rows.push(json!({"key": key, "count": count}));
            }
        }
        let text = json!({"by": self.by, "rows": rows, "threshold": self.threshold}).to_string();
        let members = answer.as_object().map_or(0, |members| members.len() - 1);
        let unlisted = u32::try_from(members).unwrap_or(u32::MAX);
        Ok(Released { bytes: text.into_bytes(), outcome: Outcome::Answer, unlisted, parts: 1 })
    }
}
