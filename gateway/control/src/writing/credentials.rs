//! Credentials of application units: whose word brings one into force, and that nothing brings back what was revoked.
//!
//! A unit declares its own credential, in force when answered. One that somebody else declares for it — its operator, the
//! administrator — waits (`pending`) until a person of the unit confirms it with proof of possession: a signature by the key
//! over a text that names credential, unit, key and a number used once; or, where it signs with a shared secret, by having
//! the secret issued to them. Until then no call is known by it (C103).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_products::case::{Actor, Declared};
use shuzha_products::{Window, World, instant_text};
use shuzha_store::register::{CaseState, Change, Content, Effect, Held, Object};

use super::declare::declared;
use super::ready::references;
use super::{Ready, check, in_force_before};
use crate::access::{Access, Row};
use crate::force::{CONFIRMED, PENDING, json as parse, waits};
use crate::permission::Of;
use crate::queue::Urgency;
use crate::view::{ObjectView, Outcome, Request};
use crate::{Caller, Control, Error, Kind};

/// The kind.
pub(crate) const CREDENTIAL: &str = "Credential";
/// What the text to be signed begins with.
const CHALLENGE: &str = "shuzha credential confirmation v1";
/// Bytes of the number used once.
const NONCE_BYTES: usize = 16;

impl Control {
    /// Takes a credential out of force for good: its unit its own, operators those of units they serve, the authority and
    /// administrators everybody's. Whoever is in a hurry need not name the version.
    ///
    /// # Errors
    /// C1104, C1106 without the role or the relation; C1003 where it is not the caller's to see; C1005 for its version; C1007
    /// where it was revoked before.
    pub fn revoke(&self, caller: &Caller, name: &Id, request: &Request<'_>) -> Result<Outcome, Error> {
        let (kind, access) = credential()?;
        caller.acting(&access.revoke.iter().map(|(role, _)| *role).collect::<Vec<_>>())?;
        let asked = check::Asked::new("revoke", kind, name, &Value::Null, request)?;
        let mut writer = self.writer_for(Urgency::Stop)?;
        if let Some(kept) = self.kept(caller, &asked)? {
            return Ok(kept);
        }
        let before = self.load_latest(caller, kind, name, request.expected)?;
        let mut spec = parse(&before, &before.spec)?;
        let of = Of { kind: CREDENTIAL, name, owner: before.owner.as_ref(), spec: &spec };
        let actor = self.permitted(caller, access.revoke, of)?;
        if spec["revoked"] == true {
            return Err(Code::C1007.into());
        }
        spec["revoked"] = true.into();
        let state = before.state.clone();
        let ready = self.rewritten(kind, name, before, (&spec, state), "revoke")?;
        self.finish(&mut writer, &actor, &asked, ready, self.now())
    }

    /// Brings a credential with a key pair into force that somebody else declared: `signature` is by its key, over the
    /// challenge that it shows.
    ///
    /// # Errors
    /// C1104, C1106 for whoever is not of the unit; C1003 where it is not the caller's to see; C1005 for its version; C1007
    /// where it does not wait; C1020, C1021 where name or key must not come back; C1024 where the signature does not prove the
    /// key, or there is none to prove.
    pub fn confirm(
        &self,
        caller: &Caller,
        name: &Id,
        signature: &str,
        request: &Request<'_>,
    ) -> Result<Outcome, Error> {
        let (kind, access) = credential()?;
        caller.acting(&[Role::ApplicationUnit])?;
        let asked = check::Asked::new("confirm", kind, name, &json!(signature), request)?;
        let mut writer = self.writer()?;
        if let Some(kept) = self.kept(caller, &asked)? {
            return Ok(kept);
        }
        let before = self.load_latest(caller, kind, name, request.expected)?;
        let spec = parse(&before, &before.spec)?;
        let actor = self.of_the_unit(caller, access, name, &before, &spec)?;
        if !waits(before.state.as_ref()) || spec["revoked"] == true {
            return Err(Code::C1007.into());
        }
        let Some(key) = spec["publicKey"].as_str().and_then(|key| STANDARD.decode(key).ok()) else {
            let reason =
                "is not stated: a secret confirms when it is issued, a key in a file is declared by the unit";
            return Err(Error::fault(Code::C1024, "spec.publicKey", reason));
        };
        let details = super::state_of(&before)?;
        let challenge = details["challenge"].as_str().unwrap_or_default();
        let proven = STANDARD.decode(signature).is_ok_and(|signature| {
            UnparsedPublicKey::new(&ED25519, &key).verify(challenge.as_bytes(), &signature).is_ok()
        });
        if challenge.is_empty() || !proven {
            let reason = "is not a signature by this key over the challenge";
            return Err(Error::fault(Code::C1024, "signature", reason));
        }
        self.may_come_into_force(name, &spec, None)?;
        let now = self.now();
        let ready = self.rewritten(kind, name, before, (&spec, Some(confirmed(&actor, now))), "confirm")?;
        self.finish(&mut writer, &actor, &asked, ready, now)
    }

    /// What the caller may do to a credential that waited or waits for its unit.
    pub(crate) fn credential_verbs(
        &self,
        caller: &Caller,
        access: &Access,
        view: &ObjectView,
    ) -> Result<Vec<&'static str>, Error> {
        let of = Of { kind: CREDENTIAL, name: &view.name, owner: view.owner.as_ref(), spec: &view.spec };
        let mut verbs = Vec::new();
        if view.spec["revoked"] == true {
            return Ok(verbs);
        }
        let pending = view.state.as_ref().is_some_and(|(state, _)| state == PENDING);
        let own = self.permitted(caller, &units(access), of).is_ok();
        let pair = view.spec["algorithm"] == "ed25519";
        if own && pending && pair {
            verbs.push("confirm");
        }
        if own && !pair && !self.register.has_secret(&view.name)? {
            verbs.push("issue-secret");
        }
        if self.permitted(caller, access.revoke, of).is_ok() {
            verbs.push("revoke");
        }
        Ok(verbs)
    }

    /// The caller as a person of the unit that the credential belongs to.
    pub(crate) fn of_the_unit(
        &self,
        caller: &Caller,
        access: &Access,
        name: &Id,
        object: &Object,
        spec: &Value,
    ) -> Result<Actor, Error> {
        self.permitted(
            caller,
            &units(access),
            Of { kind: CREDENTIAL, name, owner: object.owner.as_ref(), spec },
        )
    }

    /// The change by which the issue of its secret confirms a credential; none where it waits for nobody.
    pub(crate) fn confirming(
        &self,
        actor: &Actor,
        object: &Object,
        spec: &Value,
        now: Timestamp,
    ) -> Result<Option<Change>, Error> {
        if !waits(object.state.as_ref()) {
            return Ok(None);
        }
        self.may_come_into_force(&object.name, spec, None)?;
        let to = self.rewritten_content(object, spec, Some(confirmed(actor, now)))?;
        let (kind, name) = (CREDENTIAL.to_owned(), object.name.clone());
        Ok(Some(Change { kind, name, expected: Some(object.version), to: Some(to) }))
    }

    /// How a credential stands once `actor` has written it so.
    pub(super) fn standing(
        &self,
        actor: &Actor,
        before: Option<&Object>,
        name: &Id,
        spec: &Value,
    ) -> Result<Option<CaseState>, Error> {
        let own = actor.role == Role::ApplicationUnit;
        let old = before.map(|before| parse(before, &before.spec)).transpose()?;
        let state = match (before, &old) {
            (None, _) if own => None,
            (None, _) => Some(self.pending(&actor.organisation, name, spec)?),
            (Some(before), _) if waits(before.state.as_ref()) => {
                let declared_by = super::state_of(before)?["declaredBy"].as_str().map(Id::new);
                let by = declared_by.and_then(Result::ok).unwrap_or_else(|| actor.organisation.clone());
                Some(self.pending(&by, name, spec)?)
            }
            (Some(before), Some(old)) => {
                let (_, access) = credential()?;
                let takes = old == spec || super::declare::is_revocation(access, old, spec);
                if !own && !takes {
                    let reason = "is changed by its unit only; others revoke it";
                    return Err(Error::fault(Code::C1022, "spec", reason));
                }
                reopens(old, spec, self.now())?;
                before.state.clone()
            }
            (Some(_), None) => None,
        };
        if !waits(state.as_ref()) {
            let was = old.as_ref().filter(|_| before.is_some_and(|before| !waits(before.state.as_ref())));
            self.may_come_into_force(name, spec, was)?;
        }
        Ok(state)
    }

    /// Refuses what must not come back: a revoked credential's name, and a key that is another's or was given up. `before` is
    /// what is in force already.
    fn may_come_into_force(&self, name: &Id, spec: &Value, before: Option<&Value>) -> Result<(), Error> {
        if spec["revoked"] == true {
            return Ok(());
        }
        if before.is_none() && !self.register.may_hold(name, &Held::Name)? {
            let reason = "is the name of a credential that was revoked";
            return Err(Error::fault(Code::C1020, "metadata.name", reason));
        }
        let Some(key) = spec["publicKey"].as_str() else { return Ok(()) };
        let held = before.is_some_and(|before| before["publicKey"] == spec["publicKey"]);
        if !held && !self.register.may_hold(name, &Held::Key(key.to_owned()))? {
            let reason = "is the key of another credential, or of one that was revoked or removed";
            return Err(Error::fault(Code::C1021, "spec.publicKey", reason));
        }
        Ok(())
    }

    /// Waiting for a person of the unit.
    fn pending(&self, declared_by: &Id, name: &Id, spec: &Value) -> Result<CaseState, Error> {
        let mut details = json!({"declaredBy": declared_by.as_str()});
        // A key that a file of the node holds is not known here: such a credential is declared by the unit itself.
        if let Some(key) = spec["publicKey"].as_str() {
            let nonce: String = shuzha_core::hex::encode(&self.random::<NONCE_BYTES>());
            let unit = spec["unit"].as_str().unwrap_or_default();
            details["challenge"] =
                format!("{CHALLENGE}\ncredential: {name}\nunit: {unit}\nkey: {key}\nnonce: {nonce}").into();
        }
        Ok(CaseState { name: PENDING.to_owned(), json: details.to_string(), editable: false })
    }

    /// The credential as it stands, for verbs that need not name a version.
    fn load_latest(
        &self,
        caller: &Caller,
        kind: Kind,
        name: &Id,
        expected: Option<u64>,
    ) -> Result<Object, Error> {
        let object = self.register.get(kind.name(), name.as_str())?.ok_or(Code::C1003)?;
        if !self.sees(caller, kind, &object)? {
            return Err(Code::C1003.into());
        }
        match expected {
            Some(version) if version != object.version => Err(Code::C1005.into()),
            _ => Ok(object),
        }
    }

    fn rewritten(
        &self,
        kind: Kind,
        name: &Id,
        before: Object,
        (spec, state): (&Value, Option<CaseState>),
        verb: &str,
    ) -> Result<Ready, Error> {
        let content = self.rewritten_content(&before, spec, state.clone())?;
        let owner = before.owner.clone();
        let ready = declared(kind, name, Some(before), owner, (spec, state), content.refers);
        Ok(Ready { verb: verb.to_owned(), ..ready })
    }

    fn rewritten_content(
        &self,
        object: &Object,
        spec: &Value,
        state: Option<CaseState>,
    ) -> Result<Content, Error> {
        let (world, met) =
            self.force().fetching(|fetch| World::read_closure(CREDENTIAL, &object.name, spec, fetch))?;
        world.map_err(check::faulty)?;
        Ok(Content {
            owner: object.owner.clone(),
            spec: spec.to_string(),
            state,
            refers: references(met),
            in_force: Vec::new(),
            marks: Vec::new(),
            deadlines: Vec::new(),
        })
    }
}

/// What a change of a credential does to what it holds for good.
pub(super) fn held(ready: &Ready) -> Vec<Effect> {
    let name = &ready.name;
    let revoked = |list: &[Declared]| list.first().is_some_and(|held| held.spec["revoked"] == true);
    let before = in_force_before(ready.before.as_ref()).unwrap_or_default();
    let mut effects = Vec::new();
    if ready.to.is_none() {
        // A credential takes its secret along: one of the same name must not be opened by it.
        effects.extend([Effect::ForgetSecret(name.clone()), Effect::RetireKeys(name.clone(), None)]);
        if revoked(&before) {
            effects.push(Effect::RetireName(name.clone()));
        }
    } else if revoked(&ready.in_force) {
        effects.extend([Effect::RetireKeys(name.clone(), None), Effect::RetireName(name.clone())]);
    } else if let Some(held) = ready.in_force.first() {
        let key = held.spec["publicKey"].as_str().map(str::to_owned);
        let same = before.first().is_some_and(|old| old.spec["publicKey"] == held.spec["publicKey"]);
        effects.push(Effect::RetireKeys(name.clone(), key.clone()));
        effects.extend(key.filter(|_| !same).map(|key| Effect::HoldKey(name.clone(), key)));
    }
    effects
}

/// The rows of the unit's own persons.
fn units(access: &Access) -> Vec<Row> {
    access.declare.iter().filter(|(role, _)| *role == Role::ApplicationUnit).copied().collect()
}

fn credential() -> Result<(Kind, &'static Access), Error> {
    match Kind::find(CREDENTIAL) {
        Some(kind @ Kind::Declared(_, access)) => Ok((kind, access)),
        _ => Err(Code::C1003.into()),
    }
}

fn confirmed(actor: &Actor, now: Timestamp) -> CaseState {
    let details = json!({"confirmedBy": actor.organisation.as_str(), "at": instant_text(now)});
    CaseState { name: CONFIRMED.to_owned(), json: details.to_string(), editable: false }
}

/// Refuses a window that begins to run again after it has ended.
fn reopens(old: &Value, spec: &Value, now: Timestamp) -> Result<(), Error> {
    let end = |spec: &Value| Window::of_spec(&spec["window"]).map(Window::until);
    match (end(old), end(spec)) {
        (Some(ended), Some(until)) if ended <= now && until > ended => {
            let reason = "has ended, and does not begin again";
            Err(Error::fault(Code::C1020, "spec.window.until", reason))
        }
        _ => Ok(()),
    }
}
