//! `shuzha finance export` and `check-export`: files that are checked against their own seals before they are kept.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use shuzha_client::with_query;
use shuzha_core::files::{self, Links};
use shuzha_core::{Clock as _, SystemClock, Timestamp};
use shuzha_files::NewFile;
use shuzha_files::terminal::{Out, say};
use shuzha_pricing::export::{CheckError, Format, Set, Totals, check};

use super::super::api::Connection;
use super::paper::PAPER_BYTES_MAX;

/// How often a person is told how far it is.
const SAID_EVERY: Duration = Duration::from_secs(2);

/// The digest and the number of rows, as the answer's head states them.
const DIGEST: &str = "x-export-digest";
const ROWS: &str = "x-export-rows";

#[derive(clap::Args, Debug)]
pub(crate) struct ExportArgs {
    /// 数据集 Which rows: usage, lines, ledger, statements, shares, contributions, permitted, focus.
    #[arg(value_parser = set)]
    set: Set,
    /// 结算期 The month, as 2026-01; not for `permitted`, and of choice for `ledger`.
    #[arg(long)]
    period: Option<String>,
    /// 格式 csv, gb18030.csv, xlsx, parquet or jsonl.
    #[arg(long, default_value = "csv", value_parser = format)]
    format: Format,
    /// 文件 Where it goes; by its own name into this folder where none is given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// 表头语言 The language of headings: zh or en.
    #[arg(long, default_value = "zh", value_parser = ["zh", "en"])]
    lang: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct CheckExportArgs {
    /// The file: CSV, GB 18030 or JSON lines.
    file: PathBuf,
    /// Which rows it should have; by its name where not given.
    #[arg(long, value_parser = set)]
    set: Option<Set>,
    /// Its format; by its name where not given.
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// The digest that the exporter recorded, in hexadecimal.
    #[arg(long)]
    digest: Option<String>,
}

fn set(name: &str) -> Result<Set, String> {
    let all = || Set::ALL.map(Set::as_str).join(", ");
    Set::from_name(name).ok_or_else(|| format!("is none of: {}", all()))
}

fn format(name: &str) -> Result<Format, String> {
    let all = || Format::ALL.map(Format::as_str).join(", ");
    Format::from_name(name).ok_or_else(|| format!("is none of: {}", all()))
}

/// Fetches an export into a file of its own, checks it, and only then gives it its name.
pub(super) fn export(out: &mut Out, args: &ExportArgs) -> Result<()> {
    let (set, form) = (args.set.as_str(), args.format.as_str());
    let period = args.period.as_deref().unwrap_or("all");
    let to = args.out.clone().unwrap_or_else(|| format!("{set}-{period}.{form}").into());
    let mut parameters = vec![("lang", args.lang.as_str())];
    parameters.extend(args.period.iter().map(|month| ("period", month.as_str())));
    let path = with_query(&format!("/api/v1/exports/{set}.{form}"), &parameters);
    let mut file = BufWriter::new(NewFile::open(&to)?);
    let mut progress = Progress::new(args.format);
    let answer = args.connection.signed_on()?.fetch(&path, &mut |bytes| {
        progress.add(bytes);
        anyhow::Ok(file.write_all(bytes)?)
    })?;
    let file = file.into_inner().map_err(|error| error.into_error()).context("cannot write")?;
    progress.say();
    let stated = answer.header(DIGEST).context("the answer states no digest")?;
    let rows = answer.header(ROWS).context("the answer states no number of rows")?;
    let checked = match args.format {
        Format::Xlsx | Format::Parquet => {
            "摘要由服务端给出，此格式不在本地复核 stated by the server; not read back here"
        }
        _ => {
            let totals = read(file.path(), args.set, args.format)?;
            ensure!(hex(&totals) == stated, "the file's digest is not the one that the server stated");
            "已核对每行与控制总数 every row and control total checked"
        }
    };
    file.keep()?;
    out.line(&format!("{} {rows} 行 rows sha256:{stated} {checked}", to.display()))
}

/// Checks a file against its own seals and control totals.
pub(super) fn check_export(out: &mut Out, args: &CheckExportArgs) -> Result<()> {
    let name = args.file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let by_name = || Set::ALL.into_iter().find(|set| name.starts_with(set.as_str()));
    let set = match args.set {
        Some(set) => Some(set),
        None => stated_set(&args.file)?.or_else(by_name),
    };
    let set = set.context("neither the file nor its name tells which set it is: --set")?;
    let by_ending = || {
        // `gb18030.csv` ends with `csv` too.
        let ends = |format: &Format| name.ends_with(&format!(".{}", format.as_str()));
        Format::ALL.into_iter().filter(ends).max_by_key(|format| format.as_str().len())
    };
    let format = args.format.or_else(by_ending);
    let format = format.context("the file's name does not tell its format: --format")?;
    let totals = read(&args.file, set, format)?;
    for (name, value) in totals.entries() {
        out.line(&format!("{name} {value}"))?;
    }
    if let Some(digest) = &args.digest {
        ensure!(
            digest.eq_ignore_ascii_case(&hex(&totals)),
            "the digest is another: this is not the file that was exported"
        );
    }
    Ok(())
}

fn read(path: &Path, set: Set, format: Format) -> Result<Totals> {
    let file = files::open(path, Links::Follow).with_context(|| format!("cannot read {}", path.display()))?;
    let file = BufReader::new(file);
    let found = check(format, set.layout(), file, &mut |_, _| ControlFlow::Continue(()));
    found.map_err(|error: CheckError| match error.code() {
        Some(code) => {
            anyhow::anyhow!("{}: {code} {} ({error})", path.display(), code.title(shuzha_core::Lang::Zh))
        }
        None => error.into(),
    })
}

/// Which set a file says it is, in the control totals at its end; none where there are none.
fn stated_set(path: &Path) -> Result<Option<Set>> {
    let shown = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(shown)?;
    let length = file.metadata().with_context(shown)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TOTALS_BYTES_MAX))).with_context(shown)?;
    let mut end = Vec::new();
    file.take(TOTALS_BYTES_MAX).read_to_end(&mut end).with_context(shown)?;
    Ok(set_in(&end))
}

/// The set that control totals name: `#set,'usage` in a table, `{"#totals":{"set":"usage",…` in JSON lines. Names of sets
/// are ASCII, so GB 18030 reads alike.
fn set_in(end: &[u8]) -> Option<Set> {
    let mut lines = end.split(|byte| *byte == b'\n').rev().filter_map(|line| str::from_utf8(line).ok());
    lines.find_map(|line| {
        if let Some(value) = line.strip_prefix("#set,") {
            // Behind the value stand the empty cells of the other columns.
            let value = value.trim_end().split(',').next().unwrap_or_default();
            return Set::from_name(value.trim_matches('"').trim_start_matches('\''));
        }
        let end: LastLine = serde_json::from_str(line).ok()?;
        Set::from_name(&end.totals.set)
    })
}

/// What ends a file of JSON lines.
#[derive(Deserialize)]
struct LastLine {
    #[serde(rename = "#totals")]
    totals: StatedTotals,
}

/// What a file says of itself.
#[derive(Deserialize)]
struct StatedTotals {
    set: String,
}

/// Bytes at a file's end in which its control totals stand.
const TOTALS_BYTES_MAX: u64 = 64 << 10;

fn hex(totals: &Totals) -> String {
    shuzha_core::hex::encode(&totals.digest())
}

/// Rows, bytes and rate so far.
struct Progress {
    /// Whether a line is a row.
    by_line: bool,
    begun: Timestamp,
    said: Timestamp,
    lines: u64,
    bytes: u64,
}

impl Progress {
    fn new(format: Format) -> Self {
        let now = SystemClock.now();
        let by_line = !matches!(format, Format::Xlsx | Format::Parquet);
        Self { by_line, begun: now, said: now, lines: 0, bytes: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if self.by_line {
            self.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let now = SystemClock.now();
        if now >= self.said.plus(SAID_EVERY) {
            self.said = now;
            self.say();
        }
    }

    fn say(&self) {
        let micros = SystemClock.now().micros_since(self.begun).max(1).unsigned_abs();
        let rate = u128::from(self.bytes) * 1_000_000 / u128::from(micros) / 1_024;
        let lines = if self.by_line { format!("{} 行 lines, ", self.lines) } else { String::new() };
        say(&format!("{lines}{} KiB, {rate} KiB/s", self.bytes / 1_024));
    }
}

/// Writes a paper into a file.
pub(super) fn paper(
    out: &mut Out,
    connection: &Connection,
    (path, form): (&str, Option<u32>),
    to: &Path,
) -> Result<()> {
    let mut page = Vec::new();
    let form = form.map_or_else(String::new, |form| format!("?form={form}"));
    connection.signed_on()?.fetch(&format!("/api/v1/finance/{path}{form}"), &mut |bytes| {
        page.extend_from_slice(bytes);
        if page.len() > PAPER_BYTES_MAX {
            bail!("the paper is longer than {PAPER_BYTES_MAX} bytes")
        }
        Ok(())
    })?;
    NewFile::open(to)?.keep_all(&page)?;
    out.line(&to.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_itself_which_set_it_is() {
        for (end, set) in [
            ("#rows,2\n#set,'usage\n#version,'1\n", Some("usage")),
            ("#set,usage\r\n", Some("usage")),
            ("#set,'lines,,,,\n#period,'2026-01,,,,\n", Some("lines")),
            ("#set,\"'ledger\"\n", Some("ledger")),
            ("{\"a\":1}\n{\"#totals\":{\"set\":\"focus\",\"rows\":\"1\"}}\n", Some("focus")),
            ("#set,'nothing\n", None),
            ("a,b,c\n", None),
            ("", None),
        ] {
            assert_eq!(set_in(end.as_bytes()).map(Set::as_str), set, "{end}");
        }
        // Another line that is no UTF-8 does not matter.
        let gb18030 = [b"\xb2\xe2\xca\xd4,1\n".as_slice(), b"#set,'usage\n"].concat();
        assert_eq!(set_in(&gb18030).map(Set::as_str), Some("usage"));
    }
}
