//! Operating agreements (授权运营协议; Yantai 13, Gansu-O 19–21, Heilongjiang 13–14, 29, Qingtian 二(五)(六)) as cases: written, deliberated and
//! ended by the authorising side alone; in force once every party has signed.
//!
//! It is suspended as a target of a suspension, like anything else that stops; here it only ends, and then what the operator
//! holds is handed over and destroyed within terms that the agreement itself sets.

mod spec;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, Role};

use super::parts::{
    At, Close, Closing, DIGEST, NOTHING, Name, any_close, any_digest, asked, close, digest, fixed, nothing,
    person, refused, stages, term, verb, with,
};
use super::{Act, Case, Deadline, Declared, Duty, Refused, Verb};
use crate::jurisdiction::Jurisdiction;
use crate::operating::{self, EXTENT_FIELDS};
use crate::world::{Object, Scope};
use crate::yaml::{Place, months_before};
use spec::{Ending, Terms};

/// Who signs: the authorising side, the operator, and further parties where there are some.
const SIGNERS: &[Role] = &[Role::Authority, Role::Operator, Role::Provider, Role::Finance];

stages! {
    Draft "draft";
    Deliberation "deliberation";
    Signing "signing";
    Returned "returned";
    InForce "in-force";
    Amended "amended";
    Terminated "terminated";
    Expired "expired";
    Archived "archived";
}

/// An operating agreement to be signed by all its parties.
#[derive(Debug)]
pub(crate) struct OperatingAgreement {
    name: Id,
    terms: Terms,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    signed: BTreeMap<Name, At>,
    /// Digest of the filing (备案).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filed: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<At>,
    closing: Closing,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Approve,
    Return,
    Sign,
    File(String),
    Amend(Box<(Id, operating::OperatingAgreement)>),
    Terminate,
    Expire,
    Close(Close),
    Archive,
}

impl OperatingAgreement {
    fn check(&self, act: &Act<'_>) -> Result<(), Refused> {
        if person(act)?.organisation != self.terms.authoriser {
            return Err(refused(Code::C1313, "spec.authoriser", "is another organisation than yours"));
        }
        if !act.rules.permits_mode(self.terms.extent.mode()) {
            let reason = "is no mode of authorisation in this jurisdiction";
            return Err(refused(Code::C1302, "spec.mode", reason));
        }
        term(self.terms.window, self.terms.excepted, act)?;
        if let (Some(old), Some(months)) = (self.terms.renews, act.rules.reapplication_months)
            && months_before(old.until(), months).is_none_or(|begin| act.at < begin)
        {
            let reason = format!("may be renewed in the last {months} months of its term");
            return Err(refused(Code::C1310, "spec.renews", &reason));
        }
        let asked = act.rules.agreement_contents.iter();
        match asked.copied().find(|content| !self.terms.contents.contains(*content)) {
            Some(missing) => {
                let article = act.rules.article("operating_agreement").unwrap_or_default();
                let reason = format!("is missing: a content of the agreement by {article}");
                Err(refused(Code::C1002, &format!("spec.contents.{missing}"), &reason))
            }
            None => Ok(()),
        }
    }

    /// Ends it, at the instant of the act.
    fn end(state: &mut State, act: &Act<'_>, stage: Stage) -> Stage {
        state.ended = Some(At(act.at));
        stage
    }

    /// Whether `other`, in force, amends this one.
    fn amended_by(&self, (name, other): &(Id, operating::OperatingAgreement)) -> Result<Stage, Refused> {
        let amends = other.amends.as_ref() == Some(&self.name) && *name != self.name;
        if amends && other.in_force && other.operator == self.terms.operator {
            Ok(Stage::Amended)
        } else {
            Err(refused(Code::C1309, "agreement", "is not in force, or does not amend this one"))
        }
    }
}

impl Case for OperatingAgreement {
    const KIND: &'static str = "OperatingAgreement";
    const PLURAL: &'static str = "operating-agreements";
    const TITLE_ZH: &'static str = "授权运营协议";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交审议", &[Role::Authority], Duty::Apply, NOTHING),
        verb("approve", "审议通过", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("return", "退回修改", SIGNERS, Duty::Keep, NOTHING).with_reason(),
        verb("sign", "签署", SIGNERS, Duty::Keep, NOTHING),
        verb("file", "备案", &[Role::Authority], Duty::Keep, DIGEST),
        verb("amend", "以变更后的协议替代", &[Role::Authority], Duty::Decide, AMEND).with_reason(),
        verb("terminate", "终止", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("hand-over", "移交记录", &[Role::Operator], Duty::Keep, DIGEST),
        verb("destroy", "销毁留存数据", &[Role::Operator], Duty::Keep, DIGEST),
        verb("archive", "归档", &[Role::Authority], Duty::Keep, NOTHING),
    ];
    const OPENED_BY: &'static [Role] = &[Role::Authority];
    const SCHEMA: &'static str = include_str!("schema/operating-agreement.json");

    type State = State;
    type Command = Command;

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        Some(Self { name: id.clone(), terms: spec::read(spec, scope)? })
    }

    fn command(verb: &str, body: &Place<'_>, scope: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "approve" => nothing(body, Command::Approve),
            "return" => nothing(body, Command::Return),
            "sign" => nothing(body, Command::Sign),
            "file" => digest(body).map(Command::File),
            "amend" => {
                let place = body.section(&[&["agreement"]])?.required("agreement")?;
                let (name, other) = scope.find::<operating::OperatingAgreement>(&place)?;
                Some(Command::Amend(Box::new((name.clone(), other.clone()))))
            }
            "terminate" => nothing(body, Command::Terminate),
            "hand-over" | "destroy" => close(verb, body).map(Command::Close),
            _ => nothing(body, Command::Archive),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        self.check(act)?;
        Ok(State {
            stage: Stage::Draft,
            signed: BTreeMap::new(),
            filed: None,
            ended: None,
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
        use Stage::{Archived, Deliberation, Draft, Expired, InForce, Returned, Signing, Terminated};
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Draft | Returned, Command::Submit) => {
                self.check(act)?;
                next.signed.clear();
                Deliberation
            }
            (Deliberation, Command::Approve) => Signing,
            (Deliberation, Command::Return) if person(act)?.role == Role::Authority => Returned,
            (Signing, Command::Return) => asked(act, &self.terms.parties).map(|_| Returned)?,
            (Signing, Command::Sign) => {
                let party = Name(asked(act, &self.terms.parties)?);
                if next.signed.contains_key(&party) {
                    return Err(Code::C1007.into());
                }
                next.signed.insert(party, At(act.at));
                let all = self.terms.parties.iter().all(|one| next.signed.contains_key(&Name(one.clone())));
                if all { InForce } else { Signing }
            }
            (InForce, Command::File(digest)) if next.filed.is_none() => {
                next.filed = Some(digest);
                InForce
            }
            (InForce, Command::Amend(other)) => self.amended_by(&other)?,
            (InForce, Command::Terminate) => Self::end(&mut next, act, Terminated),
            (InForce, Command::Expire) => Self::end(&mut next, act, Expired),
            (from @ (Terminated | Expired), Command::Close(done)) => {
                asked(act, &BTreeSet::from([self.terms.operator.clone()]))?;
                next.closing.record(done)?;
                from
            }
            (Terminated | Expired, Command::Archive) => next.closing.complete().map(|()| Archived)?,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, _: &Jurisdiction, calendar: &Calendar) -> Vec<Deadline> {
        if state.stage == Stage::InForce {
            return vec![fixed("term", self.terms.window.until())];
        }
        let ended = state.ended.filter(|_| matches!(state.stage, Stage::Terminated | Stage::Expired));
        let Some(At(ended)) = ended else { return Vec::new() };
        let ticket = |what, days, done: &Option<String>| {
            done.is_none().then(|| Deadline { what, due: calendar.due(ended, days) })
        };
        let Ending { hand_over, destroy } = self.terms.ending;
        let closing = &state.closing;
        let tickets = [
            ticket("hand-over", hand_over, &closing.handed_over),
            ticket("destruction", destroy, &closing.destroyed),
        ];
        tickets.into_iter().flatten().collect()
    }

    fn passed(&self, _: &State, what: &str) -> Option<Command> {
        (what == "term").then_some(Command::Expire)
    }

    fn trial(&self, verb: &str, _: &State, _: &Act<'_>) -> Option<Command> {
        match verb {
            "file" => Some(Command::File(any_digest())),
            "amend" => {
                let other = operating::OperatingAgreement {
                    authoriser: self.terms.authoriser.clone(),
                    operator: self.terms.operator.clone(),
                    extent: self.terms.extent.clone(),
                    window: self.terms.window,
                    in_force: true,
                    amends: Some(self.name.clone()),
                };
                let name = Id::new("another").expect("a name");
                Some(Command::Amend(Box::new((name, other))))
            }
            "hand-over" | "destroy" => Some(Command::Close(any_close(verb))),
            _ => None,
        }
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        let in_force = match state.stage {
            Stage::Draft | Stage::Deliberation | Stage::Signing | Stage::Returned => return Vec::new(),
            stage => stage == Stage::InForce,
        };
        let fields = [&["authoriser", "operator", "window", "amends"], EXTENT_FIELDS].concat();
        let spec = with(spec, &fields, [("inForce", in_force.into())]);
        vec![Declared { kind: operating::OperatingAgreement::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        self.terms.parties.iter().cloned().collect()
    }
}

const AMEND: &str = r#"{"type":"object","required":["agreement"],"additionalProperties":false,"properties":{"agreement":{"type":"string"}}}"#;

#[cfg(test)]
mod tests;
