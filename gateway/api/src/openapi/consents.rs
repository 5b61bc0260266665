//! The consent service in the document.

use serde_json::{Map, Value, json};
use shuzha_evidence::Decision;
use shuzha_privacy::consent::{ACTIONS_MAX, FIELDS_MAX, PRODUCTS_MAX, USES_MAX};

use super::operation::{Operation, query};
use super::paths::put;
use super::schemas::{object, page, reference};

/// The group that its operations are in.
pub(super) const CONSENTS: &str = "consents";

/// The paths.
pub(super) fn paths(paths: &mut Map<String, Value>) {
    let id = json!({
        "name": "consent", "in": "path", "required": true, "description": "The consent's identifier.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22,64}$"},
    });
    let new = |id: &str, summary: &str| Operation::new(CONSENTS, id, summary);
    let one = |name: &str, summary: &str| new(name, summary).parameter(id.clone()).problem(&[409]);
    let unit = query("unit", "Only of this application unit.", reference("Name"));
    let list = new("listConsents", "One's own consents, newest first. For `data_subject`.")
        .takes(&["limit", "revision"])
        .parameter(unit)
        .answers(200, "A page.", reference("ConsentPage"), &[])
        .problem(&[409]);
    put(paths, "/api/v1/consents", "get", list);
    let give = new("giveConsent", "Give a consent of one's own. 个人授权")
        .body(reference("NewConsent"), true)
        .answers(201, "The token, for the unit, and the receipt.", reference("GivenConsent"), &["Location"])
        .problem(&[409]);
    put(paths, "/api/v1/consents", "post", give);
    let register = new("registerConsent", "Take over a consent that an outside issuer has given.")
        .body(reference("OutsideConsent"), true)
        .answers(201, "It is in one's list.", reference("ConsentId"), &["Location"])
        .problem(&[409]);
    put(paths, "/api/v1/consents:register", "post", register);
    let all = new("withdrawConsents", "Take back all of one's consents, or all that one unit has. 全部撤回")
        .body(reference("WithdrawAll"), false)
        .answers(200, "How many were taken back.", reference("WithdrawnCount"), &[])
        .problem(&[409]);
    put(paths, "/api/v1/consents:withdraw", "post", all);
    let get = one("getConsent", "One of one's own.").answers(200, "The consent.", reference("Consent"), &[]);
    put(paths, "/api/v1/consents/{consent}", "get", get);
    let withdraw = one("withdrawConsent", "Take a consent back, and those derived from it. 撤回")
        .body(reference("Nothing"), false)
        .answers(200, "It is refused from now on.", reference("Consent"), &[]);
    put(paths, "/api/v1/consents/{consent}:withdraw", "post", withdraw);
    let narrow = one("narrowConsent", "Derive a narrower consent. 收窄")
        .body(reference("NarrowerConsent"), false)
        .answers(201, "The token and the receipt.", reference("GivenConsent"), &["Location"]);
    put(paths, "/api/v1/consents/{consent}:narrow", "post", narrow);
    let receipts = one("consentReceipts", "The signed receipts. 同意回执").answers(
        200,
        "Of the giving and of the withdrawal.",
        reference("ConsentReceipts"),
        &[],
    );
    put(paths, "/api/v1/consents/{consent}/receipts", "get", receipts);
    let uses = one("consentUses", "Uses made under a consent and those derived from it, newest first.")
        .takes(&["limit", "revision"])
        .answers(200, "A page.", reference("DataUsePage"), &[]);
    put(paths, "/api/v1/consents/{consent}/uses", "get", uses);
    let uses = new("dataUses", "Who used one's data, when, for what, newest first. 去向可查")
        .takes(&["limit", "revision"])
        .answers(200, "A page.", reference("DataUsePage"), &[])
        .problem(&[409]);
    put(paths, "/api/v1/data-uses", "get", uses);
    bind(paths);
    let list = json!({"name": "list", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32}});
    let status =
        Operation::open(CONSENTS, "statusList", "Which consents were withdrawn (Token Status List).")
            .public()
            .parameter(list)
            .answer(
                200,
                "Signed.",
                json!({"application/statuslist+jwt": {"schema": {"type": "string"}}}),
                &[],
            );
    put(paths, "/status-lists/{list}", "get", status);
}

fn bind(paths: &mut Map<String, Value>) {
    let bind = Operation::new(
        CONSENTS,
        "bindConsentHolder",
        "Ask a second person to bind an account to the person whose papers were seen. For `sre`.",
    )
    .body(reference("ConsentHolder"), true)
    .answers(202, "It waits for a second person.", reference("WaitingRequest"), &["Location"])
    .problem(&[409, 429]);
    put(paths, "/api/v1/consent-holders", "post", bind);
}

/// The shapes.
pub(super) fn schemas() -> Value {
    let text = |max: usize| json!({"type": "string", "minLength": 1, "maxLength": max});
    let names = |max: usize| json!({"type": "array", "minItems": 1, "maxItems": max, "uniqueItems": true, "items": {"type": "string", "minLength": 1, "maxLength": 256}});
    let parts = json!({
        "products": names(PRODUCTS_MAX), "fields": names(FIELDS_MAX), "actions": names(ACTIONS_MAX),
        "usesMax": {"type": "integer", "minimum": 1, "maximum": USES_MAX}, "until": reference("Moment"),
    });
    let id_number = json!({"type": "string", "pattern": "^[0-9]{17}[0-9X]$", "description": "公民身份号码; makes the pseudonym and is not kept."});
    let mut new = parts.clone();
    for (key, schema) in [
        ("idNumber", id_number.clone()),
        ("unit", reference("Name")),
        ("scenario", reference("Name")),
        ("notice", text(128)),
        ("noticeHash", json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"})),
        ("basis", json!({"enum": ["consent", "separate_consent", "written_consent"]})),
        ("sensitive", json!({"type": "boolean", "default": false})),
    ] {
        new[key] = schema;
    }
    let needed = [
        "idNumber",
        "unit",
        "scenario",
        "products",
        "fields",
        "actions",
        "usesMax",
        "until",
        "notice",
        "noticeHash",
        "basis",
    ];
    let token = json!({"type": "string"});
    let or_null = |schema: Value| json!({"oneOf": [schema, {"type": "null"}]});
    json!({
        "NewConsent": object(&needed, new),
        "NarrowerConsent": object(&[], parts),
        "OutsideConsent": object(&["idNumber", "token"], json!({"idNumber": id_number, "token": text(4_096)})),
        "ConsentHolder": object(&["account", "idNumber"], json!({"account": reference("Name"), "idNumber": id_number})),
        "GivenConsent": object(&["id", "token", "receipt"], json!({"id": token, "token": token, "receipt": token})),
        "ConsentId": object(&["id"], json!({"id": token})),
        "WithdrawAll": object(&[], json!({"unit": reference("Name")})),
        "WithdrawnCount": object(&["withdrawn"], json!({"withdrawn": {"type": "integer", "minimum": 0}})),
        "ConsentReceipts": object(&["given", "withdrawn"], json!({"given": or_null(token.clone()), "withdrawn": or_null(token)})),
        "Consent": consent(),
        "ConsentPage": page(reference("Consent")),
        "DataUse": data_use(),
        "DataUsePage": page(reference("DataUse")),
    })
}

fn consent() -> Value {
    let or_null = |schema: Value| json!({"oneOf": [schema, {"type": "null"}]});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let status =
        object(&["list", "index"], json!({"list": {"type": "string"}, "index": {"type": "integer"}}));
    let text = json!({"type": "string"});
    object(
        &[
            "id",
            "issuer",
            "unit",
            "scenario",
            "purpose",
            "products",
            "fields",
            "actions",
            "usesMax",
            "from",
            "until",
            "basis",
            "sensitive",
            "notice",
            "noticeHash",
            "parent",
            "status",
            "given",
            "withdrawn",
            "live",
        ],
        json!({
            "id": text, "issuer": text, "unit": text, "scenario": text, "purpose": text,
            "products": texts, "fields": texts, "actions": texts,
            "usesMax": {"type": "integer"}, "from": reference("Instant"), "until": reference("Instant"),
            "basis": text, "sensitive": {"type": "boolean"}, "notice": text, "noticeHash": text,
            "parent": or_null(text), "status": or_null(status), "given": reference("Instant"),
            "withdrawn": or_null(reference("Instant")),
            "live": {"type": "boolean", "description": "Neither before its time nor over, withdrawn or used up; nor is the one it narrows."},
        }),
    )
}

fn data_use() -> Value {
    let text = json!({"type": "string"});
    object(
        &["sequence", "at", "unit", "scenario", "purpose", "product", "operation", "decision", "code"],
        json!({
            "sequence": {"type": "integer", "description": "Where the call's record stands in the journal."},
            "at": reference("Instant"), "unit": text, "scenario": text,
            "purpose": {"type": ["string", "null"]}, "product": text, "operation": text,
            "decision": {"enum": Decision::ALL.map(Decision::as_str), "description": "Never what was answered."},
            "code": {"type": ["string", "null"], "description": "Why it was refused or failed."},
        }),
    )
}
