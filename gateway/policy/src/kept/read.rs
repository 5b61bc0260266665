//! Reading the file. Whatever the bytes are, the answer is a world or a reason.

use std::num::NonZeroU32;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use ring::hmac;
use shuzha_core::{Id, Timestamp};
use shuzha_privacy::output::FieldSet;
use shuzha_products::Window;

use super::{CHECKSUM_BYTES, Kept, KeptError, KeptKey, MAGIC, Specs, read_world};
use crate::holds::grant::{CallQuota, Limits, QuotaWindow, Rate};
use crate::left_out::LeftOut;
use crate::snapshot::{Mark, Tag, Terms};

impl Kept {
    /// Reads a file's content, kept under `key` where there is one.
    ///
    /// # Errors
    /// [`KeptError`].
    pub(super) fn from_bytes(bytes: Vec<u8>, key: Option<&KeptKey>) -> Result<Self, KeptError> {
        if !bytes.starts_with(MAGIC) {
            return Err(KeptError::Version);
        }
        let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(KeptError::Checksum)?;
        let (content, sum) = bytes.split_at(end);
        let whole = match key {
            Some(KeptKey(key)) => hmac::verify(key, content, sum).is_ok(),
            None => digest(&SHA256, content).as_ref() == sum,
        };
        if !whole {
            return Err(KeptError::Checksum);
        }
        let mut cursor = Cursor { bytes: content, at: MAGIC.len() };
        let ((digest, mark), objects, names, terms, grants) =
            tables(&mut cursor).ok_or(KeptError::Malformed(cursor.at))?;
        // Every row is read once here, so that reading them again cannot fail.
        let mut last = None;
        for _ in 0..grants.1 {
            let found = row(&mut cursor, names.len(), terms.len());
            let name = found.map(|(name, ..)| name).filter(|name| last.as_ref() < Some(name));
            last = Some(name.ok_or(KeptError::Malformed(cursor.at))?);
        }
        if cursor.at != end {
            return Err(KeptError::Malformed(cursor.at));
        }
        let (world, left_out) = read_world(objects)?;
        let left_out = left_out.iter().map(LeftOut::object).collect();
        Ok(Self { bytes, digest, mark, world, left_out, names, terms, grants })
    }

    /// The grants: name, unit, scenario, agreement, product, and the position of the terms.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = (Id, [usize; 4], usize)> {
        let content = &self.bytes[..self.bytes.len() - CHECKSUM_BYTES];
        let mut cursor = Cursor { bytes: content, at: self.grants.0 };
        let next = move |_| row(&mut cursor, self.names.len(), self.terms.len());
        (0..self.grants.1).map(next).map(|row| row.expect("every row was read before"))
    }
}

/// A place in the bytes; every step answers none where they end.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn position(&mut self, count: usize) -> Option<usize> {
        let at = usize::try_from(self.u32()?).ok()?;
        (at < count).then_some(at)
    }

    /// A count of things of at least `each` bytes: never more than the bytes that are left can hold.
    fn count(&mut self, each: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count <= (self.bytes.len() - self.at) / each).then_some(count)
    }

    fn text(&mut self, length: usize) -> Option<&'b str> {
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn id(&mut self) -> Option<Id> {
        let length = usize::from(self.u8()?);
        Id::new(self.text(length)?).ok()
    }
}

type Head = ([u8; 32], Option<Mark>);
type TablesRead = (Head, Specs, Vec<Id>, Vec<Terms>, (usize, usize));

/// Everything before the rows.
fn tables(cursor: &mut Cursor<'_>) -> Option<TablesRead> {
    let digest = cursor.array()?;
    let mark = mark(cursor.u64()?, cursor.array()?)?;
    let mut objects = Specs::new();
    for _ in 0..cursor.count(6)? {
        let length = usize::from(cursor.u8()?);
        let kind = cursor.text(length)?;
        let name = cursor.id()?;
        let length = usize::try_from(cursor.u32()?).ok()?;
        objects.insert((kind.to_owned(), name), cursor.text(length)?.into());
    }
    let mut names = Vec::new();
    for _ in 0..cursor.count(2)? {
        names.push(cursor.id()?);
    }
    let mut all_terms = Vec::new();
    for _ in 0..cursor.count(47)? {
        all_terms.push(terms(cursor)?);
    }
    let count = cursor.count(22)?;
    Some(((digest, mark), objects, names, all_terms, (cursor.at, count)))
}

/// How far the world follows, where it says so.
#[expect(clippy::option_option, reason = "a mark that is none, or no mark")]
fn mark(revision: u64, act: [u8; 16]) -> Option<Option<Mark>> {
    match (revision, act) {
        (0, _) => (act == [0; 16]).then_some(None),
        _ => Some(Some(Mark { revision, act })),
    }
}

fn terms(cursor: &mut Cursor<'_>) -> Option<Terms> {
    let from = Timestamp::from_micros(cursor.array().map(i64::from_be_bytes)?);
    let window = Window::new(from, Timestamp::from_micros(cursor.array().map(i64::from_be_bytes)?))?;
    let (per, max) = (cursor.u8()?, cursor.u64()?);
    let quota = match per {
        0 if max == 0 => None,
        1 => Some(CallQuota { max, per: QuotaWindow::Day }),
        2 => Some(CallQuota { max, per: QuotaWindow::Month }),
        3 => Some(CallQuota { max, per: QuotaWindow::Term }),
        _ => return None,
    };
    let (calls, micros, burst) = (cursor.u32()?, cursor.u64()?, cursor.u32()?);
    let rate = match (NonZeroU32::new(calls), NonZeroU32::new(burst)) {
        (Some(calls), Some(burst)) if micros > 0 => {
            Some(Rate { calls, window: Duration::from_micros(micros), burst })
        }
        (None, None) if micros == 0 => None,
        _ => return None,
    };
    let concurrency = NonZeroU32::new(cursor.u32()?);
    let count = usize::from(cursor.array().map(u16::from_be_bytes)?);
    let mut operations: Vec<(Tag, FieldSet)> = Vec::new();
    for _ in 0..count {
        operations.push((cursor.array()?, FieldSet(cursor.u64()?)));
    }
    let limits = Limits { quota, rate, concurrency };
    Some(Terms { window, limits, operations: operations.into() })
}

/// One grant.
fn row(cursor: &mut Cursor<'_>, names: usize, terms: usize) -> Option<(Id, [usize; 4], usize)> {
    let name = cursor.id()?;
    let mut reference = || cursor.position(names);
    let references = [reference()?, reference()?, reference()?, reference()?];
    Some((name, references, cursor.position(terms)?))
}
