//! `shuzha suspend`: the emergency stop (Yantai 27, Gansu-O 21) in one line; lifting it is a case like any other.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde::Serialize;
use shuzha_client::Expect;
use shuzha_control::Kind;
use shuzha_core::{Clock as _, SystemClock};
use shuzha_files::terminal::Out;

use super::api::{Connection, put};
use super::apply::consequences;
use super::show;

/// What to stop.
#[derive(Subcommand, Debug)]
pub(crate) enum SuspendCommand {
    /// 数据产品 A product.
    Product(NamedArgs),
    /// 应用单位 An application unit.
    Unit(NamedArgs),
    /// 应用场景 A scenario.
    Scenario(NamedArgs),
    /// 数据集 A data set.
    DataSet(NamedArgs),
    /// 运营机构，仅数据主管部门 An operator with everything under it, the authority alone.
    Operator(NamedArgs),
    /// 授权运营协议，仅数据主管部门 An operating agreement, the authority alone.
    OperatingAgreement(NamedArgs),
    /// 全部，仅数据主管部门 Everything, the authority alone.
    Everything(StopArgs),
}

/// Something with a name.
#[derive(clap::Args, Debug)]
pub(crate) struct NamedArgs {
    /// Its name.
    name: String,
    #[command(flatten)]
    stop: StopArgs,
}

/// How to stop.
#[derive(clap::Args, Debug)]
pub(crate) struct StopArgs {
    /// Why.
    #[arg(long)]
    reason: String,
    /// By when it is to be put right, a date or an instant.
    #[arg(long, value_name = "DATE")]
    rectify_by: Option<String>,
    /// The case's name; made of the time where none is given.
    #[arg(long = "case", value_name = "NAME")]
    case: Option<String>,
    /// Tells who would lose access, and stops nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the command.
pub(super) fn run(out: &mut Out, command: &SuspendCommand) -> Result<()> {
    let (kind, name, args) = match command {
        SuspendCommand::Product(one) => ("Product", Some(&one.name), &one.stop),
        SuspendCommand::Unit(one) => ("ApplicationUnit", Some(&one.name), &one.stop),
        SuspendCommand::Scenario(one) => ("Scenario", Some(&one.name), &one.stop),
        SuspendCommand::DataSet(one) => ("DataSet", Some(&one.name), &one.stop),
        SuspendCommand::Operator(one) => ("Organisation", Some(&one.name), &one.stop),
        SuspendCommand::OperatingAgreement(one) => ("OperatingAgreement", Some(&one.name), &one.stop),
        SuspendCommand::Everything(stop) => ("Everything", None, stop),
    };
    let case = args.case.clone().unwrap_or_else(|| show::fresh_name("stop", SystemClock.now()));
    let suspension = Kind::find("Suspension").context("there is no such kind of case")?;
    let api = args.connection.signed_on()?;
    let spec = serde_json::to_value(spec(kind, name, args))?;
    let change = put(&api, (suspension, &case), &spec, Some(&args.reason), (Expect::New, args.dry_run))?;
    let tried = if args.dry_run { "试办 tried only: " } else { "" };
    let state = show::state(change.object.as_ref());
    out.line(&format!("{tried}Suspension/{case} 紧急停用 emergency stop: {state}"))?;
    consequences(&change.consequences).iter().try_for_each(|line| out.line(&format!("  ! {line}")))
}

/// An emergency stop.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stop<'a> {
    target: Target<'a>,
    emergency: bool,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rectify_by: Option<&'a str>,
}

/// What is stopped.
#[derive(Serialize)]
struct Target<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

fn spec<'a>(kind: &'a str, name: Option<&'a String>, args: &'a StopArgs) -> Stop<'a> {
    let target = Target { kind, name: name.map(String::as_str) };
    Stop { target, emergency: true, reason: &args.reason, rectify_by: args.rectify_by.as_deref() }
}
