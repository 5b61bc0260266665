//! The cells of a table family: dimensions with their keys, as declared and reviewed, and which combinations can be.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use shuzha_privacy::groups::{CELLS_MAX, LINES_MAX};

use crate::kinds::ReleaseFault;
use crate::yaml::{Place, Section, Value as Written};

/// Stands for all groups of a dimension.
pub(super) const ALL: &str = "*";
/// Longest key, and longest name of a dimension, in characters.
const TEXT_CHARACTERS_MAX: usize = 64;
/// Most blocks of impossible cells.
const IMPOSSIBLE_MAX: usize = 1_024;

/// A dimension and its keys.
#[derive(Debug)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
}

/// The finest cells that a family has: every combination of keys.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) dimensions: Vec<Dimension>,
    /// Whether anybody can be in the cell, in the order of the keys.
    pub(super) possible: Vec<bool>,
    places: Vec<HashMap<String, usize>>,
}

/// Counts that a product service answered.
pub(super) struct Counted {
    /// One for each cell; 0 where it said nothing.
    pub(super) counts: Vec<u64>,
    /// Members that nobody declared, and that are dropped.
    pub(super) unlisted: u32,
}

impl Family {
    /// Reads `by` and `impossible` of an operation.
    pub(super) fn read(section: &Section<'_>, dimensions_max: usize) -> Option<Self> {
        let by = section.required("by")?;
        let items = by.some_items(dimensions_max)?;
        let sections: Option<Vec<_>> =
            items.iter().map(|item| item.section(&[&["name", "keys", "under"]])).collect();
        let sections = sections?;
        let read: Vec<_> = sections.iter().map(Dimension::read).collect();
        let dimensions = read.into_iter().collect::<Option<Vec<_>>>()?;
        let names: HashSet<&str> = dimensions.iter().map(|one| &*one.name).collect();
        if names.len() < dimensions.len() {
            return by.fail("names a dimension twice");
        }
        let cells = dimensions.iter().map(|one| one.keys.len()).product();
        if cells > CELLS_MAX {
            return by.fail(format!("has {cells} cells; at most {CELLS_MAX}"));
        }
        let places = |one: &Dimension| one.keys.iter().cloned().zip(0..).collect();
        let places = dimensions.iter().map(places).collect();
        let mut family = Self { dimensions, possible: vec![true; cells], places };
        for (at, section) in sections.iter().enumerate() {
            if let Some(place) = section.optional("under") {
                family.place_under(at, &place)?;
            }
        }
        if let Some(place) = section.optional("impossible") {
            for item in place.some_items(IMPOSSIBLE_MAX)? {
                family.exclude(&item)?;
            }
        }
        if family.possible.iter().any(|possible| *possible) {
            Some(family)
        } else {
            by.fail("has no cell that is possible")
        }
    }

    /// Which key of each dimension the cell has.
    pub(super) fn keys_of(&self, cell: usize) -> Vec<usize> {
        let mut rest = cell;
        let mut keys = vec![0; self.dimensions.len()];
        for (at, dimension) in self.dimensions.iter().enumerate().rev() {
            keys[at] = rest % dimension.keys.len();
            rest /= dimension.keys.len();
        }
        keys
    }

    /// The cell of a key, one text for each dimension.
    pub(super) fn cell<'k>(&self, key: impl IntoIterator<Item = &'k str>) -> Option<usize> {
        let mut texts = key.into_iter();
        let mut cell = 0;
        for (places, dimension) in self.places.iter().zip(&self.dimensions) {
            cell = cell * dimension.keys.len() + places.get(texts.next()?)?;
        }
        texts.next().is_none().then_some(cell)
    }

    fn dimension(&self, name: &str) -> Option<usize> {
        self.dimensions.iter().position(|one| one.name == name)
    }

    /// A hierarchy: the keys of dimension `lower` are possible only with the key of another that they begin with.
    fn place_under(&mut self, lower: usize, place: &Place<'_>) -> Option<()> {
        let name = place.text()?;
        let Some(upper) = self.dimension(name).filter(|upper| *upper != lower) else {
            return place.fail("names no other dimension of this table");
        };
        let above = |key: &str| {
            let uppers = self.dimensions[upper].keys.iter();
            uppers.filter(|upper| key.starts_with(&***upper)).count()
        };
        if let Some(key) = self.dimensions[lower].keys.iter().find(|key| above(key) != 1) {
            return place.fail(format!("`{key}` does not begin with exactly one key of `{name}`"));
        }
        for cell in 0..self.possible.len() {
            let keys = self.keys_of(cell);
            let key = &self.dimensions[lower].keys[keys[lower]];
            self.possible[cell] &= key.starts_with(&*self.dimensions[upper].keys[keys[upper]]);
        }
        Some(())
    }

    /// Excludes a block of cells: `{dimension: key or keys, …}`, of two dimensions at least.
    fn exclude(&mut self, item: &Place<'_>) -> Option<()> {
        let entries = item.entries()?;
        if entries.len() < 2 {
            return item.fail("names keys of two dimensions at least");
        }
        let mut block: Vec<Option<HashSet<usize>>> = self.dimensions.iter().map(|_| None).collect();
        for (name, place) in entries {
            let Some(at) = self.dimension(name) else {
                return place.fail("is no dimension of this table");
            };
            let listed = match place.value() {
                Written::List(_) => place.some_items(LINES_MAX)?,
                _ => vec![place.clone()],
            };
            let key = |place: &Place<'_>| {
                let found = self.places[at].get(place.text()?).copied();
                found.map_or_else(|| place.fail("is no key of this dimension"), Some)
            };
            block[at] = Some(listed.iter().map(key).collect::<Option<_>>()?);
        }
        for cell in 0..self.possible.len() {
            let keys = self.keys_of(cell);
            let within = |(keys, key): (&Option<HashSet<usize>>, &usize)| {
                keys.as_ref().is_none_or(|keys| keys.contains(key))
            };
            self.possible[cell] &= !block.iter().zip(&keys).all(within);
        }
        Some(())
    }

    /// Reads `{"rows": [{"key": […], "count": n}, …]}`. A cell that is left out is 0; a key that is not declared, or in a cell
    /// that cannot be, is a lie, and an alarm. `beside` names members that the caller reads itself.
    pub(super) fn counts(&self, answer: &Value, beside: &[&str]) -> Result<Counted, ReleaseFault> {
        let rows = answer["rows"].as_array().ok_or_else(|| ReleaseFault::at("/rows", "wrong type"))?;
        if rows.len() > self.possible.len() {
            return Err(ReleaseFault::at("/rows", "too many elements"));
        }
        let undeclared = |what| ReleaseFault { unlisted: 1, ..ReleaseFault::at("/rows/*/key", what) };
        let mut counts: Vec<Option<u64>> = vec![None; self.possible.len()];
        let mut unlisted = 0;
        for row in rows {
            let count = row["count"].as_u64();
            let count = count.ok_or_else(|| ReleaseFault::at("/rows/*/count", "wrong type"))?;
            let key = row["key"].as_array();
            let key = key.ok_or_else(|| ReleaseFault::at("/rows/*/key", "wrong type"))?;
            let texts: Option<Vec<&str>> = key.iter().map(Value::as_str).collect();
            let texts = texts.ok_or_else(|| ReleaseFault::at("/rows/*/key", "wrong type"))?;
            let cell = self.cell(texts).ok_or_else(|| undeclared("not a declared key"))?;
            if count > 0 && !self.possible[cell] {
                return Err(undeclared("a cell that is declared impossible has a count"));
            }
            if counts[cell].replace(count).is_some() {
                return Err(ReleaseFault::at("/rows", "a group is repeated"));
            }
            unlisted += members_beyond(row, &["key", "count"]);
        }
        unlisted += members_beyond(answer, &[&["rows"], beside].concat());
        let counts = counts.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Counted { counts, unlisted: u32::try_from(unlisted).unwrap_or(u32::MAX) })
    }
}

/// How many members an object has beyond the `known` ones.
fn members_beyond(value: &Value, known: &[&str]) -> usize {
    let members = value.as_object().into_iter().flatten();
    members.filter(|(name, _)| !known.contains(&name.as_str())).count()
}

impl Dimension {
    fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.required("name").and_then(|place| text(&place));
        let keys = section.required("keys").and_then(|place| {
            let items = place.some_items(LINES_MAX)?;
            let keys = items.iter().map(text).collect::<Option<Vec<_>>>()?;
            let distinct: HashSet<&String> = keys.iter().collect();
            if distinct.len() < keys.len() { place.fail("lists a key twice") } else { Some(keys) }
        });
        Some(Self { name: name?, keys: keys? })
    }
}

/// A key or a name.
pub(super) fn text(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    if text == ALL || text.chars().count() > TEXT_CHARACTERS_MAX {
        return place.fail(format!("must have at most {TEXT_CHARACTERS_MAX} characters, and not be `{ALL}`"));
    }
    Some(text.to_owned())
}
