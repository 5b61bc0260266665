//! A desk to try cases on, with the demo world as its register, and the matrix of a machine: every state with every verb.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, NanoCharge, Role, Timestamp};

use super::{Act, Actor, By, CaseKind, Outcome, Reasons, Refused, Subject, Verb};
use crate::jurisdiction::{self, Jurisdiction};
use crate::yaml::{self, Node};

/// 2026-06-01T00:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_780_272_000);
pub(super) const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const FILES: &[&str] = &[
    include_str!("../../../config/examples/demo/organisations.yaml"),
    include_str!("../../../config/examples/demo/operating.yaml"),
    include_str!("../../../config/examples/demo/units.yaml"),
    include_str!("../../../config/examples/demo/scenarios.yaml"),
    include_str!("../../../config/examples/demo/data-sets.yaml"),
    include_str!("../../../config/examples/demo/upstreams.yaml"),
    include_str!("../../../config/examples/demo/products-data.yaml"),
    include_str!("../../../config/examples/demo/products-verification.yaml"),
];

/// A person of the organisation that acts in this role in the demo world.
pub(super) fn person(role: Role) -> Actor {
    let organisation = match role {
        Role::Provider => "market-regulator",
        Role::Operator => "yunze-data",
        Role::ApplicationUnit => "yunze-bank",
        _ => "data-bureau",
    };
    of(role, organisation)
}

/// A person of `organisation`.
pub(super) fn of(role: Role, organisation: &str) -> Actor {
    let id = |text: &str| text.parse::<Id>().expect("a name");
    Actor { account: id(&format!("{role}-1")), organisation: id(organisation), role }
}

#[derive(Debug)]
pub(super) struct Desk {
    kind: &'static CaseKind,
    register: HashMap<(String, String), Value>,
    pub(super) spec: Value,
    pub(super) rules: Jurisdiction,
    pub(super) now: Timestamp,
}

/// Of these tests, every declaration had the same reason.
impl Reasons for Desk {
    fn above(&self, kind: &'static str, name: &Id, figure: &str, _: NanoCharge) -> String {
        format!("{kind} {name} {figure}")
    }
}

impl Desk {
    pub(super) fn new(kind: &str, spec: Value) -> Self {
        let mut register = HashMap::new();
        for document in FILES.iter().flat_map(|text| yaml::split("demo", text)) {
            let json = yaml::parse(&document).map(|node: Node| node.value.to_json()).expect("YAML");
            let word = |pointer| json.pointer(pointer).and_then(Value::as_str).expect("a word").to_owned();
            register.insert((word("/kind"), word("/metadata/name")), json["spec"].clone());
        }
        let plan = json!({"unit": "bank", "title": "数据安全事件应急处置预案"});
        register.insert(("EmergencyPlan".to_owned(), "bank-plan".to_owned()), plan);
        let kind = CaseKind::find(kind).expect("a kind of case");
        Self { kind, register, spec, rules: Jurisdiction::default(), now: NOW }
    }

    pub(super) fn under(mut self, pack: &str) -> Self {
        self.rules = jurisdiction::pack(pack).expect("a pack");
        self
    }

    /// Changes an object of the register.
    pub(super) fn change(&mut self, kind: &str, name: &str, field: &str, value: Value) {
        let key = (kind.to_owned(), name.to_owned());
        self.register.get_mut(&key).expect("an object")[field] = value;
    }

    /// Puts an object into the register.
    pub(super) fn declare(&mut self, kind: &str, name: &str, spec: Value) {
        self.register.insert((kind.to_owned(), name.to_owned()), spec);
    }

    /// An object of the register.
    pub(super) fn object(&self, kind: &str, name: &Id) -> Option<Value> {
        self.register.get(&(kind.to_owned(), name.to_string())).cloned()
    }

    fn with<T>(&self, by: By<'_>, run: impl FnOnce(&mut Subject<'_, '_>, &Act<'_>) -> T) -> T {
        let calendar = Calendar::default();
        let act =
            Act {
                by, at: self.now, reason: "理由", rules: &self.rules, calendar: &calendar, reasons: self
            };
        let name: Id = "case-1".parse().expect("a name");
        let mut fetch = |kind: &'static str, name: &Id| self.object(kind, name);
        run(&mut Subject { name: &name, spec: &self.spec, fetch: &mut fetch }, &act)
    }

    pub(super) fn open(&self, by: &Actor) -> Result<Outcome, Refused> {
        self.with(By::Person(by), |subject, act| self.kind.open(subject, act))
    }

    pub(super) fn act(
        &self,
        state: &Value,
        by: &Actor,
        verb: &str,
        body: &Value,
    ) -> Result<Outcome, Refused> {
        self.with(By::Person(by), |subject, act| self.kind.act(subject, state, verb, body, act))
    }

    /// Whether the case says that it would take the verb.
    fn possible(&self, state: &Value, verb: &'static Verb, by: &Actor) -> bool {
        let asked = [(verb, by.clone())];
        let said = self.with(By::Person(by), |subject, act| self.kind.possible(subject, state, &asked, act));
        said.expect("spec and state can be read") == [verb.name]
    }

    pub(super) fn passed(&self, state: &Value, what: &str) -> Option<Result<Outcome, Refused>> {
        self.with(By::Clock, |subject, act| self.kind.passed(subject, state, what, act))
    }

    fn reported(&self, state: &Value, refusal: Option<Code>) -> Option<Result<Outcome, Refused>> {
        self.with(By::Node, |subject, act| self.kind.reported(subject, state, refusal, act))
    }

    /// Opens a case and does one verb after another, each by a person of its first role, or of `@organisation`;
    /// `clock` is the term's passing, `made` and `refused` what the node reports.
    pub(super) fn walk(&self, opener: Role, verbs: &[&str]) -> Outcome {
        let mut outcome = self.open(&person(opener)).expect("the case opens");
        for step in verbs {
            let done = match step.split_once('@') {
                _ if *step == "clock" => self.passed(&outcome.state, "term").expect("time does something"),
                _ if *step == "made" => self.reported(&outcome.state, None).expect("it waits for a report"),
                _ if *step == "refused" => {
                    self.reported(&outcome.state, Some(Code::C1550)).expect("it waits for a report")
                }
                Some((verb, organisation)) => {
                    let by = of(self.first_role(verb), organisation);
                    self.act(&outcome.state, &by, verb, &body(self.kind.kind, verb))
                }
                None => {
                    let by = person(self.first_role(step));
                    self.act(&outcome.state, &by, step, &body(self.kind.kind, step))
                }
            };
            outcome = done.unwrap_or_else(|refused| panic!("{step}: {refused:?}"));
        }
        outcome
    }

    fn first_role(&self, verb: &str) -> Role {
        self.kind.verb(verb).expect("a verb").roles[0]
    }

    /// Every state, reached on its path, with every verb and the term's passing, must do what `expected` says.
    pub(super) fn matrix(&self, opener: Role, paths: &[(&str, &[&str])], expected: &str) {
        let reached: Vec<_> = paths.iter().map(|(state, _)| *state).collect();
        assert_eq!(reached, self.kind.states, "a path to every state");
        let mut shown = String::new();
        for (name, path) in paths {
            let from = self.walk(opener, path);
            assert_eq!(from.state_name, *name);
            let mut row = |word: &str, to: Result<Outcome, Refused>| {
                let to = to.map_or_else(|refused| refused.code.as_str(), |outcome| outcome.state_name);
                writeln!(shown, "{name} {word} {to}").expect("a String takes everything");
            };
            for verb in self.kind.verbs {
                let by = person(verb.roles[0]);
                let done = self.act(&from.state, &by, verb.name, &body(self.kind.kind, verb.name));
                let possible = self.possible(&from.state, verb, &by);
                assert_eq!(possible, done.is_ok(), "{name}: whether {} is possible", verb.name);
                row(verb.name, done);
            }
            if let Some(done) = self.passed(&from.state, "term") {
                row("clock", done);
            }
        }
        assert_eq!(shown, expected, "the matrix of {}:\n{shown}", self.kind.kind);
    }
}

/// A body that `verb` takes.
pub(super) fn body(kind: &str, verb: &str) -> Value {
    let findings = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    match (kind, verb) {
        ("ExitReview", "opine" | "pass") => findings,
        (_, "opine") => json!({"favourable": true, "reason": "用途明确", "attachments": []}),
        (_, "amend") => json!({"agreement": "amended"}),
        ("OperatingAgreement", "file") => json!({"digest": DIGEST}),
        (_, "activate") => json!({"agreement": "bank-2025"}),
        ("Scenario" | "Agreement", "suspend") => json!({"rectifyBy": "2026-07-01"}),
        (_, "hand-over" | "destroy" | "import" | "remove") => json!({"digest": DIGEST}),
        (_, "drill") => json!({"held": "2026-05-01", "result": "达到预期", "digest": DIGEST}),
        (_, "report") => {
            json!({"occurred": "2026-05-31T23:50:00Z", "what": "异常批量调用", "affected": "核验产品",
            "measures": "已紧急关闭", "contact": "运营机构值班室"})
        }
        (_, "answer") => json!({"verdict": "corrected"}),
        _ => json!({}),
    }
}

/// Codes and paths of a refusal.
pub(super) fn shown(refused: &Refused) -> (&'static str, Vec<&str>) {
    (refused.code.as_str(), refused.faults.iter().map(|fault| fault.path.as_str()).collect())
}
