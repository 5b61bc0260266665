//! `shuzha finance`: usage, the close of periods, statements, shares, the ledger, permitted revenue.

mod corrections;
mod export;
mod review;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::api::Connection;
use super::show::text;
use crate::output::Out;

/// Transactions of one page of the ledger.
const PAGE: usize = 200;

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
    /// 软结 Soft-closes a month that is over: the first of two persons.
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
    /// 数据贡献评价 Shows what providers' data did in a closed period.
    Contributions(MonthArgs),
    /// 分录 Prints the ledger, one JSON object a line.
    Ledger(AllArgs),
    /// 试算平衡 Shows every balance.
    Balances(AllArgs),
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
        ApproveCorrection, ApprovePosting, ApproveRerating, Balances, CheckExport, Close, Confirm,
        Contributions, CorrectLine, Corrections, DeclineCorrection, DeclinePosting, Dispute, Export, Ledger,
        Pay, Period, Permitted, Preview, Proposals, Rerate, Reratings, Resolve, Reverse, ShareBill, Shares,
        SoftClose, Statement, StoppedPrices, Usage, VerifyLedger,
    };
    const STATEMENTS: &[&str] = &["number", "unit", "state", "amounts.gross", "amounts.net", "amounts.tax"];
    const SHARES: &[&str] = &["party", "agreement", "product", "base", "amount"];
    const LINES: &[&str] = &[
        "product",
        "price",
        "basis",
        "month",
        "quantity",
        "exact",
        "amounts.gross",
        "amounts.tax",
        "notional",
    ];

    let month =
        |args: &MonthArgs, part: &str| get(&args.connection, &format!("periods/{}/{part}", args.month));
    match command {
        Period(args) => {
            let path = args.month.as_ref().map_or("periods".to_owned(), |month| format!("periods/{month}"));
            let columns = &["month", "state", "softClosed.by", "closed.by", "digest"];
            table(out, &get(&args.connection, &path)?, columns)
        }
        Usage(args) => {
            let columns = &["hour", "unit", "product", "operation", "basis", "calls", "quantity", "amount"];
            table(out, &month(args, "usage")?, columns)
        }
        Statement(StatementArgs { of, html: Some(to), form, connection }) => {
            export::paper(out, connection, (&format!("statements/{of}/paper"), *form), to)
        }
        ShareBill(BillArgs { number, html: Some(to), form, connection }) => {
            export::paper(out, connection, (&format!("bills/{number}/paper"), *form), to)
        }
        ShareBill(args) => {
            let found = get(&args.connection, &format!("bills/{}", args.number))?;
            table(out, &json!({"items": of_bill(&found)}), SHARES)?;
            table(out, &found, &["number", "month", "party", "amount"])
        }
        Export(args) => export::export(out, args),
        CheckExport(args) => export::check_export(out, args),
        Statement(args) if args.of.len() == "2026-01".len() => {
            let found = get(&args.connection, &format!("periods/{}/statements", args.of))?;
            table(out, &found, STATEMENTS)
        }
        Statement(args) => {
            let found = get(&args.connection, &format!("statements/{}", args.of))?;
            table(out, &json!({"items": [found]}), STATEMENTS)?;
            table(out, &json!({"items": found["lines"]}), LINES)
        }
        Confirm(args) => say(out, args, "confirm"),
        Dispute(args) => say(out, args, "dispute"),
        Resolve(args) => say(out, args, "resolve"),
        SoftClose(args) => {
            let found = post(&args.connection, &format!("periods/{}:soft-close", args.month), None)?;
            out.line(&format!("{} {}", args.month, text(&found["state"])))
        }
        Close(args) => close(out, args),
        Shares(args) => {
            let found = month(args, "shares")?;
            table(out, &found, &["number", "party", "amount"])?;
            let shares: Vec<Value> =
                found["items"].as_array().into_iter().flatten().flat_map(of_bill).collect();
            table(out, &json!({"items": shares}), SHARES)
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
            table(out, &month(args, "contributions")?, columns)
        }
        Ledger(args) => ledger(out, &args.connection),
        Balances(args) => table(out, &get(&args.connection, "balances")?, &["account", "title", "amount"]),
        Permitted(args) => {
            let columns = &[
                "name", "operator", "act", "amount", "carried", "closed", "open", "left", "forecast",
                "reached",
            ];
            table(out, &get(&args.connection, "permitted")?, columns)
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
        Corrections(args) => corrections::all(out, &args.connection),
        VerifyLedger(args) => review::verify(out, &args.connection),
        StoppedPrices(args) => review::stopped(out, &args.connection),
    }
}

/// The shares of a bill, each with its party.
fn of_bill(bill: &Value) -> Vec<Value> {
    let with_party = |share: &Value| {
        let mut share = share.clone();
        share["party"] = bill["party"].clone();
        share
    };
    bill["shares"].as_array().into_iter().flatten().map(with_party).collect()
}

fn get(connection: &Connection, path: &str) -> Result<Value> {
    let answer = connection.signed_on()?.call("GET", &format!("/api/v1/finance/{path}"), None, None)?;
    Ok(answer.body)
}

fn post(connection: &Connection, path: &str, body: Option<&Value>) -> Result<Value> {
    let answer = connection.signed_on()?.call("POST", &format!("/api/v1/finance/{path}"), body, None)?;
    Ok(answer.body)
}

fn say(out: &mut Out, args: &SayArgs, word: &str) -> Result<()> {
    let body = json!({"reason": args.reason});
    let found = post(&args.connection, &format!("statements/{}:{word}", args.number), Some(&body))?;
    out.line(&format!("{} {}", args.number, text(&found["state"])))
}

fn close(out: &mut Out, args: &CloseArgs) -> Result<()> {
    let (month, dry_run) = (&args.of.month, if args.dry_run { "?dry_run=true" } else { "" });
    let found = post(&args.of.connection, &format!("periods/{month}:close{dry_run}"), None)?;
    let closing = &found["closing"];
    table(
        out,
        &json!({"items": closing["statements"]}),
        &["number", "unit", "amounts.gross", "amounts.tax"],
    )?;
    table(out, &json!({"items": closing["bills"]}), &["number", "party", "amount"])?;
    let tried = if args.dry_run { "试算 tried only: " } else { "" };
    let (state, digest) = (text(&found["period"]["state"]), text(&closing["digest"]));
    out.line(&format!("{tried}{month} {state} sha256:{digest}"))
}

fn ledger(out: &mut Out, connection: &Connection) -> Result<()> {
    let mut cursor = String::new();
    loop {
        let page = get(connection, &format!("ledger?limit={PAGE}{cursor}"))?;
        for item in page["items"].as_array().into_iter().flatten() {
            out.line(&item.to_string())?;
        }
        let Some(next) = page["next"].as_str() else { return Ok(()) };
        cursor = format!("&cursor={next}");
    }
}

fn preview(out: &mut Out, args: &PreviewArgs) -> Result<()> {
    let body = json!({"changes": review::changes(&args.changes)?});
    let found = post(&args.of.connection, &format!("periods/{}:preview", args.of.month), Some(&body))?;
    let mut items =
        vec![json!({"what": "合计 total", "now": found["total"]["now"], "then": found["total"]["then"]})];
    for (part, title) in [("units", "单位 unit"), ("parties", "收益方 party"), ("products", "产品 product")]
    {
        for (name, sums) in found[part].as_object().into_iter().flatten() {
            items.push(json!({"what": title, "name": name, "now": sums["now"], "then": sums["then"]}));
        }
    }
    table(out, &json!({"items": items}), &["what", "name", "now", "then"])
}

/// Items as a table, by the paths of their fields; a single object is one item.
fn table(out: &mut Out, found: &Value, columns: &[&str]) -> Result<()> {
    let single = [found.clone()];
    let items = found
        .get("items")
        .map_or(&single[..], |items| items.as_array().map(Vec::as_slice).unwrap_or_default());
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(columns);
    for item in items {
        table.add_row(
            columns
                .iter()
                .map(|path| {
                    path.split('.')
                        .fold(item.clone(), |value, key| value.get(key).cloned().unwrap_or(Value::Null))
                })
                .map(|value| text(&value)),
        );
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
