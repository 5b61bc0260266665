//! A name that stands in its row: a million rows need no million small allocations.

use shuzha_core::Id;
use shuzha_core::ids::ID_BYTES_MAX;

/// The text of an [`Id`], in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    bytes: [u8; ID_BYTES_MAX],
    len: u8,
}

impl Name {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("the name of an Id is ASCII")
    }

    /// The name as others take it.
    pub(crate) fn to_id(self) -> Id {
        Id::new(self.as_str()).expect("it was the name of an Id")
    }
}

impl From<&Id> for Name {
    fn from(id: &Id) -> Self {
        let text = id.as_str().as_bytes();
        let mut bytes = [0; ID_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Self { bytes, len: u8::try_from(text.len()).expect("an Id has at most ID_BYTES_MAX bytes") }
    }
}
