//! A gateway whose register is empty, its first administrator, and persons with homes of their own.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::home::{shuzha, text};
use crate::node::PATIENCE;

/// Good by every rule for passwords.
const PASSWORD: &str = "three unrelated words";

/// What is in the folder of a house.
const DATA: &str = "data";
const CONFIGURATION: &str = "shuzha.toml";

/// A running gateway. Killed with the test.
pub(super) struct House {
    root: tempfile::TempDir,
    child: Child,
    pub(super) api: String,
    /// Where application units call it.
    pub(super) data_plane: SocketAddr,
    /// Where it tells of its own state, since it was last started again.
    pub(super) operations: Option<SocketAddr>,
    /// What it wrote when it was last started again, until it was ready.
    pub(super) log: Vec<String>,
}

/// A person at a terminal.
pub(super) struct Person<'h> {
    house: &'h House,
    home: PathBuf,
}

impl House {
    /// Starts a gateway and makes its first administrator, `root`.
    pub(super) fn start() -> Self {
        Self::configured("")
    }

    /// The same, with a configuration.
    pub(super) fn configured(configuration: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join(CONFIGURATION), configuration).expect("written");
        let (child, lines) = serve(root.path());
        let (ready, token) = wait(&lines);
        let api = ready["control"].as_str().expect("an address");
        // Its pipes are read to the end, so that it never waits for this test.
        std::thread::spawn(move || lines.into_iter().count());
        let (api, data_plane) = (format!("http://{api}"), callers(&ready));
        let house = Self { root, child, api, data_plane, operations: None, log: Vec::new() };
        let first = json!({
            "token": token, "name": "root", "organisation": "ops", "person": "李某", "password": PASSWORD,
        });
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request = agent.post(format!("{}/api/v1/first-administrator", house.api));
        let made = request.header("Content-Type", "application/json").send(first.to_string());
        assert_eq!(made.expect("answers").status(), 201);
        house
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
        std::thread::spawn(move || lines.into_iter().count());
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
        let signed_on = root.told(&["login", "--name", "root"], PASSWORD);
        assert!(signed_on.status.success(), "{signed_on:?}");
        root
    }

    /// Someone with a home folder, not signed on.
    pub(super) fn person(&self, name: &str) -> Person<'_> {
        let home = self.root.path().join(name);
        std::fs::create_dir_all(&home).expect("made");
        Person { house: self, home }
    }

    /// Someone with an account, signed on with a password of their own.
    pub(super) fn member(
        &self,
        root: &Person<'_>,
        name: &str,
        organisation: &str,
        roles: &[&str],
    ) -> Person<'_> {
        let account = json!({"name": name, "organisation": organisation, "person": "某人", "roles": roles});
        let made = root.post("/api/v1/accounts", &account);
        let first = made["password"].as_str().expect("shown once").to_owned();
        let person = self.person(name);
        let own = "four further unrelated words";
        let signed_on = person.told(&["login", "--name", name], &format!("{first}\n{own}\n{own}\n"));
        assert!(signed_on.status.success(), "{signed_on:?}");
        person
    }

    /// A file of this test.
    pub(super) fn file(&self, name: &str, content: &str) -> String {
        let path = self.root.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for House {
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

/// What it says when it is ready, and the first administrator's token.
fn wait(lines: &Receiver<String>) -> (Value, String) {
    let (mut ready, mut token, mut told) = (None, None, Vec::new());
    loop {
        let Ok(line) = lines.recv_timeout(PATIENCE) else { panic!("it does not become ready: {told:#?}") };
        let read: Value = serde_json::from_str(&line).unwrap_or_default();
        if read["message"] == "ready" {
            ready = Some(read);
        }
        if told.last().is_some_and(|last: &String| last.starts_with("There is no administrator yet")) {
            token = Some(line.trim().to_owned());
        }
        told.push(line);
        if let (Some(ready), Some(token)) = (&ready, &token) {
            return (ready.clone(), token.clone());
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

    fn post(&self, path: &str, body: &Value) -> Value {
        let token = std::fs::read_to_string(self.token_file()).expect("signed on");
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request =
            agent.post(format!("{}{path}", self.house.api)).header("Content-Type", "application/json");
        let request = request.header("Authorization", format!("Bearer {}", token.trim()));
        let mut answer = request.send(body.to_string()).expect("answers");
        let text = answer.body_mut().read_to_string().expect("UTF-8");
        serde_json::from_str(&text).expect("JSON")
    }
}

/// Whether only its owner may read a file.
pub(super) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777 == 0o600
}
