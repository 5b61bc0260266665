//! 对账 `shuzha verify reconcile`: a month's bills worked out again from the log's entries, to the 分.
//!
//! What is needed is on the table: a copy of the log, its public keys, the price acts and agreements as `shuzha dump` writes them, and the
//! bills — exports (`docs/exports.md`) or what the API answered. The log is checked first, whole; then every answered call is counted as the
//! close counted it, rated and shared by the same rules, and every figure of every bill compared. Nothing of the node's own sums is believed.

mod bills;
mod recount;
mod sheet;
mod terms;

use std::path::PathBuf;

use shuzha_core::{Id, hex};
use shuzha_evidence::Entry;
use shuzha_evidence::merkle::Sha256;
use shuzha_evidence::verify::for_each_entry;
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Closing, Input, close};
use shuzha_pricing::rerating::Correction;

use bills::Given;
use recount::{Closes, Recount};
use sheet::{Sheet, Sheets};
use shuzha_files::terminal::Out;
use shuzha_verify::whole::{check_log, threads};
use shuzha_verify::{CopyArgs, Trouble, copy};

/// Most differences that are shown.
const SHOWN_MAX: usize = 100;

/// What to reconcile.
#[derive(clap::Args, Debug)]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    copy: CopyArgs,
    /// The period, as 2026-01.
    #[arg(long)]
    month: String,
    /// File or folder of prices, ceilings, tax rates, products, data sets and agreements, as `shuzha dump` writes them. May be repeated.
    #[arg(long = "terms", required = true)]
    terms: Vec<PathBuf>,
    /// A bill: an export of lines, statements, shares or contributions (CSV, JSON lines), or what the API answered. May be repeated.
    #[arg(long = "bill", required = true)]
    bills: Vec<PathBuf>,
    /// What the API answers for the periods: which months are closed, and up to which record. Without it no month counts as closed.
    #[arg(long)]
    periods: Option<PathBuf>,
    /// Only the bills of these units and parties; otherwise each bill must have everyone's. May be repeated.
    #[arg(long)]
    only: Vec<Id>,
}

/// Recomputes the month and compares.
pub(super) fn run(out: &mut Out, args: &ReconcileArgs) -> Result<(), Trouble> {
    let month: Month = args
        .month
        .parse()
        .map_err(|_| Trouble::Usage(format!("{}: 不是月份 is not a month such as 2026-01", args.month)))?;
    let policy = args.copy.policy()?;
    let mut terms = terms::read(&args.terms)?;
    let closes = args.periods.as_deref().map(Closes::read).transpose()?.unwrap_or_default();
    let given: Vec<Given> = args.bills.iter().map(|path| bills::read(path)).collect::<Result<_, _>>()?;

    let mut recount = Recount::new(month, &closes);
    let mut entries = 0;
    for (name, log) in copy::logs(&args.copy.folder)? {
        let (head, checked) = check_log::<Sha256>(&log, &policy, (0, None), threads(None))
            .map_err(|trouble| trouble.within(&name))?;
        if checked.unknown > 0 {
            let text = format!("{name}: {} 条记录本软件不识 entries cannot be read", checked.unknown);
            return Err(Trouble::Incomplete(text));
        }
        let mut failed = None;
        for_each_entry(&log, head.size, 0..head.size, |index, bytes| {
            if failed.is_none()
                && let Ok(entry) = Entry::decode(bytes)
            {
                failed = recount.visit(entries + index + 1, &entry, bytes).err();
            }
        })?;
        if let Some(reason) = failed {
            return Err(Trouble::Bad(format!("{name}: {reason}")));
        }
        entries += head.size;
    }
    let mut corrections: Vec<Correction> = given.iter().flat_map(Given::corrections).collect();
    corrections.sort_by(|a, b| (&a.line, a.month).cmp(&(&b.line, b.month)));
    corrections.dedup();
    terms.quality.extend(given.iter().flat_map(Given::qualities));
    let closing = work_out(month, recount, (&terms, &corrections))?;
    let differences = compare(&given, &closing, &args.only, &closes)?;
    for difference in differences.iter().take(SHOWN_MAX) {
        out.line(difference)?;
    }
    if let Some(first) = differences.first() {
        return Err(Trouble::Bad(format!("{} 处不符 differences, the first: {first}", differences.len())));
    }
    tell(out, &closing, entries)?;
    if !corrections.is_empty() {
        out.line(&format!(
            "  其中 {0} 行更正按所列计入：其差额由两人按所列文号或更正案裁定，不由本月调用得出 {0} corrections are taken as they are stated: two persons \
             decided on them by the acts or cases named, no call of this month leads to them",
            corrections.len()
        ))?;
    }
    Ok(())
}

fn work_out(
    month: Month,
    recount: Recount,
    (terms, corrections): (&shuzha_pricing::closing::Terms, &[Correction]),
) -> Result<Closing, Trouble> {
    let from = recount.finish().map_err(Trouble::Bad)?;
    let input =
        Input { month, rows: &from.rows, before: &from.before, trees: &from.trees, corrections, terms };
    close(&input).map_err(|faults| {
        let reasons: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Trouble::Incomplete(format!(
            "以这些价格与协议无法计算 these terms do not rate it: {}",
            reasons.join("; ")
        ))
    })
}

/// Everything in which the bills are not what the entries come to.
fn compare(given: &[Given], closing: &Closing, only: &[Id], closes: &Closes) -> Result<Vec<String>, Trouble> {
    let expected = Sheets::of(closing);
    let mut differences = Vec::new();
    for one in given {
        one.compare(&expected, only, &mut differences);
    }
    if let Some(close) = closes.of(closing.month) {
        match &close.digest {
            None => {
                let text = format!("{}: 尚未结账 this month is not closed", closing.month);
                return Err(Trouble::Incomplete(text));
            }
            Some(digest) if is_borne(closing, digest) => {}
            // What tickets said of the data is a figure of the period, and in no record of calls.
            Some(_) if differences.is_empty() && given.iter().all(|one| one.qualities().next().is_none()) => {
                return Err(Trouble::Incomplete(format!(
                    "period {}: 摘要涵盖数据贡献评价，请以 --bill 一并提供 its digest covers contributions: give them with --bill \
                     (shuzha finance export contributions)",
                    closing.month
                )));
            }
            Some(digest) => differences.push(format!(
                "period {}: digest: 账期记作 it states {digest}，应为 it is {}",
                closing.month,
                hex::encode(&closing.digest)
            )),
        }
    }
    Ok(differences)
}

/// Whether the month's figures have this digest, by whichever version it was closed.
fn is_borne(closing: &Closing, digest: &str) -> bool {
    hex::decode(digest).is_some_and(|digest| closing.bears(&digest).is_some())
}

fn tell(out: &mut Out, closing: &Closing, entries: u64) -> anyhow::Result<()> {
    let calls: u64 = closing.lines.iter().map(|line| line.calls).sum();
    let gross: i128 = closing.lines.iter().map(|line| i128::from(line.taxed.gross.count())).sum();
    let shares: i128 = closing.shares.iter().map(|share| i128::from(share.amount.count())).sum();
    let yuan =
        |fen: i128| format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.abs() / 100, fen.abs() % 100);
    out.line(&format!(
        "账实相符 GOOD: {} 共 {calls} 次调用，应收 {} 元，分成 {} 元 calls {calls}, statements {}, shares {}",
        closing.month,
        yuan(gross),
        yuan(shares),
        yuan(gross),
        yuan(shares)
    ))?;
    for sheet in Sheet::ALL {
        let rows = Sheets::of(closing).rows(sheet).len();
        out.line(&format!("  {}: {rows}", sheet.title()))?;
    }
    out.line(&format!("  已验记录 entries checked: {entries}"))?;
    out.line(&format!("  摘要 digest of the period: {}", hex::encode(&closing.digest)))
}
