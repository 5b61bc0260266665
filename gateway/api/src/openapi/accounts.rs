//! The paths of accounts.

use serde_json::{Map, Value, json};
use shuzha_schema::account::{
    AcceptInvitation, AcceptedInvitation, Account, AccountRequest, DecidedRequest, Link, MadeAccount,
    NewAccount, OpenInvitation, OpenedInvitation, Profile, WaitingRequest,
};
use shuzha_schema::{Nothing, Page, schema};

use super::operation::{Operation, query};
use super::paths::{SIGN_ON, put};

pub(super) const ACCOUNTS: &str = "accounts";

/// The paths.
pub(super) fn paths(paths: &mut Map<String, Value>) {
    const WAITS: &str = "It waits for a second person.";
    let list = Operation::new(ACCOUNTS, "listAccounts", "List, in order of name.")
        .takes(&["limit", "cursor", "organisation"])
        .answers(200, "A page.", schema::<Page<Account>>(), &[]);
    put(paths, "/api/v1/accounts", "get", list);
    let create = Operation::new(ACCOUNTS, "createAccount", "Make an account, whose person is invited.")
        .takes(&["Idempotency-Key"])
        .body(schema::<NewAccount>(), true)
        .answers(201, "The account.", schema::<MadeAccount>(), &["ETag", "Location"])
        .answers(202, WAITS, schema::<WaitingRequest>(), &["Location"])
        .problem(&[409, 429]);
    put(paths, "/api/v1/accounts", "post", create);
    let one = "/api/v1/accounts/{name}";
    let get = Operation::new(ACCOUNTS, "getAccount", "Read one.")
        .takes(&["name", "If-None-Match"])
        .answers(200, "The account.", schema::<Account>(), &["ETag"])
        .nothing(304, "The caller has this version already.", &["ETag"]);
    put(paths, one, "get", get);
    let change = Operation::new(ACCOUNTS, "changeAccount", "Change someone else's account, or close it.")
        .takes(&["name", "If-Match", "Idempotency-Key"])
        .body(schema::<Profile>(), true)
        .answers(200, "Changed.", schema::<Account>(), &["ETag"])
        .answers(202, WAITS, schema::<WaitingRequest>(), &["Location"])
        .problem(&[409, 412, 428, 429]);
    put(paths, one, "put", change);
    let act = |id: &str, summary: &str| {
        let act = Operation::new(ACCOUNTS, id, summary).takes(&["name"]).problem(&[409, 429]);
        act.answers(202, WAITS, schema::<WaitingRequest>(), &["Location"])
    };
    let reset = act(
        "resetPassword",
        "Take someone's password away and invite them to set another; ends their sign-ons.",
    )
    .takes(&["Idempotency-Key"])
    .body(schema::<Nothing>(), false)
    .answers(200, "Done; the person is invited.", schema::<MadeAccount>(), &[]);
    put(paths, &format!("{one}:reset-password"), "post", reset);
    let link = act("linkAccount", "Let an identity of an identity provider sign on as the account.")
        .body(schema::<Link>(), true);
    put(paths, &format!("{one}:link"), "post", link);
    let unlink = Operation::new(ACCOUNTS, "unlinkAccount", "End such a link, and the account's sign-ons.")
        .takes(&["name"])
        .body(schema::<Link>(), true)
        .nothing(204, "Done.", &[])
        .problem(&[409]);
    put(paths, &format!("{one}:unlink"), "post", unlink);
    let codes = act("removeOneTimeCodeOf", "Take someone's one-time codes out of use; ends their sign-ons.")
        .body(schema::<Nothing>(), false)
        .answers(200, "Done.", schema::<MadeAccount>(), &[]);
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
        .answers(200, "A page.", schema::<Page<AccountRequest>>(), &[]);
    put(paths, "/api/v1/account-requests", "get", list);
    let one = "/api/v1/account-requests/{name}";
    let get = Operation::new(ACCOUNTS, "getAccountRequest", "Read one.").takes(&["name"]).answers(
        200,
        "The request.",
        schema::<AccountRequest>(),
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
            .body(schema::<Nothing>(), false)
            .answers(200, "The request as it stands now.", schema::<DecidedRequest>(), &[])
            .problem(&[409, 412]);
        put(paths, &format!("{one}:{verb}"), "post", act);
    }
    let open = Operation::open(
        SIGN_ON,
        "openInvitation",
        "Whose an invitation is, and what a device is set up with.",
    )
    .public()
    .body(schema::<OpenInvitation>(), true)
    .answers(200, "The invitation.", schema::<OpenedInvitation>(), &[])
    .problem(&[401]);
    put(paths, "/api/v1/invitations:open", "post", open);
    let accept =
        Operation::open(SIGN_ON, "acceptInvitation", "Set one's password and one-time codes; signs on.")
            .public()
            .body(schema::<AcceptInvitation>(), true)
            .answers(
                201,
                "Signed on; the session is in the cookie.",
                schema::<AcceptedInvitation>(),
                &["Set-Cookie"],
            )
            .problem(&[401]);
    put(paths, "/api/v1/invitations:accept", "post", accept);
}
