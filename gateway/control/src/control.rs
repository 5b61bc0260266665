//! The control plane's state: the register, and the one writer that changes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use shuzha_core::calendar::Calendar;
use shuzha_core::{Clock, Id, Rng, Role, Timestamp};
use shuzha_products::case::Declared;
use shuzha_products::jurisdiction::Jurisdiction;
use shuzha_store::Register;
use shuzha_store::register::{Act, Batch, CommitError, REGISTER};

use crate::queue::{Queue, Turn, Urgency};
use crate::{ActLog, Delta, Error, Force, NotInForce, Publish, Quotas};

/// What a control plane is made of.
pub struct Parts {
    /// Where everything is kept.
    pub register: Register,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, fit for secrets.
    pub rng: Arc<dyn Rng>,
    /// Where acts are recorded for good.
    pub log: Arc<dyn ActLog>,
    /// Where changes take effect.
    pub publish: Arc<dyn Publish>,
    /// By which rules cases are decided.
    pub rules: Rules,
}

/// The rules that cases are decided by.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The jurisdiction's.
    pub jurisdiction: Jurisdiction,
    /// Working days.
    pub calendar: Calendar,
}

/// The control plane.
pub struct Control {
    pub(crate) register: Register,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    log: Arc<dyn ActLog>,
    publish: Arc<dyn Publish>,
    rules: RwLock<Arc<Rules>>,
    pub(crate) quotas: RwLock<Quotas>,
    /// A turn is held from loading an object to publishing its change, so that changes take effect in the order of their acts.
    /// Whoever takes turn after turn, as the scheduler does, waits behind whoever waits already; stops wait for nobody who waits.
    writer: Queue<Writer>,
    /// Deadlines that could not be dealt with, and when each is tried again.
    pub(crate) stalled: Mutex<Stalled>,
}

/// Deadlines that could not be dealt with, by case and deadline: when each is tried again, and how often it was.
pub(crate) type Stalled = HashMap<(String, Id, String), (Timestamp, u32)>;

/// Roles that see and remove any declared object that should be in force and is not.
pub(crate) const CLEARING: [Role; 2] = [Role::Authority, Role::Sre];

/// What the writer knows beyond the register.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Whether acts of the outbox may already stand in the journal.
    uncertain: bool,
    /// Acts that stand in the journal without the register saying so yet, as (revision, sequence).
    journalled: Vec<(u64, u64)>,
    /// Changes that are in the register, and take effect once their acts are in the journal.
    pending: Vec<Delta>,
}

impl Control {
    /// Takes the register over: acts that were accepted and not journalled are journalled now.
    ///
    /// # Errors
    /// Of the register, or [`Error::Unrecorded`].
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let writer = Writer { uncertain: true, journalled: Vec::new(), pending: Vec::new() };
        let control = Self {
            register: parts.register,
            clock: parts.clock,
            rng: parts.rng,
            log: parts.log,
            publish: parts.publish,
            rules: RwLock::new(Arc::new(parts.rules)),
            quotas: RwLock::default(),
            writer: Queue::new(writer),
            stalled: Mutex::default(),
        };
        drop(control.writer()?);
        control.bind_what_stands()?;
        control.mark_all()?;
        Ok(control)
    }

    /// What is in force, for building the gate's first snapshot.
    #[must_use]
    pub fn force(&self) -> Force<'_> {
        Force::new(&self.register)
    }

    /// The register.
    #[must_use]
    pub const fn register(&self) -> &Register {
        &self.register
    }

    /// How many changes wait for the one that is being made.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// The rules in use.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().expect("nothing panics while it holds the rules"))
    }

    pub(crate) fn replace_rules(&self, rules: Rules) -> Arc<Rules> {
        let rules = Arc::new(rules);
        *self.rules.write().expect("nothing panics while it holds the rules") = Arc::clone(&rules);
        rules
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a credential has a secret that came another way than by an act of the register.
    pub(crate) fn holds_secret(&self, credential: &shuzha_core::Id) -> bool {
        self.publish.holds_secret(credential)
    }

    /// An act of now, by nobody yet.
    pub(crate) fn new_act(&self, verb: &str, kind: &str, name: Id) -> Act {
        Act::new(&*self.clock, &*self.rng, verb, kind, name)
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// The writer's turn. Everything accepted before is in the journal and in effect when it begins.
    pub(crate) fn writer(&self) -> Result<Turn<'_, Writer>, Error> {
        self.writer_for(Urgency::Usual)
    }

    /// The same, for a change that is so pressing.
    pub(crate) fn writer_for(&self, urgency: Urgency) -> Result<Turn<'_, Writer>, Error> {
        let (mut writer, panicked) = self.writer.turn(urgency);
        // A panic in a turn may have left a change committed and not published: what the register says counts.
        writer.uncertain |= panicked;
        // What an earlier act left open is told to whoever did that act, and by the node's readiness.
        self.settle(&mut writer)?;
        Ok(writer)
    }

    /// Accepts one act: register, journal, effect. Answers its revision.
    pub(crate) fn accept(
        &self,
        writer: &mut Writer,
        mut batch: Batch,
        put: Vec<Declared>,
        removed: Vec<(&'static str, Id)>,
    ) -> Result<u64, Error> {
        batch.journalled.clone_from(&writer.journalled);
        let revision = self.register.commit(&batch).inspect_err(|error| {
            // The database may have kept it all the same.
            writer.uncertain |= matches!(error, CommitError::Store(_));
        })?;
        writer.journalled.clear();
        writer.pending.push(Delta { revision, put, removed });
        let late = self.settle(writer)?;
        if late.contains(&revision) { Err(NotInForce.into()) } else { Ok(revision) }
    }

    /// A register of software whose acts bound nothing: one act binds all that stands, from which the chain goes on.
    fn bind_what_stands(&self) -> Result<(), Error> {
        if !self.register.is_unbound()? {
            return Ok(());
        }
        let act = self.new_act("bind", REGISTER, Id::new("register").expect("a name"));
        let act = Act { reason: "acts bind what they leave from here on".to_owned(), ..act };
        let mut writer = self.writer()?;
        writer.uncertain = true;
        self.register.bind_all(&act, 0)?;
        self.settle(&mut writer).map(drop)
    }

    /// Refuses a change that could not take effect. A change that only takes something away is never refused: its effect
    /// depends on nothing that could fail.
    pub(crate) fn check_force(&self, put: &[Declared], removed: &[(&'static str, Id)]) -> Result<(), Error> {
        if put.iter().all(takes_away) {
            return Ok(());
        }
        let delta = Delta { revision: 0, put: put.to_vec(), removed: removed.to_vec() };
        Ok(self.publish.check(&delta, &self.force())?)
    }

    /// Whether this object should be in force on this node and is not.
    pub(crate) fn is_left_out(&self, kind: &str, name: &Id) -> bool {
        self.publish.is_left_out(kind, name)
    }

    /// Brings the outbox to the journal, each act once, and puts what is pending into effect. Answers the revisions that are
    /// not in force for it.
    fn settle(&self, writer: &mut Writer) -> Result<Vec<u64>, Error> {
        if writer.uncertain || !writer.pending.is_empty() {
            self.record(writer)?;
        }
        let mut late = Vec::new();
        for delta in writer.pending.drain(..) {
            let changes = !delta.put.is_empty() || !delta.removed.is_empty();
            if changes && self.publish.publish(&delta, &Force::new(&self.register)).is_err() {
                late.push(delta.revision);
            }
        }
        Ok(late)
    }

    fn record(&self, writer: &mut Writer) -> Result<(), Error> {
        let unrecorded = |_| {
            tracing::error!("acts of the register wait for the journal");
            Error::Unrecorded
        };
        let mut known = HashMap::new();
        if writer.uncertain {
            let from = self.register.journalled()?;
            known.extend(self.log.recorded_after(from).map_err(unrecorded)?);
        }
        for recorded in self.register.outbox()? {
            if writer.journalled.iter().any(|(revision, _)| *revision == recorded.revision) {
                continue;
            }
            let seq = match known.get(&recorded.act.id) {
                Some(&seq) => seq,
                None => self.log.append(&recorded).map_err(|error| {
                    writer.uncertain = true;
                    unrecorded(error)
                })?,
            };
            writer.journalled.push((recorded.revision, seq));
        }
        writer.uncertain = false;
        Ok(())
    }

    /// Writes down which acts stand in the journal; otherwise the next act does it.
    ///
    /// # Errors
    /// Of the register, or [`Error::Unrecorded`].
    pub fn flush(&self) -> Result<(), Error> {
        let mut writer = self.writer()?;
        self.register.mark_journalled(&writer.journalled)?;
        writer.journalled.clear();
        Ok(())
    }
}

/// Whether an object that comes into force only takes something away from others.
pub fn takes_away(put: &Declared) -> bool {
    put.kind == "Suspension" || (put.kind == "Credential" && put.spec["revoked"] == true)
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}
