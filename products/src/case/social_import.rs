//! Imports of social data (社会数据) into the domain: only as approved (Qingtian 三(一), Heilongjiang 25; REQUIREMENTS K3).

use serde::{Deserialize, Serialize};
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, Role};

use super::parts::{
    DIGEST, NOTHING, any_digest, applies_for, digest, fixed, nothing, refused, stages, texts, verb,
};
use super::{Act, Case, Deadline, Duty, Refused, Verb};
use crate::Window;
use crate::jurisdiction::Jurisdiction;
use crate::parties::ApplicationUnit;
use crate::rights::Scenario;
use crate::world::Scope;
use crate::yaml::Place;

/// Most security measures named.
const MEASURES_MAX: usize = 32;

stages! {
    Draft "draft";
    Submitted "submitted";
    Returned "returned";
    Rejected "rejected";
    Approved "approved";
    Imported "imported";
    Removed "removed";
}

/// An import applied for.
#[derive(Debug)]
pub(crate) struct SocialImport {
    organisation: Id,
    window: Window,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    /// Of what was brought in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imported: Option<String>,
    /// Of the proof that it was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    removed: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Approve,
    Reject,
    Return,
    Import(String),
    Remove(String),
}

impl Case for SocialImport {
    const KIND: &'static str = "SocialImport";
    const PLURAL: &'static str = "social-imports";
    const TITLE_ZH: &'static str = "社会数据导入";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::ApplicationUnit, Role::Operator], Duty::Apply, NOTHING),
        verb("approve", "批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("reject", "不予批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("return", "退回补正", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("import", "登记导入", &[Role::Operator], Duty::Keep, DIGEST),
        verb("remove", "登记清除", &[Role::Operator], Duty::Keep, DIGEST),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/social-import.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let what = &["unit", "scenario", "title", "source", "lawfulBasis", "purpose"];
        let spec = spec.section(&[what, &["personal", "measures", "window"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        spec.required("scenario").and_then(|place| {
            let (_, found) = scope.find::<Scenario>(&place)?;
            match unit {
                Some((unit, _)) if found.unit != *unit => {
                    place.fail::<()>(format!("belongs to unit `{}`", found.unit))
                }
                _ => Some(()),
            }
        });
        for field in ["title", "source", "lawfulBasis", "purpose"] {
            spec.required(field).and_then(|place| place.text());
        }
        spec.required("personal").and_then(|place| place.boolean());
        texts(spec.required("measures"), MEASURES_MAX);
        let window = spec.required("window").and_then(|place| place.window());
        Some(Self { organisation: unit?.1.organisation.clone(), window: window? })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "approve" => nothing(body, Command::Approve),
            "reject" => nothing(body, Command::Reject),
            "return" => nothing(body, Command::Return),
            "import" => digest(body).map(Command::Import),
            _ => digest(body).map(Command::Remove),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        applies_for(act, &self.organisation)?;
        Ok(State { stage: Stage::Draft, imported: None, removed: None })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        matches!(state.stage, Stage::Draft | Stage::Returned)
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Stage::Draft | Stage::Returned, Command::Submit) => Stage::Submitted,
            (Stage::Submitted, Command::Approve) => Stage::Approved,
            (Stage::Submitted, Command::Reject) => Stage::Rejected,
            (Stage::Submitted, Command::Return) => Stage::Returned,
            (Stage::Approved, Command::Import(digest)) => {
                if !self.window.contains(act.at) {
                    return Err(refused(Code::C1405, "", "the import was approved for another time"));
                }
                next.imported = Some(digest);
                Stage::Imported
            }
            (Stage::Imported, Command::Remove(digest)) => {
                next.removed = Some(digest);
                Stage::Removed
            }
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, _: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        let kept = state.stage == Stage::Imported;
        kept.then(|| fixed("removal", self.window.until())).into_iter().collect()
    }

    fn trial(&self, verb: &str, _: &State, _: &Act<'_>) -> Option<Command> {
        match verb {
            "import" => Some(Command::Import(any_digest())),
            "remove" => Some(Command::Remove(any_digest())),
            _ => None,
        }
    }

    fn parties(&self) -> Vec<Id> {
        vec![self.organisation.clone()]
    }
}

#[cfg(test)]
mod tests;
