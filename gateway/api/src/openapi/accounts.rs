//! Accounts: paths and shapes.

use serde_json::{Map, Value, json};

use super::operation::{Operation, query};
use super::paths::{SIGN_ON, put};
use super::schemas::{object, page, reference, text};

pub(super) const ACCOUNTS: &str = "accounts";
const PASSWORD_MAX: usize = crate::routes::sign_on::PASSWORD_BYTES_MAX;

/// The number in a person's papers.
pub(super) fn id_number() -> Value {
    json!({
        "type": "string", "pattern": "^[0-9]{17}[0-9X]$",
        "description": "公民身份号码; a keyed hash of it is kept, and the number is not.",
    })
}

/// The paths.
pub(super) fn paths(paths: &mut Map<String, Value>) {
    const WAITS: &str = "It waits for a second person.";
    let list = Operation::new(ACCOUNTS, "listAccounts", "List, in order of name.")
        .takes(&["limit", "cursor", "organisation"])
        .answers(200, "A page.", reference("AccountPage"), &[]);
    put(paths, "/api/v1/accounts", "get", list);
    let create = Operation::new(ACCOUNTS, "createAccount", "Make an account, whose person is invited.")
        .takes(&["Idempotency-Key"])
        .body(reference("NewAccount"), true)
        .answers(201, "The account.", reference("MadeAccount"), &["ETag", "Location"])
        .answers(202, WAITS, reference("WaitingRequest"), &["Location"])
        .problem(&[409, 429]);
    put(paths, "/api/v1/accounts", "post", create);
    let one = "/api/v1/accounts/{name}";
    let get = Operation::new(ACCOUNTS, "getAccount", "Read one.")
        .takes(&["name", "If-None-Match"])
        .answers(200, "The account.", reference("Account"), &["ETag"])
        .nothing(304, "The caller has this version already.", &["ETag"]);
    put(paths, one, "get", get);
    let change = Operation::new(ACCOUNTS, "changeAccount", "Change someone else's account, or close it.")
        .takes(&["name", "If-Match", "Idempotency-Key"])
        .body(reference("Profile"), true)
        .answers(200, "Changed.", reference("Account"), &["ETag"])
        .answers(202, WAITS, reference("WaitingRequest"), &["Location"])
        .problem(&[409, 412, 428, 429]);
    put(paths, one, "put", change);
    let act = |id: &str, summary: &str| {
        let act = Operation::new(ACCOUNTS, id, summary).takes(&["name"]).problem(&[409, 429]);
        act.answers(202, WAITS, reference("WaitingRequest"), &["Location"])
    };
    let reset = act(
        "resetPassword",
        "Take someone's password away and invite them to set another; ends their sign-ons.",
    )
    .takes(&["Idempotency-Key"])
    .body(reference("Nothing"), false)
    .answers(200, "Done; the person is invited.", reference("MadeAccount"), &[]);
    put(paths, &format!("{one}:reset-password"), "post", reset);
    let link = act("linkAccount", "Let an identity of an identity provider sign on as the account.")
        .body(reference("Link"), true);
    put(paths, &format!("{one}:link"), "post", link);
    let unlink = Operation::new(ACCOUNTS, "unlinkAccount", "End such a link, and the account's sign-ons.")
        .takes(&["name"])
        .body(reference("Link"), true)
        .nothing(204, "Done.", &[])
        .problem(&[409]);
    put(paths, &format!("{one}:unlink"), "post", unlink);
    let codes = act("removeOneTimeCodeOf", "Take someone's one-time codes out of use; ends their sign-ons.")
        .body(reference("Nothing"), false)
        .answers(200, "Done.", reference("MadeAccount"), &[]);
    put(paths, &format!("{one}:remove-one-time-code"), "post", codes);
    let token = Operation::new(ACCOUNTS, "removeTokenOf", "End someone's API token.")
        .in_person()
        .takes(&["name", "token"])
        .nothing(204, "Ended.", &[]);
    put(paths, &format!("{one}/tokens/{{token}}"), "delete", token);
    requests(paths);
}

fn requests(paths: &mut Map<String, Value>) {
    let open = query("open", "Only those that wait.", json!({"type": "boolean"}));
    let list = Operation::new(ACCOUNTS, "listAccountRequests", "What waits for a second person, or had one.")
        .takes(&["limit", "cursor"])
        .parameter(open)
        .answers(200, "A page.", reference("AccountRequestPage"), &[]);
    put(paths, "/api/v1/account-requests", "get", list);
    let one = "/api/v1/account-requests/{name}";
    let get = Operation::new(ACCOUNTS, "getAccountRequest", "Read one.").takes(&["name"]).answers(
        200,
        "The request.",
        reference("AccountRequest"),
        &[],
    );
    put(paths, one, "get", get);
    for (verb, id, summary) in [
        (
            "confirm",
            "confirmAccountRequest",
            "Do what was asked: by a second person of another organisation.",
        ),
        ("refuse", "refuseAccountRequest", "Refuse it, by whoever could confirm it."),
        ("withdraw", "withdrawAccountRequest", "Take one's own request back."),
    ] {
        let act = Operation::new(ACCOUNTS, id, summary)
            .takes(&["name"])
            .body(reference("Nothing"), false)
            .answers(200, "The request as it stands now.", reference("DecidedRequest"), &[])
            .problem(&[409, 412]);
        put(paths, &format!("{one}:{verb}"), "post", act);
    }
    let open = Operation::open(
        SIGN_ON,
        "openInvitation",
        "Whose an invitation is, and what a device is set up with.",
    )
    .public()
    .body(reference("OpenInvitation"), true)
    .answers(200, "The invitation.", reference("OpenedInvitation"), &[])
    .problem(&[401]);
    put(paths, "/api/v1/invitations:open", "post", open);
    let accept =
        Operation::open(SIGN_ON, "acceptInvitation", "Set one's password and one-time codes; signs on.")
            .public()
            .body(reference("AcceptInvitation"), true)
            .answers(
                201,
                "Signed on; the session is in the cookie.",
                reference("AcceptedInvitation"),
                &["Set-Cookie"],
            )
            .problem(&[401]);
    put(paths, "/api/v1/invitations:accept", "post", accept);
}

/// The shapes.
pub(super) fn schemas() -> Value {
    let profile = json!({
        "organisation": reference("Name"), "person": text(100),
        "roles": {"type": "array", "items": reference("Role"), "uniqueItems": true, "minItems": 1},
        "disabled": {"type": "boolean", "default": false}, "idNumber": id_number(),
    });
    let mut new = profile.clone();
    new["name"] = reference("Name");
    let invited = json!({"oneOf": [reference("Instant"), {"type": "null"}], "description": "Until when the person's invitation holds; null where none was sent now."});
    let by = object(
        &["account", "organisation", "at"],
        json!({"account": reference("Name"), "organisation": reference("Name"), "at": reference("Instant")}),
    );
    let or_null = |schema: Value| json!({"oneOf": [schema, {"type": "null"}]});
    let shown = object(
        &["organisation", "person", "roles", "disabled"],
        json!({
            "organisation": reference("Name"), "person": {"type": "string"},
            "roles": {"type": "array", "items": reference("Role")}, "disabled": {"type": "boolean"},
        }),
    );
    let signed_in = json!({
        "account": reference("Account"), "csrf": {"type": "string"}, "until": reference("Instant"),
        "mustChangePassword": {"type": "boolean"}, "mustEnrolOneTimeCode": {"type": "boolean"},
        "recoveryCodes": {"type": "array", "items": {"type": "string"}, "description": "Each good once; shown here only."},
    });
    json!({
        "Account": object(&["name", "version", "organisation", "person", "roles", "disabled"], json!({
            "name": reference("Name"), "version": {"type": "integer", "minimum": 1},
            "organisation": reference("Name"), "person": {"type": "string"},
            "roles": {"type": "array", "items": reference("Role")}, "disabled": {"type": "boolean"},
        })),
        "AccountPage": page(reference("Account")),
        "Profile": object(&["organisation", "person", "roles"], profile),
        "NewAccount": object(&["name", "organisation", "person", "roles"], new),
        "MadeAccount": object(&["account", "invitedUntil"], json!({"account": reference("Account"), "invitedUntil": invited})),
        "AccountRequest": object(
            &["name", "verb", "account", "profile", "issuer", "subject", "by", "expires", "state", "decided"],
            json!({
                "name": reference("Name"),
                "verb": {"enum": ["create", "change", "reset-password", "remove-one-time-code", "link", "bind"]},
                "account": reference("Name"), "profile": or_null(shown),
                "issuer": {"type": ["string", "null"]}, "subject": {"type": ["string", "null"]},
                "by": by, "expires": reference("Instant"),
                "state": {"enum": ["open", "confirmed", "refused", "withdrawn", "expired"]},
                "decided": or_null(by),
            }),
        ),
        "AccountRequestPage": page(reference("AccountRequest")),
        "WaitingRequest": object(&["request"], json!({"request": reference("AccountRequest")})),
        "DecidedRequest": object(&["request", "account", "invitedUntil", "code"], json!({
            "request": reference("AccountRequest"), "account": or_null(reference("Account")), "invitedUntil": invited,
            "code": {"type": ["string", "null"], "description": "What the person needs beside their invitation: to be handed over by whoever confirmed. Shown here only."},
        })),
        "OpenInvitation": object(&["token"], json!({"token": text(128), "code": text(64)})),
        "OpenedInvitation": object(&["account", "until", "enrolment"], json!({
            "account": reference("Account"), "until": reference("Instant"), "enrolment": or_null(reference("Enrolment")),
        })),
        "AcceptInvitation": object(&["token", "password"], json!({
            "token": text(128), "code": text(64), "password": text(PASSWORD_MAX / 4), "oneTimeCode": text(64),
        })),
        "AcceptedInvitation": object(
            &["account", "csrf", "until", "mustChangePassword", "mustEnrolOneTimeCode", "recoveryCodes"],
            signed_in,
        ),
        "Link": object(&["issuer", "subject"], json!({"issuer": text(255), "subject": text(255)})),
    })
}
