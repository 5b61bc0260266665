//! Appending to a log and publishing its checkpoints.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{CHECKPOINT, Files, LogError, LogKeys, LogReader, Shard};
use crate::checkpoint::Checkpoint;
use crate::merkle::{Digest, GrowingTiles, Hash, Sha256, Sm3};
use crate::note::{Note, Signer};
use crate::policy::Policy;
use crate::tile::{self, TILE_HASHES, Tile, TileLevel};

/// Writes one half-year's log. Owned by whoever holds the lock of the files; after an error it is to be dropped and opened
/// again, since memory may be ahead of the files.
pub struct LogWriter {
    files: Arc<dyn Files>,
    shard: Shard,
    sha256: Tree<Sha256>,
    sm3: Tree<Sm3>,
    /// The entries of the bundle that is not full.
    bundle: Vec<u8>,
    published: u64,
    /// Folders of partial tiles that are full by now.
    stale: Vec<String>,
}

impl LogWriter {
    /// Opens the log of `shard` under the origin `base`, to go on behind its last checkpoint.
    ///
    /// # Errors
    /// [`LogError`]: another's log, damaged files, a key that cannot be used. Nothing is changed.
    pub fn open(
        files: Arc<dyn Files>,
        base: &str,
        shard: Shard,
        keys: &dyn LogKeys,
    ) -> Result<Self, LogError> {
        let folder = shard.to_string();
        let reader = LogReader::new(files.clone(), &folder);
        let origin = |suffix| format!("{base}/{folder}{suffix}");
        let (sha256_origin, sm3_origin) = (origin(Sha256::SUFFIX), origin(Sm3::SUFFIX));
        let sha256_head = head::<Sha256>(&reader, &folder, &sha256_origin, keys)?;
        let sm3_head = head::<Sm3>(&reader, &folder, &sm3_origin, keys)?;
        // The checkpoints are replaced one after the other; a crash between them leaves one ahead.
        let size = match (&sha256_head, &sm3_head) {
            (Some(one), Some(other)) => one.size.min(other.size),
            _ => 0,
        };
        let sha256 =
            Tree::open(&reader, sha256_origin.clone(), size, sha256_head, keys.sha256(&sha256_origin)?)?;
        let sm3 = Tree::open(&reader, sm3_origin.clone(), size, sm3_head, keys.sm3(&sm3_origin)?)?;
        let bundle = match Tile::in_tree(TileLevel::Entries, size / TILE_HASHES as u64, size) {
            None => Vec::new(),
            Some(tile) => {
                let damaged = |what| LogError::Damaged { path: format!("{folder}/{tile}"), what };
                let bytes = reader.tile::<Sha256>(tile)?.ok_or_else(|| damaged("missing"))?;
                tile::bundle_entries(&bytes, tile.width).map_err(|_| damaged("not of its length"))?;
                bytes
            }
        };
        Ok(Self { files, shard, sha256, sm3, bundle, published: size, stale: Vec::new() })
    }

    /// The half-year.
    #[must_use]
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// Leaves so far, published or not.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.sha256.tiles.size()
    }

    /// Leaves under the latest checkpoint.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published
    }

    /// Appends an entry, which is durable elsewhere.
    ///
    /// # Errors
    /// Of the files; [`LogError::Disagrees`] where a checkpoint has been given out for another history.
    pub fn append(&mut self, entry: &[u8]) -> Result<(), LogError> {
        let folder = self.shard.to_string();
        tile::push_entry(&mut self.bundle, entry);
        let (files, stale) = (&*self.files, &mut self.stale);
        self.sha256.push(files, &folder, entry, stale)?;
        self.sm3.push(files, &folder, entry, stale)?;
        let size = self.sha256.tiles.size();
        if size.is_multiple_of(TILE_HASHES as u64) {
            let full = Tile::full(TileLevel::Entries, size / TILE_HASHES as u64 - 1);
            write_tile(files, &folder, full, &self.bundle, stale)?;
            self.bundle.clear();
        }
        Ok(())
    }

    /// Makes everything appended durable and publishes it: tiles first, then both checkpoints. Does nothing where nothing was
    /// appended, or where what was published before a crash is not reached again yet.
    ///
    /// # Errors
    /// Of the files and keys.
    pub fn publish(&mut self) -> Result<(), LogError> {
        let size = self.size();
        if size == self.published || self.sha256.is_behind() || self.sm3.is_behind() {
            return Ok(());
        }
        let folder = self.shard.to_string();
        if let Some(partial) = partial_bundle(size) {
            let path = format!("{folder}/{partial}");
            self.files.write(&path, &self.bundle).map_err(LogError::io("write", &path))?;
        }
        self.sha256.write_partial(&*self.files, &folder, self.published)?;
        self.sm3.write_partial(&*self.files, &folder, self.published)?;
        self.files.sync().map_err(LogError::io("sync", &folder))?;
        self.sm3.publish(&*self.files, &folder)?;
        self.sha256.publish(&*self.files, &folder)?;
        self.published = size;
        for path in self.stale.drain(..) {
            self.files.remove_folder(&path).map_err(LogError::io("remove", &path))?;
        }
        Ok(())
    }
}

/// Signing what is published already, anew.
impl LogWriter {
    /// Signs the latest tree again and puts both checkpoints in their places: shows, while nothing changes, that key and disk still serve. Does
    /// nothing where nothing is published, or something waits to be.
    ///
    /// # Errors
    /// Of the files and keys.
    pub fn republish(&mut self) -> Result<(), LogError> {
        if self.published == 0
            || self.size() != self.published
            || self.sha256.is_behind()
            || self.sm3.is_behind()
        {
            return Ok(());
        }
        let folder = self.shard.to_string();
        self.sm3.publish(&*self.files, &folder)?;
        self.sha256.publish(&*self.files, &folder)
    }
}

/// The bundle at the frontier, where it is not full.
fn partial_bundle(size: u64) -> Option<Tile> {
    Tile::in_tree(TileLevel::Entries, size / TILE_HASHES as u64, size)
}

/// The checkpoint that is there, if it is ours.
fn head<D: Digest>(
    reader: &LogReader,
    folder: &str,
    origin: &str,
    keys: &dyn LogKeys,
) -> Result<Option<Checkpoint>, LogError> {
    let Some(note) = reader.checkpoint::<D>()? else { return Ok(None) };
    let found = reader.stated::<D>(&note)?.origin;
    let known = Policy { log: keys.known().to_vec(), ..Policy::default() };
    match known.open(&note) {
        Ok(checkpoint) if checkpoint.origin == origin => Ok(Some(checkpoint)),
        _ => {
            let path = format!("{folder}{}/{CHECKPOINT}", D::SUFFIX);
            Err(LogError::Foreign { path, expected: origin.to_owned(), found })
        }
    }
}

/// One of the two trees.
struct Tree<D> {
    origin: String,
    tiles: GrowingTiles,
    signer: Box<dyn Signer>,
    /// A checkpoint that was given out for more leaves than the tree has: they must come out the same.
    ahead: Option<Checkpoint>,
    digest: PhantomData<D>,
}

impl<D: Digest> Tree<D> {
    fn open(
        reader: &LogReader,
        origin: String,
        size: u64,
        head: Option<Checkpoint>,
        signer: Box<dyn Signer>,
    ) -> Result<Self, LogError> {
        let tiles = GrowingTiles::load(size, |tile| reader.hashes::<D>(tile))?;
        if head
            .as_ref()
            .is_some_and(|head| head.size == size && head.root != tiles.frontier::<D>().root::<D>())
        {
            return Err(LogError::Damaged { path: origin, what: "its tiles do not lead to its checkpoint" });
        }
        let ahead = head.filter(|head| head.size > size);
        Ok(Self { origin, tiles, signer, ahead, digest: PhantomData })
    }

    fn is_behind(&self) -> bool {
        self.ahead.is_some()
    }

    fn push(
        &mut self,
        files: &dyn Files,
        folder: &str,
        entry: &[u8],
        stale: &mut Vec<String>,
    ) -> Result<(), LogError> {
        let mut outcome = Ok(());
        let folder = format!("{folder}{}", D::SUFFIX);
        self.tiles.push::<D>(D::leaf(entry), &mut |tile: Tile, hashes: &[Hash]| {
            if outcome.is_ok() {
                outcome = write_tile(files, &folder, tile, &tile::tile_bytes(hashes), stale);
            }
        });
        outcome?;
        let size = self.tiles.size();
        if let Some(ahead) = self.ahead.take_if(|ahead| ahead.size == size)
            && ahead.root != self.tiles.frontier::<D>().root::<D>()
        {
            return Err(LogError::Disagrees { shard: self.origin.clone(), index: size - 1 });
        }
        Ok(())
    }

    /// Writes the tiles at the frontier that have grown since `published`.
    fn write_partial(&self, files: &dyn Files, folder: &str, published: u64) -> Result<(), LogError> {
        for (tile, hashes) in self.tiles.partial() {
            if Tile::in_tree(tile.level, tile.index, published) != Some(tile) {
                let path = format!("{folder}{}/{tile}", D::SUFFIX);
                files.write(&path, &tile::tile_bytes(hashes)).map_err(LogError::io("write", &path))?;
            }
        }
        Ok(())
    }

    fn publish(&self, files: &dyn Files, folder: &str) -> Result<(), LogError> {
        let root = self.tiles.frontier::<D>().root::<D>();
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.tiles.size(), root };
        let mut note =
            Note::unsigned(checkpoint.to_string()).expect("an origin is a name, the rest is ASCII");
        note.sign(&*self.signer)?;
        let path = format!("{folder}{}/{CHECKPOINT}", D::SUFFIX);
        files.replace(&path, note.to_string().as_bytes()).map_err(LogError::io("write", &path))
    }
}

/// Writes a tile that is full now. Its partial ones go when the next checkpoint stands.
fn write_tile(
    files: &dyn Files,
    folder: &str,
    tile: Tile,
    bytes: &[u8],
    stale: &mut Vec<String>,
) -> Result<(), LogError> {
    let path = format!("{folder}/{tile}");
    files.write(&path, bytes).map_err(LogError::io("write", &path))?;
    stale.push(format!("{path}.p"));
    Ok(())
}
