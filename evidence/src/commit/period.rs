//! Keys of commitments by half-year, so that what one period's records were about can be forgotten for good
//! (REQUIREMENTS H2; 个人信息保护法 47): its key is erased, nobody can open or test its commitments any more, and no proof
//! breaks, for a proof is about the bytes of the record.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use shuzha_core::Timestamp;
use shuzha_core::calendar::Day;

use super::Committer;

/// A half-year (半年) in China: January to June, July to December.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfYear {
    year: i32,
    second: bool,
}

impl HalfYear {
    /// The half-year that `at` lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let day = Day::of(at);
        let year = day.year();
        Self { year, second: Day::new(year, 7, 1).is_some_and(|july| day >= july) }
    }

    /// The one after.
    #[must_use]
    pub fn next(self) -> Self {
        Self { year: self.year + i32::from(self.second), second: !self.second }
    }

    /// Its first instant.
    #[must_use]
    pub fn start(self) -> Timestamp {
        let month = if self.second { 7 } else { 1 };
        Day::new(self.year, month, 1).map_or(Timestamp::from_micros(i64::MAX), Day::start)
    }
}

impl fmt::Display for HalfYear {
    /// `2026h2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}h{}", self.year, 1 + u8::from(self.second))
    }
}

/// The text is not a half-year's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a half-year such as 2026h2")]
pub struct HalfYearError;

impl FromStr for HalfYear {
    type Err = HalfYearError;

    fn from_str(text: &str) -> Result<Self, HalfYearError> {
        let (year, half) = text.split_once('h').ok_or(HalfYearError)?;
        let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year = year.parse().ok().filter(|_| digits).ok_or(HalfYearError)?;
        match half {
            "1" => Ok(Self { year, second: false }),
            "2" => Ok(Self { year, second: true }),
            _ => Err(HalfYearError),
        }
    }
}

/// Where the keys of half-years are.
pub trait PeriodKeys: Send + Sync + 'static {
    /// The key of a half-year that is going on: made where there is none yet, and none where it was erased or cannot be read.
    fn current(&self, period: HalfYear) -> Option<[u8; 32]>;

    /// Every key that is still there.
    fn kept(&self) -> Vec<[u8; 32]>;
}

/// Makes commitments under the key of the half-year in which something happened.
pub struct PeriodCommitters {
    keys: Box<dyn PeriodKeys>,
    /// The half-year that was asked for last: its first instant, that of the next, and its committer. Read on every call,
    /// written twice a year.
    latest: RwLock<Option<(Timestamp, Timestamp, Arc<Committer>)>>,
}

impl PeriodCommitters {
    /// Committers under these keys.
    #[must_use]
    pub fn new(keys: impl PeriodKeys) -> Self {
        Self { keys: Box::new(keys), latest: RwLock::default() }
    }

    /// The committer for what happens at `at`; none where its key is gone.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<Arc<Committer>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, until, committer)) = &*latest
            && (*from..*until).contains(&at)
        {
            return Some(Arc::clone(committer));
        }
        drop(latest);
        let period = HalfYear::of(at);
        let committer = Arc::new(Committer::new(&self.keys.current(period)?));
        let found = (period.start(), period.next().start(), Arc::clone(&committer));
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Some(committer)
    }

    /// Committers of every period whose key is still there: to find what was recorded about somebody.
    #[must_use]
    pub fn kept(&self) -> Vec<Committer> {
        self.keys.kept().iter().map(Committer::new).collect()
    }
}

impl fmt::Debug for PeriodCommitters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeriodCommitters(keys withheld)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;

    /// Keys in memory; a key may be erased.
    #[derive(Clone, Default)]
    struct Ring(Arc<Mutex<BTreeMap<HalfYear, Option<[u8; 32]>>>>);

    impl PeriodKeys for Ring {
        fn current(&self, period: HalfYear) -> Option<[u8; 32]> {
            let mut keys = self.0.lock().unwrap();
            let fresh = [u8::try_from(keys.len()).unwrap() + 1; 32];
            *keys.entry(period).or_insert(Some(fresh))
        }

        fn kept(&self) -> Vec<[u8; 32]> {
            self.0.lock().unwrap().values().flatten().copied().collect()
        }
    }

    fn instant(year: i32, month: u8, day: u8) -> Timestamp {
        Day::new(year, month, day).unwrap().start()
    }

    #[test]
    fn h2_half_years_are_chinas_and_follow_each_other() {
        for (at, text) in [
            (instant(2026, 1, 1), "2026h1"),
            (Timestamp::from_micros(instant(2026, 7, 1).micros() - 1), "2026h1"),
            (instant(2026, 7, 1), "2026h2"),
            (Timestamp::from_micros(instant(2027, 1, 1).micros() - 1), "2026h2"),
        ] {
            let period = HalfYear::of(at);
            assert_eq!(period.to_string(), text);
            assert_eq!(text.parse(), Ok(period));
            assert!(period.start() <= at && at < period.next().start());
            assert_eq!(HalfYear::of(period.next().start()), period.next());
        }
        for text in ["2026", "2026h3", "2026h", "26h1", "+026h1", "2026H1", "2026h1 "] {
            assert_eq!(text.parse::<HalfYear>(), Err(HalfYearError), "{text}");
        }
    }

    #[test]
    fn h2_an_erased_key_opens_nothing_and_is_not_made_again() {
        let ring = Ring::default();
        let committers = PeriodCommitters::new(ring.clone());
        let (first, second) = (instant(2026, 3, 1), instant(2026, 8, 1));
        let tag = |committer: &Committer| committer.commit("subject", &[b"somebody"]);
        let before = tag(&committers.at(first).unwrap());
        assert_eq!(tag(&committers.at(instant(2026, 6, 30)).unwrap()), before);
        let after = tag(&committers.at(second).unwrap());
        assert_ne!(before, after);
        let known = |committers: &PeriodCommitters| -> Vec<_> { committers.kept().iter().map(tag).collect() };
        assert_eq!(known(&committers), [before, after]);
        ring.0.lock().unwrap().insert(HalfYear::of(first), None);
        assert_eq!(known(&committers), [after]);
        assert!(committers.at(first).is_none(), "it is not made again");
        assert!(committers.at(second).is_some());
    }
}
