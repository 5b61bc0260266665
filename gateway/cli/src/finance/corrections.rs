//! Corrections of single lines, by two persons.

use anyhow::Result;
use shuzha_files::terminal::Out;
use shuzha_schema::finance as of;
use shuzha_schema::{Month, Nothing};

use super::super::api::Connection;
use super::super::show::text;
use super::review::DecideArgs;
use super::{all, post, table};

#[derive(clap::Args, Debug)]
pub(crate) struct CorrectLineArgs {
    /// 月份 The month of the line's calls, as 2026-01.
    #[arg(long)]
    month: String,
    /// 应用单位 The unit.
    #[arg(long)]
    unit: String,
    /// 协议 The agreement.
    #[arg(long)]
    agreement: String,
    /// 应用场景 The scenario.
    #[arg(long)]
    scenario: String,
    /// 产品 The product.
    #[arg(long)]
    product: String,
    /// 价格 The price.
    #[arg(long)]
    price: String,
    /// 用途类别 The class of purpose.
    #[arg(long, default_value = "industry")]
    purpose: String,
    /// 计费依据 price, or preferred.
    #[arg(long, default_value = "price")]
    basis: String,
    /// 差额 Yuan more, or with a minus less.
    #[arg(long, allow_hyphen_values = true)]
    amount: String,
    /// 理由 Why; the statement says it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn propose(out: &mut Out, args: &CorrectLineArgs) -> Result<()> {
    let body = of::NewLineCorrection {
        line: of::Line {
            unit: args.unit.clone(),
            agreement: args.agreement.clone(),
            scenario: args.scenario.clone(),
            product: args.product.clone(),
            price: args.price.clone(),
            purpose: args.purpose.clone(),
            basis: args.basis.clone(),
        },
        month: Month::of(&args.month),
        amount: args.amount.clone(),
        reason: args.reason.clone(),
    };
    let found: of::LineCorrection = post(&args.connection, "line-corrections", &body)?;
    out.line(&format!("{} 待另一人批准 to be approved by another person", found.number))
}

pub(super) fn decide(out: &mut Out, args: &DecideArgs, verb: &str) -> Result<()> {
    let path = format!("line-corrections/{}:{verb}", args.number);
    let found: of::LineCorrection = post(&args.connection, &path, &Nothing {})?;
    out.line(&format!("{} {} {}", args.number, found.state, text(found.period)))
}

pub(super) fn list(out: &mut Out, connection: &Connection) -> Result<()> {
    let columns = &[
        "number",
        "month",
        "unit",
        "product",
        "price",
        "amount",
        "state",
        "proposed.by",
        "decided.by",
        "period",
        "reason",
    ];
    table(out, &all::<of::LineCorrection>(connection, "line-corrections")?, columns)
}
