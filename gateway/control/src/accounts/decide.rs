//! The second person: confirms or refuses what an administrator asked for; and how the administrator takes it back.

use shuzha_core::{Code, Id, Role};
use shuzha_products::case::Actor;
use shuzha_store::register::{Account, AccountRequest, Author, Effect, Link, RequestState};
use zeroize::Zeroizing;

use super::administer::Made;
use super::invitations::Issued;
use super::profile::{Profile, changed_account, new_account, reset_one_time, reset_password};
use super::requests::{Wanted, unreadable};
use super::{Accounts, conflict_is};
use crate::{Caller, Control, Error};

/// What came of a confirmed request.
pub struct Confirmed {
    /// The request as it stands now.
    pub request: AccountRequest,
    /// The account, and until when its invitation holds.
    pub made: Made,
    /// The code that the person needs beside their invitation: for whoever confirmed to hand over, and shown once.
    pub code: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Confirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confirmed")
            .field("request", &self.request)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// What a request comes to.
struct Deed {
    account: Account,
    effects: Vec<Effect>,
    /// Whether the person is invited.
    invites: bool,
    /// What another version, or a name that is taken, means here.
    otherwise: Code,
}

impl Accounts {
    /// Confirms a request: it is done now. A person who is invited needs the code that is answered here, so that neither
    /// whoever asked nor whoever confirmed can sign on alone.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003; C1112 where it is decided or over; C1111, C1105 for who may not be the second
    /// person; and what would refuse the change itself.
    pub fn confirm(&self, caller: &Caller, name: &Id) -> Result<Confirmed, Error> {
        let request = self.control.account_request(caller, name)?;
        let wanted = Wanted::read(&request)?;
        let actor = self.control.decidable(caller, &request, concerns(&wanted))?;
        let deed = self.deed(&request, &wanted)?;
        let issued = if deed.invites { Some(self.invite(&deed.account, true)?) } else { None };
        let done = self.confirmed(&request, &wanted, &actor, issued.as_ref());
        let account = done.inspect_err(|_| {
            if issued.is_some() {
                self.recall(&request.account);
            }
        })?;
        let request = self.control.register.account_request(name.as_str())?.ok_or(Code::C1003)?;
        let invited_until = issued.as_ref().map(|issued| issued.invitation.until);
        let made = Made { account, invited_until };
        Ok(Confirmed { request, made, code: issued.and_then(|issued| issued.code) })
    }

    /// Does what was asked, in one act.
    fn confirmed(
        &self,
        request: &AccountRequest,
        wanted: &Wanted,
        actor: &Actor,
        issued: Option<&Issued>,
    ) -> Result<Account, Error> {
        let mut writer = self.control.writer()?;
        // Judged again in the turn of the act: another act may have come between.
        let deed = self.deed(request, wanted)?;
        if self
            .control
            .register
            .account_request(request.name.as_str())?
            .is_none_or(|now| now.decided.is_some())
        {
            return Err(Code::C1112.into());
        }
        let mut effects = deed.effects;
        effects.extend(issued.map(|issued| Effect::Invite(issued.invitation.clone())));
        effects.push(Control::decided(request, RequestState::Confirmed, actor));
        let verb = format!("confirm-{}", request.verb);
        let done = self.accept_in(&mut writer, author(actor), &verb, &request.account, effects, None);
        let revision = done.map_err(conflict_is(deed.otherwise))?;
        let version = if matches!(wanted, Wanted::Create { .. } | Wanted::Change { .. }) {
            revision
        } else {
            deed.account.version
        };
        Ok(Account { version, ..deed.account })
    }

    /// What a request comes to now, by every rule.
    fn deed(&self, request: &AccountRequest, wanted: &Wanted) -> Result<Deed, Error> {
        let register = &self.control.register;
        let name = &request.account;
        let present =
            || -> Result<Account, Error> { Ok(register.account(name.as_str())?.ok_or(Code::C1003)?) };
        let profile_of = |kept: &super::requests::Kept| -> Result<Profile, Error> {
            kept.profile().ok_or_else(|| unreadable(request, "its profile is none"))
        };
        Ok(match wanted {
            Wanted::Create { profile } => {
                let profile = profile_of(profile)?;
                let account = self.checked_new(name, &profile)?;
                let effects = new_account(&account, profile.person_key);
                Deed { account, effects, invites: true, otherwise: Code::C1004 }
            }
            Wanted::Change { profile, expected } => {
                let profile = profile_of(profile)?;
                let before = present()?;
                if before.version != *expected {
                    return Err(Code::C1005.into());
                }
                let account = self.checked_change(&before, &profile)?;
                self.leaves_an_authority(&before, &account)?;
                let effects = changed_account(&account, *expected, profile.person_key);
                Deed { account, effects, invites: false, otherwise: Code::C1005 }
            }
            Wanted::ResetPassword => Deed {
                account: present()?,
                effects: reset_password(name),
                invites: true,
                otherwise: Code::C1112,
            },
            Wanted::RemoveOneTimeCode => Deed {
                account: present()?,
                effects: reset_one_time(name),
                invites: false,
                otherwise: Code::C1112,
            },
            Wanted::Link { issuer, subject } => {
                let link = Link { issuer: issuer.clone(), subject: subject.clone(), account: name.clone() };
                let effects = vec![Effect::Link(link), Effect::EndSignOns(name.clone(), None)];
                Deed { account: present()?, effects, invites: false, otherwise: Code::C1004 }
            }
            // Persons are bound where consents are kept.
            Wanted::Bind { .. } => return Err(Code::C1003.into()),
        })
    }

    /// Refuses a request, by whoever could confirm it.
    ///
    /// # Errors
    /// As [`Accounts::confirm`].
    pub fn refuse(&self, caller: &Caller, name: &Id) -> Result<AccountRequest, Error> {
        let request = self.control.account_request(caller, name)?;
        let concerns = concerns(&Wanted::read(&request)?);
        let actor = self.control.decidable(caller, &request, concerns)?;
        self.ended(&request, RequestState::Refused, &actor, "refuse")
    }

    /// Takes one's own request back.
    ///
    /// # Errors
    /// C1104 for someone else's; C1003; C1112 where it is decided or over.
    pub fn withdraw(&self, caller: &Caller, name: &Id) -> Result<AccountRequest, Error> {
        let actor = caller.acting(&[Role::Sre])?;
        let request = self.control.account_request(caller, name)?;
        if request.by != caller.account {
            return Err(Code::C1104.into());
        }
        self.ended(&request, RequestState::Withdrawn, &actor, "withdraw")
    }

    fn ended(
        &self,
        request: &AccountRequest,
        state: RequestState,
        actor: &Actor,
        verb: &str,
    ) -> Result<AccountRequest, Error> {
        let effects = vec![Control::decided(request, state, actor)];
        let verb = format!("{verb}-{}", request.verb);
        let done = self.accept(author(actor), &verb, &request.account, effects);
        done.map_err(conflict_is(Code::C1112))?;
        Ok(self.control.register.account_request(request.name.as_str())?.ok_or(Code::C1003)?)
    }
}

/// The person behind the account that a request would make or change, where it tells one.
fn concerns(wanted: &Wanted) -> Option<[u8; 32]> {
    match wanted {
        Wanted::Create { profile } | Wanted::Change { profile, .. } => profile.profile()?.person_key,
        _ => None,
    }
}

fn author(actor: &Actor) -> Author {
    super::author_as(actor)
}
