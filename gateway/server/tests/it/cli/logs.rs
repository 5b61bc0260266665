//! Law 5 on the control plane: what a log may never hold, in the log of a running gateway that was asked all sorts of things.

use super::accounts::PASSWORD;
use super::gateway::TestGateway;

/// A word that no part of the gateway uses.
const CANARY: &str = "canary-5d20c4";

/// Refused by whichever rule comes first.
const ANY_4XX: u16 = 0;

/// Sends one request as it stands; the status of its answer.
fn ask(house: &TestGateway, head: &str, body: &str) -> u16 {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().into();
    let mut lines = head.lines();
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", house.api));
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    agent.run(request.body(body.to_owned()).expect("a request")).expect("answers").status().as_u16()
}

#[test]
fn nothing_that_is_secret_or_a_persons_is_in_the_log() {
    let house = TestGateway::configured("[log]\nlevel = 'trace'\n");
    let json = "Content-Type: application/json";
    let root = house.root();
    let token = std::fs::read_to_string(root.token_file()).expect("signed on");
    let bearer = format!("Authorization: Bearer {}", token.trim());
    let wrong = format!(r#"{{"name":"root","password":"{CANARY} of a password"}}"#);
    let unknown = format!(r#"{{"name":"{CANARY}","password":"{PASSWORD}"}}"#);
    let coded = format!(r#"{{"name":"root","password":"{PASSWORD}","code":"{CANARY}"}}"#);
    let organisation = format!(r#"{{"name":"{CANARY}","uscc":"{CANARY}","kind":"operator"}}"#);
    for (head, body, status) in [
        (format!("POST /api/v1/sessions\n{json}"), wrong, 401),
        (format!("POST /api/v1/sessions\n{json}"), unknown, 401),
        (format!("POST /api/v1/sessions\n{json}"), coded, 401),
        (format!("POST /api/v1/sessions\n{json}"), format!("{{\"{CANARY}"), ANY_4XX),
        (format!("GET /api/v1/me\nAuthorization: Bearer {CANARY}"), String::new(), 401),
        (format!("GET /api/v1/me\nCookie: session={CANARY}"), String::new(), ANY_4XX),
        (format!("POST /api/v1/invitations:open\n{json}"), format!(r#"{{"token":"{CANARY}"}}"#), ANY_4XX),
        (format!("GET /api/v1/{CANARY}?q={CANARY}\n{bearer}"), String::new(), 404),
        (format!("PUT /api/v1/organisations/x\n{json}\n{bearer}\nIf-Match: {CANARY}"), organisation, ANY_4XX),
        (
            format!("GET /api/v1/me\n{bearer}\nX-Forwarded-For: {CANARY}\nUser-Agent: {CANARY}"),
            String::new(),
            200,
        ),
    ] {
        let answered = ask(&house, &head, &body);
        let expected = if status == ANY_4XX { (400..500).contains(&answered) } else { answered == status };
        assert!(expected, "{head}: {answered}");
    }
    let mut secrets = house.secrets();
    secrets.extend([CANARY.to_owned(), token.trim().to_owned()]);
    let said = house.said();
    assert!(said.iter().any(|line| line.contains("\"ready\"")), "{said:#?}");
    for line in &said {
        for secret in &secrets {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}
