//! The paths of evidence.

use serde_json::{Value, json};

use super::operation::{Operation, query};
use super::schemas::reference;
use crate::routes::evidence::OF;

/// The group of its operations.
pub(super) const EVIDENCE: &str = "evidence";

fn any() -> Value {
    json!({"type": "object"})
}

/// Path, method and operation of everything.
pub(super) fn paths() -> Vec<(String, &'static str, Operation)> {
    let request = json!({
        "name": "request", "in": "path", "required": true, "description": "The call's `X-Request-Id`.",
        "schema": {"type": "string", "format": "uuid"},
    });
    let trace = Operation::new(
        EVIDENCE,
        "traceCall",
        "From a call back: rights, product, data, and who decided. 来源可溯、责任可究",
    )
    .parameter(request)
    .answers(200, "The trace.", any(), &[]);
    let mut uses = Operation::new(
        EVIDENCE,
        "traceUses",
        "From a data set, product, unit or grant forward to every use, in order of time. 去向可查",
    )
    .takes(&["limit", "from", "until"])
    .parameter(query("cursor", "`next` of the page before.", json!({"type": "string"})));
    for name in OF {
        uses = uses.parameter(query(name, "Only its uses; exactly one of the four.", reference("Name")));
    }
    let uses = uses.answers(200, "A page.", any(), &[]);
    vec![("/api/v1/traces/{request}".to_owned(), "get", trace), ("/api/v1/traces".to_owned(), "get", uses)]
}
