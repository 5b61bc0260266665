//! The organisations, products and prices of the worked example, declared through the control plane by the persons whose they
//! are; and cases taken to where a test needs them.

use std::sync::OnceLock;

use serde_json::{Value, json};
use shuzha_control::{Caller, Error, Outcome, Rules};
use shuzha_core::Role;
use shuzha_products::World;
use shuzha_products::jurisdiction::CONTENTS;

use crate::{TestControl, id, person};

/// Account, organisation, role.
const PERSONS: [(&str, &str, Role); 19] = [
    ("wang", "data-bureau", Role::Authority),
    ("feng", "data-bureau", Role::Authority),
    ("zhou", "data-bureau", Role::Expert),
    ("li", "registry-centre", Role::Registrar),
    ("chen", "registry-centre", Role::Registrar),
    ("zhao", "market-regulator", Role::Provider),
    ("sun", "yunze-data", Role::Operator),
    ("qian", "yunze-data", Role::Operator),
    ("wu", "yunze-bank", Role::ApplicationUnit),
    ("he", "tide-insurance", Role::ApplicationUnit),
    ("zheng", "ndrc", Role::Pricing),
    ("subject", "people", Role::DataSubject),
    ("tang", "yunze-data", Role::Finance),
    ("auditor", "audit-office", Role::Auditor),
    ("root", "operations", Role::Sre),
    ("night", "operations", Role::Sre),
    ("jiang", "police", Role::Provider),
    ("rival", "rival-data", Role::Operator),
    ("zhang", "yunze-bank", Role::ApplicationUnit),
];

/// Who declares what, in an order in which references point backwards.
const DECLARED: [(&str, &str, &str); 18] = [
    ("wang", "Organisation", "data-bureau"),
    ("wang", "Organisation", "registry-centre"),
    ("wang", "Organisation", "police"),
    ("wang", "Organisation", "market-regulator"),
    ("wang", "Organisation", "ndrc"),
    ("wang", "Organisation", "yunze-data"),
    ("wang", "Organisation", "yunze-bank"),
    ("sun", "ApplicationUnit", "bank"),
    ("wang", "DataSet", "enterprises"),
    ("wang", "DataSet", "population"),
    ("sun", "Upstream", "register"),
    ("sun", "Product", "company-check"),
    ("sun", "Product", "person-check"),
    ("zheng", "PriceAct", "ceilings-2025"),
    ("sun", "PriceAct", "operator-2025"),
    ("zheng", "Ceiling", "company-check-2025"),
    ("sun", "Price", "company-check-2025"),
    ("wu", "Credential", "bank-1"),
];

/// A person of the world.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn by(account: &str) -> Caller {
    let (_, organisation, role) = PERSONS.iter().find(|(name, ..)| *name == account).expect("a person");
    person(account, organisation, &[*role])
}

/// The worked example, read once: the tests that walk the access table open many worlds.
fn worked_example() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
        let files: Vec<(String, String)> = std::fs::read_dir(folder)
            .expect("the worked example")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8")))
            .collect();
        World::parse(&files).expect("the worked example reads")
    })
}

/// The worked example's spec of an object.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn example(kind: &str, name: &str) -> Value {
    let found = worked_example().specs.iter().find(|((of, named), _)| *of == kind && named.as_str() == name);
    serde_json::from_str(found.expect("in the worked example").1).expect("JSON")
}

/// An operating agreement by mode `whole`, with everything that any pack asks it to say.
pub fn operating_agreement(from: &str, until: &str) -> Value {
    let contents = CONTENTS.iter().map(|content| ((*content).to_owned(), "另附".into()));
    json!({
        "authoriser": "data-bureau", "operator": "yunze-data", "mode": "whole",
        "providers": ["market-regulator", "police"], "window": {"from": from, "until": until},
        "contents": contents.collect::<serde_json::Map<_, _>>(),
        "ending": {"handOverDays": 10, "destroyDays": 20},
    })
}

/// A control plane in which the worked example is declared.
pub struct TestWorld {
    /// The control plane.
    pub plane: TestControl,
}

impl TestWorld {
    /// Without rights: nobody may call.
    #[must_use]
    pub fn new() -> Self {
        Self::under(Rules::default())
    }

    /// The same, under rules of a jurisdiction.
    ///
    /// # Panics
    /// When the worked example does not fit them.
    #[must_use]
    pub fn under(rules: Rules) -> Self {
        let world = Self { plane: TestControl::under(rules) };
        for (who, kind, name) in DECLARED {
            world.put(who, kind, name, &example(kind, name)).unwrap_or_else(|error| {
                panic!("{kind}/{name}: {error:?}");
            });
        }
        world
    }

    /// With a scenario of the bank's approved and an agreement in force.
    #[must_use]
    pub fn authorised() -> Self {
        let world = Self::new();
        let plan = json!({"unit": "bank", "title": "应急处置预案", "officer": "林望舒", "contact": "安全部",
            "events": ["数据泄露"], "steps": ["停止调用"]});
        world.open("wu", "EmergencyPlan", "bank-plan", &plan);
        world.done("wu", "EmergencyPlan", "bank-plan", "submit");
        world.done("feng", "EmergencyPlan", "bank-plan", "file");
        let window = json!({"from": "2026-01-01", "until": "2028-01-01"});
        let scenario = json!({"unit": "bank", "title": "企业开户核验", "purpose": "industry", "mode": "scenario",
            "necessity": "仅核验", "needs": [{"product": "company-check", "operations": ["verify"]}],
            "window": window, "measures": ["专线接入"], "securityOfficer": "林望舒", "emergencyPlan": "bank-plan",
            "volume": {"callsPerDay": 20_000, "subjectsPerDay": 5_000}});
        world.open("wu", "Scenario", "onboarding", &scenario);
        world.done("wu", "Scenario", "onboarding", "submit");
        world.done("zhao", "Scenario", "onboarding", "agree");
        world.act("zhou", "Scenario", "onboarding", "opine", &json!({"favourable": true})).expect("opined");
        world.done("wang", "Scenario", "onboarding", "approve");
        let agreement = json!({"unit": "bank", "scenarios": ["onboarding"], "window": window,
            "parties": ["data-bureau", "yunze-data", "yunze-bank"],
            "split": [{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 7_000}],
            "securityOfficer": "林望舒", "scope": "企业身份核验"});
        world.open("wu", "Agreement", "bank-2026", &agreement);
        world.done("wu", "Agreement", "bank-2026", "submit");
        for who in ["wu", "sun", "wang"] {
            world.done(who, "Agreement", "bank-2026", "sign");
        }
        world
    }

    /// With an operating agreement in force over all data of two providers, under rules that permit it.
    pub fn operating(&self, name: &str) {
        self.operating_until(name, "2029-01-01");
    }

    /// The same with a term that ends on another day.
    pub fn operating_until(&self, name: &str, until: &str) {
        self.open("wang", "OperatingAgreement", name, &operating_agreement("2026-01-01", until));
        self.done("wang", "OperatingAgreement", name, "submit");
        self.done("feng", "OperatingAgreement", name, "approve");
        for who in ["wang", "sun"] {
            self.done(who, "OperatingAgreement", name, "sign");
        }
    }

    /// Declares an object, or replaces it.
    ///
    /// # Errors
    /// Of the control plane.
    pub fn put(&self, who: &str, kind: &str, name: &str, spec: &Value) -> Result<Outcome, Error> {
        self.plane.put(&by(who), kind, name, spec, self.plane.version(kind, name))
    }

    /// Removes an object.
    ///
    /// # Errors
    /// Of the control plane.
    pub fn remove(&self, who: &str, kind: &str, name: &str) -> Result<Outcome, Error> {
        let request =
            shuzha_control::Request { expected: self.plane.version(kind, name), ..Default::default() };
        self.plane.control.remove(&by(who), kind, &id(name), &request)
    }

    /// Does `verb` to a case.
    ///
    /// # Errors
    /// Of the control plane.
    pub fn act(&self, who: &str, kind: &str, name: &str, verb: &str, body: &Value) -> Result<Outcome, Error> {
        self.plane.act(&by(who), kind, name, verb, body)
    }

    /// Opens a case that must be in order.
    pub fn open(&self, who: &str, kind: &str, name: &str, spec: &Value) {
        self.put(who, kind, name, spec).unwrap_or_else(|error| panic!("{kind}/{name}: {error:?}"));
    }

    /// Does what must go well, with an empty body.
    pub fn done(&self, who: &str, kind: &str, name: &str, verb: &str) {
        self.act(who, kind, name, verb, &json!({}))
            .unwrap_or_else(|error| panic!("{who} {verb} {kind}/{name}: {error:?}"));
    }

    /// The state of a case.
    #[must_use]
    pub fn state(&self, kind: &str, name: &str) -> String {
        let object = self.plane.register.get(kind, name).expect("answers").expect("there");
        object.state.expect("a case").name
    }
}

/// A grant of `company-check` to the bank.
#[must_use]
pub fn grant(from: &str, until: &str) -> Value {
    json!({"unit": "bank", "scenario": "onboarding", "agreement": "bank-2026", "product": "company-check",
        "operations": ["verify"], "window": {"from": from, "until": until},
        "rate": {"calls": 100, "perSeconds": 1}})
}

impl Default for TestWorld {
    fn default() -> Self {
        Self::new()
    }
}
