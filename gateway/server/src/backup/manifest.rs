//! What a backup says of itself: the list of its files, `files`, and a signed note over that, `manifest`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use shuzha_core::files::{Links, read};
use shuzha_core::hex;
use shuzha_evidence::log::LogKeys as _;
use shuzha_evidence::note::{Note, Verifier};
use shuzha_files::secret;
use shuzha_node::evidence::custody::Custody;

use super::files::{Listed, listed};

/// The signed note, which is written last.
pub(super) const MANIFEST: &str = "manifest";
/// The list of files, one JSON object a line.
pub(super) const FILES: &str = "files";
/// First line of the note.
const TITLE: &str = "shuzha backup v1";
/// Longest manifest, and longest list, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
const FILES_BYTES_MAX: u64 = 1 << 30;

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    /// The node.
    pub(super) node: String,
    /// Version of the software that made it.
    pub(super) software: String,
    /// When, in seconds since 1970.
    pub(super) at: i64,
    /// Sequence of the last record in it.
    pub(super) last_record: u64,
    /// Secrets that belong to it and lie elsewhere.
    pub(super) secrets: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    #[serde(flatten)]
    content: Content,
    /// SHA-256 of the list of files.
    files: String,
}

/// A manifest that was read, with the list that it is over.
pub(super) struct Read {
    pub(super) content: Content,
    pub(super) files: Vec<Listed>,
    note: Note,
    origin: String,
}

/// The name under which a manifest is signed.
fn signer(origin: &str) -> String {
    format!("{origin}/backup")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes).as_ref())
}

/// Lists what is in `folder`, and signs for it. Answers the manifest's digest.
pub(super) fn write(folder: &Path, content: &Content, custody: &Custody<'_>) -> Result<String> {
    let mut lines = String::new();
    for path in listed(folder)? {
        lines.push_str(&serde_json::to_string(&Listed::of(folder, &path)?)?);
        lines.push('\n');
    }
    secret::replace(&folder.join(FILES), lines.as_bytes())?;
    let signed = Signed { content: content.clone(), files: sha256(lines.as_bytes()) };
    let origin = custody.origin;
    let text = format!("{TITLE}\n{origin}\n{}\n", serde_json::to_string(&signed)?);
    let mut note = Note::unsigned(text).context("the manifest")?;
    let keys = custody.present().context("the keys of the evidence log, which sign a backup")?;
    note.sign(&*keys.sha256(&signer(origin)).context("the key of the evidence log")?)?;
    let text = note.to_string();
    secret::replace(&folder.join(MANIFEST), text.as_bytes())?;
    Ok(sha256(text.as_bytes()))
}

impl Read {
    /// The manifest in `folder`; its list is the one that it names.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        if !path.exists() {
            bail!(
                "{} 中没有清单：不是完整的备份 holds no manifest: it is no complete backup",
                folder.display()
            );
        }
        let wrong = || format!("{} 不是备份清单 is no manifest of a backup", path.display());
        let bytes = read(&path, Links::Refuse, MANIFEST_BYTES_MAX).with_context(wrong)?;
        let note = Note::parse(&bytes).with_context(wrong)?;
        let mut lines = note.text().lines();
        let (title, origin, json) = (lines.next(), lines.next(), lines.next());
        if title != Some(TITLE) {
            bail!(wrong());
        }
        let origin = origin.with_context(wrong)?.to_owned();
        let signed: Signed = serde_json::from_str(json.with_context(wrong)?).with_context(wrong)?;
        let path = folder.join(FILES);
        let list = read(&path, Links::Refuse, FILES_BYTES_MAX).with_context(|| path.display().to_string())?;
        if sha256(&list) != signed.files {
            bail!("{} 与清单不符 is not the list that the manifest names", path.display());
        }
        let lines = str::from_utf8(&list).context("the list of files")?.lines();
        let files = lines.map(serde_json::from_str).collect::<Result<_, _>>().context("the list of files")?;
        Ok(Self { content: signed.content, files, note, origin })
    }

    /// Whether one of the log's public keys signed it.
    pub(super) fn signed_by(&self, keys: &[Verifier]) -> bool {
        let signer = signer(&self.origin);
        let named = keys.iter().filter_map(|key| key.renamed(&signer).ok());
        named.into_iter().any(|key| self.note.verified_by(&key).is_ok())
    }
}
