//! A package on its way to its caller: what leaves of each chunk, and what is recorded of it.

use bytes::Bytes;
use ring::digest::{Context, SHA256};
use shuzha_privacy::watermark::{MarkFault, Marker};

/// How a unit's file is made of the original: marked, and cut to the range that was asked for.
pub(crate) struct Marking {
    marker: Marker,
    /// Bytes of the marked file before the first that leaves.
    skip: u64,
    /// Bytes that may still leave, where a range was asked for.
    left: Option<u64>,
}

impl Marking {
    /// The whole file, or the bytes from `first` to `last` of it.
    pub(crate) fn new(marker: Marker, range: Option<(u64, u64)>) -> Self {
        let (skip, left) = range.map_or((0, None), |(first, last)| (first, Some(last - first + 1)));
        Self { marker, skip, left }
    }

    fn cut(&mut self, marked: Vec<u8>) -> Bytes {
        let mut marked = Bytes::from(marked);
        let skipped = marked.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
        drop(marked.split_to(skipped));
        self.skip -= skipped as u64;
        if let Some(left) = &mut self.left {
            marked.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= marked.len() as u64;
        }
        marked
    }
}

/// What reached the caller of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes that were handed to the connection, where all of the range arrived.
    pub sha256: Option<[u8; 32]>,
}

impl Delivered {
    /// Whether all of the range arrived.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.sha256.is_some()
    }
}

/// Makes of a package what its caller gets, counts what reached the caller, and tells it when the stream ends.
pub struct Delivery {
    bytes: u64,
    complete: bool,
    handed: Box<Context>,
    marking: Option<Box<Marking>>,
    finish: Option<Box<dyn FnOnce(Delivered) + Send>>,
}

impl Delivery {
    /// A delivery as it comes, that calls `finish` when dropped.
    #[must_use]
    pub fn new(finish: impl FnOnce(Delivered) + Send + 'static) -> Self {
        let handed = Box::new(Context::new(&SHA256));
        Self { bytes: 0, complete: false, handed, marking: None, finish: Some(Box::new(finish)) }
    }

    /// The same of a marked file.
    pub(crate) fn marked(mut self, marking: Option<Box<Marking>>) -> Self {
        self.marking = marking;
        self
    }

    /// What leaves of the next chunk of the original; it may be nothing yet.
    ///
    /// # Errors
    /// [`MarkFault`]: it is not what was declared, and nothing more may leave.
    pub fn pass(&mut self, chunk: Bytes) -> Result<Bytes, MarkFault> {
        let leaves = match &mut self.marking {
            Some(marking) => {
                let mut marked = Vec::with_capacity(chunk.len());
                marking.marker.feed(&chunk, &mut marked)?;
                marking.cut(marked)
            }
            None => chunk,
        };
        self.handed.update(&leaves);
        Ok(leaves)
    }

    /// What leaves once the original has ended.
    ///
    /// # Errors
    /// [`MarkFault`], as for [`Delivery::pass`].
    pub fn end(&mut self) -> Result<Bytes, MarkFault> {
        let Some(marking) = &mut self.marking else { return Ok(Bytes::new()) };
        let mut marked = Vec::new();
        marking.marker.finish(&mut marked)?;
        let leaves = marking.cut(marked);
        self.handed.update(&leaves);
        Ok(leaves)
    }

    /// A chunk was handed to the connection.
    pub fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// The stream ended in order.
    pub fn completed(&mut self) {
        self.complete = true;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let digest =
            || Context::clone(&self.handed).finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        let sha256 = self.complete.then(digest);
        if let Some(finish) = self.finish.take() {
            finish(Delivered { bytes: self.bytes, sha256 });
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("bytes", &self.bytes).field("complete", &self.complete).finish()
    }
}
