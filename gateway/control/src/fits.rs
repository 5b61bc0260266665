//! What stands in the register and would not be accepted under other rules (REQUIREMENTS L1): told before the rules change, so that
//! nobody learns it from a refused call.

use std::collections::BTreeSet;

use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_products::Window;
use shuzha_products::case::{Act, Actor, By, CaseKind, Refused, Subject};
use shuzha_products::jurisdiction::{Jurisdiction, ListingRule};
use shuzha_store::Register;
use shuzha_store::register::{Filter, Object};

use crate::force::{Force, in_force, json, waits};
use crate::{Error, Rules};

/// Objects that are read at once.
const AT_ONCE: usize = 500;
/// The name under which a case is tried; no account is called so.
const NOBODY: &str = "nobody";

/// Something that stands and would not be accepted under other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The kind.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// By which code it would be refused, or its calls.
    pub code: Code,
    /// Where, and why; empty where the code says all.
    pub reason: String,
    /// Whether calls are refused from the change on; otherwise it stays in force, and whoever applies anew is held to the new rules.
    pub stops: bool,
}

/// Everything in `register` that `other` refuses and `present` does not.
///
/// # Errors
/// Of the register.
pub fn misfits(
    register: &Register,
    now: Timestamp,
    present: &Rules,
    other: &Rules,
) -> Result<Vec<Misfit>, Error> {
    let mut found = Vec::new();
    for case in shuzha_products::case::KINDS {
        each(register, case.kind, |object| {
            if runs(object)? {
                found.extend(refused_anew(register, case, object, now, (present, other))?);
            }
            Ok(())
        })?;
    }
    let certified = other.jurisdiction.certificate_required && !present.jurisdiction.certificate_required;
    let listed = lists(&other.jurisdiction) && !lists(&present.jurisdiction);
    for (demanded, kind, code) in [(certified, "Certificate", Code::C202), (listed, "Listing", Code::C706)] {
        if demanded {
            let good = good(register, kind, now)?;
            each(register, "Product", |object| {
                if !waits(object.state.as_ref()) && !good.contains(object.name.as_str()) {
                    let (name, reason) = (object.name.clone(), String::new());
                    found.push(Misfit { kind: "Product", name, code, reason, stops: true });
                }
                Ok(())
            })?;
        }
    }
    Ok(found)
}

fn lists(rules: &Jurisdiction) -> bool {
    rules.exchange_listing == ListingRule::Required
}

/// Products that something of the kind is about which is good now.
fn good(register: &Register, kind: &'static str, now: Timestamp) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    Force::new(register).each(|held| {
        let window = held.spec.get("window").and_then(Window::of_spec);
        if held.kind == kind
            && window.is_some_and(|window| window.contains(now))
            && let Some(product) = held.spec.get("product").and_then(Value::as_str)
        {
            found.insert(product.to_owned());
        }
    })?;
    Ok(found)
}

/// Whether the case puts something in force that is not over.
fn runs(object: &Object) -> Result<bool, Error> {
    // An authorisation that has ended stays known, so that nothing points nowhere.
    let over = |spec: &Value| {
        ["approved", "signed", "inForce"].iter().any(|word| spec.get(*word) == Some(&Value::Bool(false)))
    };
    Ok(object.state.is_some() && in_force(object)?.iter().any(|held| !over(&held.spec)))
}

/// The case as if it were applied for now: what the other rules say against it and the present ones do not.
fn refused_anew(
    register: &Register,
    case: &'static CaseKind,
    object: &Object,
    now: Timestamp,
    (present, other): (&Rules, &Rules),
) -> Result<Vec<Misfit>, Error> {
    let spec = json(object, &object.spec)?;
    let (Some(role), Some(owner)) = (case.opened_by.first(), &object.owner) else { return Ok(Vec::new()) };
    let account = Id::new(NOBODY).expect("a name");
    let actor = Actor { account, organisation: owner.clone(), role: *role };
    let under = |rules: &Rules| -> Result<Option<Refused>, Error> {
        let act = Act {
            by: By::Person(&actor),
            at: now,
            reason: "",
            rules: &rules.jurisdiction,
            calendar: &rules.calendar,
            reasons: &(),
        };
        let (opened, _) = Force::new(register)
            .fetching(|fetch| case.open(&mut Subject { name: &object.name, spec: &spec, fetch }, &act))?;
        Ok(opened.err())
    };
    let Some(against) = under(other)? else { return Ok(Vec::new()) };
    if under(present)?.is_some_and(|known| known.code == against.code && known.faults == against.faults) {
        return Ok(Vec::new());
    }
    let reasons: Vec<String> =
        against.faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect();
    let (name, reason) = (object.name.clone(), reasons.join("; "));
    Ok(vec![Misfit { kind: case.kind, name, code: against.code, reason, stops: false }])
}

fn each(
    register: &Register,
    kind: &str,
    mut take: impl FnMut(&Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let filter = Filter { kind, after: after.as_ref(), limit: AT_ONCE, ..Filter::default() };
        let page = register.list(&filter)?;
        page.iter().try_for_each(&mut take)?;
        match page.last() {
            Some(object) if page.len() == AT_ONCE => after = Some(object.name.clone()),
            _ => return Ok(()),
        }
    }
}
