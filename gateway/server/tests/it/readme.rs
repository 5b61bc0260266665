//! The README's recipe, run as it stands: it signs a call that is answered, and no process that it starts is shown the secret.

use shuzha_core::hex;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::home::{Home, text};
use crate::node::Node;

const README: &str = include_str!("../../../../README.md");

/// The block of commands that signs a call.
fn recipe() -> &'static str {
    let (_, rest) = README.split_once("## Call it with curl and openssl").expect("the chapter");
    let (_, rest) = rest.split_once("```sh\n").expect("its commands");
    rest.split_once("```").expect("their end").0
}

/// Where the system has a program.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed"))
}

/// A folder of programs that note how they were called, and then are the real ones. Nothing else is on the recipe's path, so
/// every process that it starts is noted: what a process list could show is in that file, and nothing depends on when one looks.
fn noting(folder: &Path, notes: &Path, names: &[&str]) {
    std::fs::create_dir(folder).expect("a folder");
    for name in names {
        let (shim, real) = (folder.join(name), program(name));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >> '{}'\nexec '{}' \"$@\"\n",
            notes.display(),
            real.display()
        );
        std::fs::write(&shim, script).expect("written");
        std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).expect("executable");
    }
}

#[test]
fn the_recipe_signs_and_shows_the_secret_to_no_process() {
    let home = Home::new();
    let node = Node::start(&home);
    let bank = home.credential("bank-1");
    let key_file = home.file("bank-1.key", &BASE64_STANDARD.encode(&bank.secret));
    let folder = key_file.parent().expect("a folder").to_path_buf();
    let (programs, notes) = (folder.join("programs"), folder.join("notes"));
    noting(&programs, &notes, &["openssl", "curl", "od", "date", "cut", "cat"]);
    // The first line holds what the demo prints; the scenario is that of this test's world.
    let (first, rest) = recipe().split_once('\n').expect("lines");
    assert!(first.starts_with("BASE=") && rest.contains("bank-onboarding"), "{first}");
    let first = format!("BASE=http://{} APP_KEY=bank-1 KEY_FILE='{}'", node.data, key_file.display());
    let script = format!("{first}\n{}", rest.replace("bank-onboarding", "bank-scenario"));
    let mut shell = Command::new("/bin/sh");
    let ran = shell.arg("-c").arg(&script).env_clear().env("PATH", &programs).output().expect("a shell");
    let answer = text(&ran.stdout);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer} {}", text(&ran.stderr));
    assert!(answer.to_lowercase().contains("x-receipt:"), "{answer}");
    let noted = std::fs::read_to_string(&notes).expect("programs were called");
    assert!(noted.lines().filter(|line| line.starts_with("openssl ")).count() >= 5, "{noted}");
    for secret in [hex::encode(&bank.secret), BASE64_STANDARD.encode(&bank.secret)] {
        assert!(!noted.contains(&secret), "{noted}");
        assert!(!script.contains(&secret), "the shell's own command line");
    }
}
