//! How far a snapshot follows whoever decides what is in force.

use std::collections::BTreeMap;

use super::Snapshot;
use super::roll::GRANT;

/// A point in the history of a register: everything up to this revision is in the snapshot. The act's identity is random
/// and tells this history from every other, be it of another register or of an older copy that went on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The revision, from 1.
    pub revision: u64,
    /// Identity of the act at that revision.
    pub act: [u8; 16],
}

impl Snapshot {
    /// How far it follows; none where nobody said so.
    #[must_use]
    pub const fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The same snapshot, known to follow so far.
    #[must_use]
    pub fn marked(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }

    /// How many objects of each kind are in force.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for source in self.objects() {
            *counts.entry(source.kind).or_default() += 1;
        }
        if self.grant_count() > 0 {
            counts.insert(GRANT, self.grant_count() as u64);
        }
        counts
    }
}
