//! Re-rating, payments and reversals, and looking over the ledger.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use shuzha_client::encoded;
use shuzha_core::files::{self, Links};
use shuzha_files::terminal::Out;
use shuzha_schema::Nothing;
use shuzha_schema::finance as of;

use super::super::api::Connection;
use super::super::show::text;
use super::{all, get, post, table};

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
pub(super) fn changes(path: &Path) -> Result<Vec<of::ProposedChange>> {
    let written = files::read_text(path, Links::Follow, CHANGES_BYTES_MAX)
        .with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&written).with_context(|| format!("{}", path.display()))
}

pub(super) fn rerate(out: &mut Out, args: &RerateArgs) -> Result<()> {
    let changes = of::Changes { changes: changes(&args.changes)? };
    let body = of::NewRerating { changes, reason: args.reason.clone() };
    let found = post(&args.connection, &format!("periods/{}:rerate", encoded(&args.month)), &body)?;
    let (number, corrections) = match found {
        of::Proposed::Kept { rerating, corrections } => (Some(rerating.number), corrections),
        of::Proposed::Nothing { corrections, .. } => (None, corrections),
    };
    table(out, &corrections, &["unit", "product", "price", "basis", "exact", "notional", "act"])?;
    match number {
        Some(number) => out.line(&format!("{number} 待另一人批准 to be approved by another person")),
        None => out.line("没有差额，无须更正 it comes to the same; nothing is to be done"),
    }
}

pub(super) fn approve(out: &mut Out, args: &ApproveArgs) -> Result<()> {
    let path = format!("reratings/{}:approve", args.number);
    let found: of::Rerating = post(&args.connection, &path, &Nothing {})?;
    let period = text(found.period);
    out.line(&format!("{} {} 的差额并入 billed with {period}", args.number, found.month))
}

pub(super) fn reratings(out: &mut Out, connection: &Connection) -> Result<()> {
    let columns = &["number", "month", "state", "lines", "proposed.by", "approved.by", "period", "reason"];
    table(out, &all::<of::Rerating>(connection, "reratings")?, columns)
}

pub(super) fn pay(out: &mut Out, args: &PayArgs) -> Result<()> {
    let body = of::NewTransaction {
        kind: args.kind.clone(),
        key: args.key.clone(),
        reason: args.reason.clone(),
        of: Some(args.of.clone()),
        amount: Some(args.amount.clone()),
    };
    posted(out, &args.connection, &body)
}

pub(super) fn reverse(out: &mut Out, args: &ReverseArgs) -> Result<()> {
    let (kind, key, reason) = ("reverse".to_owned(), args.key.clone(), args.reason.clone());
    posted(out, &args.connection, &of::NewTransaction { kind, key, reason, of: None, amount: None })
}

fn posted(out: &mut Out, connection: &Connection, body: &of::NewTransaction) -> Result<()> {
    match post(connection, "transactions", body)? {
        of::Recorded::Proposed(proposal) => {
            out.line(&format!("{} 待另一人批准 to be approved by another person", proposal.number))
        }
        of::Recorded::Posted(posted) => {
            table(out, &posted.entries, &["account", "amount"])?;
            out.line(&posted.key)
        }
    }
}

pub(super) fn proposals(out: &mut Out, connection: &Connection) -> Result<()> {
    let columns =
        &["number", "kind", "of", "amount", "key", "state", "proposed.by", "decided.by", "posted", "reason"];
    table(out, &all::<of::PostingProposal>(connection, "proposals")?, columns)
}

pub(super) fn decide(out: &mut Out, args: &DecideArgs, verb: &str) -> Result<()> {
    let path = format!("proposals/{}:{verb}", args.number);
    let found: of::DecidedPosting = post(&args.connection, &path, &Nothing {})?;
    let entries = found.transaction.map(|transaction| transaction.entries).unwrap_or_default();
    table(out, &entries, &["account", "amount"])?;
    out.line(&format!("{} {} {}", args.number, found.proposal.state, text(found.proposal.posted)))
}

pub(super) fn stopped(out: &mut Out, connection: &Connection) -> Result<()> {
    let found: Vec<of::StoppedPrice> = all(connection, "stopped-prices")?;
    table(out, &found, &["price", "product", "ceiling", "act", "from"])
}

/// Says what the ledger's verification found; an error where it is not whole.
pub(super) fn verify(out: &mut Out, connection: &Connection) -> Result<()> {
    let found: of::Verification = get(connection, "ledger/verification")?;
    let of::Verification { whole, transactions, entries, balance, broken } = found;
    if whole {
        return out.line(&format!(
            "账簿完整 whole: {transactions} 笔 transactions, {entries} 条 entries, 试算平衡 balance 0"
        ));
    }
    let (number, why) = broken.map(|one| (one.number, one.why)).unzip();
    bail!("账簿不完整 not whole: transaction {}: {}; balance {balance} micro-yuan", text(number), text(why))
}
