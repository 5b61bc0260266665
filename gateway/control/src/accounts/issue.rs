//! Secrets of credentials, issued by an act: made here because the master key is here. Shown once, kept sealed, in force on
//! serving when the act is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use shuzha_core::{Code, Id};
use shuzha_products::case::Declared;
use shuzha_store::SealedSecret;
use shuzha_store::register::{Answer, Effect};
use zeroize::Zeroizing;

use super::Accounts;
use crate::force::json as parse;
use crate::view::Request;
use crate::writing::CREDENTIAL;
use crate::{Caller, Error, Kind};

/// Bytes of a secret: as long as the digest of either algorithm (RFC 2104 §3).
const SECRET_BYTES: usize = 32;

/// A secret that was issued.
pub struct Issued {
    /// What the credential signs with, `hmac-sha256`.
    pub algorithm: String,
    /// The secret in base 64; none for a retry, because it was shown before.
    pub secret: Option<Zeroizing<String>>,
    /// Whether calls are known by it already. Otherwise the act stands and the node goes on trying (C1018); the secret is this
    /// one all the same, because it is shown only once.
    pub in_force: bool,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Issues the secret of an HMAC credential. A credential has one, once: to rotate, another credential is declared,
    /// and this one revoked when callers have changed over (成对轮换, REQUIREMENTS A4). One that somebody else declared for the
    /// unit is in force from here on: whoever holds its secret is a person of the unit. Where the act is kept and not in force
    /// yet, the secret is answered all the same, and says so.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where the credential is not the caller's to see; C1023 for whoever is not of the
    /// unit; C1015 where it has a secret; C1016 where it uses none, or was revoked; C1020 where its name must not come back;
    /// C1002 for the reason.
    pub fn issue_secret(
        &self,
        caller: &Caller,
        credential: &Id,
        reason: &str,
        key: Option<&str>,
    ) -> Result<Issued, Error> {
        let Some(Kind::Declared(_, access)) = Kind::find(CREDENTIAL) else { return Err(Code::C1003.into()) };
        caller.acting(&access.roles())?;
        if reason.chars().count() > Request::REASON_CHARS_MAX {
            let most = format!("has at most {} characters", Request::REASON_CHARS_MAX);
            return Err(Error::fault(Code::C1002, "reason", most));
        }
        let asked = Self::asked(caller, key, &json!(["issue-secret", credential.as_str()]))?;
        let issue = |answer: Option<Answer>| {
            let control = &self.control;
            let mut writer = control.writer()?;
            let object = control.register.get(CREDENTIAL, credential.as_str())?.ok_or(Code::C1003)?;
            let kind = Kind::find(CREDENTIAL).ok_or(Code::C1003)?;
            if !control.sees(caller, kind, &object)? {
                return Err(Code::C1003.into());
            }
            let spec = parse(&object, &object.spec)?;
            // Whoever holds the secret acts as the unit: nobody else is shown it, not even who declared the credential.
            let actor = control
                .of_the_unit(caller, access, credential, &object, &spec)
                .map_err(|error| if error.code() == Code::C1104 { Code::C1023.into() } else { error })?;
            let algorithm = spec["algorithm"].as_str().unwrap_or_default().to_owned();
            if !algorithm.starts_with("hmac-") || spec["revoked"] == true {
                return Err(Code::C1016.into());
            }
            if control.register.has_secret(credential)? || control.holds_secret(credential) {
                return Err(Code::C1015.into());
            }
            let bytes = Zeroizing::new(control.random::<SECRET_BYTES>());
            let sealed = SealedSecret::seal(&self.master, &*control.rng, credential, &algorithm, &*bytes)?;
            let by = super::author_as(&actor);
            let act = self.act_on(by, "issue-secret", (CREDENTIAL, credential), reason);
            let confirmed = control.confirming(&actor, &object, &spec, control.now())?;
            let mut batch = super::batch(act, vec![Effect::Secret(sealed)], answer);
            batch.changes.extend(confirmed);
            let again = vec![Declared { kind: CREDENTIAL, name: credential.clone(), spec }];
            let in_force = match control.accept(&mut writer, batch, again, Vec::new()) {
                Ok(_) => true,
                Err(error @ (Error::NotInForce(_) | Error::Unrecorded)) => {
                    tracing::error!(%credential, %error, "a secret was issued and is not in force yet");
                    false
                }
                Err(error) => return Err(error),
            };
            Ok(Issued { algorithm, secret: Some(Zeroizing::new(STANDARD.encode(*bytes))), in_force })
        };
        let shown_before = || {
            let object = self.control.get(caller, CREDENTIAL, credential)?;
            let algorithm = object.spec["algorithm"].as_str().unwrap_or_default().to_owned();
            let in_force = !self.control.is_left_out(CREDENTIAL, credential);
            Ok(Issued { algorithm, secret: None, in_force })
        };
        self.once(&asked, issue, shown_before)
    }
}
