//! The public register in the document.

use serde_json::{Value, json};
use shuzha_products::case::registration::STANDINGS;

use super::operation::Operation;
use super::schemas::reference;

/// The group that its operations are in.
pub(super) const PUBLIC: &str = "public";

/// The paths.
pub(super) fn paths() -> [(&'static str, Operation); 2] {
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
        reference("PublicRegistrationPage"),
        &[],
    );
    let one = Operation::open(PUBLIC, "publicCertificate", "Check a certificate by its code.")
        .public()
        .parameter(code)
        .answers(200, "The registration that it certifies.", reference("PublicRegistration"), &[]);
    [("/api/v1/public/registrations", list), ("/api/v1/public/certificates/{code}", one)]
}

/// A registration as anyone may see it.
pub(super) fn schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object", "additionalProperties": false,
        "required": ["name", "title", "product", "operator", "code", "window", "state", "objected", "valid", "publicity"],
        "properties": {
            "name": reference("Name"),
            "title": text("The registered name."),
            "product": {"oneOf": [reference("Name"), {"type": "null"}], "description": "Null for a data resource."},
            "operator": {"oneOf": [{"type": "null"}, {
                "type": "object", "additionalProperties": false, "required": ["organisation", "title"],
                "properties": {"organisation": reference("Name"), "title": {"type": "string"}},
            }], "description": "Who operates the product, or registered the data resource."},
            "code": {"type": ["string", "null"], "description": "The certificate's code; null before it is issued."},
            "window": {"oneOf": [{"type": "null"}, {
                "type": "object", "additionalProperties": false, "required": ["from", "until"],
                "properties": {"from": reference("Instant"), "until": reference("Instant")},
            }]},
            "state": {"enum": STANDINGS},
            "objected": {"type": "boolean", "description": "Whether an objection is open (异议标注)."},
            "valid": {"type": "boolean", "description": "Whether the certificate is good now."},
            "publicity": {"oneOf": [{"type": "null"}, {
                "type": "object", "additionalProperties": false, "required": ["matter", "title", "abstract"],
                "properties": {"matter": {"enum": ["first", "change"]}, "title": {"type": "string"}, "abstract": {"type": "string"}},
            }], "description": "What is under publicity now (公示); anyone with an account may object to it."},
        },
    })
}
