//! `shuzha-verify`: the checks of `shuzha verify` that need a log, its public keys and nothing else.

use std::process::ExitCode;

use clap::Parser;
use shuzha_files::terminal::Out;
use shuzha_verify::{Check, EXIT_USAGE, run};

/// 数闸离线验证 — checks receipts and evidence logs with public keys, on any machine, without a network.
#[derive(Parser, Debug)]
#[command(name = "shuzha-verify", version, about)]
struct Arguments {
    #[command(subcommand)]
    check: Check,
}

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run(&mut Out::stdout(), &arguments.check),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.exit_code() == 0 { 0 } else { EXIT_USAGE })
        }
    }
}
