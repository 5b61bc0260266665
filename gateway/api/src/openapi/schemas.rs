//! The shapes of bodies. Those of specs and verbs are the kinds' own.

use serde_json::{Map, Value, json};
use shuzha_control::{Attachment, Kind, Request};
use shuzha_core::{Code, Role};
use shuzha_products::case::Verb;
use shuzha_products::world::API_VERSION;

use super::declared;

/// Statuses that problems have.
pub(super) const PROBLEM_STATUSES: &[u16] =
    &[400, 401, 403, 404, 405, 406, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503];

/// Whether the control API refuses with this code; the others are the gateway's.
pub(super) fn of_the_api(code: Code) -> bool {
    code.stage() >= 10
        || matches!(
            code,
            // Those of consents are the same at issue as at use.
            Code::C402
                | Code::C403
                | Code::C404
                | Code::C408
                | Code::C409
                | Code::C411
                | Code::C003
                | Code::C005
                | Code::C006
                | Code::C007
                | Code::C090
                | Code::C092
                | Code::C093
                | Code::C094
        )
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object with these fields and no others; `required` of them must be there.
pub(super) fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

pub(super) fn page(item: Value) -> Value {
    let next = json!({"type": ["string", "null"], "description": "`cursor` of the next page."});
    object(&["items", "next"], json!({"items": {"type": "array", "items": item}, "next": next}))
}

pub(super) fn text(max: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max})
}

/// Every schema by name.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in
        [common(), changes(), acts(), sign_on(), super::accounts::schemas(), super::consents::schemas()]
    {
        let Value::Object(part) = part else { unreachable!("each part is written as an object") };
        all.extend(part);
    }
    for kind in Kind::all() {
        of_kind(&mut all, kind);
    }
    Value::Object(all)
}

fn common() -> Value {
    let codes: Vec<_> =
        Code::ALL.iter().filter(|code| of_the_api(**code)).map(|code| code.as_str()).collect();
    let fault =
        object(&["path", "reason"], json!({"path": {"type": "string"}, "reason": {"type": "string"}}));
    let rule = object(
        &["rule", "value", "article"],
        json!({
            "rule": {"type": "string"},
            "value": {"description": "Null where the rule does not exist here."},
            "article": {"type": ["string", "null"]},
        }),
    );
    json!({
        "Name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,27}$"},
        "Revision": {"type": "string", "pattern": "^[0-9]{1,18}$"},
        "Moment": {
            "type": "string",
            "description": "A date in China (its first instant), or an instant with its offset.",
            "anyOf": [{"format": "date"}, {"format": "date-time"}],
        },
        "Instant": {"type": "string", "format": "date-time"},
        "Role": {"enum": Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>()},
        "Problem": object(&["type", "title", "status", "code", "request_id"], json!({
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"enum": codes},
            "request_id": {"type": "string", "format": "uuid"},
            "faults": {"type": "array", "minItems": 1, "items": fault},
        })),
        "Nothing": object(&[], json!({})),
        "Attachment": object(&["name", "bytes", "sha256"], json!({
            "name": text(Attachment::NAME_CHARS_MAX),
            "bytes": {"type": "integer", "minimum": 0, "maximum": Attachment::BYTES_MAX},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        })),
        "Reason": {"type": "string", "maxLength": Request::REASON_CHARS_MAX, "description": "Why; kept with the act."},
        "Attachments": {
            "type": "array", "maxItems": Attachment::COUNT_MAX, "items": reference("Attachment"),
            "description": "Documents behind the act, which are kept elsewhere.",
        },
        "Words": object(&[], json!({"reason": reference("Reason"), "attachments": reference("Attachments")})),
        "Rules": object(&["title", "level", "items", "next"], json!({
            "title": {"type": "string"}, "level": {"enum": ["province", "local"]},
            "items": {"type": "array", "items": rule}, "next": {"type": "null"},
        })),
        "PublicRegistration": super::public::schema(),
        "PublicRegistrationPage": page(reference("PublicRegistration")),
        "RolePage": page(object(&["role", "title"], json!({"role": reference("Role"), "title": {"type": "string"}}))),
    })
}

fn changes() -> Value {
    let references = json!({"type": "array", "items": reference("Reference")});
    let losing = object(&["grant", "unit"], json!({"grant": reference("Name"), "unit": reference("Name")}));
    json!({
        "Reference": object(&["kind", "name"], json!({"kind": {"type": "string"}, "name": reference("Name")})),
        "Metadata": object(&["name", "version", "owner", "created", "updated"], json!({
            "name": reference("Name"),
            "version": {"type": "integer", "minimum": 0, "description": "The `ETag`; 0 in a dry run."},
            "owner": {"oneOf": [reference("Name"), {"type": "null"}], "description": "The organisation it belongs to."},
            "created": reference("Instant"),
            "updated": reference("Instant"),
        })),
        "Consequences": object(&["added", "changed", "removed", "losing", "losingMore", "unreviewed", "unchecked"], json!({
            "added": references, "changed": references, "removed": references,
            "losing": {"type": "array", "items": losing, "description": "Grants that are cut off, with their units."},
            "losingMore": {"type": "boolean", "description": "Whether there are more than are named."},
            "unreviewed": {
                "type": "array", "items": reference("Reference"),
                "description": "Exit reviews that do not speak for their product any more.",
            },
            "unchecked": {"type": "boolean", "description": "Whether too many objects refer to it to read them all again."},
        })),
        "Deadline": object(&["what", "at", "provisional", "passed"], json!({
            "what": {"type": "string"}, "at": reference("Instant"),
            "provisional": {"type": "boolean", "description": "Computed past the loaded calendar."},
            "passed": {"type": "boolean"},
        })),
    })
}

fn acts() -> Value {
    let by = object(
        &["account", "organisation", "role"],
        json!({
            "account": {
                "oneOf": [reference("Name"), {"type": "null"}],
                "description": "Null for persons of other organisations, but for authority, registrar and auditor.",
            },
            "organisation": reference("Name"), "role": reference("Role"),
        }),
    );
    let due = object(
        &["what", "at", "provisional", "passed", "object"],
        json!({
            "what": {"type": "string"}, "at": reference("Instant"), "provisional": {"type": "boolean"},
            "passed": {"type": "boolean"}, "object": reference("Reference"),
        }),
    );
    let notice = object(
        &["id", "at", "object", "what", "due"],
        json!({
            "id": {"type": "integer"}, "at": reference("Instant"), "object": reference("Reference"),
            "what": {"type": "string"}, "due": reference("Instant"),
        }),
    );
    json!({
        "Act": object(
            &["revision", "id", "at", "by", "verb", "object", "state", "reason", "attachments", "journalSequence"],
            json!({
                "revision": {"type": "integer", "minimum": 1}, "id": {"type": "string", "format": "uuid"},
                "at": reference("Instant"),
                "by": {"oneOf": [by, {"type": "null"}], "description": "Null when time itself acted."},
                "verb": {"type": "string"}, "object": reference("Reference"),
                "state": {"type": ["string", "null"], "description": "State of the case afterwards."},
                "reason": {"type": "string"}, "attachments": reference("Attachments"),
                "journalSequence": {"type": ["integer", "null"]},
            }),
        ),
        "ActPage": page(reference("Act")),
        "Refused": object(
            &["at", "account", "organisation", "roles", "verb", "kind", "name", "code", "count"],
            json!({
                "at": reference("Instant"),
                "account": {"type": ["string", "null"], "description": "Null for sign-ons by names that nobody has."},
                "organisation": {"type": ["string", "null"]},
                "roles": {"type": "array", "items": reference("Role")},
                "verb": {"type": "string", "description": "Empty, like kind and name, where several of one minute stand together."},
                "kind": {"type": "string"}, "name": {"type": "string"}, "code": {"type": "string"},
                "count": {"type": "integer", "minimum": 1},
            }),
        ),
        "RefusedPage": page(reference("Refused")),
        "IssuedSecret": object(&["credential", "algorithm", "secret", "alreadyShown", "inForce"], json!({
            "credential": reference("Name"), "algorithm": {"enum": ["hmac-sha256", "hmac-sm3"]},
            "inForce": {"type": "boolean", "description": "Whether calls are known by it already. Otherwise the act is recorded and the node goes on trying (C1018); keep the secret."},
            "secret": shown_once(), "alreadyShown": already_shown(),
        })),
        "Confirmation": object(&["signature"], json!({
            "signature": {"type": "string", "minLength": 1, "maxLength": 128, "description": "Ed25519, in base 64, over `status.details.challenge`."},
            "reason": reference("Reason"), "attachments": reference("Attachments"),
        })),
        "Reasoned": object(&[], json!({"reason": reference("Reason")})),
        "Deadlines": object(&["items", "more"], json!({"items": {"type": "array", "items": due}, "more": {"type": "boolean"}})),
        "NoticePage": page(notice),
        "Due": object(&["at", "provisional"], json!({"at": reference("Instant"), "provisional": {"type": "boolean"}})),
    })
}

fn sign_on() -> Value {
    const PASSWORD_MAX: usize = crate::routes::sign_on::PASSWORD_BYTES_MAX;
    let roles = json!({"type": "array", "items": reference("Role"), "uniqueItems": true});
    json!({
        "SignIn": object(&["name", "password"], json!({
            "name": text(28), "password": text(PASSWORD_MAX / 4), "code": text(64),
        })),
        "SignedIn": object(&["account", "csrf", "until", "mustChangePassword", "mustEnrolOneTimeCode"], json!({
            "account": reference("Account"), "csrf": {"type": "string"}, "until": reference("Instant"),
            "mustChangePassword": {"type": "boolean"},
            "mustEnrolOneTimeCode": {"type": "boolean", "description": "Until one-time codes are enrolled the account may do nothing else (C1110)."},
        })),
        "FirstAdministrator": object(&["token", "name", "organisation", "person", "idNumber", "password"], json!({
            "token": text(128), "name": reference("Name"), "organisation": reference("Name"),
            "person": text(100), "idNumber": super::accounts::id_number(), "password": text(PASSWORD_MAX / 4),
        })),
        "Me": object(
            &["account", "organisation", "person", "roles", "byToken", "readOnly", "until", "mustChangePassword", "mustEnrolOneTimeCode", "csrf"],
            json!({
                "account": reference("Name"), "organisation": reference("Name"), "person": {"type": "string"},
                "roles": roles, "byToken": {"type": "boolean"}, "readOnly": {"type": "boolean"},
                "until": reference("Instant"), "mustChangePassword": {"type": "boolean"}, "mustEnrolOneTimeCode": {"type": "boolean"},
                "csrf": {"type": ["string", "null"], "description": "For `X-CSRF-Token`; null by token."},
            }),
        ),
        "SetPassword": object(&["present", "password"], json!({"present": text(PASSWORD_MAX / 4), "password": text(PASSWORD_MAX / 4)})),
        "Enrolment": object(&["secret", "address"], json!({"secret": {"type": "string"}, "address": {"type": "string"}})),
        "OneTimeCode": object(&["code"], json!({"code": text(64)})),
        "RecoveryCodes": object(&["recoveryCodes"], json!({"recoveryCodes": {"type": "array", "items": {"type": "string"}}})),
        "Token": object(&["name", "roles", "readOnly", "created", "until"], json!({
            "name": reference("Name"), "roles": roles, "readOnly": {"type": "boolean"},
            "created": reference("Instant"), "until": reference("Instant"),
        })),
        "TokenPage": page(reference("Token")),
        "NewToken": object(&["name", "roles", "until"], json!({
            "name": reference("Name"),
            "roles": {"type": "array", "items": reference("Role"), "uniqueItems": true, "minItems": 1},
            "readOnly": {"type": "boolean", "default": false}, "until": reference("Moment"),
        })),
        "MadeToken": object(&["name", "token", "alreadyShown", "until"], json!({
            "name": reference("Name"), "token": shown_once(), "alreadyShown": already_shown(), "until": reference("Instant"),
        })),
    })
}

pub(super) fn shown_once() -> Value {
    json!({"type": ["string", "null"], "description": "Null in the answer to a retry."})
}

pub(super) fn already_shown() -> Value {
    json!({"type": "boolean", "description": "Whether this answers a retry: the secret was shown the first time and is not shown again."})
}

fn of_kind(all: &mut Map<String, Value>, kind: Kind) {
    let name = kind.name();
    let spec = match kind {
        Kind::Case(case) => embedded(case.schema, &format!("{name}Spec")),
        Kind::Declared(..) => declared::spec(name),
    };
    all.insert(format!("{name}Spec"), spec);
    let mut shown = json!({
        "apiVersion": {"const": API_VERSION}, "kind": {"const": name}, "metadata": reference("Metadata"),
        "spec": reference(&format!("{name}Spec")),
    });
    let mut required = vec!["apiVersion", "kind", "metadata", "spec"];
    if name == "Credential" {
        shown["status"] = status(&["pending", "confirmed"], &["confirm", "issue-secret", "revoke"]);
    }
    if let Kind::Case(case) = kind {
        let verbs: Vec<_> = case.verbs.iter().map(|verb| verb.name).collect();
        shown["status"] = status(case.states, &verbs);
        required.push("status");
        for verb in case.verbs {
            all.insert(format!("{name}.{}", verb.name), command(name, verb));
        }
    }
    all.insert(name.to_owned(), object(&required, shown));
    let write = object(
        &["apiVersion", "kind", "metadata", "spec"],
        json!({
            "apiVersion": {"const": API_VERSION}, "kind": {"const": name},
            "metadata": object(&["name"], json!({"name": reference("Name")})),
            "spec": reference(&format!("{name}Spec")),
            "reason": reference("Reason"), "attachments": reference("Attachments"),
        }),
    );
    all.insert(format!("{name}Write"), write);
    all.insert(format!("{name}Page"), page(reference(name)));
    let change = object(
        &["dryRun", "revision", "object", "consequences"],
        json!({
            "dryRun": {"type": "boolean"},
            "revision": {"type": "integer", "minimum": 0, "description": "The act's place in the order of acts; 0 in a dry run."},
            "object": {"oneOf": [reference(name), {"type": "null"}], "description": "Null when it was removed, or is not the caller's to see."},
            "consequences": reference("Consequences"),
        }),
    );
    all.insert(format!("{name}Change"), change);
}

fn status(states: &[&str], verbs: &[&str]) -> Value {
    object(
        &["state", "since", "details", "deadlines", "verbs"],
        json!({
            "state": {"enum": states},
            "since": reference("Instant"),
            "details": {"description": "What the case has gathered: opinions, dates, numbers."},
            "deadlines": {"type": "array", "items": reference("Deadline")},
            "verbs": {"type": "array", "items": {"enum": verbs}, "description": "What the caller may do now."},
            "advice": {"type": "string", "description": "What is to be done, where it waits for somebody or stops something."},
        }),
    )
}

/// The body of a verb: its own fields, a reason, attachments.
fn command(kind: &str, verb: &Verb) -> Value {
    let mut schema = embedded(verb.schema, &format!("{kind}.{}", verb.name));
    schema["properties"]["reason"] = reference("Reason");
    schema["properties"]["attachments"] = reference("Attachments");
    schema["title"] = verb.title_zh.into();
    if verb.reason {
        schema["properties"]["reason"] =
            json!({"type": "string", "maxLength": Request::REASON_CHARS_MAX, "pattern": "\\S"});
        let required = schema.as_object_mut().expect("a schema is an object").entry("required");
        required
            .or_insert_with(|| json!([]))
            .as_array_mut()
            .expect("`required` is a list")
            .push("reason".into());
    }
    schema
}

/// A kind's own schema; references within it then start from where it stands in the document.
fn embedded(schema: &str, name: &str) -> Value {
    fn move_references(value: &mut Value, to: &str) {
        match value {
            Value::Object(map) => {
                map.remove("$schema");
                if let Some(Value::String(target)) = map.get_mut("$ref")
                    && let Some(rest) = target.strip_prefix("#/")
                {
                    *target = format!("#/components/schemas/{to}/{rest}");
                }
                map.values_mut().for_each(|value| move_references(value, to));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| move_references(value, to)),
            _ => {}
        }
    }
    let mut schema: Value = serde_json::from_str(schema).expect("the kinds' tests read their schemas");
    move_references(&mut schema, name);
    schema
}
