//! The consent service in the document.

use serde_json::{Map, Value, json};
use shuzha_schema::account::WaitingRequest;
use shuzha_schema::consent::{
    Consent, ConsentHolder, ConsentId, ConsentReceipts, DataUse, GivenConsent, NarrowerConsent, NewConsent,
    OutsideConsent, WithdrawAll, WithdrawnCount,
};
use shuzha_schema::{Name, Nothing, Page, schema};

use super::operation::{Operation, query};
use super::paths::put;

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
    let unit = query("unit", "Only of this application unit.", schema::<Name>());
    let list = new("listConsents", "One's own consents, newest first. For `data_subject`.")
        .takes(&["limit", "revision"])
        .parameter(unit)
        .answers(200, "A page.", schema::<Page<Consent>>(), &[])
        .problem(&[409]);
    put(paths, "/api/v1/consents", "get", list);
    let give = new("giveConsent", "Give a consent of one's own. 个人授权")
        .body(schema::<NewConsent>(), true)
        .answers(201, "The token, for the unit, and the receipt.", schema::<GivenConsent>(), &["Location"])
        .problem(&[409]);
    put(paths, "/api/v1/consents", "post", give);
    let register = new("registerConsent", "Take over a consent that an outside issuer has given.")
        .body(schema::<OutsideConsent>(), true)
        .answers(201, "It is in one's list.", schema::<ConsentId>(), &["Location"])
        .problem(&[409]);
    put(paths, "/api/v1/consents:register", "post", register);
    let all = new("withdrawConsents", "Take back all of one's consents, or all that one unit has. 全部撤回")
        .body(schema::<WithdrawAll>(), false)
        .answers(200, "How many were taken back.", schema::<WithdrawnCount>(), &[])
        .problem(&[409]);
    put(paths, "/api/v1/consents:withdraw", "post", all);
    let get = one("getConsent", "One of one's own.").answers(200, "The consent.", schema::<Consent>(), &[]);
    put(paths, "/api/v1/consents/{consent}", "get", get);
    let withdraw = one("withdrawConsent", "Take a consent back, and those derived from it. 撤回")
        .body(schema::<Nothing>(), false)
        .answers(200, "It is refused from now on.", schema::<Consent>(), &[]);
    put(paths, "/api/v1/consents/{consent}:withdraw", "post", withdraw);
    let narrow = one("narrowConsent", "Derive a narrower consent. 收窄")
        .body(schema::<NarrowerConsent>(), false)
        .answers(201, "The token and the receipt.", schema::<GivenConsent>(), &["Location"]);
    put(paths, "/api/v1/consents/{consent}:narrow", "post", narrow);
    let receipts = one("consentReceipts", "The signed receipts. 同意回执").answers(
        200,
        "Of the giving and of the withdrawal.",
        schema::<ConsentReceipts>(),
        &[],
    );
    put(paths, "/api/v1/consents/{consent}/receipts", "get", receipts);
    let uses = one("consentUses", "Uses made under a consent and those derived from it, newest first.")
        .takes(&["limit", "revision"])
        .answers(200, "A page.", schema::<Page<DataUse>>(), &[]);
    put(paths, "/api/v1/consents/{consent}/uses", "get", uses);
    let uses = new("dataUses", "Who used one's data, when, for what, newest first. 去向可查")
        .takes(&["limit", "revision"])
        .answers(200, "A page.", schema::<Page<DataUse>>(), &[])
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
    .body(schema::<ConsentHolder>(), true)
    .answers(202, "It waits for a second person.", schema::<WaitingRequest>(), &["Location"])
    .problem(&[409, 429]);
    put(paths, "/api/v1/consent-holders", "post", bind);
}
