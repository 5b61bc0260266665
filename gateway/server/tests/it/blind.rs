//! Blinded verification end to end: the program's client, the gateway, the product service, each a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use shuzha_core::{Id, OsRng, Rng};
use shuzha_privacy::blind::{Blinded, entry};
use shuzha_privacy::subject::Pseudonym;

use crate::demo::{SERVICES, build_services};
use crate::home::{Home, WORLD, shuzha, text, write_private};
use crate::node::Node;
use crate::secrecy::{files, holds};

/// The product service of blinded lists, with a world that sells it.
struct Lists {
    home: Home,
    /// Taken when a test ends it.
    node: Option<Node>,
    service: Child,
    keys: Vec<(String, String)>,
    /// What the lists' products are committed to, by list.
    digests: BTreeMap<String, String>,
    entries: BTreeMap<String, usize>,
}

impl Drop for Lists {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

pub(crate) fn services() -> Command {
    build_services();
    Command::new(Path::new(env!("CARGO_BIN_EXE_shuzha")).with_file_name(SERVICES))
}

fn json_lines(done: &Output) -> Vec<Value> {
    assert!(done.status.success(), "{done:?}");
    text(&done.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

impl Lists {
    fn start() -> Self {
        let home = Home::new();
        let key = home.data().join("keys/upstreams/blind.key");
        if !key.exists() {
            write_private(&key, &OsRng.bytes::<32>());
        }
        let seed = home.file("blind.seed", "");
        std::fs::write(&seed, OsRng.bytes::<32>()).expect("written");
        let seed = seed.to_str().expect("UTF-8");
        let printed = services().args(["blind-keys", "--epoch", "2026q4", "--seed-file", seed]).output();
        let text_of = |line: &Value, name: &str| line[name].as_str().expect("text").to_owned();
        let printed = json_lines(&printed.expect("it starts"));
        let keys: Vec<_> =
            printed.iter().map(|line| (text_of(line, "list"), text_of(line, "public_key"))).collect();
        let mut service = services()
            .args(["blind", "--listen", "127.0.0.1:0", "--quiet", "--epoch", "2026q4", "--seed-file", seed])
            .arg("--gateway-key-file")
            .arg(&key)
            // Ends with the test, however the test ends: also where the rest of this fails, or it is killed.
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut ready = String::new();
        BufReader::new(service.stdout.take().expect("piped")).read_line(&mut ready).expect("a line");
        let ready: Value = serde_json::from_str(&ready).expect("JSON");
        let mut world =
            include_str!("world/blind.yaml").replace("BLIND", ready["listen"].as_str().expect("text"));
        for line in &printed {
            let list = text_of(line, "list");
            world = world.replace(&format!("KEY-{list}"), &text_of(line, "public_key"));
            world = world.replace(&format!("ENTRIES-{list}"), &line["entries"].to_string());
            world = world.replace(&format!("TAGS-{list}"), &format!("\"{}\"", text_of(line, "tags_sha256")));
        }
        home.declare(&[WORLD, &world].concat());
        let node = Some(Node::start(&home));
        let of = |line: &Value| text_of(line, "list");
        let digests = printed.iter().map(|line| (of(line), text_of(line, "tags_sha256"))).collect();
        let count = |line: &Value| usize::try_from(line["entries"].as_u64().expect("a count")).expect("few");
        let entries = printed.iter().map(|line| (of(line), count(line))).collect();
        Self { home, node, service, keys, digests, entries }
    }

    fn node(&self) -> &Node {
        self.node.as_ref().expect("it runs")
    }

    /// Ends the gateway; all that it wrote, its log included.
    fn written(&mut self) -> Vec<(String, Vec<u8>)> {
        let (ended, log) = self.node.take().expect("it runs").drain();
        assert!(ended.success(), "{log:#?}");
        let mut written = files(&self.home.journal());
        written.extend(files(&self.home.data()).into_iter().filter(|(name, _)| name.contains(".db")));
        written.push(("log".to_owned(), log.join("\n").into_bytes()));
        written
    }

    fn key(&self, list: &str) -> &str {
        &self.keys.iter().find(|(name, _)| name == list).expect("a list").1
    }

    /// `shuzha call` for the bank.
    fn call(&self, product: &str, operation: &str, more: &[&str]) -> Output {
        let secret = self.home.credential("bank-1").secret;
        let key = self.home.file("bank-1.secret", &BASE64_STANDARD.encode(secret));
        let mut command = shuzha();
        command.args([
            "call",
            product,
            operation,
            "--key-id",
            "bank-1",
            "--scenario",
            "bank-scenario",
            "--key-file",
        ]);
        command.arg(key).arg("--url").arg(format!("http://{}", self.node().data)).args(more);
        command.output().expect("it starts")
    }

    fn tags(&self, product: &str) -> PathBuf {
        let file = self.home.file(&format!("{product}.tags"), "");
        let done = self.call(product, "download", &["--output", file.to_str().expect("UTF-8")]);
        assert!(done.status.success(), "{done:?}");
        file
    }

    /// Matches `lines` with the list of enterprises.
    fn match_risk(&self, tags: &Path, lines: &[String], more: &[&str]) -> Output {
        let list = self.home.file("entries.tsv", &lines.join("\n"));
        let (list, tags) = (list.to_str().expect("UTF-8"), tags.to_str().expect("UTF-8"));
        let own = ["--blind", list, "--tags", tags, "--public-key", self.key("enterprises-at-risk")];
        self.call("risk-match", "evaluate", &[&own[..], more].concat())
    }
}

/// Entries of the register: persons and enterprises.
fn sample(persons: u32, enterprises: u32) -> Vec<Value> {
    let counts = [format!("--persons={persons}"), format!("--enterprises={enterprises}")];
    json_lines(&services().arg("sample").args(counts).output().expect("it starts"))
}

/// REQUIREMENTS E8: of a list of enterprises, the caller learns which are on the watch list; each element is metered and
/// paid for; nothing the gateway wrote, and nothing it sent on, names one of them.
#[test]
fn e8_a_list_is_matched_unseen_and_paid_by_element() {
    let mut lists = Lists::start();
    let firms = sample(0, 60);
    let at_risk = |wanted: bool| firms.iter().filter(move |firm| firm["at_risk"] == wanted).take(3);
    let chosen: Vec<&Value> = at_risk(true).chain(at_risk(false)).collect();
    assert!(chosen.len() == 6, "the sample must hold both");
    let mut asked: Vec<String> =
        chosen.iter().map(|firm| firm["uscc"].as_str().expect("text").to_owned()).collect();
    // Well-formed, and in no register of ours.
    asked.push("91350100M000100Y43".to_owned());
    let tags = lists.tags("risk-tags");
    let done = lists.match_risk(&tags, &asked, &["--batch", "5"]);
    let found: Vec<bool> = json_lines(&done).iter().map(|line| line["match"] == true).collect();
    assert_eq!(found, [true, true, true, false, false, false, false]);
    let told = text(&done.stderr).to_lowercase();
    assert!(told.contains("x-fee: 1.00") && told.contains("x-fee: 0.40"), "five and two at 0.20: {told}");

    // The quota of twelve counts elements: five are left.
    let again = lists.match_risk(&tags, &asked[..6], &[]);
    assert!(!again.status.success() && text(&again.stdout).contains("C503"), "{again:?}");
    assert!(lists.match_risk(&tags, &asked[..5], &[]).status.success());

    // A key that the product does not publish is refused before anything is sent.
    let other = lists.key("cardholders").to_owned();
    let list = lists.home.file("entries.tsv", &asked[0]);
    let (list, tags) = (list.to_str().expect("UTF-8"), tags.to_str().expect("UTF-8"));
    let wrong =
        lists.call("risk-match", "evaluate", &["--blind", list, "--tags", tags, "--public-key", &other]);
    assert!(text(&wrong.stderr).contains("another key"), "{wrong:?}");

    let metrics = crate::caller::Caller::new(lists.node().operations).get("/metrics").body;
    let mut written = lists.written();
    written.push(("metrics".to_owned(), metrics.into_bytes()));
    for entry in &asked {
        for (name, content) in &written {
            assert!(!holds(content, entry.as_bytes()), "{name} holds an entry");
        }
    }
}

/// Issue 14, section 4: set sizes are committed. A list that is not the declared one shows before anything is matched with it.
#[test]
fn e5_another_list_than_was_declared_is_refused() {
    let lists = Lists::start();
    let tags = lists.tags("risk-tags");
    let digest = lists.digests["enterprises-at-risk"].clone();
    let entry = ["91350100M000100Y43".to_owned()];
    let done = lists.match_risk(&tags, &entry, &["--tags-sha256", &digest]);
    assert!(done.status.success(), "{done:?}");
    // The last tag is gone: whole, in order, and under the right key.
    let mut shorter = std::fs::read(&tags).expect("readable");
    let count_at = shorter.len() - 16 * lists.entries["enterprises-at-risk"] - 8;
    let count = u64::from_be_bytes(shorter[count_at..count_at + 8].try_into().expect("8 bytes"));
    shorter.truncate(shorter.len() - 16);
    shorter[count_at..count_at + 8].copy_from_slice(&(count - 1).to_be_bytes());
    let other = lists.home.file("other.tags", "");
    std::fs::write(&other, shorter).expect("written");
    assert!(lists.match_risk(&other, &entry, &[]).status.success(), "without its digest, nothing shows");
    let refused = lists.match_risk(&other, &entry, &["--tags-sha256", &digest]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("another list"), "{refused:?}");
    assert!(!text(&refused.stderr).contains("X-Fee"), "nothing was asked: {refused:?}");
}

/// REQUIREMENTS E5, D1: one person, one element, one consent. The issuer sees for itself whose element it signs for; the
/// gateway checks that the element is the consent's without knowing whose it is.
#[test]
fn e5_a_person_is_verified_blinded_under_their_consent() {
    let mut lists = Lists::start();
    let persons = sample(2, 0);
    let line = |person: &Value| {
        format!("{}\t{}", person["id_number"].as_str().expect("text"), person["name"].as_str().expect("text"))
    };
    let tags = lists.tags("card-tags");
    let (tags, key) = (tags.to_str().expect("UTF-8"), lists.key("cardholders").to_owned());
    // Person 0 has a card, person 1 has none.
    for (at, expected) in [(0, true), (1, false)] {
        let list = lists.home.file(&format!("person-{at}.tsv"), &line(&persons[at]));
        let state = lists.home.data().join(format!("person-{at}.state"));
        let (list, state) = (list.to_str().expect("UTF-8"), state.to_str().expect("UTF-8"));
        let base = ["--blind", list, "--blind-state", state];
        let prepared =
            &json_lines(&lists.call("card-match", "evaluate", &[&base[..], &["--prepare"]].concat()))[0];

        // The issuer, who knows the person, blinds with the secret it is shown and compares.
        let scalar =
            BASE64_URL_SAFE_NO_PAD.decode(std::fs::read_to_string(state).expect("kept")).expect("base64url");
        let parts: Vec<String> = line(&persons[at]).split('\t').map(str::to_owned).collect();
        let input = entry(&[&*parts[0], &*parts[1]]).expect("an entry");
        let seen = Blinded::with_scalar(input, &scalar.try_into().expect("32 bytes")).expect("blinded");
        assert_eq!(prepared["element"], seen.element().to_string());
        let id = |name| Id::new(name).expect("a name");
        let subject = Pseudonym::of_blinded(&id("bank"), &id("bank-scenario"), seen.element());
        let consent =
            |uses| lists.home.consent_for(&subject, "blinded-element", ("card-match", "evaluate"), uses);
        let token = lists.home.file("token", &consent(1));
        let with = ["--tags", tags, "--public-key", &key];
        let call = |more: &[&str]| lists.call("card-match", "evaluate", &[&with[..], more].concat());
        let consented = ["--consent-file", token.to_str().expect("UTF-8")];

        let without = call(&base);
        assert!(text(&without.stdout).contains("C401"), "{without:?}");
        // The same person blinded again is another element, for which nobody has consented.
        let fresh = call(&[&["--blind", list][..], &consented].concat());
        assert!(text(&fresh.stdout).contains("C406"), "{fresh:?}");
        let done = call(&[&base[..], &consented].concat());
        assert_eq!(json_lines(&done)[0]["match"], expected, "{done:?}");
        let used_up = call(&[&base[..], &consented].concat());
        assert!(text(&used_up.stdout).contains("C407"), "{used_up:?}");
    }
    let written = lists.written();
    for person in &persons {
        for secret in ["id_number", "name"].map(|member| person[member].as_str().expect("text")) {
            for (name, content) in &written {
                assert!(!holds(content, secret.as_bytes()), "{name} holds a person");
            }
        }
    }
}

/// What is no blinded request is refused by its own code, and costs nothing.
#[test]
fn e5_what_is_not_blinded_is_refused() {
    let lists = Lists::start();
    let element =
        Blinded::new(entry(&["x"]).expect("an entry"), &OsRng).expect("blinded").element().to_string();
    let identity = BASE64_URL_SAFE_NO_PAD.encode([0; 32]);
    for (body, code) in [
        (format!(r#"{{"epoch":"2026q3","elements":["{element}"]}}"#), "C311"),
        (format!(r#"{{"epoch":"2026q4","elements":["{identity}"]}}"#), "C310"),
        (format!(r#"{{"epoch":"2026q4","elements":["{element}","{}"]}}"#, "_".repeat(43)), "C310"),
        (r#"{"epoch":"2026q4","elements":[]}"#.to_owned(), "C302"),
        (r#"{"epoch":"2026q4","elements":["690113200205284265"]}"#.to_owned(), "C302"),
        (
            format!(r#"{{"epoch":"2026q4","elements":[{}]}}"#, vec![format!("\"{element}\""); 65].join(",")),
            "C302",
        ),
    ] {
        let done = lists.call("risk-match", "evaluate", &["--data", &body]);
        assert!(text(&done.stdout).contains(code), "{code}: {done:?}");
    }
    // A personal operation takes one element, for a consent binds one.
    let two = format!(r#"{{"epoch":"2026q4","elements":["{element}","{element}"]}}"#);
    let done = lists.call("card-match", "evaluate", &["--data", &two]);
    assert!(text(&done.stdout).contains("C302"), "{done:?}");
}
