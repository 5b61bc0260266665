//! Requests that two servers could read differently, one per line of `framing/cases.txt`: each is refused with its code,
//! the connection closes, and neither the request nor what is smuggled behind it reaches the gate.

use crate::world::{Event, World, soon};

const CASES: &str = include_str!("framing/cases.txt");

/// A sound request behind the unsound one: it must never be served.
const SMUGGLED: &[u8] = b"POST /v1/products/echo/smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

struct Case {
    code: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

/// `CODE name | request`, with `\r \n \t \0 \\ \xNN` and `{N}` after a character for N of it.
fn cases() -> Vec<Case> {
    let lines = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (title, request) = line.split_once(" | ").expect("a case has a title and a request");
            let (code, name) = title.split_once(' ').expect("a title has a code and a name");
            Case { code, name: name.trim(), bytes: unescape(request) }
        })
        .collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        if let Some((count, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            let count: usize = count.parse().expect("a repetition is a number");
            out.extend(character.to_string().repeat(count).bytes());
            rest = after;
        } else if character == '\\' {
            let kind = rest.chars().next().expect("an escape has a second character");
            rest = &rest[1..];
            out.push(match kind {
                'r' => b'\r',
                'n' => b'\n',
                't' => b'\t',
                '0' => 0,
                '\\' => b'\\',
                'x' => {
                    let (hex, after) = rest.split_at(2);
                    rest = after;
                    u8::from_str_radix(hex, 16).expect("two hexadecimal digits")
                }
                other => panic!("unknown escape \\{other}"),
            });
        } else {
            out.extend(character.to_string().bytes());
        }
    }
    out
}

#[tokio::test]
async fn unsound_requests_are_refused_and_nothing_is_smuggled() {
    let world = World::plain();
    let mut events = world.gate.events();
    let cases = cases();
    assert!(cases.len() >= 80, "the corpus has {} cases", cases.len());
    for Case { code, name, mut bytes } in cases {
        bytes.extend_from_slice(SMUGGLED);
        let mut caller = world.connect().await;
        caller.write(&bytes).await;
        let answer = caller.try_answer().await.unwrap_or_else(|| panic!("no answer to: {name}"));
        assert_eq!(answer.code(), code, "{name}");
        assert_eq!(answer.field("Connection"), Some("close"), "{name}");
        assert!(caller.is_closed().await, "the connection stays open after: {name}");
        let told = soon(events.recv()).await.expect("the gate is told");
        assert_eq!(told, Event::Edge(code.parse().expect("a real code")), "{name}");
        assert_eq!(world.gate.calls(), 0, "the gate was called by: {name}");
    }
}

/// What follows a sound request is judged by itself, and the sound one is answered first.
#[tokio::test]
async fn an_unsound_request_behind_a_sound_one() {
    let world = World::plain();
    for Case { code, name, bytes } in cases() {
        let before = world.gate.calls();
        let mut both =
            b"POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}".to_vec();
        both.extend_from_slice(&bytes);
        both.extend_from_slice(SMUGGLED);
        let mut caller = world.connect().await;
        caller.write(&both).await;
        assert_eq!(caller.answer().await.body, b"{}", "{name}");
        let second = caller.try_answer().await.unwrap_or_else(|| panic!("no second answer to: {name}"));
        assert_eq!(second.code(), code, "{name}");
        assert!(caller.is_closed().await, "{name}");
        assert_eq!(world.gate.calls(), before + 1, "{name}");
    }
}

#[tokio::test]
async fn sound_requests_pass() {
    let world = World::plain();
    for request in [
        "GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /v1/products/echo/run HTTP/1.1\r\nhOsT:a:8080\r\n\r\n",
        "GET /v1/products/echo/run HTTP/1.1\r\nHost:\t a \t\r\n\r\n",
        "GET http://a/v1/products/echo/run HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET https://A:1/v1/products/echo/run?x=1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        "GET /v1/products/echo/run HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX-Tab: a\tb\r\n\r\n",
        "POST /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET /v1/products/echo/run HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, X-Unit\r\n\r\n",
    ] {
        let mut caller = world.connect().await;
        caller.write(request).await;
        assert_eq!(caller.answer().await.status, 200, "{request:?}");
    }
}
