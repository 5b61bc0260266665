//! Reading a log: checkpoints, tiles, entries, proofs.

use std::sync::Arc;

use super::{CHECKPOINT, COSIGNED, DESTROYED, LogError, Source};
use crate::checkpoint::Checkpoint;
use crate::merkle::{self, Digest, Hash};
use crate::note::Note;
use crate::receipt::{Enclosed, Receipt};
use crate::tile::{self, TILE_HASHES, Tile, TileLevel, TileNodes};
use crate::verify::kept_path;

/// One half-year of a log, or a copy of it.
#[derive(Clone)]
pub struct LogReader {
    files: Arc<dyn Source>,
    folder: String,
}

impl LogReader {
    /// The log in `folder` of `files`; an empty folder is the root.
    #[must_use]
    pub fn new(files: Arc<dyn Source>, folder: &str) -> Self {
        Self { files, folder: folder.to_owned() }
    }

    /// The address of a file of the tree.
    fn path<D: Digest>(&self, name: &impl std::fmt::Display) -> String {
        format!("{}{}/{name}", self.folder, D::SUFFIX).trim_start_matches('/').to_owned()
    }

    /// The tree's latest checkpoint; none while there is none.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn checkpoint<D: Digest>(&self) -> Result<Option<Note>, LogError> {
        self.note::<D>(CHECKPOINT)
    }

    /// The latest checkpoint that witnesses have signed, which may be older; none while there is none.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn cosigned<D: Digest>(&self) -> Result<Option<Note>, LogError> {
        self.note::<D>(COSIGNED)
    }

    /// The certificate of destruction, where the calls of this half-year were destroyed.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn destroyed(&self) -> Result<Option<Note>, LogError> {
        self.note::<merkle::Sha256>(DESTROYED)
    }

    /// The files of life-cycle records that are kept of a half-year whose calls were destroyed, or are about to be.
    ///
    /// # Errors
    /// Of the files.
    pub fn kept(&self) -> Result<Vec<Vec<u8>>, LogError> {
        let mut files = Vec::new();
        for number in 0.. {
            let path = self.path::<merkle::Sha256>(&kept_path(number));
            match self.files.read(&path).map_err(LogError::io("read", &path))? {
                Some(file) => files.push(file),
                None => break,
            }
        }
        Ok(files)
    }

    /// The address of [`LogReader::cosigned`] in the files.
    #[must_use]
    pub fn cosigned_path<D: Digest>(&self) -> String {
        self.path::<D>(&COSIGNED)
    }

    fn note<D: Digest>(&self, name: &str) -> Result<Option<Note>, LogError> {
        let path = self.path::<D>(&name);
        let bytes = self.files.read(&path).map_err(LogError::io("read", &path))?;
        let Some(bytes) = bytes else { return Ok(None) };
        match Note::parse(&bytes) {
            Ok(note) => Ok(Some(note)),
            Err(_) => Err(LogError::Damaged { path, what: "not a signed note" }),
        }
    }

    /// The bytes of a tile, or of what became of it: a partial one may be gone once the full one is there.
    ///
    /// # Errors
    /// [`LogError`]; `Ok(None)` where neither is there.
    pub fn tile<D: Digest>(&self, wanted: Tile) -> Result<Option<Vec<u8>>, LogError> {
        let read = |tile: Tile| {
            let path = match wanted.level {
                TileLevel::Hashes(_) => self.path::<D>(&tile),
                TileLevel::Entries => self.path::<merkle::Sha256>(&tile),
            };
            self.files.read(&path).map_err(LogError::io("read", &path))
        };
        if let Some(bytes) = read(wanted)? {
            return Ok(Some(bytes));
        }
        if wanted.is_full() {
            return Ok(None);
        }
        let Some(mut bytes) = read(Tile::full(wanted.level, wanted.index))? else { return Ok(None) };
        let end = match wanted.level {
            TileLevel::Hashes(_) => usize::from(wanted.width) * merkle::HASH_BYTES,
            TileLevel::Entries => {
                let entries = tile::Entries::of(&bytes).take(wanted.width.into());
                entries.map(|entry| size_of::<u16>() + entry.len()).sum()
            }
        };
        bytes.truncate(end);
        Ok(Some(bytes))
    }

    /// The hashes of a tile.
    ///
    /// # Errors
    /// [`LogError::Damaged`] where it is missing or has another length.
    pub fn hashes<D: Digest>(&self, tile: Tile) -> Result<Vec<Hash>, LogError> {
        let damaged = |what| LogError::Damaged { path: self.path::<D>(&tile), what };
        let bytes = self.tile::<D>(tile)?.ok_or_else(|| damaged("missing"))?;
        tile::tile_hashes(&bytes, tile.width).map_err(|_| damaged("not of its length"))
    }

    /// Entry `index` of a tree of `size`.
    ///
    /// # Errors
    /// [`LogError::Damaged`] where its bundle is missing or short.
    pub fn entry(&self, index: u64, size: u64) -> Result<Vec<u8>, LogError> {
        let bundle = Tile::in_tree(TileLevel::Entries, index / TILE_HASHES as u64, size);
        let bundle = bundle.expect("an entry of the tree has a bundle");
        let damaged = |what| LogError::Damaged { path: self.path::<merkle::Sha256>(&bundle), what };
        let bytes = self.tile::<merkle::Sha256>(bundle)?.ok_or_else(|| damaged("missing"))?;
        let offset = usize::try_from(index % TILE_HASHES as u64).expect("below 256");
        let entry = tile::Entries::of(&bytes).nth(offset).ok_or_else(|| damaged("too short"))?;
        Ok(entry.to_vec())
    }

    /// A receipt for leaf `index`, under the latest checkpoint that witnesses have signed or else under the latest; none while
    /// neither reaches so far.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn receipt<D: Digest>(
        &self,
        index: u64,
        enclosed: Option<Enclosed>,
    ) -> Result<Option<Receipt>, LogError> {
        let covers = |note: Option<Note>| -> Result<Option<(Note, u64)>, LogError> {
            let Some(note) = note else { return Ok(None) };
            let size = self.stated::<D>(&note)?.size;
            Ok((index < size).then_some((note, size)))
        };
        let note = match covers(self.cosigned::<D>()?)? {
            Some(cosigned) => Some(cosigned),
            None => covers(self.checkpoint::<D>()?)?,
        };
        let Some((note, size)) = note else { return Ok(None) };
        let mut nodes = TileNodes::<D, _>::new(size, |tile| self.hashes::<D>(tile));
        let path = merkle::inclusion::<D, _>(&mut nodes, index, size)?;
        Ok(Some(Receipt { enclosed, others: None, index, path, note }))
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn root<D: Digest>(&self, size: u64) -> Result<Hash, LogError> {
        let mut nodes = TileNodes::<D, _>::new(size, |tile| self.hashes::<D>(tile));
        merkle::root::<D, _>(&mut nodes, size)
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of `new`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn consistency<D: Digest>(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        let mut nodes = TileNodes::<D, _>::new(new, |tile| self.hashes::<D>(tile));
        merkle::consistency::<D, _>(&mut nodes, old, new)
    }

    /// What a checkpoint of this folder says, believed as our own file is.
    pub(super) fn stated<D: Digest>(&self, note: &Note) -> Result<Checkpoint, LogError> {
        let path = || self.path::<D>(&CHECKPOINT);
        Checkpoint::parse(note.text())
            .map_err(|_| LogError::Damaged { path: path(), what: "not a checkpoint" })
    }
}
