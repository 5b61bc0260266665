//! Anchors as they are reached: over HTTP, by a command, in a folder.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use shuzha_core::{OsRng, Rng as _, hex};
use shuzha_evidence::anchor::{Kind, TOKEN_BYTES_MAX, stamped};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::note::Note;
use shuzha_evidence::timestamp::{self, Authorities};
use shuzha_files::secret;

use shuzha_core::files::{self, Links};

use crate::config::AnchorConfig;

/// Largest file of authorities' certificates.
const AUTHORITIES_BYTES_MAX: u64 = 4 << 20;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Somebody outside.
pub(in crate::evidence) trait Outside: Send {
    /// Shows a checkpoint and gives what they answer.
    ///
    /// # Errors
    /// They are away, or do not answer as they must.
    fn show(&self, note: &Note) -> Result<Vec<u8>>;
}

/// The anchor that the configuration names. Time-stamps are checked where authorities are given.
///
/// # Errors
/// Authorities that cannot be read.
pub(in crate::evidence) fn outside(
    config: &AnchorConfig,
    trusted: Option<&Path>,
) -> Result<Box<dyn Outside>> {
    let to = &config.to;
    Ok(match config.kind {
        Kind::Timestamp => {
            let read = |path: &Path| -> Result<Authorities> {
                Ok(Authorities::parse(&files::read(path, Links::Follow, AUTHORITIES_BYTES_MAX)?)?)
            };
            let trusted =
                trusted.map(|path| read(path).with_context(|| path.display().to_string())).transpose()?;
            Box::new(Stamping { url: to.clone(), agent: agent(), trusted })
        }
        Kind::Http => Box::new(Http { url: to.clone(), agent: agent() }),
        Kind::Exec => Box::new(Exec { words: to.split_whitespace().map(str::to_owned).collect() }),
        Kind::File => Box::new(Folder { folder: to.into() }),
    })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0);
    config.http_status_as_error(true).build().new_agent()
}

fn post(agent: &ureq::Agent, url: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>> {
    let mut answer =
        agent.post(url).header("Content-Type", kind).send(body).context("it cannot be reached")?;
    Ok(answer.body_mut().with_config().limit(TOKEN_BYTES_MAX as u64).read_to_vec()?)
}

struct Stamping {
    url: String,
    agent: ureq::Agent,
    trusted: Option<Authorities>,
}

impl Outside for Stamping {
    fn show(&self, note: &Note) -> Result<Vec<u8>> {
        let (digest, random) = (stamped(note), OsRng.bytes());
        let request = timestamp::request(&digest, random)?;
        let answer = post(&self.agent, &self.url, "application/timestamp-query", &request)?;
        let token = timestamp::token(&answer, &digest, random)?;
        if let Some(trusted) = &self.trusted {
            timestamp::check(&token, &digest, trusted)?;
        }
        Ok(token)
    }
}

/// Whether an answer over HTTP says which checkpoint was taken: its SHA-256 stands there in hex, as a word of its own. Any other
/// answer may be that of a login page, a proxy or a server that knows of no anchoring.
fn acknowledges(answer: &[u8], digest: &[u8; 32]) -> bool {
    let Ok(text) = std::str::from_utf8(answer) else { return false };
    let digest = hex::encode(digest);
    text.split(|character: char| !character.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case(&digest))
}

struct Http {
    url: String,
    agent: ureq::Agent,
}

impl Outside for Http {
    fn show(&self, note: &Note) -> Result<Vec<u8>> {
        let answer = post(&self.agent, &self.url, "text/plain; charset=utf-8", note.to_string().as_bytes())?;
        if acknowledges(&answer, &stamped(note)) {
            Ok(answer)
        } else {
            bail!("its answer does not name the SHA-256 of the checkpoint that it was shown")
        }
    }
}

/// A command: the checkpoint on its standard input, its answer on its standard output, 0 when it is done.
struct Exec {
    words: Vec<String>,
}

impl Outside for Exec {
    fn show(&self, note: &Note) -> Result<Vec<u8>> {
        run_command(&self.words, note.to_string().as_bytes(), TIMEOUT)
    }
}

/// Runs a command with `input` and gives what it writes; one that takes too long is ended.
pub(in crate::evidence) fn run_command(words: &[String], input: &[u8], timeout: Duration) -> Result<Vec<u8>> {
    let (program, arguments) = words.split_first().context("no command is given")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
    let (mut to, from) = (child.stdin.take(), child.stdout.take());
    let (done, read) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        let limited = from.map(|from| from.take(TOKEN_BYTES_MAX as u64 + 1).read_to_end(&mut answer));
        // Whoever waited may have given up.
        let _ = done.send(limited.map(|read| read.map(|_| answer)));
    });
    // A command that does not read what it is given may end before.
    let _ = to.as_mut().map(|to| to.write_all(input));
    drop(to);
    let answer = read.recv_timeout(timeout);
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait()?;
    let Ok(Some(answer)) = answer else { bail!("{program} took too long") };
    let answer = answer?;
    if !status.success() || answer.len() > TOKEN_BYTES_MAX {
        bail!("{program} ended with {status} and {} bytes", answer.len());
    }
    Ok(answer)
}

/// A folder elsewhere, such as one that is mounted or collected: it holds each checkpoint under its log and size.
struct Folder {
    folder: PathBuf,
}

impl Outside for Folder {
    fn show(&self, note: &Note) -> Result<Vec<u8>> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let name =
            format!("{}-{:020}.checkpoint", checkpoint.origin.replace(['/', ':'], "_"), checkpoint.size);
        // Not made here: a mount that is away must not look like an anchor that took it.
        if !self.folder.is_dir() {
            bail!("{} is not there", self.folder.display());
        }
        secret::replace(&self.folder.join(&name), note.to_string().as_bytes())?;
        Ok(format!("{name} sha256:{}\n", hex::encode(&stamped(note))).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_over_http_counts_only_when_it_names_what_was_shown() {
        let digest = [0xab; 32];
        let named = hex::encode(&digest);
        for good in [
            named.clone(),
            format!("sha256:{named}\n"),
            format!("{{\"sha256\":\"{}\"}}", named.to_uppercase()),
        ] {
            assert!(acknowledges(good.as_bytes(), &digest), "{good}");
        }
        let other = hex::encode(&[0xac; 32]);
        for bad in [
            String::new(),
            "x".into(),
            "taken".into(),
            other,
            named[..63].into(),
            format!("{named}0"),
            format!("0{named}"),
        ] {
            assert!(!acknowledges(bad.as_bytes(), &digest), "{bad}");
        }
        assert!(!acknowledges(&[named.as_bytes(), &[0xff]].concat(), &digest), "not a text");
    }
}
