//! `shuzha call` against a gateway that means harm: what it prints, what it takes for whole, and where it writes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::home::text;

/// What a terminal would obey: a title, a cleared screen, a C1 control, and a turned direction.
const HOSTILE: &str = "\u{1b}]0;pwn\u{7}\u{1b}[2J \u{9b}31m \u{202e}txet\u{200b}";

/// A server that answers every request with these bytes and closes the connection.
fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let field = line.to_ascii_lowercase();
                if let Some(value) = field.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("digits");
                }
                line.clear();
            }
            drop(reader.read_exact(&mut vec![0; length]));
            drop(stream.write_all(&answer));
        }
    });
    address
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}").into_bytes()
}

struct Caller {
    dir: tempfile::TempDir,
}

impl Caller {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("key"), "AAAA").expect("written");
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, url: &str, more: &[&str]) -> Vec<String> {
        let key = self.path("key").display().to_string();
        let fixed = [
            env!("CARGO_BIN_EXE_shuzha"),
            "call",
            "p",
            "o",
            "--url",
            url,
            "--key-id",
            "k",
            "--key-file",
            &key,
        ];
        fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn call(&self, url: &str, more: &[&str]) -> Output {
        let command = self.command(url, more);
        Command::new(&command[0]).args(&command[1..]).output().expect("it starts")
    }

    /// The same with a terminal for both outputs; what was written to it.
    fn at_a_terminal(&self, url: &str) -> String {
        let quoted: Vec<_> = self.command(url, &[]).iter().map(|word| format!("'{word}'")).collect();
        let mut script = Command::new("script");
        script.args(["-qec", &quoted.join(" "), "/dev/null"]);
        let done = script.output().expect("`script` is part of every Debian");
        String::from_utf8(done.stdout).expect("UTF-8")
    }
}

#[test]
fn nothing_that_a_server_sends_is_obeyed_by_a_terminal() {
    let length = HOSTILE.len();
    let head = format!("Content-Length: {length}\r\nX-Fee: \u{9b}31m\u{202e}\r\n");
    let caller = Caller::new();
    let url = format!("http://{}", server(answer(&head, HOSTILE)));
    let seen = caller.at_a_terminal(&url);
    let obeyed: Vec<char> = seen
        .chars()
        .filter(|letter| letter.is_control() && !matches!(letter, '\r' | '\n' | '\t'))
        .chain(seen.chars().filter(|letter| matches!(letter, '\u{202e}' | '\u{200b}')))
        .collect();
    assert!(obeyed.is_empty(), "{obeyed:?} in {seen:?}");
    assert!(seen.contains("\\u{1b}]0;pwn\\u{7}") && seen.contains("\\u{202e}txet"), "{seen:?}");
    // In a pipe it is data.
    let piped = caller.call(&url, &[]);
    assert_eq!(text(&piped.stdout), format!("{HOSTILE}\n"));
}

#[test]
fn an_answer_that_may_be_cut_is_no_answer() {
    let caller = Caller::new();
    let out = caller.path("out");
    let to = out.display().to_string();
    for (name, whole, bytes) in [
        ("a length that is met", true, answer("Content-Length: 4\r\n", "good")),
        ("chunks to their end", true, answer("Transfer-Encoding: chunked\r\n", "4\r\ngood\r\n0\r\n\r\n")),
        ("no length and no end", false, answer("", "goo")),
        ("no length, close", false, answer("Connection: close\r\n", "good")),
        ("a length that is not met", false, answer("Content-Length: 4\r\n", "goo")),
        ("chunks without an end", false, answer("Transfer-Encoding: chunked\r\n", "4\r\ngood\r\n")),
        ("a chunk that is cut", false, answer("Transfer-Encoding: chunked\r\n", "4\r\ngo")),
        ("nothing at all", false, Vec::new()),
    ] {
        let url = format!("http://{}", server(bytes));
        drop(std::fs::remove_file(&out));
        let done = caller.call(&url, &["--output", &to]);
        assert_eq!((done.status.success(), out.exists()), (whole, whole), "{name}: {done:?}");
        if whole {
            assert_eq!(std::fs::read(&out).expect("there"), b"good", "{name}");
        }
        let printed = caller.call(&url, &[]);
        assert_eq!(
            (printed.status.success(), printed.stdout.is_empty()),
            (whole, !whole),
            "{name}: {printed:?}"
        );
    }
}

#[test]
fn an_output_file_replaces_a_link_and_does_not_follow_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let caller = Caller::new();
    let url = format!("http://{}", server(answer("Content-Length: 4\r\n", "good")));
    let (victim, link) = (caller.path("victim"), caller.path("link"));
    std::fs::write(&victim, "precious").expect("written");
    std::os::unix::fs::symlink(&victim, &link).expect("a link");
    let done = caller.call(&url, &["--output", link.to_str().expect("UTF-8")]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(std::fs::read(&victim).expect("there"), b"precious");
    assert_eq!(std::fs::read(&link).expect("there"), b"good");
    let mode = link.symlink_metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "answers are about persons");
    for place in [Path::new("/dev/null"), caller.dir.path()] {
        let refused = caller.call(&url, &["--output", place.to_str().expect("UTF-8")]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(text(&refused.stderr).contains("no regular file"), "{refused:?}");
    }
}

#[test]
fn an_address_with_a_password_in_it_is_refused_and_not_repeated() {
    let caller = Caller::new();
    for url in ["http://user:secret@127.0.0.1:1", "http://secret@127.0.0.1:1", "http://127.0.0.1:1/secret"] {
        let refused = caller.call(url, &[]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = text(&refused.stderr);
        assert!(said.contains("address") || said.contains("only"), "{said}");
        assert!(url.ends_with("/secret") || !said.contains("secret"), "{said}");
    }
    let api = ["organisation", "list", "--api", "http://user:secret@127.0.0.1:1"];
    let refused = Command::new(env!("CARGO_BIN_EXE_shuzha")).args(api).output().expect("it starts");
    assert!(!refused.status.success() && !text(&refused.stderr).contains("secret"), "{refused:?}");
}
