//! How invitations reach persons: a file for each in a folder that only the node's user reads, or a command.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use shuzha_control::accounts::{Deliver, Letter, Undelivered};
use shuzha_core::Id;
use shuzha_files::secret;

use crate::config::Invitations;

/// Longest time that a command takes for one invitation.
const COMMAND_MAX: Duration = Duration::from_secs(20);
/// How often it is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The way that the configuration names; folders are relative to `data_dir`.
pub(super) fn deliver(config: &Invitations, data_dir: &Path) -> Result<Arc<dyn Deliver>> {
    Ok(match config {
        Invitations::Folder(folder) => {
            let folder = data_dir.join(folder);
            secret::private_dir(&folder)?;
            Arc::new(Folder(folder))
        }
        Invitations::Command(command) => Arc::new(Program(command.clone())),
    })
}

/// What a letter says; the token is in it.
fn content(letter: &Letter<'_>) -> String {
    let until = jiff::Timestamp::from_microsecond(letter.until.micros()).unwrap_or_default().to_string();
    let letter = json!({
        "account": letter.account.as_str(), "person": letter.person, "organisation": letter.organisation.as_str(),
        "token": letter.token, "until": until, "needsCode": letter.needs_code,
    });
    format!("{letter}\n")
}

struct Folder(PathBuf);

impl Folder {
    fn file(&self, account: &Id) -> PathBuf {
        self.0.join(format!("{account}.json"))
    }
}

impl Deliver for Folder {
    fn deliver(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        let written = secret::replace(&self.file(letter.account), content(letter).as_bytes());
        written.map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "an invitation could not be written");
            Undelivered
        })
    }

    fn recall(&self, account: &Id) {
        match std::fs::remove_file(self.file(account)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the file of a used invitation stays; it opens nothing");
            }
            _ => {}
        }
    }
}

struct Program(Vec<String>);

impl Program {
    fn run(&self, content: &str) -> Result<()> {
        let (program, arguments) = self.0.split_first().context("a program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| program.clone())?;
        let mut input = child.stdin.take().context("its input is piped")?;
        // A letter is shorter than a pipe: this waits for nobody.
        let written = input.write_all(content.as_bytes());
        drop(input);
        let mut waited = Duration::ZERO;
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if waited >= COMMAND_MAX {
                child.kill()?;
                child.wait()?;
                bail!("{program} did not end within {COMMAND_MAX:?}");
            }
            std::thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
        };
        written?;
        if ended.success() { Ok(()) } else { bail!("{program} ended with {ended}") }
    }
}

impl Deliver for Program {
    fn deliver(&self, letter: &Letter<'_>) -> Result<(), Undelivered> {
        self.run(&content(letter)).map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "an invitation could not be handed to its command");
            Undelivered
        })
    }

    fn recall(&self, _: &Id) {}
}
