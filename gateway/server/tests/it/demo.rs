//! `shuzha demo --once --json`: the object it prints, what its exit code says, and the world that it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use serde_json::Value;
use shuzha_control::{Force, Kind};
use shuzha_core::{Clock, Id, SystemClock};
use shuzha_products::World;
use shuzha_products::world::{KINDS, documents};
use shuzha_store::Register;
use shuzha_store::register::ActFilter;

/// The program of the product services, built beside the one under test.
pub(crate) const SERVICES: &str = "shuzha-upstreams";

/// Fields of every call, as the documentation lists them.
const FIELDS: [&str; 14] = [
    "unit",
    "product",
    "kind",
    "operation",
    "scenario",
    "status",
    "outcome",
    "code",
    "fee_micro_yuan",
    "privacy_charge_nano",
    "latency_us",
    "receipt",
    "expected",
    "ok",
];

/// When the newest file under `path` was written.
fn written(path: &Path) -> SystemTime {
    let meta = std::fs::metadata(path).expect("it is there");
    if !meta.is_dir() {
        return meta.modified().expect("files have times here");
    }
    let inside =
        std::fs::read_dir(path).expect("readable").map(|one| written(&one.expect("readable").path()));
    inside.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Makes sure that the product services' program is there and is what its sources say: a run of this package alone does not
/// build it, and one of yesterday hides what was broken today.
pub(crate) fn build_services() {
    let shuzha = Path::new(env!("CARGO_BIN_EXE_shuzha"));
    let program = shuzha.with_file_name(SERVICES);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../products/upstreams/src");
    if program.exists() && written(&program) >= written(&sources) {
        return;
    }
    let folder = shuzha.parent().expect("a program is in a folder");
    let target = folder.parent().expect("profiles are folders of the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-p", SERVICES, "--target-dir"]).arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    // A profile's folder has its name, but for the first.
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    if profile != "debug" {
        cargo.args(["--profile", profile]);
    }
    let built = cargo.status().expect("cargo starts");
    assert!(built.success(), "{SERVICES} cannot be built");
}

fn demo(program: &Path) -> Output {
    let data = tempfile::tempdir().expect("a folder");
    demo_in(program, data.path(), &[])
}

fn demo_in(program: &Path, data: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(["demo", "--once", "--json", "--data-dir"]).arg(data).args(more);
    command.output().expect("it starts")
}

fn object(done: &Output) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("not one object: {error}: {done:?}"))
}

#[test]
fn every_kind_is_answered_and_every_stage_refuses() {
    build_services();
    let done = demo(Path::new(env!("CARGO_BIN_EXE_shuzha")));
    assert!(done.status.success(), "{done:?}");
    let shown = object(&done);
    let story = shown["story"].as_array().expect("a list of steps");
    assert!(story.len() >= 300, "{} steps", story.len());
    assert!(story.iter().all(|step| step["ok"] == true), "{story:#?}");
    let calls = shown["calls"].as_array().expect("a list of calls");
    assert!(calls.len() >= 20, "{} calls", calls.len());
    let (mut kinds, mut stages) = (BTreeSet::new(), BTreeSet::new());
    let (mut answered, mut fees) = (0, 0);
    for call in calls {
        for field in FIELDS {
            assert!(call.get(field).is_some(), "{field} is missing in {call}");
        }
        assert_eq!(call["ok"], true, "{call}");
        match call["code"].as_str() {
            Some(code) => stages.extend(code.strip_prefix('C').and_then(|digits| digits.chars().next())),
            None => {
                kinds.extend(call["kind"].as_str());
                answered += 1;
                assert!(call["receipt"].is_string(), "{call}");
                // A replay shows the fee of the call it repeats and is not charged.
                let charged = call["outcome"] != "replayed";
                fees += if charged { call["fee_micro_yuan"].as_i64().expect("a number") } else { 0 };
            }
        }
    }
    assert_eq!(kinds, shuzha_products::kinds::KINDS.iter().map(|kind| kind.name()).collect());
    // 0 is the journal's own code: stage 10 refuses when it cannot record.
    assert_eq!(stages, ('0'..='9').collect(), "every stage refuses once");
    let summary = &shown["summary"];
    assert_eq!(summary["calls"], calls.len());
    assert_eq!(summary["answered"], answered);
    assert_eq!(summary["refused"], calls.len() - answered);
    assert_eq!(summary["fee_micro_yuan"], fees);
    assert_eq!(summary["ok"], true);
    // What blinded calls found, only their caller knows; five entries are paid for as five.
    let blinded =
        |outcome: &str| calls.iter().find(|call| call["outcome"] == outcome).expect("a blinded call");
    assert_eq!(blinded("matched 2 of 5")["fee_micro_yuan"], 1_000_000);
    assert_eq!(blinded("matched 1 of 1")["fee_micro_yuan"], 200_000);
}

/// A configuration given to the demo is the demo's: listeners and data folder, or a refusal of what it decides itself.
#[test]
fn the_demo_runs_where_its_configuration_says() {
    build_services();
    let dir = tempfile::tempdir().expect("a folder");
    let free = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound").to_string()
    };
    let (data, operations, control) = (free(), free(), free());
    let (folder, config) = (dir.path().join("here"), dir.path().join("demo.toml"));
    let text = format!(
        "[node]\ndata_dir = '{}'\n[data_plane]\nlisten = ['{data}']\n[operations]\nlisten = '{operations}'\n\
         [control]\nlisten = '{control}'\n",
        folder.display()
    );
    std::fs::write(&config, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_shuzha"));
    command.arg("demo").arg("--config").arg(&config).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let said: Vec<String> = lines.take_while(|line| !line.contains("Ctrl-C")).collect();
    let said = said.join("\n");
    let (ready, status) =
        (std::net::TcpStream::connect(&data).is_ok(), std::net::TcpStream::connect(&operations));
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    assert!(ready && status.is_ok() && folder.join("control.db").exists(), "{said}");
    for address in [&data, &operations, &control] {
        assert!(said.contains(address.as_str()), "{address} in {said}");
    }
    assert!(!said.contains(".rs:") && !said.contains("ERROR"), "{said}");

    std::fs::write(&config, "[control]\nrules = 'yantai'\n").expect("written");
    let refused =
        Command::new(env!("CARGO_BIN_EXE_shuzha")).arg("demo").arg("--config").arg(&config).output();
    let refused = refused.expect("it starts");
    assert!(!refused.status.success(), "{refused:?}");
    assert!(
        crate::home::text(&refused.stderr).contains("control.rules is the demo's to decide"),
        "{refused:?}"
    );
}

/// `./run demo --json` on a machine where something is missing: what the package manager says is not in the object.
#[test]
fn run_keeps_what_it_installs_off_its_output() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let dir = tempfile::tempdir().expect("a folder");
    let (bin, target) = (dir.path().join("bin"), dir.path().join("target/demo"));
    std::fs::create_dir_all(&bin).expect("made");
    std::fs::create_dir_all(&target).expect("made");
    let program = |path: &Path, script: &str| {
        std::fs::write(path, format!("#!/bin/bash\n{script}\n")).expect("written");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("ours");
    };
    // Everything but a compiler: that is what gets installed.
    program(&bin.join("apt-get"), "echo 'Reading package lists...'");
    program(&bin.join("sudo"), "shift; exec \"$@\"");
    for name in ["cargo", "cmake", "make"] {
        program(&bin.join(name), ":");
    }
    for name in ["bash", "env", "dirname", "true"] {
        let found =
            ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
        symlink(found.expect("a basic program"), bin.join(name)).expect("a link");
    }
    program(&target.join("shuzha"), "echo '{\"ok\":true}'");
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../run");
    let mut command = Command::new(run);
    command.args(["demo", "--json"]).env("PATH", &bin).env("CARGO_TARGET_DIR", dir.path().join("target"));
    let done = command.output().expect("it starts");
    assert!(done.status.success(), "{done:?}");
    assert!(crate::home::text(&done.stderr).contains("Reading package lists"), "it was installed: {done:?}");
    assert_eq!(object(&done)["ok"], true);
}

/// The demo's files: (name, text) each.
fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples/demo");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let yaml = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    yaml.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("text"))).collect()
}

/// What is in force by the register in `data`, spec by kind and name.
fn in_force(register: &Register) -> BTreeMap<(&'static str, Id), Value> {
    let mut objects = BTreeMap::new();
    let each = Force::new(register).each(|held| drop(objects.insert((held.kind, held.name), held.spec)));
    each.expect("the register is whole");
    objects
}

/// What the story cannot bring about, because no person could: it was over before, or nobody agreed to it.
const ABSENT: [(&str, &str); 7] = [
    ("Agreement", "startup-draft"),
    ("Grant", "bank-marketing-person"),
    ("Grant", "bank-pilot-person"),
    ("Grant", "insurer-profile-2024"),
    ("Grant", "startup-company"),
    ("Scenario", "bank-marketing"),
    ("Scenario", "bank-pilot-2024"),
];

/// Every declared object stands in the register as its file has it, and every right that the files give is in force
/// there because persons with the roles for it applied, reviewed and decided.
#[test]
fn c3_the_demo_world_comes_into_force_through_the_control_api_as_the_files_have_it() {
    build_services();
    let data = tempfile::tempdir().expect("a folder");
    let done = demo_in(Path::new(env!("CARGO_BIN_EXE_shuzha")), data.path(), &[]);
    assert!(done.status.success(), "{done:?}");
    let register = Register::open(&data.path().join("control.db")).expect("the demo left it");
    let made = in_force(&register);
    let files = files();
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let declared = documents(&files, &kinds).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let mut absent = BTreeSet::new();
    for document in &declared {
        let found = made.get(&(document.kind, document.name.clone()));
        match document.kind {
            // The rules are configuration, and a certificate has the name of its registration.
            "Jurisdiction" | "Certificate" => {}
            "Suspension" => {
                let found = found.expect("a suspension in force");
                assert_eq!(found["target"], document.spec["target"]);
            }
            _ if found.is_none() => drop(absent.insert((document.kind, document.name.as_str()))),
            _ => {
                // What a case adds: all that a scenario needs, and which scenarios an agreement is about.
                let found = found.and_then(Value::as_object).expect("a spec");
                for (field, value) in document.spec.as_object().expect("a spec") {
                    assert_eq!(found.get(field), Some(value), "{}/{} {field}", document.kind, document.name);
                }
                let added = found.keys().filter(|field| document.spec.get(field.as_str()).is_none());
                let added: Vec<_> = added.map(String::as_str).collect();
                // A product service in force says whose it is.
                assert!(
                    matches!(added[..], [] | ["needs"] | ["scenarios"] | ["operator"]),
                    "{}: {added:?}",
                    document.name
                );
            }
        }
    }
    assert_eq!(absent, BTreeSet::from(ABSENT));
    let world = World::parse(&files).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let now = SystemClock.now();
    let certified = world.certificates.values().filter(|one| one.window.contains(now));
    let certified: BTreeSet<_> = certified.map(|certificate| certificate.product.as_str()).collect();
    let registered = made.iter().filter(|((kind, _), _)| *kind == "Certificate");
    let registered: BTreeSet<_> = registered.filter_map(|(_, spec)| spec["product"].as_str()).collect();
    assert_eq!(registered, certified);
    for (kind, name) in
        made.keys().filter(|(kind, _)| !matches!(*kind, "ExitReview" | "EmergencyPlan" | "Certificate"))
    {
        let known = declared.iter().any(|document| document.kind == *kind && document.name == *name);
        assert!(known, "{kind}/{name} is in no file");
    }
    each_case_was_decided_by_others(&register, made.keys());
}

/// Nobody who applied for something in force decided on it, and time alone did nothing but end the publicity period.
fn each_case_was_decided_by_others<'m>(
    register: &Register,
    made: impl Iterator<Item = &'m (&'static str, Id)>,
) {
    let acts = register.acts(&ActFilter { limit: 10_000, ..ActFilter::default() }).expect("the register");
    let alone = acts.iter().filter(|recorded| recorded.act.by.is_none());
    let alone: BTreeSet<_> =
        alone.map(|recorded| (recorded.act.kind.as_str(), recorded.act.verb.as_str())).collect();
    assert_eq!(alone, BTreeSet::from([("Registration", "publicity")]));
    let mut decided = 0;
    for (kind, name) in made {
        let kind = if *kind == "Certificate" { "Registration" } else { kind };
        if !matches!(Kind::find(kind), Some(Kind::Case(_))) || kind == "Agreement" {
            continue;
        }
        let duties = register.duties(kind, name.as_str()).expect("the register");
        let of = |wanted: &str| -> BTreeSet<&Id> {
            duties.iter().filter(|(_, duty)| duty == wanted).map(|(who, _)| who).collect()
        };
        let (applied, decides) = (of("apply"), of("decide"));
        assert!(!applied.is_empty() && !decides.is_empty(), "{kind}/{name}: {duties:?}");
        assert!(applied.is_disjoint(&decides), "{kind}/{name}: {duties:?}");
        decided += 1;
    }
    assert!(decided >= 40, "{decided} decisions");
}

/// The same calls get the same answers, refusals, fees and charges, whichever way the world came to be.
#[test]
fn the_world_of_the_register_serves_as_the_one_of_the_files_does() {
    build_services();
    let program = Path::new(env!("CARGO_BIN_EXE_shuzha"));
    let outcomes = |more: &[&str]| {
        let data = tempfile::tempdir().expect("a folder");
        let done = demo_in(program, data.path(), more);
        assert!(done.status.success(), "{done:?}");
        let calls = object(&done)["calls"].as_array().expect("a list of calls").clone();
        let of_chance = ["latency_us", "receipt"];
        let stripped = calls.into_iter().map(|mut call| {
            let fields = call.as_object_mut().expect("a call");
            fields.retain(|field, _| !of_chance.contains(&field.as_str()));
            call
        });
        stripped.collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&[]), outcomes(&["--files"]));
}

#[test]
fn a_folder_with_a_register_is_left_alone() {
    let data = tempfile::tempdir().expect("a folder");
    std::fs::write(data.path().join("control.db"), "somebody's").expect("written");
    let done = demo_in(Path::new(env!("CARGO_BIN_EXE_shuzha")), data.path(), &[]);
    assert_eq!(done.status.code(), Some(1));
    assert!(crate::home::text(&done.stderr).contains("holds a register already"), "{done:?}");
    assert_eq!(std::fs::read(data.path().join("control.db")).expect("still there"), b"somebody's");
}

/// The program in a folder of its own, with `services` in the place of the product services. Links, because a program
/// that was just written may still be open for writing in a process that another test is starting.
fn beside(folder: &Path, services: Option<&Path>) -> PathBuf {
    let program = folder.join("shuzha");
    std::fs::hard_link(env!("CARGO_BIN_EXE_shuzha"), &program).expect("the same file system");
    if let Some(services) = services {
        std::os::unix::fs::symlink(services, folder.join(SERVICES)).expect("linked");
    }
    program
}

/// A folder on the file system of the programs.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

#[test]
fn without_the_product_services_it_fails_and_says_what_to_do() {
    let folder = folder();
    let done = demo(&beside(folder.path(), None));
    assert_eq!(done.status.code(), Some(1));
    let errors = crate::home::text(&done.stderr);
    assert!(errors.contains("shuzha-upstreams is missing: `./run demo` builds it"), "{errors}");
}

#[test]
fn with_product_services_that_answer_nothing_it_shows_what_is_not_as_expected_and_fails() {
    let deaf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/demo/deaf-services.sh");
    let folder = folder();
    let done = demo(&beside(folder.path(), Some(&deaf)));
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let shown = object(&done);
    assert_eq!(shown["summary"]["ok"], false);
    let calls = shown["calls"].as_array().expect("a list of calls");
    let wrong: Vec<_> = calls.iter().filter(|call| call["ok"] == false).collect();
    assert!(wrong.iter().any(|call| call["code"] == "C808" && call["expected"] == "consistent"), "{shown}");
    assert!(
        calls.iter().any(|call| call["ok"] == true && call["code"] == "C101"),
        "refusals do not need a service"
    );
}
