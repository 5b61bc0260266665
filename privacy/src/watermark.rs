//! Watermarks (数字水印) of packages: every recipient gets a file of its own, of the same length, from which it is found again.
//!
//! A row is known by its key columns, wherever it stands. Under the product's key they give one of [`POSITIONS`] places of a
//! code word, and each recipient has a code word of its own: a Tardos code (Tardos 2003, with the symmetric score of Škorić
//! and others 2008), which tells who took part even where several recipients mix what they have. A carrier is a column whose
//! last digit means little; its parity, blinded by the row, is the bit. Only that digit changes, by one, as often up as
//! down: no length, no order, no other column.
//!
//! What is not found again: a file without its key columns, or whose carriers were rounded.

mod marker;
#[cfg(test)]
mod tests;
mod trace;

use ring::hmac::{Context, HMAC_SHA256, Key, sign};

pub use marker::{LINE_BYTES_MAX, MarkFault, Marker};
pub use trace::{POSITIONS_MIN, SCORE_MIN, TraceError, Traced, trace};

/// Places of a code word.
pub const POSITIONS: usize = 16_384;
/// Most carriers of a file.
pub const CARRIERS_MAX: usize = 8;
/// Digits that a carrier's value must have: what changes is then at most one in a hundred.
const DIGITS_MIN: usize = 3;
/// How far a place's bias stays from certainty.
const BIAS_MARGIN: f64 = 0.01;
/// Values of 16 bits that one tag gives.
const PER_TAG: usize = 16;

/// Which columns name a row, and which carry the mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<String>,
    key: Vec<usize>,
    carriers: Vec<usize>,
}

/// Why a file is not one of its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A name that is none of the columns, stands twice, or is key and carrier.
    #[error("key and carriers must be different columns of the file")]
    Columns,
    /// No key, no carrier, or more carriers than [`CARRIERS_MAX`].
    #[error("at least one key and one to eight carriers")]
    Count,
}

impl Layout {
    /// The layout of a file of `columns`, in their order.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub fn new(columns: Vec<String>, key: &[String], carriers: &[String]) -> Result<Self, LayoutError> {
        if key.is_empty() || !(1..=CARRIERS_MAX).contains(&carriers.len()) {
            return Err(LayoutError::Count);
        }
        let place = |name: &String| columns.iter().position(|column| column == name);
        let places = |names: &[String]| names.iter().map(place).collect::<Option<Vec<_>>>();
        let (key, carriers) = places(key).zip(places(carriers)).ok_or(LayoutError::Columns)?;
        let mut all: Vec<usize> = key.iter().chain(&carriers).copied().collect();
        all.sort_unstable();
        let twice = |names: &[String]| (1..names.len()).any(|at| names[..at].contains(&names[at]));
        if all.windows(2).any(|pair| pair[0] == pair[1]) || twice(&columns) {
            return Err(LayoutError::Columns);
        }
        Ok(Self { columns, key, carriers })
    }
}

/// The secret that all marks of an operating domain are made under. Whoever has it can trace, and can make anybody's mark.
pub struct Watermarks(Key);

impl Watermarks {
    /// The marks under `secret`.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The marks of the product `name`.
    #[must_use]
    pub fn product(&self, name: &str) -> Product {
        Product::new(derived(&self.0, b"package", name))
    }
}

impl std::fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watermarks(secret withheld)")
    }
}

/// The marks of one product.
pub struct Product {
    key: Key,
    /// How likely a one is at each place, in 65,536ths.
    biases: Vec<u16>,
}

/// What a row's key columns give.
struct Row {
    position: usize,
    tag: [u8; 32],
}

impl Row {
    /// What the bit of a carrier is blinded with.
    fn mask(&self, carrier: usize) -> bool {
        self.tag[2 + carrier] & 1 == 1
    }

    /// Whether a carrier's digit goes up where it must change.
    fn up(&self, carrier: usize) -> bool {
        self.tag[2 + carrier] & 2 == 2
    }
}

/// The `PER_TAG` values of 16 bits under `key`, of part `part` of `what`.
fn values(key: &Key, what: u8, part: u16) -> [u16; PER_TAG] {
    let [high, low] = part.to_be_bytes();
    let tag = sign(key, &[what, high, low]);
    std::array::from_fn(|at| u16::from_be_bytes([tag.as_ref()[2 * at], tag.as_ref()[2 * at + 1]]))
}

/// `POSITIONS` values of 16 bits under `key`.
fn stream(key: &Key, what: u8) -> impl Iterator<Item = u16> + '_ {
    (0..POSITIONS / PER_TAG)
        .flat_map(move |part| values(key, what, u16::try_from(part).expect("1,024 parts")))
}

impl Product {
    fn new(key: Key) -> Self {
        let bias = |value: u16| {
            let within = f64::from(value) / 65_536.0;
            let margin = BIAS_MARGIN.sqrt().asin();
            let angle = margin + within * (std::f64::consts::FRAC_PI_2 - 2.0 * margin);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 65,536"
            )]
            let bias = (angle.sin().powi(2) * 65_536.0).round() as u16;
            bias
        };
        let biases = stream(&key, 1).map(bias).collect();
        Self { key, biases }
    }

    /// What tells a recipient's file from others by name: an entity tag over that of the original.
    #[must_use]
    pub fn tag(&self, recipient: &str, original: &[u8]) -> String {
        let tag = sign(&derived(&self.key, b"tag", recipient), original);
        shuzha_core::hex::encode(&tag.as_ref()[..16])
    }

    /// The bits of a recipient.
    #[must_use]
    pub fn word(&self, recipient: &str) -> Word {
        let key = derived(&self.key, b"recipient", recipient);
        let mut bits = vec![0; POSITIONS / 64];
        for (at, (value, bias)) in stream(&key, 2).zip(&self.biases).enumerate() {
            bits[at / 64] |= u64::from(value < *bias) << (at % 64);
        }
        Word(bits)
    }

    fn row<'f>(&self, key: impl Iterator<Item = &'f [u8]>) -> Row {
        let mut context = Context::with_key(&self.key);
        context.update(&[0]);
        for field in key {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field);
        }
        let tag: [u8; 32] = context.sign().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Row { position: usize::from(u16::from_be_bytes([tag[0], tag[1]])) % POSITIONS, tag }
    }
}

fn derived(key: &Key, what: &[u8], name: &str) -> Key {
    let mut context = Context::with_key(key);
    context.update(&[3]);
    context.update(&(what.len() as u64).to_be_bytes());
    context.update(what);
    context.update(name.as_bytes());
    Key::new(HMAC_SHA256, context.sign().as_ref())
}

/// The code word of a recipient.
pub struct Word(Vec<u64>);

impl Word {
    fn bit(&self, position: usize) -> bool {
        self.0[position / 64] >> (position % 64) & 1 == 1
    }
}

/// The fields of a line, without its end; none where a quotation is not closed.
fn fields(line: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let mut fields = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                fields.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(start..line.len());
    (!quoted).then_some(fields)
}

/// A line without its end, and where that begins.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What a field says: without the quotation around it.
fn said(field: &[u8]) -> &[u8] {
    field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field)
}

/// The place of the last digit of a carrier's value, where it is long enough to carry.
fn last_digit(value: &[u8]) -> Option<usize> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let whole = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let plain = digits.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() || at == whole);
    let significant = digits.iter().filter(|byte| **byte != b'.').skip_while(|byte| **byte == b'0').count();
    let carries = plain && whole > 0 && digits.last()?.is_ascii_digit() && significant >= DIGITS_MIN;
    carries.then(|| value.len() - 1)
}
