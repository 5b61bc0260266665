//! Re-rating, payments and reversals, and looking over the ledger.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use shuzha_core::files::{self, Links};

use super::super::api::Connection;
use super::super::show::text;
use super::{get, post, table};
use crate::output::Out;

#[derive(clap::Args, Debug)]
pub(crate) struct RerateArgs {
    /// The closed month, as 2026-01.
    month: String,
    /// JSON file: a list of prices as they should have been, with `kind`, `name` and `spec`.
    #[arg(long, value_name = "FILE")]
    changes: PathBuf,
    /// 理由 Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ApproveArgs {
    /// Number of the re-rating.
    number: u64,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct DecideArgs {
    /// Number of the proposal.
    pub(super) number: u64,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct PayArgs {
    /// 种类 prepay 预付, draw 预付抵扣, pay 付款; 须另一人批准 approved by another person: pay-out 分成支付, refund 退还预付.
    #[arg(value_parser = ["prepay", "draw", "pay", "pay-out", "refund"])]
    kind: String,
    /// 对方 The unit, or for pay-out the party.
    #[arg(long)]
    of: String,
    /// 金额 Yuan, with at most two decimals.
    #[arg(long)]
    amount: String,
    /// 凭证键 Names the payment for good: the bank's number of the transfer. Posting it again changes nothing.
    #[arg(long)]
    key: String,
    /// 摘要 Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ReverseArgs {
    /// 凭证键 Key of the transaction, as `shuzha finance ledger` prints it.
    key: String,
    /// 理由 Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Largest list of changes.
const CHANGES_BYTES_MAX: u64 = 16 << 20;

/// A list of objects as they would be.
pub(super) fn changes(path: &Path) -> Result<Value> {
    let written = files::read_text(path, Links::Follow, CHANGES_BYTES_MAX)
        .with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&written).with_context(|| format!("{}", path.display()))
}

pub(super) fn rerate(out: &mut Out, args: &RerateArgs) -> Result<()> {
    let body = json!({"changes": changes(&args.changes)?, "reason": args.reason});
    let found = post(&args.connection, &format!("periods/{}:rerate", args.month), Some(&body))?;
    let columns = &["unit", "product", "price", "basis", "exact", "notional", "act"];
    table(out, &json!({"items": found["corrections"]}), columns)?;
    match found["number"].as_u64() {
        Some(number) => out.line(&format!("{number} 待另一人批准 to be approved by another person")),
        None => out.line("没有差额，无须更正 it comes to the same; nothing is to be done"),
    }
}

pub(super) fn approve(out: &mut Out, args: &ApproveArgs) -> Result<()> {
    let found = post(&args.connection, &format!("reratings/{}:approve", args.number), None)?;
    let (month, period) = (text(&found["month"]), text(&found["period"]));
    out.line(&format!("{} {month} 的差额并入 billed with {period}", args.number))
}

pub(super) fn reratings(out: &mut Out, connection: &Connection) -> Result<()> {
    let columns = &["number", "month", "state", "lines", "proposed.by", "approved.by", "period", "reason"];
    table(out, &get(connection, "reratings")?, columns)
}

pub(super) fn pay(out: &mut Out, args: &PayArgs) -> Result<()> {
    let PayArgs { kind, of, amount, key, reason, connection } = args;
    let body = json!({"kind": kind, "of": of, "amount": amount, "key": key, "reason": reason});
    posted(out, connection, &body)
}

pub(super) fn reverse(out: &mut Out, args: &ReverseArgs) -> Result<()> {
    posted(out, &args.connection, &json!({"kind": "reverse", "key": args.key, "reason": args.reason}))
}

fn posted(out: &mut Out, connection: &Connection, body: &Value) -> Result<()> {
    let found = post(connection, "transactions", Some(body))?;
    if let Some(number) = found["number"].as_u64() {
        return out.line(&format!("{number} 待另一人批准 to be approved by another person"));
    }
    table(out, &json!({"items": found["entries"]}), &["account", "amount"])?;
    out.line(&text(&found["key"]))
}

pub(super) fn proposals(out: &mut Out, connection: &Connection) -> Result<()> {
    let columns =
        &["number", "kind", "of", "amount", "key", "state", "proposed.by", "decided.by", "posted", "reason"];
    table(out, &get(connection, "proposals")?, columns)
}

pub(super) fn decide(out: &mut Out, args: &DecideArgs, verb: &str) -> Result<()> {
    let found = post(&args.connection, &format!("proposals/{}:{verb}", args.number), None)?;
    table(out, &json!({"items": found["transaction"]["entries"]}), &["account", "amount"])?;
    out.line(&format!("{} {} {}", args.number, text(&found["state"]), text(&found["posted"])))
}

pub(super) fn stopped(out: &mut Out, connection: &Connection) -> Result<()> {
    table(out, &get(connection, "stopped-prices")?, &["price", "product", "ceiling", "act", "from"])
}

/// Says what the ledger's verification found; an error where it is not whole.
pub(super) fn verify(out: &mut Out, connection: &Connection) -> Result<()> {
    let found = get(connection, "ledger/verification")?;
    let (transactions, entries) = (text(&found["transactions"]), text(&found["entries"]));
    if found["whole"] == true {
        return out.line(&format!(
            "账簿完整 whole: {transactions} 笔 transactions, {entries} 条 entries, 试算平衡 balance 0"
        ));
    }
    let broken = &found["broken"];
    bail!(
        "账簿不完整 not whole: transaction {}: {}; balance {} micro-yuan",
        text(&broken["number"]),
        text(&broken["why"]),
        text(&found["balance"])
    )
}
