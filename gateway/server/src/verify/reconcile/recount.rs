//! The log's entries counted again, as the close of a period counts them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use shuzha_core::Id;
use shuzha_evidence::Entry;
use shuzha_evidence::merkle::{Digest as _, Frontier, Sha256};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Before, CallTree};
use shuzha_pricing::metering::{Rollup, Row};
use shuzha_store::ledger::counted;

use shuzha_verify::{Trouble, read_file};

/// A closed month, as its period states it.
#[derive(Clone, Debug)]
pub(super) struct Close {
    month: Month,
    /// The record up to which it was closed; none while it is open.
    reached: Option<u64>,
    /// The digest of its close, in hexadecimal.
    pub(super) digest: Option<String>,
}

/// Which months were closed when.
#[derive(Clone, Debug, Default)]
pub(super) struct Closes(Vec<Close>);

impl Closes {
    /// Reads what the API answers for one period or for all.
    pub(super) fn read(path: &Path) -> Result<Self, Trouble> {
        let wrong = || Trouble::Incomplete(format!("{}: 不是账期 does not hold periods", path.display()));
        let value: Value = serde_json::from_slice(&read_file(path)?).map_err(|_| wrong())?;
        let one = |item: &Value| {
            let month = item["month"].as_str()?.parse().ok()?;
            let (reached, digest) = (item["reached"].as_u64(), item["digest"].as_str().map(str::to_owned));
            Some(Close { month, reached, digest })
        };
        let items = value["items"].as_array().map_or_else(|| vec![value.clone()], Clone::clone);
        items.iter().map(one).collect::<Option<Vec<_>>>().map(Self).ok_or_else(wrong)
    }

    /// What is stated of a month.
    pub(super) fn of(&self, month: Month) -> Option<&Close> {
        self.0.iter().find(|close| close.month == month)
    }

    /// The first month that was open when record `seq` was counted: a call of an earlier one is posted there.
    fn first_open(&self, seq: u64) -> Option<Month> {
        let before = self.0.iter().filter(|close| close.reached.is_some_and(|reached| reached < seq));
        before.map(|close| close.month.next()).max()
    }
}

/// The records of one unit's calls.
#[derive(Default)]
struct Growing {
    frontier: Frontier,
    first_seq: u64,
    last_seq: u64,
}

/// The count of one month, and of what went before it.
pub(super) struct Recount<'a> {
    month: Month,
    closes: &'a Closes,
    now: Rollup,
    earlier: BTreeMap<Month, Rollup>,
    trees: BTreeMap<String, Growing>,
}

/// What a close works from.
pub(super) struct Counted {
    pub(super) rows: Vec<Row>,
    pub(super) before: Before,
    pub(super) trees: BTreeMap<Id, CallTree>,
}

impl<'a> Recount<'a> {
    pub(super) fn new(month: Month, closes: &'a Closes) -> Self {
        let (now, earlier, trees) = (Rollup::default(), BTreeMap::new(), BTreeMap::new());
        Self { month, closes, now, earlier, trees }
    }

    /// Takes the next entry, which is record `seq` of the journal.
    pub(super) fn visit(&mut self, seq: u64, entry: &Entry<'_>, bytes: &[u8]) -> Result<(), String> {
        let wrong = |what: &dyn std::fmt::Display| format!("记录 {seq} 无法计量 record {seq}: {what}");
        let Some((own, one)) = counted(entry, seq).map_err(|what| wrong(&what))? else { return Ok(()) };
        let period = self.closes.first_open(seq).map_or(own, |first| own.max(first));
        if period > self.month {
            return Ok(());
        }
        let rollup = if period == self.month { &mut self.now } else { self.earlier.entry(own).or_default() };
        rollup.add(&one).map_err(|error| wrong(&error))?;
        if period == self.month {
            let tree = self.trees.entry(one.unit.to_owned()).or_default();
            if tree.frontier.size() == 0 {
                tree.first_seq = seq;
            }
            tree.last_seq = seq;
            tree.frontier.push::<Sha256>(Sha256::leaf(bytes));
        }
        Ok(())
    }

    /// The whole count.
    pub(super) fn finish(self) -> Result<Counted, String> {
        let mut before = Before::new();
        for (month, rollup) in self.earlier {
            for (dimensions, sums) in rollup.into_rows() {
                let billed = before.entry((dimensions.line, month)).or_default();
                *billed = billed.checked_add(sums.quantity).ok_or("a sum is beyond what can be counted")?;
            }
        }
        let trees = self.trees.into_iter().map(|(unit, tree)| {
            let unit = Id::new(&unit).map_err(|error| format!("{unit}: {error}"))?;
            let Growing { frontier, first_seq, last_seq } = tree;
            Ok((
                unit,
                CallTree { root: frontier.root::<Sha256>(), size: frontier.size(), first_seq, last_seq },
            ))
        });
        Ok(Counted { trees: trees.collect::<Result<_, String>>()?, rows: self.now.into_rows(), before })
    }
}
