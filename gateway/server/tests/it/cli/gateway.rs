//! A gateway whose register is empty, its first administrator, and persons with homes of their own.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::accounts::{Accounts, PASSWORD};
use crate::home::{shuzha, text, write_private};
use crate::node::PATIENCE;

/// What is in the folder of a gateway.
const DATA: &str = "data";
const CONFIGURATION: &str = "shuzha.toml";

/// A running gateway. Killed with the test.
pub(super) struct TestGateway {
    root: tempfile::TempDir,
    child: Child,
    pub(super) api: String,
    /// Where application units call it.
    pub(super) data_plane: SocketAddr,
    /// Where it tells of its own state, since it was last started again.
    pub(super) operations: Option<SocketAddr>,
    /// What it wrote when it was last started again, until it was ready.
    pub(super) log: Vec<String>,
    /// What it writes from then on, read to the end, so that it never waits for this test.
    heard: Option<JoinHandle<Vec<String>>>,
    accounts: Accounts,
}

/// A person at a terminal.
pub(super) struct Person<'h> {
    house: &'h TestGateway,
    home: PathBuf,
}

impl TestGateway {
    /// Starts a gateway and makes its first administrator, `root`.
    pub(super) fn start() -> Self {
        Self::configured("")
    }

    /// The same, with a configuration. The first administrator has set a device up; the notary, of the authority, is there
    /// to be the second person.
    pub(super) fn configured(configuration: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join(CONFIGURATION), configuration).expect("written");
        let (child, lines) = serve(root.path());
        let (ready, log) = wait(&lines);
        let api = format!("http://{}", ready["control"].as_str().expect("an address"));
        let heard = Some(std::thread::spawn(move || lines.into_iter().collect()));
        let token = root.path().join(DATA).join("first-administrator.token");
        assert!(is_private(&token));
        let token = std::fs::read_to_string(token).expect("left there");
        let accounts = Accounts::found(&api, token.trim(), &root.path().join(DATA));
        Self { root, child, api, data_plane: callers(&ready), operations: None, log, heard, accounts }
    }

    /// Its data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.root.path().join(DATA)
    }

    /// Ends the gateway in order.
    pub(super) fn end(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is our process");
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Ends the gateway in order; all that it wrote since it was last started.
    pub(super) fn said(mut self) -> Vec<String> {
        self.end();
        let heard = self.heard.take().expect("read since the start").join().expect("no panic");
        let mut said = std::mem::take(&mut self.log);
        said.extend(heard);
        said
    }

    /// The secrets of accounts, as they were told.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.accounts.secrets()
    }

    /// Ends the gateway at once: nothing more is written.
    pub(super) fn crash(&mut self) {
        self.child.kill().expect("it is our process");
        self.child.wait().expect("it ends");
    }

    /// Starts a gateway on the same data; what it says of itself once it is ready.
    pub(super) fn start_again(&mut self) -> Value {
        let (child, lines) = serve(self.root.path());
        self.child = child;
        let mut told = Vec::new();
        let ready = loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else { panic!("it does not start: {told:#?}") };
            let read: Value = serde_json::from_str(&line).unwrap_or_default();
            if read["message"] == "ready" {
                break read;
            }
            told.push(line);
        };
        self.heard = Some(std::thread::spawn(move || lines.into_iter().collect()));
        self.log = told;
        self.api = format!("http://{}", ready["control"].as_str().unwrap_or_default());
        self.data_plane = callers(&ready);
        let operations = ready["operations"].as_str().expect("an address");
        self.operations = operations.parse().ok();
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let mut status = agent.get(format!("http://{operations}/status")).call().expect("answers");
        serde_json::from_str(&status.body_mut().read_to_string().expect("a body")).expect("JSON")
    }

    /// The administrator, signed on.
    pub(super) fn root(&self) -> Person<'_> {
        let root = self.person("root");
        let code = self.accounts.recovery_code();
        let signed_on = root.told(&["login", "--name", "root", "--code", &code], PASSWORD);
        assert!(signed_on.status.success(), "{signed_on:?}");
        root
    }

    /// The second person, signed on.
    pub(super) fn notary(&self) -> Person<'_> {
        self.signed_on("notary", &self.accounts.notary)
    }

    fn signed_on(&self, name: &str, token: &str) -> Person<'_> {
        let person = self.person(name);
        let file = person.token_file();
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        let _ = std::fs::remove_file(&file);
        write_private(&file, token.as_bytes());
        person
    }

    /// Someone with a home folder, not signed on.
    pub(super) fn person(&self, name: &str) -> Person<'_> {
        let home = self.root.path().join(name);
        std::fs::create_dir_all(&home).expect("made");
        Person { house: self, home }
    }

    /// Someone with an account, which the notary confirmed, signed on with a password of their own.
    pub(super) fn member(
        &self,
        _root: &Person<'_>,
        name: &str,
        organisation: &str,
        roles: &[&str],
    ) -> Person<'_> {
        let token = self.accounts.member(&self.api, name, organisation, roles);
        self.signed_on(name, &token)
    }

    /// A file of this test.
    pub(super) fn file(&self, name: &str, content: &str) -> String {
        let path = self.root.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a gateway that says it is ready takes calls.
fn callers(ready: &Value) -> SocketAddr {
    ready["data"].as_str().and_then(|text| text.parse().ok()).expect("an address")
}

/// A gateway without world files on the data and the configuration in `root`, and the lines it writes.
fn serve(root: &Path) -> (Child, Receiver<String>) {
    let mut command = shuzha();
    command.arg("serve").arg("--config").arg(root.join(CONFIGURATION));
    for listener in ["--listen", "--operations", "--control"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    command.arg("--data-dir").arg(root.join(DATA));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let (say, lines) = channel();
    read(child.stdout.take().expect("it is piped"), say.clone());
    read(child.stderr.take().expect("it is piped"), say);
    (child, lines)
}

/// What it says when it is ready, and all before it. The first administrator's token is never said, only where it is.
fn wait(lines: &Receiver<String>) -> (Value, Vec<String>) {
    let (mut ready, mut named, mut told) = (None, false, Vec::new());
    loop {
        let Ok(line) = lines.recv_timeout(PATIENCE) else { panic!("it does not become ready: {told:#?}") };
        let read: Value = serde_json::from_str(&line).unwrap_or_default();
        if read["message"] == "ready" {
            ready = Some(read);
        }
        named |= line.trim().ends_with("first-administrator.token");
        told.push(line);
        if let (Some(ready), true) = (&ready, named) {
            return (ready.clone(), told);
        }
    }
}

fn read(output: impl Read + Send + 'static, say: Sender<String>) {
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.map(|line| say.send(line)).all(|sent| sent.is_ok())
    });
}

impl Person<'_> {
    /// Where their token is kept.
    pub(super) fn token_file(&self) -> PathBuf {
        self.home.join(".config/shuzha/token")
    }

    /// Runs a command.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.told(arguments, "")
    }

    /// Runs a command that must succeed; its output.
    pub(super) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout).to_owned()
    }

    /// Runs a command with something on its input.
    pub(super) fn told(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = shuzha();
        command.args(arguments).args(["--api", &self.house.api]);
        command.env_remove("XDG_CONFIG_HOME").env_remove("SHUZHA_API_TOKEN_FILE").env("HOME", &self.home);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_owned();
        // Beside it: neither waits for the other to read.
        let writing = std::thread::spawn(move || {
            // Who has failed does not read.
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("it does not panic");
        output
    }

    /// Applies objects.
    pub(super) fn apply(&self, objects: &str) -> Output {
        self.told(&["apply", "-f", "-"], objects)
    }
}

/// Whether only its owner may read a file.
pub(super) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777 == 0o600
}
