//! `shuzha apply`: objects as files have them.

use std::collections::BTreeMap;

use anyhow::Result;
use comfy_table::{Cell, CellAlignment, Table, presets};
use shuzha_client::{ClientError, ControlClient, ControlRefusal};
use shuzha_control::Kind;
use shuzha_core::Fault;
use shuzha_files::terminal::{Out, say};
use shuzha_schema::object::{Consequences, Reference};

use super::api::{Connection, put};
use super::files::{self, Files, Standing, Trial, Tried, Wanted};

/// What to write, and where.
#[derive(clap::Args, Debug)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    files: Files,
    /// Tells what would be done, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why; kept with every change.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Done {
    Created,
    Replaced,
    Unchanged,
    Refused,
}

impl Done {
    const ALL: [Self; 4] = [Self::Created, Self::Replaced, Self::Unchanged, Self::Refused];

    const fn title(self, dry_run: bool) -> &'static str {
        match (self, dry_run) {
            (Self::Created, false) => "新建 created",
            (Self::Created, true) => "将新建 would be created",
            (Self::Replaced, false) => "更新 replaced",
            (Self::Replaced, true) => "将更新 would be replaced",
            (Self::Unchanged, _) => "未变 unchanged",
            (Self::Refused, _) => "拒绝 refused",
        }
    }
}

/// Runs the command; answers whether nothing was refused.
pub(super) fn run(out: &mut Out, args: &ApplyArgs) -> Result<bool> {
    let api = args.connection.signed_on()?;
    let Some(wanted) = files::read(&args.files)? else { return Ok(false) };
    let mut counts: BTreeMap<(usize, Done), usize> = BTreeMap::new();
    let mut trial = Trial::default();
    let mut broken = None;
    for one in &wanted {
        let done = match write(&api, args, one, &mut trial) {
            Ok(done) => done,
            // What was written so far is still told.
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        if let Done::Created | Done::Replaced = done {
            let labels = if one.document.labels.is_empty() {
                ""
            } else {
                " · 标签不入登记簿 labels are not kept in the register"
            };
            out.line(&format!("{} {}{labels}", one.title(), done.title(args.dry_run)))?;
        }
        let kind = Kind::all().position(|kind| kind.name() == one.kind.name()).unwrap_or(usize::MAX);
        *counts.entry((kind, done)).or_default() += 1;
    }
    out.line(&summary(&counts, args.dry_run).to_string())?;
    match broken {
        Some(error) => Err(error),
        None => Ok(counts.keys().all(|(_, done)| *done != Done::Refused)),
    }
}

/// Writes one object where it differs.
fn write(api: &ControlClient, args: &ApplyArgs, wanted: &Wanted, trial: &mut Trial) -> Result<Done> {
    let standing = Standing::of(api, wanted)?;
    let Some(expect) = standing.expect() else { return Ok(Done::Unchanged) };
    let done = if matches!(standing, Standing::New) { Done::Created } else { Done::Replaced };
    let reason = args.reason.as_deref();
    if args.dry_run {
        return Ok(match trial.put(api, wanted, expect, reason)? {
            Tried::Accepted(_) | Tried::With(_) => done,
            Tried::Refused(problem, faults) => {
                refused(wanted, &problem, &faults);
                Done::Refused
            }
        });
    }
    let document = &wanted.document;
    match put(api, (wanted.kind, document.name.as_str()), &document.spec, reason, (expect, false)) {
        Ok(_) => Ok(done),
        Err(ClientError::Refused(refusal)) => {
            refused(wanted, &refusal, &[]);
            Ok(Done::Refused)
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells why an object was refused: each fault with its line. `better` are faults found here, in place of the problem's.
pub(super) fn refused(wanted: &Wanted, problem: &ControlRefusal, better: &[Fault]) {
    say(&format!("{} {}: 拒绝 refused: {}", wanted.at(""), wanted.title(), problem.head()));
    let own = problem.faults().iter().map(|fault| (fault.path.as_str(), fault.in_both()));
    let better: Vec<_> = better.iter().map(|fault| (fault.path.as_str(), fault.in_both())).collect();
    let faults = if better.is_empty() { own.collect() } else { better };
    for (path, reason) in faults {
        say(&format!("  {} {path}: {reason}", wanted.at(path)));
    }
    if let Some(foot) = problem.foot() {
        say(&format!("  {foot}"));
    }
}

/// How many objects of which kind became what.
fn summary(counts: &BTreeMap<(usize, Done), usize>, dry_run: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let heads = Done::ALL.map(|done| done.title(dry_run));
    table.set_header(["类别 kind"].iter().chain(&heads));
    for (at, kind) in Kind::all().enumerate() {
        let of = |done| counts.get(&(at, done)).copied().unwrap_or_default();
        let numbers = Done::ALL.map(of);
        if numbers.iter().sum::<usize>() > 0 {
            let cells = numbers.map(|number| Cell::new(number).set_alignment(CellAlignment::Right));
            let name = Cell::new(format!("{} {}", kind.title_zh(), kind.name()));
            table.add_row([name].into_iter().chain(cells));
        }
    }
    let total =
        |done| counts.iter().filter(|((_, of), _)| *of == done).map(|(_, count)| count).sum::<usize>();
    let cells = Done::ALL.map(|done| Cell::new(total(done)).set_alignment(CellAlignment::Right));
    table.add_row([Cell::new("合计 total")].into_iter().chain(cells));
    table
}

/// The consequences of a change, a line each; nothing where it has none.
pub(super) fn consequences(told: &Consequences) -> Vec<String> {
    let references = |list: &[Reference], words: &str| {
        list.iter().map(|one| format!("{words} {}/{}", one.kind, one.name)).collect::<Vec<_>>()
    };
    let mut lines = references(&told.added, "生效 comes into force:");
    lines.extend(references(&told.changed, "变更 changes in force:"));
    lines.extend(references(&told.removed, "失效，不再可达 no longer in force, not routed any more:"));
    lines.extend(references(
        &told.unreviewed,
        "出域审查不再有效，须重新审查 speaks no more, a new exit review is needed:",
    ));
    let losing = told.losing.iter();
    lines.extend(
        losing.map(|lost| {
            format!("失去访问 loses access: ApplicationUnit/{} (Grant/{})", lost.unit, lost.grant)
        }),
    );
    if told.losing_more {
        lines.push("还有更多授权失效 more grants than these are cut off".to_owned());
    }
    if told.unchecked {
        lines
            .push("引用者过多，未逐一复核 too many objects refer to it: they were not read again".to_owned());
    }
    lines
}
