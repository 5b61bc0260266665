//! Suspensions (暂时关闭) as cases: an emergency stop by one person at once, or an order with a term for rectification
//! (Gansu-O 21, Qingtian 五(五), Heilongjiang 29–30, Yantai 27).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, Role, Timestamp};

use super::parts::{At, NOTHING, Name, ahead, fixed, nothing, person, stages, verb, with};
use super::{Act, Case, Deadline, Declared, Duty, Refused, Verb};
use crate::jurisdiction::Jurisdiction;
use crate::suspension::{self, Target, read_target};
use crate::world::{Object, Scope};
use crate::yaml::{Place, show_instant};

stages! {
    Proposed "proposed";
    Emergency "emergency";
    InForce "in-force";
    Rejected "rejected";
    Lifted "lifted";
    Lapsed "lapsed";
    Terminated "terminated";
}

/// A suspension of something.
#[derive(Debug)]
pub(crate) struct Suspension {
    target: Target,
    emergency: bool,
    rectify_by: Option<Timestamp>,
}

/// The report to the authority (Yantai 27: 报告数据风险情况).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    at: At,
    occurred: At,
    what: String,
    affected: String,
    measures: String,
    contact: String,
}

/// Most reports of one suspension.
const REPORTS_MAX: usize = 16;
/// The term in which an emergency stop is confirmed.
const CONFIRMATION: &str = "confirmation";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    /// The operator whose stop it is and whose products alone it reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operator: Option<Name>,
    /// From when it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<At>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
    /// Later reports on the same incident.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    supplements: Vec<Report>,
    /// When rectification was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rectified: Option<At>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Order,
    Reject,
    Confirm,
    Report { occurred: Timestamp, what: String, affected: String, measures: String, contact: String },
    Rectified,
    Resume,
    Terminate,
    Lapse,
}

impl Case for Suspension {
    const KIND: &'static str = "Suspension";
    const PLURAL: &'static str = "suspensions";
    const TITLE_ZH: &'static str = "暂时关闭";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("order", "决定关闭", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("reject", "不予关闭", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("confirm", "确认紧急关闭", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("report", "报告事件", &[Role::Operator, Role::ApplicationUnit, Role::Sre], Duty::Keep, REPORT),
        verb("rectified", "反馈整改", &[Role::Operator, Role::ApplicationUnit], Duty::Keep, NOTHING)
            .with_reason(),
        verb("resume", "恢复", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("terminate", "终止", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::Authority, Role::Operator, Role::Sre];
    const SCHEMA: &'static str = include_str!("schema/suspension.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["target", "emergency", "rectifyBy", "reason"]])?;
        let target = spec.required("target").and_then(|place| read_target(&place, scope));
        let emergency = spec.required("emergency").and_then(|place| place.boolean());
        let rectify_by = match emergency {
            Some(false) => Some(spec.required("rectifyBy").and_then(|place| place.instant())?),
            _ => spec.optional("rectifyBy").and_then(|place| place.instant()),
        };
        spec.required("reason").and_then(|place| place.text());
        Some(Self { target: target?, emergency: emergency?, rectify_by })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "order" => nothing(body, Command::Order),
            "reject" => nothing(body, Command::Reject),
            "confirm" => nothing(body, Command::Confirm),
            "report" => read_report(body),
            "rectified" => nothing(body, Command::Rectified),
            "resume" => nothing(body, Command::Resume),
            _ => nothing(body, Command::Terminate),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        if !self.emergency && person(act)?.role != Role::Authority {
            return Err(Code::C1401.into());
        }
        if let Some(by) = self.rectify_by {
            ahead(by, act)?;
        }
        let stage = if self.emergency { Stage::Emergency } else { Stage::Proposed };
        let since = self.emergency.then_some(At(act.at));
        // A unit or scenario that an operator stops goes on with the products of others.
        let by = person(act)?;
        let shared = matches!(self.target, Target::Unit(_) | Target::Scenario(_));
        let operator = (by.role == Role::Operator && shared).then(|| Name(by.organisation.clone()));
        Ok(State { stage, operator, since, report: None, supplements: Vec::new(), rectified: None })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        state.stage == Stage::Proposed
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        use Stage::{Emergency, InForce, Lifted, Proposed, Rejected};
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Proposed, Command::Order) => {
                next.since = Some(At(act.at));
                InForce
            }
            (Proposed, Command::Reject) => Rejected,
            (Emergency, Command::Confirm) => InForce,
            (
                from @ (Emergency | InForce),
                Command::Report { occurred, what, affected, measures, contact },
            ) => {
                let (at, occurred) = (At(act.at), At(occurred));
                next.report(Report { at, occurred, what, affected, measures, contact })?;
                from
            }
            (InForce, Command::Rectified) if state.rectified.is_none() => {
                next.rectified = Some(At(act.at));
                InForce
            }
            (Emergency | InForce, Command::Resume) => Lifted,
            (Emergency, Command::Lapse) => Stage::Lapsed,
            (InForce, Command::Terminate) => self.terminate(state, act)?,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, rules: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        let waits = state.stage == Stage::InForce && state.rectified.is_none();
        let rectification = self.rectify_by.filter(|_| waits).map(|at| fixed("rectification", at));
        // One person stops at once; without the word of a second one it does not last.
        let unconfirmed = state.since.filter(|_| state.stage == Stage::Emergency);
        let term = Duration::from_secs(3_600) * u32::from(rules.emergency_hours);
        let confirmation = unconfirmed.map(|since| fixed(CONFIRMATION, since.0.plus(term)));
        rectification.into_iter().chain(confirmation).collect()
    }

    fn passed(&self, state: &State, what: &str) -> Option<Command> {
        (what == CONFIRMATION && state.stage == Stage::Emergency).then_some(Command::Lapse)
    }

    fn trial(&self, verb: &str, _: &State, act: &Act<'_>) -> Option<Command> {
        let empty = String::new;
        (verb == "report").then(|| Command::Report {
            occurred: act.at,
            what: empty(),
            affected: empty(),
            measures: empty(),
            contact: empty(),
        })
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        let stops = matches!(state.stage, Stage::Emergency | Stage::InForce | Stage::Terminated);
        let Some(since) = state.since.filter(|_| stops) else { return Vec::new() };
        let emergency = state.stage == Stage::Emergency;
        let mut spec = with(spec, &["target", "reason"], [("since", show_instant(since.0).into())]);
        if emergency {
            spec["emergency"] = true.into();
        }
        if let Some(Name(operator)) = &state.operator {
            spec["operator"] = operator.as_str().into();
        }
        vec![Declared { kind: suspension::Suspension::KIND, name: name.clone(), spec }]
    }
}

impl State {
    /// Keeps a report beside those before. The same one again is none.
    fn report(&mut self, report: Report) -> Result<(), Refused> {
        let same = |old: &Report| Report { at: old.at, ..report.clone() } == *old;
        let full = self.supplements.len() + 1 >= REPORTS_MAX;
        if self.report.iter().chain(&self.supplements).any(same) || full {
            return Err(Code::C1007.into());
        }
        match &self.report {
            None => self.report = Some(report),
            Some(_) => self.supplements.push(report),
        }
        Ok(())
    }
}

impl Suspension {
    /// Terminated for good only where a term for rectification was set and has passed, or rectification was reported
    /// and did not convince; never everything at once.
    fn terminate(&self, state: &State, act: &Act<'_>) -> Result<Stage, Refused> {
        let heard = state.rectified.is_some() || self.rectify_by.is_some_and(|by| by <= act.at);
        if heard && self.target != Target::Everything {
            Ok(Stage::Terminated)
        } else {
            Err(Code::C1402.into())
        }
    }
}

fn read_report(body: &Place<'_>) -> Option<Command> {
    let body = body.section(&[&["occurred", "what", "affected", "measures", "contact"]])?;
    let text = |field| body.required(field).and_then(|place| place.text().map(str::to_owned));
    let occurred = body.required("occurred").and_then(|place| place.instant());
    let (what, affected, measures, contact) =
        (text("what"), text("affected"), text("measures"), text("contact"));
    Some(Command::Report {
        occurred: occurred?,
        what: what?,
        affected: affected?,
        measures: measures?,
        contact: contact?,
    })
}

const REPORT: &str = r#"{"type":"object","required":["occurred","what","affected","measures","contact"],"additionalProperties":false,"properties":{"occurred":{"type":"string"},"what":{"type":"string"},"affected":{"type":"string"},"measures":{"type":"string"},"contact":{"type":"string"}}}"#;

#[cfg(test)]
mod tests;
