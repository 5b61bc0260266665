//! Where the evidence log's private keys are kept (密钥保管): each is a file for its owner only, in one of three forms.
//!
//! | begins with | form |
//! |---|---|
//! | 32 bytes, no text | the key itself |
//! | `shuzha.sealed-key/v1` | the key under a passphrase: argon2id (RFC 9106), ChaCha20-Poly1305 (RFC 8439) |
//! | `shuzha.key-command/v1` | no key: its public half, and the command that signs with it |
//!
//! A command is the way to a device: it is given the text on its standard input and the algorithm as its last argument, and answers with
//! the signature in base64. What it answers is checked before it is used. A device behind PKCS#11 or SDF (GM/T 0018) in this process
//! would be one more [`KeyProvider`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use argon2::{Algorithm as Kdf, Argon2, Params, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use shuzha_core::{OsRng, Rng as _};
use shuzha_evidence::folder::handovers;
use shuzha_evidence::handover::Handover;
use shuzha_evidence::log::{KeyProvider, LogKeys as _, ProvidedKeys, SeedKey};
use shuzha_evidence::note::{Algorithm, Note, SignError, Signer, Verifier};
use shuzha_files::secret;
use zeroize::Zeroizing;

use super::anchor::run_command;

/// Key of the SHA-256 tree, and of the SM3 tree, in the data folder.
const PRESENT: [&str; 2] = ["keys/log-ed25519.key", "keys/log-sm2.key"];
/// Those that take their place at the next start.
const NEXT: [&str; 2] = ["keys/log-ed25519.next", "keys/log-sm2.next"];
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::Sm2];

/// Statements of keys handed over, in the data folder: one file each, in order.
const HANDOVERS: &str = "evidence/handovers";

/// First lines of the forms that are text.
const SEALED: &str = "shuzha.sealed-key/v1";
const COMMAND: &str = "shuzha.key-command/v1";

/// Longest key file, and longest passphrase, in bytes.
const FILE_BYTES_MAX: u64 = 8 << 10;
const PASSPHRASE_BYTES_MAX: u64 = 1 << 10;

/// Cost of argon2id for new seals: RFC 9106 §4, second recommended option.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
/// Most memory that a file may ask for, in KiB.
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;

/// Longest wait for a command's signature.
const SIGN_TIMEOUT: Duration = Duration::from_secs(5);

/// Gives the passphrase when a key is under one.
pub type Passphrase<'a> = dyn Fn() -> Result<Zeroizing<String>> + 'a;

/// The keys of one log.
pub struct Custody<'a> {
    /// The data folder.
    pub data_dir: &'a Path,
    /// Name of the log.
    pub origin: &'a str,
    /// What seals the keys.
    pub passphrase: &'a Passphrase<'a>,
}

/// The passphrase in a file that only its owner may read: all of it but the end of its line.
pub fn passphrase_in(path: &Path) -> Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(secret::read_private(path, PASSPHRASE_BYTES_MAX + 1)?);
    let text = str::from_utf8(&bytes).ok().map(|text| text.trim_end_matches(['\r', '\n']));
    match text.filter(|text| !text.is_empty() && bytes.len() as u64 <= PASSPHRASE_BYTES_MAX) {
        Some(text) => Ok(Zeroizing::new(text.to_owned())),
        None => bail!("{} does not hold a passphrase", path.display()),
    }
}

impl Custody<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// The keys that sign now; made where there are none.
    ///
    /// # Errors
    /// A key file that is not as it must be, or open to others.
    pub fn present(&self) -> Result<ProvidedKeys> {
        for name in PRESENT {
            secret::load_or_create_any(&self.path(name))?;
        }
        self.keys(PRESENT)
    }

    /// The keys that wait to take their place; none where none wait.
    ///
    /// # Errors
    /// As [`Custody::present`].
    pub fn next(&self) -> Result<Option<ProvidedKeys>> {
        let there = NEXT.map(|name| self.path(name).exists());
        match there {
            [true, true] => self.keys(NEXT).map(Some),
            // The first was put in place already, when the process ended between the two.
            [false, true] => self.keys([PRESENT[0], NEXT[1]]).map(Some),
            // None, or the first of two that are being made.
            _ => Ok(None),
        }
    }

    fn keys(&self, names: [&str; 2]) -> Result<ProvidedKeys> {
        let mut keys = Vec::new();
        for (name, algorithm) in names.into_iter().zip(ALGORITHMS) {
            keys.push(self.load(&self.path(name), algorithm)?);
        }
        let (sm3, sha256) = (keys.pop().expect("two"), keys.pop().expect("two"));
        let former = self.handovers()?.iter().map(Handover::parse).collect::<Result<Vec<_>, _>>()?;
        let former = former.into_iter().flat_map(|handover| handover.from);
        ProvidedKeys::of(self.origin, sha256, sm3, former).context("the keys of the evidence log")
    }

    fn load(&self, path: &Path, algorithm: Algorithm) -> Result<Box<dyn KeyProvider>> {
        let content = Zeroizing::new(secret::read_private(path, FILE_BYTES_MAX)?);
        let seed = |key: [u8; 32]| Box::new(SeedKey::new(algorithm, key)) as Box<dyn KeyProvider>;
        if let Ok(key) = <[u8; 32]>::try_from(content.as_slice()) {
            return Ok(seed(key));
        }
        let wrong = || format!("key file {} is in none of the forms of a key", path.display());
        let text = str::from_utf8(&content).ok().with_context(wrong)?;
        match text.lines().next() {
            Some(SEALED) => {
                let passphrase =
                    (self.passphrase)().with_context(|| format!("{} is sealed", path.display()))?;
                let key = open(text, algorithm, &passphrase).with_context(|| path.display().to_string())?;
                Ok(seed(*key))
            }
            Some(COMMAND) => Ok(Box::new(KeyCommand::parse(text).with_context(wrong)?)),
            _ => bail!(wrong()),
        }
    }

    /// Puts both keys that sign now under a passphrase.
    ///
    /// # Errors
    /// Where one is not a key by itself.
    pub fn seal(&self, passphrase: &str) -> Result<()> {
        self.present()?;
        for (name, algorithm) in PRESENT.into_iter().zip(ALGORITHMS) {
            let path = self.path(name);
            let key = Zeroizing::new(secret::load(&path)?);
            secret::replace(&path, sealed(&key, algorithm, passphrase)?.as_bytes())?;
        }
        Ok(())
    }

    /// Makes the keys that take the place of the present ones at the next start, or takes them from files in any form; gives
    /// their public halves. Under a passphrase where the present ones are.
    ///
    /// # Errors
    /// Where some wait already, or are not as they must be.
    pub fn prepare(&self, given: Option<[&Path; 2]>) -> Result<Vec<Verifier>> {
        self.present()?;
        if self.path(NEXT[1]).exists() {
            bail!("new keys wait already: they are put in place at the next start of the node");
        }
        // Both are there when the second is.
        for (at, name) in NEXT.into_iter().enumerate() {
            let content = match given {
                Some(files) => Zeroizing::new(secret::read_private(files[at], FILE_BYTES_MAX)?),
                None => self.fresh(at)?,
            };
            secret::replace(&self.path(name), &content)?;
        }
        let read = self.keys(NEXT).and_then(|keys| {
            let known = self.present()?.known().to_vec();
            if keys.present().iter().any(|key| known.iter().any(|old| old.to_string() == key.to_string())) {
                bail!("a key that signs or signed already cannot be the new one");
            }
            Ok(keys.present().to_vec())
        });
        if read.is_err() {
            NEXT.iter().for_each(|name| drop(std::fs::remove_file(self.path(name))));
        }
        read
    }

    fn fresh(&self, at: usize) -> Result<Zeroizing<Vec<u8>>> {
        let key = Zeroizing::new(OsRng.bytes::<32>());
        let present = Zeroizing::new(secret::read_private(&self.path(PRESENT[at]), FILE_BYTES_MAX)?);
        if !present.starts_with(SEALED.as_bytes()) {
            return Ok(Zeroizing::new(key.to_vec()));
        }
        let passphrase = (self.passphrase)()?;
        Ok(Zeroizing::new(sealed(&key, ALGORITHMS[at], &passphrase)?.into_bytes()))
    }

    /// Puts the waiting keys in the place of the present ones, which are gone then.
    ///
    /// # Errors
    /// Of the file system.
    pub fn replace(&self) -> Result<()> {
        for (next, present) in NEXT.into_iter().zip(PRESENT) {
            let (next, present) = (self.path(next), self.path(present));
            if next.exists() {
                std::fs::rename(&next, &present).with_context(|| present.display().to_string())?;
            }
        }
        let folder = self.path("keys");
        std::fs::File::open(&folder).and_then(|folder| folder.sync_all()).context("the folder of keys")
    }

    /// The statements of keys handed over, in order.
    ///
    /// # Errors
    /// One that cannot be read.
    pub fn handovers(&self) -> Result<Vec<Note>> {
        Ok(handovers(&self.path(HANDOVERS))?)
    }

    /// Keeps a further statement.
    ///
    /// # Errors
    /// Of the file system.
    pub fn keep(&self, note: &Note) -> Result<()> {
        let number = self.handovers()?.len() + 1;
        let path = self.path(HANDOVERS).join(format!("{number:04}.handover"));
        secret::replace(&path, note.to_string().as_bytes())
    }
}

fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sm2 => "sm2",
        Algorithm::Ed25519 | Algorithm::Cosignature => "ed25519",
    }
}

/// The lines of a seal before what is sealed; they are bound to it.
fn seal_head(algorithm: Algorithm, memory_kib: u32, passes: u32, salt: &[u8]) -> String {
    let (name, salt) = (name_of(algorithm), BASE64.encode(salt));
    format!("{SEALED}\nkey {name}\nargon2id {memory_kib} {passes}\nsalt {salt}\n")
}

fn seal_key(passphrase: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Result<LessSafeKey> {
    let params = Params::new(memory_kib, passes, 1, Some(32)).ok().context("argon2's parameters")?;
    let mut key = Zeroizing::new([0; 32]);
    let argon = Argon2::new(Kdf::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.as_bytes(), salt, &mut *key).ok().context("the passphrase")?;
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*key).ok().context("the passphrase")?))
}

fn sealed(key: &[u8; 32], algorithm: Algorithm, passphrase: &str) -> Result<String> {
    let (salt, nonce) = (OsRng.bytes::<16>(), OsRng.bytes::<12>());
    let head = seal_head(algorithm, MEMORY_KIB, PASSES, &salt);
    let mut secret = Zeroizing::new(key.to_vec());
    seal_key(passphrase, &salt, MEMORY_KIB, PASSES)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(head.as_bytes()),
            &mut *secret,
        )
        .ok()
        .context("sealing")?;
    Ok(format!("{head}sealed {}\n", BASE64.encode([&nonce[..], &secret].concat())))
}

fn open(text: &str, algorithm: Algorithm, passphrase: &str) -> Result<Zeroizing<[u8; 32]>> {
    let field = |at: usize, name: &str| text.lines().nth(at).and_then(|line| line.strip_prefix(name));
    let parts = (|| {
        let (memory_kib, passes) = field(2, "argon2id ")?.split_once(' ')?;
        let (memory_kib, passes) = (memory_kib.parse::<u32>().ok()?, passes.parse::<u32>().ok()?);
        let salt = BASE64.decode(field(3, "salt ")?).ok()?;
        let sealed = BASE64.decode(field(4, "sealed ")?).ok()?;
        (memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX).then_some((memory_kib, passes, salt, sealed))
    })();
    let (memory_kib, passes, salt, sealed) = parts.context("it is not a seal as it was made")?;
    let head = seal_head(algorithm, memory_kib, passes, &salt);
    if !text.starts_with(&head) {
        bail!("it is not a seal as it was made, or of the other tree's key");
    }
    let (nonce, secret) = sealed.split_first_chunk().context("it is not a seal as it was made")?;
    let mut secret = Zeroizing::new(secret.to_vec());
    let key = seal_key(passphrase, &salt, memory_kib, passes)?;
    let opened = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(head.as_bytes()), &mut secret)
        .ok()
        .context("the passphrase is another, or the file was changed")?;
    Ok(Zeroizing::new(<[u8; 32]>::try_from(&*opened).context("it does not hold a key")?))
}

/// A key that a command signs with.
#[derive(Clone)]
struct KeyCommand {
    public: Verifier,
    words: Vec<String>,
}

impl KeyCommand {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip(1);
        let public = lines.next()?.strip_prefix("public ")?.parse().ok()?;
        let words: Vec<String> =
            lines.next()?.strip_prefix("command ")?.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty() && lines.next().is_none()).then_some(Self { public, words })
    }
}

impl KeyProvider for KeyCommand {
    fn signer(&self, name: &str) -> Result<Box<dyn Signer>, SignError> {
        let public = self.public.renamed(name);
        let public =
            public.map_err(|error| SignError { name: name.to_owned(), reason: error.to_string() })?;
        Ok(Box::new(Self { public, words: self.words.clone() }))
    }
}

impl Signer for KeyCommand {
    fn verifier(&self) -> &Verifier {
        &self.public
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, SignError> {
        let failed = |reason: String| SignError { name: self.public.name().to_owned(), reason };
        let words = [&self.words[..], &[name_of(self.public.algorithm()).to_owned()]].concat();
        let answer = run_command(&words, text.as_bytes(), SIGN_TIMEOUT)
            .map_err(|error| failed(format!("{error:#}")))?;
        let signature = str::from_utf8(&answer).ok().and_then(|text| BASE64.decode(text.trim()).ok());
        match signature.filter(|signature| self.public.verify(text, signature)) {
            Some(signature) => Ok(signature),
            None => Err(failed("what the command answered is no signature by this key".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
