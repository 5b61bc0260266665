//! `shuzha review`: measures on real data what a reviewer of a scenario or product needs to know. It runs where the data is: what it
//! reads never leaves, and what it prints holds no value of it.

mod anonymity;
mod extraction;

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, Result};
use shuzha_core::Id;
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_products::World;
use shuzha_products::product::Operation;

use extraction::Verdict;

/// Longest line of a file.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What to measure.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum ReviewCommand {
    /// 匿名程度 Measures k, l and the risk of being named over all products that a scenario holds. Exit code 1 where fewer than
    /// the rules ask for are alike.
    Anonymity(anonymity::AnonymityArgs),
    /// 模型复制 Copies a model with as many answers as one unit may have in a quarter, and says how well that went. Exit code 1
    /// where the copy is too good, 3 where it could not be measured or judged.
    Extraction(extraction::ExtractionArgs),
}

/// Exit code of `extraction` where there is nothing to judge, so that no script takes it for a judgement.
const EXIT_UNJUDGED: u8 = 3;

/// Runs the command. A node may be running.
pub(crate) fn run(out: &mut Out, config: &Config, command: &ReviewCommand) -> ExitCode {
    let (result, failed) = match command {
        ReviewCommand::Anonymity(args) => {
            let done = anonymity::run(out, config, args);
            (done.map(|done| if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }), ExitCode::FAILURE)
        }
        ReviewCommand::Extraction(args) => {
            let code = extraction::run(out, config, args).map(|verdict| match verdict {
                Verdict::InOrder => ExitCode::SUCCESS,
                Verdict::NotInOrder => ExitCode::FAILURE,
                Verdict::Unjudged => ExitCode::from(EXIT_UNJUDGED),
            });
            (code, ExitCode::from(EXIT_UNJUDGED))
        }
    };
    result.unwrap_or_else(|error| {
        crate::tell(&error);
        failed
    })
}

/// Which operation of which product.
#[derive(Clone, Debug)]
struct Of {
    product: Id,
    operation: Id,
}

impl FromStr for Of {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (product, operation) = text.split_once('.').ok_or("is PRODUCT.OPERATION")?;
        let id = |text: &str| text.parse::<Id>().map_err(|error| error.to_string());
        Ok(Self { product: id(product)?, operation: id(operation)? })
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.product, self.operation)
    }
}

impl Of {
    fn find<'w>(&self, world: &'w World) -> Result<&'w Operation> {
        let operation =
            world.products.get(&self.product).and_then(|product| product.operation(self.operation.as_str()));
        operation.with_context(|| format!("没有这一操作 there is no operation {self}"))
    }
}
