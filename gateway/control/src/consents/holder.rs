//! Which person an account is (实名): bound once, by whoever saw the papers, and never by the person alone.

use shuzha_core::{Code, Id, Role};
use shuzha_privacy::subject::{CanonicalId, IdKind};
use shuzha_store::consents::Holder;
use shuzha_store::register::{Act, Author, Batch};
use subtle::ConstantTimeEq as _;

use super::ConsentService;
use crate::{Caller, Error, stored};

/// Separates this use of the key from any other.
const DOMAIN: &[u8] = b"shuzha consent holder 1";
/// The kind under which bindings stand in the audit trail.
const KIND: &str = "ConsentHolder";

impl ConsentService {
    /// Binds an account to the person with this identifier. For the administrator of accounts, upon the person's papers;
    /// nobody binds their own. The identifier is not kept.
    ///
    /// # Errors
    /// C1104 without the role `sre`; C1105 for one's own account; C1002 for an identifier that is none, or an account that is
    /// no data subject's; C1504 where account or person is bound already.
    pub fn bind(&self, caller: &Caller, account: &Id, id_number: &str) -> Result<(), Error> {
        let actor = caller.acting(&[Role::Sre])?;
        if *account == caller.account {
            return Err(Code::C1105.into());
        }
        let holder = self.holder_of(&person(id_number)?);
        let known = self.control.register.account(account.as_str())?;
        if !known.is_some_and(|known| known.roles.contains(&Role::DataSubject) && !known.disabled) {
            let why = format!("is no account with the role `{}`", Role::DataSubject);
            return Err(Error::fault(Code::C1002, "account", why));
        }
        if !self.store.bind(account, &holder, self.control.now())? {
            return Err(Code::C1504.into());
        }
        let by = Author { account: actor.account, organisation: actor.organisation, role: actor.role };
        self.accept_binding(by, account).inspect_err(|_| {
            if let Err(error) = self.store.unbind(account) {
                tracing::error!(%error, "a binding without its act stays");
            }
        })
    }

    fn accept_binding(&self, by: Author, account: &Id) -> Result<(), Error> {
        let control = &self.control;
        let mut writer = control.writer()?;
        let act = Act {
            id: control.new_act_id(),
            salt: control.random(),
            at: control.now(),
            by: Some(by),
            duty: None,
            verb: "bind".to_owned(),
            kind: KIND.to_owned(),
            name: account.clone(),
            state: None,
            reason: String::new(),
            attachments: stored::write_attachments(&[]),
        };
        let (changes, effects, journalled) = (Vec::new(), Vec::new(), Vec::new());
        let batch = Batch { act, changes, effects, passed: None, answer: None, journalled };
        control.accept(&mut writer, batch, Vec::new(), Vec::new()).map(drop)
    }

    /// The identifier that a person gave for themselves.
    ///
    /// # Errors
    /// C1002 for one that is none; C1502 for another's.
    pub(super) fn themselves(&self, holder: &Holder, id_number: &str) -> Result<CanonicalId, Error> {
        let person = person(id_number)?;
        if bool::from(self.holder_of(&person).ct_eq(holder)) { Ok(person) } else { Err(Code::C1502.into()) }
    }

    fn holder_of(&self, person: &CanonicalId) -> Holder {
        self.holders.evaluate(&[DOMAIN, person.expose().as_bytes()].concat())
    }
}

/// The canonical identifier of a person; the fault says where it is wrong and never shows it.
fn person(id_number: &str) -> Result<CanonicalId, Error> {
    CanonicalId::new(IdKind::Person, id_number)
        .map_err(|error| Error::fault(Code::C1002, "idNumber", error.to_string()))
}
