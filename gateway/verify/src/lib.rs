//! Checks receipts and logs with public keys, on any machine, without a network.
//!
//! Everything that an auditor needs and nothing else: `shuzha-verify` is these checks as a program of its own, and `shuzha verify` has
//! them among its commands. What they judge is in [`shuzha_evidence::verify`]; here are files, options, words and exit codes.
//!
//! Exit codes: 0 good · 1 bad: what was checked is not what was logged · 2 incomplete: something that is needed is not there ·
//! 3 wrong usage.

mod anchors;
pub mod copy;
mod instant;
mod keys;
mod receipt;
mod report;
pub mod trust;
pub mod whole;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use shuzha_core::files::{self, Links};
use shuzha_evidence::Malformed;
use shuzha_evidence::note::Verifier;
use shuzha_evidence::policy::{Distrust, Policy};
use shuzha_evidence::receipt::BadReceipt;
use shuzha_evidence::verify::Finding;
use shuzha_files::terminal::{Out, say};

use trust::TrustArgs;

/// The checks.
#[derive(clap::Subcommand, Debug)]
pub enum Check {
    /// 收据 Checks a receipt and says what it shows.
    Receipt(receipt::ReceiptArgs),
    /// 全部记录 Checks every entry of a copy of the log, every hash above, and the signed root.
    Range(whole::RangeArgs),
    /// 检查点 Checks that the tree of one checkpoint is the beginning of another's.
    Consistency(whole::ConsistencyArgs),
    /// 打开承诺 Checks that request and answer are those that the receipt commits to.
    Open(receipt::OpenArgs),
    /// 暂停 Checks that no answer stands behind a suspension.
    Suspension(whole::SuspensionArgs),
    /// 密钥 Checks how the log's keys were handed over, and that each handover is in the log.
    Keys(keys::KeysArgs),
    /// 锚定 Checks what anchors outside were shown, and that the log still begins with it.
    Anchors(anchors::AnchorsArgs),
    /// 报告 Checks everything and writes a report for people.
    Report(report::ReportArgs),
}

/// A copy of a log, and whom to believe about it.
#[derive(clap::Args, Debug)]
pub struct CopyArgs {
    /// Folder of one half-year (with `checkpoint` in it), or of several.
    pub folder: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

impl CopyArgs {
    /// Whom to believe, by the keys that are given and by the handovers that the copy has.
    ///
    /// # Errors
    /// Keys that are not there or cannot be read, and handovers that are not to be believed.
    pub fn policy(&self) -> Result<Policy, Trouble> {
        let mut policy = self.trust.policy()?;
        trust::follow(&mut policy, &copy::handovers(&self.folder)?)?;
        Ok(policy)
    }
}

/// What keeps a check from ending well.
#[derive(Debug)]
pub enum Trouble {
    /// It is bad.
    Bad(String),
    /// It cannot be said.
    Incomplete(String),
    /// It was asked wrongly.
    Usage(String),
    /// The answer could not be written.
    Out(anyhow::Error),
}

impl Trouble {
    /// The same, with the name of what it was found in.
    pub fn within(self, name: &str) -> Self {
        match self {
            Self::Bad(text) => Self::Bad(format!("{name}: {text}")),
            Self::Incomplete(text) => Self::Incomplete(format!("{name}: {text}")),
            other => other,
        }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Out(error)
    }
}

/// A checkpoint of a log whose key is not at hand: which log it is, and whose keys there are.
fn another(origin: &str, policy: &Policy) -> Trouble {
    let mut names: Vec<&str> = policy.log.iter().map(Verifier::name).collect();
    names.dedup();
    let names = names.join(", ");
    Trouble::Incomplete(format!(
        "这是日志 {origin}，手头只有 {names} 的公钥 this is the log {origin}, and the keys at hand are of {names}; \
         `shuzha keys log` on its node prints its keys"
    ))
}

impl From<Finding> for Trouble {
    fn from(finding: Finding) -> Self {
        if finding.is_bad() { Self::Bad(finding.to_string()) } else { Self::Incomplete(finding.to_string()) }
    }
}

impl From<BadReceipt> for Trouble {
    fn from(bad: BadReceipt) -> Self {
        match bad {
            BadReceipt::Checkpoint(why) => why.into(),
            BadReceipt::Proof(why) => {
                Self::Bad(format!("收据与记录不符 the receipt does not show this entry: {why}"))
            }
        }
    }
}

impl From<Distrust> for Trouble {
    fn from(why: Distrust) -> Self {
        let text = format!("检查点不可信 the checkpoint is not to be believed: {why}");
        if why.is_bad() { Self::Bad(text) } else { Self::Incomplete(text) }
    }
}

fn malformed(what: &'static str) -> impl FnOnce(Malformed) -> Trouble {
    move |error| Trouble::Bad(format!("{what}: {error}"))
}

/// Largest file that is read whole: more than any receipt, checkpoint, list of keys or answer of a product service.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads a file that was named on the command line: it may be anything that somebody handed over.
///
/// # Errors
/// One that cannot be read, or is larger than any that is needed.
pub fn read_file(path: &Path) -> Result<Vec<u8>, Trouble> {
    files::read(path, Links::Follow, FILE_BYTES_MAX)
        .map_err(|error| Trouble::Incomplete(format!("{}: {error}", path.display())))
}

/// Makes the check and gives its exit code.
#[must_use]
pub fn run(out: &mut Out, check: &Check) -> ExitCode {
    finish(match check {
        Check::Receipt(args) => receipt::check(out, args),
        Check::Range(args) => whole::range(out, args),
        Check::Consistency(args) => whole::consistency(out, args),
        Check::Open(args) => receipt::open(out, args),
        Check::Suspension(args) => whole::suspension(out, args),
        Check::Keys(args) => keys::run(out, args),
        Check::Anchors(args) => anchors::run(out, args),
        Check::Report(args) => report::write(out, args),
    })
}

/// Says what a check found, where it is not good, and gives its exit code.
#[must_use]
pub fn finish(outcome: Result<(), Trouble>) -> ExitCode {
    let (code, text) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Trouble::Bad(text)) => (1, format!("不符 BAD: {text}")),
        Err(Trouble::Incomplete(text)) => (2, format!("无法判定 INCOMPLETE: {text}")),
        Err(Trouble::Usage(text)) => (3, format!("用法有误 USAGE: {text}")),
        // Whoever read the answer went away: nothing was said, neither good nor bad.
        Err(Trouble::Out(error)) => (2, format!("{error:#}")),
    };
    say(&text);
    ExitCode::from(code)
}

/// Exit code of a command line that is not understood.
pub const EXIT_USAGE: u8 = 3;
