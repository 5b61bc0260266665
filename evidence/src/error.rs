//! Why an entry is not encoded, or bytes are not an entry.

/// Why an entry was not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A name is longer than `ID_BYTES_MAX`.
    #[error("the name in field {0} is too long")]
    NameTooLong(&'static str),
}

/// Why bytes are not an entry. Never carries what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end within a data item.
    #[error("the entry ends too early")]
    Truncated,
    /// Bytes follow the entry.
    #[error("bytes follow the entry")]
    TrailingBytes,
    /// Another encoding of the same value exists that is shorter or in order.
    #[error("not in deterministic encoding")]
    NotCanonical,
    /// A value has another type than its field.
    #[error("a value has the wrong type")]
    WrongType,
    /// A key this kind of entry does not have, or one out of order or there twice.
    #[error("unexpected key {0}")]
    UnexpectedKey(u64),
    /// A field that this kind of entry must have is not there.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A value that this field cannot have.
    #[error("field {0} is out of range")]
    OutOfRange(&'static str),
    /// A name that is not UTF-8.
    #[error("field {0} is not UTF-8")]
    NotUtf8(&'static str),
    /// An encoding of another version.
    #[error("format version {0} is not known")]
    UnknownVersion(u64),
}
