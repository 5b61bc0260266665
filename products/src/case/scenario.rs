//! Scenarios (应用场景): one unit, one use, one application (一场景一授权一申请; Yantai 16, Qingtian 二(三)).
//!
//! Every provider of a data set it touches, and the source of what came by sharing, agrees; experts give opinions; the
//! authority decides. Once approved it stays known to the gateway, unapproved after its end, so that its grants do not
//! point nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, PurposeClass, Role, Timestamp};

use super::parts::{
    At, Close, Closing, DIGEST, NOTHING, Name, RECTIFY, ahead, any_close, applies_for, asked, close, fixed,
    nothing, person, rectify_by, refused, soon, stages, texts, verb, with,
};
use super::{Act, Case, Deadline, Declared, Duty, Refused, Verb};
use crate::Window;
use crate::data::DataSet;
use crate::emergency::EmergencyPlan;
use crate::jurisdiction::Jurisdiction;
use crate::operating::{MODES, Mode};
use crate::parties::ApplicationUnit;
use crate::price::CONDITIONS_MAX;
use crate::product::Product;
use crate::rights::{self, NEED_FIELDS, NEEDS_MAX, PURPOSES, read_operations, read_volume};
use crate::world::{Object, Scope};
use crate::yaml::Place;

/// Most security measures named.
const MEASURES_MAX: usize = 32;

stages! {
    Draft "draft";
    ProviderReview "provider-review";
    ExpertReview "expert-review";
    Decision "decision";
    Returned "returned";
    Rejected "rejected";
    Approved "approved";
    Active "active";
    Suspended "suspended";
    Terminated "terminated";
    Archived "archived";
}

/// An application for a scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    name: Id,
    unit: Id,
    organisation: Id,
    mode: Mode,
    purpose: PurposeClass,
    window: Window,
    /// Whether it says how much it needs. Applications from before that was asked do not.
    has_volume: bool,
    /// Providers of the data sets it touches, and sources of what they share (C3, C8).
    asked: BTreeSet<Id>,
}

/// What an expert says; the words are the act's reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opinion {
    by: Name,
    at: At,
    favourable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    agreed: BTreeMap<Name, At>,
    opinions: Vec<Opinion>,
    /// Under what conditions it may be used free of charge, as the authority approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    free_use: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rectify_by: Option<At>,
    /// What a suspended one resumes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Stage>,
    closing: Closing,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Agree,
    Decline,
    Opine {
        favourable: bool,
    },
    /// Under what conditions it may be used free of charge.
    Approve(Vec<String>),
    Reject,
    Return,
    Activate(Box<rights::Agreement>),
    Suspend(Timestamp),
    Resume,
    Terminate,
    Close(Close),
    Archive,
    Expire,
}

impl Scenario {
    fn check(&self, act: &Act<'_>) -> Result<(), Refused> {
        applies_for(act, &self.organisation)?;
        if !act.rules.permits_mode(self.mode) {
            return Err(refused(
                Code::C1302,
                "spec.mode",
                "is no mode of authorisation in this jurisdiction",
            ));
        }
        if self.window.until() <= act.at {
            return Err(refused(Code::C1002, "spec.window.until", "lies in the past"));
        }
        if !self.has_volume {
            let missing = "is missing: how many calls and distinct subjects a day are applied for";
            return Err(refused(Code::C1002, "spec.volume", missing));
        }
        Ok(())
    }
}

impl Case for Scenario {
    const KIND: &'static str = "Scenario";
    const PLURAL: &'static str = "scenarios";
    const TITLE_ZH: &'static str = "应用场景";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::ApplicationUnit, Role::Operator], Duty::Apply, NOTHING),
        verb("agree", "同意使用", &[Role::Provider], Duty::Review, NOTHING),
        verb("decline", "不同意使用", &[Role::Provider], Duty::Review, NOTHING).with_reason(),
        verb("opine", "出具专家意见", &[Role::Expert], Duty::Review, OPINION).with_reason(),
        verb("approve", "批准", &[Role::Authority], Duty::Decide, APPROVE).with_reason(),
        verb("reject", "不予批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("return", "退回补正", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("activate", "启用", &[Role::Authority, Role::Operator], Duty::Keep, ACTIVATE),
        verb("suspend", "暂时关闭", &[Role::Authority], Duty::Decide, RECTIFY).with_reason(),
        verb("resume", "恢复", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("terminate", "终止", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("hand-over", "移交记录", &[Role::ApplicationUnit, Role::Operator], Duty::Keep, DIGEST),
        verb("destroy", "销毁留存数据", &[Role::ApplicationUnit, Role::Operator], Duty::Keep, DIGEST),
        verb("archive", "归档", &[Role::Authority], Duty::Keep, NOTHING),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/scenario.json");

    type State = State;
    type Command = Command;

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let what = &["unit", "title", "purpose", "mode", "field", "necessity", "needs", "window"];
        let spec = spec.section(&[what, &["measures", "securityOfficer", "emergencyPlan", "volume"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        spec.required("title").and_then(|place| place.text());
        let purpose = spec.required("purpose").and_then(|place| place.word(PURPOSES));
        let mode = spec.required("mode").and_then(|place| place.word(MODES));
        match mode {
            Some(Mode::Field) => drop(spec.required("field").and_then(|place| place.text())),
            _ => spec.forbid("field", "goes with the mode `field`"),
        }
        spec.required("necessity").and_then(|place| place.text());
        texts(spec.required("measures"), MEASURES_MAX);
        spec.required("securityOfficer").and_then(|place| place.text());
        spec.required("emergencyPlan").and_then(|place| {
            let (_, plan) = scope.find::<EmergencyPlan>(&place)?;
            match unit {
                Some((unit, _)) if plan.unit != *unit => {
                    place.fail(format!("belongs to unit `{}`", plan.unit))
                }
                _ => Some(()),
            }
        });
        let window = spec.required("window").and_then(|place| place.window());
        // What is asked for is part of what providers, experts and the authority look at; the gate holds the scenario to it.
        let volume = spec.optional("volume").map(|place| read_volume(&place));
        let needs = spec.required("needs").and_then(|place| place.some_items(NEEDS_MAX));
        let asked = needs.map(|needs| needs.iter().flat_map(|need| read_need(need, scope)).collect());
        let (unit, of) = unit?;
        Some(Self {
            name: id.clone(),
            unit: unit.clone(),
            organisation: of.organisation.clone(),
            mode: mode?,
            purpose: purpose?,
            window: window?,
            has_volume: match volume {
                Some(read) => read.map(|_| true)?,
                None => false,
            },
            asked: asked?,
        })
    }

    fn command(verb: &str, body: &Place<'_>, scope: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "agree" => nothing(body, Command::Agree),
            "decline" => nothing(body, Command::Decline),
            "opine" => {
                let favourable = body.section(&[&["favourable"]])?.required("favourable")?.boolean()?;
                Some(Command::Opine { favourable })
            }
            "approve" => {
                let place = body.section(&[&["freeUse"]])?.optional("freeUse");
                let conditions = match place {
                    None => Vec::new(),
                    given => texts(given, CONDITIONS_MAX)?,
                };
                Some(Command::Approve(conditions))
            }
            "reject" => nothing(body, Command::Reject),
            "return" => nothing(body, Command::Return),
            "activate" => {
                let place = body.section(&[&["agreement"]])?.required("agreement")?;
                let (_, agreement) = scope.find::<rights::Agreement>(&place)?;
                Some(Command::Activate(Box::new(agreement.clone())))
            }
            "suspend" => rectify_by(body).map(Command::Suspend),
            "resume" => nothing(body, Command::Resume),
            "terminate" => nothing(body, Command::Terminate),
            "hand-over" | "destroy" => close(verb, body).map(Command::Close),
            _ => nothing(body, Command::Archive),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        self.check(act)?;
        Ok(State {
            stage: Stage::Draft,
            agreed: BTreeMap::new(),
            opinions: Vec::new(),
            free_use: Vec::new(),
            rectify_by: None,
            before: None,
            closing: Closing::default(),
        })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        matches!(state.stage, Stage::Draft | Stage::Returned)
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        use Stage::{
            Active, Approved, Archived, Decision, Draft, ExpertReview, ProviderReview, Rejected, Returned,
            Suspended, Terminated,
        };
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Draft | Returned, Command::Submit) => {
                self.check(act)?;
                next.agreed.clear();
                next.opinions.clear();
                ProviderReview
            }
            (ProviderReview, Command::Agree) => {
                let provider = Name(asked(act, &self.asked)?);
                if next.agreed.contains_key(&provider) {
                    return Err(Code::C1007.into());
                }
                next.agreed.insert(provider, At(act.at));
                let all = self.asked.iter().all(|one| next.agreed.contains_key(&Name(one.clone())));
                if all { ExpertReview } else { ProviderReview }
            }
            (ProviderReview, Command::Decline) => asked(act, &self.asked).map(|_| Returned)?,
            (ExpertReview | Decision, Command::Opine { favourable }) => {
                let by = Name(person(act)?.account.clone());
                // Each expert has one word; what was said stays said.
                if next.opinions.iter().any(|opinion| opinion.by == by) {
                    return Err(Code::C1007.into());
                }
                next.opinions.push(Opinion { by, at: At(act.at), favourable });
                Decision
            }
            (Decision, Command::Approve(conditions)) => {
                // Yantai 20, Gansu-O 29: free use has its conditions, and paid use none of those.
                if !conditions.is_empty() && !self.purpose.is_free() {
                    return Err(refused(
                        Code::C1002,
                        "freeUse",
                        "goes with public governance and public welfare",
                    ));
                }
                next.free_use = conditions;
                Approved
            }
            (ProviderReview, Command::Approve(_)) => return Err(Code::C1303.into()),
            (ExpertReview, Command::Approve(_)) => return Err(Code::C1305.into()),
            (ProviderReview | ExpertReview | Decision, Command::Reject) => Rejected,
            (ProviderReview | ExpertReview | Decision, Command::Return) => Returned,
            (Approved, Command::Activate(agreement)) => self.activate(&agreement)?,
            (from @ (Approved | Active), Command::Suspend(by)) => {
                next.rectify_by = Some(ahead(by, act)?);
                next.before = Some(from);
                Suspended
            }
            (Suspended, Command::Resume) => {
                next.rectify_by = None;
                next.before.take().unwrap_or(Approved)
            }
            (Approved | Active | Suspended, Command::Terminate | Command::Expire) => Terminated,
            (Terminated, Command::Close(act)) => {
                next.closing.record(act)?;
                Terminated
            }
            (Terminated, Command::Archive) => next.closing.complete().map(|()| Archived)?,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, _: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        let runs = matches!(state.stage, Stage::Approved | Stage::Active | Stage::Suspended);
        let term = runs.then(|| fixed("term", self.window.until()));
        let rectification = state.rectify_by.filter(|_| state.stage == Stage::Suspended);
        term.into_iter().chain(rectification.map(|at| fixed("rectification", at.0))).collect()
    }

    fn passed(&self, _: &State, what: &str) -> Option<Command> {
        (what == "term").then_some(Command::Expire)
    }

    fn trial(&self, verb: &str, _: &State, act: &Act<'_>) -> Option<Command> {
        match verb {
            "opine" => Some(Command::Opine { favourable: true }),
            "activate" => Some(Command::Activate(Box::new(rights::Agreement {
                unit: self.unit.clone(),
                window: self.window,
                scenarios: Vec::new(),
                signed: true,
            }))),
            "suspend" => Some(Command::Suspend(soon(act))),
            "hand-over" | "destroy" => Some(Command::Close(any_close(verb))),
            _ => None,
        }
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        let approved = match state.stage {
            Stage::Approved | Stage::Active => true,
            Stage::Suspended | Stage::Terminated | Stage::Archived => false,
            _ => return Vec::new(),
        };
        let own = &["unit", "purpose", "title", "window", "needs", "volume"];
        let mut spec = with(spec, own, [("approved", approved.into())]);
        if !state.free_use.is_empty() {
            spec["freeUse"] = state.free_use.clone().into();
        }
        vec![Declared { kind: rights::Scenario::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        self.asked.iter().chain([&self.organisation]).cloned().collect()
    }
}

impl Scenario {
    fn activate(&self, agreement: &rights::Agreement) -> Result<Stage, Refused> {
        let about = agreement.scenarios.is_empty() || agreement.scenarios.contains(&self.name);
        if agreement.signed && agreement.unit == self.unit && about {
            Ok(Stage::Active)
        } else {
            Err(refused(Code::C1309, "agreement", "is not in force for this unit and scenario"))
        }
    }
}

/// Whom one need asks for their agreement.
fn read_need(place: &Place<'_>, scope: &Scope<'_>) -> Vec<Id> {
    let Some(section) = place.section(&[NEED_FIELDS]) else { return Vec::new() };
    let Some((_, product)) = section.required("product").and_then(|place| scope.find::<Product>(&place))
    else {
        return Vec::new();
    };
    read_operations(&section, product);
    let sets = product.data_sets.iter().filter_map(|set| DataSet::table(scope.world()).get(set));
    sets.flat_map(|set| [Some(&set.provider), set.shared_from.as_ref()]).flatten().cloned().collect()
}

const OPINION: &str = r#"{"type":"object","required":["favourable"],"additionalProperties":false,"properties":{"favourable":{"type":"boolean"}}}"#;
const APPROVE: &str = r#"{"type":"object","additionalProperties":false,"properties":{"freeUse":{"type":"array","maxItems":32,"items":{"type":"string","minLength":1,"maxLength":512}}}}"#;
const ACTIVATE: &str = r#"{"type":"object","required":["agreement"],"additionalProperties":false,"properties":{"agreement":{"type":"string"}}}"#;

#[cfg(test)]
mod tests;
