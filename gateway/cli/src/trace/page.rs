//! A trace as a page: the chain from the call to its data as a picture, and beside each object who decided about it.

use std::fmt::Write as _;

use shuzha_control::Kind;
use shuzha_files::escape;
use shuzha_schema::evidence::Trace;
use shuzha_schema::object::Act;

use crate::show::{acted_by, local, text, value_text};

/// Sizes in the picture, in pixels.
const BOX_WIDTH: usize = 260;
const LINE: usize = 18;
const GAP: usize = 22;
const MARGIN: usize = 12;
const WIDTH: usize = 980;
/// Acts that are drawn beside one object; the latest.
const ACTS_MAX: usize = 8;

/// The page of a trace as the API answers it.
pub(super) fn of(trace: &Trace) -> String {
    let call = &trace.call;
    let title = format!("调用追溯 Trace of {}", call.request);
    let (mut picture, mut top) = (String::new(), MARGIN);
    let first = [
        format!("{} {}", local(&call.at), call.decision),
        format!("{} · {}", text(call.product.as_ref()), text(call.operation.as_ref())),
        format!("存证 leaf {} #{}", trace.leaf.log, trace.leaf.index),
    ];
    top = object(&mut picture, top, "调用 Call", &first, &[]);
    for step in &trace.steps {
        let kind = &step.kind;
        let zh = Kind::find(kind).map_or("", |kind| kind.title_zh());
        let mut lines = vec![step.name.clone()];
        lines.extend(step.title.clone());
        let facts = step.facts.iter().filter(|(_, value)| !value.is_object());
        lines.extend(facts.map(|(key, value)| format!("{key}: {}", value_text(value))));
        let acts: Vec<String> = step.acts.iter().map(act).collect();
        let latest = &acts[acts.len().saturating_sub(ACTS_MAX)..];
        connect(&mut picture, top);
        top = object(&mut picture, top + GAP, &format!("{zh} {kind}"), &lines, latest);
    }
    format!(
        "<!doctype html>\n<html lang=\"zh\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\n\
         body {{ font: 15px/1.6 sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }}\n\
         svg {{ width: 100%; height: auto; font: 13px sans-serif; }} .kind {{ font-weight: bold; }} .act {{ fill: #333; }}\n\
         rect {{ fill: #f4f7fb; stroke: #35608f; }} line {{ stroke: #35608f; stroke-width: 1.5; }}\n</style></head><body>\n\
         <h1>{title}</h1>\n<p>左为调用所依的权利、产品与数据，右为调用之前对其作出决定的人。 To the left what the call rested on, to the right who \
         decided about it before the call.</p>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n{picture}</svg>\n\
         </body></html>\n",
        title = escape(&title),
        height = top + MARGIN,
    )
}

fn act(act: &Act) -> String {
    let by =
        acted_by(act.by.as_ref(), |account, by| format!("{account} · {} · {}", by.organisation, by.role));
    format!("{}  {}  {by}", local(&act.at), act.verb)
}

/// Draws a box with its lines and what stands beside; answers where it ends.
fn object(picture: &mut String, top: usize, kind: &str, lines: &[String], beside: &[String]) -> usize {
    let rows = (lines.len() + 1).max(beside.len());
    let height = rows * LINE + MARGIN;
    let mut write = |x: usize, row: usize, class: &str, line: &str| {
        let y = top + (row + 1) * LINE;
        writeln!(picture, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", escape(line))
            .expect("a string takes all text");
    };
    write(MARGIN * 2, 0, "kind", kind);
    for (row, line) in lines.iter().enumerate() {
        write(MARGIN * 2, row + 1, "line", line);
    }
    for (row, line) in beside.iter().enumerate() {
        write(BOX_WIDTH + MARGIN * 4, row, "act", line);
    }
    let rect = format!(
        "<rect x=\"{MARGIN}\" y=\"{top}\" width=\"{BOX_WIDTH}\" height=\"{height}\" rx=\"4\" fill-opacity=\"0.5\"/>\n"
    );
    picture.push_str(&rect);
    top + height
}

/// Draws the line that leads down to the next box.
fn connect(picture: &mut String, from: usize) {
    let (x, to) = (MARGIN + BOX_WIDTH / 2, from + GAP);
    writeln!(picture, "<line x1=\"{x}\" y1=\"{from}\" x2=\"{x}\" y2=\"{to}\"/>")
        .expect("a string takes all text");
}
