//! The program itself: what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use shuzha_upstreams::register::{enterprise_index, person_index};

struct Program {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    _folder: tempfile::TempDir,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("gateway.key");
        std::fs::write(&key, [9; 32]).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_shuzha-upstreams"))
            .args(arguments)
            .arg("--gateway-key-file")
            .arg(&key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, _folder: folder }
    }

    /// The next service that is ready: its name and address.
    fn ready(&mut self) -> (String, String) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        (line["service"].as_str().unwrap().to_owned(), line["listen"].as_str().unwrap().to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended in a test that passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn health(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn all_services_say_where_they_are_and_end_with_their_parent() {
    let mut program = Program::start(&[
        "all",
        "--register-listen=127.0.0.1:0",
        "--model-listen=127.0.0.1:0",
        "--statistics-listen=127.0.0.1:0",
        "--packages-listen=127.0.0.1:0",
        "--exit-with-stdin",
    ]);
    for expected in ["register", "model", "statistics", "packages"] {
        let (service, address) = program.ready();
        assert_eq!(service, expected);
        let answer = health(&address);
        assert!(answer.ends_with(&format!(r#"{{"service":"{expected}"}}"#)), "{answer}");
    }
    drop(program.child.stdin.take());
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn sigterm_ends_a_service_in_order() {
    let mut program = Program::start(&["register", "--listen=127.0.0.1:0"]);
    let (_, address) = program.ready();
    assert!(health(&address).starts_with("HTTP/1.1 200 "));
    // Without `--exit-with-stdin` a closed standard input is no reason to end.
    drop(program.child.stdin.take());
    assert!(health(&address).starts_with("HTTP/1.1 200 "));
    kill_process(Pid::from_child(&program.child), Signal::TERM).unwrap();
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn a_sample_names_entries_that_exist() {
    let sample = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_shuzha-upstreams"))
            .arg("sample")
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success());
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let entries = sample(&["--persons=2", "--enterprises=2", "--first=49998"]);
    assert_eq!(entries.len(), 4);
    for (entry, index) in entries[..2].iter().zip([49_998, 49_999]) {
        assert_eq!(person_index(entry["id_number"].as_str().unwrap()), Some(index));
    }
    for (entry, index) in entries[2..].iter().zip([49_998, 49_999]) {
        assert_eq!(enterprise_index(entry["uscc"].as_str().unwrap()), Some(index));
    }
    assert_eq!(sample(&["--first=999999"]).len(), 1, "there are no entries behind the last one");
}

#[test]
fn a_service_without_a_proper_key_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let short = folder.path().join("short");
    std::fs::write(&short, [0; 31]).unwrap();
    let missing = folder.path().join("missing");
    for (key, reason) in [(&short, "between 32 and 4096 bytes"), (&missing, "cannot be read")] {
        let output = Command::new(env!("CARGO_BIN_EXE_shuzha-upstreams"))
            .args(["register", "--listen=127.0.0.1:0", "--gateway-key-file"])
            .arg(key)
            .output()
            .unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{reason}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_shuzha-upstreams"))
        .args(["register", "--listen=127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--gateway-key-file"));
}

#[test]
fn a_table_of_other_columns_is_told_before_any_client_is_printed() {
    let clients = |table: &str| {
        let table = format!("{}/data/{table}", env!("CARGO_MANIFEST_DIR"));
        let done = Command::new(env!("CARGO_BIN_EXE_shuzha-upstreams"))
            .args(["clients", "--count", "2", "--table", &table])
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (done.status.success(), text(&done.stdout), text(&done.stderr))
    };
    let (is_done, printed, said) = clients("adult.csv.gz");
    assert!(!is_done && printed.is_empty(), "{printed}");
    assert!(said.contains("缺列") && said.contains("columns are missing: limit_bal, "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let (is_done, printed, said) = clients("README.md");
    assert!(!is_done && printed.is_empty() && said.lines().count() == 1, "{printed}{said}");
    let (is_done, printed, said) = clients("credit-default.csv.gz");
    assert!(is_done && printed.lines().count() == 2 && !printed.contains("null"), "{printed}{said}");
}
