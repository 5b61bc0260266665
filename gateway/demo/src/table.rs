//! What the demo shows: a table for people, one JSON object for scripts.

use std::time::Duration;

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};
use shuzha_core::{Code, Lang, MicroYuan, NanoCharge};
use shuzha_files::terminal::Out;

use super::calls::CallResult;
use super::words;

/// Width of the table in columns of a terminal; longer cells wrap.
const WIDTH: u16 = 152;

/// Prints the table and its summary.
pub(super) fn print(out: &mut Out, results: &[CallResult]) -> Result<()> {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header([
            "#",
            "调用方 who",
            "产品 product",
            "情形 what",
            "结果 outcome",
            "HTTP",
            "费用 元",
            "ε",
            "耗时 ms",
            "回执 receipt",
            "",
        ]);
    for (number, result) in (1..).zip(results) {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let outcome = match &result.code {
            Some(code) => {
                let title = code.parse::<Code>().map_or("", |code| code.title(Lang::Zh));
                Cell::new(format!("{code} {title}"))
            }
            None => Cell::new(words::shown(&result.outcome)),
        };
        let verdict =
            if result.ok { Cell::new("✓") } else { Cell::new(format!("✗ {}", result.ask.expected())) };
        table.add_row([
            right(number.to_string()),
            Cell::new(result.ask.unit),
            Cell::new(result.ask.product),
            Cell::new(words::two_lines(result.ask.story)),
            outcome,
            right(result.status.to_string()),
            right(if result.fee.is_zero() { String::new() } else { result.fee.to_string() }),
            right(if result.charge.is_zero() { String::new() } else { result.charge.to_string() }),
            right(format!("{:.1}", milliseconds(result.latency_us))),
            Cell::new(result.receipt.as_deref().unwrap_or("")),
            verdict,
        ]);
    }
    out.line(&table.to_string())?;
    let wrong = results.iter().filter(|result| !result.ok).count();
    out.line(&format!(
        "{} 次调用，答复 {} 次，拒绝 {} 次，共 {} 元，ε 共 {}；与预期不符 {wrong} 次",
        results.len(),
        results.iter().filter(|result| result.code.is_none()).count(),
        results.iter().filter(|result| result.code.is_some()).count(),
        fees(results),
        charges(results),
    ))?;
    out.line(&format!(
        "{} calls, {} answered, {} refused, ¥{} charged, ε {} spent; {wrong} not as expected",
        results.len(),
        results.iter().filter(|result| result.code.is_none()).count(),
        results.iter().filter(|result| result.code.is_some()).count(),
        fees(results),
        charges(results),
    ))
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
