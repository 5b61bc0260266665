//! Data folders of versions that landed before: they start, migrate and serve.
//!
//! `landed/COMMIT.tgz` is the folder that `shuzha demo --once` of that commit left: every kind of object, case and act, eighteen
//! accounts, calls of every outcome. Its persons and keys are synthetic.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::home::{COMPANY, shuzha, text};
use crate::node::PATIENCE;

/// A gateway on an old folder; killed with the test.
struct Old {
    root: tempfile::TempDir,
    child: Child,
    data: String,
    operations: String,
    control: Option<String>,
}

impl Old {
    /// Unpacks the folder of `commit` and starts the gateway on it.
    fn start(commit: &str) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("data");
        std::fs::create_dir(&folder).expect("made");
        let archive =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/landed").join(format!("{commit}.tgz"));
        let unpacked = Command::new("tar").arg("-C").arg(&folder).arg("-xzf").arg(archive).status();
        assert!(unpacked.expect("tar runs").success());
        let configuration = "[node]\nname = \"demo\"\n";
        std::fs::write(root.path().join("shuzha.toml"), configuration).expect("written");
        let (child, ready) = serve(root.path());
        let address = |name: &str| ready[name].as_str().map(str::to_owned);
        let (data, operations) = (address("data").expect("said"), address("operations").expect("said"));
        Self { root, child, data, operations, control: address("control") }
    }

    /// An answer of the operations listener.
    fn operations(&self, path: &str) -> (u16, Value) {
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build();
        let agent: ureq::Agent = config.into();
        let mut answer = agent.get(format!("http://{}{path}", self.operations)).call().expect("answers");
        let body = answer.body_mut().read_to_string().expect("a body");
        (answer.status().as_u16(), serde_json::from_str(&body).expect("JSON"))
    }

    /// A signed call of a unit whose seed lies in the old folder; what the gateway answered.
    fn call(&self, [product, operation, scenario]: [&str; 3], body: &str) -> String {
        let seed = self.root.path().join("data/keys/bank-ed25519.seed");
        let mut command = shuzha();
        command.args(["call", product, operation, "--url", &format!("http://{}", self.data)]);
        command.args(["--key-id", "bank-ed25519", "--algorithm", "ed25519", "--profile", "rfc9421"]);
        command.arg("--key-file").arg(seed).args(["--scenario", scenario, "-d", body]);
        text(&command.output().expect("it runs").stdout).to_owned()
    }
}

impl Drop for Old {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the gateway in `root`; its process and the line that says where it listens.
fn serve(root: &Path) -> (Child, Value) {
    let mut command = shuzha();
    command.arg("--config").arg(root.join("shuzha.toml")).arg("--data-dir").arg(root.join("data"));
    command.args([
        "serve",
        // The folder grows older with each day.
        "--clock-is-right",
        "--listen",
        "127.0.0.1:0",
        "--operations",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let lines = lines(&mut child);
    let mut log = Vec::new();
    loop {
        let Ok(line) = lines.recv_timeout(PATIENCE) else { panic!("it does not start: {log:#?}") };
        let read: Value = serde_json::from_str(&line).unwrap_or_default();
        if read["message"] == "ready" {
            // Its pipes are read to the end, so that it never waits for this test.
            std::thread::spawn(move || lines.into_iter().count());
            return (child, read);
        }
        log.push(line);
    }
}

/// The lines of both outputs of a process, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (send, receive) = channel();
    let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let outputs: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(err)];
    for output in outputs {
        let send = send.clone();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            // A test that is over does not listen.
            lines.map(|line| send.send(line)).all(|sent| sent.is_ok())
        });
    }
    receive
}

/// The control plane is there, the register is whole, and a call passes the seven stages of admission: only the product service is away.
#[test]
fn a_folder_of_the_last_landed_version_starts_migrates_and_serves() {
    let old = Old::start("85959ce");
    assert!(old.control.is_some(), "the control plane is started");
    let (_, status) = old.operations("/status");
    assert_eq!(status["world"], "register", "{status}");
    assert_eq!(status["node"], "demo", "{status}");
    let (code, ready) = old.operations("/readyz");
    assert_eq!((code, &ready["ready"]), (200, &Value::Bool(true)), "{ready}");
    // Every product service goes on with the key that its declaration named then.
    let keys = old.root.path().join("data/keys");
    let before = std::fs::read(keys.join("gateway.key")).expect("the key of that version");
    for service in ["register", "model", "statistics", "packages", "blind"] {
        let key = std::fs::read(keys.join(format!("upstreams/{service}.key"))).expect("made at the start");
        assert_eq!(key, before, "{service}");
    }
    // A table without the keys of its groups is in force, with what stands on it, and is not served (C613).
    assert_eq!(status["not_in_force"]["count"], 0, "{status}");
    let answer = old.call(["enterprise-table", "get", "bank-research"], "{}");
    let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
    assert_eq!(problem["code"], "C613", "{answer}");
    let body = format!(r#"{{"uscc":"{}","name":"{}"}}"#, COMPANY.0, COMPANY.1);
    let answer = old.call(["company-check", "verify", "bank-onboarding"], &body);
    let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    assert!(code.starts_with("C8"), "stage 8 is reached, and nothing answers there: {answer}");
}
