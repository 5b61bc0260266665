//! From a call back: on what right, of which product, made of whose data, by whose decisions (来源可溯、责任可究).

use serde_json::Value;
use shuzha_core::{Code, Id, RequestId, Timestamp};
use shuzha_evidence::{Call, Entry};
use shuzha_store::register::ActFilter;
use shuzha_store::traces::Edition;

use super::{Evidence, Sight, fault};
use crate::force::json;
use crate::{Caller, Error, HistoryEntry, Kind};

/// Most acts on one object that are told: the latest before the call.
const ACTS_MAX: usize = 50;

/// What of an object's spec belongs into a trace.
const FACTS: [(&str, &[&str]); 9] = [
    ("ApplicationUnit", &["organisation"]),
    ("Grant", &["scenario", "agreement", "window"]),
    ("Agreement", &["parties", "window"]),
    ("Scenario", &["purpose", "window"]),
    ("Product", &["kind", "operator", "version"]),
    ("DataSet", &["provider", "sharedFrom", "sensitivity"]),
    ("Price", &["act", "window"]),
    ("PriceAct", &["number", "issuer"]),
    ("ExitReview", &["product"]),
];

/// A call and everything that it rests on.
#[derive(Clone, Debug)]
pub struct Trace {
    entry: Vec<u8>,
    /// The log's half-year, and the leaf in it.
    pub leaf: (String, u64),
    /// What its version of the product was made of; none while that is not written down.
    pub edition: Option<Edition>,
    /// Whether the caller sees price, credential and commitments too.
    pub whole: bool,
    /// From the unit to the data, in this order.
    pub steps: Vec<Step>,
}

/// One object on the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// What it is called.
    pub title: Option<String>,
    /// What of it matters here, as it stands now.
    pub facts: Vec<(&'static str, Value)>,
    /// Whether it was written after the call; none where it is not there any more.
    pub changed_since: Option<bool>,
    /// Acts on it up to the call, the first first; none told where the object is not the caller's to see.
    pub acts: Vec<HistoryEntry>,
    /// Whether acts were left out: not the caller's to see, or too many.
    pub withheld: bool,
}

impl Trace {
    /// The record of the call as it stands in the log, its salt with it: what a proof is of.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.entry
    }

    /// The record of the call.
    ///
    /// # Panics
    /// Never: it was read before.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        match Entry::decode(&self.entry) {
            Ok(Entry::Call(call)) => *call,
            _ => unreachable!("it was read as a call when it was found"),
        }
    }
}

impl Evidence {
    /// The trace of a call.
    ///
    /// # Errors
    /// C1104, C1106 without a role that sees any; C1730 where there is none that the caller sees; C1703 where the log cannot be
    /// read; of the register or the index.
    pub fn trace(&self, caller: &Caller, request: &RequestId) -> Result<Trace, Error> {
        let sight = self.sight(caller)?;
        let found = self.library.call(request).map_err(|error| fault(&error))?.ok_or(Code::C1730)?;
        let Ok(Entry::Call(call)) = Entry::decode(&found.entry) else { return Err(Code::C1730.into()) };
        let edition = self.parts.traces.edition(call.terms.product, call.terms.version)?;
        let seen = match &sight {
            Sight::Whole => true,
            Sight::OfUnits(units) => units.iter().any(|unit| unit.as_str() == call.terms.unit),
            Sight::OfProvider(provider) => edition.iter().any(|edition| {
                !call.sandbox && edition.data_sets.iter().any(|(_, by)| by == provider.as_str())
            }),
        };
        if !seen {
            return Err(Code::C1730.into());
        }
        let whole = !matches!(sight, Sight::OfProvider(_));
        let steps = self.steps(caller, &call, edition.as_ref(), whole)?;
        let leaf = (found.shard.to_string(), found.index);
        Ok(Trace { entry: found.entry, leaf, edition, whole, steps })
    }

    fn steps(
        &self,
        caller: &Caller,
        call: &Call<'_>,
        edition: Option<&Edition>,
        whole: bool,
    ) -> Result<Vec<Step>, Error> {
        let (terms, register) = (&call.terms, self.parts.control.register());
        let mut names: Vec<(&'static str, String)> = vec![
            ("ApplicationUnit", terms.unit.to_owned()),
            ("Grant", terms.grant.to_owned()),
            ("Agreement", terms.agreement.to_owned()),
            ("Scenario", terms.scenario.to_owned()),
            ("Product", terms.product.to_owned()),
        ];
        for kind in ["Registration", "ExitReview"] {
            let about = register.referrers_of(kind, "Product", terms.product)?;
            names.extend(about.into_iter().map(|name| (kind, name.to_string())));
        }
        let sets = edition.iter().flat_map(|edition| &edition.data_sets);
        names.extend(sets.map(|(set, _)| ("DataSet", set.clone())));
        if whole {
            names.push(("Price", terms.price.to_owned()));
        }
        let mut steps = Vec::new();
        for (kind, name) in names {
            let Ok(name) = Id::new(&name) else { continue };
            let step = self.step(caller, kind, name, call.received)?;
            let act = step.facts.iter().find(|(key, _)| kind == "Price" && *key == "act");
            let act = act.and_then(|(_, act)| Id::new(act.as_str()?).ok());
            steps.push(step);
            if let Some(act) = act {
                steps.push(self.step(caller, "PriceAct", act, call.received)?);
            }
        }
        Ok(steps)
    }

    fn step(&self, caller: &Caller, kind: &'static str, name: Id, at: Timestamp) -> Result<Step, Error> {
        let control = &self.parts.control;
        let mut step = Step {
            kind,
            name,
            title: None,
            facts: Vec::new(),
            changed_since: None,
            acts: Vec::new(),
            withheld: false,
        };
        let Some(object) = control.register().get(kind, step.name.as_str())? else { return Ok(step) };
        let spec = json(&object, &object.spec)?;
        let text = |key: &str| spec.get(key).and_then(Value::as_str).map(str::to_owned);
        step.title = text("title").or_else(|| text("name"));
        step.changed_since = Some(object.updated > at);
        let known = Kind::find(kind).ok_or(Code::C1003)?;
        if !control.sees(caller, known, &object)? {
            step.withheld = true;
            return Ok(step);
        }
        let keys = FACTS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, keys)| keys);
        let held = |key: &&'static str| Some((*key, spec.get(*key)?.clone()));
        step.facts = keys.iter().filter_map(held).collect();
        if kind == "Registration"
            && let Some(certificate) =
                control.published(&object)?.and_then(|public| public.registered.certificate)
        {
            let valid = certificate.from <= at && at < certificate.until;
            step.facts.push(("certificate", certificate.code.into()));
            step.facts.push(("validAtCall", valid.into()));
        }
        let filter = ActFilter {
            kind: Some(kind),
            name: Some(step.name.as_str()),
            // What was done in the same microsecond may have been before it.
            until: Some(Timestamp::from_micros(at.micros().saturating_add(1))),
            limit: ACTS_MAX + 1,
            ..ActFilter::default()
        };
        let page = control.page_of_acts(caller, &filter)?;
        step.withheld = page.next.is_some();
        step.acts = page.items.into_iter().rev().collect();
        Ok(step)
    }
}
