//! The schemas of objects by kind: the envelope, of which each kind says what is particular to it. Those of specs and verbs
//! are the kinds' own.

use serde_json::{Map, Value, json};
use shuzha_control::{Attachment, Kind, Request};
use shuzha_core::Code;
use shuzha_privacy::consent;
use shuzha_products::case::Verb;
use shuzha_products::world::API_VERSION;
use shuzha_schema::about::Problem;
use shuzha_schema::object::{self as of, Change, Object, Write};
use shuzha_schema::{Page, account, schema_with};

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

/// The limits that documents state are those that the readers have.
const _: () = assert!(
    of::ATTACHMENT_BYTES_MAX == Attachment::BYTES_MAX
        && of::ATTACHMENTS_MAX == Attachment::COUNT_MAX
        && of::ATTACHMENT_NAME_MAX == Attachment::NAME_CHARS_MAX
        && of::REASON_MAX == Request::REASON_CHARS_MAX
        && account::PASSWORD_MAX * 4 == crate::routes::sign_on::PASSWORD_BYTES_MAX
        && shuzha_schema::consent::PRODUCTS_MAX == consent::PRODUCTS_MAX
        && shuzha_schema::consent::FIELDS_MAX == consent::FIELDS_MAX
        && shuzha_schema::consent::ACTIONS_MAX == consent::ACTIONS_MAX
        && shuzha_schema::consent::USES_MAX == consent::USES_MAX
);

/// Every schema that is not wholly of its type, by name.
pub(super) fn all() -> Value {
    let codes: Vec<_> =
        Code::ALL.iter().filter(|code| of_the_api(**code)).map(|code| code.as_str()).collect();
    let problem = schema_with::<Problem>([("code", json!({"enum": codes}))]);
    let mut all = Map::from_iter([("Problem".to_owned(), problem)]);
    for kind in Kind::all() {
        of_kind(&mut all, kind);
    }
    Value::Object(all)
}

fn of_kind(all: &mut Map<String, Value>, kind: Kind) {
    let name = kind.name();
    let spec = match kind {
        Kind::Case(case) => embedded(case.schema, &format!("{name}Spec")),
        Kind::Declared(..) => declared::spec(name),
    };
    all.insert(format!("{name}Spec"), spec);
    let particular = [
        ("apiVersion", json!({"const": API_VERSION})),
        ("kind", json!({"const": name})),
        ("spec", reference(&format!("{name}Spec"))),
    ];
    let mut shown = schema_with::<Object>(particular.clone());
    match kind {
        Kind::Case(case) => {
            let verbs: Vec<_> = case.verbs.iter().map(|verb| verb.name).collect();
            shown["properties"]["status"] = status(case.states, &verbs);
            shown["required"].as_array_mut().expect("some fields are always there").push("status".into());
            for verb in case.verbs {
                all.insert(format!("{name}.{}", verb.name), command(name, verb));
            }
        }
        Kind::Declared(..) if name == "Credential" => {
            shown["properties"]["status"] =
                status(&["pending", "confirmed"], &["confirm", "issue-secret", "revoke"]);
        }
        Kind::Declared(..) => {
            shown["properties"].as_object_mut().expect("an object has fields").remove("status");
        }
    }
    all.insert(name.to_owned(), shown);
    all.insert(format!("{name}Write"), schema_with::<Write>(particular));
    let items = json!({"type": "array", "items": reference(name)});
    all.insert(format!("{name}Page"), schema_with::<Page<Object>>([("items", items)]));
    let object = json!({
        "anyOf": [reference(name), {"type": "null"}],
        "description": "Null when it was removed, or is not the caller's to see.",
    });
    all.insert(format!("{name}Change"), schema_with::<Change>([("object", object)]));
}

fn status(states: &[&str], verbs: &[&str]) -> Value {
    schema_with::<of::Status>([
        ("state", json!({"enum": states})),
        (
            "verbs",
            json!({"type": "array", "items": {"enum": verbs}, "description": "What the caller may do now."}),
        ),
    ])
}

/// The body of a verb: its own fields, a reason, attachments.
fn command(kind: &str, verb: &Verb) -> Value {
    let mut schema = embedded(verb.schema, &format!("{kind}.{}", verb.name));
    schema["title"] = verb.title_zh.into();
    let Value::Object(words) = schema_with::<of::Words>([])["properties"].take() else { return schema };
    for (field, of_it) in words {
        schema["properties"][field] = of_it;
    }
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
