//! Handing a log's keys over (密钥轮换): a statement that the old keys and the new ones sign, after which the old ones sign no more.
//!
//! ```text
//! shuzha.handover/v1
//! log log.example/gate-1
//! half-year 2026h2
//! size 4711                    the old keys sign no tree of more leaves, and none of a later half-year
//! at 1795334400000000
//! from log.example/gate-1+1b2c3d4e+AQ…
//! from log.example/gate-1+5f607182+/3Nt…
//! to log.example/gate-1+93a4b5c6+AQ…
//! to log.example/gate-1+d7e8f901+/3Nt…
//!
//! — log.example/gate-1 …       signatures of all four
//! ```
//!
//! The statement's digest is a leaf of the log, the last that the old keys sign. Whoever trusts the old keys comes to trust the new ones by
//! the statement alone; what the old keys signed before stays good.

use std::fmt;

use shuzha_core::Timestamp;

use crate::log::{LogKeys, Shard};
use crate::merkle::{Digest as _, Hash, Sha256};
use crate::note::{Algorithm, Note, SignError, Verifier};
use crate::policy::{Policy, Retired};
use crate::{Malformed, decimal};

/// First line of every statement.
const HEADER: &str = "shuzha.handover/v1";

/// Keys of a log: one for each tree.
const KEYS: usize = 2;

/// A statement, as it says; nothing of it is checked before [`Policy::follow`].
#[derive(Clone, Debug)]
pub struct Handover {
    /// The log's name.
    pub log: String,
    /// The half-year in which it happened.
    pub shard: Shard,
    /// The most leaves of a tree of that half-year that the old keys sign.
    pub size: u64,
    /// When.
    pub at: Timestamp,
    /// The old keys.
    pub from: Vec<Verifier>,
    /// The new keys.
    pub to: Vec<Verifier>,
}

/// Why a statement changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHandover {
    /// It is none.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A key that it names did not sign it: the old ones must, and the new ones.
    #[error("a key that it names did not sign it")]
    Unsigned,
    /// The keys that it hands over are not those of the log, or are handed over already: then there are two histories.
    #[error("the keys that it hands over are not the log's, or were handed over before")]
    NotTheirs,
}

impl Handover {
    /// Reads a statement.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(note: &Note) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a handover of keys");
        let mut lines = note.text().lines();
        if lines.next() != Some(HEADER) {
            return Err(WRONG);
        }
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.map(str::to_owned).ok_or(WRONG)
        };
        let (log, shard, size) = (field("log")?, field("half-year")?, field("size")?);
        let at = field("at")?.parse().map_err(|_| WRONG)?;
        let mut keys = |name: &str| -> Result<Vec<Verifier>, Malformed> {
            (0..KEYS).map(|_| field(name)?.parse()).collect()
        };
        let (from, to) = (keys("from")?, keys("to")?);
        let both = |keys: &[Verifier]| {
            let kinds: Vec<_> = keys.iter().map(Verifier::algorithm).collect();
            kinds == [Algorithm::Ed25519, Algorithm::Sm2] && keys.iter().all(|key| key.name() == log)
        };
        let read = Self {
            shard: shard.parse()?,
            size: decimal(&size).ok_or(WRONG)?,
            at: Timestamp::from_micros(at),
            log: log.clone(),
            from,
            to,
        };
        let good = both(&read.from) && both(&read.to) && read.to_string() == note.text();
        if good { Ok(read) } else { Err(WRONG) }
    }

    /// Signs it with the old keys and the new ones.
    ///
    /// # Errors
    /// Of a key that cannot be used now.
    pub fn sign(&self, old: &dyn LogKeys, new: &dyn LogKeys) -> Result<Note, SignError> {
        let mut note = Note::unsigned(self.to_string())
            .map_err(|reason| SignError { name: self.log.clone(), reason: reason.to_string() })?;
        for keys in [old, new] {
            note.sign(&*keys.sha256(&self.log)?)?;
            note.sign(&*keys.sm3(&self.log)?)?;
        }
        Ok(note)
    }
}

/// What of a signed statement stands in the log.
#[must_use]
pub fn digest(note: &Note) -> Hash {
    Sha256::digest(note.to_string().as_bytes())
}

/// The statements in a text, one behind the other.
///
/// # Errors
/// [`Malformed`] where it holds anything else.
pub fn statements(text: &str) -> Result<Vec<Note>, Malformed> {
    let mut begins: Vec<usize> = text
        .match_indices(HEADER)
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || text[..*at].ends_with('\n'))
        .collect();
    if begins.first() != Some(&0) {
        return Err(Malformed("a handover of keys"));
    }
    begins.push(text.len());
    begins.windows(2).map(|span| Note::parse(&text.as_bytes()[span[0]..span[1]])).collect()
}

impl Policy {
    /// Comes to trust the keys that a signed statement names, where it trusts those that they follow, and trusts the latter from then on only
    /// for what is older. Whether anything was learnt: a statement about keys that are not known here says nothing.
    ///
    /// # Errors
    /// [`BadHandover`].
    pub fn follow(&mut self, note: &Note) -> Result<bool, BadHandover> {
        let handover = Handover::parse(note)?;
        let is_known = |key: &Verifier| {
            self.log.iter().any(|known| known.is_same_key(key) && known.name() == key.name())
        };
        if !handover.from.iter().any(is_known) {
            return Ok(false);
        }
        let stays = handover.from.iter().any(|old| handover.to.iter().any(|new| new.is_same_key(old)));
        let retired = |key: &Verifier| self.retired.iter().any(|one| one.key.is_same_key(key));
        if stays || !handover.from.iter().all(is_known) || handover.from.iter().any(retired) {
            return Err(BadHandover::NotTheirs);
        }
        let signed = |key: &Verifier| note.verified_by(key).is_ok();
        if !handover.from.iter().chain(&handover.to).all(signed) {
            return Err(BadHandover::Unsigned);
        }
        let (shard, size) = (handover.shard, handover.size);
        self.retired.extend(handover.from.into_iter().map(|key| Retired { key, shard, size }));
        for key in handover.to {
            if !self.log.iter().any(|known| known.is_same_key(&key) && known.name() == key.name()) {
                self.log.push(key);
            }
        }
        Ok(true)
    }
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nlog {}\nhalf-year {}\nsize {}", self.log, self.shard, self.size)?;
        writeln!(f, "at {}", self.at.micros())?;
        self.from.iter().try_for_each(|key| writeln!(f, "from {key}"))?;
        self.to.iter().try_for_each(|key| writeln!(f, "to {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::log::SeedKeys;
    use crate::merkle::Sm3;
    use crate::note::Unverified;
    use crate::policy::Distrust;

    const LOG: &str = "log.example/g";

    fn keys(seed: u8) -> SeedKeys {
        SeedKeys::new(LOG, [seed; 32], [seed; 32], []).expect("a name")
    }

    fn handover(from: u8, to: u8) -> Handover {
        let known = |seed| keys(seed).known().to_vec();
        let shard = "2026h2".parse().expect("a half-year");
        let at = Timestamp::from_micros(7);
        Handover { log: LOG.to_owned(), shard, size: 5, at, from: known(from), to: known(to) }
    }

    fn trusting(seed: u8) -> Policy {
        Policy { log: keys(seed).known().to_vec(), ..Policy::default() }
    }

    fn signed(seed: u8, tree: &str, size: u64) -> Note {
        let origin = format!("{LOG}/{tree}");
        let checkpoint = Checkpoint { origin: origin.clone(), size, root: [3; 32] };
        let mut note = Note::unsigned(checkpoint.to_string()).expect("lines");
        let keys = keys(seed);
        let signer = if tree.ends_with(Sm3::SUFFIX) { keys.sm3(&origin) } else { keys.sha256(&origin) };
        note.sign(&*signer.expect("signs")).expect("signs");
        note
    }

    #[test]
    fn h1_old_keys_are_good_for_what_is_older_and_new_ones_for_all() {
        let note = handover(1, 2).sign(&keys(1), &keys(2)).expect("signs");
        assert_eq!(Handover::parse(&note).map(|read| read.to_string()), Ok(handover(1, 2).to_string()));
        let mut policy = trusting(1);
        let new = signed(2, "2026h2", 6);
        assert_eq!(policy.open(&new), Err(Distrust::Log(Unverified::NoSignature)));
        assert_eq!(policy.follow(&note), Ok(true));
        assert!(policy.open(&new).is_ok());
        for tree in ["2026h1", "2026h1/sm3", "2026h2", "2026h2/sm3"] {
            let late = tree.starts_with("2026h2");
            assert!(policy.open(&signed(1, tree, 5)).is_ok(), "{tree}");
            let beyond = policy.open(&signed(1, tree, 6));
            assert_eq!(beyond.is_err(), late, "{tree}");
            assert!(!late || beyond == Err(Distrust::Retired), "{tree}");
        }
        assert_eq!(policy.open(&signed(1, "2027h1", 1)), Err(Distrust::Retired));
        assert!(Distrust::Retired.is_bad(), "whoever signs with a key that was given up forges");
        // A chain, and one behind the other in one text.
        let next = handover(2, 3).sign(&keys(2), &keys(3)).expect("signs");
        let both = statements(&format!("{note}{next}")).expect("two");
        let mut policy = trusting(1);
        assert!(both.iter().all(|note| policy.follow(note) == Ok(true)));
        assert!(policy.open(&signed(3, "2027h1", 1)).is_ok());
        assert_eq!(trusting(9).follow(&note), Ok(false), "of another log's keys nothing is said");
    }

    #[test]
    fn h1_a_handover_that_the_old_keys_did_not_sign_is_none() {
        let (old, new) = (keys(1), keys(2));
        let good = handover(1, 2).sign(&old, &new).expect("signs");
        let count = good.signatures().len();
        assert_eq!(count, 4);
        for left_out in 0..count {
            let mut note = Note::unsigned(good.text()).expect("lines");
            let others = good.signatures().iter().enumerate().filter(|(at, _)| *at != left_out);
            others.for_each(|(_, signature)| note.add(signature.clone()));
            assert_eq!(trusting(1).follow(&note), Err(BadHandover::Unsigned), "without {left_out}");
        }
        // The new keys alone cannot say that they follow.
        let forged = handover(1, 2).sign(&new, &new).expect("signs");
        assert_eq!(trusting(1).follow(&forged), Err(BadHandover::Unsigned));
        // Two histories from one key.
        let mut policy = trusting(1);
        policy.follow(&good).expect("good");
        let other = handover(1, 3).sign(&old, &keys(3)).expect("signs");
        assert_eq!(policy.follow(&other), Err(BadHandover::NotTheirs));
        let same = handover(1, 1).sign(&old, &old).expect("signs");
        assert_eq!(trusting(1).follow(&same), Err(BadHandover::NotTheirs));
        let changed = good.to_string().replace("size 5", "size 6");
        let changed = Note::parse(changed.as_bytes()).expect("a note");
        assert_eq!(trusting(1).follow(&changed), Err(BadHandover::Unsigned));
        for bad in ["size 05", "half-year 2026h3", "shuzha.handover/v2", "at x"] {
            let key = bad.split(' ').next().expect("a word");
            let text: Vec<String> = good
                .text()
                .lines()
                .map(|line| {
                    let same =
                        line.split(' ').next() == Some(key) || (key.starts_with("shuzha") && line == HEADER);
                    if same { bad.to_owned() } else { line.to_owned() }
                })
                .collect();
            let note = Note::unsigned(format!("{}\n", text.join("\n"))).expect("lines");
            assert!(matches!(trusting(1).follow(&note), Err(BadHandover::Malformed(_))), "{bad}");
        }
    }
}
