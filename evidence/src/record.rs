//! The entries of the call journal (DESIGN §3). The field table is `docs/journal.md`.
//!
//! Names borrow from the buffer they were decoded from, or from the snapshot they are encoded from, so neither
//! direction copies.

mod upkeep;

use shuzha_core::{Code, Measure, MicroYuan, NanoCharge, PurposeClass, RequestId, Timestamp};

use crate::Commitment;
pub use upkeep::{Anchored, KeysRotated, Projected, RefusalCount, Retention, RetentionAct};

/// Largest encoded entry in bytes: every field of a call at its longest, with some room. Most take half of it.
pub const ENTRY_BYTES_MAX: usize = 608;

/// One journal entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A process took the journal over: a new epoch begins.
    Boot(Boot<'a>),
    /// Written before dispatch: names what the call holds.
    Intent(Intent<'a>),
    /// Closes a call: answered, refused, or failed. Its [`Decision`] says which.
    Call(Box<Call<'a>>),
    /// An administrative or life-cycle act.
    Act(Act<'a>),
    /// Bytes of a package that reached the caller, written when the stream ends.
    Delivery(Delivery<'a>),
    /// An act on the register (登记簿): what was declared, applied for, reviewed, decided.
    Registered(Registered<'a>),
    /// A privacy charge given back by two persons' decision (docs/adr/0006).
    Refund(Refund<'a>),
    /// A checkpoint of the evidence log was anchored outside (锚定).
    Anchored(Anchored<'a>),
    /// The evidence log's keys were handed over to new ones (密钥轮换).
    KeysRotated(KeysRotated<'a>),
    /// A half-year of the log was sealed (封存) or destroyed (销毁) (docs/adr/0012).
    Retention(Retention<'a>),
    /// How many requests were refused with one code in one minute before a unit was known (docs/adr/0017).
    RefusalCount(RefusalCount),
    /// What the projection adds up to at one record (docs/adr/0027).
    Projected(Projected),
}

impl Entry<'_> {
    /// When what it records happened or began.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Boot(boot) => boot.at,
            Self::Intent(intent) => intent.received,
            Self::Call(call) => call.received,
            Self::Act(act) => act.at,
            Self::Delivery(delivery) => delivery.at,
            Self::Registered(act) => act.at,
            Self::Refund(refund) => refund.at,
            Self::Anchored(anchored) => anchored.at,
            Self::KeysRotated(rotated) => rotated.at,
            Self::Retention(retention) => retention.at,
            Self::RefusalCount(count) => count.at,
            Self::Projected(projected) => projected.at,
        }
    }
}

/// A process took the journal over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot<'a> {
    /// When.
    pub at: Timestamp,
    /// The node's name.
    pub node: &'a str,
    /// Version of the software.
    pub version: &'a str,
}

/// On which terms a call was made. Known once the call is authorised; empty names before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms<'a> {
    /// Application unit.
    pub unit: &'a str,
    /// Credential that signed.
    pub credential: &'a str,
    /// Product.
    pub product: &'a str,
    /// Product version.
    pub version: u32,
    /// Operation of the product.
    pub operation: &'a str,
    /// Scenario the call is made for.
    pub scenario: &'a str,
    /// Grant used.
    pub grant: &'a str,
    /// Agreement the grant stands under.
    pub agreement: &'a str,
    /// Class of purpose.
    pub purpose: Option<PurposeClass>,
    /// Price in force.
    pub price: &'a str,
    /// Data set whose budget is charged.
    pub data_set: &'a str,
    /// First eight bytes of the policy snapshot's digest.
    pub snapshot: [u8; 8],
}

/// What a call holds, written before dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent<'a> {
    /// The request.
    pub request: RequestId,
    /// When the request was received.
    pub received: Timestamp,
    /// Terms of the call.
    pub terms: Terms<'a>,
    /// Tag of the nonce, so a replay is known after a restart.
    pub nonce: [u8; 8],
    /// Tag of the idempotency key, where one was sent.
    pub idempotency: Option<Commitment>,
    /// Commitment to the request's bytes.
    pub request_commitment: Commitment,
    /// The consent one use of which is held, where there is one.
    pub consent: Option<Commitment>,
    /// Privacy charge debited by this entry.
    pub charge: NanoCharge,
    /// Money held.
    pub amount: MicroYuan,
    /// The consent that `consent` narrows, one use of which is held as well.
    pub consent_parent: Option<Commitment>,
    /// The person-space that the charge is debited from; empty where nothing is charged.
    pub space: &'a str,
    /// What that person-space counts in; none where nothing is charged.
    pub measure: Option<Measure>,
    /// Commitment to the release key of the query (product version, data version, canonical query) for which noise is drawn;
    /// none where nothing is queried, and in records of software that did not name it.
    pub release: Option<Commitment>,
}

/// Whether the call was permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// All stages passed; an answer was produced.
    Answered,
    /// A stage before dispatch refused; nothing was spent.
    Refused,
    /// It was dispatched, and then failed or was refused: ε and consent use stay spent, no money.
    Failed,
    /// Served again from an earlier answer with the same idempotency key or canonical query.
    Replayed,
    /// Told what a query would cost and how accurate it would be: nothing was asked of any data, nothing taken.
    Planned,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Refused, Self::Failed, Self::Replayed, Self::Planned];

    /// Its name wherever it is shown or stored as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Replayed => "replayed",
            Self::Planned => "planned",
        }
    }
}

/// Class of outcome that billing looks at. Never the answer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No answer was produced.
    None,
    /// An answer that the price act charges.
    Charged,
    /// An answer that the price act does not charge (for example 查无 where it is free).
    Uncharged,
}

/// The record of one call. There is exactly one per call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The request.
    pub request: RequestId,
    /// When the request was received.
    pub received: Timestamp,
    /// µs from received to admitted; 0 when refused.
    pub admitted_after: u32,
    /// µs from received to the request sent to the product service; 0 when not dispatched.
    pub sent_after: u32,
    /// µs from received to the product service's answer read; 0 when none.
    pub answered_after: u32,
    /// Terms of the call, as far as they were known.
    pub terms: Terms<'a>,
    /// Tag of the nonce.
    pub nonce: [u8; 8],
    /// Tag of the idempotency key.
    pub idempotency: Option<Commitment>,
    /// Commitment to the consent used.
    pub consent: Option<Commitment>,
    /// Keyed tag of the subject, for abuse statistics and the subject's own history.
    pub subject: Option<Commitment>,
    /// Privacy charge; already spent by the intent.
    pub charge: NanoCharge,
    /// Billed quantity (calls, or packages).
    pub quantity: u32,
    /// Amount posted.
    pub amount: MicroYuan,
    /// Decision.
    pub decision: Decision,
    /// Why it was refused or failed.
    pub code: Option<Code>,
    /// Class of outcome.
    pub outcome: Outcome,
    /// Bytes of the request's body.
    pub request_bytes: u32,
    /// Bytes of the answer's body.
    pub response_bytes: u32,
    /// Commitment to the request's bytes.
    pub request_commitment: Option<Commitment>,
    /// Commitment to the answer's bytes.
    pub response_commitment: Option<Commitment>,
    /// Whether it was a trial in the sandbox: on synthetic data, free, and part of no sum, budget or statement.
    pub sandbox: bool,
    /// Commitment to the consent that the one used narrows; a use of it too.
    pub consent_parent: Option<Commitment>,
    /// On what basis the answer was charged or free: the number of `shuzha_pricing::Basis`; 0 is by the price.
    pub basis: u8,
    /// Binds the keys that open both commitments ([`crate::commit::Opening::bound`]); none where nothing is committed to,
    /// and in records of software that did not bind them.
    pub openings: Option<Commitment>,
}

impl Call<'_> {
    /// The record of a request of which nothing is known yet: refused, and nothing taken.
    #[must_use]
    pub fn of(request: RequestId, received: Timestamp) -> Self {
        Self {
            request,
            received,
            admitted_after: 0,
            sent_after: 0,
            answered_after: 0,
            terms: Terms::default(),
            nonce: [0; 8],
            idempotency: None,
            consent: None,
            subject: None,
            charge: NanoCharge::ZERO,
            quantity: 0,
            amount: MicroYuan::ZERO,
            decision: Decision::Refused,
            code: None,
            outcome: Outcome::None,
            request_bytes: 0,
            response_bytes: 0,
            request_commitment: None,
            response_commitment: None,
            sandbox: false,
            consent_parent: None,
            basis: 0,
            openings: None,
        }
    }
}

/// What an act did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// A consent was withdrawn by the person, through its issuer.
    ConsentWithdrawn,
    /// A new policy snapshot took effect.
    SnapshotInstalled,
    /// A credential was revoked.
    CredentialRevoked,
    /// A unit, product, scenario or data set was suspended.
    Suspended,
    /// A suspension was lifted.
    Resumed,
    /// The gate has put a suspension of the register in force: the object is the suspension's own name. What it stops is
    /// noted as [`ActKind::Suspended`].
    SuspensionInForce,
    /// The platform's consent service gave a consent, on the word of the person.
    ConsentGiven,
    /// The key of a past half-year's commitments was erased: what they were about is unrecoverable.
    CommitKeyErased,
    /// Use was found abnormal (异常使用): the actor is the signal, the object the scenario, unit or product.
    UseAlarmed,
    /// A scenario is slowed down after a signal.
    UseSlowed,
    /// A scenario was stopped by the gate itself after a signal.
    UseStopped,
    /// Such a stop ended.
    UseResumed,
    /// The machine's clock was set so far from the node's that the node does not go along: the object says by how much, in
    /// seconds.
    ClockAstray,
    /// The journal was restored from a backup: the object is the last record that it held then.
    Restored,
}

/// An administrative or life-cycle act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ActKind,
    /// Who acted: an account, an issuer, or a component.
    pub actor: &'a str,
    /// What it was done to, where that has a name.
    pub object: &'a str,
    /// What it was done to, where it may only be committed to (a consent).
    pub commitment: Option<Commitment>,
    /// Of a suspension: what kind of thing `object` names. `unit`, `product`, `scenario`, `data-set`, or `everything`. Of an
    /// alarm: `folded:N`, where N more since the last such act were folded into this one.
    pub target: &'a str,
}

/// An act on the register. What it says in free text stays in the register; here stands its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered<'a> {
    /// The act's identity: an act that is written twice is one act.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// The account that acted; empty when time itself did.
    pub actor: &'a str,
    /// What it was done to.
    pub object: &'a str,
    /// What was done, one of a closed list per kind.
    pub verb: &'a str,
    /// Kind of the object.
    pub kind: &'a str,
    /// The organisation that the actor acted for.
    pub organisation: &'a str,
    /// The role that they acted in.
    pub role: &'a str,
    /// Salted SHA-256 of the whole act, reason and attachments included; the salt stays in the register. Where `revision`
    /// is given, also of what the act left behind, and of the act before.
    pub digest: [u8; 32],
    /// The state in which the act left a case, one of a closed list per kind; empty for what is declared, and in records that
    /// are older than this field.
    pub state: &'a str,
    /// The act's place in the register; 0 for one outside, and for acts of software that did not bind what they leave.
    pub revision: u64,
}

/// A privacy charge given back after its call was dispatched. Never the caller's right: two persons decide it, for a
/// cause that the data cannot have influenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund<'a> {
    /// The call whose charge goes back.
    pub request: RequestId,
    /// When.
    pub at: Timestamp,
    /// The unit that was charged.
    pub unit: &'a str,
    /// The scenario that it was charged in.
    pub scenario: &'a str,
    /// The data set.
    pub data_set: &'a str,
    /// What goes back: the whole charge of that call.
    pub charge: NanoCharge,
    /// The case in the register under which it was decided.
    pub object: &'a str,
    /// The person-space.
    pub space: &'a str,
    /// What the person-space counts in.
    pub measure: Measure,
}

/// Bytes of a package that reached the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// The request that opened the stream.
    pub request: RequestId,
    /// When the stream ended.
    pub at: Timestamp,
    /// The grant.
    pub grant: &'a str,
    /// First byte of the range.
    pub from: u64,
    /// Bytes delivered.
    pub bytes: u64,
    /// Whether the whole range arrived.
    pub complete: bool,
    /// SHA-256 of the bytes that were handed over, under the request's commitment; none in records from before it.
    pub digest: Option<Commitment>,
}
