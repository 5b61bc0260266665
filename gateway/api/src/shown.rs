//! The shapes of what is answered: views of the control plane as JSON.

use serde_json::{Value, json};
use shuzha_control::{Attachment, Caller, Consequences, Control, HistoryEntry, ObjectView, Outcome};
use shuzha_products::world::API_VERSION;
use shuzha_store::register::{Account, Deadline, Notice, Reference, Token};

use crate::fields::hex;
use crate::parameters::instant_text;
use crate::problem::Problem;

/// An object in its envelope.
///
/// # Errors
/// Of the register.
pub(crate) fn object(control: &Control, view: &ObjectView, caller: &Caller) -> Result<Value, Problem> {
    let mut shown = json!({
        "apiVersion": API_VERSION,
        "kind": view.kind,
        "metadata": {
            "name": view.name.as_str(),
            "version": view.version,
            "owner": view.owner.as_ref().map(|owner| owner.as_str()),
            "created": instant_text(view.created),
            "updated": instant_text(view.updated),
        },
        "spec": view.spec,
    });
    if let Some((name, details)) = &view.state {
        shown["status"] = json!({
            "state": name,
            "since": instant_text(view.updated),
            "details": details,
            "deadlines": view.deadlines.iter().map(deadline).collect::<Vec<_>>(),
            "verbs": control.verbs(caller, view)?,
        });
    }
    Ok(shown)
}

/// A deadline of a case that is named around it.
pub(crate) fn deadline(deadline: &Deadline) -> Value {
    json!({
        "what": deadline.what,
        "at": instant_text(deadline.at),
        "provisional": deadline.provisional,
        "passed": deadline.passed,
    })
}

/// A deadline that stands alone.
pub(crate) fn deadline_of(due: &Deadline) -> Value {
    let mut shown = deadline(due);
    shown["object"] = json!({"kind": due.kind, "name": due.name.as_str()});
    shown
}

/// A notice.
pub(crate) fn notice(notice: &Notice) -> Value {
    json!({
        "id": notice.id,
        "at": instant_text(notice.at),
        "object": {"kind": notice.kind, "name": notice.name.as_str()},
        "what": notice.what,
        "due": instant_text(notice.due),
    })
}

fn reference((kind, name): &Reference) -> Value {
    json!({"kind": kind, "name": name.as_str()})
}

fn consequences(consequences: &Consequences) -> Value {
    let references = |list: &[Reference]| list.iter().map(reference).collect::<Vec<_>>();
    let losing = consequences.losing.iter();
    json!({
        "added": references(&consequences.added),
        "changed": references(&consequences.changed),
        "removed": references(&consequences.removed),
        "losing": losing.map(|(grant, unit)| json!({"grant": grant.as_str(), "unit": unit.as_str()})).collect::<Vec<_>>(),
        "losingMore": consequences.losing_more,
        "unchecked": consequences.unchecked,
    })
}

/// A change, made or only tried.
///
/// # Errors
/// Of the register.
pub(crate) fn change(
    control: &Control,
    outcome: &Outcome,
    caller: &Caller,
    dry_run: bool,
) -> Result<Value, Problem> {
    let shown = outcome.object.as_ref().map(|view| object(control, view, caller)).transpose()?;
    Ok(json!({
        "dryRun": dry_run,
        "revision": outcome.revision,
        "object": shown,
        "consequences": consequences(&outcome.consequences),
    }))
}

/// An act.
pub(crate) fn act(entry: &HistoryEntry) -> Value {
    let by = entry.by.as_ref().map(|(account, organisation, role)| {
        json!({"account": account.as_str(), "organisation": organisation.as_str(), "role": role.as_str()})
    });
    json!({
        "revision": entry.revision,
        "id": entry.id.to_string(),
        "at": instant_text(entry.at),
        "by": by,
        "verb": entry.verb,
        "object": reference(&entry.object),
        "state": entry.state,
        "reason": entry.reason,
        "attachments": entry.attachments.iter().map(attachment).collect::<Vec<_>>(),
        "journalSequence": entry.journal_seq,
    })
}

fn attachment(attachment: &Attachment) -> Value {
    json!({"name": attachment.name, "bytes": attachment.bytes, "sha256": hex(&attachment.sha256)})
}

/// An account.
pub(crate) fn account(account: &Account) -> Value {
    json!({
        "name": account.name.as_str(),
        "version": account.version,
        "organisation": account.organisation.as_str(),
        "person": account.person,
        "roles": account.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "disabled": account.disabled,
    })
}

/// An API token, without what it opens.
pub(crate) fn token(token: &Token) -> Value {
    json!({
        "name": token.name.as_str(),
        "roles": token.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "readOnly": token.read_only,
        "created": instant_text(token.created),
        "until": instant_text(token.until),
    })
}
