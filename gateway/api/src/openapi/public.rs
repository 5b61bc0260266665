//! The public register in the document.

use serde_json::{Map, Value, json};
use shuzha_control::public::{CellKind, DISCLOSURES, Disclosure};
use shuzha_schema::about::{PublicBudget, PublicRegistration};
use shuzha_schema::{Instant, Name, Page, schema};

use super::operation::Operation;

/// The group that its operations are in.
pub(super) const PUBLIC: &str = "public";

/// The paths.
pub(super) fn paths() -> Vec<(String, Operation)> {
    let code = json!({
        "name": "code", "in": "path", "required": true, "description": "The code on the certificate (一证一码).",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[0-9A-Z._-]+$"},
    });
    let list = Operation::open(
        PUBLIC,
        "publicRegistrations",
        "Registrations under publicity, and those that have or had a certificate.",
    )
    .public()
    .takes(&["limit", "cursor"])
    .answers(
        200,
        "A page; it may be short and still have a next.",
        schema::<Page<PublicRegistration>>(),
        &[],
    );
    let one = Operation::open(PUBLIC, "publicCertificate", "Check a certificate by its code.")
        .public()
        .parameter(code)
        .answers(200, "The registration that it certifies.", schema::<PublicRegistration>(), &[]);
    let budgets = Operation::open(
        PUBLIC,
        "publicPrivacyBudgets",
        "What is promised to the people behind statistics: caps in odds, and the raises of them.",
    )
    .public()
    .takes(&["limit", "cursor"])
    .answers(200, "A page, in order of name.", schema::<Page<PublicBudget>>(), &[]);
    let mut paths = vec![
        ("/api/v1/public/registrations".to_owned(), list),
        ("/api/v1/public/certificates/{code}".to_owned(), one),
        ("/api/v1/public/privacy-budgets".to_owned(), budgets),
    ];
    for subject in &DISCLOSURES {
        let path = format!("/api/v1/public/{}", subject.plural);
        let sheet =
            Operation::open(PUBLIC, &operation_id(subject, "Sheet"), &format!("{} As CSV.", subject.en))
                .public()
                .takes(&["cursor"])
                .parameter(super::finance::lang())
                .answer(
                    200,
                    "UTF-8 with a byte order mark; `Link` says where the next rows begin.",
                    json!({"text/csv": {"schema": {"type": "string"}}}),
                    &["Content-Disposition"],
                );
        let list = Operation::open(PUBLIC, &operation_id(subject, ""), subject.en)
            .public()
            .takes(&["limit", "cursor"])
            .answers(200, "A page; it may be short and still have a next.", page(subject), &[]);
        paths.extend([(format!("{path}.csv"), sheet), (path, list)]);
    }
    paths
}

/// `publicProducts`, `publicProductsSheet`.
fn operation_id(subject: &Disclosure, end: &str) -> String {
    let (first, rest) = subject.plural.split_at(1);
    format!("public{}{rest}{end}", first.to_ascii_uppercase())
}

/// A page of rows, by the columns.
fn page(subject: &Disclosure) -> Value {
    let mut properties = Map::new();
    for (index, column) in subject.columns.iter().enumerate() {
        let (kind, more) = match column.kind {
            CellKind::Name => ("string", Some(schema::<Name>())),
            CellKind::Text | CellKind::Word => ("string", None),
            CellKind::Texts | CellKind::Words => ("array", None),
            CellKind::Instant => ("string", Some(schema::<Instant>())),
            CellKind::Flag => ("boolean", None),
        };
        // The first tells rows apart; anything else may have nothing to say.
        let mut cell = match more {
            Some(one) if index == 0 => json!({"allOf": [one]}),
            Some(one) => json!({"anyOf": [one, {"type": "null"}]}),
            None if index == 0 => json!({"type": kind}),
            None => json!({"type": [kind, "null"]}),
        };
        if matches!(column.kind, CellKind::Texts | CellKind::Words) {
            cell["items"] = json!({"type": "string"});
        }
        cell["description"] = format!("{}。 {}", column.zh, column.en).into();
        properties.insert(column.name.to_owned(), cell);
    }
    let names: Vec<&str> = subject.columns.iter().map(|column| column.name).collect();
    json!({
        "type": "object", "required": ["items", "next"], "additionalProperties": false,
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object", "required": names, "additionalProperties": false, "properties": properties,
                },
            },
            "next": {"type": ["string", "null"], "description": "Where the next page begins."},
        },
    })
}
