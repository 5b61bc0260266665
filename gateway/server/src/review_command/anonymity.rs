//! `shuzha review anonymity`: how far what a scenario's products release hides the persons or companies in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use shuzha_core::Id;
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_privacy::anonymity::{Anonymity, Population};
use shuzha_privacy::output::{Contract, FieldSet};
use shuzha_products::World;

use super::{LINE_BYTES_MAX, Of};
use crate::package_command::declared;

/// Most subjects of one measurement: a few gigabytes.
const SUBJECTS_MAX: usize = 5_000_000;

#[derive(clap::Args, Debug)]
pub(crate) struct AnonymityArgs {
    /// The scenario. What its grants release, of all their products together, is what counts.
    scenario: Id,
    /// `PRODUCT.OPERATION=FILE`: answers of the product service as they come, one JSON object a line: `{"subject": …, "answer": …}`.
    #[arg(long, required = true)]
    answers: Vec<Answers>,
    /// A leaf that is what the scenario wants to learn and nobody knows from elsewhere, such as /debt; may be given again. Every other
    /// leaf counts as known.
    #[arg(long)]
    sensitive: Vec<String>,
    /// Fewest alike, instead of what the rules of the jurisdiction ask for.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    k: Option<u32>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// A file of answers, and of what.
#[derive(Clone, Debug)]
struct Answers {
    of: Of,
    file: PathBuf,
}

impl FromStr for Answers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, file) = text.split_once('=').ok_or("is PRODUCT.OPERATION=FILE")?;
        Ok(Self { of: of.parse()?, file: file.into() })
    }
}

/// Runs the command. A node may be running.
pub(super) fn run(out: &mut Out, config: &Config, args: &AnonymityArgs) -> Result<bool> {
    let world = declared(config)?;
    let k_min = u64::from(args.k.unwrap_or(world.jurisdiction().anonymity_k_min));
    check_sensitive(&world, args)?;
    let mut parts = Vec::new();
    for answers in &args.answers {
        parts.push(Part::read(&world, args, answers)?);
    }
    let all = joined(&parts);
    let measured: Vec<_> =
        parts.iter().map(|part| (part.name.as_str(), part.alone().measure(k_min))).collect();
    let all = all.measure(k_min);
    ensure!(all.records > 0, "文件中没有回答 the files hold no answer");
    let missing = missing(&world, args);
    if args.json {
        let products: BTreeMap<_, _> = measured.iter().map(|(name, found)| (*name, shown(found))).collect();
        let told = json!({
            "scenario": args.scenario.as_str(), "kMin": k_min, "together": shown(&all), "products": products, "notMeasured": missing,
        });
        out.line(&told.to_string())?;
    } else {
        tell(out, k_min, &measured, &all, &missing)?;
    }
    Ok(all.k >= k_min && missing.is_empty())
}

fn tell(
    out: &mut Out,
    k_min: u64,
    measured: &[(&str, Anonymity)],
    all: &Anonymity,
    missing: &[String],
) -> Result<()> {
    let rows = measured.iter().map(|(name, found)| (*name, found));
    for (name, found) in rows.chain([("合计 together", all)]) {
        out.line(&format!(
            "{name}\n  记录 records {}  类 classes {}  k {}  唯一 unique {:.1} %  少于 {k_min} fewer than {k_min} alike {:.1} %",
            found.records,
            found.classes,
            found.k,
            percent(found.unique, found.records),
            percent(found.below, found.records),
        ))?;
        let l = found.l.map_or_else(|| "—".to_owned(), |l| l.to_string());
        out.line(&format!(
            "  被指认的风险 risk of being named: 最高 most {:.3}, 平均 average {:.3}  l {l}",
            found.risk_most, found.risk_average
        ))?;
    }
    out.line(&if all.k >= k_min && !missing.is_empty() {
        format!("未定：还可调用，未计入 Not decided: not measured, though the scenario may call them: {}", missing.join(", "))
    } else if all.k >= k_min {
        format!("合格：每类至少 {k_min} 条 In order: at least {k_min} records are alike.")
    } else {
        format!("不合格：已脱敏，但不是匿名 Not in order: this is masked, and not anonymous; {k_min} must be alike.")
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn shown(found: &Anonymity) -> Value {
    json!({
        "records": found.records, "classes": found.classes, "k": found.k, "unique": found.unique, "below": found.below,
        "riskMost": found.risk_most, "riskAverage": found.risk_average, "l": found.l,
    })
}

/// What is released of a subject: what may be known from elsewhere, and what is sensitive.
type Record = (Vec<u8>, Option<Vec<u8>>);

/// What one operation releases of each subject.
struct Part {
    name: String,
    released: BTreeMap<String, Record>,
}

/// A line of a file of answers.
#[derive(Deserialize)]
struct Line {
    subject: String,
    answer: Value,
}

impl Part {
    fn read(world: &World, args: &AnonymityArgs, answers: &Answers) -> Result<Self> {
        let name = answers.of.to_string();
        let operation = answers.of.find(world)?;
        let Some(contract) = operation.output.contract() else {
            bail!("{name} 的回答没有字段 answers with no leaves: its kind says what leaves");
        };
        let fields = granted(world, &args.scenario, answers);
        ensure!(!fields.is_empty(), "应用场景 {} 无权调用 has no grant of {name}", args.scenario);
        let sensitive = contract.fields_among(args.sensitive.iter().map(String::as_str));
        // A keyed leaf is another text for every unit and scenario: nobody knows it from elsewhere.
        let known = FieldSet(fields.0 & !contract.keyed().0 & !sensitive.0);
        let cut = (known, FieldSet(fields.0 & sensitive.0));
        let released = read_lines(&answers.file, contract, cut)
            .with_context(|| format!("{name}: {}", answers.file.display()))?;
        Ok(Self { name, released })
    }

    fn alone(&self) -> Population {
        let mut population = Population::default();
        for (released, sensitive) in self.released.values() {
            population.add(released.clone(), sensitive.clone());
        }
        population
    }
}

/// A pointer that is no leaf would leave what it meant among what is known, and say nothing.
fn check_sensitive(world: &World, args: &AnonymityArgs) -> Result<()> {
    let operations = args.answers.iter().filter_map(|answers| answers.of.find(world).ok()?.output.contract());
    let contracts: Vec<_> = operations.collect();
    for pointer in &args.sensitive {
        let is_leaf = |contract: &&Contract| contract.fields([pointer.as_str()]).is_ok();
        ensure!(contracts.iter().any(is_leaf), "{pointer} 不是回答的字段 is no leaf of these answers");
    }
    Ok(())
}

fn read_lines(
    file: &Path,
    contract: &Contract,
    (known, sensitive): (FieldSet, FieldSet),
) -> Result<BTreeMap<String, Record>> {
    let mut released = BTreeMap::new();
    for (at, line) in BufReader::new(File::open(file)?).lines().enumerate() {
        let line = line.with_context(|| format!("line {}", at + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        ensure!(line.len() <= LINE_BYTES_MAX, "line {}: more than {LINE_BYTES_MAX} bytes", at + 1);
        // The parser's own words may quote the line: only the place is told.
        let read: Line = serde_json::from_str(&line)
            .map_err(|_| anyhow::anyhow!("line {}: not {{\"subject\": …, \"answer\": …}}", at + 1))?;
        let answer = read.answer.to_string();
        let cut = |fields: FieldSet| {
            let projected = contract.project(fields, answer.as_bytes());
            projected.map(|projected| projected.bytes).with_context(|| format!("line {}", at + 1))
        };
        let told = if sensitive.is_empty() { None } else { Some(cut(sensitive)?) };
        let known = if known.is_empty() { Vec::new() } else { cut(known)? };
        ensure!(
            released.insert(read.subject, (known, told)).is_none(),
            "line {}: its subject stands twice",
            at + 1
        );
        ensure!(released.len() <= SUBJECTS_MAX, "more than {SUBJECTS_MAX} subjects");
    }
    Ok(released)
}

/// The leaves that some grant of the scenario releases of the operation.
fn granted(world: &World, scenario: &Id, answers: &Answers) -> FieldSet {
    let grants = world.grants.values();
    let grants = grants.filter(|grant| &grant.scenario == scenario && grant.product == answers.of.product);
    let operations =
        grants.flat_map(|grant| &grant.operations).filter(|one| one.operation == answers.of.operation);
    FieldSet(operations.fold(0, |set, one| set | one.fields.0))
}

/// What the scenario may call besides, whose answers have leaves: without it, the figures are too good.
fn missing(world: &World, args: &AnonymityArgs) -> Vec<String> {
    let mut missing = Vec::new();
    for grant in world.grants.values().filter(|grant| grant.scenario == args.scenario) {
        for granted in &grant.operations {
            let of = |one: &Answers| one.of.product == grant.product && one.of.operation == granted.operation;
            let name = format!("{}.{}", grant.product, granted.operation);
            if !granted.fields.is_empty() && !args.answers.iter().any(of) && !missing.contains(&name) {
                missing.push(name);
            }
        }
    }
    missing
}

/// All that is released of each subject, over all operations.
fn joined(parts: &[Part]) -> Population {
    let mut together: BTreeMap<&str, Record> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        for (subject, (released, sensitive)) in &part.released {
            let (known, told) = together.entry(subject).or_default();
            known.extend([at.to_be_bytes().as_slice(), released].concat());
            if let Some(sensitive) = sensitive {
                told.get_or_insert_default().extend_from_slice(sensitive);
            }
        }
    }
    let mut population = Population::default();
    for (released, sensitive) in together.into_values() {
        population.add(released, sensitive);
    }
    population
}
