//! Registration of data products and resources (登记; REQUIREMENTS B1–B7, Gansu-R 6–44).
//!
//! One case is one registration for all its life. At first it is applied for; once it is certified, changes, corrections,
//! renewals and its cancellation are applied for in the same case and go the same way: 申请 → 受理 → 审查 → (公示) → done. What
//! was certified stays in force meanwhile. New content travels in the command, not in the spec, so that what the register
//! shows changes only when it is approved.

use serde_json::{Value, json};
use shuzha_core::calendar::{Calendar, Due};
use shuzha_core::{Id, Role, Timestamp};

use super::parts::verb;
use super::{Act, Case, Claim, Deadline, Declared, Duty, Refused, Verb};
use crate::jurisdiction::Jurisdiction;
use crate::world::Scope;
use crate::yaml::Place;

mod claims;
mod code;
mod command;
mod decide;
mod public;
mod spec;
mod state;
mod term;

pub use code::registration_of;
use command::Command;
pub use public::{PUBLIC_STATES, Public, PublicCertificate, Publicised, STANDINGS, public};
use spec::Content;
use state::{Matter, Standing, State, Step};

/// An application for registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    name: Id,
    content: Content,
}

const REGISTRANT: &[Role] = &[Role::Operator, Role::Provider];
const REGISTRAR: &[Role] = &[Role::Registrar];
/// Natural persons, legal entities and others (Gansu-R 31), as far as they have an account; the registrar decides.
const ANYBODY: &[Role] = &[
    Role::Authority,
    Role::Provider,
    Role::Operator,
    Role::Expert,
    Role::ApplicationUnit,
    Role::Pricing,
    Role::Finance,
    Role::Auditor,
    Role::DataSubject,
    Role::Sre,
];

const VERBS: &[Verb] = &[
    verb("submit", "提交申请", REGISTRANT, Duty::Apply, command::SUBMIT),
    verb("withdraw", "撤回申请", REGISTRANT, Duty::Apply, command::NOTHING).with_reason(),
    verb("accept", "受理", REGISTRAR, Duty::Review, command::NOTHING),
    verb("return", "一次性告知补正", REGISTRAR, Duty::Review, command::RETURN),
    verb("refuse", "不予受理", REGISTRAR, Duty::Review, command::NOTHING).with_reason(),
    verb("review", "审查", REGISTRAR, Duty::Review, command::REVIEW).with_reason(),
    verb("approve", "审查通过", REGISTRAR, Duty::Decide, command::NOTHING),
    verb("reject", "不予登记", REGISTRAR, Duty::Decide, command::REJECT).with_reason(),
    verb("object", "提出异议", ANYBODY, Duty::Keep, command::OBJECT).with_reason().to_the_public(),
    verb("resolve-objection", "处理异议", REGISTRAR, Duty::Decide, command::RESOLVE).with_reason(),
    verb("change", "申请变更登记", REGISTRANT, Duty::Apply, command::CHANGE).with_reason(),
    verb("correct", "申请更正登记", ANYBODY, Duty::Keep, command::CORRECT).with_reason(),
    verb("renew", "申请续展", REGISTRANT, Duty::Apply, command::NOTHING),
    verb("cancel", "申请注销登记", REGISTRANT, Duty::Apply, command::CANCEL).with_reason(),
    verb("suspend", "暂停凭证", &[Role::Registrar, Role::Authority], Duty::Decide, command::NOTHING)
        .with_reason(),
    verb("resume", "恢复凭证", &[Role::Registrar, Role::Authority], Duty::Decide, command::NOTHING)
        .with_reason(),
    verb("revoke", "撤销登记", REGISTRAR, Duty::Decide, command::REVOKE).with_reason(),
];

impl Case for Registration {
    const KIND: &'static str = "Registration";
    const PLURAL: &'static str = "registrations";
    const TITLE_ZH: &'static str = "登记";
    const STATES: &'static [&'static str] = &[
        "draft",
        "submitted",
        "returned",
        "accepted",
        "in-review",
        "publicity",
        "certified",
        "changing",
        "correcting",
        "renewing",
        "cancelling",
        "suspended",
        "objected",
        "withdrawn",
        "refused",
        "rejected",
        "cancelled",
        "expired",
        "revoked",
    ];
    const VERBS: &'static [Verb] = VERBS;
    const OPENED_BY: &'static [Role] = REGISTRANT;
    const SCHEMA: &'static str = include_str!("registration/spec.schema.json");

    type State = State;
    type Command = Command;

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        Some(Self { name: id.clone(), content: spec::read(spec, scope)? })
    }

    fn command(verb: &str, body: &Place<'_>, scope: &Scope<'_>) -> Option<Command> {
        command::read(verb, body, scope)
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        decide::permitted(&self.content, act)?;
        Ok(State::new(act.at))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    /// Once submitted, new content comes with `submit`: replacing the spec would open the case anew and forget that the
    /// one notice was given.
    fn editable(state: &State) -> bool {
        state.step() == Some(Step::Draft)
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        decide::decide(self, state, command, act)
    }

    fn deadlines(&self, state: &State, rules: &Jurisdiction, calendar: &Calendar) -> Vec<Deadline> {
        let mut list = Vec::new();
        let mut add = |what, from: Option<i64>, days: Option<u16>| {
            if let (Some(from), Some(days)) = (from, days) {
                list.push(Deadline { what, due: calendar.due(Timestamp::from_micros(from), days) });
            }
        };
        if let Some(procedure) = &state.procedure {
            let rules = &rules.registration;
            match (procedure.step, procedure.matter) {
                (Step::Draft | Step::Returned, _) => {}
                (Step::Submitted, _) => add("acceptance", Some(procedure.since), rules.acceptance),
                (Step::Accepted | Step::InReview, Matter::Cancellation) => {
                    add("cancellation", procedure.accepted, rules.cancellation);
                }
                (Step::Accepted | Step::InReview, _) => add("review", procedure.accepted, rules.review),
                (Step::Publicity, _) => add("publicity", Some(procedure.since), rules.publicity),
            }
        }
        if let Some(certificate) = state.certificate.as_ref().filter(|_| state.registered()) {
            let mut on = |what, at| list.push(Deadline { what, due: Due { at, provisional: false } });
            // A reminder: renewal is possible from here, and nothing happens by itself.
            let unrenewed = state.authorised_until.is_none_or(|authorised| authorised > certificate.until);
            if unrenewed && !decide::handles(state, Matter::Renewal) {
                decide::renewable_from(certificate.until, rules).into_iter().for_each(|at| on("renewal", at));
            }
            on("expiry", Timestamp::from_micros(certificate.until));
        }
        list
    }

    fn passed(&self, state: &State, what: &str) -> Option<Command> {
        match what {
            "publicity" if state.step() == Some(Step::Publicity) && !state.objected() => {
                Some(Command::Certify)
            }
            // Whoever asked in time does not lose the registration because the answer is late.
            "expiry" if state.registered() && !decide::handles(state, Matter::Renewal) => {
                Some(Command::Expire)
            }
            _ => None,
        }
    }

    fn trial(&self, verb: &str, state: &State, act: &Act<'_>) -> Option<Command> {
        command::trial(verb, self, state, act.at)
    }

    fn claims(&self, spec: &Value, state: &State) -> Vec<Claim> {
        claims::claims(&self.content, spec, state)
    }

    fn public(state: &State) -> bool {
        state.registered() || state.step() == Some(Step::Publicity)
    }

    fn in_force(name: &Id, _: &Value, state: &State) -> Vec<Declared> {
        // An objection marks a registration and does not stop it (Gansu-R 33); a suspension does.
        let Some(certificate) = state.certificate.as_ref().filter(|_| state.standing == Standing::Certified)
        else {
            return Vec::new();
        };
        // A registered data resource has a certificate, but only products are called.
        let Some(product) = &certificate.product else { return Vec::new() };
        let written = |at| term::written(Timestamp::from_micros(at));
        let window = json!({"from": written(certificate.from), "until": written(certificate.until)});
        let spec = json!({"product": product, "code": certificate.code, "window": window});
        vec![Declared { kind: "Certificate", name: name.clone(), spec }]
    }
}

#[cfg(test)]
mod tests;
