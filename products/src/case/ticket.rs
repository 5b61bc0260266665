//! Tickets (数据质量反馈与异议): from whoever uses a product to the provider of its data, tracked to an answer (Yantai 11,
//! Gansu-O 24, Heilongjiang 19, Qingtian 三(四); REQUIREMENTS K2). No regulation sets a term in days.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Id, Role};

use super::parts::{At, NOTHING, asked, nothing, person, stages, verb};
use super::{Act, Case, Duty, Refused, Verb};
use crate::data::DataSet;
use crate::product::Product;
use crate::world::Scope;
use crate::yaml::Place;

/// Most answers and objections of one ticket, so that a quarrel ends with the authority.
const ROUNDS_MAX: usize = 20;
const USERS: &[Role] = &[Role::ApplicationUnit, Role::Operator];

stages! {
    Open "open";
    Answered "answered";
    Objected "objected";
    Closed "closed";
}

/// A ticket about the data behind a product.
#[derive(Debug)]
pub(crate) struct Ticket {
    provider: BTreeSet<Id>,
}

/// What the provider says; the words are the act's reason.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Corrected,
    WillCorrect,
    NoFault,
}

const VERDICTS: &[(&str, Verdict)] = &[
    ("corrected", Verdict::Corrected),
    ("will-correct", Verdict::WillCorrect),
    ("no-fault", Verdict::NoFault),
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    at: At,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    answers: Vec<Answer>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Answer(Verdict),
    Object,
    Close,
    Rule,
}

impl Case for Ticket {
    const KIND: &'static str = "Ticket";
    const PLURAL: &'static str = "tickets";
    const TITLE_ZH: &'static str = "数据质量反馈";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("answer", "答复", &[Role::Provider], Duty::Keep, VERDICT).with_reason(),
        verb("object", "提出异议", USERS, Duty::Keep, NOTHING).with_reason(),
        verb("close", "办结", USERS, Duty::Keep, NOTHING),
        verb("rule", "裁定", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = USERS;
    const SCHEMA: &'static str = include_str!("schema/ticket.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["product", "dataSet", "title", "description", "evidence"]])?;
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let set = spec.required("dataSet").and_then(|place| {
            let (id, set) = scope.find::<DataSet>(&place)?;
            match product {
                Some((product, found)) if !found.data_sets.contains(id) => {
                    place.fail(format!("product `{product}` is not made of it"))
                }
                _ => Some(set),
            }
        });
        spec.required("title").and_then(|place| place.text());
        spec.required("description").and_then(|place| place.text());
        spec.optional("evidence").and_then(|place| place.parsed::<crate::exit_review::Digest>());
        product?;
        Some(Self { provider: BTreeSet::from([set?.provider.clone()]) })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "answer" => {
                let verdict = body.section(&[&["verdict"]])?.required("verdict")?.word(VERDICTS)?;
                Some(Command::Answer(verdict))
            }
            "object" => nothing(body, Command::Object),
            "close" => nothing(body, Command::Close),
            _ => nothing(body, Command::Rule),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        person(act)?;
        Ok(State { stage: Stage::Open, answers: Vec::new() })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(_: &State) -> bool {
        false
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Stage::Open | Stage::Objected, Command::Answer(verdict)) => {
                asked(act, &self.provider)?;
                next.answers.push(Answer { at: At(act.at), verdict });
                Stage::Answered
            }
            (Stage::Answered, Command::Object) if state.answers.len() < ROUNDS_MAX => Stage::Objected,
            (Stage::Open | Stage::Answered, Command::Close) => Stage::Closed,
            (Stage::Objected, Command::Rule) => Stage::Closed,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn trial(&self, verb: &str, _: &State, _: &Act<'_>) -> Option<Command> {
        (verb == "answer").then_some(Command::Answer(Verdict::NoFault))
    }

    fn parties(&self) -> Vec<Id> {
        self.provider.iter().cloned().collect()
    }
}

const VERDICT: &str = r#"{"type":"object","required":["verdict"],"additionalProperties":false,"properties":{"verdict":{"enum":["corrected","will-correct","no-fault"]}}}"#;

#[cfg(test)]
mod tests;
