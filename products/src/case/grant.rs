//! Grants (授权) as cases: given within an approved scenario and an agreement in force, ended by revocation or time.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, Role};

use super::parts::{NOTHING, applies_for, fixed, nothing, refused, stages, verb};
use super::{Act, Case, Deadline, Declared, Duty, Refused, Verb};
use crate::Window;
use crate::jurisdiction::Jurisdiction;
use crate::parties::ApplicationUnit;
use crate::product::Product;
use crate::rights::{self, Agreement, Scenario};
use crate::world::{Object, Scope};
use crate::yaml::Place;

stages! {
    Draft "draft";
    Active "active";
    Rejected "rejected";
    Revoked "revoked";
    Expired "expired";
}

/// A grant applied for. What it gives beyond its scenario's needs is a fault of its spec already.
#[derive(Debug)]
pub(crate) struct Grant {
    organisation: Id,
    window: Window,
    scenario: (bool, Window),
    agreement: (bool, Window),
    /// Whether nothing bounds what is learned by it; see [`rights::unbounded`].
    unbounded: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
}

#[derive(Debug)]
pub(crate) enum Command {
    Issue,
    Reject,
    Revoke,
    Expire,
}

impl Grant {
    fn check(&self, act: &Act<'_>) -> Result<(), Refused> {
        if self.unbounded {
            return Err(refused(Code::C1002, "spec.quota", rights::NO_QUOTA));
        }
        for (path, (in_force, window)) in
            [("spec.scenario", self.scenario), ("spec.agreement", self.agreement)]
        {
            if !in_force || window.until() <= act.at {
                return Err(refused(Code::C1309, path, "is not in force"));
            }
            if !window.covers(self.window) {
                let reason = format!("reaches outside the term of `{path}`");
                return Err(refused(Code::C1308, "spec.window", &reason));
            }
        }
        Ok(())
    }
}

impl Case for Grant {
    const KIND: &'static str = "Grant";
    const PLURAL: &'static str = "grants";
    const TITLE_ZH: &'static str = "授权";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("issue", "授予", &[Role::Authority, Role::Operator], Duty::Decide, NOTHING),
        verb("reject", "不予授予", &[Role::Authority, Role::Operator], Duty::Decide, NOTHING).with_reason(),
        verb("revoke", "撤销", &[Role::Authority, Role::Operator], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/grant.json");

    type State = State;
    type Command = Command;

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let grant = <rights::Grant as Object>::read(id, spec, scope)?;
        let world = scope.world();
        let scenario = Scenario::table(world).get(&grant.scenario)?;
        let agreement = Agreement::table(world).get(&grant.agreement)?;
        let unit = ApplicationUnit::table(world).get(&grant.unit)?;
        Some(Self {
            organisation: unit.organisation.clone(),
            window: grant.window,
            scenario: (scenario.approved, scenario.window),
            agreement: (agreement.signed, agreement.window),
            unbounded: rights::unbounded(Product::table(world).get(&grant.product)?, grant.quota),
        })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "issue" => nothing(body, Command::Issue),
            "reject" => nothing(body, Command::Reject),
            _ => nothing(body, Command::Revoke),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        applies_for(act, &self.organisation)?;
        self.check(act)?;
        Ok(State { stage: Stage::Draft })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        state.stage == Stage::Draft
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        let stage = match (state.stage, command) {
            (Stage::Draft, Command::Issue) => self.check(act).map(|()| Stage::Active)?,
            (Stage::Draft, Command::Reject) => Stage::Rejected,
            (Stage::Active, Command::Revoke) => Stage::Revoked,
            (Stage::Active, Command::Expire) => Stage::Expired,
            _ => return Err(Code::C1007.into()),
        };
        Ok(State { stage })
    }

    fn deadlines(&self, state: &State, _: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        let active = state.stage == Stage::Active;
        active.then(|| fixed("term", self.window.until())).into_iter().collect()
    }

    fn passed(&self, _: &State, what: &str) -> Option<Command> {
        (what == "term").then_some(Command::Expire)
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        if state.stage != Stage::Active {
            return Vec::new();
        }
        vec![Declared { kind: rights::Grant::KIND, name: name.clone(), spec: spec.clone() }]
    }

    fn parties(&self) -> Vec<Id> {
        vec![self.organisation.clone()]
    }
}

#[cfg(test)]
mod tests;
