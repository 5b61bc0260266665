//! The `shuzha` binary: configuration, wiring, commands.
//!
//! Exit codes: 0 done · 1 refused or failed · 2 wrong usage, or differences of `diff` · 64 the configuration has faults. `verify` and
//! `review extraction` have codes of their own.

mod backup;
mod doctor;
mod journal_command;
mod keys_command;
mod package_command;
mod register_command;
mod review_command;
mod serve;
mod verify;
mod witness_command;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shuzha_files::terminal::{Out, ReaderGone, say};
use shuzha_node::config::{self, Config, Sources};
use shuzha_node::node::JOURNAL_DIR;
use shuzha_node::world;
use toml::Value;

/// The crate's allocator: the data plane allocates small and often (`research/bench.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code for a configuration with faults (`EX_USAGE` of sysexits).
const EXIT_CONFIG: u8 = 64;

/// 数闸 — the gate through which public data products reach those who may use them.
#[derive(Parser, Debug)]
#[command(name = "shuzha", version, about)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args, Debug)]
struct Common {
    /// Configuration file; without one the embedded defaults apply.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Folder of journal, registers and keys.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Starts everything on this machine, makes real calls, and shows what happened.
    Demo(shuzha_demo::DemoArgs),
    /// Runs the gateway.
    Serve(serve::ServeArgs),
    /// Shows or checks the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Looks for what would keep the gateway from serving.
    Doctor,
    /// Signs a call and makes it.
    Call(Box<shuzha_cli::call::CallArgs>),
    /// Makes and lists keys.
    #[command(subcommand)]
    Keys(keys_command::KeysCommand),
    /// Reads the call journal.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Finds whose file a package is that was found. 数据包溯源
    #[command(subcommand)]
    Package(package_command::PackageCommand),
    /// 出域审查 Measures what a reviewer needs to know before a scenario's answers may leave.
    #[command(subcommand)]
    Review(review_command::ReviewCommand),
    /// Checks receipts and logs offline, with public keys only. 离线验证存证
    #[command(subcommand)]
    Verify(Box<verify::VerifyCommand>),
    /// Checks the register, or takes it over. 登记簿
    #[command(subcommand)]
    Register(register_command::RegisterCommand),
    /// 备份 Copies the data folder while the node runs, or checks such a copy.
    Backup(backup::BackupArgs),
    /// 恢复 Makes a data folder from a backup.
    Restore(backup::RestoreArgs),
    /// Watches the evidence logs of others and cosigns their checkpoints. 见证方
    #[command(subcommand)]
    Witness(witness_command::WitnessCommand),
    #[command(flatten)]
    Api(Box<shuzha_cli::ApiCommand>),
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Reports every fault of configuration and world files.
    Check,
    /// Prints the configuration that applies.
    Dump,
}

#[derive(Subcommand, Debug)]
enum JournalCommand {
    /// Prints records, one JSON object a line, and says on the error stream how many it left out.
    Inspect {
        /// First sequence number.
        #[arg(long, default_value_t = 1, conflicts_with = "tail")]
        from: u64,
        /// The last so many records.
        #[arg(long)]
        tail: Option<u64>,
        /// Most records; 0 for all of them.
        #[arg(long, default_value_t = 100, conflicts_with = "tail")]
        limit: u64,
    },
    /// Builds the projection in `shuzha.db` anew from the journal, and from what is kept of records that were given up; no node may
    /// be running.
    Rebuild,
    /// Checks that the journal is whole and the store agrees with it.
    Verify {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let mut out = Out::stdout();
    let mut sources = Sources { file: arguments.common.config, flags: Vec::new() };
    if let Some(dir) = &arguments.common.data_dir {
        sources.flags.push(("node", "data_dir", Value::String(dir.display().to_string())));
    }
    let command = match arguments.command {
        // The demo decides some of the configuration itself.
        Command::Demo(args) => return finish(shuzha_demo::run(&mut out, &args, sources)),
        Command::Call(args) => return finish(shuzha_cli::call::run(&mut out, *args)),
        Command::Api(command) => return end(shuzha_cli::run(&mut out, *command)),
        Command::Witness(command) => {
            return finish(witness_command::run(&mut out, &command).map(|()| true));
        }
        Command::Verify(command) => return verify::run(&mut out, &command),
        Command::Register(register_command::RegisterCommand::Verify(args)) if args.folder.is_some() => {
            let folder = args.folder.clone().unwrap_or_default();
            return verify::run_register(&mut out, &args, &folder);
        }
        Command::Serve(args) => {
            args.flags(&mut sources);
            Command::Serve(args)
        }
        other => other,
    };
    if matches!(command, Command::Config(ConfigCommand::Dump)) {
        return match config::dump(&sources) {
            Ok(text) => finish(out.line(&text).map(|()| true)),
            Err(faults) => report(&faults),
        };
    }
    match config::load(&sources) {
        Ok(config) if matches!(command, Command::Config(_)) => check(&mut out, &config),
        Ok(config) => match command {
            Command::Register(register_command::RegisterCommand::Verify(args)) => {
                verify::run_register(&mut out, &args, &config.data_dir)
            }
            Command::Journal(JournalCommand::Verify { json }) => {
                end(journal_command::verify(&mut out, &config.data_dir, json))
            }
            Command::Review(command) => review_command::run(&mut out, &config, &command),
            command => finish(run(&mut out, command, &config)),
        },
        Err(faults) => report(&faults),
    }
}

fn run(out: &mut Out, command: Command, config: &Config) -> anyhow::Result<bool> {
    let journal = config.data_dir.join(JOURNAL_DIR);
    match command {
        Command::Serve(args) => serve::run(config, &args),
        Command::Doctor => doctor::run(out, config),
        Command::Backup(args) => backup::run(out, config, &args),
        Command::Restore(args) => backup::restore(out, config, &args).map(|()| true),
        Command::Keys(command) => keys_command::run(out, config, command).map(|()| true),
        Command::Journal(JournalCommand::Inspect { from, tail, limit }) => {
            journal_command::inspect(out, &journal, from, tail, limit).map(|()| true)
        }
        Command::Package(command) => package_command::run(out, config, &command),
        Command::Journal(JournalCommand::Rebuild) => register_command::rebuild(out, config).map(|()| true),
        Command::Register(register_command::RegisterCommand::Fits { rules, level }) => {
            register_command::fits(out, config, &rules, level.as_deref())
        }
        Command::Register(register_command::RegisterCommand::Adopt { reason }) => {
            register_command::adopt(out, config, reason).map(|()| true)
        }
        Command::Config(_)
        | Command::Journal(JournalCommand::Verify { .. })
        | Command::Register(_)
        | Command::Review(_)
        | Command::Demo(_)
        | Command::Call(_)
        | Command::Api(_)
        | Command::Verify(_)
        | Command::Witness(_) => {
            unreachable!("handled before")
        }
    }
}

/// `config check`: the configuration is read; what it names on this machine, and the world's files, are left to judge.
fn check(out: &mut Out, config: &Config) -> ExitCode {
    let faults = config::check(config);
    let world = world::load(&config.world);
    if let Err(error) = &world {
        say(&format!("错误 error: {error:#}"));
    }
    match (faults.as_slice(), world) {
        ([], Ok(_)) => {
            finish(out.line("配置无误 The configuration and the world's files are in order.").map(|()| true))
        }
        ([], Err(_)) => ExitCode::FAILURE,
        (faults, _) => report(faults),
    }
}

/// Help, or what is wrong with the command line. `verify` keeps 2 for what it cannot judge.
fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let verifies =
        std::env::args_os().nth(1).is_some_and(|command| command == "verify" || command == "register");
    let code = match error.exit_code() {
        0 => 0,
        _ if verifies => shuzha_verify::EXIT_USAGE,
        code => u8::try_from(code).unwrap_or(1),
    };
    ExitCode::from(code)
}

/// Every fault of the configuration, and exit code 64.
fn report(faults: &[shuzha_core::Fault]) -> ExitCode {
    say(&format!("配置有 {} 处错误 The configuration has {} faults:", faults.len(), faults.len()));
    for fault in faults {
        let line = fault.line.map(|line| format!("第 {line} 行 line {line} ")).unwrap_or_default();
        say(&format!("  {line}{}: {}", fault.path, fault.in_both()));
    }
    ExitCode::from(EXIT_CONFIG)
}

/// 0 for `true`, 1 for `false` and for an error, which is told with its causes.
fn finish(result: anyhow::Result<bool>) -> ExitCode {
    end(result.map(|done| if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

/// The exit code; 1 for an error, which is told with its causes.
fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// Tells an error with its causes; but whoever no longer reads our output (`| head`) has what it wanted.
fn tell(error: &anyhow::Error) {
    if !error.is::<ReaderGone>() {
        say(&format!("错误 error: {error:#}"));
    }
}
