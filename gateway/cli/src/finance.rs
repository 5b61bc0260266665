//! `shuzha finance`: usage, the close of periods, statements, shares, the ledger, permitted revenue.

mod corrections;
mod export;
mod paper;
mod review;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shuzha_client::{encoded, with_query};
use shuzha_files::terminal::Out;
use shuzha_pricing::closing::rated::FIELDS;
use shuzha_schema::finance as of;
use shuzha_schema::object::Reasoned;
use shuzha_schema::{List, Nothing};

use super::api::{Connection, tried};
use super::show::{NOTHING, value_text};

/// What to do with money.
#[derive(Subcommand, Debug)]
pub(crate) enum FinanceCommand {
    /// 账期 Shows every period, or one.
    Period(MonthOrAll),
    /// 用量 Shows a month's usage, added up by line.
    Usage(MonthArgs),
    /// 结算单 Shows the statements of a closed period, or one with its lines.
    Statement(StatementArgs),
    /// 确认 Confirms a statement of one's own unit.
    Confirm(SayArgs),
    /// 异议 Disputes a statement of one's own unit.
    Dispute(SayArgs),
    /// 答复异议 Answers a dispute.
    Resolve(SayArgs),
    /// 预结账 Soft-closes a month that is over: the first of two persons.
    SoftClose(MonthArgs),
    /// 结账 Closes a period: the second of two persons.
    Close(CloseArgs),
    /// 收益分配账单 Shows the share bills of a closed period.
    Shares(MonthArgs),
    /// 收益分配账单 Shows one share bill, or prints it.
    ShareBill(BillArgs),
    /// 导出 Fetches rows as a file and checks it.
    Export(export::ExportArgs),
    /// 核对导出文件 Checks a file against its own seals and control totals.
    CheckExport(export::CheckExportArgs),
    /// 核对结算单、账单 Checks a paper that was handed out against the closed period.
    CheckPaper(paper::CheckPaperArgs),
    /// 数据贡献评价 Shows what providers' data did in a closed period.
    Contributions(MonthArgs),
    /// 分录 Prints the ledger, one JSON object a line.
    Ledger(AllArgs),
    /// 试算平衡 Shows every balance, as it is or as it stood at some instant.
    Balances(BalancesArgs),
    /// 最高准许收入 Shows how far permitted revenue is used.
    Permitted(AllArgs),
    /// 收付款 Posts a payment, once for its key; proposes one that pays money out.
    Pay(review::PayArgs),
    /// 红冲 Proposes to take a payment back by its mirror.
    Reverse(review::ReverseArgs),
    /// 待批收付 Shows postings that two persons make.
    Proposals(AllArgs),
    /// 批准付款或红冲 Approves a proposed posting: the second of two persons.
    ApprovePosting(review::DecideArgs),
    /// 否决或撤回 Declines a proposed posting, or withdraws one's own.
    DeclinePosting(review::DecideArgs),
    /// 重新计费 Proposes to correct prices of a closed month: the first of two persons.
    Rerate(review::RerateArgs),
    /// 批准重新计费 Approves a re-rating: the second of two persons.
    ApproveRerating(review::ApproveArgs),
    /// 重新计费一览 Shows every re-rating.
    Reratings(AllArgs),
    /// 单行更正 Proposes to correct one line of a month, open or closed: the first of two persons.
    CorrectLine(corrections::CorrectLineArgs),
    /// 批准单行更正 Approves a correction of a line: the second of two persons.
    ApproveCorrection(review::DecideArgs),
    /// 否决或撤回单行更正 Declines a correction of a line, or withdraws one's own.
    DeclineCorrection(review::DecideArgs),
    /// 单行更正一览 Shows every correction of a line.
    Corrections(AllArgs),
    /// 账簿核验 Checks every link, sum and route of the ledger.
    VerifyLedger(AllArgs),
    /// 停用价格 Shows prices that a ceiling stops.
    StoppedPrices(AllArgs),
    /// 测算 Shows what changed prices, ceilings or splits would have come to on a period's usage.
    Preview(PreviewArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct AllArgs {
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct BalancesArgs {
    /// 时点 As they stood: a date (its first instant), or an instant as 2026-03-03T12:00:00+08:00.
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct MonthArgs {
    /// The month, as 2026-01.
    month: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct MonthOrAll {
    /// The month, as 2026-01; every month where none is given.
    month: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct CloseArgs {
    /// Works the close out and stores nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    of: MonthArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct BillArgs {
    /// Number of the bill.
    number: String,
    /// Writes it as a paper into this HTML file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The form in which the paper was handed out; that of today where none is given.
    #[arg(long, requires = "html")]
    form: Option<u32>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct StatementArgs {
    /// A month, as 2026-01, or the number of one statement.
    of: String,
    /// Writes the statement as a paper into this HTML file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The form in which the paper was handed out; that of today where none is given.
    #[arg(long, requires = "html")]
    form: Option<u32>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct SayArgs {
    /// Number of the statement.
    number: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    of: MonthArgs,
    /// JSON file: a list of objects with `kind`, `name` and `spec`.
    #[arg(long, value_name = "FILE")]
    changes: PathBuf,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &FinanceCommand) -> Result<()> {
    use FinanceCommand::{
        ApproveCorrection, ApprovePosting, ApproveRerating, Balances, CheckExport, CheckPaper, Close,
        Confirm, Contributions, CorrectLine, Corrections, DeclineCorrection, DeclinePosting, Dispute, Export,
        Ledger, Pay, Period, Permitted, Preview, Proposals, Rerate, Reratings, Resolve, Reverse, ShareBill,
        Shares, SoftClose, Statement, StoppedPrices, Usage, VerifyLedger,
    };
    const STATEMENTS: &[&str] = &["number", "unit", "state", "amounts.gross", "amounts.net", "amounts.tax"];
    const SHARES: &[&str] = &["party", "agreement", "product", "base", "amount"];

    match command {
        Period(args) => {
            let found = match &args.month {
                None => all(&args.connection, "periods")?,
                Some(month) => {
                    vec![get::<of::Period>(&args.connection, &format!("periods/{}", encoded(month)))?]
                }
            };
            table(out, &found, &["month", "state", "softClosed.by", "closed.by", "digest"])
        }
        Usage(args) => {
            let columns = &["hour", "unit", "product", "operation", "basis", "calls", "quantity", "amount"];
            table(out, &part::<of::Usage>(args, "usage")?, columns)
        }
        Statement(StatementArgs { of, html: Some(to), form, connection }) => {
            export::paper(out, connection, (&format!("statements/{}/paper", encoded(of)), *form), to)
        }
        ShareBill(BillArgs { number, html: Some(to), form, connection }) => {
            export::paper(out, connection, (&format!("bills/{}/paper", encoded(number)), *form), to)
        }
        ShareBill(args) => {
            let found: of::WholeBill = get(&args.connection, &format!("bills/{}", encoded(&args.number)))?;
            table(out, &of_bill(&found.bill).collect::<Vec<_>>(), SHARES)?;
            table(out, &[found], &["number", "month", "party", "amount"])
        }
        Export(args) => export::export(out, args),
        CheckExport(args) => export::check_export(out, args),
        CheckPaper(args) => paper::check_paper(out, args),
        Statement(args) if args.of.len() == "2026-01".len() => {
            let path = format!("periods/{}/statements", encoded(&args.of));
            table(out, &all::<of::Statement>(&args.connection, &path)?, STATEMENTS)
        }
        Statement(args) => {
            let found: of::WholeStatement =
                get(&args.connection, &format!("statements/{}", encoded(&args.of)))?;
            table(out, &[found.statement], STATEMENTS)?;
            let listed = FIELDS.iter().filter(|field| field.is_listed).map(|field| field.path);
            table(out, &found.lines, &listed.collect::<Vec<_>>())
        }
        Confirm(args) => say(out, args, "confirm"),
        Dispute(args) => say(out, args, "dispute"),
        Resolve(args) => say(out, args, "resolve"),
        SoftClose(args) => {
            let path = format!("periods/{}:soft-close", encoded(&args.month));
            let found: of::Period = post(&args.connection, &path, &Nothing {})?;
            out.line(&format!("{} {}", args.month, found.state))
        }
        Close(args) => close(out, args),
        Shares(args) => {
            let found: Vec<of::Bill> = part(args, "shares")?;
            table(out, &found, &["number", "party", "amount"])?;
            table(out, &found.iter().flat_map(of_bill).collect::<Vec<_>>(), SHARES)
        }
        Contributions(args) => {
            let columns = &[
                "party",
                "product",
                "calls",
                "records",
                "charged",
                "units",
                "scenarios",
                "tickets",
                "faults",
                "revenue",
                "notional",
                "share",
            ];
            table(out, &part::<of::Contribution>(args, "contributions")?, columns)
        }
        Ledger(args) => ledger(out, &args.connection),
        Balances(args) => {
            let as_of: Vec<_> = args.as_of.iter().map(|at| ("as_of", at.as_str())).collect();
            let found: Vec<of::Balance> = all(&args.connection, &with_query("balances", &as_of))?;
            table(out, &found, &["account", "title", "amount"])
        }
        Permitted(args) => {
            let columns = &[
                "name", "operator", "act", "amount", "carried", "closed", "open", "left", "forecast",
                "reached",
            ];
            table(out, &all::<of::Permitted>(&args.connection, "permitted")?, columns)
        }
        Preview(args) => preview(out, args),
        Pay(args) => review::pay(out, args),
        Reverse(args) => review::reverse(out, args),
        Proposals(args) => review::proposals(out, &args.connection),
        ApprovePosting(args) => review::decide(out, args, "approve"),
        DeclinePosting(args) => review::decide(out, args, "decline"),
        Rerate(args) => review::rerate(out, args),
        ApproveRerating(args) => review::approve(out, args),
        Reratings(args) => review::reratings(out, &args.connection),
        CorrectLine(args) => corrections::propose(out, args),
        ApproveCorrection(args) => corrections::decide(out, args, "approve"),
        DeclineCorrection(args) => corrections::decide(out, args, "decline"),
        Corrections(args) => corrections::list(out, &args.connection),
        VerifyLedger(args) => review::verify(out, &args.connection),
        StoppedPrices(args) => review::stopped(out, &args.connection),
    }
}

/// A share, and whose it is.
#[derive(Serialize)]
struct PartyShare<'a> {
    party: &'a str,
    #[serde(flatten)]
    share: &'a of::Share,
}

/// The shares of a bill, each with its party.
fn of_bill(bill: &of::Bill) -> impl Iterator<Item = PartyShare<'_>> {
    bill.shares.iter().map(|share| PartyShare { party: &bill.party, share })
}

fn get<T: DeserializeOwned>(connection: &Connection, path: &str) -> Result<T> {
    Ok(connection.signed_on()?.get(&format!("/api/v1/finance/{path}"))?)
}

/// A list that is answered whole.
fn all<T: DeserializeOwned>(connection: &Connection, path: &str) -> Result<Vec<T>> {
    get(connection, path).map(|list: List<T>| list.items)
}

/// A part of a period.
fn part<T: DeserializeOwned>(args: &MonthArgs, part: &str) -> Result<Vec<T>> {
    all(&args.connection, &format!("periods/{}/{part}", encoded(&args.month)))
}

fn post<T: DeserializeOwned>(connection: &Connection, path: &str, body: &impl Serialize) -> Result<T> {
    Ok(connection.signed_on()?.post(&format!("/api/v1/finance/{path}"), body)?)
}

fn say(out: &mut Out, args: &SayArgs, word: &str) -> Result<()> {
    let path = format!("statements/{}:{word}", encoded(&args.number));
    let found: of::Statement = post(&args.connection, &path, &Reasoned::of(&args.reason))?;
    out.line(&format!("{} {}", args.number, found.state))
}

fn close(out: &mut Out, args: &CloseArgs) -> Result<()> {
    let month = &args.of.month;
    let path = tried(format!("periods/{}:close", encoded(month)), args.dry_run);
    let of::Close { period, closing } = post(&args.of.connection, &path, &Nothing {})?;
    table(out, &closing.statements, &["number", "unit", "amounts.gross", "amounts.tax"])?;
    table(out, &closing.bills, &["number", "party", "amount"])?;
    let tried = if args.dry_run { "试算 tried only: " } else { "" };
    out.line(&format!("{tried}{month} {} sha256:{}", period.state, closing.digest))
}

fn ledger(out: &mut Out, connection: &Connection) -> Result<()> {
    connection
        .signed_on()?
        .each("/api/v1/finance/ledger", &[], |posted: Value| out.line(&posted.to_string()).map(|()| true))
}

/// An effect in one row.
#[derive(Serialize)]
struct Effect<'a> {
    what: &'a str,
    name: Option<&'a str>,
    #[serde(flatten)]
    sums: &'a of::Sums,
}

fn preview(out: &mut Out, args: &PreviewArgs) -> Result<()> {
    let body = of::Changes { changes: review::changes(&args.changes)? };
    let path = format!("periods/{}:preview", encoded(&args.of.month));
    let found: of::Preview = post(&args.of.connection, &path, &body)?;
    let mut items = vec![Effect { what: "合计 total", name: None, sums: &found.total }];
    let parts =
        [("单位 unit", &found.units), ("收益方 party", &found.parties), ("产品 product", &found.products)];
    for (what, part) in parts {
        items.extend(part.iter().map(|(name, sums)| Effect { what, name: Some(name), sums }));
    }
    table(out, &items, &["what", "name", "now", "then"])
}

/// Items as a table, by the paths of their fields.
fn table(out: &mut Out, items: &[impl Serialize], columns: &[&str]) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(columns);
    for item in items {
        let item = serde_json::to_value(item)?;
        table.add_row(columns.iter().map(|path| {
            let value = path.split('.').try_fold(&item, |value, key| value.get(key));
            value.map_or_else(|| NOTHING.to_owned(), value_text)
        }));
    }
    for (at, name) in columns.iter().enumerate() {
        let number = ["gross", "net", "tax", "amount", "exact", "base", "now", "then", "calls", "quantity"]
            .iter()
            .any(|end| name.ends_with(end));
        if let Some(column) = table.column_mut(at).filter(|_| number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.line(&table.to_string())
}
