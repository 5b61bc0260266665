//! `shuzha verify`: the checks of [`shuzha_verify`], and those that need what only this binary has: the register's acts and the money rules.

mod reconcile;
mod register;

use std::path::Path;
use std::process::ExitCode;

use shuzha_files::terminal::Out;
use shuzha_verify::{Check, finish};

pub(crate) use register::{RegisterArgs, differs};

/// Checks evidence offline. 离线验证存证
#[derive(clap::Subcommand, Debug)]
pub(crate) enum VerifyCommand {
    #[command(flatten)]
    Evidence(Check),
    /// 对账 Works a month's bills out again from the entries, and compares them to the 分.
    Reconcile(reconcile::ReconcileArgs),
}

/// Checks the register in `folder` and gives the exit code.
pub(crate) fn run_register(out: &mut Out, args: &RegisterArgs, folder: &Path) -> ExitCode {
    finish(register::run(out, args, folder))
}

/// Runs the command and gives its exit code.
pub(crate) fn run(out: &mut Out, command: &VerifyCommand) -> ExitCode {
    match command {
        VerifyCommand::Evidence(check) => shuzha_verify::run(out, check),
        VerifyCommand::Reconcile(args) => finish(reconcile::run(out, args)),
    }
}
