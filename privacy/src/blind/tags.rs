//! Tag files: the tags of a list, as the product service publishes them for one epoch.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `shuzha tags 1` and three line feeds |
//! | 32 | the public key the tags belong to |
//! | 1 + n | length of the epoch's name, the name |
//! | 8 | how many tags, big-endian |
//! | 16 each | the tags, strictly ascending |
//!
//! Ascending order is the order of a pseudo-random function's values: it says nothing about the list's own order.

use super::{BlindError, Element};

/// Begins every file.
const MAGIC: &[u8; 16] = b"shuzha tags 1\n\n\n";
/// Bytes of a tag.
const TAG_BYTES: usize = 16;
/// Longest name of an epoch.
const EPOCH_BYTES_MAX: usize = 32;

/// The first 128 bits of the function's value at an entry. Two lists of a million entries each have a false match with
/// probability below 2⁻⁸⁸.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// The tag of a value of the function.
    pub(super) fn of(output: &[u8]) -> Self {
        Self(output[..TAG_BYTES].try_into().expect("SHA-512 has 64 bytes"))
    }

    /// The bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; TAG_BYTES] {
        self.0
    }
}

/// Why a file is not a tag file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagFileError {
    /// It does not begin as one, ends too early, or goes on after its end.
    #[error("not a whole tag file")]
    Form,
    /// The key in it is no public key.
    #[error("the public key in the tag file is not one")]
    Key,
    /// Tags are out of order or repeated: the file was not made by the protocol.
    #[error("the tags are not in strictly ascending order")]
    Order,
}

impl From<BlindError> for TagFileError {
    fn from(_: BlindError) -> Self {
        Self::Key
    }
}

/// A list's tags for one epoch.
#[derive(Clone)]
pub struct TagFile {
    key: Element,
    epoch: String,
    tags: Vec<Tag>,
}

impl TagFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`TagFileError`]. Nothing of a file that is not whole is used.
    pub fn read(bytes: &[u8]) -> Result<Self, TagFileError> {
        let mut rest = bytes;
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at_checked(count).ok_or(TagFileError::Form)?;
            rest = left;
            Ok::<&[u8], TagFileError>(taken)
        };
        if take(MAGIC.len())? != MAGIC {
            return Err(TagFileError::Form);
        }
        let key = Element::new(take(32)?)?;
        let length = usize::from(take(1)?[0]);
        let epoch = std::str::from_utf8(take(length)?).map_err(|_| TagFileError::Form)?.to_owned();
        let count = u64::from_be_bytes(take(8)?.try_into().expect("8 bytes were taken"));
        let (chunks, odd) = rest.as_chunks::<TAG_BYTES>();
        if length > EPOCH_BYTES_MAX || !odd.is_empty() || chunks.len() as u64 != count {
            return Err(TagFileError::Form);
        }
        let tags: Vec<Tag> = chunks.iter().map(|chunk| Tag(*chunk)).collect();
        if !tags.is_sorted_by(|a, b| a < b) {
            return Err(TagFileError::Order);
        }
        Ok(Self { key, epoch, tags })
    }

    /// The public key that the tags belong to.
    #[must_use]
    pub const fn key(&self) -> &Element {
        &self.key
    }

    /// The epoch's name.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// How many entries the list has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether the list is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Whether the entry with this tag is on the list.
    #[must_use]
    pub fn contains(&self, tag: Tag) -> bool {
        self.tags.binary_search(&tag).is_ok()
    }
}

impl std::fmt::Debug for TagFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TagFile").field("epoch", &self.epoch).field("tags", &self.tags.len()).finish()
    }
}
