//! Accounts over HTTP: the first administrator, sessions with their mark, passwords, tokens, lock-out.

use serde_json::{Value, json};
use shuzha_api::Limits;
use shuzha_core::Role;
use shuzha_core::clock::ManualClock;
use shuzha_testkit_control::id;

use crate::client::{Answer, Ask};
use crate::plane::Plane;

const PASSWORD: &str = "three unrelated words";
const CHOSEN: &str = "four quite unrelated words";
/// Numbers of persons who do not exist: the province was never assigned.
const ROOT_ID: &str = "690113200205284265";
const IDS: [&str; 2] = ["690109196909147724", "690113199802030014"];

/// A browser: its cookie and its mark.
struct Browser {
    cookie: String,
    mark: String,
}

fn signed_in(answer: &Answer) -> Browser {
    let cookie = answer.header("set-cookie").expect("a cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let mark = answer.json()["csrf"].as_str().unwrap().to_owned();
    Browser { cookie: cookie.split(';').next().unwrap().to_owned(), mark }
}

impl Browser {
    fn ask<'p>(&self, plane: &Plane, method: &'p str, path: &str) -> Ask<'p> {
        plane.ask(method, path).header("cookie", &self.cookie).header("x-csrf-token", &self.mark)
    }
}

fn sign_in(plane: &Plane, name: &str, password: &str) -> Answer {
    plane.ask("POST", "/api/v1/sessions").json(&json!({"name": name, "password": password})).send()
}

/// The body by which the first administrator is made.
fn first(token: &str, password: &str) -> Value {
    json!({
        "token": token, "name": "root", "organisation": "ops", "person": "李某", "idNumber": ROOT_ID, "password": password,
    })
}

/// A plane with its first administrator, signed on, whose device is not set up yet.
fn founded() -> (Plane, Browser) {
    let plane = Plane::empty(Limits::default(), "127.0.0.1:0");
    let token = plane.accounts.first_token().unwrap().expect("nobody is here");
    let found = |token: &str, password: &str| {
        plane.ask("POST", "/api/v1/first-administrator").json(&first(token, password)).send()
    };
    found("guessed", PASSWORD).expect(401).refused("C1102");
    found(&token, "short").expect(422).refused("C1107");
    let made = found(&token, PASSWORD).expect(201);
    assert_eq!(made.json()["roles"], json!(["sre"]));
    found(&token, PASSWORD).expect(401).refused("C1102");
    let begun = sign_in(&plane, "root", PASSWORD).expect(201);
    assert_eq!(begun.json()["mustEnrolOneTimeCode"], true);
    let root = signed_in(&begun);
    (plane, root)
}

/// Sets a device up; its secret and the recovery codes.
fn enrol(plane: &Plane, who: &Browser) -> (String, Vec<String>) {
    let enrolled = who.ask(plane, "POST", "/api/v1/me/one-time-code").send().expect(201).json();
    let secret = enrolled["secret"].as_str().unwrap().to_owned();
    let body = json!({"code": totp(&secret, &plane.clock)});
    let confirmed = who.ask(plane, "POST", "/api/v1/me/one-time-code:confirm").json(&body).send().expect(200);
    let codes = confirmed.json()["recoveryCodes"].as_array().unwrap().clone();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// A plane with its first administrator, signed on with a device.
fn administered() -> (Plane, Browser) {
    let (plane, root) = founded();
    enrol(&plane, &root);
    (plane, root)
}

/// Accepts the invitation of an account; whoever it is is signed on then.
fn accept(plane: &Plane, account: &str, code: Option<&str>) -> Browser {
    let token = plane.letters.tokens.lock().unwrap()[&id(account)].clone();
    let mut body = json!({"token": token});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    let opened = plane.ask("POST", "/api/v1/invitations:open").json(&body).send().expect(200).json();
    assert_eq!(opened["account"]["name"], account);
    if let Some(secret) = opened["enrolment"]["secret"].as_str() {
        body["oneTimeCode"] = totp(secret, &plane.clock).into();
    }
    body["password"] = CHOSEN.into();
    let accepted = plane.ask("POST", "/api/v1/invitations:accept").json(&body).send().expect(201);
    plane.ask("POST", "/api/v1/invitations:accept").json(&body).send().expect(401).refused("C1113");
    signed_in(&accepted)
}

#[test]
fn a3_until_a_one_time_code_is_enrolled_the_account_may_do_nothing_else() {
    let (plane, root) = founded();
    root.ask(&plane, "GET", "/api/v1/accounts").send().expect(403).refused("C1110");
    let me = root.ask(&plane, "GET", "/api/v1/me").send().expect(200).json();
    assert_eq!((&me["roles"], &me["mustEnrolOneTimeCode"]), (&json!([]), &json!(true)));
    let (secret, _) = enrol(&plane, &root);
    // This session goes on; a further one needs the code, and does not say so.
    root.ask(&plane, "GET", "/api/v1/accounts").send().expect(200);
    let missing = sign_in(&plane, "root", PASSWORD).expect(401).refused("C1102");
    assert!(missing.faults().is_empty(), "{missing:?}");
    plane.clock.advance(std::time::Duration::from_secs(60));
    let body = json!({"name": "root", "password": PASSWORD, "code": totp(&secret, &plane.clock)});
    plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(201);
}

/// The founder opens the authority's first account alone; from then on somebody of another organisation confirms, and the
/// person needs both the link and the code.
#[test]
fn a3_an_account_is_made_by_two_persons_and_its_password_is_the_persons_own() {
    let (plane, root) = administered();
    let make = |name: &str, organisation: &str, role: &str, id: &str| {
        let profile = json!({"name": name, "organisation": organisation, "person": "王某", "roles": [role], "idNumber": id});
        root.ask(&plane, "POST", "/api/v1/accounts").json(&profile).send()
    };
    make("wang", "ops", "authority", IDS[0]).expect(202);
    let made = make("wang", "bureau", "authority", IDS[0]).expect(201);
    assert!(made.json()["invitedUntil"].is_string() && made.json().get("password").is_none(), "{made:?}");
    make("wang", "bureau", "authority", IDS[0]).expect(409).refused("C1004");
    let wang = accept(&plane, "wang", None);
    wang.ask(&plane, "GET", "/api/v1/acts").send().expect(200);

    let asked = make("li", "centre", "registrar", IDS[1]).expect(202).json();
    let path = format!("/api/v1/account-requests/{}", asked["request"]["name"].as_str().unwrap());
    root.ask(&plane, "POST", &format!("{path}:confirm")).json(&json!({})).send().expect(403).refused("C1104");
    let confirmed =
        wang.ask(&plane, "POST", &format!("{path}:confirm")).json(&json!({})).send().expect(200).json();
    let code = confirmed["code"].as_str().unwrap().to_owned();
    wang.ask(&plane, "POST", &format!("{path}:confirm")).json(&json!({})).send().expect(409).refused("C1112");
    let shown = root.ask(&plane, "GET", &path).send().expect(200);
    assert!(!String::from_utf8_lossy(&shown.body).contains(&code), "the administrator does not see the code");
    // The link alone opens nothing.
    let token = plane.letters.tokens.lock().unwrap()[&id("li")].clone();
    plane
        .ask("POST", "/api/v1/invitations:open")
        .json(&json!({"token": token}))
        .send()
        .expect(401)
        .refused("C1113");
    accept(&plane, "li", Some(&code.to_lowercase()));
    let listed = wang.ask(&plane, "GET", "/api/v1/account-requests?open=true").send().expect(200).json();
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        1,
        "what was asked for in the founder's own organisation waits"
    );
    for (name, file) in plane.files() {
        for id in IDS {
            assert!(!file.windows(id.len()).any(|bytes| bytes == id.as_bytes()), "{name} holds a number");
        }
    }
}

#[test]
fn a3_an_account_makes_a_token_and_is_closed() {
    let (plane, root) = administered();
    let profile = json!({
        "name": "wang", "organisation": "bureau", "person": "王某", "roles": ["authority"], "idNumber": IDS[0],
    });
    root.ask(&plane, "POST", "/api/v1/accounts").json(&profile).send().expect(201);
    let wang = accept(&plane, "wang", None);
    let me = wang.ask(&plane, "GET", "/api/v1/me").send().expect(200).json();
    assert_eq!((&me["roles"], &me["csrf"]), (&json!(["authority"]), &json!(wang.mark)));

    let token = json!({"name": "script", "roles": ["authority"], "readOnly": true, "until": "2026-03-01"});
    let token = wang.ask(&plane, "POST", "/api/v1/me/tokens").json(&token).send().expect(201).json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let by_token = |path: &str| plane.ask("GET", path).header("authorization", &bearer).send();
    assert_eq!(by_token("/api/v1/me").expect(200).json()["readOnly"], true);
    let listed = wang.ask(&plane, "GET", "/api/v1/me/tokens").send().expect(200).json();
    assert_eq!(listed["items"][0]["name"], "script");
    assert!(!listed.to_string().contains(token["token"].as_str().unwrap()));
    wang.ask(&plane, "DELETE", "/api/v1/me/tokens/script").send().expect(204);
    by_token("/api/v1/me").expect(401).refused("C1101");
    // Whoever holds a token may give it up by itself, one that only reads too.
    let given_up = json!({"name": "other", "roles": ["authority"], "readOnly": true, "until": "2026-03-01"});
    let given_up = wang.ask(&plane, "POST", "/api/v1/me/tokens").json(&given_up).send().expect(201).json();
    let bearer = format!("Bearer {}", given_up["token"].as_str().unwrap());
    let give_up = || plane.ask("DELETE", "/api/v1/sessions/current").header("authorization", &bearer).send();
    give_up().expect(204);
    give_up().expect(401).refused("C1101");
    wang.ask(&plane, "GET", "/api/v1/me").send().expect(200);

    let path = "/api/v1/accounts/wang";
    let account = root.ask(&plane, "GET", path).send().expect(200);
    let closed =
        json!({"organisation": "bureau", "person": "王某", "roles": ["authority"], "disabled": true});
    root.ask(&plane, "PUT", path).json(&closed).send().expect(428).refused("C1006");
    let close = || root.ask(&plane, "PUT", path).matching(account.version()).json(&closed).send();
    close().expect(409).refused("C1117");
    plane.person("feng", "bureau", &[Role::Authority]);
    close().expect(200);
    wang.ask(&plane, "GET", "/api/v1/me").send().expect(401);
    sign_in(&plane, "wang", CHOSEN).expect(401).refused("C1102");
    let own = root.ask(&plane, "GET", "/api/v1/accounts/root").send().expect(200);
    let more = json!({"organisation": "ops", "person": "李某", "roles": ["authority"]});
    root.ask(&plane, "PUT", "/api/v1/accounts/root")
        .matching(own.version())
        .json(&more)
        .send()
        .expect(403)
        .refused("C1105");
    root.ask(&plane, "DELETE", "/api/v1/sessions/current").send().expect(204);
    root.ask(&plane, "GET", "/api/v1/me").send().expect(401);
}

/// Who, what, which object, which code: of signed-on persons one by one, of names that nobody has as a number.
#[test]
fn h7_refused_acts_and_failed_sign_ons_leave_a_record() {
    let plane = Plane::new();
    let organisation = json!({"kind": "unit", "uscc": "91350100M000100Y43", "name": "某银行"});
    plane.put("provider", "Organisation", "organisations", "bank", &organisation).send().expect(403);
    plane.by("bank", "GET", "/api/v1/acts").send().expect(403);
    plane.by("lender", "POST", "/api/v1/accounts").json(&json!({})).send();
    let guessed = "no-such-account";
    for _ in 0..3 {
        sign_in(&plane, guessed, "wrong wrong wrong").expect(401);
    }
    sign_in(&plane, "wang", "wrong wrong wrong").expect(401);
    plane.by("bank", "GET", "/api/v1/refused-acts").send().expect(403).refused("C1104");
    let listed = plane.by("auditor", "GET", "/api/v1/refused-acts").send().expect(200).json();
    let told: Vec<String> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let word = |field: &str| item[field].as_str().unwrap_or("-").to_owned();
            let words = ["account", "verb", "kind", "name", "code"].map(word);
            format!("{} {}", words.join(" "), item["count"])
        })
        .collect();
    assert!(told.contains(&"provider put Organisation bank C1104 1".to_owned()), "{told:?}");
    assert!(told.contains(&"wang sign-on Account wang C1102 1".to_owned()), "{told:?}");
    assert!(told.contains(&"-    C1102 3".to_owned()), "{told:?}");
    assert!(!told.iter().any(|line| line.starts_with("bank ")), "reading is not acting: {told:?}");
    assert!(told.iter().any(|line| line.starts_with("lender post accounts")), "{told:?}");
    for (name, file) in plane.files() {
        assert!(
            !file.windows(guessed.len()).any(|bytes| bytes == guessed.as_bytes()),
            "{name} holds a guessed name"
        );
    }
    // However many there are, so many rows of one account and minute.
    for _ in 0..60 {
        plane.put("provider", "Organisation", "organisations", "bank", &organisation).send().expect(403);
    }
    let path = "/api/v1/refused-acts?account=provider&limit=200";
    let items = plane.by("auditor", "GET", path).send().expect(200).json();
    let items = items["items"].as_array().unwrap();
    assert_eq!(items.len(), 21);
    assert_eq!(items.iter().map(|item| item["count"].as_u64().unwrap()).sum::<u64>(), 61);
}

#[test]
fn a3_a_change_by_cookie_needs_its_mark() {
    let (plane, root) = administered();
    let create = || plane.ask("POST", "/api/v1/accounts").header("cookie", &root.cookie).json(&json!({}));
    create().send().expect(403).refused("C1108");
    create().header("x-csrf-token", "guessed").send().expect(403).refused("C1108");
    create().header("x-csrf-token", &root.mark).send().expect(422);
    plane.ask("GET", "/api/v1/me").header("cookie", &root.cookie).send().expect(200);
}

#[test]
fn a3_one_time_codes_are_enrolled_confirmed_and_asked_for() {
    let (plane, root) = founded();
    root.ask(&plane, "POST", "/api/v1/me/one-time-code").send().expect(201);
    let wrong = json!({"code": "000000x"});
    root.ask(&plane, "POST", "/api/v1/me/one-time-code:confirm")
        .json(&wrong)
        .send()
        .expect(401)
        .refused("C1102");
    let (secret, codes) = enrol(&plane, &root);
    let body = json!({"name": "root", "password": PASSWORD, "code": codes[0]});
    plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(201);
    plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(401);
    plane.clock.advance(std::time::Duration::from_secs(60));
    let last = json!({"code": totp(&secret, &plane.clock)});
    root.ask(&plane, "DELETE", "/api/v1/me/one-time-code").json(&last).send().expect(204);
    root.ask(&plane, "GET", "/api/v1/me").send().expect(401);
    sign_in(&plane, "root", PASSWORD).expect(201);
}

/// RFC 6238 with SHA-1, six digits, thirty seconds: written from the standard, apart from what is tested.
fn totp(secret: &str, clock: &ManualClock) -> String {
    use shuzha_core::Clock as _;
    let bits: String = secret
        .bytes()
        .map(|letter| {
            let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
            format!("{value:05b}")
        })
        .collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|eight| u8::from_str_radix(std::str::from_utf8(eight).unwrap(), 2).unwrap())
        .collect();
    let step = u64::try_from(clock.now().seconds() / 30).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// A name and the place it is tried from are locked together; whoever else is there, and the same name elsewhere, go on.
#[test]
fn a3_after_failures_a_name_is_locked_where_it_was_tried_and_nobody_else() {
    let limits = Limits { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Limits::default() };
    let plane = Plane::empty(limits, "127.0.0.1:0");
    let token = plane.accounts.first_token().unwrap().expect("nobody is here");
    plane.ask("POST", "/api/v1/first-administrator").json(&first(&token, PASSWORD)).send().expect(201);
    let try_from = |place: &str, name: &str, password: &str| {
        let body = json!({"name": name, "password": password});
        plane.ask("POST", "/api/v1/sessions").header("x-forwarded-for", place).json(&body).send()
    };
    for _ in 0..5 {
        try_from("192.0.2.1", "root", "wrong").expect(401).refused("C1102");
    }
    let locked = try_from("192.0.2.1", "root", PASSWORD).expect(429).refused("C1103");
    assert!(locked.header("retry-after").is_some());
    try_from("192.0.2.2", "root", PASSWORD).expect(201);
    // An office, or a proxy nobody named: other names from the same place go on.
    for at in 0..30 {
        try_from("192.0.2.2", &format!("typo-{at}"), "wrong").expect(401).refused("C1102");
    }
    try_from("192.0.2.2", "root", PASSWORD).expect(201);
    plane.clock.advance(std::time::Duration::from_secs(3_600));
    try_from("192.0.2.1", "root", PASSWORD).expect(201);
}

/// Guesses at once count as many: none of them finds the lock open for the others.
#[test]
fn a3_parallel_guesses_count_each() {
    let (plane, _) = founded();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let guess = |at: usize| {
            let plane = &plane;
            scope.spawn(move || sign_in(plane, "root", if at == 63 { PASSWORD } else { "wrong wrong" }))
        };
        let guessing: Vec<_> = (0..64).map(guess).collect();
        guessing.into_iter().map(|guess| guess.join().unwrap().status).collect()
    });
    let wrong = answers.iter().filter(|status| **status == 401).count();
    // A right one among them clears what was counted before it, once.
    assert!(wrong <= 10, "{answers:?}");
    let others = answers.iter().filter(|status| !matches!(status, 401 | 201)).count();
    assert!(others >= 53, "{answers:?}");
}

#[test]
fn a3_what_is_forged_or_over_is_refused_alike() {
    let plane = Plane::new();
    for authorization in
        ["Bearer szt_forged", "Bearer x", "Bearer", "Basic cm9vdDpyb290", "", "Bearer szt_wang-all x"]
    {
        let answer = plane.ask("GET", "/api/v1/me").header("authorization", authorization).send().expect(401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"shuzha\""));
        answer.refused("C1101");
    }
    plane.ask("GET", "/api/v1/me").send().expect(401);
    plane.ask("GET", "/api/v1/me").header("cookie", "shuzha=forged").send().expect(401).refused("C1101");
    plane.by("wang", "GET", "/api/v1/me").send().expect(200);
    plane.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    plane.by("wang", "GET", "/api/v1/me").send().expect(401).refused("C1101");
}
