//! Copies in bulk: what exists once, under other names, as many at a time as one transaction takes.
//!
//! A copy names what it refers to directly. What that refers to in turn is left out of the register's index of references:
//! nothing that is measured walks it, and it would double the file.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use shuzha_control::ObjectView;
use shuzha_core::{Clock, Id, OsRng, RequestId, Rng, SystemClock, Timestamp};
use shuzha_store::register::{Act, Batch, CaseState, Change, Content, Mark};

use super::{CREDENTIAL, PRODUCTS, SCENARIOS, Town, UNIT, grant};

/// Copies written in one transaction.
const BATCH: usize = 1_000;
/// When every right begins and ends, as `WINDOW` has it: seconds since 1970.
const WINDOW_SECONDS: (i64, i64) = (1_735_660_800, 1_893_427_200);
/// A public key of nobody's: credentials of units that do not call.
const PUBLIC_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

impl Town {
    /// Grants until there are `grants`, with the units, plans, scenarios and agreements they stand under.
    pub(super) fn copies(&mut self, grants: u32) -> Result<u64> {
        let of_unit = SCENARIOS * PRODUCTS;
        let names = [("ApplicationUnit", UNIT), ("EmergencyPlan", UNIT), ("Agreement", UNIT)];
        let models = names.map(|(kind, name)| self.model(kind, name));
        let scenario = self.model("Scenario", &format!("{UNIT}-s0"))?;
        let credential = self.model("Credential", CREDENTIAL)?;
        let mut parties: Vec<(&str, Change)> = Vec::new();
        for unit in (1..grants.div_ceil(of_unit)).map(|at| format!("unit-{at}")) {
            for ((kind, _), model) in names.iter().zip(&models) {
                let model = model.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
                let scenarios: Vec<_> = (0..SCENARIOS).map(|at| format!("{unit}-s{at}")).collect();
                let fields: &[(&str, Value)] = match *kind {
                    "ApplicationUnit" => &[],
                    "Agreement" => &[("unit", json!(unit)), ("scenarios", json!(scenarios))],
                    _ => &[("unit", json!(unit))],
                };
                let to = if *kind == "ApplicationUnit" {
                    ("Organisation", "caller")
                } else {
                    ("ApplicationUnit", unit.as_str())
                };
                parties.push((kind, copy(model, &unit, fields, &[to])?));
            }
            let key =
                [("unit", json!(unit)), ("algorithm", json!("ed25519")), ("publicKey", json!(PUBLIC_KEY))];
            parties.push((
                "Credential",
                copy(&credential, &format!("{unit}-1"), &key, &[("ApplicationUnit", &unit)])?,
            ));
            for at in 0..SCENARIOS {
                let fields = [("unit", json!(unit)), ("emergencyPlan", json!(unit))];
                let to = [("ApplicationUnit", unit.as_str()), ("EmergencyPlan", unit.as_str())];
                parties.push(("Scenario", copy(&scenario, &format!("{unit}-s{at}"), &fields, &to)?));
            }
        }
        for kind in ["ApplicationUnit", "Credential", "EmergencyPlan", "Scenario", "Agreement"] {
            let (some, rest) = parties.into_iter().partition(|(of, _)| *of == kind);
            parties = rest;
            self.write(kind, some.into_iter().map(|(_, change): (&str, Change)| change).collect())?;
        }
        self.grants(grants)
    }

    fn grants(&mut self, grants: u32) -> Result<u64> {
        let model = self.model("Grant", &grant(0, 0))?;
        let mut batch = Vec::with_capacity(BATCH);
        for at in 1..grants {
            let (scenario, product) = (at / PRODUCTS, at % PRODUCTS);
            let unit = format!("unit-{}", scenario / SCENARIOS);
            let scenario = format!("{unit}-s{}", scenario % SCENARIOS);
            let product = format!("product-{product}");
            let name = format!("{scenario}-p{}", at % PRODUCTS);
            let fields = [
                ("unit", json!(unit)),
                ("scenario", json!(scenario)),
                ("agreement", json!(unit)),
                ("product", json!(product)),
            ];
            let to = [
                ("ApplicationUnit", unit.as_str()),
                ("Scenario", &scenario),
                ("Agreement", &unit),
                ("Product", &product),
            ];
            let mut change = copy(&model, &name, &fields, &to)?;
            if let Some(to) = &mut change.to {
                to.marks.push(claim([&unit, &scenario, &product, "verify"]));
            }
            batch.push(change);
            if batch.len() == BATCH {
                self.write("Grant", std::mem::take(&mut batch))?;
            }
        }
        self.write("Grant", batch)?;
        let held = self.register.held_counts()?;
        let found = held.iter().find(|(kind, _)| kind == "Grant").map_or(0, |(_, count)| *count);
        ensure!(found == u64::from(grants), "{found} grants are in force in place of {grants}");
        Ok(found)
    }

    /// Writes copies of one kind, so many at a time, each time as one act.
    pub(super) fn write(&mut self, kind: &str, changes: Vec<Change>) -> Result<()> {
        let mut changes = changes.into_iter().peekable();
        while let Some(first) = changes.peek() {
            let act = Act {
                id: RequestId::generate(&SystemClock, &OsRng),
                salt: OsRng.bytes(),
                at: SystemClock.now(),
                by: None,
                duty: None,
                verb: "import".to_owned(),
                kind: kind.to_owned(),
                name: first.name.clone(),
                state: None,
                reason: String::new(),
                attachments: "[]".to_owned(),
            };
            let some: Vec<_> = changes.by_ref().take(BATCH).collect();
            let own: Vec<_> = some.iter().map(|change| change.name.to_string()).collect();
            let (effects, journalled) = (Vec::new(), Vec::new());
            let batch = Batch { act, changes: some, effects, passed: None, answer: None, journalled };
            let revision = self.register.commit(&batch)?;
            let prefix = format!("{UNIT}-");
            self.versions.extend(
                own.into_iter().filter(|name| name.starts_with(&prefix)).map(|name| (name, revision)),
            );
        }
        Ok(())
    }
}

/// A copy of `model` under another name, with other `fields`, that refers `to` these.
pub(super) fn copy(
    model: &ObjectView,
    name: &str,
    fields: &[(&str, Value)],
    to: &[(&str, &str)],
) -> Result<Change> {
    let mut spec = model.spec.clone();
    for (field, value) in fields {
        spec[*field] = value.clone();
    }
    let id = Id::new(name)?;
    let state = model.state.as_ref();
    let content = Content {
        owner: model.owner.clone(),
        spec: spec.to_string(),
        state: state.map(|(state, json)| CaseState {
            name: state.clone(),
            json: json.to_string(),
            editable: false,
        }),
        refers: to
            .iter()
            .map(|(kind, name)| Ok(((*kind).to_owned(), Id::new(name)?)))
            .collect::<Result<_>>()?,
        in_force: state.map(|_| (model.kind.to_owned(), id.clone())).into_iter().collect(),
        marks: Vec::new(),
        deadlines: model.deadlines.iter().map(|due| (due.what.clone(), due.at, due.provisional)).collect(),
    };
    Ok(Change { kind: model.kind.to_owned(), name: id, expected: None, to: Some(content) })
}

/// What a grant claims: at each instant one speaks for (unit, scenario, product, operation).
fn claim(key: [&str; 4]) -> Mark {
    let (from, until) = WINDOW_SECONDS;
    let window = Some((Timestamp::from_seconds(from), Timestamp::from_seconds(until)));
    Mark { of: "grant".to_owned(), key: key.join("\n"), window, shared_as: None }
}
