//! The paths of finance.

use serde_json::{Value, json};

use super::operation::Operation;
use crate::routes::finance::{PERIOD_PARTS, PERIOD_VERBS};

/// The group of its operations.
pub(super) const FINANCE: &str = "finance";

fn path_part(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
}

fn month() -> Value {
    path_part(
        "month",
        "A month in Asia/Shanghai.",
        json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}),
    )
}

fn number() -> Value {
    path_part("number", "Number of a statement.", json!({"type": "string"}))
}

fn any() -> Value {
    json!({"type": "object"})
}

fn money() -> Value {
    json!({"type": "string", "pattern": "^-?[0-9]+([.][0-9]{1,2})?$", "description": "Yuan, as decimal text."})
}

/// Path, method and operation of everything.
pub(super) fn paths() -> Vec<(String, &'static str, Operation)> {
    const ROOT: &str = "/api/v1/finance";
    let read = |path: &str, id: &str, summary: &str| {
        let operation = Operation::new(FINANCE, id, summary).answers(200, "What was asked for.", any(), &[]);
        (format!("{ROOT}/{path}"), "get", operation)
    };
    let mut all = vec![
        read("periods", "listPeriods", "Every month with use, the latest first."),
        read("balances", "listBalances", "The trial balance (试算平衡): every account, in sum nothing."),
        read("permitted", "listPermitted", "How far permitted revenue (最高准许收入) is used."),
    ];
    let mut one = read("periods/{month}", "getPeriod", "One period.");
    one.2 = one.2.parameter(month());
    all.push(one);
    for part in PERIOD_PARTS {
        let (id, summary) = (format!("{part}OfPeriod"), format!("The {part} of a period."));
        let (path, method, operation) = read(&format!("periods/{{month}}/{part}"), &id, &summary);
        all.push((path, method, operation.parameter(month())));
    }
    for verb in PERIOD_VERBS {
        let (id, summary, schema) = match verb {
            "preview" => ("previewPeriod", "What changes would have come to on its usage.", changes()),
            "close" => ("closePeriod", "Close it (结账), the second of two persons.", any()),
            _ => ("softClosePeriod", "Soft-close it (软结), the first of two persons.", any()),
        };
        let mut operation = Operation::new(FINANCE, id, summary)
            .parameter(month())
            .body(schema, verb == "preview")
            .answers(200, "Done, or worked out.", any(), &[])
            .problem(&[409]);
        if verb == "close" {
            operation = operation.takes(&["dry_run"]);
        }
        all.push((format!("{ROOT}/periods/{{month}}:{verb}"), "post", operation));
    }
    let (path, method, operation) = read("statements/{number}", "getStatement", "One statement (结算单).");
    all.push((path, method, operation.parameter(number())));
    for word in shuzha_store::ledger::Word::ALL {
        let word = word.as_str();
        let operation = Operation::new(
            FINANCE,
            &format!("{word}Statement"),
            "Its unit confirms or disputes; finance answers.",
        )
        .parameter(number())
        .body(
            json!({"type": "object", "properties": {"reason": {"type": "string", "maxLength": 2_000}}}),
            false,
        )
        .answers(200, "Said.", any(), &[])
        .problem(&[409]);
        all.push((format!("{ROOT}/statements/{{number}}:{word}"), "post", operation));
    }
    let (path, method, operation) = read("ledger", "listTransactions", "The ledger, in order.");
    all.push((path, method, operation.takes(&["limit", "cursor"])));
    let post = Operation::new(
        FINANCE,
        "postTransaction",
        "Post a payment once for its key, or take one back (红冲).",
    )
    .body(transaction(), true)
    .answers(200, "Posted.", any(), &[])
    .problem(&[409]);
    all.push((format!("{ROOT}/transactions"), "post", post));
    all
}

fn changes() -> Value {
    json!({
        "type": "object", "required": ["changes"],
        "properties": {"changes": {"type": "array", "maxItems": 100, "items": {
            "type": "object", "required": ["kind", "name", "spec"],
            "properties": {"kind": {"type": "string"}, "name": {"type": "string"}, "spec": any()},
        }}},
    })
}

fn transaction() -> Value {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 200});
    json!({
        "type": "object", "required": ["kind", "key", "reason"],
        "properties": {
            "kind": {"enum": ["prepay", "draw", "pay", "pay-out", "reverse"]},
            "key": text, "reason": text, "of": {"type": "string"}, "amount": money(),
        },
    })
}
