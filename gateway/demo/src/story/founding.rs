//! How the persons of the story come to their accounts: a founder, a second person of another organisation, invitations
//! that only the node's user reads, and a device for each whose role demands one-time codes.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use shuzha_client::{ControlAnswer, ControlClient, Expect};
use shuzha_control::accounts::device_code;
use shuzha_core::Clock as _;
use shuzha_core::clock::ShiftedClock;
use shuzha_files::secret;
use shuzha_schema::account as of;
use shuzha_schema::consent::ConsentHolder;
use shuzha_schema::{IdNumber, Moment, Name, Nothing, Role};

use super::desk::{SignedOn, secret};
use super::persons::{ADMINISTRATOR, Person, SUBJECT, id_number};

/// Longest file with an invitation.
const FILE_BYTES_MAX: u64 = 4_096;

/// A register in which nobody is yet.
pub(super) struct Founding<'f> {
    /// Address of the control API.
    pub(super) base: &'f str,
    /// The one-time token of the first administrator.
    pub(super) first_token: &'f str,
    /// Where invitations are left.
    pub(super) invitations: &'f Path,
    pub(super) clock: &'f ShiftedClock,
}

impl Founding<'_> {
    /// The code that a device with this secret shows now.
    fn code(&self, enrolment: &of::Enrolment) -> Result<String> {
        device_code(&enrolment.secret, self.clock.now()).context("a device takes the secret")
    }

    fn anonymous(&self) -> Result<ControlClient> {
        Ok(ControlClient::new(self.base)?)
    }

    /// Makes the first administrator, who sets a device up before anything else.
    pub(super) fn administrator(&self) -> Result<ControlClient> {
        let (name, person, organisation) = ADMINISTRATOR;
        let (nobody, password) = (self.anonymous()?, secret());
        let first = of::FirstAdministrator {
            token: self.first_token.to_owned(),
            name: Name::of(name),
            organisation: Name::of(organisation),
            person: person.to_owned(),
            id_number: IdNumber::of(id_number(0)),
            password: password.clone(),
        };
        nobody.post::<of::Account>("/api/v1/first-administrator", &first).context(name)?;
        let sign_in = of::SignIn { name: name.to_owned(), password, code: None };
        let begun: ControlAnswer<of::SignedIn> =
            nobody.call("POST", "/api/v1/sessions", &sign_in, Expect::Any).context(name)?;
        let admin = nobody.by_session(&begun.http, &begun.body).context("a session")?;
        let enrolment = admin.post("/api/v1/me/one-time-code", &Nothing {}).context(name)?;
        let code = of::OneTimeCode { code: self.code(&enrolment)? };
        admin.post::<of::RecoveryCodes>("/api/v1/me/one-time-code:confirm", &code).context(name)?;
        Ok(admin)
    }

    /// Has the data subject's account bound to the person that they are, by two persons who saw the papers.
    pub(super) fn bind(admin: &ControlClient, second: &ControlClient) -> Result<()> {
        let (account, number) = SUBJECT;
        let wanted = ConsentHolder { account: Name::of(account), id_number: IdNumber::of(number) };
        let asked: of::WaitingRequest = admin.post("/api/v1/consent-holders", &wanted).context(account)?;
        confirm(second, &asked.request).context(account)?;
        Ok(())
    }

    /// Has an account made, confirmed where it needs a second person, and its invitation accepted; whoever calls by the
    /// token that the person makes.
    pub(super) fn welcome(
        &self,
        admin: &ControlClient,
        second: Option<&ControlClient>,
        (person, place): (&Person, usize),
        until: &str,
    ) -> Result<SignedOn> {
        let name = person.account;
        let roles = vec![Role::of(person.role)];
        let profile = of::Profile {
            organisation: Name::of(person.organisation),
            person: person.name.to_owned(),
            roles: roles.clone(),
            disabled: false,
            id_number: Some(IdNumber::of(id_number(place))),
        };
        let wanted = of::NewAccount { name: Name::of(name), profile };
        let code = match admin.post("/api/v1/accounts", &wanted).context(name)? {
            of::Handled::<of::MadeAccount>::Done(_) => None,
            of::Handled::Waits(waits) => {
                confirm(second.context("somebody confirms")?, &waits.request).context(name)?.code
            }
        };
        let file = self.invitations.join(format!("{name}.json"));
        let letter: Letter = serde_json::from_slice(&secret::read_private(&file, FILE_BYTES_MAX)?)?;
        let invitation = of::OpenInvitation { token: letter.token, code };
        let nobody = self.anonymous()?;
        let opened: of::OpenedInvitation =
            nobody.post("/api/v1/invitations:open", &invitation).context(name)?;
        let one_time_code = opened.enrolment.as_ref().map(|enrolment| self.code(enrolment)).transpose()?;
        let wanted = of::AcceptInvitation { invitation, password: secret(), one_time_code };
        let accepted: ControlAnswer<of::AcceptedInvitation> =
            nobody.call("POST", "/api/v1/invitations:accept", &wanted, Expect::Any).context(name)?;
        let signed_on = nobody.by_session(&accepted.http, &accepted.body.signed_in).context("a session")?;
        let (story, until) = (Name::of("story"), Moment::of(until));
        let wanted = of::NewToken { name: story, roles, read_only: false, until };
        let made: of::MadeToken = signed_on.post("/api/v1/me/tokens", &wanted).context(name)?;
        let token = made.token.context("a token")?;
        Ok(SignedOn { api: self.anonymous()?.by_token(&token), token })
    }
}

/// What an invitation's file holds.
#[derive(Deserialize)]
struct Letter {
    token: String,
}

fn confirm(second: &ControlClient, request: &of::AccountRequest) -> Result<of::DecidedRequest> {
    Ok(second.post(&format!("/api/v1/account-requests/{}:confirm", request.name), &Nothing {})?)
}
