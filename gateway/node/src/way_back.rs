//! What is to be done about a database that is gone, corrupt or of another version: such an error names the file, and the command.

use std::path::Path;

use shuzha_core::{Code, Lang};
use shuzha_store::StoreError;

use crate::data_folder::{JOURNAL_DIR, STORE_FILE, TRACES_FILE};

/// `error` of the database `file` in `data_dir`, with the way back where the file itself is at fault.
pub(crate) fn from(data_dir: &Path, file: &str, error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Migration(_) => {
            let what = "由另一版本的软件写成 was written by another version of the software";
            let way = format!(
                "启动较新的版本，或恢复本版本的备份 start the newer version, or restore a backup of this one: {}",
                restore(data_dir)
            );
            told(data_dir, file, &format!("{what} ({error})"), &way)
        }
        error if error.is_corrupt() => {
            told(data_dir, file, &format!("已损坏 is corrupt ({error})"), &way(data_dir, file))
        }
        error => anyhow::Error::from(error).context(file.to_owned()),
    }
}

/// The database `file` is gone, though `key`, which seals it, is there.
pub(crate) fn gone(data_dir: &Path, file: &str, key: &str) -> anyhow::Error {
    told(data_dir, file, &format!("缺失 is gone, though its key {key} is there"), &way(data_dir, file))
}

fn told(data_dir: &Path, file: &str, what: &str, way: &str) -> anyhow::Error {
    let (code, path) = (Code::C1745, data_dir.join(file));
    anyhow::anyhow!(
        "{code} {} {}: {} {what}: {way}",
        code.title(Lang::Zh),
        code.title(Lang::En),
        path.display()
    )
}

fn restore(data_dir: &Path) -> String {
    let journal = data_dir.join(JOURNAL_DIR);
    format!("`shuzha restore BACKUP --keys KEYS --into NEW --journal {}`", journal.display())
}

fn way(data_dir: &Path, file: &str) -> String {
    let restore = restore(data_dir);
    match file {
        TRACES_FILE => {
            "移走该文件，下次启动由日志重建 move it away: the next start builds it anew from the journal"
                .to_owned()
        }
        STORE_FILE => format!(
            "从备份恢复 restore a backup: {restore}；没有备份时移走该文件，执行 `shuzha journal rebuild`，世界文件中凭据的密钥须重新签发，已发布的统计再次计费 \
             without one, move the file away and run `shuzha journal rebuild`: secrets of world files' credentials are issued \
             anew, and queries that were released pay again"
        ),
        _ => format!("从备份恢复 restore a backup: {restore}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_folder::DATABASES;

    #[test]
    fn every_database_has_a_way_back_that_names_it() {
        let dir = tempfile::tempdir().expect("a folder");
        for file in DATABASES {
            let path = dir.path().join(file);
            std::fs::write(&path, b"this is no database, and as long as a header of one has to be")
                .expect("written");
            let error = shuzha_store::backup::check_file(&path).expect_err(file);
            assert!(error.is_corrupt(), "{error}");
            let told = format!("{:#}", from(dir.path(), file, error));
            let command =
                if file == TRACES_FILE { "the next start builds it anew" } else { "shuzha restore" };
            assert!(told.contains("C1745") && told.contains(file) && told.contains(command), "{told}");
            assert!(format!("{:#}", gone(dir.path(), file, "k")).contains("is gone"));
        }
        let other = from(dir.path(), "finance.db", StoreError::Unkeyed);
        assert!(!format!("{other:#}").contains("C1745"), "the file is not at fault");
    }
}
