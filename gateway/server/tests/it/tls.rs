//! TLS files: judged before they are used, read again while the node runs, and never worse than before.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::caller::Caller;
use crate::home::{Home, text};
use crate::node::Node;

/// Certificate and key of a new pair, in PEM.
fn pair(from: i32, until: i32) -> (String, String) {
    let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    wanted.not_before = rcgen::date_time_ymd(from, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    (wanted.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

fn write(path: &Path, content: &str, mode: u32) {
    drop(std::fs::remove_file(path));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(content.as_bytes())).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
}

/// The files of a home, and a configuration that names them.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    config: PathBuf,
}

impl Files {
    fn new(home: &Home) -> Self {
        let (certificate, key) = (home.data().join("../cert.pem"), home.data().join("../key.pem"));
        let text = format!(
            "[data_plane]\ntls_certificate_file = '{}'\ntls_key_file = '{}'\n[world]\nfiles = ['world.yaml']\n",
            certificate.display(),
            key.display()
        );
        let files = Self { config: home.file("tls.toml", &text), certificate, key };
        files.put(&pair(2000, 2099), 0o600);
        files
    }

    fn put(&self, (certificate, key): &(String, String), mode: u32) {
        write(&self.certificate, certificate, 0o644);
        write(&self.key, key, mode);
    }

    fn config(&self) -> [&str; 2] {
        ["--config", self.config.to_str().expect("UTF-8")]
    }
}

fn days_left(node: &Node) -> Option<i64> {
    let metrics = Caller::new(node.operations).get("/metrics").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("shuzha_tls_certificate_days_left "))?;
    line.parse().ok()
}

#[test]
fn a_key_that_cannot_be_used_is_told_by_check_doctor_and_serve_alike() {
    let home = Home::new();
    let files = Files::new(&home);
    let good = pair(2000, 2099);
    let cases: [(&str, &dyn Fn()); 6] = [
        ("no such key", &|| std::fs::remove_file(&files.key).expect("ours")),
        ("no such certificate", &|| std::fs::remove_file(&files.certificate).expect("ours")),
        ("a key that everybody reads", &|| files.put(&good, 0o644)),
        ("a key that everybody writes", &|| files.put(&good, 0o666)),
        ("a key of another pair", &|| write(&files.key, &pair(2000, 2099).1, 0o600)),
        ("no key in it", &|| write(&files.key, "nothing", 0o600)),
    ];
    let run = |command: &[&str]| home.command(command).args(files.config()).output().expect("it starts");
    let check = || run(&["config", "check"]);
    assert!(check().status.success(), "{:?}", check());
    for (name, spoil) in cases {
        files.put(&good, 0o600);
        spoil();
        let checked = check();
        assert_eq!(checked.status.code(), Some(64), "{name}: {checked:?}");
        assert!(text(&checked.stderr).contains("data_plane.tls_key_file: "), "{name}: {checked:?}");
        let doctor = run(&["doctor"]);
        assert_eq!(doctor.status.code(), Some(1), "{name}: {doctor:?}");
        assert!(text(&doctor.stdout).contains("BAD   data_plane.tls_key_file"), "{name}: {doctor:?}");
        let mut node = Node::spawn(&home, &files.config());
        let (status, log) = node.ended();
        assert_eq!(status.code(), Some(1), "{name}: {log:#?}");
    }
    files.put(&pair(2000, 2001), 0o600);
    assert!(text(&check().stderr).contains("has ended"), "{:?}", check());
}

#[test]
fn sighup_takes_a_renewed_certificate_and_says_when_it_does_not() {
    let home = Home::new();
    let files = Files::new(&home);
    let mut node = Node::start_with(&home, &files.config());
    let before = days_left(&node).expect("the metric");
    files.put(&pair(2000, 2098), 0o600);
    node.signal(Signal::HUP);
    let told = node.wait_line("the TLS certificate is reloaded");
    node.wait_line("reloaded");
    let after = days_left(&node).expect("the metric");
    assert!((365..=366).contains(&(before - after)), "{before} {after}");
    assert_eq!(told["days_left"], after);

    files.put(&pair(2000, 2099), 0o644);
    node.signal(Signal::HUP);
    let told = node.wait_line("reloaded but for the TLS certificate");
    let faults = told["faults"].as_str().expect("why");
    assert!(faults.contains("key.pem") && faults.contains("644"), "{faults}");
    assert_eq!(told["level"], "ERROR");
    assert_eq!(days_left(&node), Some(after), "the one before stays");
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
    assert_eq!(log.iter().filter(|line| line.contains("\"reloaded\"")).count(), 1, "{log:#?}");
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of_and_watched() {
    let home = Home::new();
    let files = Files::new(&home);
    files.put(&pair(2000, this_year()), 0o600);
    let node = Node::start_with(&home, &files.config());
    assert!(days_left(&node).expect("the metric") < 30);
    let metrics = Caller::new(node.operations).get("/metrics").body;
    assert_eq!(crate::alerts::missing(include_str!("../../../../config/alerts/tls.yaml"), &metrics), [""; 0]);
    let (_, log) = node.drain();
    let warned = |line: &&String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        line["level"] == "WARN"
            && line["message"].as_str().is_some_and(|m| m.contains("TLS certificate ends"))
    };
    assert_eq!(log.iter().filter(warned).count(), 1, "{log:#?}");
    let doctor = home.command(&["doctor"]).args(files.config()).output().expect("it starts");
    assert!(text(&doctor.stdout).contains("tls_certificate_file"), "{doctor:?}");
}

/// The present year: a certificate until its first day has ended.
fn this_year() -> i32 {
    jiff::Timestamp::now().strftime("%Y").to_string().parse().expect("digits")
}
