//! The master key: 32 random bytes in a file that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac::{HMAC_SHA256, Key, sign};
use shuzha_core::Rng;
use zeroize::Zeroizing;

use crate::StoreError;

/// Bytes of the key.
const KEY_BYTES: usize = 32;

/// Mode bits of group and others.
const OTHERS: u32 = 0o077;

/// The key under which secrets are sealed; zeroed when dropped, and never shown.
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// Reads the key at `path`, or makes one if there is no such file.
    ///
    /// # Errors
    /// [`StoreError::KeyExposed`] when others may read the file, [`StoreError::KeyMalformed`] when it does not hold
    /// exactly 32 bytes, [`StoreError::Io`] otherwise.
    pub fn load_or_create(path: &Path, rng: &(impl Rng + ?Sized)) -> Result<Self, StoreError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::create(path, rng).map_err(StoreError::io("create", path))?;
                Self::read(path, File::open(path).map_err(StoreError::io("open", path))?)
            }
            Err(error) => Err(StoreError::io("open", path)(error)),
        }
    }

    fn read(path: &Path, file: File) -> Result<Self, StoreError> {
        let metadata = file.metadata().map_err(StoreError::io("inspect", path))?;
        if metadata.mode() & OTHERS != 0 {
            return Err(StoreError::KeyExposed(path.to_owned()));
        }
        // One byte more than a key, so that a longer file is noticed; never reallocated, so that no copy stays.
        let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
        let mut held = 0;
        let mut limited = file.take(KEY_BYTES as u64 + 1);
        loop {
            match limited.read(&mut bytes[held..]).map_err(StoreError::io("read", path))? {
                0 => break,
                count => held += count,
            }
        }
        if held != KEY_BYTES {
            return Err(StoreError::KeyMalformed(path.to_owned()));
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(&bytes[..KEY_BYTES]);
        Ok(Self(key))
    }

    /// Writes a new key beside `path` and links it there whole: a crash leaves a key or none, and of two processes the
    /// second takes the first one's.
    fn create(path: &Path, rng: &(impl Rng + ?Sized)) -> io::Result<()> {
        let dir = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rng.fill(&mut *key);
        let mut unique = [0; 8];
        rng.fill(&mut unique);
        let beside = path.with_extension(format!("{:016x}", u64::from_be_bytes(unique)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&*key)?;
        file.sync_all()?;
        let linked = fs::hard_link(&beside, path);
        fs::remove_file(&beside)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => File::open(dir)?.sync_all(),
        }
    }

    /// A hash of `text` under this key, for comparing what must not be kept. `domain` separates its uses.
    #[must_use]
    pub fn keyed_hash(&self, domain: &[u8], text: &[u8]) -> [u8; 32] {
        // A key of its own for each use: the master key itself hashes nothing that others choose.
        let derived = sign(&Key::new(HMAC_SHA256, &*self.0), domain);
        let hash = sign(&Key::new(HMAC_SHA256, derived.as_ref()), text);
        hash.as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes")
    }

    /// The key, ready to seal and open.
    pub(super) fn key(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &*self.0).expect("the key has the algorithm's length");
        LessSafeKey::new(key)
    }
}
