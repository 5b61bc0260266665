//! Reading all half-years of a log: what is served, and receipts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::anchor::Anchor;
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::folder::ANCHORS;
use shuzha_evidence::log::{CHECKPOINT, COSIGNED, Files, LogError, LogReader, Shard, Source};
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::note::Note;
use shuzha_evidence::receipt::{Enclosed, Receipt};
use shuzha_evidence::tile::{Tile, TileLevel};

use super::{Directory, lookup};

/// Content types of C2SP tlog-tiles.
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Everything that has been published.
#[derive(Clone)]
pub struct Library {
    files: Arc<Directory>,
}

/// A published entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The half-year.
    pub shard: Shard,
    /// Where it stands in that.
    pub index: u64,
    /// Its bytes.
    pub entry: Vec<u8>,
}

/// A file of the log as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Content.
    pub bytes: Vec<u8>,
    /// Content type.
    pub kind: &'static str,
    /// Whether it never changes.
    pub immutable: bool,
}

/// A half-year and what precedes it.
struct Volume {
    shard: Shard,
    first_seq: u64,
    size: u64,
}

impl Library {
    /// The log in `files`.
    #[must_use]
    pub fn new(files: Arc<Directory>) -> Self {
        Self { files }
    }

    fn reader(&self, shard: Shard) -> LogReader {
        LogReader::new(Arc::clone(&self.files) as Arc<dyn Source>, &shard.to_string())
    }

    /// Leaves of `shard` under a checkpoint.
    pub(super) fn published(&self, shard: Shard) -> Result<u64, LogError> {
        let Some(note) = self.reader(shard).checkpoint::<Sha256>()? else { return Ok(0) };
        let damaged =
            |_| LogError::Damaged { path: format!("{shard}/{CHECKPOINT}"), what: "not a checkpoint" };
        Ok(Checkpoint::parse(note.text()).map_err(damaged)?.size)
    }

    /// The half-years in order. A journal counts from 1, and each half-year begins where the one before ends.
    fn volumes(&self) -> Result<Vec<Volume>, LogError> {
        let mut first_seq = 1;
        let shards = shards(self.files.root())?;
        let volumes = shards.into_iter().map(|shard| {
            let size = self.published(shard)?;
            let volume = Volume { shard, first_seq, size };
            first_seq += size;
            Ok(volume)
        });
        volumes.collect()
    }

    /// Every half-year in order, with the sequence of its first record and its leaves under a checkpoint.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn half_years(&self) -> Result<Vec<(Shard, u64, u64)>, LogError> {
        let volumes = self.volumes()?;
        Ok(volumes.into_iter().map(|volume| (volume.shard, volume.first_seq, volume.size)).collect())
    }

    /// The log of a half-year, for proofs.
    #[must_use]
    pub fn log(&self, shard: Shard) -> LogReader {
        self.reader(shard)
    }

    /// The log of the latest half-year; none before there is one.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn latest(&self) -> Result<Option<LogReader>, LogError> {
        Ok(shards(self.files.root())?.last().map(|shard| self.reader(*shard)))
    }

    /// Every half-year's log, in order.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn logs(&self) -> Result<Vec<(Shard, LogReader)>, LogError> {
        Ok(shards(self.files.root())?.into_iter().map(|shard| (shard, self.reader(shard))).collect())
    }

    /// Keeps what an anchor answered to the checkpoint of `size` leaves.
    ///
    /// # Errors
    /// Of the files.
    pub fn keep_anchor(&self, shard: Shard, size: u64, anchor: &Anchor) -> Result<(), LogError> {
        let path = format!("{shard}/{ANCHORS}/{size:020}-{}.anchor", anchor.name);
        self.files.replace(&path, anchor.to_string().as_bytes()).map_err(LogError::io("write", &path))
    }

    /// What anchors answered to checkpoints of `shard`, in the order of their sizes.
    ///
    /// # Errors
    /// [`LogError`]; [`LogError::Damaged`] names one that is not as it was kept.
    pub fn anchors(&self, shard: Shard) -> Result<Vec<(Shard, Anchor)>, LogError> {
        let found = self.files.folder().anchors(&format!("{shard}/"))?;
        Ok(found.into_iter().map(|(_, anchor)| (shard, anchor)).collect())
    }

    /// Keeps a checkpoint of `log` that witnesses have signed.
    ///
    /// # Errors
    /// Of the files.
    pub fn keep_cosigned<D: Digest>(&self, log: &LogReader, note: &Note) -> Result<(), LogError> {
        let path = log.cosigned_path::<D>();
        self.files.replace(&path, note.to_string().as_bytes()).map_err(LogError::io("write", &path))
    }

    /// The published entry with sequence `seq` in the journal.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn at(&self, seq: u64) -> Result<Option<Found>, LogError> {
        for volume in self.volumes()? {
            let Some(index) = seq.checked_sub(volume.first_seq) else { continue };
            if index < volume.size {
                if self.reader(volume.shard).destroyed()?.is_some() {
                    return Ok(None);
                }
                let entry = self.reader(volume.shard).entry(index, volume.size)?;
                return Ok(Some(Found { shard: volume.shard, index, entry }));
            }
        }
        Ok(None)
    }

    /// The published record of the call `request`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn call(&self, request: &RequestId) -> Result<Option<Found>, LogError> {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&request.as_bytes()[..6]);
        let began = Shard::of(Timestamp::from_micros(i64::from_be_bytes(millis).saturating_mul(1_000)));
        // A call is recorded in the half-year in which it began, or in a later one that had begun by its end.
        for shard in shards(self.files.root())?.into_iter().filter(|shard| *shard >= began) {
            let (reader, size) = (self.reader(shard), self.published(shard)?);
            let found = lookup::find(self.files.root(), shard, request, |index| {
                if index >= size {
                    return Ok(None);
                }
                let entry = reader.entry(index, size)?;
                let fits = lookup::request_of(&entry).as_ref() == Some(request);
                Ok(fits.then_some(Found { shard, index, entry }))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A receipt under the latest checkpoint of that tree; none while it does not reach so far.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn receipt<D: Digest>(&self, found: &Found, enclosed: Enclosed) -> Result<Option<Receipt>, LogError> {
        self.reader(found.shard).receipt::<D>(found.index, Some(enclosed))
    }

    /// The file at `address`, which is a half-year, perhaps `sm3`, and `checkpoint`, `cosigned` or a tile. Entries only where
    /// `with_entries`: they say who calls what, and at which price.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn file(&self, address: &str, with_entries: bool) -> Result<Option<LogFile>, LogError> {
        let Some((shard, rest)) = address.split_once('/') else { return Ok(None) };
        let Ok(shard) = shard.parse::<Shard>() else { return Ok(None) };
        match rest.strip_prefix("sm3/") {
            Some(rest) => self.file_of::<Sm3>(shard, rest, with_entries),
            None => self.file_of::<Sha256>(shard, rest, with_entries),
        }
    }

    fn file_of<D: Digest>(
        &self,
        shard: Shard,
        rest: &str,
        with_entries: bool,
    ) -> Result<Option<LogFile>, LogError> {
        let reader = self.reader(shard);
        if matches!(rest, CHECKPOINT | COSIGNED) {
            let note = if rest == COSIGNED { reader.cosigned::<D>()? } else { reader.checkpoint::<D>()? };
            return Ok(note.map(|note| LogFile {
                bytes: note.to_string().into(),
                kind: TEXT,
                immutable: false,
            }));
        }
        let Ok(tile) = Tile::parse(rest) else { return Ok(None) };
        if tile.level == TileLevel::Entries && !with_entries {
            return Ok(None);
        }
        // What is written and not yet published may be written otherwise after a crash: it is not there yet.
        let Some(note) = reader.checkpoint::<D>()? else { return Ok(None) };
        let size = Checkpoint::parse(note.text()).map_or(0, |checkpoint| checkpoint.size);
        let published = Tile::in_tree(tile.level, tile.index, size);
        if published.is_none_or(|published| published.width < tile.width) {
            return Ok(None);
        }
        let bytes = reader.tile::<D>(tile)?;
        Ok(bytes.map(|bytes| LogFile { bytes, kind: BYTES, immutable: true }))
    }
}

/// The half-years that have a folder, in order.
pub(super) fn shards(root: &Path) -> Result<Vec<Shard>, LogError> {
    let shown = root.display().to_string();
    let names = fs::read_dir(root).map_err(LogError::io("list", &shown))?;
    let mut shards = Vec::new();
    for name in names {
        let name = name.map_err(LogError::io("list", &shown))?.file_name();
        shards.extend(name.to_str().and_then(|name| name.parse::<Shard>().ok()));
    }
    shards.sort_unstable();
    Ok(shards)
}
