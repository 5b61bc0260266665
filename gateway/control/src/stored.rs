//! Shapes in which attachments and kept answers are stored; apart from the types that the crate works with.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_store::register::{Deadline, Reference};

use crate::Kind;
use crate::view::{Attachment, Consequences, ObjectView, Outcome};

#[derive(Serialize, Deserialize)]
struct StoredAttachment {
    name: String,
    bytes: u64,
    sha256: [u8; 32],
}

/// Attachments as JSON.
pub(crate) fn write_attachments(attachments: &[Attachment]) -> String {
    let stored = attachments.iter().map(|attachment| StoredAttachment {
        name: attachment.name.clone(),
        bytes: attachment.bytes,
        sha256: attachment.sha256,
    });
    serde_json::to_string(&stored.collect::<Vec<_>>()).expect("a list of plain fields")
}

/// Attachments from JSON.
pub(crate) fn read_attachments(text: &str) -> Result<Vec<Attachment>, serde_json::Error> {
    let stored: Vec<StoredAttachment> = serde_json::from_str(text)?;
    let read = |stored: StoredAttachment| Attachment {
        name: stored.name,
        bytes: stored.bytes,
        sha256: stored.sha256,
    };
    Ok(stored.into_iter().map(read).collect())
}

#[derive(Serialize, Deserialize)]
struct StoredDeadline {
    what: String,
    at: i64,
    provisional: bool,
    passed: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredObject {
    kind: String,
    name: String,
    version: u64,
    owner: Option<String>,
    spec: Value,
    state: Option<(String, Value)>,
    deadlines: Vec<StoredDeadline>,
    created: i64,
    updated: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredOutcome {
    object: Option<StoredObject>,
    added: Vec<(String, String)>,
    changed: Vec<(String, String)>,
    removed: Vec<(String, String)>,
    losing: Vec<(String, String)>,
    losing_more: bool,
    #[serde(default)]
    unreviewed: Vec<(String, String)>,
    unchecked: bool,
}

/// An outcome as JSON. Its revision is kept beside it, and is the object's version: neither is known before the act.
pub(crate) fn write_outcome(outcome: &Outcome) -> String {
    let pair = |(kind, name): &Reference| (kind.clone(), name.to_string());
    let consequences = &outcome.consequences;
    let stored = StoredOutcome {
        object: outcome.object.as_ref().map(|object| StoredObject {
            kind: object.kind.to_owned(),
            name: object.name.to_string(),
            version: object.version,
            owner: object.owner.as_ref().map(Id::to_string),
            spec: object.spec.clone(),
            state: object.state.clone(),
            deadlines: object.deadlines.iter().map(write_deadline).collect(),
            created: object.created.micros(),
            updated: object.updated.micros(),
        }),
        added: consequences.added.iter().map(pair).collect(),
        changed: consequences.changed.iter().map(pair).collect(),
        removed: consequences.removed.iter().map(pair).collect(),
        losing: consequences
            .losing
            .iter()
            .map(|(grant, unit)| (grant.to_string(), unit.to_string()))
            .collect(),
        losing_more: consequences.losing_more,
        unreviewed: consequences.unreviewed.iter().map(pair).collect(),
        unchecked: consequences.unchecked,
    };
    serde_json::to_string(&stored).expect("named fields and JSON")
}

fn write_deadline(deadline: &Deadline) -> StoredDeadline {
    StoredDeadline {
        what: deadline.what.clone(),
        at: deadline.at.micros(),
        provisional: deadline.provisional,
        passed: deadline.passed,
    }
}

/// An outcome from JSON; none when it is not one of ours.
pub(crate) fn read_outcome(text: &str, revision: u64) -> Option<Outcome> {
    let stored: StoredOutcome = serde_json::from_str(text).ok()?;
    let pairs = |list: Vec<(String, String)>| -> Option<Vec<Reference>> {
        list.into_iter().map(|(kind, name)| Some((kind, Id::new(&name).ok()?))).collect()
    };
    let names = |list: Vec<(String, String)>| -> Option<Vec<(Id, Id)>> {
        list.into_iter().map(|(a, b)| Some((Id::new(&a).ok()?, Id::new(&b).ok()?))).collect()
    };
    let object = match stored.object {
        Some(object) => Some(read_object(object)?),
        None => None,
    };
    let consequences = Consequences {
        added: pairs(stored.added)?,
        changed: pairs(stored.changed)?,
        removed: pairs(stored.removed)?,
        losing: names(stored.losing)?,
        losing_more: stored.losing_more,
        unreviewed: pairs(stored.unreviewed)?,
        unchecked: stored.unchecked,
    };
    let object = object.map(|object| ObjectView { version: revision, ..object });
    Some(Outcome { object, revision, consequences, replayed: true })
}

fn read_object(stored: StoredObject) -> Option<ObjectView> {
    let kind = Kind::find(&stored.kind)?.name();
    let name = Id::new(&stored.name).ok()?;
    let deadlines = stored.deadlines.into_iter().map(|deadline| Deadline {
        kind: kind.to_owned(),
        name: name.clone(),
        what: deadline.what,
        at: Timestamp::from_micros(deadline.at),
        provisional: deadline.provisional,
        passed: deadline.passed,
    });
    let deadlines = deadlines.collect();
    let owner = match stored.owner {
        Some(owner) => Some(Id::new(&owner).ok()?),
        None => None,
    };
    Some(ObjectView {
        kind,
        name,
        version: stored.version,
        owner,
        spec: stored.spec,
        state: stored.state,
        deadlines,
        created: Timestamp::from_micros(stored.created),
        updated: Timestamp::from_micros(stored.updated),
    })
}
