//! Refunds of privacy charges as cases: applied for by whoever was charged, decided by the authority.
//!
//! Approval is the decision of the second person. Whether the call was charged at all, to this unit, and whether the refund
//! keeps to its limit, the gate finds in its journal when it makes the refund; what it found ends the case by an act of its
//! own, so that every start and every reader is told the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::{Code, Id, RequestId, Role};

use super::parts::{NOTHING, applies_for, nothing, stages, verb, with};
use super::{Act, Case, Declared, Duty, Refused, Verb};
use crate::data::DataSet;
use crate::parties::ApplicationUnit;
use crate::privacy_refund;
use crate::world::{Object, Scope};
use crate::yaml::Place;

stages! {
    Draft "draft";
    Submitted "submitted";
    Rejected "rejected";
    Approved "approved";
    Made "made";
    Refused "refused";
}

/// A refund applied for.
#[derive(Debug)]
pub(crate) struct PrivacyRefund {
    organisation: Id,
    /// Of the data set.
    provider: Id,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    /// Why the gate refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Approve,
    Reject,
    /// The gate gave the charge back.
    Make,
    /// The gate refused, with this code.
    Refuse(Code),
}

impl Case for PrivacyRefund {
    const KIND: &'static str = "PrivacyRefund";
    const PLURAL: &'static str = "privacy-refunds";
    const TITLE_ZH: &'static str = "隐私扣减退还";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::ApplicationUnit, Role::Operator], Duty::Apply, NOTHING),
        verb("approve", "批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("reject", "不予批准", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/privacy-refund.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "dataSet", "request", "cause"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let data_set = spec.required("dataSet").and_then(|place| {
            let (_, found) = scope.find::<DataSet>(&place)?;
            if found.privacy.is_none() { place.fail("has no privacy budget") } else { Some(found) }
        });
        spec.required("request").and_then(|place| place.parsed::<RequestId>());
        spec.required("cause").and_then(|place| place.text());
        let (unit, data_set) = (unit?.1, data_set?);
        Some(Self { organisation: unit.organisation.clone(), provider: data_set.provider.clone() })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "approve" => nothing(body, Command::Approve),
            _ => nothing(body, Command::Reject),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        applies_for(act, &self.organisation)?;
        Ok(State { stage: Stage::Draft, refusal: None })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        state.stage == Stage::Draft
    }

    fn decide(&self, state: &State, command: Command, _: &Act<'_>) -> Result<State, Refused> {
        let (stage, refusal) = match (state.stage, command) {
            (Stage::Draft, Command::Submit) => (Stage::Submitted, None),
            (Stage::Submitted, Command::Approve) => (Stage::Approved, None),
            (Stage::Submitted, Command::Reject) => (Stage::Rejected, None),
            (Stage::Approved, Command::Make) => (Stage::Made, None),
            (Stage::Approved, Command::Refuse(code)) => (Stage::Refused, Some(code.to_string())),
            _ => return Err(Code::C1007.into()),
        };
        Ok(State { stage, refusal })
    }

    fn reported(&self, state: &State, refusal: Option<Code>) -> Option<Command> {
        let command = refusal.map_or(Command::Make, Command::Refuse);
        (state.stage == Stage::Approved).then_some(command)
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        if state.stage != Stage::Approved {
            return Vec::new();
        }
        let spec = with(spec, &["unit", "dataSet", "request"], []);
        vec![Declared { kind: privacy_refund::PrivacyRefund::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        vec![self.organisation.clone(), self.provider.clone()]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shuzha_core::Role;

    use crate::case::matrix::{Desk, person, shown};

    fn spec() -> Value {
        json!({"unit": "bank", "dataSet": "census", "request": "019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071",
            "cause": "统计服务当日停机"})
    }

    #[test]
    fn e6_the_matrix_of_states_and_verbs() {
        Desk::new("PrivacyRefund", spec()).matrix(
            Role::ApplicationUnit,
            &[
                ("draft", &[]),
                ("submitted", &["submit"]),
                ("rejected", &["submit", "reject"]),
                ("approved", &["submit", "approve"]),
                ("made", &["submit", "approve", "made"]),
                ("refused", &["submit", "approve", "refused"]),
            ],
            include_str!("testdata/privacy-refund.txt"),
        );
    }

    #[test]
    fn e6_only_what_was_approved_is_in_force() {
        let desk = Desk::new("PrivacyRefund", spec());
        assert!(desk.walk(Role::ApplicationUnit, &["submit"]).in_force.is_empty());
        let approved = desk.walk(Role::ApplicationUnit, &["submit", "approve"]);
        let wanted =
            json!({"unit": "bank", "dataSet": "census", "request": "019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071"});
        assert_eq!(approved.in_force[0].spec, wanted);
        let refused = desk.walk(Role::ApplicationUnit, &["submit", "approve", "refused"]);
        assert_eq!((refused.in_force, &refused.state["refusal"]), (Vec::new(), &json!("C1550")));
        assert!(desk.walk(Role::ApplicationUnit, &["submit", "approve", "made"]).in_force.is_empty());
        for (field, value) in [("request", json!("yesterday")), ("dataSet", json!("population"))] {
            let mut desk = Desk::new("PrivacyRefund", spec());
            desk.spec[field] = value;
            let refused = desk.open(&person(Role::ApplicationUnit)).expect_err(field);
            assert_eq!(shown(&refused).1, [format!("spec.{field}")]);
        }
    }
}
