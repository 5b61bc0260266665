//! Views of a family: coarser tables that are sums of its cells.

use std::collections::HashSet;

use shuzha_privacy::groups::LINES_MAX;

use super::family::{ALL, Family, text};
use crate::yaml::{Place, Section, Value as Written};

/// One dimension of a view.
#[derive(Debug)]
struct Axis {
    name: String,
    keys: Vec<String>,
    /// Which dimension of the family it is made of.
    dimension: usize,
    /// The place among `keys` of each key of that dimension.
    of: Vec<usize>,
}

/// A table made of the cells of a family.
#[derive(Debug)]
pub(super) struct View {
    axes: Vec<Axis>,
}

/// A line of a view: a cell or a total.
pub(super) struct Line<'v> {
    pub(super) key: Vec<&'v str>,
    pub(super) count: i128,
    /// How many cells of the family it is the sum of.
    pub(super) cells: usize,
}

impl View {
    /// The family itself.
    pub(super) fn whole(family: &Family) -> Self {
        Self { axes: (0..family.dimensions.len()).map(|at| Axis::of(family, at)).collect() }
    }

    /// Reads `by` of a view: dimensions of the family by name, or coarser ones with `of` and `groups`.
    pub(super) fn read(section: &Section<'_>, family: &Family) -> Option<Self> {
        let by = section.required("by")?;
        let items = by.some_items(family.dimensions.len())?;
        let axes: Vec<_> = items.iter().map(|item| Axis::read(item, family)).collect();
        let axes: Vec<Axis> = axes.into_iter().collect::<Option<_>>()?;
        let dimensions: HashSet<usize> = axes.iter().map(|axis| axis.dimension).collect();
        let names: HashSet<&str> = axes.iter().map(|axis| &*axis.name).collect();
        if dimensions.len() < axes.len() || names.len() < axes.len() {
            return by.fail("names a dimension twice");
        }
        Some(Self { axes })
    }

    /// Names of the dimensions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().map(|axis| &*axis.name)
    }

    /// The cells of the view with all their totals, out of a count for each cell of the family.
    pub(super) fn lines(&self, family: &Family, counts: &[i128]) -> Vec<Line<'_>> {
        let with_all: Vec<usize> = self.axes.iter().map(|axis| axis.keys.len() + 1).collect();
        let mut sums = vec![(0_i128, 0_usize); with_all.iter().product()];
        for (cell, count) in counts.iter().enumerate().filter(|(cell, _)| family.possible[*cell]) {
            let keys = family.keys_of(cell);
            for totals in 0..1_usize << self.axes.len() {
                let place = self.axes.iter().enumerate().fold(0, |place, (at, axis)| {
                    let total = totals >> at & 1 == 1;
                    let own = if total { axis.keys.len() } else { axis.of[keys[axis.dimension]] };
                    place * with_all[at] + own
                });
                sums[place].0 += count;
                sums[place].1 += 1;
            }
        }
        let line = |(place, (count, cells))| {
            let mut rest = place;
            let mut key = vec![ALL; self.axes.len()];
            for (at, axis) in self.axes.iter().enumerate().rev() {
                key[at] = axis.keys.get(rest % with_all[at]).map_or(ALL, String::as_str);
                rest /= with_all[at];
            }
            Line { key, count, cells }
        };
        sums.into_iter().enumerate().map(line).collect()
    }
}

impl Axis {
    fn of(family: &Family, dimension: usize) -> Self {
        let of = &family.dimensions[dimension];
        Self { name: of.name.clone(), keys: of.keys.clone(), dimension, of: (0..of.keys.len()).collect() }
    }

    fn read(item: &Place<'_>, family: &Family) -> Option<Self> {
        let dimension = |place: &Place<'_>| {
            let name = place.text()?;
            let found = family.dimensions.iter().position(|one| one.name == name);
            found.map_or_else(|| place.fail("is no dimension of the family"), Some)
        };
        if let Written::Text(_) = item.value() {
            return Some(Self::of(family, dimension(item)?));
        }
        let section = item.section(&[&["name", "of", "groups"]])?;
        let name = section.required("name").and_then(|place| text(&place));
        let dimension = section.required("of").and_then(|place| dimension(&place));
        let groups = section.required("groups")?;
        let (name, dimension) = (name?, dimension?);
        let finer = &family.dimensions[dimension].keys;
        let mut keys = Vec::new();
        let mut of: Vec<Option<usize>> = vec![None; finer.len()];
        let entries = groups.entries()?;
        if entries.len() > LINES_MAX {
            return groups.fail(format!("at most {LINES_MAX} groups"));
        }
        for (key, place) in entries {
            if key == ALL || key.is_empty() {
                return place.fail("needs another name");
            }
            for item in place.some_items(finer.len())? {
                let Some(at) = finer.iter().position(|finer| Some(&**finer) == item.text()) else {
                    return item.fail("is no key of the dimension");
                };
                if of[at].replace(keys.len()).is_some() {
                    return item.fail("is in two groups");
                }
            }
            keys.push(key.to_owned());
        }
        let of: Option<Vec<usize>> = of.into_iter().collect();
        let Some(of) = of else { return groups.fail("leaves a key of the dimension out") };
        Some(Self { name, keys, dimension, of })
    }
}
