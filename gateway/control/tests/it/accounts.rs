//! Accounts, as persons and attackers meet them.

mod entering;

use std::time::Duration;

use serde_json::json;
use shuzha_control::accounts::{
    AccountRequest, First, Handled, Made, Options, Profile, RequestState, device_code,
};
use shuzha_control::{Caller, Error, Quotas};
use shuzha_core::{Clock as _, Code, Role, Timestamp};
use shuzha_store::register::{ActFilter, RefusedFilter};
use shuzha_testkit_control::{TestControl, TestWorld, by, code, id, organisation, person};

const ROOT_PASSWORD: &str = "three unrelated words";
const OWN_PASSWORD: &str = "nine green lanterns";
const FROM: &str = "192.0.2.1";

/// The number of a person who does not exist: the province was never assigned.
fn number(serial: u32) -> String {
    let first = format!("69011319800101{serial:03}");
    let check = shuzha_core::identity::person_check(first.as_bytes()).expect("17 digits");
    format!("{first}{}", char::from(check))
}

/// A control plane and the persons who sign on to it.
struct Persons(TestControl);

impl std::ops::Deref for Persons {
    type Target = TestControl;

    fn deref(&self) -> &TestControl {
        &self.0
    }
}

impl Persons {
    fn profile(&self, organisation: &str, roles: &[Role], serial: u32) -> Profile {
        Profile {
            organisation: id(organisation),
            person: "王某".to_owned(),
            roles: roles.to_vec(),
            disabled: false,
            person_key: Some(self.accounts.person_of(&number(serial)).expect("a number")),
        }
    }

    fn found(&self, token: &str, password: &str) -> Result<shuzha_control::accounts::Account, Error> {
        let (name, organisation, number) = (id("root"), id("ops"), number(0));
        let first = First {
            token,
            name: &name,
            organisation: &organisation,
            person: "李某",
            id_number: &number,
            password,
        };
        self.accounts.create_first(&first, FROM)
    }

    /// With its first administrator, who has set a device up; and the recovery codes.
    fn founded() -> (Self, Caller, Vec<String>) {
        let house = Self(TestControl::new());
        let token = house.accounts.first_token().expect("answers").expect("no account yet");
        house.found(&token, ROOT_PASSWORD).expect("made");
        let started = house.accounts.sign_in("root", ROOT_PASSWORD, None, FROM).expect("signed on");
        assert!(started.must_enrol);
        let root = house.accounts.session(&started.session).expect("holds").caller;
        assert!(root.roles.is_empty(), "until then they act in no role");
        let enrolment = house.accounts.enrol_one_time(&root).expect("enrolled");
        let shown = device_code(&enrolment.secret, house.clock.now()).expect("a secret");
        let codes =
            house.accounts.confirm_one_time(&root, &shown, Some(&started.session)).expect("confirmed");
        let root = house.accounts.session(&started.session).expect("goes on").caller;
        (house, root, codes.iter().map(|code| code.to_string()).collect())
    }

    /// And with the first of the authority, of another organisation.
    fn administered() -> (Self, Caller, Caller) {
        let (house, root, _) = Self::founded();
        let profile = house.profile("bureau", &[Role::Authority], 1);
        done(house.accounts.create(&root, &id("wang"), profile, None));
        let wang = house.accept("wang", None);
        (house, root, wang)
    }

    /// Accepts the invitation of an account, and signs on.
    fn accept(&self, account: &str, code: Option<&str>) -> Caller {
        let token = self.letters.tokens.lock().expect("answers")[&id(account)].clone();
        let opened = self.accounts.open_invitation(&token, code).expect("opens");
        let shown = opened
            .enrolment
            .map(|enrolment| device_code(&enrolment.secret, self.clock.now()).expect("a secret"));
        let accepted = self.accounts.accept_invitation(&token, code, OWN_PASSWORD, shown.as_deref());
        let accepted = accepted.expect("accepted");
        assert_eq!(code_of(self.accounts.open_invitation(&token, code)), Code::C1113, "it is good once");
        self.accounts.session(&accepted.started.session).expect("holds").caller
    }

    /// Has an account made with `second` as the second person; the person signed on.
    fn member(&self, root: &Caller, second: &Caller, name: &str, profile: Profile) -> Caller {
        let request = waits(self.accounts.create(root, &id(name), profile, None));
        let confirmed = self.accounts.confirm(second, &request.name).expect("confirmed");
        self.accept(name, confirmed.code.as_deref().map(String::as_str))
    }

    fn sign_in_code(&self, name: &str, password: &str, one_time: Option<&str>) -> Code {
        code(self.accounts.sign_in(name, password, one_time, FROM))
    }
}

fn code_of<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    code(result)
}

#[track_caller]
fn done(handled: Result<Handled<Made>, Error>) -> Made {
    match handled.expect("done") {
        Handled::Done(made) => made,
        Handled::Waits(request) => panic!("it waits: {request:?}"),
    }
}

#[track_caller]
fn waits(handled: Result<Handled<Made>, Error>) -> AccountRequest {
    match handled.expect("asked for") {
        Handled::Waits(request) => request,
        Handled::Done(made) => panic!("one person did it alone: {made:?}"),
    }
}

#[test]
fn a3_the_first_administrator_comes_by_a_token_that_works_once() {
    let house = Persons(TestControl::new());
    let token = house.accounts.first_token().expect("answers").expect("no account yet");
    assert_eq!(code(house.found("guess", ROOT_PASSWORD)), Code::C1102);
    assert_eq!(code(house.found(&token, "short")), Code::C1107);
    assert_eq!(house.found(&token, ROOT_PASSWORD).expect("made").roles, [Role::Sre]);
    assert_eq!(code(house.found(&token, ROOT_PASSWORD)), Code::C1102);
    assert!(house.accounts.first_token().expect("answers").is_none());
    let late = Persons(TestControl::new());
    let token = late.accounts.first_token().expect("answers").expect("no account yet");
    late.clock.advance(Options::default().first_token_life);
    assert_eq!(code(late.found(&token, ROOT_PASSWORD)), Code::C1102);
}

/// One administrator made an account with ten roles, reset the authority's password, signed on as them.
#[test]
fn a3_one_person_makes_nobody_powerful() {
    let (house, root, wang) = Persons::administered();
    let accounts = &house.accounts;
    // The founder opens the first of the authority, once, and of another organisation.
    let authority = |serial| house.profile("bureau", &[Role::Authority], serial);
    let asked = waits(accounts.create(&root, &id("feng"), authority(2), None));
    let own = house.profile("ops", &[Role::Authority], 3);
    waits(accounts.create(&root, &id("li"), own, None));
    assert!(house.register.account("feng").expect("answers").is_none(), "nothing is there before");
    assert_eq!(code(accounts.confirm(&root, &asked.name)), Code::C1104);
    let confirmed = accounts.confirm(&wang, &asked.name).expect("confirmed");
    assert_eq!(confirmed.request.state, RequestState::Confirmed);
    assert_eq!(code(accounts.confirm(&wang, &asked.name)), Code::C1112);
    let link = house.letters.tokens.lock().expect("answers")[&id("feng")].clone();
    assert_eq!(code(accounts.open_invitation(&link, None)), Code::C1113, "the link alone opens nothing");
    let feng = house.accept("feng", confirmed.code.as_deref().map(String::as_str));

    // A reset, a role, a link, a device: each waits, and changes nothing before.
    let before = house.register.account("feng").expect("answers").expect("there");
    let roles = house.profile("bureau", &[Role::Authority, Role::Expert], 2);
    let requests = [
        waits(accounts.reset_password(&root, &id("feng"), None)),
        waits(accounts.reset_one_time(&root, &id("feng"))),
        waits(accounts.change(&root, &id("feng"), Some(before.version), roles, None)),
        accounts.link(&root, &id("feng"), "https://id.example", "42").expect("asked for"),
    ];
    assert_eq!(house.register.account("feng").expect("answers"), Some(before));
    assert_eq!(code(accounts.sign_in_linked("https://id.example", "42")), Code::C1102);
    for request in &requests {
        assert_eq!(code(accounts.confirm(&feng, &request.name)), Code::C1105, "not for oneself");
    }
    let refused = accounts.refuse(&wang, &requests[0].name).expect("refused");
    assert_eq!(refused.state, RequestState::Refused);
    accounts.withdraw(&root, &requests[1].name).expect("taken back");
    let changed = accounts.confirm(&wang, &requests[2].name).expect("confirmed").made.account;
    assert_eq!(changed.roles, [Role::Authority, Role::Expert]);
    house.clock.advance(Duration::from_secs(8 * 86_400));
    assert_eq!(code(accounts.confirm(&wang, &requests[3].name)), Code::C1112, "it is over");

    // An authority of the administrator's own organisation is no second person.
    let acts = house.register.acts(&ActFilter { kind: Some("Account"), limit: 50, ..ActFilter::default() });
    let acts = acts.expect("answers");
    let verbs: Vec<_> = acts.iter().rev().map(|recorded| recorded.act.verb.as_str()).collect();
    for verb in [
        "create-first-authority",
        "request-create",
        "confirm-create",
        "refuse-reset-password",
        "confirm-change",
    ] {
        assert!(verbs.contains(&verb), "{verb} in {verbs:?}");
    }
}

#[test]
fn a3_the_second_person_is_of_another_organisation_and_another_person() {
    let (house, root, wang) = Persons::administered();
    let accounts = &house.accounts;
    let same = house.profile("ops", &[Role::Registrar], 4);
    let same = house.member(&root, &wang, "same", same);
    let request = waits(accounts.create(&root, &id("expert"), house.profile("x", &[Role::Expert], 5), None));
    assert_eq!(code(accounts.confirm(&same, &request.name)), Code::C1111);
    // By another account, but the same natural person as whom it concerns.
    let request = waits(accounts.create(&root, &id("wang2"), house.profile("x", &[Role::Expert], 1), None));
    assert_eq!(code(accounts.confirm(&wang, &request.name)), Code::C1105);
    // What stays simple: accounts without deciding roles in one's own organisation.
    done(accounts.create(&root, &id("clerk"), house.profile("ops", &[Role::ApplicationUnit], 6), None));
    house.accept("clerk", None);
    waits(accounts.create(&root, &id("other"), house.profile("bank", &[Role::ApplicationUnit], 7), None));
}

#[test]
fn a3_roles_and_persons_that_do_not_go_together_are_refused() {
    let (house, root, _) = Persons::administered();
    let make = |name: &str, roles: &[Role], serial| {
        house.accounts.create(&root, &id(name), house.profile("x", roles, serial), None)
    };
    assert_eq!(code(make("both", &[Role::Sre, Role::Authority], 9)), Code::C1114);
    assert_eq!(code(make("both", &[Role::Operator, Role::Registrar], 9)), Code::C1114);
    assert_eq!(code(make("both", &[Role::Auditor, Role::Finance], 9)), Code::C1114);
    // Two accounts of one person are one person: 1 is of the authority, 0 keeps the accounts.
    assert_eq!(code(make("second", &[Role::Operator], 1)), Code::C1114);
    assert_eq!(code(make("second", &[Role::Expert], 0)), Code::C1114);
    waits(make("second", &[Role::Expert], 1));
    let nameless = Profile { person_key: None, ..house.profile("x", &[Role::Finance], 9) };
    assert_eq!(code(house.accounts.create(&root, &id("f"), nameless, None)), Code::C1002);
    assert_eq!(code(house.accounts.person_of("690113198001010011")), Code::C1002);
    let dump = house.dump();
    assert!(!dump.contains("69011319800101"), "no number at rest");
}

/// Separation of duties compares persons: a second account does not decide on what the first applied for.
#[test]
fn a3_two_accounts_of_one_person_are_one_in_the_separation_of_duties() {
    let town = TestWorld::new();
    let house = &town.plane;
    let key = house.accounts.person_of(&number(1)).expect("a number");
    for (name, key) in [("sun", Some(key)), ("zhou", Some(key)), ("qian", None)] {
        house.account(name, key);
    }
    let opened = house.put(
        &by("sun"),
        "ExitReview",
        "company-check",
        &json!({"product": "company-check", "evidence": "报告"}),
        None,
    );
    opened.expect("opened");
    house.act(&by("sun"), "ExitReview", "company-check", "submit", &json!({})).expect("submitted");
    let found = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    let own = house.act(&by("zhou"), "ExitReview", "company-check", "opine", &found);
    assert_eq!(code(own), Code::C1105, "by another account of the same person");
}

#[test]
fn a3_nobody_changes_their_own_rights_and_only_administrators_change_others() {
    let (house, root, wang) = Persons::administered();
    let accounts = &house.accounts;
    let own = house.profile("ops", &[Role::Authority], 0);
    assert_eq!(code(accounts.change(&root, &id("root"), Some(1), own, None)), Code::C1105);
    assert_eq!(code(accounts.reset_password(&root, &id("root"), None)), Code::C1105);
    let expert = || house.profile("bureau", &[Role::Expert], 8);
    assert_eq!(code(accounts.create(&root, &id("wang"), expert(), None)), Code::C1004);
    assert_eq!(code(accounts.create(&wang, &id("x"), expert(), None)), Code::C1104);
    let version = accounts.get(&root, &id("wang")).expect("answers").version;
    let closed = Profile { disabled: true, ..house.profile("bureau", &[Role::Authority], 1) };
    let close = |expected| accounts.change(&root, &id("wang"), Some(expected), closed.clone(), None);
    assert_eq!(code(close(version + 1)), Code::C1005);
    assert_eq!(code(close(version)), Code::C1117, "nobody of the authority would be left");
    let feng = house.profile("bureau", &[Role::Authority], 2);
    house.member(&root, &wang, "feng", feng);
    done(close(version));
    assert_eq!(house.sign_in_code("wang", OWN_PASSWORD, None), Code::C1102);
}

/// A retry is done once, and what was shown is not shown again.
#[test]
fn a3_a_retry_on_accounts_and_tokens_is_done_once_and_shows_nothing_again() {
    let (house, root, _) = Persons::administered();
    let create = |serial, key| {
        let profile = house.profile("institute", &[Role::Expert], serial);
        house.accounts.create(&root, &id("zhou"), profile, Some(key))
    };
    let asked = waits(create(3, "k1"));
    let before = house.register.dump().expect("answers");
    assert_eq!(waits(create(3, "k1")), asked, "a retry");
    assert_eq!(code(create(4, "k1")), Code::C1009, "the key was for something else");
    assert_eq!(house.register.dump().expect("answers"), before);

    let clerk = || house.profile("ops", &[Role::ApplicationUnit], 5);
    let made = done(house.accounts.create(&root, &id("clerk"), clerk(), Some("k2")));
    assert!(made.invited_until.is_some());
    let again = done(house.accounts.create(&root, &id("clerk"), clerk(), Some("k2")));
    assert!(again.invited_until.is_none() && again.account == made.account);
    let reset = |key| done(house.accounts.reset_password(&root, &id("clerk"), Some(key)));
    assert!(reset("k3").invited_until.is_some() && reset("k3").invited_until.is_none());
    let version = made.account.version;
    let other = || house.profile("ops", &[Role::Operator], 5);
    let change = || done(house.accounts.change(&root, &id("clerk"), Some(version), other(), Some("k4")));
    let changed = change().account;
    assert_eq!(change().account.version, changed.version, "a retry, though its version is behind");

    let until = Timestamp::from_seconds(1_770_000_000).plus(Duration::from_secs(86_400));
    let token = || house.accounts.create_token(&root, &id("t"), &[Role::Sre], true, until, Some("k5"));
    assert!(token().expect("made").is_some());
    assert!(token().expect("a retry").is_none());
    assert_eq!(house.accounts.tokens(&root).expect("answers").len(), 1);
}

/// One operator wrote 12,000 objects in 40 s, and nothing refused one.
#[test]
fn an_organisation_has_so_many_objects_of_a_kind_and_the_authority_is_not_bound() {
    let house = Persons(TestControl::new());
    let kinds = [("PriceAct".to_owned(), 2)].into();
    house.control.set_quotas(Quotas { each: 10, kinds });
    let operator = person("sun", "yunze-data", &[Role::Operator]);
    let other = person("qian", "other-data", &[Role::Operator]);
    let wang = person("wang", "bureau", &[Role::Authority]);
    for (serial, name) in [(1, "yunze-data"), (2, "other-data")] {
        house.put(&wang, "Organisation", name, &organisation("operator", serial), None).expect("declared");
    }
    let put = |by: &Caller, name: &str| {
        let mut spec = shuzha_testkit_control::example("PriceAct", "operator-2025");
        spec["number"] = format!("云数运〔2025〕{name}号").into();
        spec["issuer"] = if by.account == other.account { "other-data" } else { "yunze-data" }.into();
        house.put(by, "PriceAct", name, &spec, None)
    };
    for name in ["a", "b"] {
        put(&operator, name).expect("written");
    }
    let before = house.dump();
    assert_eq!(code(put(&operator, "c")), Code::C1118);
    assert_eq!(house.dump(), before);
    put(&other, "c").expect("another organisation has its own");
    for name in ["d", "e", "f"] {
        put(&wang, name).expect("the authority is not bound");
    }
}
