//! The last world known to be good, on disk: what a node starts from when whoever decides the world is away, and
//! faster than from its declarations.
//!
//! The file holds every object as it was declared, grants in their compiled form, and no key: keys come from the ring
//! at load. One world at one mark has one file, byte for byte. Layout, integers big-endian, texts with their length before them:
//!
//! ```text
//! "shuzha kept world 2\n"   magic and version
//! digest of the world       32 bytes
//! mark                      revision u64, act 16 bytes; zeros where there is none
//! objects                   count u32, each: kind u8+, name u8+, spec as JSON u32+; in order of kind and name
//! names                     count u32, each: u8+
//! terms                     count u32, each: window i64 i64, quota u8 u64, rate u32 u64 (µs) u32,
//!                           calls at once u32, operations u16, each: tag 16 bytes, leaves u64
//! grants                    count u32, each: name u8+, then unit, scenario, agreement, product, terms u32 each,
//!                           as positions in the tables above; in order of name
//! SHA-256 of all of it      32 bytes; HMAC-SHA256 where the file is kept under a key
//! ```
//!
//! A file that is cut short, damaged or of another version is refused with the reason; so is one that was not kept under
//! the key, where there is one. A checksum is against accidents, so what follows it is still read as if an enemy had
//! written it. Who has the key and may write the file may write the world: `docs/trust.md`.

mod keeper;
mod read;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use ring::hmac;
use shuzha_core::Id;
use shuzha_core::files::{self, Links};
use shuzha_products::World;

pub use keeper::Keeper;
pub use write::{write, write_sealed};

use crate::left_out::LeftOut;
use crate::snapshot::Terms;
use crate::{CompileError, KeyRing, Mark, Snapshot};

/// First bytes of a file.
pub(crate) const MAGIC: &[u8] = b"shuzha kept world 2\n";
/// Bytes of the checksum at the end.
pub(crate) const CHECKSUM_BYTES: usize = 32;
/// Largest file that is read: some ten million grants.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why a file is not what this program kept.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It could not be read.
    #[error("the kept world cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Not such a file, or of another version of this program.
    #[error("not a kept world of this version")]
    Version,
    /// Larger than any such file.
    #[error("the kept world has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Bytes were lost or changed, or it was kept by another program or under another key.
    #[error("the kept world is damaged, or not kept by this node: its checksum is another")]
    Checksum,
    /// The checksum is right, and the content is none that this program writes.
    #[error("the kept world is malformed at byte {0}")]
    Malformed(usize),
    /// What is left of the objects does not become a world.
    #[error("the kept world's objects cannot be read: {0}")]
    Objects(String),
}

/// The key under which a node keeps its world: a file that another program wrote is not taken for its own.
#[derive(Clone)]
pub struct KeptKey(hmac::Key);

impl KeptKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl std::fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptKey(withheld)")
    }
}

/// A kept world, read and checked.
#[derive(Debug)]
pub struct Kept {
    bytes: Vec<u8>,
    digest: [u8; 32],
    mark: Option<Mark>,
    world: World,
    left_out: Vec<String>,
    names: Vec<Id>,
    terms: Vec<Terms>,
    /// Where the grants begin, and how many there are.
    grants: (usize, usize),
}

impl Kept {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn read(path: &Path) -> Result<Self, KeptError> {
        Self::read_under(path, None)
    }

    /// The same, of a file that was kept under `key`.
    ///
    /// # Errors
    /// [`KeptError`].
    pub fn read_sealed(path: &Path, key: &KeptKey) -> Result<Self, KeptError> {
        Self::read_under(path, Some(key))
    }

    fn read_under(path: &Path, key: Option<&KeptKey>) -> Result<Self, KeptError> {
        match files::read(path, Links::Refuse, FILE_BYTES_MAX) {
            Ok(bytes) => Self::from_bytes(bytes, key),
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => Err(KeptError::TooLarge),
            Err(error) => Err(error.into()),
        }
    }

    /// Every object but the grants, for whoever needs more of them than a snapshot holds: the addresses of product
    /// services, the key files.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Objects that could not be read any more, mostly because what they refer to was removed. They are not in force:
    /// absence is denial.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The digest of the world that was kept.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// How far the kept world follows whoever decides what is in force.
    #[must_use]
    pub const fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// Puts the world together with the keys of this node.
    ///
    /// # Errors
    /// Keys that are none, prices that cannot stand.
    pub fn compile(self, keys: &KeyRing) -> Result<Snapshot, Vec<CompileError>> {
        let (snapshot, faults) = self.compile_sound(keys);
        if faults.is_empty() { Ok(snapshot) } else { Err(faults) }
    }

    /// Puts together what can be put in force, and answers what cannot.
    #[must_use]
    pub fn compile_sound(mut self, keys: &KeyRing) -> (Snapshot, Vec<CompileError>) {
        let world = std::mem::take(&mut self.world);
        let (snapshot, faults) = Snapshot::restore(world, keys, &self.names, &self.terms, self.rows());
        if *snapshot.digest() != self.digest {
            tracing::warn!(
                left_out = self.left_out.len(),
                "the world in force is not quite the one that was kept"
            );
        }
        (snapshot.marked(self.mark), faults)
    }
}

/// Objects as a register holds them: spec as JSON by kind and name.
pub type Specs = BTreeMap<(String, Id), Box<str>>;

/// Reads a world from `objects`. Those at fault are left out, and with them whatever cannot be read without them:
/// absence is denial. Answers what was left out as well.
///
/// # Errors
/// [`KeptError::Objects`] when leaving out does not help.
pub fn read_world(mut objects: Specs) -> Result<(World, Vec<LeftOut>), KeptError> {
    let mut left_out: Vec<LeftOut> = Vec::new();
    // Ends, because each round leaves out one object at least.
    loop {
        let specs = objects.iter().map(|((kind, name), spec)| (kind.as_str(), name, &**spec));
        let faults = match World::from_specs(specs) {
            Ok(world) => return Ok((world, left_out)),
            Err(faults) => faults,
        };
        let first = left_out.len();
        for fault in &faults {
            let at = fault.object.split_once('/');
            let at = at.and_then(|(kind, name)| Some((kind.to_owned(), Id::new(name).ok()?)));
            let Some((kind, name)) = at else { continue };
            let reason = fault.fault.to_string();
            let dangling = fault.is_dangling();
            if objects.remove(&(kind.clone(), name.clone())).is_some() {
                left_out.push(LeftOut { kind, name, reason, dangling });
            } else if !dangling
                && let Some(known) =
                    left_out[first..].iter_mut().find(|one| one.name == name && one.kind == kind)
                && known.dangling
            {
                // It has a fault of its own beside.
                (known.reason, known.dangling) = (reason, false);
            }
        }
        if left_out.len() == first {
            return Err(KeptError::Objects(faults.first().map(ToString::to_string).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests;
