//! Invitations, sign-on, sessions and tokens: how a person gets in, and what ends it.

use super::*;

#[test]
fn a3_an_invitation_ends_with_wrong_codes_with_time_and_with_a_newer_one() {
    let (house, root, wang) = Persons::administered();
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
    let (house, root, wang) = Persons::administered();
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
    let (house, _, codes) = Persons::founded();
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
    let (house, _, codes) = Persons::founded();
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
    let (house, _, codes) = Persons::founded();
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
    let (house, root, recovery) = Persons::founded();
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
    let (house, root, wang) = Persons::administered();
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
    let (house, _, codes) = Persons::founded();
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
    let (house, root, wang) = Persons::administered();
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
