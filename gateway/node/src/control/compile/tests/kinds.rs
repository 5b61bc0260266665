//! Every declared kind: whatever is done to a field of an object that is in order, the change is refused to whoever makes it,
//! or it is in force with everything else. Nothing in between, whatever the kind.

use shuzha_products::World;
use shuzha_products::world::KINDS;

use super::*;

/// The worked example's files.
fn demo() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let paths = shuzha_files::expand(&[folder.into()]).expect("the worked example");
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it reads");
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), text)
    };
    paths.into_iter().map(read).collect()
}

/// What the worked example has none of.
const BESIDE: (&str, &str) = (
    "beside.yaml",
    "apiVersion: shuzha/v1
kind: Organisation
metadata: {name: exchange}
spec: {kind: exchange, uscc: 91690100MA000EXC3Q, name: 某数据交易中心}
---
apiVersion: shuzha/v1
kind: Listing
metadata: {name: listed}
spec: {product: company-check, exchange: exchange, number: GP-1, window: {from: 2026-01-01, until: 2027-01-01}}
---
apiVersion: shuzha/v1
kind: PermittedRevenue
metadata: {name: permitted}
spec: {act: ceilings-2025, operator: yunze-data, amount: \"100.00\", window: {from: 2026-01-01, until: 2027-01-01}}
",
);
/// Most objects of a kind that are changed, and most fields of one.
const OBJECTS_MAX: usize = 3;
const FIELDS_MAX: usize = 48;

/// What a field may come to hold: of another type, out of range, a name of nothing, a key that is none, a time that is over.
fn wrong() -> Vec<Value> {
    let zeros = BASE64_STANDARD.encode([0; 32]);
    let words =
        ["", "nothing-there", "../keys/master.key", "2001-01-01", "2999-12-31", "-1", "1e99", "127.0.0.1:0"];
    let mut wrong: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    wrong.extend([json!(zeros), json!(null), json!(true), json!(-1), json!(0), json!(u64::MAX), json!(1.5)]);
    wrong.extend([json!([]), json!({}), json!(["nothing-there"]), json!("长".repeat(5_000))]);
    wrong
}

/// The places of all fields, whole sections too.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    if !at.is_empty() {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, inner) in items.iter().enumerate() {
                places(inner, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

/// Every change of one field, and every object without one of its fields.
fn changed(spec: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    places(spec, "", &mut found);
    // Spread over all of it, where there are more.
    let step = found.len().div_ceil(FIELDS_MAX).max(1);
    let mut changed = Vec::new();
    for place in found.iter().step_by(step) {
        for wrong in wrong() {
            let mut spec = spec.clone();
            *spec.pointer_mut(place).expect("it is there") = wrong;
            changed.push(spec);
        }
        let (above, name) = place.rsplit_once('/').expect("it begins with one");
        let mut spec = spec.clone();
        if let Some(Value::Object(fields)) = spec.pointer_mut(above) {
            fields.remove(&name.replace("~1", "/").replace("~0", "~"));
            fields.insert("unheardOf".to_owned(), json!(1));
            changed.push(spec);
        }
    }
    changed
}

/// Declares an object as whoever may.
fn declare(town: &Judged, organisations: &[Id], (kind, name, spec): (&str, &Id, &Value)) -> Result<(), Code> {
    let mut last = Err(Code::C1003);
    for organisation in organisations {
        last = town.put_as(organisation.as_str(), kind, name.as_str(), spec);
        if !matches!(last, Err(Code::C1003 | Code::C1104 | Code::C1022)) {
            break;
        }
    }
    last
}

#[test]
fn every_declared_kind_is_refused_or_in_force_whatever_its_fields_hold() {
    let town = Judged::empty();
    let demo = demo();
    let demo = demo.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files: Vec<_> = demo.chain([BESIDE]).collect();
    let world = World::parse(&files).expect("the worked example reads");
    // Operators first: a product service is whose who wrote it.
    let organisations = world.specs.iter().filter(|((kind, _), _)| *kind == "Organisation");
    let mut organisations: Vec<_> = organisations.map(|((_, name), spec)| (spec, name.clone())).collect();
    organisations.sort_by_key(|(spec, _)| !spec.contains("operator"));
    let organisations: Vec<Id> = organisations.into_iter().map(|(_, name)| name).collect();
    let objects = |kind: &'static str| {
        let of_kind = world.specs.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.map(|((_, name), spec)| (name.clone(), serde_json::from_str::<Value>(spec).expect("JSON")))
    };
    let kinds = KINDS.iter().filter(|kind| kind.declared && kind.name != "Jurisdiction");
    let kinds: Vec<_> = kinds.map(|kind| kind.name).collect();
    // Some refer to what only cases put in force, and have no place here; of each kind there is one that does not.
    for kind in &kinds {
        let put: Vec<_> = objects(kind)
            .map(|(name, spec)| {
                declare(&town, &organisations, (kind, &name, &spec)).map_err(|code| (name, code))
            })
            .collect();
        assert!(put.iter().any(Result::is_ok), "{kind}: {put:?}");
    }
    let stands = |kind: &str, name: &Id| town.register.get(kind, name.as_str()).expect("answers").is_some();
    let sound = |what: &str| {
        let flaws = town.judge.flaws.lock().expect("answers").clone();
        assert!(flaws.is_empty(), "{what}: {flaws:?}");
    };
    for kind in &kinds {
        let (mut taken, mut refused) = (0, 0);
        for (name, spec) in objects(kind).filter(|(name, _)| stands(kind, name)).take(OBJECTS_MAX) {
            for spec in changed(&spec) {
                match declare(&town, &organisations, (kind, &name, &spec)) {
                    Ok(()) => taken += 1,
                    Err(code) if code.status() < 500 => refused += 1,
                    Err(code) => panic!("{code}: {kind}/{name} {spec}"),
                }
                sound(&format!("{kind}/{name} {spec}"));
            }
        }
        assert!(refused > 0, "{kind}: {taken} taken");
    }
    let (left_out, digest) = town.whole();
    assert_eq!(left_out, Vec::new());
    assert_eq!(digest, town.judge.snapshot.lock().expect("answers").short_hash());
    // And whatever was tried, a stop is in force when it is answered.
    let stop = json!({"target": {"kind": "Everything"}, "emergency": true, "reason": "x"});
    assert_eq!(town.put("Suspension", "stop", &stop), Ok(()));
    let counts = town.judge.snapshot.lock().expect("answers").counts();
    assert_eq!(counts.get("Suspension"), Some(&1));
}
