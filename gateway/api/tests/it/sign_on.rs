//! Accounts over HTTP: the first administrator, sessions with their mark, passwords, tokens, lock-out.

use serde_json::{Value, json};
use shuzha_api::Limits;
use shuzha_core::clock::ManualClock;

use crate::client::{Answer, Ask};
use crate::plane::Plane;

const PASSWORD: &str = "three unrelated words";
const CHOSEN: &str = "four quite unrelated words";

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

/// A plane with its first administrator, signed on.
fn administered() -> (Plane, Browser) {
    let plane = Plane::empty(Limits::default(), "127.0.0.1:0");
    let token = plane.accounts.first_token().unwrap().expect("nobody is here");
    let first = |token: &str, password: &str| {
        let body = json!({"token": token, "name": "root", "organisation": "ops", "person": "李某", "password": password});
        plane.ask("POST", "/api/v1/first-administrator").json(&body).send()
    };
    first("guessed", PASSWORD).expect(401).refused("C1102");
    first(&token, "short").expect(422).refused("C1107");
    let made = first(&token, PASSWORD).expect(201);
    assert_eq!(made.json()["roles"], json!(["sre"]));
    first(&token, PASSWORD).expect(401).refused("C1102");
    let root = signed_in(&sign_in(&plane, "root", PASSWORD).expect(201));
    (plane, root)
}

#[test]
fn a3_an_account_is_made_signs_on_makes_a_token_and_is_closed() {
    let (plane, root) = administered();
    let profile = json!({"name": "wang", "organisation": "bureau", "person": "王某", "roles": ["authority"]});
    let made = root.ask(&plane, "POST", "/api/v1/accounts").json(&profile).send().expect(201);
    root.ask(&plane, "POST", "/api/v1/accounts").json(&profile).send().expect(409).refused("C1004");
    let first = made.json()["password"].as_str().unwrap().to_owned();
    let signed = sign_in(&plane, "wang", &first).expect(201);
    assert_eq!(signed.json()["mustChangePassword"], true);
    let wang = signed_in(&signed);
    // Until then they act in no role.
    wang.ask(&plane, "GET", "/api/v1/acts").send().expect(403);
    let change = json!({"present": first, "password": CHOSEN});
    wang.ask(&plane, "PUT", "/api/v1/me/password").json(&change).send().expect(204);
    wang.ask(&plane, "GET", "/api/v1/me").send().expect(401).refused("C1101");
    let wang = signed_in(&sign_in(&plane, "wang", CHOSEN).expect(201));
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
    root.ask(&plane, "PUT", path).matching(account.version()).json(&closed).send().expect(200);
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
    let (plane, root) = administered();
    let enrolled = root.ask(&plane, "POST", "/api/v1/me/one-time-code").send().expect(201).json();
    let secret = enrolled["secret"].as_str().unwrap().to_owned();
    let confirm = |code: &str| {
        root.ask(&plane, "POST", "/api/v1/me/one-time-code:confirm").json(&json!({"code": code})).send()
    };
    confirm("000000x").expect(401).refused("C1102");
    let codes = confirm(&totp(&secret, &plane.clock)).expect(200).json();
    let missing = sign_in(&plane, "root", PASSWORD).expect(401).refused("C1102");
    assert_eq!(missing.faults(), ["code"]);
    let recovery = codes["recoveryCodes"][0].as_str().unwrap().to_owned();
    let body = json!({"name": "root", "password": PASSWORD, "code": recovery});
    plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(201);
    plane.ask("POST", "/api/v1/sessions").json(&body).send().expect(401);
    plane.clock.advance(std::time::Duration::from_secs(60));
    let last = json!({"code": totp(&secret, &plane.clock)});
    root.ask(&plane, "DELETE", "/api/v1/me/one-time-code").json(&last).send().expect(204);
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

#[test]
fn a3_after_failures_a_name_is_locked_for_a_while() {
    let (plane, _) = administered();
    let mut last: Value = Value::Null;
    for _ in 0..6 {
        let answer = sign_in(&plane, "root", "wrong");
        last = json!([answer.status, answer.header("retry-after").is_some()]);
    }
    assert_eq!(last, json!([429, true]));
    sign_in(&plane, "root", PASSWORD).expect(429).refused("C1103");
    plane.clock.advance(std::time::Duration::from_secs(3_600));
    sign_in(&plane, "root", PASSWORD).expect(201);
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
