//! The paths of evidence.

use serde_json::{Value, json};
use shuzha_schema::evidence::{Consistency, HalfYear, Inclusion, Trace, Uses, WholeHalfYear};
use shuzha_schema::object::Reasoned;
use shuzha_schema::{List, Name, schema};

use super::operation::{Operation, query};
use crate::routes::evidence::OF;
use crate::routes::evidence::logs::{PROOFS, TREES, VERBS};

/// The group of its operations.
pub(super) const EVIDENCE: &str = "evidence";

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
    .answers(200, "The trace.", schema::<Trace>(), &[]);
    let mut uses = Operation::new(
        EVIDENCE,
        "traceUses",
        "From a data set, product, unit or grant forward to every use, in order of time. 去向可查",
    )
    .takes(&["limit", "from", "until"])
    .parameter(query("cursor", "`next` of the page before.", json!({"type": "string"})));
    for name in OF {
        uses = uses.parameter(query(
            name,
            "Only its uses; exactly one of the four, or product and unit: that unit's of the product.",
            schema::<Name>(),
        ));
    }
    let uses = uses.answers(200, "A page.", schema::<Uses>(), &[]);
    let mut all = vec![
        ("/api/v1/traces/{request}".to_owned(), "get", trace),
        ("/api/v1/traces".to_owned(), "get", uses),
    ];
    logs(&mut all);
    proofs(&mut all);
    all
}

/// Where half-years are.
const ROOT: &str = "/api/v1/evidence/logs";

fn log() -> Value {
    json!({
        "name": "log", "in": "path", "required": true, "description": "A half-year.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}h[12]$"},
    })
}

fn logs(all: &mut Vec<(String, &'static str, Operation)>) {
    let list = Operation::new(
        EVIDENCE,
        "listLogs",
        "Half-years of the log, and what keeps each from being destroyed.",
    )
    .answers(200, "All of them.", schema::<List<HalfYear>>(), &[]);
    all.push((ROOT.to_owned(), "get", list));
    let get =
        Operation::new(EVIDENCE, "getLog", "One half-year with its checkpoints, manifest and certificate.")
            .parameter(log())
            .answers(200, "The half-year.", schema::<WholeHalfYear>(), &[]);
    all.push((format!("{ROOT}/{{log}}"), "get", get));
    for verb in VERBS {
        let summary = match verb {
            "seal" => "封存 Check it, list it, sign for it, make it read-only. For `authority`, `sre`.",
            "destroy" => {
                "申请销毁 Ask for its destruction, the first of two persons. For `authority`, `sre`."
            }
            "confirm" => "确认销毁 Decide it and carry it out, the second of two persons. For `authority`.",
            _ => "撤回销毁申请 Take back what was asked for and not decided. For `authority`, `sre`.",
        };
        let act = Operation::new(EVIDENCE, &format!("{verb}Log"), summary)
            .parameter(log())
            .body(schema::<Reasoned>(), false)
            .answers(200, "Done.", schema::<HalfYear>(), &[])
            .problem(&[409]);
        all.push((format!("{ROOT}/{{log}}:{verb}"), "post", act));
    }
}

fn proofs(all: &mut Vec<(String, &'static str, Operation)>) {
    for proof in PROOFS {
        let (summary, numbers): (_, [(&str, &str); 2]) = if proof == "inclusion" {
            let index = ("index", "The record by its place in the log; exactly one of the three.");
            let sequence = ("sequence", "By its sequence in the journal.");
            ("That a record is a leaf under the latest checkpoint (C2SP tlog-proof).", [index, sequence])
        } else {
            let to = ("to", "Leaves of the later tree; all where it is left out.");
            (
                "That a tree is the beginning of a later one (RFC 6962).",
                [("from", "Leaves of the earlier tree."), to],
            )
        };
        let tree = query("tree", "Which of the two trees.", json!({"enum": TREES}));
        let mut get =
            Operation::new(EVIDENCE, &format!("{proof}Proof"), summary).parameter(log()).parameter(tree);
        for (name, description) in numbers {
            let mut number = query(name, description, json!({"type": "integer", "minimum": 0}));
            if name == "from" {
                number["required"] = true.into();
            }
            get = get.parameter(number);
        }
        if proof == "inclusion" {
            let request = json!({"type": "string", "format": "uuid"});
            get = get.parameter(query("request", "By the call's request.", request));
        }
        let answer = if proof == "inclusion" { schema::<Inclusion>() } else { schema::<Consistency>() };
        all.push((format!("{ROOT}/{{log}}/{proof}"), "get", get.answers(200, "The proof.", answer, &[])));
    }
}
