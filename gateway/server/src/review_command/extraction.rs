//! `shuzha review extraction`: how well a model is copied with what one unit may ask in a quarter.
//!
//! What answers is the model itself: a program of its owner's that is given requests and gives back answers, a line each, or a
//! file of answers. No call is made through a gateway and none is recorded, so it is for whoever holds the model, before its
//! product is reviewed.

mod inputs;
mod model;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use shuzha_files::terminal::Out;
use shuzha_node::config::Config;
use shuzha_privacy::extraction::{Attack, Design, HELD_OUT_MIN, Input, LADDER, R2_MAX};
use shuzha_products::kinds::AnswersMax;
use shuzha_products::product::Operation;

use super::Of;
use crate::package_command::declared;
use inputs::Inputs;
use model::{Model, Program};

/// Most answers that a copy is made of here: who has more needs no measurement.
const QUERIES_MAX: usize = 2_000;
/// Made-up inputs that a copy is measured on where there is no file of clients.
const HELD_OUT: usize = 400;
/// A recommendation is looked for up to so many times the answers that may be had.
const BEYOND: usize = 4;
/// Most clients that a copy is measured on.
const HELD_OUT_MAX: usize = 2_000;

#[derive(clap::Args, Debug)]
pub(crate) struct ExtractionArgs {
    /// `PRODUCT.OPERATION` of a model.
    of: Of,
    /// Clients, one JSON object a line: `{"input": …, "answer": …}`. `input` is what whoever asks knows of the client: the request,
    /// where a request holds features. Half of them are the copyist's, the copy is measured on the others. `answer` is the
    /// product service's as it comes; it may be left out where a program answers.
    #[arg(long)]
    clients: Option<PathBuf>,
    /// Answers of one unit, instead of the operation's `queriesPerQuarter`.
    #[arg(long)]
    queries: Option<u64>,
    /// So many units ask and share what they learn.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    units: u64,
    /// For whatever is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// The model: a program with its arguments that reads a request a line and writes the answer, a line each.
    #[arg(last = true)]
    program: Vec<String>,
}

/// What was measured of one leaf of the answers.
struct Copied {
    leaf: String,
    designs: BTreeMap<Design, f64>,
    /// The most answers that were tried and make no copy; none where the fewest do.
    recommended: Option<usize>,
    /// Whether what the model computes differs at all between the clients that the copy is measured on.
    varies: bool,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No copy.
    InOrder,
    /// A copy, or more answers than were tried.
    NotInOrder,
    /// Nothing could be copied, so that there is no copy says nothing.
    Unjudged,
}

impl Copied {
    fn best(&self) -> f64 {
        self.designs.values().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Runs the command. A node may be running.
pub(super) fn run(out: &mut Out, config: &Config, args: &ExtractionArgs) -> Result<Verdict> {
    let world = declared(config)?;
    let operation = args.of.find(&world)?;
    ensure!(operation.probed, "{} 不是数据模型 is no operation of a model", args.of);
    let budget = budget(args, operation)?;
    let queries = usize::try_from(budget).unwrap_or(QUERIES_MAX).min(QUERIES_MAX);
    let program = if args.program.is_empty() { None } else { Some(Program::start(&args.program)?) };
    let inputs = Inputs::read(operation, args.clients.as_deref(), program.is_some())?;
    let mut copied = Vec::new();
    let mut model = Model::new(operation, &inputs, program);
    for leaf in model::leaves(operation) {
        copied.push(measured(args, &mut model, &inputs, leaf, queries)?);
    }
    ensure!(!copied.is_empty(), "{} 的回答没有可复制的字段 answers with no leaf to copy", args.of);
    let worst = copied.iter().map(Copied::best).fold(f64::NEG_INFINITY, f64::max);
    let recommended = copied.iter().map(|one| one.recommended).min().flatten();
    let verdict = judged(worst, budget, copied.iter().all(|one| one.varies));
    if args.json {
        let leaves: Vec<_> = copied
            .iter()
            .map(|one| {
                let designs: BTreeMap<_, _> =
                    one.designs.iter().map(|(design, r2)| (design.as_str(), r2)).collect();
                json!({"leaf": one.leaf, "r2": designs, "recommended": one.recommended, "judged": one.varies})
            })
            .collect();
        let told = json!({
            "operation": args.of.to_string(), "budget": budget, "queries": queries, "r2": worst, "r2Max": R2_MAX,
            "recommended": recommended, "judged": verdict != Verdict::Unjudged, "leaves": leaves,
        });
        out.line(&told.to_string())?;
    } else {
        tell(out, args, queries, &copied)?;
        if verdict != Verdict::Unjudged {
            out.line(&match recommended {
                Some(most) => format!("建议上限 recommended `queriesPerQuarter`: {most}"),
                None => "没有可建议的上限：改用分数段，或只接受主体 No bound to recommend: answer with bands, or take \
                         subjects only"
                    .to_owned(),
            })?;
        }
        out.line(&match verdict {
            Verdict::InOrder => format!("合格：R² {worst:.2}，低于 {R2_MAX} In order: below {R2_MAX}."),
            Verdict::Unjudged => {
                let same: Vec<&str> =
                    copied.iter().filter(|one| !one.varies).map(|one| one.leaf.as_str()).collect();
                let same = same.join(", ");
                format!(
                    "无法判定：{same} 对所有留出客户的回答相同 Cannot be judged: {same} is the same for every client that \
                     the copy is measured on."
                )
            }
            Verdict::NotInOrder if worst < R2_MAX => format!(
                "不合格：上限 {budget} 次，只试到 {queries} 次 Not in order: {budget} answers may be had, and {queries} \
                 were tried."
            ),
            Verdict::NotInOrder => {
                format!("不合格：R² {worst:.2}，{queries} 次查询即可复制 Not in order: {queries} answers copy the model.")
            }
        })?;
    }
    Ok(verdict)
}

fn tell(out: &mut Out, args: &ExtractionArgs, queries: usize, copied: &[Copied]) -> Result<()> {
    for one in copied {
        out.line(&format!("{} {}  查询 queries {queries}", args.of, one.leaf))?;
        for (design, r2) in &one.designs {
            let named = match design {
                Design::Own => "自有客户",
                Design::Random => "随机虚构",
                Design::Adaptive => "自适应",
                Design::Grid => "网格",
            };
            out.line(&format!("  {named} {}  R² {r2:.2}", design.as_str()))?;
        }
    }
    Ok(())
}

/// Answers of all units that share what they learn.
fn budget(args: &ExtractionArgs, operation: &Operation) -> Result<u64> {
    let of_unit = match (args.queries, operation.output.answers_max()) {
        (Some(queries), _) => queries,
        (None, Some(AnswersMax::OfUnit(most))) => most,
        _ => bail!("{} 没有 queriesPerQuarter says no `queriesPerQuarter`: give --queries", args.of),
    };
    ensure!(of_unit > 0, "--queries 0");
    Ok(of_unit.saturating_mul(args.units))
}

fn measured(
    args: &ExtractionArgs,
    model: &mut Model<'_>,
    inputs: &Inputs,
    leaf: String,
    queries: usize,
) -> Result<Copied> {
    let axes = inputs.axes();
    let (own, others) = inputs.parted(HELD_OUT_MAX, axes.map(|axes| (axes, HELD_OUT, args.seed)));
    ensure!(
        others.len() >= HELD_OUT_MIN,
        "客户不足 too few clients: the copy is measured on {HELD_OUT_MIN}, and as many are the copyist's"
    );
    let truths = others.into_iter().map(|input| Ok((input.clone(), model.computed(&leaf, &input)?)));
    let held_out: Vec<(Input, f64)> = truths.collect::<Result<_>>()?;
    let attack = Attack { axes, own: &own, held_out: &held_out, seed: args.seed };
    let mut ask = |input: &Input| model.answered(&leaf, input);
    let mut designs: BTreeMap<Design, f64> = BTreeMap::new();
    for design in Design::ALL.into_iter().filter(|design| attack.admits(*design)) {
        let too_few = axes.is_none() && own.len() < queries;
        ensure!(
            !too_few,
            "客户不足 too few clients: {queries} answers are asked for, and half of the file is {}",
            own.len()
        );
        designs.insert(design, f64::NEG_INFINITY);
    }
    ensure!(!designs.is_empty(), "没有可问的 nothing to ask: give --clients, or a program that answers");
    if !attack.varies() {
        designs.clear();
        return Ok(Copied { leaf, designs, recommended: None, varies: false });
    }
    // Whoever may have so many answers may stop sooner: the best copy on the way counts.
    let tried = LADDER.into_iter().filter(|step| *step != queries && *step <= BEYOND * queries);
    let mut steps: Vec<usize> = tried.chain([queries]).collect();
    steps.sort_unstable();
    let (mut recommended, mut is_copied) = (None, false);
    for step in steps.into_iter().filter(|step| axes.is_some() || *step <= own.len()) {
        for (design, best) in &mut designs {
            if step > queries && is_copied {
                continue;
            }
            let r2 = attack.best(*design, step, &mut ask)?;
            is_copied |= r2 >= R2_MAX;
            if step <= queries {
                *best = best.max(r2);
            }
        }
        if !is_copied {
            recommended = Some(step);
        }
    }
    Ok(Copied { leaf, designs, recommended, varies: true })
}

/// Whether a product is in order. Of more answers than are tried here nothing was shown, and of leaves that do not vary neither;
/// but one leaf that is copied is enough.
fn judged(r2: f64, budget: u64, all_vary: bool) -> Verdict {
    match r2 < R2_MAX {
        false => Verdict::NotInOrder,
        true if !all_vary => Verdict::Unjudged,
        true if budget > QUERIES_MAX as u64 => Verdict::NotInOrder,
        true => Verdict::InOrder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e7_what_was_not_tried_is_not_passed() {
        let most = QUERIES_MAX as u64;
        assert_eq!(
            (judged(0.59, most, true), judged(0.6, most, true)),
            (Verdict::InOrder, Verdict::NotInOrder)
        );
        for budget in [most + 1, u64::MAX] {
            assert_eq!(judged(0.1, budget, true), Verdict::NotInOrder);
        }
        assert_eq!(judged(f64::NEG_INFINITY, 1, false), Verdict::Unjudged);
        assert_eq!(judged(0.7, 1, false), Verdict::NotInOrder, "another leaf is copied");
    }
}
