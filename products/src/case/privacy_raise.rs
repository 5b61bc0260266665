//! Raising a privacy cap (提高隐私上限) as a case: the providers of all data over the people ask for it together, the authority of
//! another organisation approves, and it is publicised before it counts (ADR 0033).
//!
//! It puts nothing in force by itself: from then on the cap may be declared as high as it says ([`crate::data::Promised`]). What it
//! means stands in the state from the beginning, in odds, so that whoever decides and whoever reads it sees the same figure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, NanoCharge, Role};

use super::parts::{At, NOTHING, Name, nothing, person, refused, stages, verb};
use super::{Act, Case, Deadline, Duty, Refused, Verb};
use crate::data::{DataSet, PersonSpace, odds};
use crate::jurisdiction::Jurisdiction;
use crate::world::Scope;
use crate::yaml::Place;

/// Most data sets over one person-space that a case names.
const DATA_SETS_MAX: usize = 256;
/// The deadline at whose end a raise counts.
const PUBLICITY: &str = "term";

stages! {
    Draft "draft";
    Submitted "submitted";
    Rejected "rejected";
    Publicity "publicity";
    InForce "in-force";
}

/// A raise applied for.
#[derive(Debug)]
pub(crate) struct PrivacyRaise {
    /// Of every data set over the people.
    providers: BTreeSet<Id>,
    /// What the cap means now, and would.
    odds: (String, String),
    /// What is wrong with it as things stand now. What was decided stays readable, whatever is declared later.
    fault: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    stage: Stage,
    /// Whose provider asked.
    by: Name,
    /// Providers that agreed, whoever asked among them.
    agreed: BTreeSet<Name>,
    /// e^ε of the cap in force when it was written, and of the one that is asked for.
    odds_now: String,
    odds_then: String,
    /// When publicity began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<At>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Agree,
    Approve,
    Reject,
    /// Publicity is over.
    Count,
}

/// What a raise is of, and to how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// The person-space.
    pub person_space: Id,
    /// The data set whose own cap it is; none where it is the person-space's.
    pub data_set: Option<Id>,
    /// Every data set over the people whose provider was asked.
    pub data_sets: BTreeSet<Id>,
    /// Up to where the cap may be declared.
    pub cap: NanoCharge,
}

/// What a `PrivacyRaise` of this spec raises; none where it cannot be read.
#[must_use]
pub fn raised(spec: &Value) -> Option<Raised> {
    let id = |value: &Value| value.as_str()?.parse::<Id>().ok();
    Some(Raised {
        person_space: id(spec.get("personSpace")?)?,
        data_set: spec.get("dataSet").and_then(id),
        data_sets: spec.get("dataSets")?.as_array()?.iter().filter_map(id).collect(),
        cap: spec.get("cap")?.as_str()?.parse().ok()?,
    })
}

/// The kind of these cases, and the state from which they count.
pub const KIND: &str = "PrivacyRaise";
/// The state from which a raise counts.
pub const IN_FORCE: &str = Stage::InForce.as_str();
/// States in which anyone may know of a raise.
pub const PUBLIC_STATES: &[&str] = &[Stage::Publicity.as_str(), Stage::InForce.as_str()];

impl Case for PrivacyRaise {
    const KIND: &'static str = KIND;
    const PLURAL: &'static str = "privacy-raises";
    const TITLE_ZH: &'static str = "隐私上限提高";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::Provider], Duty::Apply, NOTHING).with_reason(),
        verb("agree", "同意", &[Role::Provider], Duty::Review, NOTHING).with_reason(),
        verb("approve", "批准并公示", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("reject", "不予批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::Provider];
    const SCHEMA: &'static str = include_str!("schema/privacy-raise.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["personSpace", "dataSet", "dataSets", "cap", "cause"]])?;
        let space = spec.required("personSpace").and_then(|place| scope.find::<PersonSpace>(&place));
        let items = spec.required("dataSets").and_then(|place| place.some_items(DATA_SETS_MAX));
        let mut sets = Vec::new();
        for place in items.iter().flatten() {
            sets.extend(scope.find::<DataSet>(place));
        }
        let own = spec.optional("dataSet").map(|place| {
            let (name, set) = scope.find::<DataSet>(&place)?;
            let listed = sets.iter().any(|(other, _)| *other == name);
            if listed { Some(set) } else { place.fail("is none of `dataSets`") }
        });
        let cap = spec.required("cap").and_then(|place| place.parsed::<NanoCharge>());
        spec.required("cause").and_then(|place| place.text());
        let own = own.map_or(Some(None), |own| own.map(Some))?;
        let ((name, space), then) = (space?, cap?);
        let over = |set: &DataSet| set.privacy.as_ref().is_some_and(|terms| terms.person_space == *name);
        let now = match own {
            Some(set) => set.privacy.as_ref().map_or(NanoCharge::ZERO, |terms| terms.cap),
            None => space.cap,
        };
        let astray = sets.iter().position(|(_, set)| !over(set));
        let fault = match astray {
            Some(at) => Some((format!("spec.dataSets[{at}]"), "is not over these people".to_owned())),
            None if then <= now => Some(("spec.cap".to_owned(), format!("is no raise: the cap is {now}"))),
            // What is spent of a data set is spent of its people: more than they have is promised to nobody.
            None if own.is_some() && then > space.cap => {
                let most = space.cap;
                Some((
                    "spec.cap".to_owned(),
                    format!("is above the person-space's own, {most}: raise that first"),
                ))
            }
            None => None,
        };
        let providers = sets.iter().map(|(_, set)| set.provider.clone()).collect();
        let odds = (odds(space.measure, now), odds(space.measure, then));
        Some(Self { providers, odds, fault })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "agree" => nothing(body, Command::Agree),
            "approve" => nothing(body, Command::Approve),
            _ => nothing(body, Command::Reject),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        self.sound()?;
        let by = Name(self.provider(act)?);
        let (now, then) = self.odds.clone();
        let agreed = BTreeSet::from([by.clone()]);
        Ok(State { stage: Stage::Draft, by, agreed, odds_now: now, odds_then: then, since: None })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        state.stage == Stage::Draft
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Stage::Draft, Command::Submit) => {
                self.sound()?;
                Stage::Submitted
            }
            (Stage::Submitted, Command::Agree) => {
                if !next.agreed.insert(Name(self.provider(act)?)) {
                    return Err(Code::C1007.into());
                }
                Stage::Submitted
            }
            (Stage::Submitted, Command::Approve) => {
                self.sound()?;
                self.approved_by_another(state, act)?;
                next.since = Some(At(act.at));
                Stage::Publicity
            }
            (Stage::Submitted | Stage::Publicity, Command::Reject) => Stage::Rejected,
            (Stage::Publicity, Command::Count) => Stage::InForce,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, rules: &Jurisdiction, calendar: &Calendar) -> Vec<Deadline> {
        let since = state.since.filter(|_| state.stage == Stage::Publicity);
        let due = since.map(|since| calendar.due(since.0, rules.privacy.raise_publicity));
        due.map(|due| Deadline { what: PUBLICITY, due }).into_iter().collect()
    }

    fn passed(&self, state: &State, what: &str) -> Option<Command> {
        (what == PUBLICITY && state.stage == Stage::Publicity).then_some(Command::Count)
    }

    fn public(state: &State) -> bool {
        PUBLIC_STATES.contains(&state.stage.as_str())
    }

    fn parties(&self) -> Vec<Id> {
        self.providers.iter().cloned().collect()
    }
}

impl PrivacyRaise {
    /// It is a raise, of people whom all its data sets are about.
    fn sound(&self) -> Result<(), Refused> {
        match &self.fault {
            Some((path, reason)) => Err(refused(Code::C1002, path, reason)),
            None => Ok(()),
        }
    }

    /// The organisation that acts, which must provide data over these people.
    fn provider(&self, act: &Act<'_>) -> Result<Id, Refused> {
        let own = &person(act)?.organisation;
        if self.providers.contains(own) {
            Ok(own.clone())
        } else {
            Err(refused(Code::C1555, "spec.dataSets", "none of them is this organisation's"))
        }
    }

    /// Every provider has agreed, and whoever approves belongs to none of them.
    fn approved_by_another(&self, state: &State, act: &Act<'_>) -> Result<(), Refused> {
        let own = &person(act)?.organisation;
        if self.providers.contains(own) || state.by.0 == *own {
            return Err(refused(Code::C1555, "", "is decided by another organisation than those that ask"));
        }
        match self.providers.iter().find(|provider| !state.agreed.contains(&Name((*provider).clone()))) {
            Some(_) => Err(refused(Code::C1555, "", "every provider of the data must agree first")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shuzha_core::{Code, Role};

    use crate::case::matrix::{Desk, of, shown};

    fn spec() -> Value {
        json!({"personSpace": "census-sample", "dataSets": ["census"], "cap": "8.0", "cause": "新增年度数据"})
    }

    /// The usual provider of the tests stands for the census too.
    fn desk() -> Desk {
        let mut desk = Desk::new("PrivacyRaise", spec());
        desk.change("DataSet", "census", "provider", json!("market-regulator"));
        desk
    }

    #[test]
    fn e6_the_matrix_of_states_and_verbs() {
        desk().matrix(
            Role::Provider,
            &[
                ("draft", &[]),
                ("submitted", &["submit"]),
                ("rejected", &["submit", "reject"]),
                ("publicity", &["submit", "approve"]),
                ("in-force", &["submit", "approve", "clock"]),
            ],
            include_str!("testdata/privacy-raise.txt"),
        );
    }

    #[test]
    fn e6_a_raise_says_what_it_means_and_is_no_lowering() {
        let opened = desk().open(&of(Role::Provider, "market-regulator")).expect("opens");
        assert_eq!(opened.state["oddsNow"], "403.43 : 1");
        assert_eq!(opened.state["oddsThen"], "3.0e3 : 1");
        for (field, value) in [
            ("cap", json!("6.0")),
            ("cap", json!("5")),
            ("dataSets", json!([])),
            ("dataSets", json!(["enterprises"])),
            ("personSpace", json!("nobody")),
            ("dataSet", json!("enterprises")),
        ] {
            let mut desk = desk();
            desk.spec[field] = value.clone();
            let refused = desk.open(&of(Role::Provider, "market-regulator")).expect_err(field);
            assert!(shown(&refused).1.iter().any(|path| path.starts_with("spec.")), "{field} {value}");
        }
        let mut own = desk();
        own.spec["dataSet"] = json!("census");
        own.spec["cap"] = json!("6.5");
        let refused =
            own.open(&of(Role::Provider, "market-regulator")).expect_err("more than its people have");
        assert_eq!(shown(&refused), ("C1002", vec!["spec.cap"]));
        own.spec["cap"] = json!("5.5");
        assert_eq!(
            own.open(&of(Role::Provider, "market-regulator")).expect("opens").state["oddsNow"],
            "148.41 : 1"
        );
    }

    /// Two persons of two organisations, and every provider: nobody else's word will do.
    #[test]
    fn e6_organisations_that_differ_decide_together() {
        let mut desk = desk();
        let foreign = of(Role::Provider, "police");
        assert_eq!(desk.open(&foreign).expect_err("none of its data").code, Code::C1555);
        let more = desk.object("DataSet", &"census".parse().expect("a name")).expect("declared");
        desk.change("DataSet", "population", "privacy", more["privacy"].clone());
        desk.spec["dataSets"] = json!(["census", "population"]);
        let submitted = desk.walk(Role::Provider, &["submit"]);
        let approve = |state: &Value, organisation: &str| {
            desk.act(state, &of(Role::Authority, organisation), "approve", &json!({}))
        };
        assert_eq!(approve(&submitted.state, "data-bureau").expect_err("one is missing").code, Code::C1555);
        let agreed = desk.act(&submitted.state, &foreign, "agree", &json!({})).expect("the other provider");
        assert_eq!(
            desk.act(&agreed.state, &foreign, "agree", &json!({})).expect_err("twice").code,
            Code::C1007
        );
        for own in ["market-regulator", "police"] {
            assert_eq!(approve(&agreed.state, own).expect_err("its own case").code, Code::C1555);
        }
        let public = approve(&agreed.state, "data-bureau").expect("another organisation");
        assert_eq!((public.state_name, public.deadlines.len()), ("publicity", 1));
        assert!(public.in_force.is_empty());
    }
}
