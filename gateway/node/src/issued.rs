//! Secrets that `shuzha keys issue` made. The command runs beside a node that holds the journal, or without one: it leaves a mark,
//! and the node notes each in the journal before it takes the secret into use.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use shuzha_core::{Clock, Id, OsRng, RequestId, Rng as _, Timestamp};
use shuzha_evidence::{Entry, Registered};
use shuzha_files::secret;
use shuzha_journal::Journal;
use shuzha_store::register::{Act, digest};

/// The verb by which the register's own acts call it.
const VERB: &str = "issue-secret";
/// Who acted, as the journal has it: whoever holds the data folder.
const ACTOR: &str = "operator";

/// Marks of secrets that are not in the journal yet, in one folder.
#[derive(Clone, Debug)]
pub struct IssuedSecrets {
    dir: PathBuf,
}

impl IssuedSecrets {
    /// Those in `keys/issued/` of the data folder.
    pub fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("keys/issued") }
    }

    /// Leaves a mark of a secret that is about to be made.
    ///
    /// # Errors
    /// Of the file.
    pub fn mark(&self, credential: &Id, algorithm: &str, now: Timestamp) -> Result<()> {
        secret::private_dir(&self.dir)?;
        let file = self.dir.join(format!("{:020}.{credential}", now.micros()));
        secret::write_new(&file, algorithm.as_bytes()).with_context(|| file.display().to_string())
    }

    /// Notes every mark in the journal, the oldest first, and takes it away. One that was noted before the process ended is
    /// noted again.
    ///
    /// # Errors
    /// Of the journal or the files.
    pub fn record(&self, journal: &Journal, clock: &dyn Clock) -> Result<()> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        for file in names {
            let Some(credential) = file.split_once('.').and_then(|(_, name)| Id::new(name).ok()) else {
                continue;
            };
            note(journal, clock, &credential).context("the call journal")?;
            std::fs::remove_file(self.dir.join(&file)).with_context(|| file.clone())?;
        }
        Ok(())
    }
}

fn note(journal: &Journal, clock: &dyn Clock, credential: &Id) -> Result<()> {
    let act = Act {
        id: RequestId::generate(clock, &OsRng),
        salt: OsRng.bytes(),
        at: clock.now(),
        by: None,
        duty: None,
        verb: VERB.to_owned(),
        kind: "Credential".to_owned(),
        name: credential.clone(),
        state: None,
        reason: String::new(),
        attachments: "[]".to_owned(),
    };
    let entry = Entry::Registered(Registered {
        id: act.id,
        at: act.at,
        actor: ACTOR,
        object: act.name.as_str(),
        verb: &act.verb,
        kind: &act.kind,
        organisation: "",
        role: "",
        digest: digest(&act),
        state: "",
        revision: 0,
    });
    journal.append_durable(&entry)?.wait()?;
    Ok(())
}
