//! `shuzha verify suspension` on logs in which a decision of the register took effect, took none, or took effect late.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::log::{Files, LogKeys, LogWriter, SeedKeys, Shard};
use shuzha_evidence::{Act, ActKind, Boot, Call, Decision, Entry, Registered, Terms};
use shuzha_store::tiles::Directory;

use crate::home::{shuzha, text};

const BASE: &str = "log.example/gate-9";
/// When the suspension was decided.
const DECIDED: i64 = 1_800_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(DECIDED + seconds)
}

fn decided() -> Entry<'static> {
    Entry::Registered(Registered {
        id: RequestId::from_bytes([1; 16]),
        at: at(0),
        actor: "li",
        object: "stop-1",
        verb: "open",
        kind: "Suspension",
        organisation: "bureau",
        role: "authority",
        digest: [0; 32],
        revision: 1,
        state: "emergency",
    })
}

fn noted(seconds: i64) -> Entry<'static> {
    let (at, kind) = (at(seconds), ActKind::SuspensionInForce);
    Entry::Act(Act { at, kind, actor: "gateway", object: "stop-1", commitment: None, target: "suspension" })
}

fn answered(seconds: i64) -> Entry<'static> {
    let terms = Terms { unit: "bank", product: "score", version: 1, ..Terms::default() };
    let call = Call::of(RequestId::from_bytes([2; 16]), at(seconds));
    Entry::Call(Box::new(Call { terms, decision: Decision::Answered, ..call }))
}

/// Writes a log of these entries in `dir` and checks it.
fn checked(dir: &Path, name: &str, entries: &[Entry<'_>]) -> Output {
    let keys = SeedKeys::new(BASE, [5; 32], [5; 32], []).expect("a name");
    let (folder, trusted) = (dir.join(name), dir.join("log.keys"));
    let lines: Vec<String> = keys.known().iter().map(ToString::to_string).collect();
    std::fs::write(&trusted, lines.join("\n")).expect("written");
    let files = Arc::new(Directory::new(&folder)) as Arc<dyn Files>;
    let mut writer = LogWriter::open(files, BASE, Shard::of(at(0)), &keys).expect("new");
    let boot = Entry::Boot(Boot { at: at(-60), node: "gate-9", version: "1" });
    for entry in std::iter::once(&boot).chain(entries) {
        let mut bytes = Vec::new();
        entry.encode_into(&mut bytes).expect("short");
        writer.append(&bytes).expect("written");
    }
    writer.publish().expect("written");
    let mut command = shuzha();
    command.args(["verify", "suspension"]).arg(&folder).arg("--keys").arg(&trusted);
    command.output().expect("it runs")
}

/// I1, E11: the register's act is the claim, the gate's note the effect; a claim without its effect, or with a late one, is BAD.
#[test]
fn e11_a_suspension_that_was_decided_and_not_in_force_is_bad_offline() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, entries, code) in [
        ("good", vec![decided(), noted(0), answered(-5)], 0),
        ("missing", vec![decided(), answered(2)], 1),
        ("late", vec![decided(), answered(2), noted(3)], 1),
    ] {
        let output = checked(dir.path(), name, &entries);
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{name}: {told}");
        assert_eq!(told.contains("Suspension/stop-1"), code == 1, "{name}: {told}");
        assert_eq!(told.contains("BAD"), code == 1, "{name}: {told}");
    }
}
