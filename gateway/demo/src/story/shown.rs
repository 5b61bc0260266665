//! The story as people read it: a table for every chapter, steps that are told together in one line.

use std::collections::BTreeSet;

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width};
use serde_json::{Value, json};
use shuzha_files::terminal::Out;

use super::super::view::View;
use super::Told;
use super::persons::behind;
use super::steps::What;

/// Columns of the terminal for date and mark, and for the lines between all five.
const FIXED: (u16, u16, u16) = (12, 3, 6);

/// Columns for each column of the table, so that the chapters stand under each other.
fn widths(view: View) -> [u16; 5] {
    let (date, mark, lines) = FIXED;
    let room = view.width - date - mark - lines;
    let (who, does) = (room * 24 / 100, room * 41 / 100);
    [date, who, does, room - who - does, mark]
}

/// Names shown of those who took the steps of one line.
const NAMES_MAX: usize = 3;

/// A line of the table.
struct Line<'t> {
    steps: Vec<&'t Told>,
}

impl Line<'_> {
    fn last(&self) -> &Told {
        self.steps.last().expect("a line has a step")
    }

    fn who(&self, view: View) -> String {
        let mut names: Vec<String> = Vec::new();
        let accounts: BTreeSet<_> = self.steps.iter().map(|told| told.step.who).collect();
        for person in self.steps.iter().filter_map(|told| behind(told.step.who)) {
            let name = match accounts.len() {
                1 => format!("{} {}", person.name, view.role(person.role)),
                _ => person.name.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let count = names.len();
        let more = view.either(&format!(" 等 {count} 人"), &format!(" and others, {count} in all"));
        let more = if count > NAMES_MAX { more } else { String::new() };
        names.truncate(NAMES_MAX);
        names.join("、") + &more
    }

    fn outcome(&self, view: View) -> String {
        let (told, count) = (self.last(), self.steps.len());
        let mut text = view.word(&told.came.what);
        if !told.came.note.is_empty() {
            text = format!("{text}\n{}", told.came.note);
        }
        let declared = |told: &&Told| {
            matches!(&told.step.what, What::Put { kind: shuzha_control::Kind::Declared(..), .. })
        };
        match count {
            1 => text,
            _ if self.steps.iter().all(declared) => {
                format!("{count:>2} {} · {text}", view.either("项", "objects"))
            }
            _ => format!("{count:>2} {} · {text}", view.either("步", "steps")),
        }
    }
}

/// Steps in the order told; those of one line stand where the first of them was.
fn lines(told: &[Told]) -> Vec<Line<'_>> {
    let mut lines: Vec<(Option<&str>, Line<'_>)> = Vec::new();
    for one in told {
        let key = one.step.line.as_deref();
        let found = lines.iter_mut().find(|(known, _)| key.is_some() && *known == key);
        match found {
            Some((_, line)) => line.steps.push(one),
            None => lines.push((key, Line { steps: vec![one] })),
        }
    }
    // What is told in full comes first; the others follow as a list.
    let (whole, together): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(key, _)| key.is_none());
    whole.into_iter().chain(together).map(|(_, line)| line).collect()
}

/// A chapter as a table.
pub(super) fn print(out: &mut Out, view: View, title: &str, told: &[Told]) -> Result<()> {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(
            ["日期 date", "谁 who", "做什么 does what", "结果 outcome", ""].map(|head| view.cell(head)),
        )
        .set_constraints(widths(view).map(|width| ColumnConstraint::Absolute(Width::Fixed(width))));
    for line in lines(told) {
        let last = line.last();
        let title = last.step.line.as_deref().unwrap_or(&last.step.title);
        let ok = line.steps.iter().all(|told| told.came.ok);
        let mark = if ok { "✓" } else { "✗" };
        let cells = [
            last.at.clone(),
            line.who(view),
            view.cell(title).into_owned(),
            line.outcome(view),
            mark.to_owned(),
        ];
        table.add_row(cells.map(Cell::new));
    }
    out.line(&format!("\n{}", view.line(title)))?;
    out.line(&table.to_string())
}

/// The story for scripts: every step, none folded.
pub(super) fn json(told: &[Told]) -> Value {
    let step = |told: &Told| {
        json!({"date": told.at, "who": told.step.who, "what": told.step.title, "outcome": told.came.what,
            "ok": told.came.ok})
    };
    told.iter().map(step).collect()
}
