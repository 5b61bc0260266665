//! PseudonymScope: no operation is a dictionary for another.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_privacy::output::{Cut, MaskKey};
use shuzha_products::World;
use shuzha_products::product::{Operation, PseudonymScope};

use crate::demo_files;

/// Identifiers of people who do not exist.
const PEOPLE: [&str; 6] = ["69011319700101001x", "690113197001010022", "A1", "B2", "C3", "D4"];
const AREAS: [&str; 2] = ["north", "south"];

/// What an operation does with what it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// Answers with what it was asked about.
    Echo,
    /// Answers with those who live with whoever was asked about, and with them.
    Household,
    /// Finds people by any text.
    Find,
    /// Lists the people of an area.
    List,
    /// The same, in a domain.
    Joined,
}

impl Does {
    const ALL: [Self; 5] = [Self::Echo, Self::Household, Self::Find, Self::List, Self::Joined];

    fn takes_text(self) -> bool {
        matches!(self, Self::Echo | Self::Household | Self::Find)
    }

    fn declared(self, name: &str) -> Value {
        let area = json!({"enum": AREAS});
        let page = json!({"type": "integer", "minimum": 1, "maximum": 1_000});
        let (field, input) = if self.takes_text() {
            ("id", json!({"type": "string", "maxLength": 40}))
        } else {
            ("area", area)
        };
        let mut operation = json!({
            "name": name, "method": "POST", "path": "/v1/people", "personal": false,
            "input": {"type": "object", "additionalProperties": false, "required": [field], "properties": {field: input, "page": page}},
            "output": {"/people/*/id": {"type": "string", "max_length": 40, "mask": "pseudonym", "max_items": 10}},
            "noRecord": {"status": "404", "pointer": "/code", "values": ["02"]},
        });
        if self == Self::Joined {
            operation["pseudonymDomain"] = "research".into();
        }
        operation
    }

    /// The people in the answer.
    fn answer(self, asked: &str) -> Vec<&'static str> {
        let at = |id: &str| PEOPLE.iter().position(|one| *one == id.trim());
        match self {
            Self::Echo => at(asked).map(|at| PEOPLE[at]).into_iter().collect(),
            Self::Household => at(asked).map_or_else(Vec::new, |at| PEOPLE[at / 3 * 3..][..3].to_vec()),
            Self::Find => PEOPLE.iter().copied().filter(|id| id.contains(asked.trim())).collect(),
            Self::List | Self::Joined => PEOPLE
                .iter()
                .copied()
                .enumerate()
                .filter(|(at, _)| AREAS[at % 2] == asked)
                .map(|(_, id)| id)
                .collect(),
        }
    }
}

fn world(does: &[Does]) -> Result<World, Vec<String>> {
    let operations: Vec<Value> =
        does.iter().enumerate().map(|(at, does)| does.declared(&format!("op-{at}"))).collect();
    let spec = json!({"kind": "interface", "title": "人员", "operator": "yunze-data", "dataSets": ["enterprises"],
        "upstream": "register", "version": 1, "operations": operations});
    let mut files = demo_files();
    files.push((
        "people.yaml".to_owned(),
        format!("---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: people}}\nspec: {spec}\n"),
    ));
    World::parse(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The pseudonyms in the answer to one request.
fn asked(operation: &Operation, does: Does, text: &str) -> Vec<String> {
    let field = if does.takes_text() { "id" } else { "area" };
    let body = json!({field: text, "page": 1}).to_string();
    shuzha_products::input::check(operation, body.as_bytes()).expect("within its contract");
    let key = operation.mask_key(&MaskKey::new(&[7; 32]), body.as_bytes());
    let people: Vec<Value> = does.answer(text).iter().map(|id| json!({"id": id})).collect();
    let answer = json!({"people": people}).to_string();
    let all = operation.output.contract().expect("it has one").all();
    let released =
        operation.release(Cut { fields: all, key: Some(&key) }, answer.as_bytes()).expect("leaves");
    let released: Value = serde_json::from_slice(&released.bytes).expect("JSON");
    let text = |one: &Value| one["id"].as_str().expect("text").to_owned();
    released["people"].as_array().expect("people").iter().map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever holds every identifier and asks everything of everything: no pseudonym in an answer to a request that names
    /// somebody stands in any other answer, and of whom the request names there is none at all.
    #[test]
    fn e3_no_operation_is_a_dictionary(does in prop::collection::vec(prop::sample::select(&Does::ALL[..]), 1..5)) {
        let world = world(&does).expect("a product");
        let mut seen: BTreeMap<String, BTreeSet<(usize, String)>> = BTreeMap::new();
        for (at, does) in does.iter().enumerate() {
            let operation = &world.products["people"].operations[at];
            let lower = PEOPLE[0].to_uppercase();
            let texts: Vec<&str> =
                if does.takes_text() { PEOPLE.iter().copied().chain(["1", "690113", &lower, " A1 "]).collect() } else { AREAS.to_vec() };
            for text in texts {
                for pseudonym in asked(operation, *does, text) {
                    if pseudonym == "***" {
                        continue;
                    }
                    prop_assert_eq!(pseudonym.len(), 22);
                    let place = if does.takes_text() { (at, text.to_owned()) } else { (at, String::new()) };
                    seen.entry(pseudonym).or_default().insert(place);
                }
                if *does == Does::Echo {
                    prop_assert!(asked(operation, *does, text).iter().all(|one| one == "***"), "{}", text);
                }
            }
        }
        for places in seen.values() {
            let names_somebody = places.iter().any(|(at, _)| does[*at].takes_text());
            let joined = places.iter().all(|(at, _)| does[*at] == Does::Joined);
            let one = places.iter().map(|(at, _)| at).collect::<BTreeSet<_>>().len() == 1;
            prop_assert!(if names_somebody { places.len() == 1 } else { joined || one }, "{:?} {:?}", does, places);
        }
    }
}

/// What the attack measured: an operation that echoes, and one that searches, with 24 of 24 found again.
#[test]
fn e3_an_echo_finds_nobody_in_a_list() {
    let does = [Does::Echo, Does::List, Does::Joined, Does::Joined];
    let world = world(&does).expect("a product");
    let operations = &world.products["people"].operations;
    let said: Vec<_> = operations.iter().map(|one| one.pseudonyms.clone()).collect();
    let domain = PseudonymScope::Domain("research".parse().expect("a name"));
    assert_eq!(said, [PseudonymScope::Request, PseudonymScope::Operation, domain.clone(), domain]);
    let list =
        |at: usize| AREAS.iter().flat_map(|area| asked(&operations[at], does[at], area)).collect::<Vec<_>>();
    let dictionary: BTreeSet<_> = PEOPLE.iter().flat_map(|id| asked(&operations[0], does[0], id)).collect();
    assert_eq!(list(1).iter().filter(|one| dictionary.contains(*one)).count(), 0);
    assert_eq!(list(1), list(1), "the same when asked again");
    assert_eq!(list(2), list(3), "a domain joins its operations");
    assert!(list(1).iter().all(|one| !list(2).contains(one)), "and no other");
}

/// A domain whose operation could be asked about somebody is no domain.
#[test]
fn e3_no_operation_of_a_domain_takes_an_identifier() {
    let open = |change: &dyn Fn(&mut Value)| {
        let mut operation = Does::Joined.declared("op");
        change(&mut operation);
        let spec = json!({"kind": "interface", "title": "人员", "operator": "yunze-data", "dataSets": ["enterprises"],
            "upstream": "register", "version": 1, "operations": [operation]});
        let mut files = demo_files();
        files.push((
            "people.yaml".to_owned(),
            format!("---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: people}}\nspec: {spec}\n"),
        ));
        World::parse(&files)
            .map(drop)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    open(&|_| {}).expect("closed");
    for change in [
        json!({"type": "string", "maxLength": 18}),
        json!({"type": "string", "pattern": "^[0-9]{17}[0-9X]$"}),
        json!({"type": "integer"}),
        json!({"type": "integer", "minimum": 0, "maximum": 999_999}),
        json!({"type": "array", "items": {"type": "string"}, "maxItems": 2}),
        json!({"anyOf": [{"const": "x"}, {"type": "string"}]}),
    ] {
        let faults =
            open(&|operation| operation["input"]["properties"]["more"] = change.clone()).expect_err("open");
        assert!(faults.iter().any(|fault| fault.contains("pseudonymDomain")), "{change}: {faults:?}");
    }
    open(&|operation| {
        operation["input"]["properties"]["more"] =
            json!({"type": "array", "items": {"enum": ["a"]}, "maxItems": 2})
    })
    .expect("closed");
}
