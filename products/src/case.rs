//! Cases (办件): a spec that its applicant writes, and a state that only named persons' acts change.
//!
//! A kind of case is one file below `case/`: its spec, its state, its verbs, and [`Case::decide`], a pure function. Who
//! may use a verb at all, and that applicant, reviewer and approver are different persons, is checked outside, by what
//! [`Verb`] says; a machine checks only what needs its own state. What of a case is in force for calls is derived from
//! its state by [`Case::in_force`], so nothing has to be kept in step with it.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shuzha_core::calendar::{Calendar, Due};
use shuzha_core::{Code, Fault, Id, NanoCharge, Role, Timestamp};

use crate::jurisdiction::Jurisdiction;
use crate::world::Scope;
use crate::yaml::Place;

mod agreement;
mod emergency_plan;
mod exit_review;
mod grant;
mod kind;
#[cfg(test)]
mod matrix;
mod operating_agreement;
mod parts;
pub mod privacy_raise;
mod privacy_refund;
pub mod registration;
mod scenario;
mod social_import;
mod suspension;
mod ticket;

pub use kind::{CaseKind, Outcome, Subject};

/// Every kind of case.
pub const KINDS: &[CaseKind] = &[
    CaseKind::of::<registration::Registration>(),
    CaseKind::of::<scenario::Scenario>(),
    CaseKind::of::<agreement::Agreement>(),
    CaseKind::of::<grant::Grant>(),
    CaseKind::of::<operating_agreement::OperatingAgreement>(),
    CaseKind::of::<suspension::Suspension>(),
    CaseKind::of::<exit_review::ExitReview>(),
    CaseKind::of::<emergency_plan::EmergencyPlan>(),
    CaseKind::of::<social_import::SocialImport>(),
    CaseKind::of::<privacy_refund::PrivacyRefund>(),
    CaseKind::of::<privacy_raise::PrivacyRaise>(),
    CaseKind::of::<ticket::Ticket>(),
];

/// A named natural person (实名), acting in one role of one organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account: Id,
    /// The organisation the person acts for.
    pub organisation: Id,
    /// The role they act in.
    pub role: Role,
}

/// Who changes a case.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A person.
    Person(&'a Actor),
    /// Time: a deadline has passed.
    Clock,
    /// The node: it reports what became of what the case put in force.
    Node,
}

/// Reasons that were given when something was declared.
pub trait Reasons: std::fmt::Debug {
    /// Why a figure of an object stands above its ceiling: the words of the act that put it there; empty where there were none.
    fn above(&self, kind: &'static str, name: &Id, figure: &str, ceiling: NanoCharge) -> String;
}

/// None are known.
impl Reasons for () {
    fn above(&self, _: &'static str, _: &Id, _: &str, _: NanoCharge) -> String {
        String::new()
    }
}

/// The circumstances of one act.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who.
    pub by: By<'a>,
    /// When.
    pub at: Timestamp,
    /// Why; empty where the verb asks for no reason.
    pub reason: &'a str,
    /// The jurisdiction's rules.
    pub rules: &'a Jurisdiction,
    /// Working days.
    pub calendar: &'a Calendar,
    /// Reasons of earlier declarations.
    pub reasons: &'a dyn Reasons,
}

/// What an act is in the separation of duties: on one case, nobody does two of the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Writing, submitting, correcting: for the applicant's organisation only.
    Apply,
    /// Checking and giving an opinion.
    Review,
    /// Deciding.
    Decide,
    /// Keeping: reports, objections, hand-overs; outside the separation.
    Keep,
}

/// Something that can be done to a case.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// As in `POST …:verb`.
    pub name: &'static str,
    /// For people.
    pub title_zh: &'static str,
    /// Who may.
    pub roles: &'static [Role],
    /// Which duty it belongs to.
    pub duty: Duty,
    /// Whether a reason must be given.
    pub reason: bool,
    /// JSON Schema of its body, beside `reason` and `attachments` that every verb takes.
    pub schema: &'static str,
    /// Whether it is open to whoever may know of the case ([`CaseKind::public`]), whatever they see of it.
    pub public: bool,
}

/// What a case claims for itself: no other case may claim the same at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What kind of thing.
    pub of: &'static str,
    /// The thing; no part holds a control character.
    pub key: Vec<String>,
    /// The field that claims it.
    pub path: &'static str,
    /// Why a case is refused that claims it as the second.
    pub code: Code,
}

/// An act that was refused; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The stable code.
    pub code: Code,
    /// Every fault found.
    pub faults: Vec<Fault>,
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self { code, faults: Vec::new() }
    }
}

/// By when something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Which: a word of the kind's own, `acceptance`.
    pub what: &'static str,
    /// When; provisional where the calendar is not loaded that far.
    pub due: Due,
}

/// An object that is in force because of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its kind in the world, `Certificate`.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// Its spec, as a world file would have it.
    pub spec: Value,
}

/// A kind of case.
pub(crate) trait Case: Sized + Send + Sync + 'static {
    /// The word after `kind:`.
    const KIND: &'static str;
    /// The word in addresses, `registrations`.
    const PLURAL: &'static str;
    /// For people.
    const TITLE_ZH: &'static str;
    /// Names of all states, the first being the one after [`Case::open`].
    const STATES: &'static [&'static str];
    /// Everything that can be done.
    const VERBS: &'static [Verb];
    /// Who may open one.
    const OPENED_BY: &'static [Role];
    /// JSON Schema of the spec.
    const SCHEMA: &'static str;

    /// The stored state. It derives serde itself: a mirror of every machine would be a second model to keep true.
    type State: Clone + Debug + PartialEq + Serialize + DeserializeOwned;
    /// One of the verbs, with what its body says.
    type Command: Debug;

    /// Reads the spec, reporting every fault.
    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self>;

    /// Reads the body of `verb`, reporting every fault. `verb` is one of [`Case::VERBS`].
    fn command(verb: &str, body: &Place<'_>, scope: &Scope<'_>) -> Option<Self::Command>;

    /// The state of a new case.
    ///
    /// # Errors
    /// A rule of the jurisdiction that the spec breaks.
    fn open(&self, act: &Act<'_>) -> Result<Self::State, Refused>;

    /// The name of a state.
    fn state_name(state: &Self::State) -> &'static str;

    /// Whether the spec may be replaced in this state (a draft, or one sent back).
    fn editable(state: &Self::State) -> bool;

    /// What an act does.
    ///
    /// # Errors
    /// Why it may not be done now; the state is as before.
    fn decide(
        &self,
        state: &Self::State,
        command: Self::Command,
        act: &Act<'_>,
    ) -> Result<Self::State, Refused>;

    /// What is due, and when, by rules and calendar; asked again when either changes. Nothing, where nothing is said.
    fn deadlines(&self, _: &Self::State, _: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        Vec::new()
    }

    /// What time itself does when deadline `what` passes; none where it only makes the case overdue.
    fn passed(&self, _: &Self::State, _: &str) -> Option<Self::Command> {
        None
    }

    /// What the node's report of the effect does: it was had, or refused with the code `refusal`. None where the case does
    /// not wait for one.
    fn reported(&self, _: &Self::State, _refusal: Option<Code>) -> Option<Self::Command> {
        None
    }

    /// The command of `verb`, with a body that is in order: by it is tried whether the verb is possible now. None where
    /// the body is empty.
    fn trial(&self, _verb: &str, _: &Self::State, _: &Act<'_>) -> Option<Self::Command> {
        None
    }

    /// What the case claims in state `state`, beside what it puts in force.
    fn claims(&self, _spec: &Value, _: &Self::State) -> Vec<Claim> {
        Vec::new()
    }

    /// Whether anyone may know of the case in this state (公示, 公开查询).
    fn public(_: &Self::State) -> bool {
        false
    }

    /// What of the case is in force in state `state`. `name` and `spec` are the case's; the spec was readable once, and
    /// is taken as it stands, so that nothing has to be fetched to know what a million cases put in force. Nothing is,
    /// where nothing is said.
    fn in_force(_name: &Id, _spec: &Value, _state: &Self::State) -> Vec<Declared> {
        Vec::new()
    }

    /// Organisations other than the applicant's that the case concerns.
    fn parties(&self) -> Vec<Id> {
        Vec::new()
    }
}
