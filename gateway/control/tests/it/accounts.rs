//! Accounts, as persons and attackers meet them.

use std::time::Duration;

use serde_json::json;
use shuzha_control::accounts::{
    AccountRequest, First, Handled, Made, Options, Profile, RequestState, device_code,
};
use shuzha_control::{Caller, Error, Quotas};
use shuzha_core::{Clock as _, Code, Role, Timestamp};
use shuzha_store::register::{ActFilter, RefusedFilter};

use crate::house::{House, code, id, organisation, person};
use crate::town::{Town, by};

const ROOT_PASSWORD: &str = "three unrelated words";
const OWN_PASSWORD: &str = "nine green lanterns";
const FROM: &str = "192.0.2.1";

/// The number of a person who does not exist: the province was never assigned.
fn number(serial: u32) -> String {
    let first = format!("69011319800101{serial:03}");
    let check = shuzha_core::identity::person_check(first.as_bytes()).expect("17 digits");
    format!("{first}{}", char::from(check))
}

impl House {
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
        let house = Self::new();
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
    let house = House::new();
    let token = house.accounts.first_token().expect("answers").expect("no account yet");
    assert_eq!(code(house.found("guess", ROOT_PASSWORD)), Code::C1102);
    assert_eq!(code(house.found(&token, "short")), Code::C1107);
    assert_eq!(house.found(&token, ROOT_PASSWORD).expect("made").roles, [Role::Sre]);
    assert_eq!(code(house.found(&token, ROOT_PASSWORD)), Code::C1102);
    assert!(house.accounts.first_token().expect("answers").is_none());
    let late = House::new();
    let token = late.accounts.first_token().expect("answers").expect("no account yet");
    late.clock.advance(Options::default().first_token_life);
    assert_eq!(code(late.found(&token, ROOT_PASSWORD)), Code::C1102);
}

/// One administrator made an account with ten roles, reset the authority's password, signed on as them.
#[test]
fn a3_one_person_makes_nobody_powerful() {
    let (house, root, wang) = House::administered();
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
    let (house, root, wang) = House::administered();
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
    let (house, root, _) = House::administered();
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
    let town = Town::new();
    let house = &town.house;
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
    let (house, root, wang) = House::administered();
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

#[test]
fn a3_an_invitation_ends_with_wrong_codes_with_time_and_with_a_newer_one() {
    let (house, root, wang) = House::administered();
    let accounts = &house.accounts;
    let expert = house.profile("institute", &[Role::Expert], 3);
    let request = waits(accounts.create(&root, &id("expert"), expert, None));
    let right = accounts.confirm(&wang, &request.name).expect("confirmed").code.expect("shown once");
    let link = || house.letters.tokens.lock().expect("answers")[&id("expert")].clone();
    for _ in 0..5 {
        assert_eq!(code(accounts.open_invitation(&link(), Some("AAAA-AAAA-AAAA-AAAA"))), Code::C1113);
    }
    assert_eq!(code(accounts.open_invitation(&link(), Some(&right))), Code::C1113, "guessed at too often");
    let old = link();
    let request = waits(accounts.reset_password(&root, &id("expert"), None));
    let right = accounts.confirm(&wang, &request.name).expect("confirmed").code.expect("shown once");
    assert_eq!(code(accounts.open_invitation(&old, Some(&right))), Code::C1113, "a newer one took its place");
    assert_eq!(code(accounts.accept_invitation(&link(), Some(&right), "short", None)), Code::C1107);
    house.clock.advance(Options::default().invitation_life);
    assert_eq!(code(accounts.open_invitation(&link(), Some(&right))), Code::C1113, "it is over");
    house.letters.lost.store(true, std::sync::atomic::Ordering::SeqCst);
    let before = house.dump();
    let clerk = house.profile("ops", &[Role::ApplicationUnit], 4);
    assert_eq!(code(accounts.create(&root, &id("clerk"), clerk, None)), Code::C1115);
    assert_eq!(house.dump(), before, "nobody was invited, and nothing was made");
}

/// A reset, a change of roles, of the second factor, of links, a closing: each ends sessions and tokens.
#[test]
fn a3_tokens_and_sessions_end_with_whatever_they_rest_on() {
    let (house, root, wang) = House::administered();
    let accounts = &house.accounts;
    let expert = |roles: &[Role]| house.profile("institute", roles, 3);
    house.member(&root, &wang, "expert", expert(&[Role::Expert]));
    let until = house.clock.now().plus(Duration::from_secs(300 * 86_400));
    let signs_on = |name: &str| {
        let started = accounts.sign_in("expert", OWN_PASSWORD, None, FROM).expect("signed on");
        let caller = accounts.session(&started.session).expect("holds").caller;
        let role = [caller.roles[0]];
        let token = accounts.create_token(&caller, &id(name), &role, false, until, None).expect("made");
        (started.session, token.expect("shown once"))
    };
    let ended = |what: &str, (session, token): &(zeroize::Zeroizing<String>, zeroize::Zeroizing<String>)| {
        assert_eq!(code(accounts.session(session)), Code::C1101, "{what}: the session");
        assert_eq!(code(accounts.token(token)), Code::C1101, "{what}: the token");
    };
    let version = || house.register.account("expert").expect("answers").expect("there").version;
    let confirm = |request: AccountRequest| accounts.confirm(&wang, &request.name).expect("confirmed");

    let held = signs_on("t1");
    confirm(accounts.link(&root, &id("expert"), "https://id.example", "7").expect("asked for"));
    ended("link", &held);
    let held = signs_on("t2");
    accounts.unlink(&root, &id("expert"), "https://id.example", "7").expect("unlinked");
    ended("unlink", &held);
    let held = signs_on("t3");
    confirm(waits(accounts.change(
        &root,
        &id("expert"),
        Some(version()),
        expert(&[Role::Expert, Role::Provider]),
        None,
    )));
    ended("roles", &held);
    let held = signs_on("t4");
    let caller = accounts.session(&held.0).expect("holds").caller;
    let enrolment = accounts.enrol_one_time(&caller).expect("enrolled");
    let shown = device_code(&enrolment.secret, house.clock.now()).expect("a secret");
    accounts.confirm_one_time(&caller, &shown, None).expect("confirmed");
    ended("second factor", &held);
    confirm(waits(accounts.reset_one_time(&root, &id("expert"))));
    let held = signs_on("t5");
    confirm(waits(accounts.reset_password(&root, &id("expert"), None)));
    ended("reset", &held);
    assert_eq!(house.sign_in_code("expert", OWN_PASSWORD, None), Code::C1102, "the old password is gone");
    let request = waits(accounts.reset_password(&root, &id("expert"), None));
    let confirmed = confirm(request);
    house.accept("expert", confirmed.code.as_deref().map(String::as_str));
    let held = signs_on("t6");
    let closed = Profile { disabled: true, ..expert(&[Role::Expert, Role::Provider]) };
    done(accounts.change(&root, &id("expert"), Some(version()), closed, None));
    ended("closing", &held);
}

#[test]
fn a3_guessing_is_locked_out_for_known_and_unknown_names_alike() {
    let (house, _, codes) = House::founded();
    for name in ["root", "nobody", "Not A Name"] {
        for _ in 0..5 {
            assert_eq!(house.sign_in_code(name, "wrong wrong wrong", None), Code::C1102);
        }
        let Err(Error::Refused(refusal)) = house.accounts.sign_in(name, ROOT_PASSWORD, None, FROM) else {
            panic!("locked")
        };
        assert_eq!((refusal.code, refusal.retry_after), (Code::C1103, Some(Duration::from_secs(30))));
        assert!(refusal.faults.is_empty());
    }
    // Elsewhere the person goes on: a stranger locks nobody out.
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&codes[0]), "198.51.100.7").is_ok());
    house.clock.advance(Duration::from_secs(31));
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&codes[1]), FROM).is_ok());
    let known = house.register.dump().expect("answers");
    assert!(!known.contains(FROM) && !known.contains("nobody"), "no address, no guessed name at rest");
    let auditor = person("auditor", "audit", &[Role::Auditor]);
    let filter = RefusedFilter { limit: 100, ..RefusedFilter::default() };
    let told = house.accounts.refusals(&auditor, &filter).expect("listed").items;
    let of = |account: Option<&str>, code: &str| {
        let same = |name: &Option<shuzha_core::Id>| name.as_ref().map(shuzha_core::Id::as_str) == account;
        told.iter().filter(|one| same(&one.account) && one.code == code).map(|one| one.count).sum::<u64>()
    };
    assert_eq!((of(Some("root"), "C1102"), of(Some("root"), "C1103")), (5, 1));
    assert_eq!((of(None, "C1102"), of(None, "C1103")), (10, 2));
}

/// A right password without its code is counted like a wrong one, and does not tell.
#[test]
fn a3_a_right_password_without_its_code_counts_and_does_not_tell() {
    let (house, _, codes) = House::founded();
    for _ in 0..5 {
        let Err(Error::Refused(refusal)) = house.accounts.sign_in("root", ROOT_PASSWORD, None, FROM) else {
            panic!("refused")
        };
        assert_eq!((refusal.code, refusal.faults.len()), (Code::C1102, 0));
    }
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, Some(&codes[0])), Code::C1103);
}

/// An office behind one address: others' mistakes slow down who is new there, and lock out nobody who was there before.
#[test]
fn a3_an_address_alone_locks_out_nobody_who_signed_on_from_it() {
    let (house, _, codes) = House::founded();
    house.accounts.sign_in("root", ROOT_PASSWORD, Some(&codes[0]), FROM).expect("signed on");
    let pair = |name: &str| format!("pair {name} from {FROM}");
    let rules = shuzha_store::register::AttemptRules {
        pair_max: 5,
        lock_first: 30_000_000,
        lock_max: 900_000_000,
        pair_decay: 1_800_000_000,
        address_max: 100,
        address_decay: 1_000_000,
        known: 86_400_000_000,
    };
    let now = house.clock.now();
    let address = format!("from {FROM}");
    let tried =
        |name: String| house.register.attempt(&pair(&name), Some(&address), &rules, now).expect("answers");
    let refused = (0..150).filter(|at| tried(format!("typo-{at}")).is_some()).count();
    assert_eq!(refused, 50, "beyond a hundred a stranger waits");
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&codes[1]), FROM).is_ok());
    house.clock.advance(Duration::from_secs(2));
    let later =
        house.register.attempt(&pair("new"), Some(&address), &rules, house.clock.now()).expect("answers");
    assert!(later.is_none(), "it is forgotten with time");
}

#[test]
fn a3_one_time_codes_work_once_and_recovery_codes_too() {
    let (house, root, recovery) = House::founded();
    assert_eq!(recovery.len(), 10);
    assert_eq!(code(house.accounts.enrol_one_time(&root)), Code::C1007);
    let typed = recovery[3].to_lowercase().replace('-', " ");
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&typed), FROM).is_ok());
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, Some(&typed)), Code::C1102);
    house.accounts.remove_one_time(&root, &recovery[4]).expect("removed");
    let started = house.accounts.sign_in("root", ROOT_PASSWORD, None, FROM).expect("signed on");
    let root = house.accounts.session(&started.session).expect("holds").caller;
    let enrolment = house.accounts.enrol_one_time(&root).expect("enrolled");
    assert!(enrolment.address.starts_with("otpauth://totp/Shuzha:root?secret="));
    assert_eq!(code(house.accounts.confirm_one_time(&root, "000000x", None)), Code::C1102);
    let shown = device_code(&enrolment.secret, house.clock.now()).expect("a secret");
    house.accounts.confirm_one_time(&root, &shown, None).expect("confirmed");
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, Some(&shown)), Code::C1102, "a code is good once");
    house.clock.advance(Duration::from_secs(30));
    let next = device_code(&enrolment.secret, house.clock.now()).expect("a secret");
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&next), FROM).is_ok());
}

#[test]
fn a3_tokens_expire_are_scoped_and_do_not_change_sign_on() {
    let (house, root, wang) = House::administered();
    let both = house.profile("institute", &[Role::Provider, Role::Expert], 3);
    let zhou = house.member(&root, &wang, "zhou", both);
    let until = Timestamp::from_seconds(1_770_000_000).plus(Duration::from_secs(86_400));
    let make = |roles: &[Role], name: &str, until| {
        house.accounts.create_token(&zhou, &id(name), roles, false, until, None)
    };
    assert_eq!(code(make(&[Role::Sre], "t", until)), Code::C1104);
    assert_eq!(code(make(&[Role::Expert], "t", Timestamp::from_seconds(0))), Code::C1002);
    let token = make(&[Role::Expert], "t", until).expect("made").expect("shown once");
    assert!(token.starts_with("szt_"));
    assert_eq!(code(make(&[Role::Expert], "t", until)), Code::C1004);
    let by_token = house.accounts.token(&token).expect("holds").caller;
    assert_eq!(by_token.roles, [Role::Expert]);
    assert_eq!(code(by_token.acting(&[Role::Provider])), Code::C1106);
    assert_eq!(code(by_token.acting(&[Role::Sre])), Code::C1104);
    assert_eq!(
        code(house.accounts.create_token(&by_token, &id("u"), &[Role::Expert], false, until, None)),
        Code::C1106
    );
    assert_eq!(code(house.accounts.token("szt_forged")), Code::C1101);
    house.clock.set(until);
    assert_eq!(code(house.accounts.token(&token)), Code::C1101);
}

#[test]
fn a3_sessions_end_by_idleness_and_by_age() {
    let (house, _, codes) = House::founded();
    let begin = |code: &String| {
        house.accounts.sign_in("root", ROOT_PASSWORD, Some(code), FROM).expect("answers").session
    };
    let session = begin(&codes[0]);
    for _ in 0..23 {
        house.clock.advance(Duration::from_secs(29 * 60));
        assert!(house.accounts.session(&session).is_ok());
    }
    house.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(code(house.accounts.session(&session)), Code::C1101);
    let idle = begin(&codes[1]);
    house.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(code(house.accounts.session(&idle)), Code::C1101);
}

#[test]
fn a3_an_identity_elsewhere_signs_on_only_where_it_was_linked() {
    let (house, root, wang) = House::administered();
    let expert = house.profile("institute", &[Role::Expert], 3);
    house.member(&root, &wang, "zhou", expert);
    assert_eq!(code(house.accounts.sign_in_linked("https://id.example", "42")), Code::C1102);
    let request = house.accounts.link(&root, &id("zhou"), "https://id.example", "42").expect("asked for");
    assert_eq!(code(house.accounts.sign_in_linked("https://id.example", "42")), Code::C1102, "not before");
    house.accounts.confirm(&wang, &request.name).expect("linked");
    assert_eq!(code(house.accounts.link(&root, &id("zhou"), "https://id.example", "42")), Code::C1004);
    let started = house.accounts.sign_in_linked("https://id.example", "42").expect("signed on");
    let signed = house.accounts.session(&started.session).expect("holds");
    assert_eq!((signed.caller.account, signed.must_change_password), (id("zhou"), false));
    assert_eq!(signed.caller.roles, [Role::Expert]);
    house.accounts.unlink(&root, &id("zhou"), "https://id.example", "42").expect("unlinked");
    assert_eq!(code(house.accounts.sign_in_linked("https://id.example", "42")), Code::C1102);
}

/// A retry is done once, and what was shown is not shown again.
#[test]
fn a3_a_retry_on_accounts_and_tokens_is_done_once_and_shows_nothing_again() {
    let (house, root, _) = House::administered();
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
    let house = House::new();
    let kinds = [("PriceAct".to_owned(), 2)].into();
    house.control.set_quotas(Quotas { each: 10, kinds });
    let operator = person("sun", "yunze-data", &[Role::Operator]);
    let other = person("qian", "other-data", &[Role::Operator]);
    let wang = person("wang", "bureau", &[Role::Authority]);
    for (serial, name) in [(1, "yunze-data"), (2, "other-data")] {
        house.put(&wang, "Organisation", name, &organisation("operator", serial), None).expect("declared");
    }
    let put = |by: &Caller, name: &str| {
        let mut spec = crate::town::example("PriceAct", "operator-2025");
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
