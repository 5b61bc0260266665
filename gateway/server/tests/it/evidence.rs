//! `shuzha verify` as a regulator has it: a copy of the log, public keys, and no node.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::Node;
use crate::receipts::receipt;

/// A node's log after some calls, a receipt of the first, and the keys. The node has ended.
struct Case {
    home: Home,
    keys: PathBuf,
    receipt: PathBuf,
    request: PathBuf,
    answer: PathBuf,
    log: PathBuf,
}

impl Case {
    fn new(calls: usize) -> Self {
        let home = Home::new();
        let node = Node::start(&home);
        let caller = Caller::new(node.data);
        let bank = home.credential("bank-1");
        let ask = Ask::company("bank-scenario", COMPANY.1);
        let first = caller.call(&bank, &ask);
        assert_eq!(first.status, 200, "{first:?}");
        for _ in 1..calls {
            assert_eq!(caller.call(&bank, &ask).status, 200);
        }
        let proof = receipt(&caller, &bank, &format!("/v1/receipts/{}", first.request));
        let (status, log) = node.drain();
        assert!(status.success(), "{log:#?}");
        let keys = home.run(&["keys", "log"]);
        let keys = home.file("log.keys", &format!("# of the gate\n{}", text(&keys.stdout)));
        let log = std::fs::read_dir(home.data().join("evidence")).expect("there").find_map(|entry| {
            let path = entry.expect("there").path();
            path.join("checkpoint").exists().then_some(path)
        });
        Self {
            keys,
            receipt: home.file("first.tlog-proof", &proof.to_string()),
            request: home.file("request.json", &ask.body.to_string()),
            answer: home.file("answer.json", &first.body),
            log: log.expect("a half-year"),
            home,
        }
    }

    /// Runs `verify` with the keys, from any folder, with no configuration and no data folder.
    fn verify(&self, arguments: &[&Path]) -> Output {
        let mut command = shuzha();
        command.arg("verify").args(arguments).arg("--keys").arg(&self.keys);
        command.output().expect("the program starts")
    }
}

/// Exit code, and what was said on either output.
fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn p(text: &str) -> &Path {
    Path::new(text)
}

#[test]
fn h1_a_receipt_checks_and_opens_offline() {
    let case = Case::new(2);
    let (code, said) = told(&case.verify(&[p("receipt"), &case.receipt]));
    assert!(code == Some(0) && said.contains("GOOD") && said.contains("bank-scenario"), "{code:?} {said}");
    let open = |more: &[&Path]| told(&case.verify(&[&[p("open"), case.receipt.as_path()], more].concat()));
    let path = p("/v1/products/company-check/verify");
    let request = [p("--path"), path, p("--body"), &case.request];
    assert_eq!(open(&request).0, Some(0));
    assert_eq!(open(&[p("--answer"), &case.answer]).0, Some(0));
    let (code, said) = open(&[p("--answer"), &case.request]);
    assert!(code == Some(1) && said.contains("BAD"), "{code:?} {said}");
    assert_eq!(open(&[p("--path"), p("/v1/products/other/verify"), p("--body"), &case.request]).0, Some(1));
    assert_eq!(open(&[p("--method"), p("GET"), p("--path"), path, p("--body"), &case.request]).0, Some(1));
    // E9: the node's key is gone, and with it the way to open anything; the proof stands.
    std::fs::remove_file(case.home.data().join("keys/commit.key")).expect("there");
    assert_eq!(told(&case.verify(&[p("receipt"), &case.receipt])).0, Some(0));

    let good = std::fs::read_to_string(&case.receipt).expect("there");
    let changed = case.home.file("changed.tlog-proof", &good.replacen("index 6", "index 7", 1));
    assert_ne!(std::fs::read_to_string(&changed).expect("there"), good);
    assert_eq!(told(&case.verify(&[p("receipt"), &changed])).0, Some(1));
    let cut = case.home.file("cut.tlog-proof", &good[..good.len() / 2]);
    assert_eq!(told(&case.verify(&[p("receipt"), &cut])).0, Some(1));
}

#[test]
fn h1_exit_codes_say_good_bad_incomplete_and_usage() {
    let case = Case::new(1);
    let code = |arguments: &[&Path]| told(&case.verify(arguments)).0;
    assert_eq!(code(&[p("range"), &case.log]), Some(0));
    assert_eq!(code(&[p("range"), &case.log, p("--sm3")]), Some(0));
    assert_eq!(code(&[p("range"), &case.home.data().join("evidence")]), Some(0), "all half-years");
    assert_eq!(code(&[p("suspension"), &case.log]), Some(0));
    // Incomplete: what is not there shows nothing.
    assert_eq!(code(&[p("range"), p("/nowhere")]), Some(2));
    assert_eq!(code(&[p("receipt"), p("/nowhere")]), Some(2));
    assert_eq!(code(&[p("receipt"), &case.receipt, p("--quorum"), p("0")]), Some(0));
    // Usage.
    assert_eq!(code(&[p("range")]), Some(3));
    assert_eq!(code(&[p("no-such")]), Some(3));
    assert_eq!(
        code(&[p("receipt"), &case.receipt, p("--quorum"), p("1")]),
        Some(3),
        "no witness's key is given"
    );
    assert_eq!(code(&[p("range"), &case.log, p("--to"), p("999")]), Some(3));
    assert_eq!(code(&[p("open"), &case.receipt]), Some(3));
    let none = case.home.file("none.keys", "");
    let without = shuzha().arg("verify").arg("receipt").arg(&case.receipt).arg("--keys").arg(&none).output();
    assert_eq!(told(&without.expect("the program starts")).0, Some(3));
    // Keys of another log: nothing is shown against this one.
    let other = Home::new();
    let keys = text(&other.run(&["keys", "log"]).stdout).replace("gate-1", "gate-2");
    let foreign = case.home.file("foreign.keys", &keys);
    let checked =
        shuzha().arg("verify").arg("receipt").arg(&case.receipt).arg("--keys").arg(&foreign).output();
    assert_eq!(told(&checked.expect("the program starts")).0, Some(3), "the id of a renamed key is wrong");
    // A log is named after its node: the message names both.
    let mut named = other.command(&["keys", "log"]);
    let keys = named.env("SHUZHA__NODE__NAME", "gate-2").output().expect("the program starts");
    let foreign = case.home.file("gate-2.keys", text(&keys.stdout));
    for (command, what) in [("range", &case.log), ("suspension", &case.log), ("receipt", &case.receipt)] {
        let mut checked = shuzha();
        checked.args(["verify", command]).arg(what).arg("--keys").arg(&foreign);
        let (code, said) = told(&checked.output().expect("the program starts"));
        let both = said.contains("shuzha.local/gate-1/") && said.contains("shuzha.local/gate-2 ");
        assert!(code == Some(2) && both, "{command}: {said}");
    }
    let keys = other.run(&["keys", "log"]);
    let foreign = case.home.file("others.keys", text(&keys.stdout));
    let checked =
        shuzha().arg("verify").arg("receipt").arg(&case.receipt).arg("--keys").arg(&foreign).output();
    assert_eq!(told(&checked.expect("the program starts")).0, Some(1), "another key signs for this name");
}

/// E5 over the command line: the first bad index is named; a kept checkpoint shows that a log was cut.
#[test]
fn e5_tampering_is_named_by_index() {
    let case = Case::new(3);
    let bundle = std::fs::read_dir(case.log.join("tile/entries/000.p")).expect("there");
    let latest = bundle
        .map(|entry| entry.expect("there").path())
        .max_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u16>().ok()));
    let latest = latest.expect("a bundle");
    let good = std::fs::read(&latest).expect("there");
    let first = usize::from(u16::from_be_bytes([good[0], good[1]]));
    let mut bad = good.clone();
    bad[2 + first + 2] ^= 1;
    std::fs::write(&latest, &bad).expect("written");
    for tree in [&[][..], &[p("--sm3")]] {
        let (code, said) = told(&case.verify(&[&[p("range"), case.log.as_path()], tree].concat()));
        assert!(code == Some(1) && said.contains("first bad entry: 1:"), "{code:?} {said}");
    }
    let part = told(&case.verify(&[p("range"), &case.log, p("--from"), p("2")]));
    assert_eq!(part.0, Some(0), "{}", part.1);
    std::fs::write(&latest, &good[..good.len() - 1]).expect("written");
    let (code, said) = told(&case.verify(&[p("range"), &case.log]));
    assert!(code == Some(1) && said.contains("bundle"), "{code:?} {said}");
    std::fs::write(&latest, &good).expect("written");

    let old = std::fs::read_to_string(&case.receipt).expect("there");
    let old = case.home.file("old", old.split_once("\n\n").expect("a checkpoint").1);
    let now = case.log.join("checkpoint");
    let consistency = |old: &Path, new: &Path| {
        told(&case.verify(&[p("consistency"), old, new, p("--folder"), &case.log])).0
    };
    assert_eq!(consistency(&old, &now), Some(0));
    assert_eq!(code_of(&case, &[p("range"), &case.log, p("--kept"), &old]), Some(0));
    // The log was cut back to the old checkpoint: whoever kept the newer one sees it.
    let newer = case.home.file("newer", &std::fs::read_to_string(&now).expect("there"));
    std::fs::copy(&old, &now).expect("copied");
    let (code, said) = told(&case.verify(&[p("range"), &case.log, p("--kept"), &newer]));
    assert!(code == Some(0) || said.contains("was cut"), "{code:?} {said}");
    let same = std::fs::read(&old).expect("there") == std::fs::read(&newer).expect("there");
    assert_eq!(code == Some(0), same, "{said}");
}

fn code_of(case: &Case, arguments: &[&Path]) -> Option<i32> {
    told(&case.verify(arguments)).0
}

#[test]
fn h1_the_report_is_for_people_and_names_what_was_counted() {
    let case = Case::new(2);
    let to = case.home.file("x", "").with_file_name("report.html");
    let (code, said) = told(&case.verify(&[p("report"), &case.log, p("--out"), &to]));
    assert_eq!(code, Some(0), "{said}");
    let html = std::fs::read_to_string(&to).expect("written");
    for part in [
        "<h1>存证验证报告</h1>",
        "SM3",
        "<td>已答复</td><td>2</td>",
        "<td>bank</td><td>2</td><td>0</td><td>0.60 元</td>",
        "其后无一答复",
    ] {
        assert!(html.contains(part), "{part} is missing in\n{html}");
    }
    assert_eq!(code_of(&case, &[p("report"), &case.log, p("--out"), &to]), Some(3), "it is not replaced");
}
