//! The document against the readers: every field that the reader of a spec takes is in its schema, and the reverse.
//!
//! The readers tell what they take themselves: an unknown field in a section is refused with the list of those that are
//! permitted. So each object that a schema describes is given a field that nobody knows, and the reader's list is compared
//! with the schema's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use shuzha_control::Kind;
use shuzha_core::Fault;
use shuzha_core::Id;
use shuzha_products::World;
use shuzha_products::case::Subject;

/// A field that nobody takes.
const PROBE: &str = "zz-probe";
/// How the readers begin their list.
const PERMITTED: &str = "unknown field; permitted: ";

/// Fields by the place of the object that has them: `spec.quotas.overrides[]`.
type Fields = BTreeMap<String, BTreeSet<String>>;

/// Writes instances of a schema, with the probe in each object, and notes the fields of each.
struct Author<'d> {
    document: &'d Value,
    /// The one place that is wanted beside what is required; everything where it is none.
    wanted: Option<&'d str>,
    found: Fields,
}

impl Author<'_> {
    fn resolved(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(target) => {
                let found = self.document.pointer(target.trim_start_matches('#'));
                self.resolved(found.unwrap_or_else(|| panic!("{target} is nowhere")))
            }
            None => schema.clone(),
        }
    }

    /// Whether a field at `path` is written.
    fn writes(&self, path: &str, required: bool) -> bool {
        let Some(wanted) = self.wanted else { return true };
        let below = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        required || wanted.strip_prefix(path).is_some_and(below)
    }

    fn value(&mut self, schema: &Value, path: &str) -> Value {
        let schema = self.resolved(schema);
        let alternatives = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
        if let Some(alternatives) = alternatives {
            let all: Vec<Value> = alternatives.iter().map(|one| self.resolved(one)).collect();
            if all.iter().all(|one| one["properties"].is_object()) {
                // Whoever reads them reads all: which fields go together is the reader's to say.
                let mut properties = Map::new();
                for one in &all {
                    properties.extend(one["properties"].as_object().expect("checked").clone());
                }
                return self.object(&properties, &[], path);
            }
            if schema["properties"].is_null() {
                return self.value(&all[0], path);
            }
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            return self.object(properties, &required, path);
        }
        let first = schema["enum"].as_array().and_then(|words| words.first());
        if let Some(word) = first.or_else(|| schema.get("const")) {
            return word.clone();
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("array") => {
                let count = schema["minItems"].as_u64().unwrap_or(1).clamp(1, 2);
                let mut items = Vec::new();
                for number in 1..=count {
                    let item = self.value(&schema["items"], &format!("{path}[]"));
                    // No list of names has one twice.
                    items.push(if item.is_string() { number.to_string().into() } else { item });
                }
                items.into()
            }
            Some("object") => json!({}),
            Some("boolean") => json!(true),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            _ => json!("1"),
        }
    }

    fn object(&mut self, properties: &Map<String, Value>, required: &[&str], path: &str) -> Value {
        self.found.insert(path.to_owned(), properties.keys().cloned().collect());
        let mut written = Map::from_iter([(PROBE.to_owned(), json!(1))]);
        for (name, schema) in properties {
            let below = format!("{path}.{name}");
            if self.writes(&below, required.contains(&name.as_str())) {
                written.insert(name.clone(), self.value(schema, &below));
            }
        }
        Value::Object(written)
    }
}

/// What the reader of `kind` takes in each section of `spec` that it opens.
fn taken(kind: Kind, spec: &Value) -> Fields {
    let name = Id::new("x").expect("a name");
    // Only organisations are there: some readers look at nothing more where a party is unknown.
    let mut nowhere = |kind: &'static str, _: &Id| {
        let organisation = json!({"kind": "unit", "uscc": "91690000MA0001296J", "name": "某单位"});
        (kind == "Organisation").then_some(organisation)
    };
    let faults: Vec<Fault> = match kind {
        Kind::Case(case) => case
            .read(&mut Subject { name: &name, spec, fetch: &mut nowhere })
            .expect_err("the probe is refused"),
        Kind::Declared(..) => {
            World::read_closure(kind.name(), &name, spec, &mut nowhere).expect_err("the probe is refused")
        }
    };
    let lists = faults.iter().filter_map(|fault| {
        let place = fault.path.strip_suffix(PROBE)?.trim_end_matches('.');
        let fields = fault.reason.strip_prefix(PERMITTED)?;
        Some((general(place), fields.split(", ").map(str::to_owned).collect()))
    });
    lists.collect()
}

/// The place without numbers: `a[3].b` is `a[].b`.
fn general(place: &str) -> String {
    let mut inside = false;
    let keep = |letter: &char| {
        inside = match letter {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        !inside || *letter == '['
    };
    place.chars().filter(keep).collect()
}

/// Variants of a spec that make its reader open other sections.
fn variants(kind: Kind, spec: Value) -> Vec<Value> {
    let words: Vec<&str> = match kind.name() {
        "Product" => shuzha_products::kinds::KINDS.iter().map(|product| product.name()).collect(),
        "Registration" => vec!["resource", "product"],
        _ => return vec![spec],
    };
    let with = |word: &str| {
        let mut spec = spec.clone();
        match kind.name() {
            "Product" => spec["kind"] = word.into(),
            _ => spec["basic"]["type"] = word.into(),
        }
        spec
    };
    words.into_iter().map(with).collect()
}

/// What schema and reader say of a kind; the second holds only the sections that the reader opened.
fn both(document: &Value, kind: Kind) -> (Fields, Fields) {
    let reference = json!({"$ref": format!("#/components/schemas/{}Spec", kind.name())});
    let mut whole = Author { document, wanted: None, found: Fields::new() };
    let mut specs = vec![whole.value(&reference, "spec")];
    for place in whole.found.keys() {
        let mut one = Author { document, wanted: Some(place), found: Fields::new() };
        specs.push(one.value(&reference, "spec"));
    }
    let mut read = Fields::new();
    for spec in specs.into_iter().flat_map(|spec| variants(kind, spec)) {
        for (place, fields) in taken(kind, &spec) {
            read.entry(place).or_default().extend(fields);
        }
    }
    (whole.found, read)
}

#[test]
fn every_schema_has_the_fields_that_its_reader_takes_and_no_others() {
    let document = shuzha_api::openapi::document();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for kind in Kind::all() {
        let (schema, reader) = both(&document, kind);
        for (place, fields) in &schema {
            match reader.get(place) {
                None => wrong.push(format!("{} {place}: the reader never opened it", kind.name())),
                Some(taken) if taken == fields => compared += 1,
                Some(taken) => {
                    let missing: Vec<_> = taken.difference(fields).collect();
                    let invented: Vec<_> = fields.difference(taken).collect();
                    wrong.push(format!("{} {place}: lacks {missing:?}, invents {invented:?}", kind.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 70, "only {compared} objects were compared");
}

#[test]
fn objects_that_no_schema_describes_are_refused_as_unknown_fields() {
    // Otherwise the comparison above would compare nothing.
    let kind = Kind::all().find(|kind| kind.name() == "DataSet").expect("a kind");
    let fields = taken(kind, &json!({"provider": "x", PROBE: 1}));
    assert!(fields["spec"].contains("sharedFrom"), "{fields:?}");
}
