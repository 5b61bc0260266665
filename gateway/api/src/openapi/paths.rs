//! Every path and its operations.

use serde_json::{Map, Value, json};
use shuzha_control::Kind;
use shuzha_products::case::{CaseKind, Verb};
use shuzha_schema::about::{RoleTitle, Rules};
use shuzha_schema::account::{
    Account, Enrolment, FirstAdministrator, MadeToken, Me, NewToken, OneTimeCode, RecoveryCodes, SetPassword,
    SignIn, SignedIn, Token,
};
use shuzha_schema::object::{
    Act, Confirmation, Deadlines, Due, IssuedSecret, Notice, Reasoned, Refused, Words,
};
use shuzha_schema::{Nothing, Page, schema};

use super::accounts::{self, ACCOUNTS};
use super::consents::{self, CONSENTS};
use super::evidence::{self, EVIDENCE};
use super::finance::{self, FINANCE};
use super::operation::{Operation, query};
use super::public::{self, PUBLIC};
use super::schemas::reference;
use crate::routes::objects::{CONFIRM, ISSUE_SECRET, REVOKE};

pub(super) const SIGN_ON: &str = "sign-on";
const ACTS: &str = "acts";
const ABOUT: &str = "about";

/// The groups that operations are in.
pub(super) fn tags() -> Value {
    let fixed = [
        (SIGN_ON, "登录与本人账号"),
        (ACCOUNTS, "账号管理"),
        (ACTS, "办理记录与期限"),
        (ABOUT, "接口说明"),
        (CONSENTS, "个人授权"),
        (FINANCE, "财务与结算"),
        (EVIDENCE, "存证与追溯"),
        (PUBLIC, "公开查询"),
    ];
    let tag = |name: &str, title: &str| json!({"name": name, "description": title});
    let kinds = Kind::all().map(|kind| tag(kind.name(), kind.title_zh()));
    fixed.iter().map(|(name, title)| tag(name, title)).chain(kinds).collect()
}

/// Every path.
pub(super) fn all() -> Value {
    let mut paths = Map::new();
    for kind in Kind::all() {
        of_kind(&mut paths, kind);
    }
    sign_on(&mut paths);
    me(&mut paths);
    accounts::paths(&mut paths);
    acts(&mut paths);
    about(&mut paths);
    consents::paths(&mut paths);
    for (path, method, operation) in finance::paths().into_iter().chain(evidence::paths()) {
        put(&mut paths, &path, method, operation);
    }
    for (path, operation) in public::paths() {
        put(&mut paths, &path, "get", operation);
    }
    Value::Object(paths)
}

pub(super) fn put(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Operation) {
    paths.entry(path).or_insert_with(|| json!({}))[method] = operation.done();
}

fn of_kind(paths: &mut Map<String, Value>, kind: Kind) {
    let (name, plural) = (kind.name(), kind.plural());
    let (list, one) = (format!("/api/v1/{plural}"), format!("/api/v1/{plural}/{{name}}"));
    let of_it = |suffix: &str| reference(&format!("{name}{suffix}"));
    let mut listing = Operation::new(name, &format!("list{name}"), "List, in order of name.")
        .takes(&["limit", "cursor", "owner", "q"])
        .answers(200, "A page.", of_it("Page"), &[]);
    if let Kind::Case(case) = kind {
        listing = listing.takes(&["overdue"]).parameter(query(
            "state",
            "Only in this state.",
            json!({"enum": case.states}),
        ));
    }
    put(paths, &list, "get", listing);
    let get = Operation::new(name, &format!("get{name}"), "Read one.")
        .takes(&["name", "If-None-Match"])
        .answers(200, "The object.", reference(name), &["ETag"])
        .nothing(304, "The caller has this version already.", &["ETag"]);
    put(paths, &one, "get", get);
    let summary = match kind {
        Kind::Declared(..) => "Write.",
        Kind::Case(_) => "Open a case, or replace the spec of one that is being drafted.",
    };
    let write = Operation::new(name, &format!("put{name}"), summary)
        .takes(&["name", "If-Match-or-new", "create-only", "Idempotency-Key", "dry_run"])
        .body(of_it("Write"), true)
        .answers(200, "Written, or tried.", of_it("Change"), &["ETag-unless-tried", "Idempotency-Replayed"])
        .answers(201, "Made.", of_it("Change"), &["ETag", "Location", "Idempotency-Replayed"])
        .problem(&[409, 412, 428]);
    put(paths, &one, "put", write);
    match kind {
        Kind::Declared(..) => {
            let remove = Operation::new(name, &format!("delete{name}"), "Remove; refused while referred to.")
                .takes(&["name", "If-Match", "Idempotency-Key", "dry_run"])
                .body(schema::<Words>(), false)
                .answers(200, "Removed, or tried.", of_it("Change"), &["Idempotency-Replayed"])
                .problem(&[409, 412, 428]);
            put(paths, &one, "delete", remove);
            if name == "Credential" {
                let issue = Operation::new(
                    name,
                    "issueSecret",
                    "签发密钥 Issue the secret of an HMAC credential, once.",
                )
                .takes(&["name", "Idempotency-Key"])
                .body(schema::<Reasoned>(), false)
                .answers(
                    201,
                    "The secret in base 64; shown here only.",
                    schema::<IssuedSecret>(),
                    &["Idempotency-Replayed"],
                )
                .problem(&[409]);
                put(paths, &format!("{one}:{ISSUE_SECRET}"), "post", issue);
                on_credential(paths, &one);
            }
        }
        Kind::Case(case) => case.verbs.iter().for_each(|verb| of_verb(paths, case, verb)),
    }
    let history = Operation::new(name, &format!("history{name}"), "What was done to it, newest first.")
        .takes(&["name", "limit", "revision"])
        .answers(200, "A page.", schema::<Page<Act>>(), &[]);
    put(paths, &format!("{one}/history"), "get", history);
}

/// What else is done to a credential.
fn on_credential(paths: &mut Map<String, Value>, one: &str) {
    let verbs = [
        (
            CONFIRM,
            "确认 Bring one into force that somebody else declared, by proof of its key.",
            schema::<Confirmation>(),
        ),
        (REVOKE, "吊销 Take it out of force for good.", schema::<Words>()),
    ];
    for (verb, summary, body) in verbs {
        let act = Operation::new("Credential", &format!("{verb}Credential"), summary)
            .takes(&["name", "If-Match-if-seen", "Idempotency-Key", "dry_run"])
            .body(body, verb == CONFIRM)
            .answers(
                200,
                "Done, or tried.",
                reference("CredentialChange"),
                &["ETag-unless-tried", "Idempotency-Replayed"],
            )
            .problem(&[409, 412]);
        put(paths, &format!("{one}:{verb}"), "post", act);
    }
}

fn of_verb(paths: &mut Map<String, Value>, case: &CaseKind, verb: &Verb) {
    let roles: Vec<_> = verb.roles.iter().map(|role| format!("`{role}`")).collect();
    let summary = format!("{} For {}.", verb.title_zh, roles.join(", "));
    let version = if verb.public { "If-Match-if-seen" } else { "If-Match" };
    let act = Operation::new(case.kind, &format!("{}{}", verb.name, case.kind), &summary)
        .takes(&["name", version, "Idempotency-Key", "dry_run"])
        .body(reference(&format!("{}.{}", case.kind, verb.name)), true)
        .answers(
            200,
            "Done, or tried.",
            reference(&format!("{}Change", case.kind)),
            &["ETag-unless-tried", "Idempotency-Replayed"],
        )
        .problem(&[409, 412, 428]);
    put(paths, &format!("/api/v1/{}/{{name}}:{}", case.plural, verb.name), "post", act);
}

fn sign_on(paths: &mut Map<String, Value>) {
    let begin = Operation::open(SIGN_ON, "signIn", "Sign on by name, password and one-time code.")
        .public()
        .body(schema::<SignIn>(), true)
        .answers(201, "Signed on; the session is in the cookie.", schema::<SignedIn>(), &["Set-Cookie"])
        .problem(&[401, 429]);
    put(paths, "/api/v1/sessions", "post", begin);
    let end =
        Operation::new(SIGN_ON, "signOut", "End the session, or the API token, that the request comes with.")
            .nothing(204, "Signed off.", &["Set-Cookie"]);
    put(paths, "/api/v1/sessions/current", "delete", end);
    let begin =
        Operation::open(SIGN_ON, "beginOidc", "Go to the identity provider; 404 where none is set up.")
            .public()
            .nothing(302, "To the provider.", &["Location", "Set-Cookie"]);
    put(paths, "/api/v1/sign-on/oidc", "get", begin);
    let text = json!({"type": "string"});
    let end = Operation::open(SIGN_ON, "endOidc", "Come back from it; a linked identity is signed on.")
        .public()
        .parameter(query("state", "As it was sent.", text.clone()))
        .parameter(query("code", "The authorization code.", text))
        .nothing(303, "Signed on; the session is in the cookie.", &["Location", "Set-Cookie"])
        .problem(&[401]);
    put(paths, "/api/v1/sign-on/oidc/callback", "get", end);
    let first = Operation::open(
        SIGN_ON,
        "firstAdministrator",
        "Make the first account, by the token of the first start.",
    )
    .public()
    .body(schema::<FirstAdministrator>(), true)
    .answers(201, "The account, with the role `sre`.", schema::<Account>(), &["Location"])
    .problem(&[401, 429]);
    put(paths, "/api/v1/first-administrator", "post", first);
}

fn me(paths: &mut Map<String, Value>) {
    let get =
        Operation::new(SIGN_ON, "me", "Who one is here.").answers(200, "The sign-on.", schema::<Me>(), &[]);
    put(paths, "/api/v1/me", "get", get);
    let password = Operation::new(SIGN_ON, "setPassword", "Change one's password; ends all one's sessions.")
        .in_person()
        .body(schema::<SetPassword>(), true)
        .nothing(204, "Changed.", &[])
        .problem(&[429]);
    put(paths, "/api/v1/me/password", "put", password);
    let enrol = Operation::new(SIGN_ON, "enrolOneTimeCode", "Get a secret for one-time codes (RFC 6238).")
        .in_person()
        .body(schema::<Nothing>(), false)
        .answers(201, "The secret, to be confirmed by a first code.", schema::<Enrolment>(), &[])
        .problem(&[409]);
    put(paths, "/api/v1/me/one-time-code", "post", enrol);
    let remove = Operation::new(SIGN_ON, "removeOneTimeCode", "Stop using one-time codes, by a last one.")
        .in_person()
        .body(schema::<OneTimeCode>(), true)
        .nothing(204, "Stopped.", &[])
        .problem(&[409, 429]);
    put(paths, "/api/v1/me/one-time-code", "delete", remove);
    let confirm = Operation::new(SIGN_ON, "confirmOneTimeCode", "Put one-time codes into use.")
        .in_person()
        .body(schema::<OneTimeCode>(), true)
        .answers(200, "Recovery codes, each good once; shown here only.", schema::<RecoveryCodes>(), &[])
        .problem(&[409, 429]);
    put(paths, "/api/v1/me/one-time-code:confirm", "post", confirm);
    let tokens = Operation::new(SIGN_ON, "listTokens", "One's API tokens.").answers(
        200,
        "All of them.",
        schema::<Page<Token>>(),
        &[],
    );
    put(paths, "/api/v1/me/tokens", "get", tokens);
    let create = Operation::new(SIGN_ON, "createToken", "Make an API token.")
        .in_person()
        .takes(&["Idempotency-Key"])
        .body(schema::<NewToken>(), true)
        .answers(
            201,
            "The token; shown here only.",
            schema::<MadeToken>(),
            &["Location", "Idempotency-Replayed"],
        )
        .problem(&[409]);
    put(paths, "/api/v1/me/tokens", "post", create);
    let remove = Operation::new(SIGN_ON, "removeToken", "End an API token.")
        .in_person()
        .takes(&["token"])
        .nothing(204, "Ended.", &[]);
    put(paths, "/api/v1/me/tokens/{token}", "delete", remove);
}

fn acts(paths: &mut Map<String, Value>) {
    let audit = Operation::new(ACTS, "audit", "Every act, newest first. For `auditor` and `authority`.")
        .takes(&["limit", "revision", "kind", "object", "actor", "verb", "from", "until"])
        .answers(200, "A page.", schema::<Page<Act>>(), &[]);
    put(paths, "/api/v1/acts", "get", audit);
    let account = query(
        "account",
        "Only of this account.",
        json!({"type": "string", "minLength": 1, "maxLength": 28, "pattern": "^[!-~]+$"}),
    );
    let code = query("code", "Only with this code.", json!({"type": "string", "pattern": "^C[0-9]{3,4}$"}));
    let about = "Acts refused to signed-on persons, and sign-ons that failed, newest first. For `auditor` and `authority`.";
    let refused = Operation::new(ACTS, "refusedActs", about)
        .takes(&["limit", "revision", "from", "until"])
        .parameter(account)
        .parameter(code)
        .answers(200, "A page.", schema::<Page<Refused>>(), &[]);
    put(paths, "/api/v1/refused-acts", "get", refused);
    let deadlines = Operation::new(ACTS, "deadlines", "What is due next, in order of time.")
        .takes(&["limit", "until"])
        .answers(200, "Open deadlines.", schema::<Deadlines>(), &[]);
    put(paths, "/api/v1/deadlines", "get", deadlines);
    let notices = Operation::new(ACTS, "notices", "Deadlines that passed, newest first.")
        .takes(&["limit", "revision"])
        .answers(200, "A page.", schema::<Page<Notice>>(), &[]);
    put(paths, "/api/v1/notices", "get", notices);
    let due = Operation::new(ACTS, "calendarDue", "When a number of working days has passed. 工作日计算")
        .parameter(json!({"name": "from", "in": "query", "required": true, "schema": reference("Moment")}))
        .parameter(json!({"name": "days", "in": "query", "required": true, "schema": {"type": "integer", "minimum": 0, "maximum": 1000}}))

        .answers(200, "The first instant that is too late.", schema::<Due>(), &[]);
    put(paths, "/api/v1/calendar/due", "get", due);
}

fn about(paths: &mut Map<String, Value>) {
    let document = Operation::open(ABOUT, "openapi", "This document.").public().answers(
        200,
        "OpenAPI 3.1.",
        json!({"type": "object"}),
        &[],
    );
    put(paths, "/api/v1/openapi.json", "get", document);
    let rules = Operation::new(ABOUT, "jurisdiction", "By which rules cases are decided. 适用规则").answers(
        200,
        "The rules; terms are in working days.",
        schema::<Rules>(),
        &[],
    );
    put(paths, "/api/v1/jurisdiction", "get", rules);
    let roles = Operation::new(ABOUT, "roles", "Every role.").answers(
        200,
        "All of them.",
        schema::<Page<RoleTitle>>(),
        &[],
    );
    put(paths, "/api/v1/roles", "get", roles);
    let code = json!({"name": "code", "in": "path", "required": true, "schema": {"enum": shuzha_core::Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>()}});
    let page = Operation::open(ABOUT, "errorPage", "What a code means and what to do.")
        .public()
        .parameter(code)
        .answer(200, "Markdown.", json!({"text/markdown": {"schema": {"type": "string"}}}), &[]);
    put(paths, "/errors/{code}", "get", page);
}
