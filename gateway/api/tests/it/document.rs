//! The published document: current, complete, and true.

use std::path::Path;

use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");

fn rendered() -> String {
    let document = shuzha_api::openapi::document();
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

/// Run with `SHUZHA_WRITE_OPENAPI=1` to write the file.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test that can write the file it checks")]
fn the_published_file_is_current() {
    if std::env::var("SHUZHA_WRITE_OPENAPI").is_ok() {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, rendered()).unwrap();
    }
    let published = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(published == rendered(), "docs/api/openapi.json is stale: run with SHUZHA_WRITE_OPENAPI=1");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_compiles() {
    fn walk(value: &Value, document: &Value, references: &mut usize) {
        match value {
            Value::Object(map) => {
                if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                    *references += 1;
                    assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                }
                map.values().for_each(|value| walk(value, document, references));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document, references)),
            _ => {}
        }
    }
    let document = shuzha_api::openapi::document();
    let mut references = 0;
    walk(&document, &document, &mut references);
    assert!(references > 500);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

#[test]
fn operation_ids_are_unique_and_path_parameters_declared() {
    let document = shuzha_api::openapi::document();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].to_string()), "{path}: {}", operation["operationId"]);
            let parameters = operation["parameters"].to_string();
            for part in ["name", "token", "code"] {
                let there = path.contains(&format!("{{{part}}}"));
                let direct = parameters.contains(&format!("/parameters/{part}\""));
                let own = parameters.contains("\"in\":\"path\"");
                assert_eq!(there, direct || (own && there), "{path} {part}");
            }
        }
    }
    assert!(ids.len() > 100, "{}", ids.len());
}

/// The schemas of specs are written beside the readers: what those accept in the worked example, these must.
#[test]
fn the_worked_example_meets_the_schemas_of_its_kinds() {
    let document = shuzha_api::openapi::document();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("\n---").filter(|part| part.contains("kind:")) {
            let object: Value =
                serde_saphyr::from_str(part).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let kind = object["kind"].as_str().unwrap();
            if !matches!(shuzha_control::Kind::find(kind), Some(shuzha_control::Kind::Declared(..))) {
                continue;
            }
            *seen.entry(kind.to_owned()).or_default() += 1;
            let reference = format!("#/components/schemas/{kind}Spec");
            let schema = serde_json::json!({"components": document["components"], "$ref": reference});
            let found = jsonschema::draft202012::validate(&schema, &object["spec"]);
            found
                .unwrap_or_else(|error| panic!("{} {}: {error}", path.display(), object["metadata"]["name"]));
        }
    }
    assert!(seen.len() >= 11, "{seen:?}");
}
