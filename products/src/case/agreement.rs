//! Service agreements (应用服务协议) between operator and unit: parties, scenarios, term, revenue split. They stand inside the operator's own
//! authorisation, the operating agreement (Gansu-O 20, Heilongjiang 14, Qingtian 二(五)).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Id, Role, Timestamp};

use super::parts::{
    At, Close, Closing, DIGEST, NOTHING, Name, RECTIFY, ahead, any_close, applies_for, asked, close, fixed,
    nothing, person, rectify_by, refused, soon, stages, term, verb, with,
};
use super::{Act, Case, Deadline, Declared, Duty, Refused, Verb};
use crate::Window;
use crate::data::DataSet;
use crate::jurisdiction::Jurisdiction;
use crate::parties::{ApplicationUnit, Organisation};
use crate::product::Product;
use crate::rights::{self, SCENARIOS_MAX, Scenario};
use crate::world::{Object, Scope};
use crate::yaml::{Place, months_before};

/// Most parties of one agreement.
const PARTIES_MAX: usize = 32;
/// A split is in parts of ten thousand (万分比), so that it sums exactly.
const WHOLE: u32 = 10_000;
const SIGNERS: &[Role] = &[Role::Authority, Role::Operator, Role::Provider, Role::ApplicationUnit];

stages! {
    Draft "draft";
    Signing "signing";
    Returned "returned";
    InForce "in-force";
    Suspended "suspended";
    Terminated "terminated";
    Expired "expired";
    Archived "archived";
}

/// An agreement to be signed by all its parties.
#[derive(Debug)]
pub(crate) struct Agreement {
    organisation: Id,
    parties: BTreeSet<Id>,
    window: Window,
    /// Whether a reason is given for a term longer than the rules allow in principle.
    excepted: bool,
    /// Term of the agreement that this one renews.
    renews: Option<Window>,
    /// Who would share by contribution, and is no party.
    unsigned: BTreeSet<Id>,
    /// Whether parts go by contribution.
    by_contribution: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    stage: Stage,
    signed: BTreeMap<Name, At>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rectify_by: Option<At>,
    closing: Closing,
}

#[derive(Debug)]
pub(crate) enum Command {
    Submit,
    Sign,
    Return,
    Suspend(Timestamp),
    Resume,
    Terminate,
    Close(Close),
    Archive,
    Expire,
}

impl Agreement {
    fn check(&self, act: &Act<'_>) -> Result<(), Refused> {
        applies_for(act, &self.organisation)?;
        term(self.window, self.excepted, act)?;
        if let (Some(old), Some(months)) = (self.renews, act.rules.reapplication_months)
            && months_before(old.until(), months).is_none_or(|begin| act.at < begin)
        {
            let reason = format!("may be renewed in the last {months} months of its term");
            return Err(refused(Code::C1310, "spec.renews", &reason));
        }
        // Yantai 20: a share is agreed with whom it goes to.
        if let Some(provider) = self.unsigned.first() {
            let reason = format!("lacks `{provider}`, which shares by contribution and so signs");
            return Err(refused(Code::C1002, "spec.parties", &reason));
        }
        Ok(())
    }
}

impl Agreement {
    /// Who signs an agreement that is in force already: a provider that is no party, where parts go by contribution.
    fn joining(&self, act: &Act<'_>) -> Result<Name, Refused> {
        let actor = person(act)?;
        let may = self.by_contribution
            && actor.role == Role::Provider
            && !self.parties.contains(&actor.organisation);
        if may { Ok(Name(actor.organisation.clone())) } else { Err(Code::C1007.into()) }
    }
}

impl Case for Agreement {
    const KIND: &'static str = "Agreement";
    const PLURAL: &'static str = "agreements";
    const TITLE_ZH: &'static str = "应用服务协议";
    const STATES: &'static [&'static str] = Stage::NAMES;
    const VERBS: &'static [Verb] = &[
        verb("submit", "提交签署", &[Role::ApplicationUnit, Role::Operator], Duty::Apply, NOTHING),
        verb("sign", "签署", SIGNERS, Duty::Keep, NOTHING),
        verb("return", "退回修改", SIGNERS, Duty::Keep, NOTHING).with_reason(),
        verb("suspend", "暂时关闭", &[Role::Authority], Duty::Decide, RECTIFY).with_reason(),
        verb("resume", "恢复", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("terminate", "终止", &[Role::Authority], Duty::Decide, NOTHING).with_reason(),
        verb("hand-over", "移交记录", &[Role::ApplicationUnit, Role::Operator], Duty::Keep, DIGEST),
        verb("destroy", "销毁留存数据", &[Role::ApplicationUnit, Role::Operator], Duty::Keep, DIGEST),
        verb("archive", "归档", &[Role::Authority], Duty::Keep, NOTHING),
    ];
    const OPENED_BY: &'static [Role] = &[Role::ApplicationUnit, Role::Operator];
    const SCHEMA: &'static str = include_str!("schema/agreement.json");

    type State = State;
    type Command = Command;

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let what = &["unit", "scenarios", "window", "parties", "split"];
        let spec = spec.section(&[what, &["securityOfficer", "scope", "renews", "termReason"], SHARING])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let scenarios = spec.required("scenarios").and_then(|place| place.some_items(SCENARIOS_MAX));
        let pool = spec.optional("byContribution").and_then(|place| place.count(0..=WHOLE)).unwrap_or(0);
        let mut sources = Vec::new();
        for place in scenarios.into_iter().flatten() {
            let (Some((_, found)), Some((unit, _))) = (scope.find::<Scenario>(&place), unit) else {
                continue;
            };
            for need in found.needs.iter().filter(|_| pool > 0) {
                if let Some(product) = scope.named::<Product>(&place, &need.product) {
                    sources.extend(providers(&need.product, product, scope));
                }
            }
            if found.unit != *unit {
                place.fail::<()>(format!("belongs to unit `{}`", found.unit));
            }
        }
        let window = spec.required("window").and_then(|place| place.window());
        let parties = spec.required("parties").and_then(|place| read_parties(&place, scope));
        if let (Some(parties), Some((_, unit))) = (&parties, unit)
            && !parties.contains(&unit.organisation)
        {
            spec.required("parties")?.fail::<()>(format!("the unit's `{}` is missing", unit.organisation));
        }
        spec.required("split").and_then(|place| read_split(&place, parties.as_ref()?, pool));
        spec.optional("splitBase").and_then(|place| place.word(BASES));
        let by_fields = spec
            .optional("contributedFields")
            .and_then(|place| read_fields(&place, scope))
            .unwrap_or_default();
        spec.required("securityOfficer").and_then(|place| place.text());
        spec.required("scope").and_then(|place| place.text());
        let excepted = spec.optional("termReason").and_then(|place| place.text()).is_some();
        let renews = spec.optional("renews").and_then(|place| {
            let (_, old) = scope.find::<rights::Agreement>(&place)?;
            match unit {
                Some((unit, _)) if old.unit != *unit => place.fail("belongs to another unit"),
                _ => Some(old.window),
            }
        });
        let organisation = unit?.1.organisation.clone();
        let parties = parties?;
        // Where fields are counted, they say who contributed to a product.
        sources.retain(|(product, _)| by_fields.iter().all(|(counted, _)| counted != product));
        let sharing = sources.into_iter().chain(by_fields).map(|(_, party)| party);
        let unsigned = sharing.filter(|party| pool > 0 && !parties.contains(party)).collect();
        let by_contribution = pool > 0;
        Some(Self { organisation, parties, window: window?, excepted, renews, unsigned, by_contribution })
    }

    fn command(verb: &str, body: &Place<'_>, _: &Scope<'_>) -> Option<Command> {
        match verb {
            "submit" => nothing(body, Command::Submit),
            "sign" => nothing(body, Command::Sign),
            "return" => nothing(body, Command::Return),
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
            signed: BTreeMap::new(),
            rectify_by: None,
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
        use Stage::{Archived, Draft, Expired, InForce, Returned, Signing, Suspended, Terminated};
        let mut next = state.clone();
        next.stage = match (state.stage, command) {
            (Draft | Returned, Command::Submit) => {
                self.check(act)?;
                next.signed.clear();
                Signing
            }
            (Signing, Command::Sign) => {
                let party = Name(asked(act, &self.parties)?);
                // Signed is signed: the time of a signature stays.
                if next.signed.contains_key(&party) {
                    return Err(Code::C1007.into());
                }
                next.signed.insert(party, At(act.at));
                let all = self.parties.iter().all(|one| next.signed.contains_key(&Name(one.clone())));
                if all { InForce } else { Signing }
            }
            // 补签: a provider whose data came in later takes the parts that its contribution gives it, by a word of its own; the
            // parties agreed to them when they signed.
            (from @ (InForce | Suspended | Terminated | Expired), Command::Sign) => {
                let provider = self.joining(act)?;
                if next.signed.contains_key(&provider) {
                    return Err(Code::C1007.into());
                }
                next.signed.insert(provider, At(act.at));
                from
            }
            (Signing, Command::Return) => asked(act, &self.parties).map(|_| Returned)?,
            (InForce, Command::Suspend(by)) => {
                next.rectify_by = Some(ahead(by, act)?);
                Suspended
            }
            (Suspended, Command::Resume) => {
                next.rectify_by = None;
                InForce
            }
            (InForce | Suspended, Command::Terminate) => Terminated,
            (InForce | Suspended, Command::Expire) => Expired,
            (from @ (Terminated | Expired), Command::Close(act)) => {
                next.closing.record(act)?;
                from
            }
            (Terminated | Expired, Command::Archive) => next.closing.complete().map(|()| Archived)?,
            _ => return Err(Code::C1007.into()),
        };
        Ok(next)
    }

    fn deadlines(&self, state: &State, _: &Jurisdiction, _: &Calendar) -> Vec<Deadline> {
        let runs = matches!(state.stage, Stage::InForce | Stage::Suspended);
        let term = runs.then(|| fixed("term", self.window.until()));
        let rectification = state.rectify_by.filter(|_| state.stage == Stage::Suspended);
        term.into_iter().chain(rectification.map(|at| fixed("rectification", at.0))).collect()
    }

    fn passed(&self, _: &State, what: &str) -> Option<Command> {
        (what == "term").then_some(Command::Expire)
    }

    fn trial(&self, verb: &str, _: &State, act: &Act<'_>) -> Option<Command> {
        match verb {
            "suspend" => Some(Command::Suspend(soon(act))),
            "hand-over" | "destroy" => Some(Command::Close(any_close(verb))),
            _ => None,
        }
    }

    fn in_force(name: &Id, spec: &Value, state: &State) -> Vec<Declared> {
        let signed = match state.stage {
            Stage::Draft | Stage::Signing | Stage::Returned => return Vec::new(),
            stage => stage == Stage::InForce,
        };
        let spec = with(spec, &["unit", "window", "scenarios"], [("signed", signed.into())]);
        vec![Declared { kind: rights::Agreement::KIND, name: name.clone(), spec }]
    }

    fn parties(&self) -> Vec<Id> {
        self.parties.iter().cloned().collect()
    }
}

fn read_parties(place: &Place<'_>, scope: &Scope<'_>) -> Option<BTreeSet<Id>> {
    let items = place.some_items(PARTIES_MAX)?;
    let mut parties = BTreeSet::new();
    for item in &items {
        let Some((party, _)) = scope.find::<Organisation>(item) else { continue };
        if !parties.insert(party.clone()) {
            item.fail::<()>("is named twice");
        }
    }
    if items.len() < 2 {
        return place.fail("an agreement has at least two parties");
    }
    (parties.len() == items.len()).then_some(parties)
}

/// What may be said about sharing beside the parts.
const SHARING: &[&str] = &["byContribution", "splitBase", "contributedFields"];

/// Most fields of a product that one party provides, and most lines that say so.
const FIELDS_MAX: u32 = 10_000;
const FIELD_LINES_MAX: usize = 512;

/// Of what the parts are: the tax-inclusive amount, or what is left of it without tax.
const BASES: &[(&str, ())] = &[("gross", ()), ("net", ())];

/// The revenue split (收益分配; Gansu-O 20(七), REQUIREMENTS G2): each party's part of ten thousand, and the parts that go to
/// the providers by what their data contributed.
pub(super) fn read_split(place: &Place<'_>, parties: &BTreeSet<Id>, by_contribution: u32) -> Option<()> {
    let mut sum = by_contribution;
    let mut seen = BTreeSet::new();
    for item in place.some_items(PARTIES_MAX)? {
        let section = item.section(&[&["party", "parts"]])?;
        let party = section.required("party").and_then(|place| {
            let party = place.id()?;
            if parties.contains(&party) { Some(party) } else { place.fail("is no party of the agreement") }
        });
        let parts = section.required("parts").and_then(|place| place.count(0..=WHOLE));
        sum = sum.saturating_add(parts?);
        if !seen.insert(party?) {
            item.fail::<()>("repeats a party");
        }
    }
    if sum == WHOLE { Some(()) } else { place.fail(format!("sums to {sum}, not to {WHOLE}")) }
}

/// A product and who provides some of its data.
type Source = (Id, Id);

/// Who provides the data of a product.
fn providers(name: &Id, product: &Product, scope: &Scope<'_>) -> Vec<Source> {
    let sets = product.data_sets.iter().filter_map(|set| DataSet::table(scope.world()).get(set));
    sets.map(|set| (name.clone(), set.provider.clone())).collect()
}

/// Where contribution is counted in fields and not in records (按字段贡献): how many fields of a product each party provides.
fn read_fields(place: &Place<'_>, scope: &Scope<'_>) -> Option<Vec<Source>> {
    let mut seen = BTreeSet::new();
    for item in place.some_items(FIELD_LINES_MAX)? {
        let section = item.section(&[&["product", "party", "fields"]])?;
        let product = section.required("product").and_then(|place| scope.find::<Product>(&place));
        let party = section.required("party").and_then(|place| scope.find::<Organisation>(&place));
        section.required("fields").and_then(|place| place.count(1..=FIELDS_MAX));
        if !seen.insert((product?.0.clone(), party?.0.clone())) {
            item.fail::<()>("repeats a product and a party");
        }
    }
    Some(seen.into_iter().collect())
}

#[cfg(test)]
mod tests;
