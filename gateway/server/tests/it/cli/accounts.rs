//! How persons come to accounts in these tests: over HTTP, by the way that everybody takes.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use shuzha_control::accounts::device_code;
use shuzha_core::identity::person_check;
use shuzha_core::{Clock as _, SystemClock};

use super::gateway::{TestGateway, is_private};
use crate::home::text;

/// Good by every rule for passwords.
pub(super) const PASSWORD: &str = "three unrelated words";
/// Of everybody else.
const OWN: &str = "four further unrelated words";

/// The accounts of a house.
pub(super) struct Accounts {
    recovery: Mutex<Vec<String>>,
    /// The administrator's API token.
    root: String,
    /// That of the second person.
    pub(super) notary: String,
    invitations: PathBuf,
    persons: AtomicU32,
}

/// The number of a person who does not exist: the province was never assigned.
fn number(serial: u32) -> String {
    let first = format!("69011319800101{serial:03}");
    let check = person_check(first.as_bytes()).expect("17 digits");
    format!("{first}{}", char::from(check))
}

/// One request; its answer, and the cookie that it sets.
fn send(api: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> (Value, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{api}{path}"));
    for (name, value) in headers.iter().chain(&[("Content-Type", "application/json")]) {
        request = request.header(*name, *value);
    }
    let mut answer = agent.run(request.body(body.to_string()).expect("a request")).expect("answers");
    let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let status = answer.status();
    let text = answer.body_mut().read_to_string().expect("UTF-8");
    assert!(status.is_success(), "{method} {path}: {text}");
    (serde_json::from_str(&text).unwrap_or_default(), cookie)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A token, by a session that was begun.
fn token(api: &str, (begun, cookie): &(Value, String)) -> String {
    let mark = begun["csrf"].as_str().expect("a mark");
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24)).to_string();
    let body = json!({"name": "test", "roles": begun["account"]["roles"], "until": until});
    let (made, _) =
        send(api, "POST", "/api/v1/me/tokens", &[("Cookie", cookie), ("X-CSRF-Token", mark)], &body);
    made["token"].as_str().expect("shown once").to_owned()
}

fn shown(enrolment: &Value) -> String {
    device_code(enrolment["secret"].as_str().expect("a secret"), SystemClock.now()).expect("base 32")
}

impl Accounts {
    /// Makes the first administrator `root`, and the notary.
    pub(super) fn found(api: &str, first_token: &str, data: &Path) -> Self {
        let first = json!({
            "token": first_token, "name": "root", "organisation": "ops", "person": "李某", "idNumber": number(0),
            "password": PASSWORD,
        });
        send(api, "POST", "/api/v1/first-administrator", &[], &first);
        let sign_on = json!({"name": "root", "password": PASSWORD});
        let begun = send(api, "POST", "/api/v1/sessions", &[], &sign_on);
        let mark = begun.0["csrf"].as_str().expect("a mark");
        let session = [("Cookie", begun.1.as_str()), ("X-CSRF-Token", mark)];
        let (enrolment, _) = send(api, "POST", "/api/v1/me/one-time-code", &session, &json!({}));
        let code = json!({"code": shown(&enrolment)});
        let (confirmed, _) = send(api, "POST", "/api/v1/me/one-time-code:confirm", &session, &code);
        let codes = confirmed["recoveryCodes"].as_array().expect("codes").iter();
        let recovery = codes.map(|code| code.as_str().expect("text").to_owned()).collect();
        let mut accounts = Self {
            recovery: Mutex::new(recovery),
            root: token(api, &begun),
            notary: String::new(),
            invitations: data.join("invitations"),
            persons: AtomicU32::new(1),
        };
        accounts.notary = accounts.member(api, "notary", "notary-office", &["authority"]);
        accounts
    }

    /// One that was not used.
    pub(super) fn recovery_code(&self) -> String {
        self.recovery.lock().expect("no panics").pop().expect("ten are enough")
    }

    /// What nobody but its owner may read: passwords, tokens, recovery codes, numbers of persons.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut all = vec![PASSWORD.to_owned(), OWN.to_owned(), self.root.clone(), self.notary.clone()];
        all.extend(self.recovery.lock().expect("no panics").iter().cloned());
        all.extend((0..self.persons.load(Ordering::Relaxed)).map(number));
        all
    }

    /// Makes an account, has it confirmed and its invitation accepted; its API token.
    pub(super) fn member(&self, api: &str, name: &str, organisation: &str, roles: &[&str]) -> String {
        let serial = self.persons.fetch_add(1, Ordering::Relaxed);
        let account = json!({
            "name": name, "organisation": organisation, "person": "某人", "roles": roles, "idNumber": number(serial),
        });
        let root = bearer(&self.root);
        let (made, _) = send(api, "POST", "/api/v1/accounts", &[("Authorization", &root)], &account);
        let code = made["request"]["name"].as_str().map(|request| {
            let notary = bearer(&self.notary);
            let path = format!("/api/v1/account-requests/{request}:confirm");
            send(api, "POST", &path, &[("Authorization", &notary)], &json!({})).0["code"].clone()
        });
        let file = self.invitations.join(format!("{name}.json"));
        assert!(is_private(&file));
        let letter: Value = serde_json::from_slice(&std::fs::read(file).expect("left there")).expect("JSON");
        let mut body = json!({"token": letter["token"]});
        if let Some(code) = code {
            body["code"] = code;
        }
        let (opened, _) = send(api, "POST", "/api/v1/invitations:open", &[], &body);
        if opened["enrolment"].is_object() {
            body["oneTimeCode"] = shown(&opened["enrolment"]).into();
        }
        body["password"] = OWN.into();
        token(api, &send(api, "POST", "/api/v1/invitations:accept", &[], &body))
    }
}

/// The whole of it at a terminal: asked for by one, confirmed by another, accepted by the person.
#[test]
fn a3_accounts_are_made_confirmed_and_accepted_at_the_terminal() {
    let house = TestGateway::start();
    let (root, notary) = (house.root(), house.notary());
    let asked = root.told(
        &["account", "create", "zhou", "--organisation", "institute", "--person", "周某", "--role", "expert"],
        &number(500),
    );
    assert!(asked.status.success(), "{asked:?}");
    let request = text(&asked.stdout).split_whitespace().next().expect("a name").to_owned();
    assert!(notary.done(&["account", "requests"]).contains(&request));
    let own = root.run(&["account", "confirm", &request]);
    assert!(!own.status.success() && text(&own.stderr).contains("C1104"), "{own:?}");
    let confirmed = notary.done(&["account", "confirm", &request]);
    let code = confirmed.lines().last().expect("the code").to_owned();
    let letter = house.data().join("invitations/zhou.json");
    assert!(is_private(&letter));
    let zhou = house.person("zhou");
    let accept = ["account", "accept", letter.to_str().expect("UTF-8")];
    let wrong = zhou.told(&accept, "AAAA-AAAA\n");
    assert!(text(&wrong.stderr).contains("C1113"), "{wrong:?}");
    let accepted = zhou.told(&accept, &format!("{code}\n{OWN}\n{OWN}\n"));
    assert!(accepted.status.success(), "{accepted:?}");
    assert!(!letter.exists(), "a used invitation goes");
    assert!(zhou.done(&["organisation", "list"]).contains("name"));
    let refused = zhou.run(&["account", "list"]);
    assert!(text(&refused.stderr).contains("C1104"), "{refused:?}");
    let told = notary.done(&["account", "refused"]);
    assert!(told.contains("root") && told.contains("C1104") && told.contains(&request), "{told}");
    root.done(&["account", "close", "zhou"]);
    let closed = zhou.run(&["organisation", "list"]);
    assert!(text(&closed.stderr).contains("C1101"), "{closed:?}");
}
