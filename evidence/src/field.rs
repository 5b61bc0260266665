//! The fields of journal entries: key, name and shape of each. `docs/journal.md` explains them; a test compares the
//! two.
//!
//! All kinds of entry draw on one key space, so a key means the same wherever it stands. Keys are never reused; a new
//! field takes the next free key, and a change of meaning takes a new [`FORMAT_VERSION`].

/// Version of the entry's encoding, the value of field 0.
pub const FORMAT_VERSION: u64 = 1;

/// The CBOR type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Unsigned integer (major type 0).
    Uint,
    /// Signed integer (major types 0 and 1).
    Int,
    /// Text string (major type 3) of 1 to `ID_BYTES_MAX` bytes.
    Text,
    /// Byte string (major type 2) of exactly this length.
    Bytes(usize),
    /// `false` or `true` (major type 7).
    Bool,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uint => f.write_str("uint"),
            Self::Int => f.write_str("int"),
            Self::Text => f.write_str("text"),
            Self::Bytes(length) => write!(f, "bytes({length})"),
            Self::Bool => f.write_str("bool"),
        }
    }
}

/// One field of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key in the map.
    pub key: u8,
    /// Its name in documents and messages.
    pub name: &'static str,
    /// The type of its value.
    pub shape: Shape,
}

macro_rules! fields {
    ($($constant:ident = $key:literal $name:literal $shape:expr;)*) => {
        $(pub(crate) const $constant: Field = Field { key: $key, name: $name, shape: $shape };)*
        /// Every field, by ascending key.
        pub const ALL: &[Field] = &[$($constant,)*];
    };
}

use Shape::{Bool, Bytes, Int, Text, Uint};

fields! {
    VERSION = 0 "version" Uint;
    KIND = 1 "kind" Uint;
    REQUEST = 2 "request" Bytes(16);
    AT = 3 "at" Int;
    UNIT = 4 "unit" Text;
    CREDENTIAL = 5 "credential" Text;
    PRODUCT = 6 "product" Text;
    PRODUCT_VERSION = 7 "product_version" Uint;
    OPERATION = 8 "operation" Text;
    SCENARIO = 9 "scenario" Text;
    GRANT = 10 "grant" Text;
    AGREEMENT = 11 "agreement" Text;
    PURPOSE = 12 "purpose" Uint;
    PRICE = 13 "price" Text;
    DATA_SET = 14 "data_set" Text;
    SNAPSHOT = 15 "snapshot" Bytes(8);
    NONCE = 16 "nonce" Bytes(8);
    IDEMPOTENCY = 17 "idempotency" Bytes(16);
    REQUEST_COMMITMENT = 18 "request_commitment" Bytes(16);
    CONSENT = 19 "consent" Bytes(16);
    CHARGE = 20 "charge" Uint;
    AMOUNT = 21 "amount" Int;
    DECISION = 22 "decision" Uint;
    OUTCOME = 23 "outcome" Uint;
    CODE = 24 "code" Uint;
    QUANTITY = 25 "quantity" Uint;
    SUBJECT = 26 "subject" Bytes(16);
    ADMITTED_AFTER = 27 "admitted_after" Uint;
    SENT_AFTER = 28 "sent_after" Uint;
    ANSWERED_AFTER = 29 "answered_after" Uint;
    REQUEST_BYTES = 30 "request_bytes" Uint;
    RESPONSE_BYTES = 31 "response_bytes" Uint;
    RESPONSE_COMMITMENT = 32 "response_commitment" Bytes(16);
    NODE = 33 "node" Text;
    SOFTWARE = 34 "software" Text;
    ACT_KIND = 35 "act" Uint;
    ACTOR = 36 "actor" Text;
    OBJECT = 37 "object" Text;
    COMMITMENT = 38 "commitment" Bytes(16);
    FROM = 39 "from" Uint;
    BYTES = 40 "bytes" Uint;
    COMPLETE = 41 "complete" Bool;
    ACT_ID = 42 "act_id" Bytes(16);
    VERB = 43 "verb" Text;
    OBJECT_KIND = 44 "object_kind" Text;
    ORGANISATION = 45 "organisation" Text;
    ROLE = 46 "role" Text;
    ACT_DIGEST = 47 "act_digest" Bytes(32);
    SANDBOX = 48 "sandbox" Bool;
    CONSENT_PARENT = 50 "consent_parent" Bytes(16);
    SPACE = 55 "person_space" Text;
    MEASURE = 56 "measure" Uint;
    BASIS = 65 "basis" Uint;
    TARGET = 70 "target" Text;
    LOG = 71 "log" Text;
    SIZE = 72 "size" Uint;
    CHECKPOINT = 73 "checkpoint" Bytes(32);
    TOKEN = 74 "token" Bytes(32);
    RETENTION = 75 "retention" Uint;
    LAST_SEQ = 76 "last_sequence" Uint;
    ROOT = 77 "root" Bytes(32);
    DOCUMENT = 78 "document" Bytes(32);
    CONFIRMED_BY = 79 "confirmed_by" Text;
    STATE = 80 "state" Text;
    REVISION = 81 "revision" Uint;
    OPENINGS = 82 "openings" Bytes(16);
    COUNT = 90 "count" Uint;
    RELEASE = 91 "release" Bytes(16);
    DELIVERED = 95 "delivered" Bytes(16);
    PROJECTION = 97 "projection" Bytes(32);
    SALT = 98 "salt" Bytes(16);
}
