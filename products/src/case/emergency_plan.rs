//! Emergency plans (应急预案) as cases: filed with the authority, exercised (一授权一预案; Qingtian 五(二)5, Yantai 27).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::{Code, Id, Role, Timestamp};

use super::parts::{At, NOTHING, any_digest, applies_for, nothing, refused, stages, texts, verb, with};
use super::{Act, Case, Declared, Duty, Refused, Verb};
use crate::emergency;
use crate::exit_review::Digest;
use crate::parties::ApplicationUnit;
use crate::world::{Object, Scope};
use crate::yaml::Place;

/// Most steps of a plan.
const STEPS_MAX: usize = 64;
/// Most drills kept of one plan; a plan that old is written anew.
const DRILLS_MAX: usize = 200;

stages! {
    Draft "draft";
    Submitted "submitted";
    Returned "returned";
    Filed "filed";
    Retired "retired";
}

/// A plan of one unit.
#[derive(Debug)]
pub(crate) struct EmergencyPlan {
    organisation: Id,
}

/// One drill (应急演练).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Drill {
    held: At,
    result: String,
    /// Of its record.
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    drills: Vec<Drill>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    File,
    Return,
    Drill { held: Timestamp, result: String, digest: String },
    Retire,
}

impl Case for EmergencyPlan {
    const KIND: &'static str = "EmergencyPlan";
    const PLURAL: &'static str = "emergency-plans";
    const TITLE_ZH: &'static str = "应急预案";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::ApplicationUnit, Role::Operator], Duty::Apply, NOTHING),
        verb("file", "备案", &[Role::Authority], Duty::Decide, NOTHING),
        verb("return", "退回补正", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb(
            "drill",
            "登记演练",
            &[Role::Authority, Role::ApplicationUnit, Role::Operator],
            Duty::Keep,
            DRILL,
        ),
        verb("retire", "停用", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/emergency-plan.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "title", "officer", "contact", "events", "steps"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        for field in ["title", "officer", "contact"] {
            spec.required(field).and_then(|place| place.text());
        }
        texts(spec.required("events"), STEPS_MAX);
        texts(spec.required("steps"), STEPS_MAX);
        Some(Self { organisation: unit?.1.organisation.clone() })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "file" => nothing(body, Command::File),
            "return" => nothing(body, Command::Return),
            "drill" => read_drill(body),
            _ => nothing(body, Command::Retire),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        applies_for(act, &self.organisation)?;
        Ok(State { stage: Stage::Draft, drills: Vec::new() })
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
            (Stage::Submitted, Command::File) => Stage::Filed,
            (Stage::Submitted, Command::Return) => Stage::Returned,
            (Stage::Filed, Command::Drill { held, result, digest }) => {
                if held > act.at {
                    return Err(refused(Code::C1002, "held", "lies in the future"));
                }
                if next.drills.len() >= DRILLS_MAX {
                    let reason =
                        format!("a plan keeps at most {DRILLS_MAX} drills; retire it and file a new one");
                    return Err(refused(Code::C1002, "", &reason));
                }
                let drill = Drill { held: At(held), result, digest };
                if next.drills.contains(&drill) {
                    return Err(Code::C1007.into());
                }
                next.drills.push(drill);
                Stage::Filed
            }
            (Stage::Filed, Command::Retire) => Stage::Retired,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn trial(&self, verb: &str, _: &State, act: &Act<'_>) -> Option<Command> {
        let (held, result, digest) = (act.at, String::new(), any_digest());
        (verb == "drill").then_some(Command::Drill { held, result, digest })
    }

    /// A retired plan stays known: scenarios that were approved with it still name it.
    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        if !matches!(state.stage, Stage::Filed | Stage::Retired) {
            return Vec::new();
        }
        let spec = with(spec, &["unit", "title"], []);
        vec![Declared { kind: emergency::EmergencyPlan::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        vec![self.organisation.clone()]
    }
}

fn read_drill(body: &Place<'_>) -> Option<Command> {
    let body = body.section(&[&["held", "result", "digest"]])?;
    let held = body.required("held").and_then(|place| place.instant());
    let result = body.required("result").and_then(|place| place.text());
    let digest = body.required("digest").and_then(|place| place.parsed::<Digest>());
    Some(Command::Drill { held: held?, result: result?.to_owned(), digest: digest?.to_string() })
}

const DRILL: &str = r#"{"type":"object","required":["held","result","digest"],"additionalProperties":false,"properties":{"held":{"type":"string"},"result":{"type":"string"},"digest":{"type":"string","pattern":"^[0-9a-f]{64}$"}}}"#;

#[cfg(test)]
mod tests;
