//! The drill: a backup is made while calls are running, the data folder is lost, and what comes back has spent what was spent.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::process::Signal;

use crate::caller::{Ask, Caller, Credential};
use crate::home::{COMPANY, Home, PERSON, text, write_private};
use crate::node::{Node, patiently};

/// Calls answered while the backup is being made, at the least.
const UNDER_WAY: u32 = 20;

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).to_owned()
}

fn told(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// What lies in a folder is for its owner only.
fn private(folder: &Path) {
    let mode = |path: &Path| std::fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in std::fs::read_dir(folder).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            private(&path);
        } else {
            assert!(matches!(mode(&path), 0o600 | 0o400), "{} {:o}", path.display(), mode(&path));
        }
    }
}

/// What a backup is made of, and who calls.
struct Drill {
    home: Home,
    bank: Credential,
    insurer: Credential,
}

impl Drill {
    fn path(&self, name: &str) -> String {
        self.home.data().with_file_name(name).display().to_string()
    }

    /// The data folder is gone, to `name`.
    fn lose(&self, name: &str) {
        std::fs::rename(self.home.data(), self.path(name)).expect("moved");
    }

    fn restore(&self, more: &[&str]) -> Output {
        let (folder, keys, into) = (self.path("backup"), self.path("keys"), self.path("data"));
        self.home.run(&[&["restore", &folder, "--into", &into, "--keys", &keys][..], more].concat())
    }

    /// Company checks by the insurer, until its quota is used up.
    fn uses_the_quota_up(&self, caller: &Caller) -> String {
        let ask = || Ask::company("insurer-scenario", COMPANY.1);
        let mut codes = (0..200).filter_map(|_| caller.call(&self.insurer, &ask()).code());
        codes.next().expect("there is an end to it")
    }

    /// Person checks under a consent of three uses, until it is used up.
    fn uses_up(&self, caller: &Caller, consent: &str) {
        for _ in 0..3 {
            let answer = caller.call(&self.bank, &Ask::person(Some(consent.to_owned())));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        self.is_used_up(caller, consent);
    }

    fn is_used_up(&self, caller: &Caller, consent: &str) {
        let answer = caller.call(&self.bank, &Ask::person(Some(consent.to_owned())));
        assert_eq!(answer.code().as_deref(), Some("C407"), "{answer:?}");
    }

    fn verified(&self) {
        let said = done(&self.home.run(&["journal", "verify"]));
        assert!(said.contains("The store agrees with the journal"), "{said}");
    }
}

#[test]
fn a_backup_made_under_load_comes_back_with_everything_spent() {
    let home = Home::new();
    let (bank, insurer) = (home.credential("bank-1"), home.credential("insurer-1"));
    let drill = Drill { home, bank, insurer };
    let home = &drill.home;
    let (before, after) = (home.consent(PERSON.0, 3), home.consent(PERSON.0, 3));
    let node = Node::start(home);
    let caller = Caller::new(node.data);
    drill.uses_up(&caller, &before);
    let quota = drill.uses_the_quota_up(&caller);
    assert_eq!(quota, "C503");
    let seen = Ask::company("bank-scenario", COMPANY.1).signed(&drill.bank);
    assert_eq!(caller.send(&seen).expect("answers").status, 200);

    let (folder, keys) = (drill.path("backup"), drill.path("keys"));
    let (over, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let caller = Caller::new(node.data);
                while !over.load(Ordering::Acquire) {
                    let answer = caller.call(&drill.bank, &Ask::company("bank-scenario", COMPANY.1));
                    assert_eq!(answer.status, 200, "a backup holds nobody up: {answer:?}");
                    answered.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        let enough = |than: u32| {
            patiently("calls to be answered", || (answered.load(Ordering::Acquire) >= than).then_some(()));
        };
        enough(UNDER_WAY);
        let said = home.run(&["backup", &folder, "--keys", &keys]);
        enough(answered.load(Ordering::Acquire) + UNDER_WAY);
        over.store(true, Ordering::Release);
        assert!(done(&said).contains("The backup is complete"), "{said:?}");
    });
    // Behind the backup.
    drill.uses_up(&caller, &after);
    node.kill();

    private(Path::new(&folder));
    private(Path::new(&keys));
    assert!(!Path::new(&folder).join("keys").exists(), "keys lie apart");
    let log_keys = home.file("log.keys", &done(&home.run(&["keys", "log"])));
    let log_keys = log_keys.to_str().expect("UTF-8");
    let verify = ["backup", "verify", &folder, "--keys", &keys, "--log-keys", log_keys];
    assert!(done(&home.run(&verify)).contains("its signature is good"));
    assert!(told(&home.run(&["backup", &folder])).contains("is not an empty folder"));
    assert!(told(&drill.restore(&[])).contains("is not an empty folder"));

    // What came after the backup is gone, and nothing of before.
    drill.lose("lost");
    assert!(told(&home.run(&["restore", &folder, "--into", &drill.path("data")])).contains("--keys"));
    assert!(done(&drill.restore(&[])).contains("Restored"));
    drill.verified();
    let node = Node::start(home);
    let caller = Caller::new(node.data);
    drill.is_used_up(&caller, &before);
    assert_eq!(drill.uses_the_quota_up(&caller), quota);
    assert_eq!(caller.send(&seen).expect("answers").code().as_deref(), Some("C105"), "a replay");
    drill.uses_up(&caller, &after);
    assert!(node.drain().0.success());
    drill.verified();

    // With the old journal, nothing at all is.
    drill.lose("second");
    let journal = drill.path("lost/journal");
    done(&drill.restore(&["--journal", &journal]));
    let node = Node::start(home);
    let caller = Caller::new(node.data);
    drill.is_used_up(&caller, &before);
    drill.is_used_up(&caller, &after);
    assert!(node.drain().0.success());
    drill.verified();
    // Another node's journal is none of this one's.
    drill.lose("third");
    let other = drill.path("second/journal");
    assert!(told(&drill.restore(&["--journal", &drill.path("nothing")])).contains("journal"));
    assert!(
        done(&drill.restore(&["--journal", &other])).contains("Restored"),
        "it goes on from the backup too"
    );
}

#[test]
fn a_backup_that_was_changed_is_named_and_not_restored() {
    let home = Home::new();
    let node = Node::start(&home);
    let bank = home.credential("bank-1");
    let caller = Caller::new(node.data);
    assert_eq!(caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1)).status, 200);
    assert!(node.drain().0.success());
    let at = |name: &str| home.data().with_file_name(name);
    let shown = |path: &PathBuf| path.display().to_string();
    let (folder, into) = (at("backup"), at("into"));
    // Without a node it is made just the same.
    let said = done(&home.run(&["backup", &shown(&folder)]));
    assert!(said.contains("It holds no keys"), "{said}");
    let log_keys = shown(&home.file("log.keys", &done(&home.run(&["keys", "log"]))));
    let verify = || home.run(&["backup", "verify", &shown(&folder), "--log-keys", &log_keys]);
    done(&verify());
    let segment =
        std::fs::read_dir(folder.join("journal")).expect("lists").next().expect("one").expect("one");
    for path in [folder.join("shuzha.db"), segment.path(), folder.join("files"), folder.join("manifest")] {
        let good = std::fs::read(&path).expect("there");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&path, &bad).expect("written");
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let said = told(&verify());
        assert!(said.contains(name), "{name}: {said}");
        told(&home.run(&["restore", &shown(&folder), "--into", &shown(&into), "--log-keys", &log_keys]));
        assert!(!into.exists(), "nothing was restored");
        std::fs::write(&path, &good).expect("written");
    }
    std::fs::write(folder.join("more"), b"x").expect("written");
    assert!(told(&verify()).contains("more"));
    std::fs::remove_file(folder.join("more")).expect("removed");
    std::fs::remove_file(folder.join("shuzha.db")).expect("removed");
    assert!(told(&verify()).contains("is missing"));
}

/// Whose a backup is says its journal: who makes and restores it need not have the node's configuration. What is a secret lies
/// with the keys, wherever it lay.
#[test]
fn a_backup_is_of_the_node_whose_journal_it_is() {
    let home = Home::new();
    let config = home.file("node.toml", "[node]\nname = \"elsewhere\"\n");
    let node = Node::start_with(&home, &["--config", config.to_str().expect("UTF-8")]);
    let bank = home.credential("bank-1");
    assert_eq!(Caller::new(node.data).call(&bank, &Ask::company("bank-scenario", COMPANY.1)).status, 200);
    assert!(node.drain().0.success());
    write_private(&home.data().join("wang.token"), b"token");
    let at = |name: &str| home.data().with_file_name(name).display().to_string();
    let (folder, keys, into) = (at("backup"), at("keys"), at("into"));
    done(&home.run(&["backup", &folder, "--keys", &keys]));
    assert!(done(&home.run(&["backup", "verify", &folder, "--keys", &keys])).contains("node elsewhere"));
    assert!(!Path::new(&folder).join("wang.token").exists() && Path::new(&keys).join("wang.token").exists());
    done(&home.run(&["restore", &folder, "--keys", &keys, "--into", &into]));
    assert!(Path::new(&into).join("wang.token").exists());
    assert_eq!(shuzha_journal::verify(&Path::new(&into).join("journal")).expect("whole").node, "elsewhere");
}

/// Before, a corrupt file was "malformed" and no more, and one that was gone was made anew without a word, with no secret in it.
#[test]
fn a_lost_or_corrupt_store_names_the_way_back() {
    let mut home = Home::new();
    assert!(Node::start(&home).drain().0.success());
    let path = home.data().join("shuzha.db");
    let refused = |home: &Home| {
        let (status, log) = Node::spawn(home, &[]).ended();
        assert!(!status.success(), "{log:#?}");
        log.join("\n")
    };
    std::fs::write(&path, [7_u8; 9_000]).expect("written");
    let said = refused(&home);
    for named in ["C1745", "shuzha.db", "shuzha restore BACKUP", "shuzha journal rebuild"] {
        assert!(said.contains(named), "{named}: {said}");
    }
    std::fs::remove_file(&path).expect("removed");
    let said = refused(&home);
    assert!(said.contains("C1745") && said.contains("is gone"), "{said}");
    done(&home.run(&["journal", "rebuild"]));
    // The journal has everything but the secrets of world files.
    let node = Node::start(&home);
    let operations = Caller::new(node.operations);
    let ready = operations.get("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(format!("{ready:?}").contains("shuzha keys issue bank-1"), "{ready:?}");
    for (name, algorithm) in [
        ("bank-1", "hmac-sha256"),
        ("bank-2", "hmac-sm3"),
        ("insurer-1", "hmac-sha256"),
        ("startup-1", "hmac-sha256"),
    ] {
        home.issue(name, algorithm);
    }
    node.signal(Signal::HUP);
    patiently("its secrets", || (operations.get("/readyz").status == 200).then_some(()));
    let ask = Ask::company("bank-scenario", COMPANY.1);
    assert_eq!(Caller::new(node.data).call(&home.credential("bank-1"), &ask).status, 200);
    assert!(node.drain().0.success());
}

/// Keys that lie in the backup open it to whoever takes it; a backup in the data folder would be part of the next one. Nothing is made
/// of what is refused, links or not.
#[test]
fn keys_lie_apart_and_a_backup_outside_what_it_is_of() {
    let home = Home::new();
    drop(Node::start(&home));
    let beside = |name: &str| home.data().with_file_name(name);
    let link = beside("link");
    std::os::unix::fs::symlink(home.data(), &link).expect("linked");
    let inside = |folder: &Path| folder.join("inside").display().to_string();
    let apart = beside("apart").display().to_string();
    for (folder, keys) in
        [(apart.clone(), Some(format!("{apart}/keys"))), (inside(&home.data()), None), (inside(&link), None)]
    {
        let mut words = vec!["backup", &folder];
        if let Some(keys) = &keys {
            words.extend(["--keys", keys]);
        }
        let refused = home.run(&words);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(text(&refused.stderr).contains("lies elsewhere"), "{refused:?}");
        assert!(!Path::new(&folder).exists(), "{folder} was made");
    }
}
