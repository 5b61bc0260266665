//! The commands over the control API, against a gateway of their own: `shuzha login|apply|diff|dump|suspend|KIND VERB`.

mod access;
mod accounts;
mod backup;
mod beside;
mod consents;
mod finance;
mod gateway;
mod in_force;
mod logs;
mod poisoned;
mod privacy;
mod register;
mod world;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use gateway::{Person, TestGateway, is_private};

use crate::home::text;
use crate::node::patiently;

/// Roles on the deciding side, which one person may hold.
const DECIDERS: [&str; 6] = ["authority", "registrar", "provider", "expert", "pricing", "finance"];
/// Roles on the side of those who apply.
const APPLICANTS: [&str; 2] = ["operator", "application_unit"];
/// Kinds that the operator declares; credentials are their units', everything else is declared by who decides.
const OPERATORS: [&str; 5] = ["ApplicationUnit", "Upstream", "Product", "Listing", "Price"];

/// The demo's declared objects. Those that come into force by a case are a case's business.
fn demo_world() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let mut world = String::new();
    // The jurisdiction is the configuration's.
    let elsewhere = [
        "Jurisdiction",
        "Scenario",
        "Agreement",
        "OperatingAgreement",
        "Certificate",
        "Grant",
        "Suspension",
        "EmergencyPlan",
        "ExitReview",
    ];
    for entry in std::fs::read_dir(folder).expect("there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let file = std::fs::read_to_string(&path).expect("UTF-8");
        for document in file.split("\n---\n") {
            let kind = document.lines().find_map(|line| line.strip_prefix("kind: "));
            if kind.is_some_and(|kind| !elsewhere.contains(&kind)) {
                // Its one quota override names a scenario, which is in force only once it is approved.
                let document = document
                    .replace("        - {unit: insurer, scenario: insurer-pricing, max: \"0.3\"}", "");
                let document = document.replace("      overrides:\n", "");
                world.push_str(&format!("---\n{document}\n"));
            }
        }
    }
    world
}

/// A ticket and an emergency plan, as their applicants write them.
const CASES: &str = "---
apiVersion: shuzha/v1
kind: Ticket
metadata: {name: wrong-name}
spec: {product: person-check, dataSet: population, title: 姓名有误, description: '曾用名: 未更新'}
---
apiVersion: shuzha/v1
kind: EmergencyPlan
metadata: {name: plan-1}
spec: {unit: bank, title: 预案, officer: 某负责人, contact: '010-1', events: [泄露], steps: ['1', 停用]}
";

/// Somebody who decides, `wang`, and somebody who applies, `sun`: one person does not do both.
fn everyone<'h>(house: &'h TestGateway, root: &Person<'_>) -> Person<'h> {
    house.member(root, "sun", "yunze-data", &APPLICANTS);
    house.member(root, "wang", "data-bureau", &DECIDERS)
}

/// Whether the operator declares a document.
fn by_operator(document: &str) -> bool {
    let kind = document.lines().find_map(|line| line.strip_prefix("kind: "));
    kind.is_some_and(|kind| OPERATORS.contains(&kind))
}

/// The demo's world, by the persons whose it is to declare. What refers to something comes after it.
fn settle(house: &TestGateway, world: &str) {
    let after = |document: &&str| {
        document.contains("kind: Ceiling\n") || document.contains("kind: PermittedRevenue\n")
    };
    let price = |document: &&str| document.contains("kind: Price\n");
    let credential = |document: &&str| document.contains("kind: Credential\n");
    let documents: Vec<&str> = world.split("---\n").filter(|document| document.contains("kind: ")).collect();
    let some = |which: &dyn Fn(&&str) -> bool| {
        documents
            .iter()
            .filter(|document| which(document))
            .map(|document| format!("---\n{document}"))
            .collect()
    };
    let rounds: [(&str, String); 4] = [
        ("wang", some(&|document| !by_operator(document) && !after(document) && !credential(document))),
        ("sun", some(&|document| by_operator(document) && !price(document))),
        ("wang", some(&after)),
        ("sun", some(&price)),
    ];
    for (who, objects) in rounds {
        let applied = house.person(who).apply(&objects);
        assert!(applied.status.success(), "{who}: {}{}", text(&applied.stdout), text(&applied.stderr));
    }
    for (organisation, objects) in credentials(&documents) {
        let name = format!("of-{organisation}");
        let applied =
            house.member(&house.person("root"), &name, organisation, &["application_unit"]).apply(&objects);
        assert!(applied.status.success(), "{name}: {}{}", text(&applied.stdout), text(&applied.stderr));
    }
}

/// The credentials among `documents`, by the organisation of the unit whose they are.
fn credentials<'d>(documents: &[&'d str]) -> BTreeMap<&'d str, String> {
    let kind = |kind: &str, document: &str| document.contains(&format!("kind: {kind}\n"));
    let word = |document: &'d str, before: &str| -> Option<&'d str> {
        let rest = &document[document.find(before)? + before.len()..];
        rest.split([',', '}', '\n']).next().map(str::trim)
    };
    let units: BTreeMap<_, _> = (documents.iter().filter(|document| kind("ApplicationUnit", document)))
        .filter_map(|document| Some((word(document, "{name: ")?, word(document, "organisation: ")?)))
        .collect();
    let mut credentials = BTreeMap::<_, String>::new();
    for document in documents.iter().filter(|document| kind("Credential", document)) {
        let unit = word(document, "unit: ").expect("a credential names its unit");
        let objects = credentials.entry(units[unit]).or_default();
        objects.push_str("---\n");
        objects.push_str(document);
    }
    credentials
}

#[test]
fn a3_login_keeps_a_private_token_and_logout_ends_it() {
    let house = TestGateway::start();
    let nobody = house.person("nobody");
    let refused = nobody.run(&["dump"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("shuzha login"), "{refused:?}");
    let wrong = nobody.told(&["login", "--name", "root"], "not the password\n");
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stderr);
    assert!(said.contains("C1102") && said.contains("/errors/C1102"), "{said}");
    assert!(!nobody.token_file().exists());

    let root = house.root();
    assert!(is_private(&root.token_file()));
    assert!(root.done(&["organisation", "list"]).contains("name"));
    let token = std::fs::read_to_string(root.token_file()).expect("kept");
    std::fs::set_permissions(root.token_file(), std::fs::Permissions::from_mode(0o644)).expect("changed");
    let open = root.run(&["dump"]);
    assert!(!open.status.success() && text(&open.stderr).contains("644"), "{open:?}");
    std::fs::set_permissions(root.token_file(), std::fs::Permissions::from_mode(0o600)).expect("changed");

    root.done(&["logout"]);
    assert!(!root.token_file().exists());
    // The token is ended where it holds, not only forgotten here.
    let kept = house.file("kept", &token);
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).expect("changed");
    let ended = root.run(&["dump", "--token-file", &kept]);
    assert!(!ended.status.success() && text(&ended.stderr).contains("C1101"), "{ended:?}");
}

#[test]
fn the_demo_world_is_applied_dumped_and_applied_again_to_no_effect() {
    let house = TestGateway::start();
    let root = house.root();
    let wang = everyone(&house, &root);
    let sun = house.person("sun");
    let world = demo_world();
    let file = house.file("world.yaml", &world);
    let first: String = world
        .split("---\n")
        .filter(|document| document.contains("kind: Organisation\n"))
        .map(|document| format!("---\n{document}"))
        .collect();
    let organisations = house.file("organisations.yaml", &first);

    let tried = wang.run(&["apply", "-f", &organisations, "--dry-run"]);
    assert!(tried.status.success(), "{}{}", text(&tried.stdout), text(&tried.stderr));
    assert!(text(&tried.stdout).contains("would be created"), "{tried:?}");
    assert_eq!(wang.done(&["dump"]), "", "a dry run writes nothing");
    let differs = wang.run(&["diff", "-f", &file]);
    assert!(text(&differs.stdout).contains("+ Organisation/yunze-data"), "{differs:?}");

    let applied = wang.run(&["apply", "-f", &organisations, "--reason", "建立演示"]);
    assert!(applied.status.success(), "{}{}", text(&applied.stdout), text(&applied.stderr));
    let lines = text(&applied.stdout).lines();
    let made = lines.filter(|line| line.contains('/') && line.contains(" 新建 created")).count();
    assert_eq!(made, first.matches("\nkind: ").count());
    settle(&house, &world);
    let declared = world.matches("\nkind: ").count();
    assert!(declared > 70, "{declared}");
    let cases = sun.apply(CASES);
    assert!(cases.status.success(), "{cases:?}");
    wang.done(&["suspend", "product", "person-check", "--reason", "疑似泄露", "--case", "stop-1"]);

    let dump = wang.done(&["dump"]);
    assert_eq!(dump.matches("\nkind: ").count(), declared + 3);
    let history = wang.done(&["product", "history", "person-check"]);
    let again = wang.apply(&dump);
    assert!(again.status.success(), "{again:?}");
    assert!(
        !text(&again.stdout).contains("created\n") && !text(&again.stdout).contains("replaced\n"),
        "{again:?}"
    );
    let same = wang.told(&["diff", "-f", "-"], &dump);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert_eq!(wang.done(&["dump"]), dump);
    assert_eq!(wang.done(&["product", "history", "person-check"]), history);
    assert_eq!(wang.run(&["diff", "-f", &file]).status.code(), Some(0), "the files say the same as the dump");
    let only = wang.done(&["dump", "--kind", "Product", "--kind", "prices"]);
    assert_eq!(only.matches("\nkind: Pr").count(), only.matches("\nkind: ").count(), "{only}");
}

#[test]
fn a_case_is_listed_shown_and_acted_on_by_its_verbs() {
    let house = TestGateway::start();
    let root = house.root();
    everyone(&house, &root);
    settle(&house, &demo_world());
    assert!(house.person("sun").apply(CASES).status.success());
    let police = house.member(&root, "zhao", "police", &["provider"]);
    let listed = police.done(&["ticket", "list"]);
    assert!(listed.contains("wrong-name") && listed.contains("yunze-data"), "{listed}");
    let shown = police.done(&["ticket", "show", "wrong-name"]);
    assert!(shown.contains("答复 answer") && shown.contains("曾用名: 未更新"), "{shown}");

    let silent = police.run(&["ticket", "answer", "wrong-name", "--field", "verdict=corrected"]);
    assert_eq!(silent.status.code(), Some(1));
    let said = text(&silent.stderr);
    assert!(
        said.contains("C1002") && said.contains("  reason: is missing") && said.contains("/errors/C1002"),
        "{said}"
    );
    let answer = ["ticket", "answer", "wrong-name", "--reason", "已更正", "--field", "verdict=corrected"];
    let stale = police.run(&[&answer[..], &["--if-version", "1"]].concat());
    assert!(!stale.status.success() && text(&stale.stderr).contains("C1005"), "{stale:?}");
    let tried = police.done(&[&answer[..], &["--dry-run"]].concat());
    assert!(tried.starts_with("试办 tried only"), "{tried}");
    let paper = house.file("核查.txt", "已核查");
    let done = police.done(&[&answer[..], &["--attach", &paper]].concat());
    assert!(done.contains("Ticket/wrong-name 答复 answer: ") && done.contains(" → answered"), "{done}");
    let history = police.done(&["ticket", "history", "wrong-name"]);
    let acts: Vec<_> = history.lines().collect();
    assert_eq!(acts.len(), 3, "a head, the answer, the opening, and nothing that was refused: {history}");
    assert!(acts[1].contains("zhao @ police (provider)") && acts[1].contains("已更正"), "{history}");

    let bank = house.member(&root, "qian", "yunze-bank", &["application_unit"]);
    let hidden = bank.run(&["ticket", "show", "wrong-name"]);
    assert!(!hidden.status.success() && text(&hidden.stderr).contains("C1003"), "{hidden:?}");
    let theirs = bank.done(&["dump", "--kind", "Credential"]);
    assert!(theirs.contains("name: bank-1}") && !theirs.contains("insurer"), "{theirs}");
}

/// A privacy charge goes back by two persons; what they approve reaches the gate, at once and after a start, and the gate
/// gives back only what its journal holds.
#[test]
fn e6_a_refund_takes_two_persons_and_a_charge_and_its_refusal_is_an_act() {
    let mut house = TestGateway::start();
    let root = house.root();
    everyone(&house, &root);
    settle(&house, &demo_world());
    let case = "---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {name: refund-1}\nspec: {unit: bank, \
        dataSet: census, request: 019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071, cause: 统计服务停机}\n";
    let sun = house.person("sun");
    assert!(sun.apply(case).status.success());
    sun.done(&["privacy-refund", "submit", "refund-1"]);
    let approve = ["privacy-refund", "approve", "refund-1", "--reason", "停机属实"];
    let own = sun.run(&approve);
    assert!(!own.status.success() && text(&own.stderr).contains("C1104"), "{own:?}");
    let li = house.member(&root, "li", "data-bureau", &["authority"]);
    let approved = li.done(&approve);
    assert!(approved.contains("→ approved") && approved.contains("PrivacyRefund/refund-1"), "{approved}");
    let shown = |house: &TestGateway| house.person("sun").done(&["privacy-refund", "show", "refund-1"]);
    let refused = patiently("the refusal", || Some(shown(&house)).filter(|shown| shown.contains("refused")));
    assert!(refused.contains("C1550"), "{refused}");
    // The restart says the same, and looks for nothing again.
    house.crash();
    house.start_again();
    assert_eq!(shown(&house), refused);
    assert!(!house.log.iter().any(|line| line.contains("is not given back")), "{:#?}", house.log);
}

#[test]
fn i1_an_emergency_stop_is_one_line_and_says_what_it_does() {
    let house = TestGateway::start();
    let root = house.root();
    let wang = everyone(&house, &root);
    settle(&house, &demo_world());
    let stop = [
        "suspend",
        "unit",
        "bank",
        "--reason",
        "凭据泄露",
        "--case",
        "stop-bank",
        "--rectify-by",
        "2099-01-01",
    ];
    let tried = wang.done(&[&stop[..], &["--dry-run"]].concat());
    assert!(
        tried.contains("tried only") && tried.contains("comes into force: Suspension/stop-bank"),
        "{tried}"
    );
    assert_eq!(wang.done(&["suspension", "list"]).lines().count(), 1, "only its head");
    let stopped = wang.done(&stop);
    assert!(stopped.contains("emergency stop: emergency"), "{stopped}");
    assert!(wang.done(&["suspension", "list", "--state", "emergency"]).contains("stop-bank"));
    let everything = wang.done(&["suspend", "everything", "--reason", "演练"]);
    assert!(everything.contains("Suspension/stop-20"), "{everything}");
    let nothing = wang.run(&["suspend", "product", "no-such", "--reason", "演练"]);
    assert!(!nothing.status.success() && text(&nothing.stderr).contains("spec.target.name"), "{nothing:?}");
}

#[test]
fn every_fault_is_told_with_its_line_and_the_rest_is_still_written() {
    let house = TestGateway::start();
    let root = house.root();
    let wang = everyone(&house, &root);
    let organisation = |name: &str, spec: &str| {
        format!("---\napiVersion: shuzha/v1\nkind: Organisation\nmetadata: {{name: {name}}}\nspec:\n{spec}")
    };
    let good = "  kind: unit\n  uscc: 91350100M000100Y43\n  name: 银行\n";
    let bad = "  kind: bank\n  uscc: 91350100M000100Y44\n  extra: 1\n";
    let file = house.file("two.yaml", &format!("{}{}", organisation("bad", bad), organisation("good", good)));
    let applied = wang.run(&["apply", "-f", &file]);
    assert_eq!(applied.status.code(), Some(1));
    let said = text(&applied.stderr);
    for line in [
        ":6 spec.kind:",
        ":7 spec.uscc:",
        ":8 spec.extra: unknown field",
        ":5 spec.name: is missing",
        "C1002",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    assert!(text(&applied.stdout).contains("Organisation/good 新建 created"), "{applied:?}");
    assert_eq!(wang.run(&["diff", "-f", &file]).status.code(), Some(1));

    let unreadable = house.file("unreadable.yaml", "kind: Nothing\n---\nkind: Organisation\nextra: 1\n");
    let refused = wang.run(&["apply", "-f", &unreadable]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("unreadable.yaml:1 ") && said.contains("unreadable.yaml:4 "), "{said}");

    let renamed = organisation("good", &good.replace("银行", "新银行"));
    let differs = wang.told(&["diff", "-f", "-"], &renamed);
    assert_eq!(differs.status.code(), Some(2), "{differs:?}");
    let told = text(&differs.stdout);
    assert!(told.contains("spec.name: \"银行\" → \"新银行\""), "{told}");
    assert!(told.contains("! 变更 changes in force: Organisation/good"), "{told}");
    let replaced = wang.apply(&renamed);
    assert!(text(&replaced.stdout).contains("Organisation/good 更新 replaced"), "{replaced:?}");
}
