//! The paths of finance.

use serde_json::{Value, json};

use shuzha_core::PurposeClass;
use shuzha_pricing::Basis;
use shuzha_pricing::export::{Format, Set};
use shuzha_pricing::statement_page::FORM;
use shuzha_schema::finance as of;
use shuzha_schema::object::Reasoned;
use shuzha_schema::{List, Moment, Nothing, Page, schema, schema_with};

use super::operation::{Operation, query};
use crate::routes::exports::MANIFEST;
use crate::routes::finance::DECISIONS;
use crate::routes::finance::papers::CHARTS;
use crate::routes::finance::{PERIOD_PARTS, PERIOD_VERBS};

/// The group of its operations.
pub(super) const FINANCE: &str = "finance";

/// Where its paths begin.
const ROOT: &str = "/api/v1/finance";

fn path_part(name: &str, description: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
}

fn month() -> Value {
    path_part("month", "A month in Asia/Shanghai.", month_schema())
}

fn number() -> Value {
    path_part("number", "Number of a statement.", json!({"type": "string"}))
}

/// Path, method and operation of everything.
pub(super) fn paths() -> Vec<(String, &'static str, Operation)> {
    let read = |path: &str, id: &str, summary: &str, answer: Value| {
        let operation = Operation::new(FINANCE, id, summary).answers(200, "What was asked for.", answer, &[]);
        (format!("{ROOT}/{path}"), "get", operation)
    };
    let mut all = vec![
        read(
            "periods",
            "listPeriods",
            "Every month with use, the latest first.",
            schema::<List<of::Period>>(),
        ),
        read(
            "permitted",
            "listPermitted",
            "How far permitted revenue (最高准许收入) is used.",
            schema::<List<of::Permitted>>(),
        ),
        read(
            "stopped-prices",
            "listStoppedPrices",
            "Prices that a ceiling stops, and from when.",
            schema::<List<of::StoppedPrice>>(),
        ),
        read(
            "reratings",
            "listReratings",
            "Re-ratings of closed months, the latest first.",
            schema::<List<of::Rerating>>(),
        ),
        read(
            "proposals",
            "listPostingProposals",
            "Postings that two persons make, the latest first.",
            schema::<List<of::PostingProposal>>(),
        ),
        read(
            "line-corrections",
            "listLineCorrections",
            "Corrections of single lines (单行更正), the latest first.",
            schema::<List<of::LineCorrection>>(),
        ),
        read(
            "ledger/verification",
            "verifyLedger",
            "Every link, sum and route of the ledger, checked now.",
            schema::<of::Verification>(),
        ),
    ];
    let mut balances = read(
        "balances",
        "listBalances",
        "The trial balance (试算平衡): every account, in sum nothing.",
        schema::<List<of::Balance>>(),
    );
    balances.2 = balances.2.parameter(query(
        "as_of",
        "As they stood at this instant; as they are where none is given.",
        schema::<Moment>(),
    ));
    all.push(balances);
    let mut one = read("periods/{month}", "getPeriod", "One period.", schema::<of::Period>());
    one.2 = one.2.parameter(month());
    all.push(one);
    for part in PERIOD_PARTS {
        let (id, summary) = (format!("{part}OfPeriod"), format!("The {part} of a period."));
        let answer = match part {
            "usage" => schema::<List<of::Usage>>(),
            "lines" => schema::<List<of::RatedLine>>(),
            "statements" => schema::<List<of::Statement>>(),
            "shares" => schema::<List<of::Bill>>(),
            _ => schema::<List<of::Contribution>>(),
        };
        let (path, method, operation) = read(&format!("periods/{{month}}/{part}"), &id, &summary, answer);
        all.push((path, method, operation.parameter(month())));
    }
    for verb in PERIOD_VERBS {
        let (id, summary, asked) = match verb {
            "preview" => {
                ("previewPeriod", "What changes would have come to on its usage.", schema::<of::Changes>())
            }
            "rerate" => (
                "reratePeriod",
                "Propose to correct prices of it once closed: the first of two persons.",
                schema::<of::NewRerating>(),
            ),
            "close" => ("closePeriod", "Close it (结账), the second of two persons.", schema::<Nothing>()),
            _ => {
                ("softClosePeriod", "Soft-close it (预结账), the first of two persons.", schema::<Nothing>())
            }
        };
        let answer = match verb {
            "preview" => schema::<of::Preview>(),
            "rerate" => schema::<of::Proposed>(),
            "close" => schema::<of::Close>(),
            _ => schema::<of::Period>(),
        };
        let mut operation = Operation::new(FINANCE, id, summary)
            .parameter(month())
            .body(asked, matches!(verb, "preview" | "rerate"))
            .answers(200, "Done, or worked out.", answer, &[])
            .problem(&[409]);
        if verb == "close" {
            operation = operation.takes(&["dry_run"]);
        }
        all.push((format!("{ROOT}/periods/{{month}}:{verb}"), "post", operation));
    }
    let (path, method, operation) = read(
        "statements/{number}",
        "getStatement",
        "One statement (结算单).",
        schema::<of::WholeStatement>(),
    );
    all.push((path, method, operation.parameter(number())));
    for word in shuzha_store::ledger::Word::ALL {
        let word = word.as_str();
        let operation = Operation::new(
            FINANCE,
            &format!("{word}Statement"),
            "Its unit confirms or disputes; finance answers.",
        )
        .parameter(number())
        .body(schema::<Reasoned>(), false)
        .answers(200, "Said.", schema::<of::Statement>(), &[])
        .problem(&[409]);
        all.push((format!("{ROOT}/statements/{{number}}:{word}"), "post", operation));
    }
    let (path, method, operation) =
        read("ledger", "listTransactions", "The ledger, in order.", schema::<Page<of::Posted>>());
    all.push((path, method, operation.takes(&["limit", "revision"])));
    let post = Operation::new(
        FINANCE,
        "postTransaction",
        "Post a payment once for its key; or propose to pay out, pay back or take a payment back (红冲).",
    )
    .body(schema::<of::NewTransaction>(), true)
    .answers(200, "Posted.", schema::<of::Transaction>(), &[])
    .answers(202, "Proposed: another person approves or declines it.", schema::<of::PostingProposal>(), &[])
    .problem(&[409]);
    all.push((format!("{ROOT}/transactions"), "post", post));
    for verb in DECISIONS {
        let (id, summary, done) = match verb {
            "approve" => (
                "approvePosting",
                "Approve a proposed posting: the second of two persons.",
                "It is posted; `transaction` is what was posted.",
            ),
            _ => {
                ("declinePosting", "Decline a proposed posting, or withdraw one's own.", "Nothing is posted.")
            }
        };
        let answer = match verb {
            "approve" => schema::<of::ApprovedPosting>(),
            _ => schema::<of::PostingProposal>(),
        };
        let operation = Operation::new(FINANCE, id, summary)
            .parameter(path_part("number", "Its number.", json!({"type": "integer", "minimum": 1})))
            .body(schema::<Nothing>(), false)
            .answers(200, done, answer, &[])
            .problem(&[409]);
        all.push((format!("{ROOT}/proposals/{{number}}:{verb}"), "post", operation));
    }
    let approve =
        Operation::new(FINANCE, "approveRerating", "Approve a re-rating: the second of two persons.")
            .parameter(path_part("number", "Its number.", json!({"type": "integer", "minimum": 1})))
            .body(schema::<Nothing>(), false)
            .answers(
                200,
                "It is billed with the first period that is not closed.",
                schema::<of::Rerating>(),
                &[],
            )
            .problem(&[409]);
    all.push((format!("{ROOT}/reratings/{{number}}:approve"), "post", approve));
    all.extend(line_corrections());
    all.extend(papers());
    all.push(exports());
    all
}

/// Corrections of single lines.
fn line_corrections() -> Vec<(String, &'static str, Operation)> {
    let asked = schema_with::<of::NewLineCorrection>([
        ("purpose", json!({"enum": PurposeClass::ALL.map(PurposeClass::as_str)})),
        ("basis", json!({"enum": Basis::ALL.map(Basis::as_str)})),
        ("month", month_schema()),
    ]);
    let propose = Operation::new(
        FINANCE,
        "proposeLineCorrection",
        "Propose to correct one line: the first of two persons. `amount` is the difference.",
    )
    .body(asked, true)
    .answers(202, "Proposed: another person approves or declines it.", schema::<of::LineCorrection>(), &[])
    .problem(&[409]);
    let mut all = vec![(format!("{ROOT}/line-corrections"), "post", propose)];
    for verb in DECISIONS {
        let (id, summary, done) = match verb {
            "approve" => (
                "approveLineCorrection",
                "Approve a correction of a line: the second of two persons.",
                "It is billed with the line's month while that is open, else with the first month that is.",
            ),
            _ => (
                "declineLineCorrection",
                "Decline a correction of a line, or withdraw one's own.",
                "Nothing is billed.",
            ),
        };
        let operation = Operation::new(FINANCE, id, summary)
            .parameter(path_part("number", "Its number.", json!({"type": "integer", "minimum": 1})))
            .body(schema::<Nothing>(), false)
            .answers(200, done, schema::<of::LineCorrection>(), &[])
            .problem(&[409]);
        all.push((format!("{ROOT}/line-corrections/{{number}}:{verb}"), "post", operation));
    }
    all
}

/// Share bills, papers and charts.
fn papers() -> Vec<(String, &'static str, Operation)> {
    let html = || json!({"text/html": {"schema": {"type": "string"}}});
    let one = Operation::new(FINANCE, "getBill", "One share bill (收益分配账单).").parameter(number());
    let paper = |id: &str, summary: &str| {
        let form = json!({"type": "integer", "minimum": 1, "maximum": FORM, "default": FORM});
        Operation::new(FINANCE, id, summary)
            .parameter(number())
            .parameter(query("form", "The form that it was handed out in.", form))
            .answer(200, "The paper, to be printed.", html(), &[])
    };
    let chart = Operation::new(
        FINANCE,
        "getChart",
        "Revenue against what is permitted, shares by party, use by product, as a picture.",
    )
    .parameter(path_part("chart", "Which chart.", json!({"enum": CHARTS})))
    .parameter(query("period", "For shares and usage: a month.", month_schema()))
    .parameter(query("permitted", "For revenue: the permitted revenue.", json!({"type": "string"})))
    .parameter(lang())
    .answer(200, "The picture.", json!({"image/svg+xml": {"schema": {"type": "string"}}}), &[]);
    vec![
        (
            format!("{ROOT}/bills/{{number}}"),
            "get",
            one.answers(200, "What was asked for.", schema::<of::WholeBill>(), &[]),
        ),
        (
            format!("{ROOT}/statements/{{number}}/paper"),
            "get",
            paper("printStatement", "A statement as a paper."),
        ),
        (format!("{ROOT}/bills/{{number}}/paper"), "get", paper("printBill", "A share bill as a paper.")),
        (format!("{ROOT}/charts/{{chart}}"), "get", chart),
    ]
}

/// An export, or its control totals.
fn exports() -> (String, &'static str, Operation) {
    let files: Vec<String> = Set::ALL
        .into_iter()
        .flat_map(|set| {
            let forms = Format::ALL.map(Format::as_str).into_iter().chain([MANIFEST]);
            forms.map(move |form| format!("{}.{form}", set.as_str()))
        })
        .collect();
    let file = || json!({"schema": {"type": "string", "format": "binary"}});
    let mut content = json!({"application/json": {"schema": schema::<of::Manifest>()}});
    for format in Format::ALL {
        let kind = format.media_type();
        content[kind.split(';').next().unwrap_or(kind)] = file();
    }
    let operation = Operation::new(
        FINANCE,
        "getExport",
        "A set of rows as a file, written while it is read; or, as `.manifest`, its control totals alone.",
    )
    .parameter(path_part("file", "Which rows, in which format.", json!({"enum": files})))
    .parameter(query("period", "A month; not for `permitted`, and of choice for `ledger`.", month_schema()))
    .parameter(lang())
    .takes(&["If-None-Match"])
    .answer(
        200,
        "The file. It ends with its control totals; without them it is cut.",
        content,
        &["Content-Disposition", "ETag-of-content", "X-Export-Rows", "X-Export-Digest"],
    )
    .nothing(304, "The caller has it already.", &["ETag-of-content"])
    .problem(&[422]);
    ("/api/v1/exports/{file}".to_owned(), "get", operation)
}

fn month_schema() -> Value {
    json!({"type": "string", "pattern": "^(199[2-9]|2[0-9]{3})-(0[1-9]|1[0-2])$"})
}

pub(super) fn lang() -> Value {
    query("lang", "The language of headings and captions.", json!({"enum": ["zh", "en"], "default": "zh"}))
}
