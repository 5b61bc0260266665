//! Commands that call a control plane: for declarative files, for people at a terminal, and for stopping things at once.
//!
//! They know no kind of object by name but where a command is about one: kinds, verbs and their fields come from the same
//! tables that the API is made of.

mod account;
mod api;
mod apply;
pub mod blind;
pub mod call;
mod consent;
mod credential;
mod diff;
mod difference;
mod dump;
mod environment;
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
use clap::{ArgMatches, FromArgMatches, Subcommand};
use shuzha_files::terminal::Out;

pub use terminal::ask_secret;

/// A command that calls a control plane.
#[derive(Debug)]
pub struct ApiCommand(Command);

impl FromArgMatches for ApiCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Command::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Subcommand for ApiCommand {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        Command::augment_subcommands(command)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Command::augment_subcommands_for_update(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Command::has_subcommand(name)
    }
}

#[derive(Subcommand, Debug)]
enum Command {
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
pub fn run(out: &mut Out, command: ApiCommand) -> Result<ExitCode> {
    let done = |done: bool| if done { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match command.0 {
        Command::Login(args) => login::login(&args).map(|()| ExitCode::SUCCESS),
        Command::Logout(args) => login::logout(&args).map(|()| ExitCode::SUCCESS),
        Command::Account(command) => account::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Apply(args) => apply::run(out, &args).map(done),
        Command::Diff(args) => diff::run(out, &args).map(ExitCode::from),
        Command::Dump(args) => dump::run(out, &args).map(|()| ExitCode::SUCCESS),
        Command::Suspend(command) => suspend::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Consent(command) => consent::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Finance(command) => finance::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Retention(command) => retention::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Trace(command) => trace::run(out, &command).map(|()| ExitCode::SUCCESS),
        Command::Kind(command) => people::run(out, &command).map(|()| ExitCode::SUCCESS),
    }
}
