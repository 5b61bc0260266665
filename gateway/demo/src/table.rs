//! What the demo shows: a table for people, one JSON object for scripts.

use std::time::Duration;

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};
use shuzha_core::{Code, MicroYuan, NanoCharge};
use shuzha_files::terminal::Out;

use super::calls::CallResult;
use super::view::View;

/// Narrowest terminal that has room for everything; in a narrower one, what is asked for more rarely is left out.
const WIDE: u16 = 140;

/// Prints the table and its summary.
pub(super) fn print(out: &mut Out, view: View, results: &[CallResult]) -> Result<()> {
    out.line(&drawn(view, results))?;
    let count = |refused: bool| results.iter().filter(|result| result.code.is_some() == refused).count();
    let (calls, answered, refused) = (results.len(), count(false), count(true));
    let wrong = results.iter().filter(|result| !result.ok).count();
    let (fee, charge) = (fees(results), charges(results));
    let zh = format!(
        "{calls} 次调用，答复 {answered} 次，拒绝 {refused} 次，共 {fee} 元，ε 共 {charge}；与预期不符 {wrong} 次"
    );
    let en = format!(
        "{calls} calls, {answered} answered, {refused} refused, ¥{fee} charged, ε {charge} spent; {wrong} not as expected"
    );
    out.line(&view.both(&zh, &en))
}

/// The table.
fn drawn(view: View, results: &[CallResult]) -> String {
    let is_wide = view.width >= WIDE;
    let mut table = Table::new();
    let arrangement = ContentArrangement::Dynamic;
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(arrangement).set_width(view.width);
    let mut heads =
        vec!["#", "调用方 unit", "产品 product", "情形 case", "结果 outcome", "费用 fee", "ε", ""];
    if is_wide {
        heads.splice(5..5, ["HTTP"]);
        heads.splice(8..8, ["耗时 ms", "回执 receipt"]);
    }
    table.set_header(heads.iter().map(|head| view.cell(head)));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for (number, result) in (1..).zip(results) {
        let outcome = match &result.code {
            Some(code) => {
                let title = code.parse::<Code>().map_or("", |code| code.title(view.lang()));
                format!("{code} {title}")
            }
            None => view.word(&result.outcome),
        };
        let verdict = if result.ok { "✓".to_owned() } else { format!("✗ {}", result.ask.expected()) };
        let some = |is_zero: bool, text: String| right(if is_zero { String::new() } else { text });
        let mut cells = vec![
            right(number.to_string()),
            Cell::new(result.ask.unit),
            Cell::new(result.ask.product),
            Cell::new(view.cell(result.ask.story)),
            Cell::new(outcome),
            some(result.fee.is_zero(), result.fee.to_string()),
            some(result.charge.is_zero(), result.charge.to_string()),
            Cell::new(verdict),
        ];
        if is_wide {
            cells.insert(5, right(result.status.to_string()));
            cells.insert(8, right(format!("{:.1}", milliseconds(result.latency_us))));
            cells.insert(9, Cell::new(result.receipt.as_deref().unwrap_or("")));
        }
        table.add_row(cells);
    }
    table.to_string()
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn milliseconds(micros: u128) -> f64 {
    micros as f64 / 1e3
}

/// A replay repeats the fee of the call it replays and is not charged.
fn fees(results: &[CallResult]) -> MicroYuan {
    let charged = results.iter().filter(|result| result.outcome != "replayed");
    charged.fold(MicroYuan::ZERO, |sum, result| sum.checked_add(result.fee).unwrap_or(sum))
}

fn charges(results: &[CallResult]) -> NanoCharge {
    results.iter().fold(NanoCharge::ZERO, |sum, result| sum.checked_add(result.charge).unwrap_or(sum))
}

/// The one object of `--json`.
pub(super) fn json(results: &[CallResult], ready: Duration, story: &Value) -> Value {
    let calls: Vec<Value> = results
        .iter()
        .map(|result| {
            json!({
                "unit": result.ask.unit,
                "product": result.ask.product,
                "kind": result.ask.kind,
                "operation": result.ask.operation,
                "scenario": result.ask.scenario,
                "what": result.ask.story,
                "status": result.status,
                "outcome": result.outcome,
                "code": result.code,
                "fee_micro_yuan": result.fee.micros(),
                "privacy_charge_nano": result.charge.nanos(),
                "latency_us": u64::try_from(result.latency_us).unwrap_or(u64::MAX),
                "receipt": result.receipt,
                "expected": result.ask.expected(),
                "ok": result.ok,
            })
        })
        .collect();
    json!({
        "story": story,
        "calls": calls,
        "summary": {
            "calls": results.len(),
            "answered": results.iter().filter(|result| result.code.is_none()).count(),
            "refused": results.iter().filter(|result| result.code.is_some()).count(),
            "fee_micro_yuan": fees(results).micros(),
            "privacy_charge_nano": charges(results).nanos(),
            "ready_ms": u64::try_from(ready.as_millis()).unwrap_or(u64::MAX),
            "ok": results.iter().all(|result| result.ok),
        },
    })
}

#[cfg(test)]
mod tests {
    use shuzha_core::Lang;

    use super::super::calls::{Ask, Expected};
    use super::*;

    fn result(code: Option<&str>) -> CallResult {
        let ask = Ask {
            story: "凭长期有效的授权核验身份（RFC 9421 签名） a person verified under a lasting consent",
            unit: "insurer",
            credential: "insurer-1",
            product: "person-check-extended",
            kind: "verification",
            operation: "verify",
            scenario: "insurance",
            body: None,
            headers: Vec::new(),
            nonce: None,
            signed: true,
            expected: Expected::Answered("consistent"),
        };
        CallResult {
            ask,
            status: 200,
            outcome: "consistent".to_owned(),
            code: code.map(str::to_owned),
            fee: MicroYuan::from_micros(1_234_560_000),
            charge: NanoCharge::ZERO,
            latency_us: 123_456,
            receipt: Some("12.3456".to_owned()),
            ok: false,
            answer: Vec::new(),
        }
    }

    /// Columns of a terminal: what is Chinese takes two.
    fn columns(line: &str) -> usize {
        line.chars().map(|letter| if letter >= '\u{2e80}' { 2 } else { 1 }).sum()
    }

    #[test]
    fn tables_fit_the_terminal_in_either_language_and_in_both() {
        let results = [result(None), result(Some("C305")), result(Some("C902"))];
        for width in [80, 120, 160] {
            for lang in [None, Some(Lang::Zh), Some(Lang::En)] {
                let drawn = drawn(View::new(lang, Some(width)), &results);
                let widest = drawn.lines().map(columns).max().expect("there are lines");
                assert!(widest <= usize::from(width), "{widest} of {width} {lang:?}:\n{drawn}");
                assert_eq!(drawn.contains("凭长期"), lang != Some(Lang::En), "{lang:?}");
                assert_eq!(drawn.contains("lasting"), lang != Some(Lang::Zh), "{lang:?}");
            }
        }
    }
}
