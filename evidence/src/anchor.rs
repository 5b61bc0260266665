//! Anchors (锚定): a checkpoint that somebody outside was shown, and what came back. Kept as one text, so that a copy of the log has all
//! that is needed to check it.
//!
//! ```text
//! shuzha.anchor/v1
//! anchor tsa-1 rfc3161
//! at 1795334400000000
//! token MIIC…
//!
//! log.example/gate-1/2026h2
//! 4711
//! …                            the signed checkpoint; its SHA-256 is what was stamped
//! ```

use std::fmt;

use base64::Engine as _;
use shuzha_core::{Id, Timestamp};

use crate::merkle::{Digest as _, Hash, Sha256};
use crate::note::Note;
use crate::{BASE64, Malformed};

/// First line of every anchor.
const HEADER: &str = "shuzha.anchor/v1";

/// Longest token that is kept, in bytes.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;

/// Longest text that is read, in bytes.
pub const ANCHOR_BYTES_MAX: usize = 256 << 10;

/// What kind of anchor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A time-stamping authority (RFC 3161); the token can be checked here.
    Timestamp,
    /// Whoever takes the checkpoint over HTTP: a notary, a chain's gateway. What it answered is its own affair.
    Http,
    /// A command of the operator's.
    Exec,
    /// A folder elsewhere.
    File,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Timestamp, Self::Http, Self::Exec, Self::File];

    /// Its name: `rfc3161`, `http`, `exec`, `file`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timestamp => "rfc3161",
            Self::Http => "http",
            Self::Exec => "exec",
            Self::File => "file",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A checkpoint and what an anchor said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The anchor's name.
    pub name: Id,
    /// Its kind.
    pub kind: Kind,
    /// When the answer came, by the node's clock.
    pub at: Timestamp,
    /// The answer.
    pub token: Vec<u8>,
    /// The checkpoint that was shown.
    pub note: Note,
}

/// What of a signed checkpoint is anchored.
#[must_use]
pub fn stamped(note: &Note) -> Hash {
    Sha256::digest(note.to_string().as_bytes())
}

impl Anchor {
    /// SHA-256 of the answer.
    #[must_use]
    pub fn token_digest(&self) -> Hash {
        Sha256::digest(&self.token)
    }

    /// Reads an anchor.
    ///
    /// # Errors
    /// [`Malformed`] for everything that `Display` does not write.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("an anchor");
        if bytes.len() > ANCHOR_BYTES_MAX {
            return Err(Malformed("the size of an anchor"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WRONG)?;
        let (head, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let [HEADER, who, at, token] = head.split('\n').collect::<Vec<_>>()[..] else { return Err(WRONG) };
        let who = who.strip_prefix("anchor ").and_then(|who| who.split_once(' '));
        let (name, kind) = who.ok_or(WRONG)?;
        let at = at.strip_prefix("at ").and_then(|at| at.parse().ok()).ok_or(WRONG)?;
        let token = token.strip_prefix("token ").and_then(|token| BASE64.decode(token).ok());
        let read = Self {
            name: Id::new(name).map_err(|_| WRONG)?,
            kind: Kind::from_name(kind).ok_or(WRONG)?,
            at: Timestamp::from_micros(at),
            token: token.filter(|token| token.len() <= TOKEN_BYTES_MAX).ok_or(WRONG)?,
            note: Note::parse(note.as_bytes())?,
        };
        // One spelling: the digest of what is stamped is that of these bytes.
        if read.to_string() == text { Ok(read) } else { Err(WRONG) }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nanchor {} {}\nat {}", self.name, self.kind.as_str(), self.at.micros())?;
        write!(f, "token {}\n\n{}", BASE64.encode(&self.token), self.note)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::{LogKeys as _, SeedKeys};

    fn anchor(token: Vec<u8>) -> Anchor {
        let keys = SeedKeys::new("log.example/g", [1; 32], [1; 32], []).expect("a name");
        let mut note = Note::unsigned("log.example/g/2026h2\n1\nAAAA\n").expect("lines");
        note.sign(&*keys.sha256("log.example/g/2026h2").expect("signs")).expect("signs");
        let name = Id::new("tsa-1").expect("a name");
        Anchor { name, kind: Kind::Timestamp, at: Timestamp::from_micros(5), token, note }
    }

    proptest! {
        #[test]
        fn h5_an_anchor_reads_back_and_one_that_is_changed_is_another_or_none(
            token in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0..8_u32,
        ) {
            let anchor = anchor(token);
            let text = anchor.to_string();
            prop_assert_eq!(Anchor::parse(text.as_bytes()), Ok(anchor.clone()));
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert_ne!(Anchor::parse(&bytes), Ok(anchor));
        }
    }
}
