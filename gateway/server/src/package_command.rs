//! `shuzha package`: whose file a package is that was found where it should not be (数据包溯源).

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use shuzha_core::Id;
use shuzha_files::secret;
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_node::control::{REGISTER_FILE, world_in_force};
use shuzha_node::node::WATERMARK_KEY_FILE;
use shuzha_node::world;
use shuzha_privacy::watermark::{self, POSITIONS_MIN, SCORE_MIN, Watermarks};
use shuzha_products::World;
use shuzha_store::Register;

/// What to do with a package.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum PackageCommand {
    /// 溯源 Names the units whose files a found file was made of. Exit code 1 where it names none.
    Trace(TraceArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct TraceArgs {
    /// The file that was found: CSV with a header; rows and columns may be missing or in another order.
    file: PathBuf,
    /// The product that it comes from.
    #[arg(long)]
    product: Id,
    /// A unit that is not declared any more; may be given again.
    #[arg(long)]
    recipient: Vec<Id>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command. A node may be running.
pub(crate) fn run(out: &mut Out, config: &Config, command: &PackageCommand) -> Result<bool> {
    let PackageCommand::Trace(args) = command;
    let world = declared(config)?;
    let Some(product) = world.products.get(&args.product) else {
        bail!("没有数据产品 there is no product {}", args.product);
    };
    let mut layouts = product.operations.iter().filter_map(|operation| operation.output.watermark());
    let Some(layout) = layouts.next() else {
        bail!("{} 的数据包不带水印 carries no watermark: its operation declares none", product.title);
    };
    let secret = config.data_dir.join(WATERMARK_KEY_FILE);
    let marks = Watermarks::new(&secret::load(&secret)?).product(args.product.as_str());
    let found = open(&args.file)?;
    let units = world.units.keys().chain(&args.recipient).map(Id::as_str);
    let trace = watermark::trace(layout, &marks, units, BufReader::new(found))
        .with_context(|| args.file.display().to_string())?;
    if args.json {
        let found: Vec<_> =
            trace.found.iter().map(|(unit, score)| json!({"unit": unit, "score": score})).collect();
        out.line(&json!({"rows": trace.rows, "positions": trace.positions, "found": found}).to_string())?;
        return Ok(!trace.found.is_empty());
    }
    out.line(&format!("读取 {} 行 rows read, {} 处水印位 places of the mark", trace.rows, trace.positions))?;
    for (unit, score) in &trace.found {
        out.line(&format!("{} ({unit})  {score:.1} σ", named(&world, unit)))?;
    }
    if trace.found.is_empty() {
        out.line(&if trace.positions < POSITIONS_MIN {
            format!(
                "材料不足，不能认定任何单位 Too little to name anybody: {POSITIONS_MIN} places are needed."
            )
        } else {
            format!("没有单位达到 {SCORE_MIN} σ No unit reaches {SCORE_MIN} σ.")
        })?;
    }
    Ok(!trace.found.is_empty())
}

/// The world in force, from its files or from the register.
pub(crate) fn declared(config: &Config) -> Result<World> {
    if !config.world.is_empty() {
        return Ok(world::load(&config.world)?.world);
    }
    let register = Register::open(&config.data_dir.join(REGISTER_FILE)).context("the register")?;
    Ok(world_in_force(&register, &config.control)?.0)
}

fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| path.display().to_string())
}

/// The name of a unit's organisation.
fn named(world: &World, unit: &str) -> String {
    let unit = world.units.iter().find(|(name, _)| name.as_str() == unit);
    let organisation = unit.and_then(|(_, unit)| world.organisations.get(&unit.organisation));
    organisation.map_or_else(String::new, |organisation| organisation.name.clone())
}
