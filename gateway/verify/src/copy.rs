//! A copy of a log on disk: one half-year, or several.

use std::path::Path;
use std::sync::Arc;

use shuzha_evidence::folder::{self, Folder};
use shuzha_evidence::log::{CHECKPOINT, LogReader, Shard};
use shuzha_evidence::note::Note;

use crate::Trouble;

/// The logs in `folder`, each with the name to show.
///
/// # Errors
/// [`Trouble`] says whether it is bad or cannot be said.
pub fn logs(folder: &Path) -> Result<Vec<(String, LogReader)>, Trouble> {
    let unreadable = |error| Trouble::Incomplete(format!("{}: {error}", folder.display()));
    let files = Arc::new(Folder::new(folder));
    if folder.join(CHECKPOINT).exists() {
        return Ok(vec![(folder.display().to_string(), LogReader::new(files, ""))]);
    }
    let mut shards = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        shards.extend(name.to_str().and_then(|name| name.parse::<Shard>().ok()));
    }
    if shards.is_empty() {
        return Err(Trouble::Incomplete(format!(
            "{}: 没有检查点 no checkpoint is in there",
            folder.display()
        )));
    }
    shards.sort_unstable();
    let reader = |shard: Shard| (shard.to_string(), LogReader::new(files.clone(), &shard.to_string()));
    Ok(shards.into_iter().map(reader).collect())
}

/// The statements by which the keys of the log in `folder` were handed over; they lie beside the half-years.
///
/// # Errors
/// [`Trouble`] says whether it is bad or cannot be said.
pub fn handovers(folder: &Path) -> Result<Vec<Note>, Trouble> {
    let unreadable = |error| Trouble::Incomplete(format!("密钥交接 handovers of keys: {error}"));
    let beside = folder.join(CHECKPOINT).exists();
    let above = if beside { folder.join("..") } else { folder.to_owned() };
    folder::handovers(&above.join("handovers")).map_err(unreadable)
}

/// The one log in `folder`.
pub(crate) fn log(folder: &Path) -> Result<LogReader, Trouble> {
    let mut logs = logs(folder)?;
    match (logs.pop(), logs.is_empty()) {
        (Some((_, log)), true) => Ok(log),
        _ => {
            Err(Trouble::Usage(format!("{}: 请指明一个半年期 name one half-year's folder", folder.display())))
        }
    }
}
