//! Sealing (封存): a half-year that is over is checked from the entries up, listed, signed for, and made read-only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Map, json};
use shuzha_core::calendar::local_text;
use shuzha_core::{Code, Timestamp, hex};
use shuzha_evidence::RetentionAct;
use shuzha_evidence::log::{CHECKPOINT, COSIGNED, Files as _, LogError, Source as _};
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::verify::{Head, check_range, head};

use super::document::{self, SEALED};
use super::{Asked, Decided, Decision, HalfYear, Hold, Retention, RetentionError, THREADS};

/// Name of the manifest in the half-year's folder.
pub(super) const MANIFEST: &str = "sealed";

/// The mode of a file that is sealed: to be read, by its owner.
const READ_ONLY: u32 = 0o400;

impl Retention {
    /// Seals a half-year that is over. One that is sealed stays so.
    ///
    /// # Errors
    /// C1003 where there is none; [`Hold::Open`] while it is written to; [`RetentionError::Finding`] where it does not check; of
    /// files, keys, journal and stores.
    pub fn seal(
        &self,
        shard: shuzha_evidence::log::Shard,
        asked: Asked<'_>,
    ) -> Result<HalfYear, RetentionError> {
        let year = self.half_year(shard, asked.at)?;
        if year.holds.contains(&Hold::Open) {
            return Err(RetentionError::Held(vec![Hold::Open]));
        }
        if year.sealed.as_ref().is_none_or(|sealed| sealed.decision.is_none()) {
            let document = self.manifest(&year, asked)?;
            let decisions = &self.0.decisions;
            decisions.ask(shard, RetentionAct::Sealed, (asked.by, asked.at, asked.reason))?;
            let from_seq = self.0.journal.durable_seq();
            let decision = Decision { by: (asked.by.clone(), asked.at), document, from_seq };
            if !decisions.decide(shard, RetentionAct::Sealed, &decision)? {
                return Err(RetentionError::Refused(Code::C1735));
            }
        }
        let year = self.half_year(shard, asked.at)?;
        if let Some(decided) = year.sealed.as_ref().filter(|decided| decided.finished.is_none())
            && let Some(decision) = &decided.decision
        {
            self.finish_seal(&year, decided, decision, asked.at)?;
        }
        self.half_year(shard, asked.at)
    }

    pub(super) fn finish_seal(
        &self,
        year: &HalfYear,
        decided: &Decided,
        decision: &Decision,
        now: Timestamp,
    ) -> Result<(), RetentionError> {
        self.leaf(year, decided, decision)?;
        let path = format!("{}/{MANIFEST}", year.shard);
        let written = self.0.files.replace(&path, decision.document.as_bytes());
        written.map_err(LogError::io("write", &path))?;
        let folder = self.0.files.root().join(year.shard.to_string());
        close(&folder).map_err(LogError::io("seal", &year.shard.to_string()))?;
        Ok(self.0.decisions.finish(year.shard, RetentionAct::Sealed, now)?)
    }

    fn manifest(&self, year: &HalfYear, asked: Asked<'_>) -> Result<String, RetentionError> {
        let (reader, policy) = (self.reader(year.shard), self.policy());
        let heads: (Head, Head) = (head::<Sha256>(&reader, &policy)?, head::<Sm3>(&reader, &policy)?);
        let checked = check_range::<Sha256>(&reader, &heads.0, 0..heads.0.size, THREADS)?;
        check_range::<Sm3>(&reader, &heads.1, 0..heads.1.size, THREADS)?;
        // The roots stand for all tiles and entries; what lies beside them is listed.
        let mut listed = Map::new();
        for name in [CHECKPOINT, COSIGNED] {
            for path in [name.to_owned(), format!("{}/{name}", Sm3::SUFFIX.trim_start_matches('/'))] {
                let at = format!("{}/{path}", year.shard);
                let read = self.0.files.read(&at).map_err(LogError::io("read", &at))?;
                if let Some(bytes) = read {
                    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
                    listed.insert(path, hex::encode(digest.as_ref()).into());
                }
            }
        }
        let content = json!({
            "what": "sealed", "log": heads.0.origin, "halfYear": year.shard.to_string(),
            "firstSequence": year.first_seq, "lastSequence": year.last_seq(), "entries": heads.0.size,
            "entryBytes": checked.bytes, "rootSha256": hex::encode(&heads.0.root), "rootSm3": hex::encode(&heads.1.root),
            "files": listed, "sealedBy": asked.by.as_str(), "sealedAt": local_text(asked.at), "reason": asked.reason,
        });
        document::signed(&self.0, year, SEALED, &content)
    }
}

/// Makes every file in the folder read-only. Folders stay as they are: what is decided later about the half-year is written beside.
fn close(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            close(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(READ_ONLY))?;
        }
    }
    Ok(())
}
