//! Exit reviews (出域审查; Gansu-O 26, Qingtian 三(三), Heilongjiang 5(五), 22, Qingdao 35) as cases: a product is passed as it
//! was when it was submitted, the services behind it included, and not otherwise.

mod shared;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::{Code, Id, Measure, NanoCharge, Role};

use super::parts::{At, NOTHING, Name, asked, nothing, person, refused, stages, verb};
use super::{Act, By, Case, Declared, Duty, Refused, Verb};
use crate::data::{DataSet, PersonSpace, odds};
use crate::exit_review::{self, Reviewable};
use crate::jurisdiction::Reviewer;
use crate::product::Product;
use crate::world::{Object, Scope};
use crate::yaml::Place;
use shared::SharedBudget;

/// The term of a review of before reviews bound services, whose service was declared anew since it passed: it ends by itself.
const BINDING: &str = "binding";

stages! {
    Draft "draft";
    Review "review";
    Passed "passed";
    Failed "failed";
}

/// A product to be reviewed.
#[derive(Debug)]
pub(crate) struct ExitReview {
    now: Reviewable,
    operator: Id,
    providers: BTreeSet<Id>,
    /// Figures of privacy budgets behind it.
    budgets: Vec<Budget>,
    /// Of statistics and noised tables.
    shared: Option<SharedBudget>,
}

/// A figure of a privacy budget.
#[derive(Debug)]
struct Budget {
    data_set: Id,
    space: Id,
    figure: Figure,
    is: NanoCharge,
    /// What the person-space counts in.
    measure: Measure,
}

/// A figure that has a ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    PerQuery,
    SpaceCap,
}

/// A figure above its ceiling, for whoever reviews.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Warning {
    data_set: Name,
    /// `perQueryMax`, or `cap` of the person-space.
    field: String,
    figure: String,
    ceiling: String,
    /// What the figure means: e^ε to one.
    odds: String,
    /// Why it is above the ceiling, as was said when it was declared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

/// What one reviewer found; the words are the act's reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opinion {
    by: Name,
    role: String,
    at: At,
    findings: Findings,
}

/// The three questions (Gansu-O 26): each must be answered with yes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Findings {
    /// 不带有原始数据.
    no_raw_data: bool,
    /// 不能经可逆模型或算法还原出原始数据.
    not_reversible: bool,
    /// 无数据关联汇聚风险.
    no_joining_risk: bool,
}

impl Findings {
    const fn favourable(self) -> bool {
        self.no_raw_data && self.not_reversible && self.no_joining_risk
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    /// Of the product as submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Privacy budgets above the ceilings of the rules, as they stood at the last act.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
    /// The budget that its answers share with all other statistics over these people, as it stood at the last act.
    #[serde(default, rename = "sharedBudget", skip_serializing_if = "Option::is_none")]
    shared_budget: Option<SharedBudget>,
    opinions: Vec<Opinion>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Opine(Findings),
    Pass(Findings),
    Fail,
}

impl Case for ExitReview {
    const KIND: &'static str = "ExitReview";
    const PLURAL: &'static str = "exit-reviews";
    const TITLE_ZH: &'static str = "出域审查";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交", &[Role::Operator], Duty::Apply, NOTHING),
        verb(
            "opine",
            "出具审查意见",
            &[Role::Expert, Role::Operator, Role::Provider, Role::Authority],
            Duty::Review,
            FINDINGS,
        )
        .with_reason(),
        verb("pass", "通过", &[Role::Authority], Duty::Decide, FINDINGS).with_reason(),
        verb("fail", "不通过", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
    ];
    const OPENED_BY: &'static [Role] = &[Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/exit-review.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["product", "evidence"]])?;
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        spec.required("evidence").and_then(|place| place.text());
        let (_, product) = product?;
        let named = |set: &'_ Id| Some((set.clone(), DataSet::table(scope.world()).get(set)?));
        let sets: Vec<_> = product.data_sets.iter().filter_map(named).collect();
        let mut budgets = Vec::new();
        for (name, set) in &sets {
            let Some(terms) = &set.privacy else { continue };
            let measure = terms.domain.measure();
            let budget = |figure, is| {
                let (data_set, space) = (name.clone(), terms.person_space.clone());
                Budget { data_set, space, figure, is, measure }
            };
            budgets.push(budget(Figure::PerQuery, terms.per_query_max));
            let space = PersonSpace::table(scope.world()).get(&terms.person_space);
            budgets.extend(space.map(|space| budget(Figure::SpaceCap, space.cap)));
        }
        let shared = SharedBudget::of(product, &sets, scope);
        let providers = sets.iter().map(|(_, set)| set.provider.clone()).collect();
        Some(Self { now: product.reviewable, operator: product.operator.clone(), providers, budgets, shared })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "opine" => findings(body).map(Command::Opine),
            "pass" => findings(body).map(Command::Pass),
            _ => nothing(body, Command::Fail),
        }
    }

    fn open(&self, act: &Act<'_>) -> Result<State, Refused> {
        if person(act)?.organisation != self.operator {
            return Err(refused(Code::C1313, "spec.product", "belongs to another operator"));
        }
        Ok(State {
            stage: Stage::Draft,
            digest: None,
            warnings: Vec::new(),
            shared_budget: None,
            opinions: Vec::new(),
        })
    }

    fn state_name(state: &State) -> &'static str {
        state.stage.as_str()
    }

    fn editable(state: &State) -> bool {
        state.stage == Stage::Draft
    }

    fn decide(&self, state: &State, command: Command, act: &Act<'_>) -> Result<State, Refused> {
        let mut next = state.clone();
        // Figures that were declared since stand before whoever acts next.
        next.warnings = self.warnings(act);
        next.shared_budget.clone_from(&self.shared);
        next.stage = match (state.stage, command) {
            (Stage::Draft, Command::Submit) => {
                next.digest = Some(self.now.digest.to_string());
                Stage::Review
            }
            (Stage::Review, Command::Opine(findings)) => {
                let actor = person(act)?;
                if actor.role == Role::Provider {
                    asked(act, &self.providers)?;
                }
                let (by, role) = (Name(actor.account.clone()), actor.role.as_str().to_owned());
                if next.opinions.iter().any(|opinion| opinion.by == by) {
                    return Err(Code::C1007.into());
                }
                next.opinions.push(Opinion { by, role, at: At(act.at), findings });
                Stage::Review
            }
            (Stage::Review, Command::Pass(findings)) => self.pass(state, findings, act)?,
            (Stage::Review, Command::Fail) => Stage::Failed,
            (Stage::Passed, Command::Fail) if matches!(act.by, By::Clock) => Stage::Failed,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn trial(&self, verb: &str, _: &State, _: &Act<'_>) -> Option<Command> {
        let findings = Findings { no_raw_data: true, not_reversible: true, no_joining_risk: true };
        match verb {
            "opine" => Some(Command::Opine(findings)),
            "pass" => Some(Command::Pass(findings)),
            _ => None,
        }
    }

    fn passed(&self, state: &State, what: &str) -> Option<Command> {
        (what == BINDING && state.stage == Stage::Passed).then_some(Command::Fail)
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        let (Stage::Passed, Some(product), Some(digest)) = (state.stage, spec.get("product"), &state.digest)
        else {
            return Vec::new();
        };
        let spec = serde_json::json!({ "product": product, "digest": digest });
        vec![Declared { kind: exit_review::ExitReview::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        self.providers.iter().cloned().collect()
    }
}

impl ExitReview {
    /// Privacy budgets above the ceilings of the rules.
    fn warnings(&self, act: &Act<'_>) -> Vec<Warning> {
        let rules = &act.rules.privacy;
        let above = self.budgets.iter().filter_map(|budget| {
            let Budget { data_set, space, figure, is, measure } = budget;
            let (field, ceiling, declared) = match figure {
                Figure::PerQuery => {
                    ("perQueryMax", rules.per_query_max, (DataSet::KIND, data_set, "/privacy/perQueryMax"))
                }
                Figure::SpaceCap => ("cap", rules.space_year_max, (PersonSpace::KIND, space, "/cap")),
            };
            let (kind, name, at) = declared;
            (*is > ceiling).then(|| Warning {
                data_set: Name(data_set.clone()),
                field: field.to_owned(),
                figure: is.to_string(),
                ceiling: ceiling.to_string(),
                odds: odds(*measure, *is),
                reason: act.reasons.above(kind, name, at, ceiling),
            })
        });
        above.collect()
    }

    /// Passes only what was submitted, on favourable findings of whoever decides, of everyone who gave an opinion, and of
    /// every kind of reviewer that the jurisdiction names.
    fn pass(&self, state: &State, findings: Findings, act: &Act<'_>) -> Result<Stage, Refused> {
        let submitted = state.digest.as_deref().and_then(|text| text.parse().ok());
        if !submitted.is_some_and(|submitted| self.now.is(&submitted)) {
            return Err(Code::C1403.into());
        }
        if !findings.favourable() || !state.opinions.iter().all(|opinion| opinion.findings.favourable()) {
            return Err(refused(Code::C1404, "", "a finding is unfavourable"));
        }
        for reviewer in &act.rules.exit_review_by {
            let role = match reviewer {
                // Whoever passes it is of the authority.
                Reviewer::Authority | Reviewer::ImplementingBody => continue,
                Reviewer::Operator => Role::Operator,
                Reviewer::Provider => Role::Provider,
            };
            if !state.opinions.iter().any(|opinion| opinion.role == role.as_str()) {
                return Err(refused(Code::C1404, "", &format!("the opinion of role {role} is missing")));
            }
        }
        Ok(Stage::Passed)
    }
}

fn findings(body: &Place<'_>) -> Option<Findings> {
    let body = body.section(&[&["noRawData", "notReversible", "noJoiningRisk"]])?;
    let answer = |field| body.required(field).and_then(|place| place.boolean());
    let (raw, reversible, joining) = (answer("noRawData"), answer("notReversible"), answer("noJoiningRisk"));
    Some(Findings { no_raw_data: raw?, not_reversible: reversible?, no_joining_risk: joining? })
}

const FINDINGS: &str = r#"{"type":"object","required":["noRawData","notReversible","noJoiningRisk"],"additionalProperties":false,"properties":{"noRawData":{"type":"boolean"},"notReversible":{"type":"boolean"},"noJoiningRisk":{"type":"boolean"}}}"#;

#[cfg(test)]
mod tests;
