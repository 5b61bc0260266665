//! Checkpoints (C2SP tlog-checkpoint): what a log says its tree is, and how it signs that.

use std::fmt;

use base64::Engine as _;

use crate::merkle::Hash;
use crate::{BASE64, Malformed, decimal, hash_from_base64};

/// A tree, as its log states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: a name like an address without a scheme, one per tree and half-year.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Lines behind the third are extensions, and mean nothing here.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a checkpoint");
        let mut lines = text.strip_suffix('\n').ok_or(WRONG)?.split('\n');
        let mut line = || lines.next().ok_or(WRONG);
        let (origin, size, root) = (line()?, line()?, line()?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(WRONG);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: decimal(size).ok_or(WRONG)?,
            root: hash_from_base64(root).ok_or(WRONG)?,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }
}
