//! Nonces seen, so that a signed request is accepted once.
//!
//! A nonce is remembered as an eight-byte tag for at least twice the time window, in two generations that take
//! turns. The journal keeps the tag of every call, so the set is whole again after a restart.
//!
//! Each unit fills a set of its own, and only requests whose signature was proven do: a unit that is at its bound is told so
//! (C111), and no other notices.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use shuzha_core::{Code, Timestamp};

use crate::bounds::{Room, room};
use crate::shards::lock;
use crate::signature::sha256;
use crate::units::Units;

/// The tag of a nonce of one credential.
pub(crate) type NonceTag = [u8; 8];

/// Parts of a unit's set, by the first byte of a tag: a set that grows holds up a sixteenth of the unit's calls.
const PARTS: usize = 16;

/// On a wall clock that stands or was set back, a generation lasts this many times as long as it should, and no longer: the set
/// stays bounded, and a clock set back by a few minutes opens no window for replays.
const SPANS_MAX: u32 = 8;

/// The moment at which a nonce comes, on the wall clock and on one that nobody sets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) running: Duration,
}

/// The sets of tags.
pub(crate) struct Nonces {
    units: Units<OfUnit>,
    /// What the journal knew at the start, of whichever unit; and since when it is here.
    before: Mutex<(HashSet<NonceTag>, Duration)>,
    span: Duration,
    per_unit: usize,
    total: usize,
    sum: AtomicUsize,
    /// Second of the running clock at which all sets were last gone through for want of room.
    swept: AtomicU64,
}

/// The tags of one unit.
#[derive(Default)]
struct OfUnit {
    /// A lock is held to look one tag up and note it.
    parts: [Mutex<Generations>; PARTS],
    count: AtomicUsize,
}

#[derive(Default)]
struct Generations {
    /// When the younger generation began.
    since: Moment,
    young: HashSet<NonceTag>,
    old: HashSet<NonceTag>,
}

/// The tag of `nonce` as used by the credential `key_id`.
pub(crate) fn tag(key_id: &str, nonce: &str) -> NonceTag {
    let mut text = Vec::with_capacity(key_id.len() + 1 + nonce.len());
    // A key id holds no NUL, so no two pairs share a text.
    text.extend_from_slice(key_id.as_bytes());
    text.push(0);
    text.extend_from_slice(nonce.as_bytes());
    let mut tag = [0; 8];
    tag.copy_from_slice(&sha256(&text)[..8]);
    tag
}

impl Nonces {
    /// Sets for signatures accepted `window` before and after now, of at most `per_unit` tags of one unit and `total` of all;
    /// `before` is what the journal knew at `running`.
    pub(crate) fn new(
        window: Duration,
        (per_unit, total): (usize, usize),
        before: impl IntoIterator<Item = NonceTag>,
        running: Duration,
    ) -> Self {
        Self {
            units: Units::new(),
            before: Mutex::new((before.into_iter().collect(), running)),
            span: (window * 2).max(Duration::from_micros(1)),
            per_unit,
            total,
            sum: AtomicUsize::new(0),
            swept: AtomicU64::new(0),
        }
    }

    /// Notes `tag` of a request that `unit` has proven to have signed.
    ///
    /// # Errors
    /// C105 when it was seen before, C111 when the unit's set and C109 when all together are full: forgetting would let a replay
    /// through.
    pub(crate) fn insert(&self, unit: &str, tag: NonceTag, moment: Moment) -> Result<(), Code> {
        if self.was_known(&tag, moment.running) {
            return Err(Code::C105);
        }
        let unit = self.units.of(unit);
        match self.try_insert(&unit, tag, moment) {
            // Its other parts, or other units' sets, may hold what nobody has asked for since its time was over.
            Err(Code::C111) => self.turn(&unit, moment),
            Err(Code::C109) if self.sweep(moment) => {}
            done => return done,
        }
        self.try_insert(&unit, tag, moment)
    }

    fn try_insert(&self, unit: &OfUnit, tag: NonceTag, moment: Moment) -> Result<(), Code> {
        let set = &mut *lock(&unit.parts[usize::from(tag[0]) % PARTS]);
        self.forget(unit, set.turn(moment, self.span));
        if set.old.contains(&tag) || set.young.contains(&tag) {
            return Err(Code::C105);
        }
        let (of_unit, sum) = (unit.count.load(Relaxed), self.sum.load(Relaxed));
        match room(of_unit, self.per_unit, sum, self.total) {
            Room::Yes => {}
            Room::UnitFull => return Err(Code::C111),
            Room::Full => return Err(Code::C109),
        }
        set.young.insert(tag);
        unit.count.fetch_add(1, Relaxed);
        self.sum.fetch_add(1, Relaxed);
        Ok(())
    }

    fn forget(&self, unit: &OfUnit, tags: usize) {
        unit.count.fetch_sub(tags, Relaxed);
        self.sum.fetch_sub(tags, Relaxed);
    }

    /// Turns every part of a unit's set.
    fn turn(&self, unit: &OfUnit, moment: Moment) {
        for part in &unit.parts {
            let set = &mut *lock(part);
            self.forget(unit, set.turn(moment, self.span));
        }
    }

    /// Turns every set, at most once a second; whether it did.
    fn sweep(&self, moment: Moment) -> bool {
        let second = moment.running.as_secs().max(1);
        if self.swept.swap(second, Relaxed) == second {
            return false;
        }
        self.keep_up(moment);
        true
    }

    /// Forgets what is over in sets that nobody uses.
    pub(crate) fn keep_up(&self, moment: Moment) {
        self.units.each(|unit| self.turn(unit, moment));
        self.units.forget(|unit| unit.count.load(Relaxed) == 0);
        self.was_known(&[0; 8], moment.running);
    }

    /// Whether the journal knew `tag` at the start, for as long as that matters.
    fn was_known(&self, tag: &NonceTag, running: Duration) -> bool {
        let (before, since) = &mut *lock(&self.before);
        if !before.is_empty() && running.saturating_sub(*since) >= self.span * 2 {
            *before = HashSet::new();
        }
        before.contains(tag)
    }

    /// Nonces remembered, and those of the unit that has most.
    pub(crate) fn used(&self) -> [usize; 2] {
        let mut most = 0;
        self.units.each(|unit| most = most.max(unit.count.load(Relaxed)));
        [self.sum.load(Relaxed), most]
    }
}

impl Generations {
    /// Forgets the older generation when the younger has lasted its span on both clocks; says how many tags that were. A clock
    /// that jumps ahead forgets nothing before its time, and one that went back keeps both for [`SPANS_MAX`] spans.
    fn turn(&mut self, moment: Moment, span: Duration) -> usize {
        let ran = moment.running.saturating_sub(self.since.running);
        let wall = u64::try_from(moment.now.micros_since(self.since.now))
            .map_or(Duration::ZERO, Duration::from_micros);
        let lasted = |spans: u32| ran >= span * spans && (wall >= span * spans || ran >= span * SPANS_MAX);
        if !lasted(1) {
            return 0;
        }
        let mut forgotten = self.old.len();
        self.old = std::mem::take(&mut self.young);
        if lasted(2) {
            forgotten += std::mem::take(&mut self.old).len();
        }
        self.since = moment;
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment =
        Moment { now: Timestamp::from_seconds(1_000_000), running: Duration::from_secs(5_000) };

    fn after(seconds: u64) -> Moment {
        let by = Duration::from_secs(seconds);
        Moment { now: START.now.plus(by), running: START.running + by }
    }

    fn nonces(per_unit: usize, total: usize) -> Nonces {
        Nonces::new(Duration::from_secs(60), (per_unit, total), [], Duration::ZERO)
    }

    /// How many of `count` nonces of a unit are taken.
    fn taken(nonces: &Nonces, unit: &str, count: u32, moment: Moment) -> usize {
        let fresh = |n: &u32| nonces.insert(unit, tag(unit, &format!("{n} {moment:?}")), moment).is_ok();
        (0..count).filter(fresh).count()
    }

    #[test]
    fn a_nonce_passes_once_within_twice_the_window() {
        let nonces = nonces(100, 1_000);
        let one = tag("key", "nonce-1234");
        assert_eq!(nonces.insert("bank", one, START), Ok(()));
        for seconds in [0, 1, 60, 119] {
            assert_eq!(nonces.insert("bank", one, after(seconds)), Err(Code::C105), "{seconds} s");
        }
        assert_eq!(nonces.insert("bank", tag("other", "nonce-1234"), START), Ok(()));
    }

    #[test]
    fn a_nonce_that_the_journal_knew_is_known_whoever_sends_it() {
        let one = tag("key", "nonce-1234");
        let nonces = Nonces::new(Duration::from_secs(60), (9, 9), [one], START.running);
        assert_eq!(nonces.insert("bank", one, after(239)), Err(Code::C105));
        assert_eq!(nonces.insert("bank", one, after(240)), Ok(()));
    }

    /// Security 19: one table for all, so that one unit's requests shut out the others.
    #[test]
    fn a_unit_at_its_bound_is_refused_alone_and_goes_on_once_its_nonces_are_old() {
        let nonces = nonces(1_000, 100_000);
        assert_eq!(taken(&nonces, "charity", 2_000, START), 1_000);
        assert_eq!(nonces.insert("charity", tag("charity", "one more"), START), Err(Code::C111));
        assert_eq!(taken(&nonces, "bank", 500, START), 500);
        assert_eq!(taken(&nonces, "charity", 2_000, after(240)), 1_000, "both generations are over");
    }

    #[test]
    fn where_all_are_full_units_with_little_go_on_and_old_ones_of_others_make_room() {
        let nonces = nonces(1_000, 1_200);
        assert_eq!(taken(&nonces, "a", 2_000, START), 900);
        assert_eq!(nonces.insert("a", tag("a", "x"), START), Err(Code::C109));
        assert_eq!(taken(&nonces, "b", 40, START), 40);
        assert_eq!(taken(&nonces, "c", 800, after(240)), 800);
        assert!(nonces.used()[0] <= 1_200);
    }

    /// Logic H6: after one call at a time a day ahead, nothing was forgotten for a day, and all were refused.
    #[test]
    fn a_clock_that_was_wrong_for_a_moment_fills_nothing_and_opens_nothing() {
        let nonces = nonces(100, 1_000);
        let one = tag("key", "before the jump");
        assert_eq!(nonces.insert("bank", one, START), Ok(()));
        let day = Duration::from_hours(24);
        let jumped = Moment { now: START.now.plus(day), running: START.running + Duration::from_secs(1) };
        assert_eq!(nonces.insert("bank", tag("key", "at the jump"), jumped), Ok(()));
        assert_eq!(
            nonces.insert("bank", one, after(2)),
            Err(Code::C105),
            "it was not forgotten before its time"
        );
        // At half the bound for one window, for hours: what was noted before is forgotten in the end.
        for round in 1..100 {
            assert_eq!(taken(&nonces, "bank", 5, after(round * 120)), 5, "round {round}");
        }
    }

    #[test]
    fn upkeep_forgets_units_that_stay_away() {
        let nonces = nonces(100, 1_000);
        taken(&nonces, "bank", 10, START);
        nonces.keep_up(after(239));
        assert_eq!(nonces.used(), [10, 10]);
        nonces.keep_up(after(480));
        assert_eq!(nonces.used(), [0, 0]);
    }
}
