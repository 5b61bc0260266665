//! `shuzha trace` against the demo's gateway, whose register came about by persons and whose calls are real.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::demo::build_services;
use crate::home::{shuzha, text};
use crate::node::patiently;

/// A demo that stays up. Killed with the test.
struct Demo {
    child: Child,
    /// `--api …` and `--token-file …` of the authority.
    guest: Vec<String>,
    /// Every command that it suggests with a token, in words.
    tries: Vec<Vec<String>>,
    /// All its hints.
    said: String,
    data: tempfile::TempDir,
}

impl Demo {
    fn start() -> Self {
        build_services();
        let data = tempfile::tempdir().expect("a folder");
        let mut command = shuzha();
        command.arg("demo").arg("--data-dir").arg(data.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let said: Vec<String> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
        let tries = said.iter().filter_map(|line| line.trim().strip_prefix("shuzha "));
        let tries = tries.filter(|command| command.contains("--token-file"));
        let tries: Vec<Vec<String>> =
            tries.map(|command| command.split_whitespace().map(str::to_owned).collect()).collect();
        let hint = tries.iter().find(|words| words[..2] == ["scenario", "list"]);
        let hint = hint.unwrap_or_else(|| panic!("it stays up and says so:\n{}", said.join("\n")));
        let guest = hint.iter().skip_while(|word| *word != "--api").cloned().collect();
        std::thread::spawn(move || lines.count());
        Self { child, guest, tries, said: said.join("\n"), data }
    }

    fn run(&self, command: &str, arguments: &[&str]) -> std::process::Output {
        shuzha().arg(command).args(arguments).args(&self.guest).output().expect("it starts")
    }

    fn trace(&self, arguments: &[&str]) -> String {
        let done = self.run("trace", arguments);
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        text(&done.stdout).to_owned()
    }

    /// Each role has a token, for its owner only, and what is suggested with it works.
    fn each_role_can_be_tried(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        for role in shuzha_core::Role::ALL {
            let named = |line: &&str| line.trim().starts_with(&format!("{} ", role.as_str()));
            assert!(self.said.lines().any(|line| named(&line)), "{role:?} in {}", self.said);
        }
        let files: std::collections::BTreeSet<_> = self
            .tries
            .iter()
            .filter_map(|words| words.last())
            .filter(|word| word.ends_with(".token"))
            .collect();
        assert!(files.len() >= shuzha_core::Role::ALL.len(), "{files:?}");
        for file in files {
            let mode = std::fs::metadata(file).expect("left").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        // All but the last, which stops a product.
        for words in self.tries.iter().filter(|words| words[0] != "suspend") {
            let done = shuzha().args(words).output().expect("it starts");
            assert!(done.status.success(), "{words:?}: {done:?}");
        }
    }

    /// Waits until the index has the last call that was answered: it follows the journal in order, so it has all then.
    fn wait_for_the_index(&self) {
        let mut inspect = shuzha();
        inspect.args(["journal", "inspect", "--limit", "1000000", "--data-dir"]).arg(self.data.path());
        let records = inspect.output().expect("it starts");
        let records = text(&records.stdout).lines().rev();
        let mut records = records.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let last = records.find(|record| record["decision"] == "answered").expect("calls were answered");
        let last = last["request"].as_str().expect("an id").to_owned();
        patiently("the index of the last call", || {
            self.run("trace", &["call", &last, "--json"]).status.success().then_some(())
        });
    }

    /// One JSON object a line.
    fn uses(&self, of: &str, name: &str) -> Vec<Value> {
        let lines = self.trace(&[of, name, "--limit", "0", "--json"]);
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_leaves_a_token_for_each_role_and_says_how_to_use_it() {
    Demo::start().each_role_can_be_tried();
}

#[test]
fn h4_every_call_of_the_demo_is_traced_both_ways() {
    let demo = Demo::start();
    demo.wait_for_the_index();
    let of_data = demo.uses("data-set", "population");
    assert!(!of_data.is_empty());
    for one in &of_data {
        let request = one["request"].as_str().expect("an id");
        let trace: Value = serde_json::from_str(&demo.trace(&["call", request, "--json"])).expect("JSON");
        for key in ["request", "at", "unit", "product", "version", "decision", "grant", "scenario"] {
            assert_eq!(trace["call"][key], one[key], "{key} of {one}");
        }
        assert_eq!(trace["madeOf"]["exact"], true, "{trace}");
        let sets = trace["madeOf"]["dataSets"].as_array().expect("a list");
        assert!(sets.iter().any(|set| set["dataSet"] == "population"), "{trace}");
        let by_unit = demo.uses("unit", one["unit"].as_str().expect("a unit"));
        assert!(by_unit.contains(one), "{one} is among its unit's");
    }
    let answered = of_data.iter().find(|one| one["decision"] == "answered").expect("one was answered");
    let request = answered["request"].as_str().expect("an id");
    let trace: Value = serde_json::from_str(&demo.trace(&["call", request, "--json"])).expect("JSON");
    let steps = trace["steps"].as_array().expect("a list");
    let kinds: Vec<&str> = steps.iter().filter_map(|step| step["kind"].as_str()).collect();
    for kind in
        ["ApplicationUnit", "Grant", "Agreement", "Scenario", "Product", "Registration", "DataSet", "Price"]
    {
        assert!(kinds.contains(&kind), "{kind} among {kinds:?}");
    }
    let certified = steps.iter().any(|step| step["facts"]["validAtCall"] == true);
    assert!(certified, "{steps:#?}");
    let approved = |step: &Value| {
        let acts = step["acts"].as_array().into_iter().flatten();
        acts.filter(|act| act["verb"] == "approve" && act["by"]["role"] == "authority").count()
    };
    assert!(steps.iter().any(|step| step["kind"] == "Scenario" && approved(step) == 1), "{steps:#?}");
    let shown = demo.trace(&["call", request]);
    for word in ["应用单位 unit", "Scenario/", "approve", "DataSet/population", "存证 leaf"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    demo.trace(&["call", request, "--html", file.path().to_str().expect("UTF-8")]);
    let page = std::fs::read_to_string(file.path()).expect("written");
    let boxes = steps.len() + 1;
    assert_eq!((page.matches("<rect ").count(), page.matches("<line ").count()), (boxes, boxes - 1));
    assert!(
        page.contains(request) && page.contains("population") && page.contains("· authority</text>"),
        "{page}"
    );
    let table = demo.trace(&["product", "person-check", "--limit", "1"]);
    assert!(table.contains("--limit 0") && table.contains("person-check"), "{table}");
    assert!(demo.uses("data-set", "nothing").is_empty());
    // The present half-year is open: it is neither sealed nor destroyed, and the command says why.
    let plan = demo.run("retention", &["plan"]);
    let plan = text(&plan.stdout);
    assert!(plan.contains("写入中 open") && plan.contains("! 日志仍在写入"), "{plan}");
    let log = plan.lines().rev().find(|line| line.contains("open")).and_then(|line| line.split(' ').next());
    let log = log.expect("a half-year");
    let refused = demo.run("retention", &["seal", log, "--reason", "试"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("C1733"), "{refused:?}");
    let none = demo.run("retention", &["certificate", log]);
    assert!(
        !none.status.success() && text(&none.stderr).contains("neither sealed nor destroyed"),
        "{none:?}"
    );
}
