//! Commands that call a control plane: for declarative files, for people at a terminal, and for stopping things at once.
//!
//! They know no kind of object by name but where a command is about one: kinds, verbs and their fields come from the same
//! tables that the API is made of.

mod account;
mod api;
mod apply;
mod consent;
mod credential;
mod diff;
mod difference;
mod dump;
mod fields;
mod files;
mod finance;
mod login;
mod people;
mod retention;
mod show;
mod suspend;
mod terminal;
mod trace;
mod yaml;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::output::Out;
pub(crate) use terminal::ask_secret;

/// A command that calls a control plane.
#[derive(Subcommand, Debug)]
pub(crate) enum ApiCommand {
    /// 登录 Signs on, and keeps an API token for the other commands.
    Login(login::LoginArgs),
    /// 退出 Ends the kept API token.
    Logout(login::LogoutArgs),
    /// 账号 Accounts: made, changed, closed; what a second person confirms; invitations; refused acts.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// 按文件写入 Writes the objects of files: creates, replaces, leaves alone what is the same.
    Apply(apply::ApplyArgs),
    /// 比较 Shows what `apply` would do, and to whom. Exit code 2 where there are differences.
    Diff(diff::DiffArgs),
    /// 导出 Prints every object one may see, so that `apply` reads it.
    Dump(dump::DumpArgs),
    /// 紧急停用 Stops a product, a unit, a scenario, a data set or everything, at once.
    #[command(subcommand)]
    Suspend(suspend::SuspendCommand),
    /// 个人授权 Gives, narrows, lists and takes back consents of one's own, and shows who used one's data.
    #[command(subcommand)]
    Consent(consent::ConsentCommand),
    /// 财务 Usage, the close of periods, statements, shares, the ledger, permitted revenue.
    #[command(subcommand)]
    Finance(finance::FinanceCommand),
    /// 留存 Half-years of the log: their sealing, and the destruction of what is due.
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// 追溯 From a call back to its data and those who decided; from data forward to every use.
    #[command(subcommand)]
    Trace(trace::TraceCommand),
    #[command(flatten)]
    Kind(people::KindCommand),
}

/// Runs a command; answers its exit code.
pub(crate) fn run(out: &mut Out, command: ApiCommand) -> Result<ExitCode> {
    let done = |done: bool| if done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match command {
        ApiCommand::Login(args) => login::login(&args).map(|()| ExitCode::SUCCESS),
        ApiCommand::Logout(args) => login::logout(&args).map(|()| ExitCode::SUCCESS),
        ApiCommand::Account(command) => account::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Apply(args) => apply::run(out, &args).map(done),
        ApiCommand::Diff(args) => diff::run(out, &args).map(ExitCode::from),
        ApiCommand::Dump(args) => dump::run(out, &args).map(|()| ExitCode::SUCCESS),
        ApiCommand::Suspend(command) => suspend::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Consent(command) => consent::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Finance(command) => finance::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Retention(command) => retention::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Trace(command) => trace::run(out, &command).map(|()| ExitCode::SUCCESS),
        ApiCommand::Kind(command) => people::run(out, &command).map(|()| ExitCode::SUCCESS),
    }
}
