//! What is stored of a registration beside its spec. Instants are microseconds since 1970.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::Timestamp;

/// Where a registration stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// What it is worth now.
    pub(super) standing: Standing,
    /// What was registered last, where that is no longer the spec.
    pub(super) content: Option<Value>,
    /// The end of the authorised term, by that content.
    pub(super) authorised_until: Option<i64>,
    /// The certificate, also after its end.
    pub(super) certificate: Option<Certified>,
    /// What is being handled; at most one thing at a time.
    pub(super) procedure: Option<Procedure>,
    /// Objections, in the order they came in; the number of the first is 1.
    pub(super) objections: Vec<Objection>,
    /// On what ground it was last rejected, cancelled or revoked.
    pub(super) ground: Option<String>,
    /// Whether the registration ended in a way that is announced (公告).
    pub(super) announced: bool,
}

/// What a registration is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Standing {
    /// Not registered yet.
    Open,
    /// Registered, with a certificate in force.
    Certified,
    /// Registered, the certificate set aside.
    Suspended,
    /// The applicant took the application back.
    Withdrawn,
    /// 不予受理.
    Refused,
    /// 不予登记 (Gansu-R 30).
    Rejected,
    /// 注销 (Gansu-R 25(四), 37).
    Cancelled,
    /// The authorised term has ended.
    Expired,
    /// 撤销登记 (Gansu-R 33, 43).
    Revoked,
}

/// The certificate of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certified {
    /// The product; none for a data resource.
    pub(super) product: Option<String>,
    /// 一证一码.
    pub(super) code: String,
    /// Valid from.
    pub(super) from: i64,
    /// First instant at which it is no longer valid.
    pub(super) until: i64,
}

/// What kind of application is handled (Gansu-R 24, 37).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Matter {
    /// 首次登记.
    First,
    /// 变更登记.
    Change,
    /// 更正登记.
    Correction,
    /// 续展.
    Renewal,
    /// 注销登记.
    Cancellation,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    /// Being written.
    Draft,
    /// 申请.
    Submitted,
    /// 一次性告知: papers are missing.
    Returned,
    /// 受理.
    Accepted,
    /// 审查.
    InReview,
    /// 公示.
    Publicity,
}

/// An application that is being handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Procedure {
    pub(super) matter: Matter,
    pub(super) step: Step,
    /// When that step began.
    pub(super) since: i64,
    /// When it was accepted; review and cancellation are due from then.
    pub(super) accepted: Option<i64>,
    /// What was missing, once that was told.
    pub(super) notice: Option<Vec<String>>,
    /// Whether the last review found for it.
    pub(super) passed: Option<bool>,
    /// Whether it was filed after its term (Gansu-R 25).
    pub(super) late: bool,
    /// On what ground a cancellation is asked for.
    pub(super) ground: Option<String>,
    /// What is to be registered, where that is not the spec.
    pub(super) pending: Option<Pending>,
}

/// New content, and what of it the machine needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) content: Value,
    pub(super) authorised_until: Option<i64>,
}

/// 异议 (Gansu-R 31–33). Who raised it stands in the record of the act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Objection {
    /// When it was raised.
    pub(super) at: i64,
    /// SHA-256 of the proof.
    pub(super) proof: String,
    /// What came of it.
    pub(super) outcome: Option<ObjectionOutcome>,
    /// Digest over who raised it and the proof, by which the same person is refused the same objection again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<String>,
    /// Digest over who raised it, by which the objections of one person are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    /// What it is raised against.
    #[serde(default, skip_serializing_if = "Against::is_registration")]
    pub(super) against: Against,
}

/// What an objection is raised against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Against {
    /// What is registered, or is to be registered for the first time.
    #[default]
    Registration,
    /// The change under publicity; what is registered stands whatever comes of it.
    Change,
}

impl Against {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_registration(&self) -> bool {
        *self == Self::Registration
    }
}

/// What came of an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ObjectionOutcome {
    /// The registration stands.
    Uphold,
    /// The registration does not stand.
    Revoke,
    /// 难以核实: left to the parties, an arbitrator or a court; the objection stays open.
    Undetermined,
    /// The change that it was raised against was given up or rejected meanwhile.
    Lapsed,
}

impl Objection {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.outcome, None | Some(ObjectionOutcome::Undetermined))
    }
}

impl Procedure {
    pub(super) fn new(matter: Matter, step: Step, at: Timestamp) -> Self {
        Self {
            matter,
            step,
            since: at.micros(),
            accepted: None,
            notice: None,
            passed: None,
            late: false,
            ground: None,
            pending: None,
        }
    }
}

impl State {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            standing: Standing::Open,
            content: None,
            authorised_until: None,
            certificate: None,
            procedure: Some(Procedure::new(Matter::First, Step::Draft, at)),
            objections: Vec::new(),
            ground: None,
            announced: false,
        }
    }

    pub(super) fn objected(&self) -> bool {
        self.objections.iter().any(Objection::is_open)
    }

    /// The change that is under publicity.
    pub(super) fn publicised_change(&self) -> Option<&Procedure> {
        let public =
            |procedure: &&Procedure| (procedure.matter, procedure.step) == (Matter::Change, Step::Publicity);
        self.procedure.as_ref().filter(public)
    }

    /// Whether the registration is there: certified, or set aside for a while.
    pub(super) fn registered(&self) -> bool {
        matches!(self.standing, Standing::Certified | Standing::Suspended)
    }

    pub(super) fn step(&self) -> Option<Step> {
        self.procedure.as_ref().map(|procedure| procedure.step)
    }

    /// The name people know it by.
    pub(super) fn name(&self) -> &'static str {
        match self.standing {
            Standing::Open | Standing::Certified if self.objected() => "objected",
            Standing::Open => match self.step().unwrap_or(Step::Draft) {
                Step::Draft => "draft",
                Step::Submitted => "submitted",
                Step::Returned => "returned",
                Step::Accepted => "accepted",
                Step::InReview => "in-review",
                Step::Publicity => "publicity",
            },
            Standing::Certified => match self.procedure.as_ref().map(|procedure| procedure.matter) {
                None | Some(Matter::First) => "certified",
                Some(Matter::Change) => "changing",
                Some(Matter::Correction) => "correcting",
                Some(Matter::Renewal) => "renewing",
                Some(Matter::Cancellation) => "cancelling",
            },
            Standing::Suspended => "suspended",
            Standing::Withdrawn => "withdrawn",
            Standing::Refused => "refused",
            Standing::Rejected => "rejected",
            Standing::Cancelled => "cancelled",
            Standing::Expired => "expired",
            Standing::Revoked => "revoked",
        }
    }
}
