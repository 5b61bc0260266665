//! The OpenAPI 3.1 document, generated from the kinds, verbs, roles, states and codes that the code has.

#![expect(clippy::needless_pass_by_value, reason = "what `json!` builds is embedded where it is handed")]

mod accounts;
mod consents;
mod declared;
mod evidence;
mod finance;
mod operation;
mod paths;
mod public;
mod schemas;

use serde_json::{Value, json};

/// The document that is published at `/api/v1/openapi.json`.
#[must_use]
pub fn document() -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Shuzha 数闸 control API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": INTRODUCTION,
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": [], "mark": []}],
        "tags": paths::tags(),
        "paths": paths::all(),
        "components": {
            "schemas": schemas::all(),
            "parameters": operation::parameters(),
            "responses": operation::problems(),
            "headers": operation::headers(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An API token, `szt_…`."},
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "shuzha",
                    "description": "A session; `__Host-shuzha` over HTTPS.",
                },
                "mark": {
                    "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                    "description": "The session's mark against cross-site forgery, needed for every change by cookie.",
                },
            },
        },
    });
    shuzha_schema::publish(&mut document);
    document
}

const INTRODUCTION: &str = "\
Registers, cases and accounts of the gate for public data. 公共数据登记、授权与账号管理接口。

- Every object and case carries a version, its `ETag`. A change names the version it acts on with `If-Match`.
- `?dry_run=true` answers what a change would do, and changes nothing.
- A retry with the same `Idempotency-Key` and content gets the same answer and changes nothing more.
- Lists are pages: `next` is the `cursor` of the page after. Pages stay in order while objects come and go.
- Errors are problem documents (RFC 9457) with a stable `code`, explained at `type`, and every fault at once.
- What a person may not see is not there (404).
- Messages are Chinese, or English with `Accept-Language: en`.";

#[cfg(test)]
mod tests {
    use shuzha_core::Role;
    use shuzha_evidence::Decision;
    use shuzha_privacy::consent::Basis;
    use shuzha_products::case::registration::STANDINGS;

    use super::*;

    /// The documents' types are plain texts: the words that may stand in them are the domain's.
    #[test]
    fn words_in_documents_are_those_of_the_domain() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        let roles: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        assert_eq!(schemas["Role"]["enum"], json!(roles));
        let of = |schema: &str, field: &str| &schemas[schema]["properties"][field]["enum"];
        assert_eq!(*of("DataUse", "decision"), json!(Decision::ALL.map(Decision::as_str)));
        assert_eq!(*of("PublicRegistration", "state"), json!(STANDINGS));
        assert_eq!(shuzha_schema::object::API_VERSION, shuzha_products::world::API_VERSION);
        assert_eq!(*of("NewConsent", "basis"), json!(Basis::ALL.map(Basis::as_str)));
    }
}
