//! The documents that are answered, made of views of the control plane.

use shuzha_control::accounts::Enrolment;
use shuzha_control::{Attachment, Caller, Consequences, Control, HistoryEntry, ObjectView, Outcome};
use shuzha_core::{Id, Role, Timestamp, hex};
use shuzha_products::world::API_VERSION;
use shuzha_schema::{Digest, Instant, Name, RequestId, account as of_accounts, object as of_objects};
use shuzha_store::register::{
    Account, AccountRequest, Deadline, Notice, Reference, Refused, RequestState, Token,
};

use crate::parameters::instant_text;
use crate::problem::Problem;

/// An instant, in China's time.
pub(crate) fn instant(at: Timestamp) -> Instant {
    Instant::of(instant_text(at))
}

fn roles(roles: &[Role]) -> Vec<shuzha_schema::Role> {
    roles.iter().map(shuzha_schema::Role::of).collect()
}

/// An object in its envelope.
///
/// # Errors
/// Of the register.
pub(crate) fn object(
    control: &Control,
    view: &ObjectView,
    caller: &Caller,
) -> Result<of_objects::Object, Problem> {
    let status = match &view.state {
        None => None,
        Some((name, details)) => Some(of_objects::Status {
            state: name.clone(),
            since: instant(view.updated),
            details: details.clone(),
            deadlines: view.deadlines.iter().map(deadline).collect(),
            verbs: control.verbs(caller, view)?.into_iter().map(str::to_owned).collect(),
            advice: advice(view.kind, name).map(str::to_owned),
        }),
    };
    Ok(of_objects::Object {
        api_version: API_VERSION.to_owned(),
        kind: view.kind.to_owned(),
        metadata: of_objects::Metadata {
            name: Name::of(&view.name),
            version: view.version,
            owner: view.owner.as_ref().map(Name::of),
            created: instant(view.created),
            updated: instant(view.updated),
        },
        spec: view.spec.clone(),
        status,
    })
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

fn deadline(deadline: &Deadline) -> of_objects::Deadline {
    of_objects::Deadline {
        what: deadline.what.clone(),
        at: instant(deadline.at),
        provisional: deadline.provisional,
        passed: deadline.passed,
    }
}

fn named(kind: &str, name: &Id) -> of_objects::Reference {
    of_objects::Reference { kind: kind.to_owned(), name: Name::of(name) }
}

fn reference((kind, name): &Reference) -> of_objects::Reference {
    named(kind, name)
}

/// A deadline that stands alone.
pub(crate) fn deadline_of(due: &Deadline) -> of_objects::DueDeadline {
    of_objects::DueDeadline { deadline: deadline(due), object: named(&due.kind, &due.name) }
}

/// A notice.
pub(crate) fn notice(notice: &Notice) -> of_objects::Notice {
    of_objects::Notice {
        id: notice.id,
        at: instant(notice.at),
        object: named(&notice.kind, &notice.name),
        what: notice.what.clone(),
        due: instant(notice.due),
    }
}

fn consequences(consequences: &Consequences) -> of_objects::Consequences {
    let references = |list: &[Reference]| list.iter().map(reference).collect();
    let losing = consequences
        .losing
        .iter()
        .map(|(grant, unit)| of_objects::Losing { grant: Name::of(grant), unit: Name::of(unit) });
    of_objects::Consequences {
        added: references(&consequences.added),
        changed: references(&consequences.changed),
        removed: references(&consequences.removed),
        losing: losing.collect(),
        losing_more: consequences.losing_more,
        unreviewed: references(&consequences.unreviewed),
        unchecked: consequences.unchecked,
    }
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
) -> Result<of_objects::Change, Problem> {
    Ok(of_objects::Change {
        dry_run,
        revision: outcome.revision,
        object: outcome.object.as_ref().map(|view| object(control, view, caller)).transpose()?,
        consequences: consequences(&outcome.consequences),
    })
}

/// An act.
pub(crate) fn act(entry: &HistoryEntry) -> of_objects::Act {
    let by = entry.by.as_ref().map(|by| of_objects::Author {
        account: by.account.as_ref().map(Name::of),
        organisation: Name::of(&by.organisation),
        role: shuzha_schema::Role::of(by.role),
    });
    of_objects::Act {
        revision: entry.revision,
        id: RequestId::of(entry.id),
        at: instant(entry.at),
        by,
        verb: entry.verb.clone(),
        object: reference(&entry.object),
        state: entry.state.clone(),
        reason: entry.reason.clone(),
        attachments: entry.attachments.iter().map(attachment).collect(),
        journal_sequence: entry.journal_seq,
    }
}

fn attachment(attachment: &Attachment) -> of_objects::Attachment {
    of_objects::Attachment {
        name: attachment.name.clone(),
        bytes: attachment.bytes,
        sha256: Digest::of(hex::encode(&attachment.sha256)),
    }
}

/// An account.
pub(crate) fn account(account: &Account) -> of_accounts::Account {
    of_accounts::Account {
        name: Name::of(&account.name),
        version: account.version,
        profile: of_accounts::ShownProfile {
            organisation: Name::of(&account.organisation),
            person: account.person.clone(),
            roles: roles(&account.roles),
            disabled: account.disabled,
        },
    }
}

/// An API token, without what it opens.
pub(crate) fn token(token: &Token) -> of_accounts::Token {
    of_accounts::Token {
        name: Name::of(&token.name),
        roles: roles(&token.roles),
        read_only: token.read_only,
        created: instant(token.created),
        until: instant(token.until),
    }
}

/// What a device is set up with.
pub(crate) fn enrolment(enrolment: &Enrolment) -> of_accounts::Enrolment {
    of_accounts::Enrolment { secret: enrolment.secret.to_string(), address: enrolment.address.to_string() }
}

/// A refused act, or a count of them.
pub(crate) fn refused(refused: &Refused) -> of_objects::Refused {
    of_objects::Refused {
        at: instant(refused.at),
        account: refused.account.as_ref().map(Id::to_string),
        organisation: refused.organisation.as_ref().map(Id::to_string),
        roles: roles(&refused.roles),
        verb: refused.verb.clone(),
        kind: refused.kind.clone(),
        name: refused.name.clone(),
        code: refused.code.clone(),
        count: refused.count,
    }
}

/// What of a request is shown beside whose it is: to whom a second person decides, as what. The person bound is not.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    profile: Option<of_accounts::ShownProfile>,
    issuer: Option<String>,
    subject: Option<String>,
}

/// A request about an account, as it stands at `now`. Nothing of what is to be linked or bound is shown but the account.
pub(crate) fn account_request(request: &AccountRequest, now: Timestamp) -> of_accounts::AccountRequest {
    let over = request.state == RequestState::Open && now >= request.expires;
    let party = |account: &Id, organisation: &Id, at: Timestamp| of_accounts::Party {
        account: Name::of(account),
        organisation: Name::of(organisation),
        at: instant(at),
    };
    let wanted: Wanted = serde_json::from_str(&request.wanted).unwrap_or_default();
    of_accounts::AccountRequest {
        name: Name::of(&request.name),
        verb: request.verb.clone(),
        account: Name::of(&request.account),
        profile: wanted.profile,
        issuer: wanted.issuer,
        subject: wanted.subject,
        by: party(&request.by, &request.by_organisation, request.created),
        expires: instant(request.expires),
        state: if over { "expired" } else { request.state.as_str() }.to_owned(),
        decided: request.decided.as_ref().map(|(by, organisation, at)| party(by, organisation, *at)),
    }
}
