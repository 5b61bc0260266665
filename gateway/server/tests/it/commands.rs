//! `shuzha keys|call|doctor`: what an operator and an application unit do by hand.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::home::{COMPANY, Home, text};
use crate::node::Node;

#[test]
fn keys_are_shown_once_listed_by_name_and_kept_sealed() {
    let home = Home::new();
    let issue = |name: &str, algorithm: &str| home.run(&["keys", "issue", name, "--algorithm", algorithm]);
    let issued = issue("bank-9", "hmac-sm3");
    assert!(issued.status.success(), "{issued:?}");
    let secret =
        BASE64_STANDARD.decode(text(&issued.stdout).trim()).expect("only the secret is on the output");
    assert_eq!(secret.len(), 32);
    let listed = home.run(&["keys", "list"]);
    let listed = text(&listed.stdout);
    assert!(listed.lines().any(|line| line == "bank-9\thmac-sm3"), "{listed}");
    assert_eq!(listed.lines().count(), 5, "four of the world, and this one");
    for entry in std::fs::read_dir(home.data()).expect("there").map(|entry| entry.expect("there").path()) {
        let Ok(content) = std::fs::read(&entry) else { continue };
        assert!(!content.windows(32).any(|window| window == secret), "{} holds the secret", entry.display());
    }
    assert_ne!(issue("bank-9", "hmac-sha256").stdout, issued.stdout, "a new one replaces it");
    let refused = issue("bank-9", "md5");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("md5 is neither"), "{refused:?}");
}

/// Whoever holds the data folder makes secrets there alone, and not unseen: each is in the journal before it opens anything, at a
/// start and at a reload, also where it takes another's place.
#[test]
fn a4_a_secret_made_at_the_command_line_is_noted_in_the_journal() {
    let mut home = Home::new();
    let issued = |home: &Home| -> Vec<String> {
        let inspected = home.run(&["journal", "inspect", "--limit", "1000000"]);
        let records =
            text(&inspected.stdout).lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let issues =
            records.filter(|record| record["verb"] == "issue-secret" && record["actor"] == "operator");
        issues.map(|record| record["object"].as_str().expect("a name").to_owned()).collect()
    };
    let mut node = Node::start(&home);
    let mut before = issued(&home);
    before.sort();
    assert_eq!(before, ["bank-1", "bank-2", "insurer-1", "startup-1"], "those of this home");
    home.issue("bank-1", "hmac-sha256");
    node.signal(rustix::process::Signal::HUP);
    node.wait_line("reloaded");
    assert_eq!(issued(&home).len(), 5, "the one that took the place of another");
    assert_eq!(issued(&home).last().map(String::as_str), Some("bank-1"));
    drop(node);
    let unknown = home.file("shuzha.toml", &format!("[world]\nfiles = ['{}']\n", home.world().display()));
    let refused = home.run(&["keys", "issue", "nobody-9", "--config", unknown.to_str().expect("UTF-8")]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stdout.is_empty() && text(&refused.stderr).contains("is not declared"), "{refused:?}");
}

#[test]
fn a_key_pair_is_never_overwritten() {
    let home = Home::new();
    let seed = home.data().join("keys/bank-3.seed");
    let before = std::fs::read(&seed).expect("made with the folder");
    let again = home.run(&["keys", "pair", seed.to_str().expect("UTF-8")]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert_eq!(std::fs::read(&seed).expect("still there"), before);
}

#[test]
fn call_signs_with_every_algorithm_and_profile() {
    let home = Home::new();
    let node = Node::start(&home);
    let url = format!("http://{}", node.data);
    let body = format!("{{\"uscc\":\"{}\",\"name\":\"{}\"}}", COMPANY.0, COMPANY.1);
    let body_file = home.file("body.json", &body);
    let call = |key_id: &str, key: &str, more: &[&str]| {
        let key_file = home.file(&format!("{key_id}.key"), key);
        let mut command =
            home.command(&["call", "company-check", "verify", "--url", &url, "--key-id", key_id]);
        command.args(["--scenario", "bank-scenario", "--data"]).arg(format!("@{}", body_file.display()));
        command.arg("--key-file").arg(key_file).args(more).output().expect("it starts")
    };
    let shared = |name| BASE64_STANDARD.encode(home.credential(name).secret);
    let seed = std::fs::read_to_string(home.data().join("keys/bank-3.seed")).expect("made with the folder");
    for (key_id, key, more) in [
        ("bank-1", shared("bank-1"), &["--profile", "simple"][..]),
        ("bank-1", shared("bank-1"), &["--profile", "rfc9421"]),
        ("bank-2", shared("bank-2"), &["--profile", "simple", "--algorithm", "hmac-sm3"]),
        ("bank-2", shared("bank-2"), &["--profile", "rfc9421", "--algorithm", "hmac-sm3"]),
        ("bank-3", seed.clone(), &["--profile", "rfc9421", "--algorithm", "ed25519"]),
    ] {
        let done = call(key_id, &key, more);
        assert!(done.status.success(), "{more:?}: {done:?}");
        let answer: Value = serde_json::from_slice(&done.stdout).expect("only the answer is on the output");
        assert_eq!(answer["result"].as_str().map(str::trim), Some("consistent"), "{more:?}");
        let headers = text(&done.stderr);
        assert!(headers.contains("x-receipt: ") && headers.contains("x-fee: 0.3"), "{headers}");
    }
    let forged = call("bank-1", &shared("insurer-1"), &[]);
    assert_eq!(forged.status.code(), Some(1));
    assert!(text(&forged.stdout).contains("\"C103\""), "{forged:?}");
    let impossible = call("bank-3", &seed, &["--algorithm", "ed25519"]);
    assert!(text(&impossible.stderr).contains("--profile rfc9421"), "{impossible:?}");
}

#[test]
fn e6_call_tells_the_plan_of_a_query_first() {
    let home = Home::new();
    let node = Node::start(&home);
    let url = format!("http://{}", node.data);
    let key_file = home.file("bank-1.key", &BASE64_STANDARD.encode(home.credential("bank-1").secret));
    let ask = |more: &[&str]| {
        let mut command =
            home.command(&["call", "census-report", "query", "--url", &url, "--key-id", "bank-1"]);
        command.args(["--scenario", "bank-scenario", "--data"]);
        command.arg(r#"{"measure":"count","accuracy":{"epsilon":"0.25"}}"#);
        let done = command.arg("--key-file").arg(&key_file).args(more).output().expect("it starts");
        assert!(done.status.success(), "{done:?}");
        (serde_json::from_slice::<Value>(&done.stdout).expect("one object"), text(&done.stderr).to_owned())
    };
    let (plan, headers) = ask(&["--plan"]);
    assert_eq!((&plan["charge_now"], &plan["quota"]["left"]), (&"0.25".into(), &"1.0".into()));
    assert!(!headers.contains("x-fee"), "{headers}");
    let (answer, _) = ask(&[]);
    assert_eq!(answer["noise"], plan["noise"]);
    let (after, _) = ask(&["--plan"]);
    assert_eq!((&after["released_before"], &after["quota"]["left"]), (&true.into(), &"0.75".into()));
}

#[test]
fn doctor_looks_at_the_control_api_s_address_the_disk_and_the_register() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let config = home.file("shuzha.toml", &format!("[control]\nlisten = '{address}'\n"));
    let doctor = |config: &std::path::Path| {
        let done = home.command(&["doctor"]).arg("--config").arg(config).output().expect("it starts");
        (done.status.code(), text(&done.stdout).to_owned())
    };
    let (code, said) = doctor(&config);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("warn  address {address}")), "{said}");
    assert!(said.contains("ok    register: will be made at first start"), "{said}");
    let open =
        home.file("open.toml", "[control]\nlisten = '0.0.0.0:0'\n[journal]\nfree_bytes_min = '1024GiB'\n");
    let (code, said) = doctor(&open);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("control.https is off") && said.contains("C090"), "{said}");
}

#[test]
fn doctor_says_what_is_in_order_and_what_is_not() {
    let home = Home::new();
    let config = home.file("shuzha.toml", "[world]\nfiles = ['world.yaml']\n");
    let doctor = || home.command(&["doctor"]).arg("--config").arg(&config).output().expect("it starts");
    let well = doctor();
    assert!(well.status.success(), "{well:?}");
    let said = text(&well.stdout);
    for finding in
        ["ok    journal: will be made", "ok    world: 3 products, 3 units, 5 grants", "takes connections"]
    {
        assert!(said.contains(finding), "{finding} in {said}");
    }
    assert!(!said.contains("BAD") && !said.contains("has no key here"), "{said}");

    home.declare(&crate::home::WORLD.replace("name: bank-2}", "name: bank-8}"));
    let said = doctor();
    assert!(said.status.success(), "a missing key keeps nobody else from calling: {said:?}");
    assert!(
        text(&said.stdout).contains("credential bank-8 has no key here: `shuzha keys issue bank-8`"),
        "{said:?}"
    );

    home.declare("kind: Nothing\n");
    let ill = doctor();
    assert_eq!(ill.status.code(), Some(1), "{ill:?}");
    assert!(text(&ill.stdout).contains("BAD   world:"), "{ill:?}");
}
