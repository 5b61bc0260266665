//! Sign-ons that were begun and not ended, bounded for each address and in sum: nobody needs an account to begin one.

use std::collections::HashMap;
use std::net::IpAddr;

use shuzha_core::Timestamp;

/// Most under way; the oldest makes room.
const ALL_MAX: usize = 1_000;
/// Most of them begun from one address; its own oldest makes room, so that nobody crowds out others.
const PER_ADDRESS_MAX: usize = 50;

/// One under way.
#[derive(Debug)]
struct Start<T> {
    what: T,
    until: Timestamp,
    source: IpAddr,
    /// Its place in the order of all.
    turn: u64,
}

/// Sign-ons under way, by a text that only whoever began knows.
#[derive(Debug)]
pub(crate) struct Starts<T> {
    all: HashMap<String, Start<T>>,
    turns: u64,
}

impl<T> Default for Starts<T> {
    fn default() -> Self {
        Self { all: HashMap::new(), turns: 0 }
    }
}

impl<T> Starts<T> {
    /// Keeps one that begins at `source`, until then. What began longest ago makes room, of the same address first.
    pub(crate) fn put(
        &mut self,
        state: String,
        what: T,
        source: IpAddr,
        (now, until): (Timestamp, Timestamp),
    ) {
        self.all.retain(|_, start| now < start.until);
        let of_source = |start: &Start<T>| start.source == source;
        let evicted = if self.all.values().filter(|start| of_source(start)).count() >= PER_ADDRESS_MAX {
            self.oldest(of_source)
        } else if self.all.len() >= ALL_MAX {
            self.oldest(|_| true)
        } else {
            None
        };
        if let Some(evicted) = evicted {
            self.all.remove(&evicted);
        }
        self.turns += 1;
        self.all.insert(state, Start { what, until, source, turn: self.turns });
    }

    fn oldest(&self, which: impl Fn(&Start<T>) -> bool) -> Option<String> {
        let found = self.all.iter().filter(|(_, start)| which(start)).min_by_key(|(_, start)| start.turn);
        found.map(|(state, _)| state.clone())
    }

    /// Takes one out: each is good once.
    pub(crate) fn take(&mut self, state: &str, now: Timestamp) -> Option<T> {
        self.all.remove(state).filter(|start| now < start.until).map(|start| start.what)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// A thousand starts without an account filled sign-on for everybody for ten minutes.
    #[test]
    fn a3_a_thousand_starts_from_one_address_crowd_out_nobody_else() {
        let mut starts = Starts::default();
        let now = Timestamp::from_seconds(1_770_000_000);
        let term = (now, now.plus(Duration::from_secs(600)));
        starts.put("mine".to_owned(), 0, address(1), term);
        for at in 1..=10_000 {
            starts.put(format!("theirs-{at}"), at, address(2), term);
        }
        assert_eq!(starts.all.len(), 1 + PER_ADDRESS_MAX);
        assert_eq!(starts.take("mine", now), Some(0), "who began elsewhere ends it");
        assert_eq!(starts.take("mine", now), None, "once");
        assert_eq!(starts.take("theirs-10000", now), Some(10_000), "the flood pushes out its own");
        assert_eq!(starts.take("theirs-1", now), None);
    }

    #[test]
    fn starts_from_many_addresses_are_bounded_in_sum_and_end_with_time() {
        let mut starts = Starts::default();
        let now = Timestamp::from_seconds(1_770_000_000);
        let until = now.plus(Duration::from_secs(600));
        for at in 0..=ALL_MAX {
            let source = IpAddr::from([198, 51, u8::try_from(at / 40).expect("small"), 1]);
            starts.put(at.to_string(), at, source, (now, until));
        }
        assert_eq!(starts.all.len(), ALL_MAX);
        assert_eq!(starts.take("0", now), None, "the oldest made room");
        assert_eq!(starts.take("1", until), None, "over");
        starts.put("late".to_owned(), 0, address(1), (until, until.plus(Duration::from_secs(1))));
        assert_eq!(starts.all.len(), 1, "what is over is forgotten");
    }
}
