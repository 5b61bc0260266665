//! `shuzha backup`: a copy of a node's data folder, taken while the node runs, in which everything belongs together.
//!
//! The order makes it so. What the node starts from must never know more than the journal does, and the evidence log must not have
//! published what the journal does not hold:
//! 1. the evidence log, between two of its checkpoints;
//! 2. files of the folder and, apart from them, secrets;
//! 3. the journal's end is looked up; all databases are held at one moment; the copy of the journal ends at the last record that
//!    was there before that moment or that any of them knows of;
//! 4. the list of all files with their digests, and last the manifest over it, signed with the evidence log's key. A folder
//!    without a manifest is no backup.

mod files;
mod manifest;
mod restore;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use shuzha_cli::ask_secret;
use shuzha_core::{Clock as _, SystemClock};
use shuzha_files::secret;
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_node::evidence::custody::{Custody, passphrase_in};
use shuzha_node::evidence::{EVIDENCE_DIR, origin_of};
use shuzha_node::node::JOURNAL_DIR;
use shuzha_store::backup::Moment;
use zeroize::Zeroizing;

pub(crate) use restore::{RestoreArgs, restore};
pub(crate) use verify::VerifyArgs;

/// The folder of keys, inside the data folder.
const KEYS_DIR: &str = "keys";
/// Ends of the names of files at the top of the data folder that are secrets like keys.
const SECRETS: [&str; 4] = ["token", "key", "seed", "secret"];

/// Makes a backup of the data folder (备份), or checks one.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The new folder.
    #[arg(required = true)]
    folder: Option<PathBuf>,
    /// Another new folder, for the keys, to be kept apart from the first; without it they are not copied.
    #[arg(long)]
    keys: Option<PathBuf>,
}

#[derive(clap::Subcommand, Debug)]
enum BackupCommand {
    /// 核对 Checks that a backup is whole: every file, the databases, the journal.
    Verify(VerifyArgs),
}

/// Does what was asked; `false` where a backup is not whole.
pub(crate) fn run(out: &mut Out, config: &Config, args: &BackupArgs) -> Result<bool> {
    match &args.command {
        Some(BackupCommand::Verify(args)) => verify::run(out, args),
        None => {
            let folder = args.folder.as_deref().context("the folder of the backup")?;
            make(out, config, folder, args.keys.as_deref()).map(|()| true)
        }
    }
}

fn make(out: &mut Out, config: &Config, folder: &Path, keys: Option<&Path>) -> Result<()> {
    let data = config.data_dir.as_path();
    if !data.join(JOURNAL_DIR).is_dir() {
        bail!("{} 中没有日志 holds no journal: nothing to back up", data.display());
    }
    let new = || [Some(folder), keys].into_iter().flatten();
    for (one, elsewhere) in new().map(|one| (one, data)).chain(keys.map(|keys| (keys, folder))) {
        if files::lies_in(one, elsewhere)? {
            bail!("{} 在 lies in {}: 须另放 it lies elsewhere", one.display(), elsewhere.display());
        }
    }
    new().try_for_each(files::new_folder)?;
    files::copy_settled(&data.join(EVIDENCE_DIR), &folder.join(EVIDENCE_DIR))?;
    let (mut databases, mut secrets) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(data).with_context(|| data.display().to_string())? {
        let (entry, is_file) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_file())))?;
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let end = entry.extension().and_then(|end| end.to_str()).unwrap_or_default();
        match name.as_str() {
            _ if !is_file => {}
            name if SECRETS.contains(&end) => secrets.push(PathBuf::from(name)),
            _ if end == "db" => databases.push(entry),
            name if name.contains(".db-") => {}
            name => files::copy(&entry, &folder.join(name))?,
        }
    }
    secrets
        .extend(files::listed(&data.join(KEYS_DIR))?.into_iter().map(|path| Path::new(KEYS_DIR).join(path)));
    let mut digests = Vec::new();
    for path in &secrets {
        digests.push(files::Listed::of(data, path)?);
        if let Some(keys) = keys {
            files::copy(&data.join(path), &keys.join(path))?;
        }
    }
    let journal = data.join(JOURNAL_DIR);
    let before = shuzha_journal::last_seq(&journal).context("the call journal")?;
    let through = {
        let moment = Moment::hold(&databases).context("the databases")?;
        moment.copy(folder).context("the databases")?;
        before.max(moment.reached().context("the databases")?)
    };
    shuzha_journal::copy(&journal, &folder.join(JOURNAL_DIR), through).context("the call journal")?;
    // Whose it is says the journal, not a configuration that may be another than the node's.
    let node = shuzha_journal::node_of(&journal).context("the call journal")?;
    let of = manifest::Content {
        node: node.unwrap_or_else(|| config.node.to_string()),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        at: SystemClock.now().seconds(),
        last_record: through,
        secrets: digests,
    };
    let passphrase = || match &config.key_passphrase_file {
        Some(path) => passphrase_in(path),
        None => ask_secret("口令 passphrase:").map(Zeroizing::new),
    };
    let origin = origin_of(config)?;
    let custody = Custody { data_dir: data, origin: &origin, passphrase: &passphrase };
    let digest = manifest::write(folder, &of, &custody)?;
    files::settle(folder)?;
    keys.map_or(Ok(()), files::settle)?;
    out.line(&format!("备份完成 The backup is complete, up to record {through}: {}", folder.display()))?;
    out.line(&format!("清单摘要 digest of its manifest: {digest}"))?;
    out.line(match keys {
        Some(_) => "密钥已另存，请与备份分开保管 Its keys lie in a folder of their own: keep it apart from the backup.",
        None => "不含密钥：另以 --keys 备份，否则无法恢复 It holds no keys; without a copy of them (--keys) it cannot be restored.",
    })
}

/// Makes `folder` for its owner only.
fn private(folder: &Path) -> Result<()> {
    secret::private_dir(folder)
}
