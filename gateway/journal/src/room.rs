//! Room on the disk, and for whom the last of it is kept.
//!
//! With less than twice what must stay free, counts of refused strangers and alarms are not taken: they can wait. With less than
//! that, no call is: nothing may be served that cannot be recorded. Down to half of it, what takes something away from somebody is
//! still written, so that a withdrawal or a suspension never fails for want of space that calls used up.

use shuzha_evidence::{Act, ActKind, Entry};

/// Most acts that wait for room on a full disk.
pub(crate) const OWED_MAX: usize = 4_096;

/// The kind of the register's objects that stop something at once.
const SUSPENSION: &str = "Suspension";

/// How long an entry is taken while the disk fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// First to give way: it is counted elsewhere, or said again.
    Summary,
    /// Calls, and acts that change something.
    Usual,
    /// Withdrawals, suspensions, revocations, erasures: last to give way.
    Vital,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// For everything.
    Plenty,
    /// For no summaries.
    Low,
    /// For what is vital.
    Reserve,
    /// None.
    None,
}

impl Room {
    /// What `free` bytes are, of which `least` must stay free.
    pub(crate) const fn of(free: u64, least: u64) -> Self {
        if free >= least.saturating_mul(2) {
            Self::Plenty
        } else if free >= least {
            Self::Low
        } else if free >= least / 2 {
            Self::Reserve
        } else {
            Self::None
        }
    }

    pub(crate) fn is_for(self, rank: Rank) -> bool {
        match self {
            Self::Plenty => true,
            Self::Low => rank >= Rank::Usual,
            Self::Reserve => rank == Rank::Vital,
            Self::None => false,
        }
    }
}

/// How long `entry` is taken.
pub(crate) fn rank(entry: &Entry<'_>) -> Rank {
    match entry {
        Entry::RefusalCount(_) => Rank::Summary,
        Entry::Act(Act { kind: ActKind::UseAlarmed, .. }) => Rank::Summary,
        Entry::Act(Act { kind: ActKind::SnapshotInstalled | ActKind::ConsentGiven, .. }) => Rank::Usual,
        Entry::Act(_) => Rank::Vital,
        Entry::Registered(act) if act.kind == SUSPENSION => Rank::Vital,
        _ => Rank::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_room_is_for_what_takes_something_away() {
        let ranks = [Rank::Summary, Rank::Usual, Rank::Vital];
        let taken = |free| ranks.map(|rank| Room::of(free, 100).is_for(rank));
        assert_eq!(taken(200), [true, true, true]);
        assert_eq!(taken(199), [false, true, true]);
        assert_eq!(taken(99), [false, false, true]);
        assert_eq!(taken(49), [false, false, false]);
        assert_eq!(Room::of(0, 0), Room::Plenty);
    }
}
