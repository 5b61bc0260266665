//! Which person an account is (实名): bound once, by two persons who saw the papers, and never by the person alone.

use shuzha_core::{Code, Id, Role};
use shuzha_privacy::subject::{CanonicalId, IdKind};
use shuzha_store::consents::Holder;
use shuzha_store::register::{AccountRequest, Act, Author, Batch, Effect, RequestState};
use subtle::ConstantTimeEq as _;

use super::ConsentService;
use crate::accounts::requests::{Wanted, decode, encode, unreadable};
use crate::control::Writer;
use crate::{Caller, Control, Error};

/// Separates this use of the key from any other.
const DOMAIN: &[u8] = b"shuzha consent holder 1";
/// The kind under which bindings stand in the audit trail.
pub const KIND: &str = "ConsentHolder";

impl ConsentService {
    /// Asks a second person to bind an account to the person with this identifier, upon the person's papers. For the
    /// administrator of accounts; nobody binds their own. The identifier is not kept.
    ///
    /// # Errors
    /// C1104 without the role `sre`; C1105 for one's own account; C1002 for an identifier that is none, or an account that is
    /// no data subject's; C1504 where account or person is bound already; C1116 where too many requests wait.
    pub fn bind(&self, caller: &Caller, account: &Id, id_number: &str) -> Result<AccountRequest, Error> {
        let actor = caller.acting(&[Role::Sre])?;
        if self.control.same_person(account, &caller.account)? {
            return Err(Code::C1105.into());
        }
        let holder = self.holder_of(&person(id_number)?);
        self.can_be_bound(account)?;
        if self.store.holder(account)?.is_some() || self.store.is_bound(&holder)? {
            return Err(Code::C1504.into());
        }
        let wanted = Wanted::Bind { holder: encode(&holder) };
        let by = Author { account: actor.account, organisation: actor.organisation, role: actor.role };
        let mut writer = self.control.writer()?;
        let (request, effect) = self.control.requested(&by, account, &wanted)?;
        self.accept_binding(&mut writer, by, "request-bind", account, effect)?;
        Ok(request)
    }

    /// Confirms such a request, by a second person of another organisation, who saw the papers too.
    ///
    /// # Errors
    /// As [`crate::accounts::Accounts::confirm`]; C1002, C1504 as [`ConsentService::bind`].
    pub fn confirm_binding(&self, caller: &Caller, name: &Id) -> Result<AccountRequest, Error> {
        let control = &self.control;
        let request = control.account_request(caller, name)?;
        let Wanted::Bind { holder } = Wanted::read(&request)? else { return Err(Code::C1003.into()) };
        let actor = control.decidable(caller, &request, None)?;
        let holder = decode(&holder).ok_or_else(|| unreadable(&request, "its person is none"))?;
        let account = &request.account;
        self.can_be_bound(account)?;
        let mut writer = control.writer()?;
        if !self.store.bind(account, &holder, control.now())? {
            return Err(Code::C1504.into());
        }
        let by = Author {
            account: actor.account.clone(),
            organisation: actor.organisation.clone(),
            role: actor.role,
        };
        let effect = Control::decided(&request, RequestState::Confirmed, &actor);
        self.accept_binding(&mut writer, by, "bind", account, effect)
            .map_err(|error| match error {
                Error::Refused(refusal) if refusal.code == Code::C1005 => Code::C1112.into(),
                other => other,
            })
            .inspect_err(|_| {
                if let Err(error) = self.store.unbind(account) {
                    tracing::error!(%error, "a binding without its act stays");
                }
            })?;
        Ok(control.register.account_request(name.as_str())?.ok_or(Code::C1003)?)
    }

    fn can_be_bound(&self, account: &Id) -> Result<(), Error> {
        let known = self.control.register.account(account.as_str())?;
        if known.is_some_and(|known| known.roles.contains(&Role::DataSubject) && !known.disabled) {
            return Ok(());
        }
        let why = format!("is no account with the role `{}`", Role::DataSubject);
        Err(Error::fault(Code::C1002, "account", why))
    }

    fn accept_binding(
        &self,
        writer: &mut Writer,
        by: Author,
        verb: &str,
        account: &Id,
        effect: Effect,
    ) -> Result<(), Error> {
        let control = &self.control;
        let act = Act { by: Some(by), ..control.new_act(verb, KIND, account.clone()) };
        let batch = Batch { effects: vec![effect], ..Batch::of(act) };
        control.accept(writer, batch, Vec::new(), Vec::new()).map(drop)
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
