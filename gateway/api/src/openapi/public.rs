//! The public register in the document.

use serde_json::json;
use shuzha_schema::about::{PublicBudget, PublicRegistration};
use shuzha_schema::{Page, schema};

use super::operation::Operation;

/// The group that its operations are in.
pub(super) const PUBLIC: &str = "public";

/// The paths.
pub(super) fn paths() -> [(&'static str, Operation); 3] {
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
    [
        ("/api/v1/public/registrations", list),
        ("/api/v1/public/certificates/{code}", one),
        ("/api/v1/public/privacy-budgets", budgets),
    ]
}
