//! Entries to bytes and back, in one canonical form: `encode(decode(x)) == x` for every `x` that decodes.
//!
//! Fields stand in ascending order of key. A field whose value is absent, empty or zero is left out, but for those
//! that every entry of its kind has. [`crate::field`] lists keys; `docs/journal.md` explains them.

mod calls;

use shuzha_core::{Measure, NanoCharge, PurposeClass, RequestId, Timestamp};

use crate::cbor::{MapReader, MapWriter};
pub use crate::error::{DecodeError, EncodeError};
use crate::field::{self, FORMAT_VERSION, Field};
use crate::record::{
    Act, ActKind, Anchored, Boot, Decision, Delivery, Entry, KeysRotated, Outcome, Projected, Refund,
    Registered, Retention, RetentionAct,
};

/// An enumeration with fixed numbers on the wire.
trait Numbered: Copy + PartialEq + 'static {
    /// Every value with its number.
    const TABLE: &'static [(Self, u64)];

    fn number(self) -> u64 {
        let row = Self::TABLE.iter().find(|(value, _)| *value == self);
        row.expect("the table lists every value").1
    }

    fn from_number(number: u64, field: &Field) -> Result<Self, DecodeError> {
        let row = Self::TABLE.iter().find(|(_, listed)| *listed == number);
        row.map(|(value, _)| *value).ok_or(DecodeError::OutOfRange(field.name))
    }
}

impl Numbered for PurposeClass {
    const TABLE: &'static [(Self, u64)] =
        &[(Self::PublicGovernance, 1), (Self::PublicWelfare, 2), (Self::Industry, 3), (Self::Sector, 4)];
}

impl Numbered for Decision {
    const TABLE: &'static [(Self, u64)] = &[
        (Self::Answered, 1),
        (Self::Refused, 2),
        (Self::Failed, 3),
        (Self::Replayed, 4),
        (Self::Planned, 5),
    ];
}

impl Numbered for Measure {
    const TABLE: &'static [(Self, u64)] = &[(Self::PureEps, 1), (Self::Rho, 2)];
}

impl Numbered for Outcome {
    const TABLE: &'static [(Self, u64)] = &[(Self::None, 0), (Self::Charged, 1), (Self::Uncharged, 2)];
}

impl Numbered for ActKind {
    const TABLE: &'static [(Self, u64)] = &[
        (Self::ConsentWithdrawn, 1),
        (Self::SnapshotInstalled, 2),
        (Self::CredentialRevoked, 3),
        (Self::Suspended, 4),
        (Self::Resumed, 5),
        (Self::SuspensionInForce, 8),
        (Self::ConsentGiven, 6),
        (Self::CommitKeyErased, 7),
        (Self::UseAlarmed, 60),
        (Self::UseSlowed, 61),
        (Self::UseStopped, 62),
        (Self::UseResumed, 63),
        (Self::ClockAstray, 64),
        (Self::Restored, 66),
    ];
}

impl Numbered for RetentionAct {
    const TABLE: &'static [(Self, u64)] = &[(Self::Sealed, 1), (Self::Destroyed, 2)];
}

/// Sixteen random bytes of an entry. The hashes of a log are public, and most of what acts say can be listed: without a salt a
/// guess is confirmed by hashing it.
pub type Salt = [u8; 16];

const BOOT: u64 = 1;
const INTENT: u64 = 2;
const CALL: u64 = 3;
const ACT: u64 = 4;
const DELIVERY: u64 = 5;
const REGISTERED: u64 = 6;
const REFUND: u64 = 55;
const ANCHORED: u64 = 70;
const KEYS_ROTATED: u64 = 71;
const RETENTION: u64 = 75;
const REFUSAL_COUNT: u64 = 90;
const PROJECTED: u64 = 97;

impl<'a> Entry<'a> {
    /// Appends the entry's encoding to `out`, with a salt that nobody can guess: what stands in a log of public hashes. Allocates
    /// nothing while `out` has room for [`ENTRY_BYTES_MAX`](crate::record::ENTRY_BYTES_MAX) more bytes.
    ///
    /// # Errors
    /// [`EncodeError`]; `out` is then as it was.
    pub fn salted_into(&self, salt: &Salt, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(Some(salt), out)
    }

    /// The same without a salt, as software before it wrote. No journal takes such an entry any more.
    ///
    /// # Errors
    /// As [`Entry::salted_into`].
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(None, out)
    }

    fn write(&self, salt: Option<&Salt>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut w = MapWriter::new(out);
        w.uint(&field::VERSION, FORMAT_VERSION);
        match self {
            Self::Boot(boot) => write_boot(&mut w, boot),
            Self::Intent(intent) => calls::write_intent(&mut w, intent),
            Self::Call(call) => calls::write_call(&mut w, call),
            Self::Act(act) => write_act(&mut w, act),
            Self::Delivery(delivery) => write_delivery(&mut w, delivery),
            Self::Registered(act) => write_registered(&mut w, act),
            Self::Refund(refund) => write_refund(&mut w, refund),
            Self::Anchored(anchored) => write_anchored(&mut w, anchored),
            Self::KeysRotated(rotated) => write_keys_rotated(&mut w, rotated),
            Self::Retention(retention) => write_retention(&mut w, retention),
            Self::RefusalCount(count) => calls::write_refusal_count(&mut w, count),
            Self::Projected(projected) => write_projected(&mut w, projected),
        }
        write_option(&mut w, &field::SALT, salt);
        w.finish()
    }

    /// Reads an entry that fills `bytes` exactly. Names borrow from `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] for everything that [`Entry::salted_into`] and [`Entry::encode_into`] do not write.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_salted(bytes).map(|(entry, _)| entry)
    }

    /// The same with its salt; none in entries of software before it.
    ///
    /// # Errors
    /// As [`Entry::decode`].
    pub fn decode_salted(bytes: &'a [u8]) -> Result<(Self, Option<Salt>), DecodeError> {
        let mut r = MapReader::new(bytes)?;
        let version = r.uint(&field::VERSION)?;
        if version != FORMAT_VERSION {
            return Err(DecodeError::UnknownVersion(version));
        }
        let entry = match r.uint(&field::KIND)? {
            BOOT => Self::Boot(read_boot(&mut r)?),
            INTENT => Self::Intent(calls::read_intent(&mut r)?),
            CALL => Self::Call(Box::new(calls::read_call(&mut r)?)),
            ACT => Self::Act(read_act(&mut r)?),
            DELIVERY => Self::Delivery(read_delivery(&mut r)?),
            REGISTERED => Self::Registered(read_registered(&mut r)?),
            REFUND => Self::Refund(read_refund(&mut r)?),
            ANCHORED => Self::Anchored(read_anchored(&mut r)?),
            KEYS_ROTATED => Self::KeysRotated(read_keys_rotated(&mut r)?),
            RETENTION => Self::Retention(read_retention(&mut r)?),
            REFUSAL_COUNT => Self::RefusalCount(calls::read_refusal_count(&mut r)?),
            PROJECTED => Self::Projected(read_projected(&mut r)?),
            _ => return Err(DecodeError::OutOfRange(field::KIND.name)),
        };
        let salt = r.bytes(&field::SALT)?;
        r.finish()?;
        Ok((entry, salt))
    }

    /// The name of the entry's kind: a closed set, fit for a metric's label.
    #[must_use]
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::Boot(_) => "boot",
            Self::Intent(_) => "intent",
            Self::Call(_) => "call",
            Self::Act(_) => "act",
            Self::Delivery(_) => "delivery",
            Self::Registered(_) => "registered",
            Self::Refund(_) => "refund",
            Self::Anchored(_) => "anchored",
            Self::KeysRotated(_) => "keys_rotated",
            Self::Retention(_) => "retention",
            Self::RefusalCount(_) => "refusal_count",
            Self::Projected(_) => "projected",
        }
    }
}

fn write_boot(w: &mut MapWriter<'_>, boot: &Boot<'_>) {
    w.uint(&field::KIND, BOOT);
    w.int(&field::AT, boot.at.micros());
    w.name(&field::NODE, boot.node);
    w.name(&field::SOFTWARE, boot.version);
}

fn read_boot<'a>(r: &mut MapReader<'a>) -> Result<Boot<'a>, DecodeError> {
    Ok(Boot { at: read_at(r)?, node: r.name(&field::NODE)?, version: r.name(&field::SOFTWARE)? })
}

fn read_at(r: &mut MapReader<'_>) -> Result<Timestamp, DecodeError> {
    r.int(&field::AT)?.map(Timestamp::from_micros).ok_or(DecodeError::Missing(field::AT.name))
}

fn read_request(r: &mut MapReader<'_>) -> Result<RequestId, DecodeError> {
    let bytes = r.bytes(&field::REQUEST)?;
    bytes.map(RequestId::from_bytes).ok_or(DecodeError::Missing(field::REQUEST.name))
}

fn write_option(w: &mut MapWriter<'_>, field: &Field, commitment: Option<&crate::Commitment>) {
    if let Some(commitment) = commitment {
        w.bytes(field, commitment);
    }
}

fn write_act(w: &mut MapWriter<'_>, act: &Act<'_>) {
    w.uint(&field::KIND, ACT);
    w.int(&field::AT, act.at.micros());
    w.uint(&field::ACT_KIND, act.kind.number());
    w.name(&field::ACTOR, act.actor);
    w.name(&field::OBJECT, act.object);
    write_option(w, &field::COMMITMENT, act.commitment.as_ref());
    w.name(&field::TARGET, act.target);
}

fn read_act<'a>(r: &mut MapReader<'a>) -> Result<Act<'a>, DecodeError> {
    Ok(Act {
        at: read_at(r)?,
        kind: ActKind::from_number(r.uint(&field::ACT_KIND)?, &field::ACT_KIND)?,
        actor: r.name(&field::ACTOR)?,
        object: r.name(&field::OBJECT)?,
        commitment: r.bytes(&field::COMMITMENT)?,
        target: r.name(&field::TARGET)?,
    })
}

fn write_delivery(w: &mut MapWriter<'_>, delivery: &Delivery<'_>) {
    w.uint(&field::KIND, DELIVERY);
    w.bytes(&field::REQUEST, delivery.request.as_bytes());
    w.int(&field::AT, delivery.at.micros());
    w.name(&field::GRANT, delivery.grant);
    w.uint_unless_zero(&field::FROM, delivery.from);
    w.uint_unless_zero(&field::BYTES, delivery.bytes);
    w.flag(&field::COMPLETE, delivery.complete);
    write_option(w, &field::DELIVERED, delivery.digest.as_ref());
}

fn read_delivery<'a>(r: &mut MapReader<'a>) -> Result<Delivery<'a>, DecodeError> {
    Ok(Delivery {
        request: read_request(r)?,
        at: read_at(r)?,
        grant: r.name(&field::GRANT)?,
        from: r.uint_or_zero(&field::FROM)?,
        bytes: r.uint_or_zero(&field::BYTES)?,
        complete: r.flag(&field::COMPLETE)?,
        digest: r.bytes(&field::DELIVERED)?,
    })
}

fn write_registered(w: &mut MapWriter<'_>, act: &Registered<'_>) {
    w.uint(&field::KIND, REGISTERED);
    w.int(&field::AT, act.at.micros());
    w.name(&field::ACTOR, act.actor);
    w.name(&field::OBJECT, act.object);
    w.bytes(&field::ACT_ID, act.id.as_bytes());
    w.name(&field::VERB, act.verb);
    w.name(&field::OBJECT_KIND, act.kind);
    w.name(&field::ORGANISATION, act.organisation);
    w.name(&field::ROLE, act.role);
    w.bytes(&field::ACT_DIGEST, &act.digest);
    w.name(&field::STATE, act.state);
    w.uint_unless_zero(&field::REVISION, act.revision);
}

fn read_registered<'a>(r: &mut MapReader<'a>) -> Result<Registered<'a>, DecodeError> {
    let at = read_at(r)?;
    let (actor, object) = (r.name(&field::ACTOR)?, r.name(&field::OBJECT)?);
    let id = r.bytes(&field::ACT_ID)?.ok_or(DecodeError::Missing(field::ACT_ID.name))?;
    let (verb, kind) = (r.name(&field::VERB)?, r.name(&field::OBJECT_KIND)?);
    let (organisation, role) = (r.name(&field::ORGANISATION)?, r.name(&field::ROLE)?);
    let digest = read_digest(r, &field::ACT_DIGEST)?;
    let state = r.name(&field::STATE)?;
    let (id, revision) = (RequestId::from_bytes(id), r.uint_or_zero(&field::REVISION)?);
    Ok(Registered { id, at, actor, object, verb, kind, organisation, role, digest, state, revision })
}

fn write_refund(w: &mut MapWriter<'_>, refund: &Refund<'_>) {
    w.uint(&field::KIND, REFUND);
    w.bytes(&field::REQUEST, refund.request.as_bytes());
    w.int(&field::AT, refund.at.micros());
    w.name(&field::UNIT, refund.unit);
    w.name(&field::SCENARIO, refund.scenario);
    w.name(&field::DATA_SET, refund.data_set);
    w.uint(&field::CHARGE, refund.charge.nanos());
    w.name(&field::OBJECT, refund.object);
    w.name(&field::SPACE, refund.space);
    w.uint(&field::MEASURE, refund.measure.number());
}

fn read_refund<'a>(r: &mut MapReader<'a>) -> Result<Refund<'a>, DecodeError> {
    Ok(Refund {
        request: read_request(r)?,
        at: read_at(r)?,
        unit: r.name(&field::UNIT)?,
        scenario: r.name(&field::SCENARIO)?,
        data_set: r.name(&field::DATA_SET)?,
        charge: NanoCharge::from_nanos(r.uint(&field::CHARGE)?),
        object: r.name(&field::OBJECT)?,
        space: r.name(&field::SPACE)?,
        measure: Measure::from_number(r.uint(&field::MEASURE)?, &field::MEASURE)?,
    })
}

fn write_anchored(w: &mut MapWriter<'_>, anchored: &Anchored<'_>) {
    w.uint(&field::KIND, ANCHORED);
    w.int(&field::AT, anchored.at.micros());
    w.name(&field::OBJECT, anchored.anchor);
    w.name(&field::LOG, anchored.log);
    w.uint(&field::SIZE, anchored.size);
    w.bytes(&field::CHECKPOINT, &anchored.checkpoint);
    w.bytes(&field::TOKEN, &anchored.token);
}

fn read_anchored<'a>(r: &mut MapReader<'a>) -> Result<Anchored<'a>, DecodeError> {
    Ok(Anchored {
        at: read_at(r)?,
        anchor: r.name(&field::OBJECT)?,
        log: r.name(&field::LOG)?,
        size: r.uint(&field::SIZE)?,
        checkpoint: read_digest(r, &field::CHECKPOINT)?,
        token: read_digest(r, &field::TOKEN)?,
    })
}

fn read_digest(r: &mut MapReader<'_>, field: &Field) -> Result<[u8; 32], DecodeError> {
    r.bytes(field)?.ok_or(DecodeError::Missing(field.name))
}

fn write_keys_rotated(w: &mut MapWriter<'_>, rotated: &KeysRotated<'_>) {
    w.uint(&field::KIND, KEYS_ROTATED);
    w.int(&field::AT, rotated.at.micros());
    w.bytes(&field::ACT_DIGEST, &rotated.digest);
    w.name(&field::LOG, rotated.log);
    w.uint(&field::SIZE, rotated.size);
}

fn read_keys_rotated<'a>(r: &mut MapReader<'a>) -> Result<KeysRotated<'a>, DecodeError> {
    let (at, digest) = (read_at(r)?, read_digest(r, &field::ACT_DIGEST)?);
    Ok(KeysRotated { at, log: r.name(&field::LOG)?, size: r.uint(&field::SIZE)?, digest })
}

fn write_retention(w: &mut MapWriter<'_>, retention: &Retention<'_>) {
    w.uint(&field::KIND, RETENTION);
    w.int(&field::AT, retention.at.micros());
    w.name(&field::ACTOR, retention.actor);
    w.name(&field::OBJECT, retention.object);
    w.uint(&field::RETENTION, retention.act.number());
    w.uint(&field::LAST_SEQ, retention.last_seq);
    w.bytes(&field::ROOT, &retention.root);
    w.bytes(&field::DOCUMENT, &retention.document);
    w.name(&field::CONFIRMED_BY, retention.confirmed_by);
}

fn read_retention<'a>(r: &mut MapReader<'a>) -> Result<Retention<'a>, DecodeError> {
    Ok(Retention {
        at: read_at(r)?,
        actor: r.name(&field::ACTOR)?,
        object: r.name(&field::OBJECT)?,
        act: RetentionAct::from_number(r.uint(&field::RETENTION)?, &field::RETENTION)?,
        last_seq: r.uint(&field::LAST_SEQ)?,
        root: r.bytes(&field::ROOT)?.ok_or(DecodeError::Missing(field::ROOT.name))?,
        document: r.bytes(&field::DOCUMENT)?.ok_or(DecodeError::Missing(field::DOCUMENT.name))?,
        confirmed_by: r.name(&field::CONFIRMED_BY)?,
    })
}

fn write_projected(w: &mut MapWriter<'_>, projected: &Projected) {
    w.uint(&field::KIND, PROJECTED);
    w.int(&field::AT, projected.at.micros());
    w.uint(&field::LAST_SEQ, projected.last_seq);
    w.bytes(&field::PROJECTION, &projected.digest);
}

fn read_projected(r: &mut MapReader<'_>) -> Result<Projected, DecodeError> {
    let (at, last_seq) = (read_at(r)?, r.uint(&field::LAST_SEQ)?);
    Ok(Projected { at, last_seq, digest: read_digest(r, &field::PROJECTION)? })
}

#[cfg(test)]
mod tests;
