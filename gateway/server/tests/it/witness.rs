//! `shuzha witness` beside a gateway: cosignatures in receipts, memory over a restart, and a log with two faces.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shuzha_core::{Clock, SystemClock, Timestamp};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::{Files, LogKeys, LogReader, LogWriter, SeedKeys, Shard};
use shuzha_evidence::merkle::{Digest, Sha256};
use shuzha_evidence::note::{Note, Signature, Verifier};
use shuzha_evidence::witness::AddCheckpoint;
use shuzha_store::tiles::Directory;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::Node;
use crate::receipts::{policy, receipt};

const NAME: &str = "witness.example/w1";
const BASE: &str = "log.example/gate-9";

/// A running witness; killed if the test ends before it.
struct Witness {
    child: Child,
    url: String,
    key: Verifier,
}

impl Witness {
    fn start(folder: &Path, logs: &Path) -> Self {
        let mut command = shuzha();
        command.args(["witness", "serve", "--name", NAME, "--listen", "127.0.0.1:0", "--folder"]).arg(folder);
        command.arg("--logs").arg(logs).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let line = log.next().expect("a line").expect("text");
        // What it says later is read as well, or it would wait for a reader.
        std::thread::spawn(move || log.count());
        let ready: Value = serde_json::from_str(&line).expect("an object");
        let field = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("{ready}")).to_owned();
        let key = field("key").parse().expect("a key");
        Self { child, url: format!("http://{}", field("address")), key }
    }

    /// Status and body.
    fn ask(&self, request: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let mut answer =
            agent.post(format!("{}/add-checkpoint", self.url)).send(request).expect("it answers");
        (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
    }

    fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, Signal::TERM).expect("it runs");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keys() -> SeedKeys {
    SeedKeys::new(BASE, [5; 32], [5; 32], []).expect("a name")
}

/// A log of its own, written like any other.
struct Log {
    writer: LogWriter,
    reader: LogReader,
    folder: PathBuf,
}

impl Log {
    fn new(folder: &Path) -> Self {
        let files = Arc::new(Directory::new(folder)) as Arc<dyn Files>;
        let shard = Shard::of(Timestamp::from_seconds(1_800_000_000));
        let writer = LogWriter::open(Arc::clone(&files), BASE, shard, &keys()).expect("new");
        Self { writer, reader: LogReader::new(files, &shard.to_string()), folder: folder.to_owned() }
    }

    fn grow(&mut self, entries: &[&str]) {
        for entry in entries {
            self.writer.append(entry.as_bytes()).expect("written");
        }
        self.writer.publish().expect("written");
    }

    fn request<D: Digest>(&self, old: u64) -> AddCheckpoint {
        let note = self.reader.checkpoint::<D>().expect("readable").expect("published");
        let size = Checkpoint::parse(note.text()).expect("a checkpoint").size;
        let proof = self.reader.consistency::<D>(old.min(size), size).expect("readable");
        AddCheckpoint { old_size: old, proof, note }
    }
}

#[test]
fn h5_a_witness_signs_what_grows_and_keeps_both_faces_of_a_log_that_has_two() {
    let dir = tempfile::tempdir().expect("a folder");
    let (state, trusted) = (dir.path().join("witness"), dir.path().join("logs.keys"));
    let lines: Vec<String> = keys().known().iter().map(ToString::to_string).collect();
    std::fs::write(&trusted, lines.join("\n")).expect("written");
    let mut log = Log::new(&dir.path().join("log"));
    log.grow(&["a", "b", "c"]);
    let witness = Witness::start(&state, &trusted);
    let told = shuzha().args(["witness", "key", "--name", NAME, "--folder"]).arg(&state).output();
    assert_eq!(text(&told.expect("it starts").stdout).trim(), witness.key.to_string());

    let asked = log.request::<Sha256>(0);
    let (status, signature) = witness.ask(&asked.to_string());
    assert_eq!(status, 200);
    let mut note: Note = asked.note;
    Signature::parse_lines(&signature).expect("lines").into_iter().for_each(|line| note.add(line));
    assert_eq!(note.verified_by(&witness.key), Ok(()));
    let before = log.request::<Sha256>(3);
    log.grow(&["d", "e"]);
    assert_eq!(witness.ask(&log.request::<Sha256>(0).to_string()), (409, "3\n".to_owned()));
    assert_eq!(witness.ask("nonsense").0, 400);
    assert_eq!(witness.ask(&"x".repeat(70_000)).0, 413);
    let stranger = log.request::<Sha256>(3).to_string().replace("gate-9", "gate-8");
    assert_eq!(witness.ask(&stranger).0, 404);
    assert_eq!(witness.ask(&log.request::<Sha256>(3).to_string()).0, 200);
    assert_eq!(witness.ask(&before.to_string()), (409, "5\n".to_owned()), "back to an older tree");

    // E6: another history of the same size. What it saw is on disk: a restart changes nothing.
    let mut forged = Log::new(&dir.path().join("forged"));
    forged.grow(&["a", "b", "c", "x", "e"]);
    witness.stop();
    let witness = Witness::start(&state, &trusted);
    assert_eq!(witness.ask(&forged.request::<Sha256>(0).to_string()).0, 422);
    assert_eq!(witness.ask(&forged.request::<Sha256>(5).to_string()).0, 422);
    let origin = log.writer_origin();
    let folder = state.join(shuzha_core::hex::encode(&Sha256::digest(origin.as_bytes()))).join("split-view");
    let mut kept: Vec<String> = std::fs::read_dir(folder)
        .expect("kept")
        .map(|entry| std::fs::read_to_string(entry.expect("there").path()).expect("text"))
        .collect();
    kept.sort();
    let mut both = [log.request::<Sha256>(5).note.to_string(), forged.request::<Sha256>(5).note.to_string()];
    both.sort();
    assert_eq!(kept, both, "both heads, as the log signed them");
    forged.grow(&["f"]);
    assert_eq!(witness.ask(&forged.request::<Sha256>(5).to_string()).0, 422, "nor anything built on it");
    log.grow(&["f"]);
    assert_eq!(witness.ask(&log.request::<Sha256>(5).to_string()).0, 200, "the log that it saw goes on");
    witness.stop();
}

/// A log gone bad shows as many trees of one size as it likes: the first of them are kept, and no more.
#[test]
fn h8_a_witness_keeps_the_first_split_views_of_a_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let (state, trusted) = (dir.path().join("witness"), dir.path().join("logs.keys"));
    let lines: Vec<String> = keys().known().iter().map(ToString::to_string).collect();
    std::fs::write(&trusted, lines.join("\n")).expect("written");
    let mut log = Log::new(&dir.path().join("log"));
    log.grow(&["a"]);
    let witness = Witness::start(&state, &trusted);
    assert_eq!(witness.ask(&log.request::<Sha256>(0).to_string()).0, 200);
    for number in 0..20 {
        let mut forged = Log::new(&dir.path().join(format!("forged-{number}")));
        forged.grow(&[&format!("other {number}")]);
        assert_eq!(witness.ask(&forged.request::<Sha256>(0).to_string()).0, 422);
    }
    let folder = state
        .join(shuzha_core::hex::encode(&Sha256::digest(log.writer_origin().as_bytes())))
        .join("split-view");
    assert_eq!(std::fs::read_dir(folder).expect("kept").count(), 2 * 16);
    witness.stop();
}

impl Log {
    fn writer_origin(&self) -> String {
        assert!(self.folder.exists());
        format!("{BASE}/{}", self.writer.shard())
    }
}

/// A gateway takes its checkpoints to a witness, and its receipts carry the signature: `verify --quorum` counts it.
#[test]
fn h5_receipts_carry_cosignatures_that_verify_counts() {
    let home = Home::new();
    let trusted = home.file("log.keys", text(&home.run(&["keys", "log"]).stdout));
    let folder = home.data().join("../witness");
    let witness = Witness::start(&folder, &trusted);
    let config = format!("[evidence]\nwitnesses = [\"{} {}\"]\n", witness.url, witness.key);
    let config = home.file("shuzha.toml", &config);
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let answer = caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    let path = format!("/v1/receipts/{}", answer.request);
    let until = SystemClock.now().plus(crate::node::PATIENCE);
    let proof = loop {
        let proof = receipt(&caller, &bank, &path);
        if proof.note.verified_by(&witness.key).is_ok() {
            break proof;
        }
        assert!(SystemClock.now() < until, "no cosignature in time");
        std::thread::sleep(Duration::from_millis(200));
    };
    let mut policy = policy(&home);
    policy.witnesses.push(witness.key.clone());
    policy.quorum = 1;
    assert!(policy.open(&proof.note).is_ok());
    let keys = home.file(
        "all.keys",
        &format!("{}\n{}\n", std::fs::read_to_string(&trusted).expect("there"), witness.key),
    );
    let file = home.file("one.tlog-proof", &proof.to_string());
    let verify = |quorum: &str| {
        let mut command = shuzha();
        command.args(["verify", "receipt"]).arg(&file).arg("--keys").arg(&keys).args(["--quorum", quorum]);
        command.output().expect("it starts").status.code()
    };
    assert_eq!((verify("1"), verify("2")), (Some(0), Some(3)));
    node.drain();
    witness.stop();
}
