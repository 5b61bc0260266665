//! Accounts, as persons and attackers meet them.

use std::time::Duration;

use shuzha_control::accounts::{Options, Profile};
use shuzha_control::{Caller, Error};
use shuzha_core::clock::ManualClock;
use shuzha_core::{Code, Role, Timestamp};
use shuzha_store::register::ActFilter;

use crate::house::{House, code, id};

const ROOT_PASSWORD: &str = "three unrelated words";
const FROM: &str = "192.0.2.1";

fn profile(roles: &[Role]) -> Profile {
    Profile {
        organisation: id("bureau"), person: "王某".to_owned(), roles: roles.to_vec(), disabled: false
    }
}

impl House {
    /// With its first administrator, signed on.
    fn administered() -> (Self, Caller) {
        let house = Self::new();
        let token = house.accounts.first_token().expect("answers").expect("no account yet");
        let made = house.accounts.create_first(&token, &id("root"), &id("ops"), "李某", ROOT_PASSWORD, FROM);
        made.expect("made");
        let root = house.sign_in("root", ROOT_PASSWORD);
        (house, root)
    }

    fn sign_in(&self, name: &str, password: &str) -> Caller {
        let started = self.accounts.sign_in(name, password, None, FROM).expect("signed on");
        self.accounts.session(&started.session).expect("holds").caller
    }

    fn sign_in_code(&self, name: &str, password: &str, code: Option<&str>) -> Code {
        self.accounts.sign_in(name, password, code, FROM).expect_err("refused").code()
    }
}

#[test]
fn a3_the_first_administrator_comes_by_a_token_that_works_once() {
    let house = House::new();
    let token = house.accounts.first_token().expect("answers").expect("no account yet");
    let make = |token: &str, password: &str| {
        house.accounts.create_first(token, &id("root"), &id("ops"), "李某", password, FROM)
    };
    assert_eq!(code(make("guess", ROOT_PASSWORD)), Code::C1102);
    assert_eq!(code(make(&token, "short")), Code::C1107);
    assert_eq!(make(&token, ROOT_PASSWORD).expect("made").roles, [Role::Sre]);
    assert_eq!(code(make(&token, ROOT_PASSWORD)), Code::C1102);
    assert!(house.accounts.first_token().expect("answers").is_none());
    let late = House::new();
    let token = late.accounts.first_token().expect("answers").expect("no account yet");
    late.clock.advance(Options::default().first_token_life);
    let made = late.accounts.create_first(&token, &id("root"), &id("ops"), "李某", ROOT_PASSWORD, FROM);
    assert_eq!(code(made), Code::C1102);
}

#[test]
fn a3_nobody_changes_their_own_rights_and_only_administrators_change_others() {
    let (house, root) = House::administered();
    let made = house.accounts.create(&root, &id("wang"), profile(&[Role::Authority]), None).expect("made");
    assert_eq!(
        code(house.accounts.change(&root, &id("root"), Some(1), profile(&[Role::Authority]), None)),
        Code::C1105
    );
    assert_eq!(
        code(house.accounts.create(&root, &id("both"), profile(&[Role::Sre, Role::Authority]), None)),
        Code::C1002
    );
    assert_eq!(code(house.accounts.create(&root, &id("wang"), profile(&[Role::Expert]), None)), Code::C1004);
    // Until the first password is changed, the person acts in no role.
    let first = made.password.expect("shown once");
    let started = house.accounts.sign_in("wang", &first, None, FROM).expect("answers");
    assert!(started.must_change_password);
    let wang = house.accounts.session(&started.session).expect("answers").caller;
    assert!(wang.roles.is_empty());
    house.accounts.set_password(&wang, &first, "nine green lanterns").expect("changed");
    assert_eq!(code(house.accounts.session(&started.session)), Code::C1101, "sessions end");
    let wang = house.sign_in("wang", "nine green lanterns");
    assert_eq!(wang.roles, [Role::Authority]);
    assert_eq!(code(house.accounts.create(&wang, &id("x"), profile(&[Role::Expert]), None)), Code::C1104);
    let version = house.accounts.get(&root, &id("wang")).expect("answers").version;
    let closed = Profile { disabled: true, ..profile(&[Role::Authority]) };
    assert_eq!(
        code(house.accounts.change(&root, &id("wang"), Some(version + 1), closed.clone(), None)),
        Code::C1005
    );
    house.accounts.change(&root, &id("wang"), Some(version), closed, None).expect("changed");
    assert_eq!(house.sign_in_code("wang", "nine green lanterns", None), Code::C1102);
    let acts = house
        .register
        .acts(&ActFilter { kind: Some("Account"), limit: 50, ..ActFilter::default() })
        .expect("answers");
    let verbs: Vec<_> = acts.iter().rev().map(|recorded| recorded.act.verb.as_str()).collect();
    assert_eq!(verbs, ["create-first", "create", "set-password", "change"]);
}

#[test]
fn a3_guessing_is_locked_out_for_known_and_unknown_names_alike() {
    let (house, _) = House::administered();
    for name in ["root", "nobody", "Not A Name"] {
        for _ in 0..5 {
            assert_eq!(house.sign_in_code(name, "wrong wrong wrong", None), Code::C1102);
        }
        let Err(Error::Refused(refusal)) = house.accounts.sign_in(name, ROOT_PASSWORD, None, FROM) else {
            panic!("locked")
        };
        assert_eq!((refusal.code, refusal.retry_after), (Code::C1103, Some(Duration::from_secs(30))));
    }
    house.clock.advance(Duration::from_secs(31));
    house.sign_in("root", ROOT_PASSWORD);
    let known = house.register.dump().expect("answers");
    assert!(!known.contains(FROM) && !known.contains("nobody"), "no address, no guessed name at rest");
}

#[test]
fn a3_one_time_codes_work_once_and_recovery_codes_too() {
    let (house, root) = House::administered();
    let enrolment = house.accounts.enrol_one_time(&root).expect("enrolled");
    assert!(enrolment.address.starts_with("otpauth://totp/Shuzha:root?secret="));
    assert_eq!(code(house.accounts.confirm_one_time(&root, "000000")), Code::C1102);
    let code = totp(&enrolment.secret, house.clock.as_ref());
    let recovery = house.accounts.confirm_one_time(&root, &code).expect("confirmed");
    assert_eq!(recovery.len(), 10);
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, None), Code::C1102);
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, Some(&code)), Code::C1102, "a code is good once");
    house.clock.advance(Duration::from_secs(30));
    let next = totp(&enrolment.secret, house.clock.as_ref());
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&next), FROM).is_ok());
    let typed = recovery[3].to_lowercase().replace('-', " ");
    assert!(house.accounts.sign_in("root", ROOT_PASSWORD, Some(&typed), FROM).is_ok());
    assert_eq!(house.sign_in_code("root", ROOT_PASSWORD, Some(&typed)), Code::C1102);
}

/// The code a person's device shows, from the secret it was given.
fn totp(secret: &str, clock: &ManualClock) -> String {
    use shuzha_core::Clock as _;
    let (mut held, mut bits, mut key) = (0_u32, 0, Vec::new());
    for letter in secret.bytes() {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push(u8::try_from(held >> bits & 255).expect("answers"));
        }
    }
    let step = clock.now().seconds() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().expect("answers")) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

#[test]
fn a3_tokens_expire_are_scoped_and_do_not_change_sign_on() {
    let (house, root) = House::administered();
    let made = house
        .accounts
        .create(&root, &id("wang"), profile(&[Role::Authority, Role::Expert]), None)
        .expect("answers");
    let first = made.password.expect("shown once");
    let wang = house.sign_in("wang", &first);
    house.accounts.set_password(&wang, &first, "nine green lanterns").expect("answers");
    let wang = house.sign_in("wang", "nine green lanterns");
    let until = Timestamp::from_seconds(1_770_000_000).plus(Duration::from_secs(86_400));
    let make = |roles: &[Role], name: &str, until| {
        house.accounts.create_token(&wang, &id(name), roles, false, until, None)
    };
    assert_eq!(code(make(&[Role::Sre], "t", until)), Code::C1104);
    assert_eq!(code(make(&[Role::Expert], "t", Timestamp::from_seconds(0))), Code::C1002);
    let token = make(&[Role::Expert], "t", until).expect("made").expect("shown once");
    assert!(token.starts_with("szt_"));
    assert_eq!(code(make(&[Role::Expert], "t", until)), Code::C1004);
    let by_token = house.accounts.token(&token).expect("holds").caller;
    assert_eq!(by_token.roles, [Role::Expert]);
    assert_eq!(code(by_token.acting(&[Role::Authority])), Code::C1106);
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
    let (house, _) = House::administered();
    let session = house.accounts.sign_in("root", ROOT_PASSWORD, None, FROM).expect("answers").session;
    for _ in 0..23 {
        house.clock.advance(Duration::from_secs(29 * 60));
        assert!(house.accounts.session(&session).is_ok());
    }
    house.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(code(house.accounts.session(&session)), Code::C1101);
    let idle = house.accounts.sign_in("root", ROOT_PASSWORD, None, FROM).expect("answers").session;
    house.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(code(house.accounts.session(&idle)), Code::C1101);
}

#[test]
fn a3_an_identity_elsewhere_signs_on_only_where_it_was_linked() {
    let (house, root) = House::administered();
    house.accounts.create(&root, &id("wang"), profile(&[Role::Expert]), None).expect("answers");
    assert_eq!(code(house.accounts.sign_in_linked("https://id.example", "42")), Code::C1102);
    house.accounts.link(&root, &id("wang"), "https://id.example", "42").expect("linked");
    assert_eq!(code(house.accounts.link(&root, &id("wang"), "https://id.example", "42")), Code::C1004);
    let started = house.accounts.sign_in_linked("https://id.example", "42").expect("signed on");
    let signed = house.accounts.session(&started.session).expect("holds");
    assert_eq!((signed.caller.account, signed.must_change_password), (id("wang"), false));
    assert_eq!(signed.caller.roles, [Role::Expert], "a password that was not asked for need not be changed");
    house.accounts.unlink(&root, &id("wang"), "https://id.example", "42").expect("unlinked");
    assert_eq!(code(house.accounts.sign_in_linked("https://id.example", "42")), Code::C1102);
}

/// A retry is done once, and what was shown is not shown again.
#[test]
fn a3_a_retry_on_accounts_and_tokens_is_done_once_and_shows_nothing_again() {
    let (house, root) = House::administered();
    let create = |person: &str, key| {
        let profile = Profile { person: person.to_owned(), ..profile(&[Role::Expert]) };
        house.accounts.create(&root, &id("wang"), profile, Some(key))
    };
    let made = create("王某", "k1").expect("made");
    let password = made.password.expect("shown");
    let before = house.register.dump().expect("answers");
    let again = create("王某", "k1").expect("a retry");
    assert!(again.password.is_none() && again.account == made.account);
    assert_eq!(code(create("李某", "k1")), Code::C1009, "the key was for something else");
    assert_eq!(code(create("王某", "k2")), Code::C1004, "another request");
    assert_eq!(house.register.dump().expect("answers"), before);
    assert!(!before.contains(&*password));

    let reset = |key| house.accounts.reset_password(&root, &id("wang"), key);
    let first = reset(Some("k3")).expect("reset").expect("shown");
    assert!(reset(Some("k3")).expect("a retry").is_none());
    house.sign_in("wang", &first);
    let version = house.accounts.get(&root, &id("wang")).expect("answers").version;
    let change =
        || house.accounts.change(&root, &id("wang"), Some(version), profile(&[Role::Auditor]), Some("k4"));
    let changed = change().expect("changed");
    assert_eq!(change().expect("a retry, though its version is behind").version, changed.version);

    let until = Timestamp::from_seconds(1_770_000_000).plus(Duration::from_secs(86_400));
    let token = || house.accounts.create_token(&root, &id("t"), &[Role::Sre], true, until, Some("k5"));
    assert!(token().expect("made").is_some());
    assert!(token().expect("a retry").is_none());
    assert_eq!(house.accounts.tokens(&root).expect("answers").len(), 1);
}
