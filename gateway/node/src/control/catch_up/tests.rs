//! A start from the kept world is a start from the whole register, or it is refused.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_control::{Quotas, Rules};
use shuzha_core::{OsRng, SystemClock};
use shuzha_policy::kept;
use shuzha_products::case::CaseKind;
use shuzha_store::register::{Act, Batch, CaseState, Change, Content};

use super::*;
use crate::config::{AccessConfig, Invitations};
use crate::control::world_in_force;

/// A register that acts are done to, and a folder for what is kept.
struct TestRegister {
    register: Register,
    config: ControlConfig,
    folder: tempfile::TempDir,
}

/// What a change makes of an object.
#[derive(Clone, Copy, Debug)]
enum To {
    Declared(&'static str, &'static str, &'static str),
    Case(&'static str, &'static str, &'static str, &'static str),
    Gone(&'static str, &'static str),
    /// An act that is about nothing in force.
    Account,
    /// An act of this kind, which touches no object.
    Nothing(&'static str),
}

/// Grants of one product and scenario do not overlap.
const WINDOWS: &[(&str, &str)] = &[
    ("g2", r#""window":{"from":"2027-01-01","until":"2029-01-01"}"#),
    ("g3", r#""window":{"from":"2029-01-01","until":"2031-01-01"}"#),
];
const WINDOW: &str = r#""window":{"from":"2025-01-01","until":"2027-01-01"}"#;
const OPERATION: &str = r#"{"name":"q","method":"POST","path":"/q","personal":false,"input":{"type":"object","additionalProperties":false},"output":{LEAVES}}"#;
const LEAF: &str = r#""/a":{"type":"string","max_length":9}"#;
const MORE: &str =
    r#""/0":{"type":"string","max_length":5,"required":false},"/a":{"type":"string","max_length":9}"#;
const PRODUCT: &str = r#"{"kind":"interface","title":"t","operator":"o","dataSets":["d"],"upstream":"s","version":1,"operations":[OPERATION]}"#;
const GRANT: &str = r#"{"unit":"u","scenario":"s1","agreement":"a","product":"x","operations":["q"],"fields":["/a"],WINDOW,"rate":{"calls":1,"perSeconds":1}}"#;
const SCENARIO: &str = r#"{"unit":"u","purpose":"sector","title":"t",WINDOW,"needs":[{"product":"x","operations":["q"],"fields":["/a"]}]}"#;
const SCENARIO_STATE: &str = r#"{"stage":"STAGE","agreed":{},"opinions":[],"closing":{}}"#;

/// The town as it is at first.
const FIRST: &[To] = &[
    To::Declared("Organisation", "p", r#"{"kind":"provider","uscc":"11690000MA00011499","name":"p"}"#),
    To::Declared("Organisation", "o", r#"{"kind":"operator","uscc":"91690000MA0001296J","name":"o"}"#),
    To::Declared("Organisation", "c", r#"{"kind":"unit","uscc":"91690000MA0001333Q","name":"c"}"#),
    To::Declared("ApplicationUnit", "u", r#"{"organisation":"c","securityOfficer":"x"}"#),
    To::Case("Scenario", "s1", SCENARIO, "approved"),
    To::Case("Agreement", "a", r#"{"unit":"u","scenarios":["s1"],WINDOW}"#, "in-force"),
    To::Declared("DataSet", "d", r#"{"provider":"p","sensitivity":"general"}"#),
    To::Declared("Upstream", "s", r#"{"endpoints":["127.0.0.1:1"],"timeout":"2s","keyFile":"k"}"#),
    To::Declared("Product", "x", PRODUCT),
    To::Case("Grant", "g1", GRANT, "active"),
    To::Case("Grant", "g2", GRANT, "active"),
];

/// What may happen to it, any number of times in any order.
const EDITS: &[To] = &[
    To::Declared("Organisation", "c", r#"{"kind":"unit","uscc":"91690000MA0001333Q","name":"renamed"}"#),
    To::Declared("DataSet", "d", r#"{"provider":"p","sensitivity":"sensitive"}"#),
    // A product's answer is read against the time limit of its service.
    To::Declared("Upstream", "s", r#"{"endpoints":["127.0.0.1:2"],"timeout":"1s","keyFile":"k"}"#),
    To::Declared("Upstream", "other", r#"{"endpoints":["127.0.0.1:3"],"timeout":"1s","keyFile":"k"}"#),
    To::Gone("Upstream", "other"),
    // Another leaf moves the places of those that grants hold.
    To::Declared("Product", "x", "MORE"),
    To::Declared("Product", "x", PRODUCT),
    To::Case("Scenario", "s1", SCENARIO, "suspended"),
    To::Case("Scenario", "s1", SCENARIO, "approved"),
    To::Case("Agreement", "a", r#"{"unit":"u","scenarios":["s1"],WINDOW}"#, "terminated"),
    To::Case("Grant", "g1", GRANT, "revoked"),
    To::Case("Grant", "g1", GRANT, "active"),
    To::Case("Grant", "g3", GRANT, "draft"),
    To::Case("Grant", "g3", GRANT, "active"),
    To::Account,
    To::Nothing("ConsentHolder"),
    To::Nothing("AKindOfLater"),
];

fn text(name: &str, spec: &str) -> String {
    let window = WINDOWS.iter().find(|(of, _)| *of == name).map_or(WINDOW, |(_, window)| window);
    let spec = if spec == "MORE" {
        PRODUCT.replace("OPERATION", &OPERATION.replace("LEAVES", MORE))
    } else {
        spec.to_owned()
    };
    spec.replace("OPERATION", &OPERATION.replace("LEAVES", LEAF)).replace("WINDOW", window)
}

fn state(kind: &str, stage: &str) -> Value {
    let text = match kind {
        "Scenario" => SCENARIO_STATE.replace("STAGE", stage),
        "Agreement" => format!(r#"{{"stage":"{stage}","signed":{{}},"closing":{{}}}}"#),
        _ => format!(r#"{{"stage":"{stage}"}}"#),
    };
    serde_json::from_str(&text).expect("JSON")
}

impl TestRegister {
    fn new() -> Self {
        let config = ControlConfig {
            access: AccessConfig {
                invitations: Invitations::Folder("invitations".into()),
                one_time_roles: Vec::new(),
                quotas: Quotas::default(),
                trusted_proxies: Vec::new(),
            },
            provider: None,
            listen: "127.0.0.1:0".parse().expect("an address"),
            https: false,
            rules: Rules::default(),
            pack: Some(("gansu", json!({"rules": "gansu", "level": "local"}))),
        };
        let register = Register::in_memory().expect("a register");
        let town = Self { register, config, folder: tempfile::tempdir().expect("a folder") };
        FIRST.iter().for_each(|to| town.act(*to));
        town
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("kept.world")
    }

    /// Makes a change, as one act.
    fn act(&self, to: To) {
        let content = |spec: &str, state: Option<CaseState>, in_force| {
            let spec = spec.to_owned();
            Content { spec, state, in_force, ..Content::default() }
        };
        let (kind, name, to) = match to {
            To::Account => (shuzha_control::accounts::KIND, "wang", None),
            To::Nothing(kind) => (kind, "person1", None),
            To::Gone(kind, name) => (kind, name, Some(None)),
            To::Declared(kind, name, spec) => {
                (kind, name, Some(Some(content(&text(name, spec), None, Vec::new()))))
            }
            To::Case(kind, name, spec, stage) => {
                let (id, spec, state) =
                    (Id::new(name).expect("a name"), text(name, spec), state(kind, stage));
                let read = serde_json::from_str(&spec).expect("JSON");
                let held =
                    CaseKind::find(kind).expect("a kind").in_force(&id, &read, &state).expect("a state");
                let held = held.into_iter().map(|held| (held.kind.to_owned(), held.name)).collect();
                let state = CaseState { name: stage.to_owned(), json: state.to_string(), editable: false };
                (kind, name, Some(Some(content(&spec, Some(state), held))))
            }
        };
        let standing = self.register.get(kind, name).expect("the register").map(|object| object.version);
        if matches!((&to, standing), (Some(None), None)) {
            return;
        }
        let name = Id::new(name).expect("a name");
        let act = Act::new(&SystemClock, &OsRng, "put", kind, name.clone());
        let change = to.map(|to| Change { kind: kind.to_owned(), name, expected: standing, to });
        let batch = Batch { changes: change.into_iter().collect(), ..Batch::of(act) };
        self.register.commit(&batch).expect("it stands");
    }

    fn whole(&self) -> Snapshot {
        let mark = mark_at(&self.register, self.register.revision().expect("a revision")).expect("an act");
        let (world, left_out) = world_in_force(&self.register, &self.config).expect("a world");
        assert!(left_out.iter().all(|one| one.dangling), "{left_out:?}");
        Snapshot::compile(world, &KeyRing::default()).expect("it compiles").marked(mark)
    }

    fn keep(&self) {
        kept::write(&self.path(), &self.whole()).expect("written");
    }

    fn catch_up(&self) -> Result<CaughtUp> {
        let keys = |_: &World| Ok(KeyRing::default());
        let kept = Kept::read(&self.path())?;
        catch_up(&self.register, &self.config, kept, keys, |_| Ok(Services::new()))
    }

    /// Why it is not used.
    fn why(&self) -> String {
        format!("{:#}", self.catch_up().err().expect("it is not used"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happened before and after the world was kept.
    #[test]
    fn a_kept_world_with_what_changed_since_is_the_whole_register(
        before in prop::collection::vec(0..EDITS.len(), 0..8),
        after in prop::collection::vec(0..EDITS.len(), 0..8),
    ) {
        let town = TestRegister::new();
        before.iter().for_each(|at| town.act(EDITS[*at]));
        town.keep();
        let revision = town.register.revision().expect("a revision");
        after.iter().for_each(|at| town.act(EDITS[*at]));
        let (caught_up, whole) = (town.catch_up(), town.whole());
        let caught_up = caught_up.unwrap_or_else(|error| panic!("{error:#}"));
        prop_assert_eq!(caught_up.acts, town.register.revision().expect("a revision") - revision);
        prop_assert_eq!(caught_up.snapshot.digest(), whole.digest());
        prop_assert_eq!(caught_up.snapshot.mark(), whole.mark());
        prop_assert_eq!(caught_up.snapshot.counts(), whole.counts());
    }
}

#[test]
fn a_kept_world_of_another_register_or_history_is_not_used() {
    let (town, other) = (TestRegister::new(), TestRegister::new());
    assert!(town.why().contains("cannot be read"), "{}", town.why());
    other.keep();
    std::fs::copy(other.path(), town.path()).expect("copied");
    assert!(town.why().contains("another register"), "{}", town.why());
    // As from a copy of the register that is older than what was kept.
    other.act(To::Account);
    other.act(EDITS[0]);
    other.keep();
    std::fs::copy(other.path(), town.path()).expect("copied");
    assert!(town.why().contains("is of revision 13, the register of 11"), "{}", town.why());
    // And which then went on by itself, past that revision.
    (0..5).for_each(|_| town.act(EDITS[1]));
    assert!(town.why().contains("another history"), "{}", town.why());
}

/// D9: binding a person, or whatever else touches no object, is no reason to read a million of them again.
#[test]
fn an_act_that_changes_nothing_in_force_is_no_reason_to_read_everything() {
    let town = TestRegister::new();
    town.keep();
    town.act(To::Nothing("ConsentHolder"));
    town.act(To::Nothing("AKindOfLater"));
    let caught_up = town.catch_up().unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!((caught_up.acts, caught_up.snapshot.digest()), (2, town.whole().digest()));
}

#[test]
fn a_kept_world_that_does_not_say_how_far_it_follows_is_not_used() {
    let town = TestRegister::new();
    kept::write(&town.path(), &town.whole().marked(None)).expect("written");
    assert!(town.why().contains("does not say how far"), "{}", town.why());
}

/// A mark that claims more than the snapshot holds: the counts tell.
#[test]
fn a_kept_world_that_misses_an_object_is_not_used() {
    let town = TestRegister::new();
    let before = town.whole();
    town.act(To::Case("Grant", "g3", GRANT, "active"));
    kept::write(&town.path(), &before.marked(town.whole().mark())).expect("written");
    assert!(town.why().contains("2 of Grant in place of 3"), "{}", town.why());
}

#[test]
fn other_rules_in_the_configuration_replace_those_that_were_kept() {
    let mut town = TestRegister::new();
    town.keep();
    for pack in [Some(("yantai", json!({"rules": "yantai", "level": "local"}))), None] {
        town.config.pack = pack;
        let caught_up = town.catch_up().unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(caught_up.snapshot.digest(), town.whole().digest());
    }
}
