//! The shapes of what is answered: views of the control plane as JSON.

use serde_json::{Value, json};
use shuzha_control::{Attachment, Caller, Consequences, Control, HistoryEntry, ObjectView, Outcome};
use shuzha_core::{Timestamp, hex};
use shuzha_products::world::API_VERSION;
use shuzha_store::register::{
    Account, AccountRequest, Deadline, Notice, Reference, Refused, RequestState, Token,
};

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
        if let Some(advice) = advice(view.kind, name) {
            shown["status"]["advice"] = advice.into();
        }
    }
    Ok(shown)
}

/// What whoever is reached by a suspension, or whose credential waits, is to do.
fn advice(kind: &str, state: &str) -> Option<&'static str> {
    Some(match (kind, state) {
        ("Suspension", "emergency") => {
            "紧急关闭，期限内未经确认即失效；可报告事件（report），有疑问请联系关闭方或主管部门。 An emergency stop; unless it is \
             confirmed by its deadline, it lapses. Report the incident (report); ask whoever stopped, or the authority."
        }
        ("Suspension", "in-force") => {
            "请在期限内整改并反馈（rectified）；主管部门恢复后自动放行。 Put it right by the deadline and report that \
             (rectified); calls pass again once the authority resumes."
        }
        ("Suspension", "terminated") => {
            "已终止；可另行申请授权。 Terminated; a new authorisation may be applied for."
        }
        ("Credential", "pending") => {
            "待应用单位确认：对 challenge 签名后 confirm，或由单位人员 issue-secret；不是本单位的密钥请 revoke。 Waits for the unit: \
             sign the challenge and confirm, or have a person of the unit issue the secret; revoke a key that is not yours."
        }
        _ => return None,
    })
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
        "unreviewed": references(&consequences.unreviewed),
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
    let by = entry.by.as_ref().map(|by| {
        let account = by.account.as_ref().map(|account| account.as_str());
        json!({"account": account, "organisation": by.organisation.as_str(), "role": by.role.as_str()})
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
    json!({"name": attachment.name, "bytes": attachment.bytes, "sha256": hex::encode(&attachment.sha256)})
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

/// A refused act, or a count of them.
pub(crate) fn refused(refused: &Refused) -> Value {
    json!({
        "at": instant_text(refused.at),
        "account": refused.account.as_ref().map(|account| account.as_str()),
        "organisation": refused.organisation.as_ref().map(|organisation| organisation.as_str()),
        "roles": refused.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "verb": refused.verb,
        "kind": refused.kind,
        "name": refused.name,
        "code": refused.code,
        "count": refused.count,
    })
}

/// A request about an account, as it stands at `now`. Nothing of what is to be linked or bound is shown but the account.
pub(crate) fn account_request(request: &AccountRequest, now: Timestamp) -> Value {
    let over = request.state == RequestState::Open && now >= request.expires;
    let decided = request.decided.as_ref().map(|(by, organisation, at)| {
        json!({"account": by.as_str(), "organisation": organisation.as_str(), "at": instant_text(*at)})
    });
    // What a second person has to know: whose account, as what.
    let wanted: Value = serde_json::from_str(&request.wanted).unwrap_or_default();
    let field = |name: &str| wanted["profile"].get(name).cloned().unwrap_or_default();
    let profile = wanted.get("profile").map(|_| {
        json!({
            "organisation": field("organisation"), "person": field("person"), "roles": field("roles"),
            "disabled": field("disabled"),
        })
    });
    json!({
        "name": request.name.as_str(),
        "verb": request.verb,
        "account": request.account.as_str(),
        "profile": profile,
        "issuer": wanted.get("issuer"),
        "subject": wanted.get("subject"),
        "by": {"account": request.by.as_str(), "organisation": request.by_organisation.as_str(), "at": instant_text(request.created)},
        "expires": instant_text(request.expires),
        "state": if over { "expired" } else { request.state.as_str() },
        "decided": decided,
    })
}
