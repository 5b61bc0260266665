//! How the persons of the story come to their accounts: a founder, a second person of another organisation, invitations
//! that only the node's user reads, and a device for each whose role demands one-time codes.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shuzha_control::accounts::device_code;
use shuzha_core::Clock as _;
use shuzha_core::clock::ShiftedClock;

use super::desk::{Headers, expect, secret, send, session, sign_in};
use super::persons::{ADMINISTRATOR, Person, SUBJECT, id_number};
use crate::client::Client;
use crate::secret_file;

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
    fn code(&self, enrolment: &Value) -> Result<String> {
        let secret = enrolment["secret"].as_str().context("a secret")?;
        device_code(secret, self.clock.now()).context("a device takes the secret")
    }

    /// Makes the first administrator, who sets a device up before anything else.
    pub(super) fn administrator(&self, client: &Client) -> Result<Headers> {
        let (name, person, organisation) = ADMINISTRATOR;
        let password = secret();
        let first = json!({"token": self.first_token, "name": name, "organisation": organisation,
            "person": person, "idNumber": id_number(0), "password": password});
        expect(&send(client, &[], "POST", "/api/v1/first-administrator", &first)?, name)?;
        let admin = sign_in(client, name, &password)?;
        let enrolment = expect(&send(client, &admin, "POST", "/api/v1/me/one-time-code", &json!({}))?, name)?;
        let code = json!({"code": self.code(&enrolment)?});
        expect(&send(client, &admin, "POST", "/api/v1/me/one-time-code:confirm", &code)?, name)?;
        Ok(admin)
    }

    /// Has the data subject's account bound to the person that they are, by two persons who saw the papers.
    pub(super) fn bind(client: &Client, admin: &[(String, String)], second: &Headers) -> Result<()> {
        let (account, number) = SUBJECT;
        let wanted = json!({"account": account, "idNumber": number});
        let asked = expect(&send(client, admin, "POST", "/api/v1/consent-holders", &wanted)?, account)?;
        let request = asked["request"]["name"].as_str().context("a request")?;
        let path = format!("/api/v1/account-requests/{request}:confirm");
        expect(&send(client, second, "POST", &path, &json!({}))?, account)?;
        Ok(())
    }

    /// Has an account made, confirmed where it needs a second person, and its invitation accepted; the headers of the
    /// token that the person makes.
    pub(super) fn welcome(
        &self,
        client: &Client,
        admin: &[(String, String)],
        second: Option<&Headers>,
        (person, place): (&Person, usize),
        until: &str,
    ) -> Result<Headers> {
        let name = person.account;
        let profile = json!({"name": name, "organisation": person.organisation, "person": person.name,
            "roles": [person.role.as_str()], "idNumber": id_number(place)});
        let made = expect(&send(client, admin, "POST", "/api/v1/accounts", &profile)?, name)?;
        let code = match made["request"]["name"].as_str() {
            None => Value::Null,
            Some(request) => {
                let second = second.context("somebody confirms")?;
                let path = format!("/api/v1/account-requests/{request}:confirm");
                expect(&send(client, second, "POST", &path, &json!({}))?, name)?["code"].clone()
            }
        };
        let file = self.invitations.join(format!("{name}.json"));
        let letter: Value = serde_json::from_slice(&secret_file::read_private(&file, FILE_BYTES_MAX)?)?;
        let mut invitation = json!({"token": letter["token"]});
        if !code.is_null() {
            invitation["code"] = code;
        }
        let opened = expect(&send(client, &[], "POST", "/api/v1/invitations:open", &invitation)?, name)?;
        if opened["enrolment"].is_object() {
            invitation["oneTimeCode"] = self.code(&opened["enrolment"])?.into();
        }
        invitation["password"] = secret().into();
        let accepted = send(client, &[], "POST", "/api/v1/invitations:accept", &invitation)?;
        let signed_on = session(&accepted, name)?;
        let asked =
            json!({"name": "story", "roles": [person.role.as_str()], "readOnly": false, "until": until});
        let token = expect(&send(client, &signed_on, "POST", "/api/v1/me/tokens", &asked)?, name)?;
        let token = token["token"].as_str().context("a token")?;
        Ok(vec![("Authorization".to_owned(), format!("Bearer {token}"))])
    }
}
