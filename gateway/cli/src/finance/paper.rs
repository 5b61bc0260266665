//! `shuzha finance check-paper`: whether a paper that was handed out is what the closed period says, in whichever form it was printed.
//!
//! A paper in HTML is compared byte for byte with what the gateway prints of the same number, in every form that it knows. One that
//! exists as PDF or on paper alone has no bytes to compare: its number, digest and amount do, as they were read off it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use shuzha_client::{ClientError, encoded};
use shuzha_core::files::{self, Links};
use shuzha_core::{Code, Fen};
use shuzha_schema::finance as of;

use super::super::api::Connection;
use super::get;
use shuzha_files::terminal::Out;

/// Longest paper, in bytes.
pub(super) const PAPER_BYTES_MAX: usize = 256 << 20;

/// Most forms that are asked for: a server that knew more would be one that refuses none.
const FORMS_MAX: u32 = 1_000;

#[derive(clap::Args, Debug)]
pub(crate) struct CheckPaperArgs {
    /// 纸张 The paper, as an HTML file.
    #[arg(required_unless_present = "number", conflicts_with = "number")]
    file: Option<PathBuf>,
    /// 编号 Number of a paper that exists as PDF or on paper: `JS-2026-01-bank`, `FP-2026-01-police`.
    #[arg(long, requires_all = ["digest", "amount"])]
    number: Option<String>,
    /// 结账摘要 The digest of the close, as it stands on that paper.
    #[arg(long, requires = "number")]
    digest: Option<String>,
    /// 合计 What it comes to, as it stands on that paper: 8670.00.
    #[arg(long, requires = "number", allow_hyphen_values = true)]
    amount: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Compares the paper with the closed period.
pub(super) fn check_paper(out: &mut Out, args: &CheckPaperArgs) -> Result<()> {
    match (&args.file, &args.number, &args.digest, &args.amount) {
        (Some(file), ..) => check_file(out, &args.connection, file),
        (None, Some(number), Some(digest), Some(amount)) => {
            check_words(out, &args.connection, number, (digest, amount))
        }
        _ => bail!("a file, or --number with --digest and --amount"),
    }
}

fn check_file(out: &mut Out, connection: &Connection, file: &Path) -> Result<()> {
    let shown = || format!("cannot read {}", file.display());
    let paper = match files::read_text(file, Links::Follow, PAPER_BYTES_MAX as u64) {
        // A PDF is no text, and told as one below.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => String::new(),
        read => read.with_context(shown)?,
    };
    let number = number_of(&paper).with_context(|| {
        format!(
            "{}: 不是结算单或收益分配账单的 HTML，纸质或 PDF 请用 --number is no statement or share bill in HTML; of PDF and paper compare --number",
            file.display()
        )
    })?;
    let path = place(number)?;
    let api = connection.signed_on()?;
    let compared = compare(&paper, |form| {
        let mut page = Vec::new();
        let fetched = api.fetch(&format!("/api/v1/finance/{path}/paper?form={form}"), &mut |bytes| {
            page.extend_from_slice(bytes);
            ensure!(page.len() <= PAPER_BYTES_MAX, "the paper is longer than {PAPER_BYTES_MAX} bytes");
            Ok(())
        });
        match fetched {
            Ok(_) => Ok(Some(String::from_utf8(page)?)),
            Err(error) => match error.downcast_ref::<ClientError>() {
                // The first form that there is not.
                Some(ClientError::Refused(refused)) if form > 1 && refused.code() == Code::C1001.as_str() => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    })?;
    match compared {
        Compared::Same(form) => {
            out.line(&format!("{number} 与已结账期相符 is what the closed period says, in form {form}"))
        }
        Compared::Other { form, line, has, is } => bail!(
            "{number}: 与已结账期不符 is not what the closed period says (form {form}): 第 {line} 行 line {line}:\n  纸面 it has   {has}\n  应为 it is    {is}"
        ),
    }
}

/// Compares what was read off a paper.
fn check_words(
    out: &mut Out,
    connection: &Connection,
    number: &str,
    (digest, amount): (&str, &str),
) -> Result<()> {
    let stated: Fen = amount.replace(',', "").parse().context("--amount")?;
    let path = place(number)?;
    let (month, is) = if number.starts_with(STATEMENT) {
        let found: of::WholeStatement = get(connection, &path)?;
        (found.statement.month, found.statement.amounts.gross)
    } else {
        let found: of::WholeBill = get(connection, &path)?;
        (found.month, found.bill.amount)
    };
    let period: of::Period = get(connection, &format!("periods/{}", encoded(&month.to_string())))?;
    let closed = period.digest.context("the period is not closed")?;
    ensure!(
        closed.as_str().eq_ignore_ascii_case(digest.trim()),
        "{number}: 结账摘要不符 the digest is not that of the closed period, which is {closed}"
    );
    ensure!(
        is.as_str().parse::<Fen>().is_ok_and(|is| is == stated),
        "{number}: 金额不符 the amount is not that of the closed period, which is {is}"
    );
    out.line(&format!("{number} 编号、金额与结账摘要相符 number, amount and digest are those of {month}"))
}

const STATEMENT: &str = "JS-";
const BILL: &str = "FP-";

/// Where the statement or bill of this number is, in the API.
fn place(number: &str) -> Result<String> {
    match number {
        _ if number.starts_with(STATEMENT) => Ok(format!("statements/{}", encoded(number))),
        _ if number.starts_with(BILL) => Ok(format!("bills/{}", encoded(number))),
        _ => bail!("{number}: 不是结算单或收益分配账单的编号 is no number of a statement or share bill"),
    }
}

/// The number that a paper states.
fn number_of(paper: &str) -> Option<&str> {
    let (_, rest) = paper.split_once("<span>编号：")?;
    let (number, _) = rest.split_once("</span>")?;
    Some(number).filter(|number| number.starts_with(STATEMENT) || number.starts_with(BILL))
}

/// How a paper compares with what is printed.
#[derive(Debug, PartialEq, Eq)]
enum Compared {
    /// It is the same, in this form.
    Same(u32),
    /// It is none; the first line in which it is another than the form that is most like it.
    Other { form: u32, line: usize, has: String, is: String },
}

/// Compares `paper` with every form that `print` prints; none where there is no such form.
fn compare(paper: &str, mut print: impl FnMut(u32) -> Result<Option<String>>) -> Result<Compared> {
    let mut nearest: Option<(usize, Compared)> = None;
    for form in 1..FORMS_MAX {
        let Some(printed) = print(form)? else { break };
        if printed == paper {
            return Ok(Compared::Same(form));
        }
        let (count, first) = difference(paper, &printed);
        if nearest.as_ref().is_none_or(|(fewest, _)| count < *fewest) {
            let (line, has, is) = first;
            nearest = Some((count, Compared::Other { form, line, has, is }));
        }
    }
    nearest.map(|(_, other)| other).context("the gateway prints no form of it")
}

/// A line's number, and what it is in the one and the other.
type Differing = (usize, String, String);

/// In how many lines they differ, and the first of these.
fn difference(paper: &str, printed: &str) -> (usize, Differing) {
    let (mut has, mut is) = (paper.split('\n'), printed.split('\n'));
    let (mut count, mut first) = (0, None);
    for line in 1.. {
        let (one, other) = (has.next(), is.next());
        if one.is_none() && other.is_none() {
            break;
        }
        if one != other {
            count += 1;
            let text = |text: Option<&str>| text.unwrap_or("—").trim_end_matches('\r').to_owned();
            first.get_or_insert_with(|| (line, text(one), text(other)));
        }
    }
    (count, first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(form: u32) -> Result<Option<String>> {
        let paper =
            |more: &str| format!("<span>编号：JS-2026-01-bank</span>\n<td>99.90</td>\n{more}</html>\n");
        Ok(match form {
            1 => Some(paper("")),
            2 => Some(paper("<h2>无偿使用的条件</h2>\n")),
            _ => None,
        })
    }

    #[test]
    fn g3_a_paper_is_found_in_its_form_and_an_altered_one_is_told_by_its_line() {
        for form in [1, 2] {
            let paper = forms(form).unwrap().unwrap();
            assert_eq!(number_of(&paper), Some("JS-2026-01-bank"));
            assert_eq!(compare(&paper, forms).unwrap(), Compared::Same(form));
            let altered = paper.replace("99.90", "9.99");
            let wanted = Compared::Other {
                form,
                line: 2,
                has: "<td>9.99</td>".to_owned(),
                is: "<td>99.90</td>".to_owned(),
            };
            assert_eq!(compare(&altered, forms).unwrap(), wanted);
        }
        // What was added behind the end is told as well.
        let longer = forms(1).unwrap().unwrap() + "<p>免税</p>";
        assert!(matches!(compare(&longer, forms).unwrap(), Compared::Other { line: 4, .. }));
        assert!(compare("", |_| Ok(None)).is_err());
    }

    #[test]
    fn only_papers_of_this_software_have_a_place() {
        assert_eq!(place("JS-2026-01-bank").unwrap(), "statements/JS-2026-01-bank");
        assert_eq!(place("FP-2026-01-police").unwrap(), "bills/FP-2026-01-police");
        assert!(place("HC-1").is_err());
        assert_eq!(number_of("<span>编号：../../x</span>"), None);
        assert_eq!(number_of("%PDF-1.7"), None);
    }
}
