//! The caller's side of blinded verification (隐匿核验): entries in, blinded requests out, matches found here and nowhere
//! else. `docs/guide-blind.md` shows it at work.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};
use shuzha_core::files::{self, Links};
use shuzha_core::{OsRng, hex};
use shuzha_files::secret;
use shuzha_privacy::blind::{self, Blinded, Element, Proof, TagFile};
use zeroize::Zeroizing;

/// Most lines of one list of entries.
const ENTRIES_MAX: usize = 1_000_000;
/// Largest list of tags.
const LIST_BYTES_MAX: u64 = 1 << 30;
/// Longest blind state.
const STATE_BYTES_MAX: u64 = 4 << 10;

/// The secret in the file of a blind state. Whoever reads it and sees the element can try entries, so a file that others may
/// read is refused.
///
/// # Errors
/// Where it may be read by others, or does not hold one word.
pub(crate) fn state_of(file: &Path) -> Result<String> {
    secret::load_word(file, STATE_BYTES_MAX).with_context(|| format!("blind state {}", file.display()))
}

/// Entries of a text: one in each line, its parts separated by tabs. Empty lines are left out.
///
/// # Errors
/// The first line that is no entry, by its number.
pub fn entries(text: &str) -> Result<Vec<Vec<u8>>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line): (usize, &str)| {
        let parts: Vec<&str> = line.split('\t').map(str::trim).collect();
        blind::entry(&parts).with_context(|| format!("line {}", at + 1))
    };
    let entries: Vec<_> = lines.map(read).collect::<Result<_>>()?;
    ensure!(!entries.is_empty(), "there is no entry");
    ensure!(entries.len() <= ENTRIES_MAX, "at most {ENTRIES_MAX} entries");
    Ok(entries)
}

/// The list that is matched with: its tags, made with the key that the product publishes.
pub struct TagList(TagFile);

impl TagList {
    /// Reads the tag file at `path` and checks that it belongs to `public_key`.
    ///
    /// # Errors
    /// When it is not whole, or was made with another key.
    pub fn read(path: &Path, public_key: &str) -> Result<Self> {
        let bytes = files::read(path, Links::Follow, LIST_BYTES_MAX)
            .with_context(|| format!("tag file {}", path.display()))?;
        Self::of(&bytes, public_key).with_context(|| format!("tag file {}", path.display()))
    }

    /// The same, where the file must be the one with this SHA-256: the one that the product's declaration is committed to.
    ///
    /// # Errors
    /// As for [`TagList::read`], and where it is another file.
    pub fn read_committed(path: &Path, public_key: &str, sha256: &str) -> Result<Self> {
        let bytes = files::read(path, Links::Follow, LIST_BYTES_MAX)
            .with_context(|| format!("tag file {}", path.display()))?;
        Self::of_committed(&bytes, public_key, sha256).with_context(|| format!("tag file {}", path.display()))
    }

    /// The same, of a file's content.
    ///
    /// # Errors
    /// As for [`TagList::read_committed`].
    pub fn of_committed(file: &[u8], public_key: &str, sha256: &str) -> Result<Self> {
        let declared = sha256.trim().to_ascii_lowercase();
        let Some(declared) = hex::decode::<32>(&declared) else {
            bail!("--tags-sha256 不是 SHA-256：须为 64 位十六进制 is no SHA-256: 64 hexadecimal digits are")
        };
        ensure!(
            digest(&SHA256, file).as_ref() == declared,
            "名单与产品声明的不同 this is another list than the product's declaration is committed to"
        );
        Self::of(file, public_key)
    }

    /// The tags, whatever file they come from.
    ///
    /// # Errors
    /// Where it is not whole, or was made with another key.
    pub fn of(file: &[u8], public_key: &str) -> Result<Self> {
        let tags = TagFile::read(file)?;
        let key: Element = public_key.trim().parse().context("the public key")?;
        ensure!(tags.key() == &key, "the tag file was made with another key than the product publishes");
        Ok(Self(tags))
    }
}

/// The answer to a blinded request.
#[derive(Deserialize)]
struct Evaluated {
    evaluated: Vec<String>,
    proof: String,
}

/// Entries blinded for one request.
pub struct BlindedEntries(Vec<Blinded>);

impl BlindedEntries {
    /// Blinds `entries` freshly.
    pub fn new(entries: &[Vec<u8>]) -> Result<Self> {
        let blinded = entries.iter().map(|entry| Blinded::new(entry.clone(), &OsRng));
        Ok(Self(blinded.collect::<Result<_, _>>()?))
    }

    /// The one entry, blinded as [`prepare`] did, so that it is the element the consent was given for.
    pub fn prepared(entry: &[u8], state: &Path) -> Result<Self> {
        let text = Zeroizing::new(state_of(state)?);
        let scalar = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(&*text).context("the blind state")?);
        let scalar: &[u8; 32] = scalar.as_slice().try_into().context("the blind state is not 32 bytes")?;
        Ok(Self(vec![Blinded::with_scalar(entry.to_vec(), scalar)?]))
    }

    /// The element of a single entry: what its person's consent is given for.
    pub fn element(&self) -> Option<&Element> {
        self.0.first().map(Blinded::element)
    }

    /// The request's body.
    pub fn body(&self, list: &TagList) -> Vec<u8> {
        let elements: Vec<String> = self.0.iter().map(|one| one.element().to_string()).collect();
        json!({"epoch": list.0.epoch(), "elements": elements}).to_string().into_bytes()
    }

    /// Which of the entries are on the list, in order. The proof is checked first.
    ///
    /// # Errors
    /// When the answer is not one, or was not made with the list's key.
    pub fn matches(&self, answer: &Value, list: &TagList) -> Result<Vec<bool>> {
        let answer = Evaluated::deserialize(answer).context("the answer holds no evaluated elements")?;
        let evaluated = answer.evaluated.iter().map(|element| Ok(element.parse()?));
        let evaluated: Vec<Element> = evaluated.collect::<Result<_>>()?;
        let proof: Proof = answer.proof.parse()?;
        let tags = blind::finalize(&self.0, &evaluated, &proof, list.0.key())?;
        Ok(tags.into_iter().map(|tag| list.0.contains(tag)).collect())
    }
}

/// Blinds `entry` and keeps its secret in the new file `state`. Answers what the issuer of the consent needs to sign for
/// this element: the element, and the secret by which it can see for itself whose it is.
pub fn prepare(entry: &[u8], state: &Path) -> Result<Value> {
    if state.exists() {
        bail!("{} exists: each call about a person is blinded afresh", state.display());
    }
    let blinded = Blinded::new(entry.to_vec(), &OsRng)?;
    let scalar = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(blinded.scalar()));
    secret::write_new(state, scalar.as_bytes())?;
    Ok(json!({"element": blinded.element().to_string(), "sub_alg": "blinded-element"}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_taken_in_either_case_and_told_when_it_is_none() {
        let told = |sha256: &str| {
            let read = TagList::of_committed(b"abc", "none", sha256);
            format!("{:#}", read.err().expect("no list"))
        };
        let own = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for same in [own.to_owned(), own.to_uppercase(), format!(" {own}\n")] {
            let said = told(&same);
            assert!(!said.contains("another list") && !said.contains("no SHA-256"), "{same}: {said}");
        }
        assert!(told(&"00".repeat(32)).contains("another list"));
        for none in ["00", "", "zz", &format!("{own}00"), &own.replace('b', "文")] {
            let said = told(none);
            assert!(said.contains("is no SHA-256") && !said.contains("another list"), "{none}: {said}");
        }
    }
}
