//! A gateway that serves: the demo's world applied by persons in their roles, two scenarios of the bank applied for, reviewed
//! and granted, and the product services behind them. Everything over the control API, by the commands.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use shuzha_core::{OsRng, Rng};

use super::demo_world;
use super::gateway::{Person, TestGateway};
use crate::blind::services;
use crate::caller::Credential;
use crate::home::write_private;

/// Roles of those who are here: account, organisation, role.
const MEMBERS: [(&str, &str, &str); 8] = [
    ("li", "data-bureau", "authority"),
    ("zhou", "data-bureau", "expert"),
    ("jiang", "police", "provider"),
    ("shen", "statistics-bureau", "provider"),
    ("sun", "yunze-data", "operator"),
    ("qian", "yunze-data", "operator"),
    ("wu", "yunze-bank", "application_unit"),
    ("zhang", "people", "data_subject"),
];
/// Product services by the address that the demo's world has for them.
const SERVICES: [(&str, &str); 2] = [("register", "127.0.0.1:7101"), ("statistics", "127.0.0.1:7103")];
/// What the bank wants: scenario, product, operation, whose data.
const WANTS: [(&str, &str, &str, &str); 2] = [
    ("bank-onboarding", "person-check", "verify", "jiang"),
    ("bank-research", "census-report", "query", "shen"),
];
/// Who applies for everything but exit reviews.
const APPLICANT: &str = "wu";
/// The platform's own key for consents, which the authority trusts like anyone else's.
const ISSUER: &str = "---
apiVersion: shuzha/v1
kind: ConsentIssuer
metadata: {name: platform-consent}
spec: {kid: platform-consent-1, algorithm: EdDSA, publicKeyFile: keys/consent-issuer.pub}
";

/// The gateway with its world and product services. Its processes end with it.
pub(super) struct TestWorld {
    pub(super) house: TestGateway,
    services: Vec<(&'static str, Child)>,
    /// The bank's.
    pub(super) credential: Credential,
}

impl Drop for TestWorld {
    fn drop(&mut self) {
        for (_, service) in &mut self.services {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

impl TestWorld {
    /// Opens it.
    pub(super) fn open() -> Self {
        // No certificates and no publicity periods: this test does not wait for ten working days.
        let house = TestGateway::configured(
            "[control]\nrules = \"qingdao\"\n[egress]\nallow = [\"127.0.0.1\"]\nself_description = \"declared\"\n",
        );
        let credential = Credential { name: "bank-1", secret: Vec::new() };
        let mut town = Self { house, services: Vec::new(), credential };
        let world = town.start_services();
        let root = town.house.root();
        town.house.member(&root, "wang", "data-bureau", &super::DECIDERS);
        for (name, organisation, role) in MEMBERS {
            town.house.member(&root, name, organisation, &[role]);
        }
        super::settle(&town.house, &(world + ISSUER));
        town.decide();
        let secret = town.by("wu").done(&["credential", "issue-secret", "bank-1"]);
        let secret =
            base64::Engine::decode(&base64::prelude::BASE64_STANDARD, secret.trim()).expect("base64");
        town.credential.secret = secret;
        town
    }

    /// Someone who has signed on before.
    pub(super) fn by(&self, name: &str) -> Person<'_> {
        self.house.person(name)
    }

    /// Lets a product service take requests and never answer.
    pub(super) fn freeze(&self, name: &str) {
        let (_, service) = self.services.iter().find(|(known, _)| *known == name).expect("a service");
        kill_process(Pid::from_child(service), Signal::STOP).expect("it is our process");
    }

    /// Starts the product services; the demo's world with their addresses.
    fn start_services(&mut self) -> String {
        let mut world = demo_world();
        for (name, address) in SERVICES {
            let key = self.house.data().join(format!("keys/upstreams/{name}.key"));
            if !key.exists() {
                write_private(&key, &OsRng.bytes::<32>());
            }
            let mut command = services();
            command.args([name, "--listen", "127.0.0.1:0", "--quiet", "--gateway-key-file"]).arg(&key);
            let mut service = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
            let mut ready = String::new();
            let output = service.stdout.take().expect("piped");
            self.services.push((name, service));
            BufReader::new(output).read_line(&mut ready).expect("a line");
            let ready: Value = serde_json::from_str(&ready).expect("JSON");
            world = world.replace(address, ready["listen"].as_str().expect("text"));
        }
        world
    }

    /// Opens a case and does what is done to it: who, verb, more arguments.
    pub(super) fn case(&self, kind: &str, name: &str, spec: &Value, acts: &[(&str, &str, &[&str])]) {
        let words: String = kind
            .chars()
            .enumerate()
            .flat_map(|(at, letter)| {
                let dash = (at > 0 && letter.is_uppercase()).then_some('-');
                dash.into_iter().chain(letter.to_lowercase())
            })
            .collect();
        let opener = if kind == "ExitReview" { "sun" } else { APPLICANT };
        let opened = self.by(opener).apply(&format!(
            "---\napiVersion: shuzha/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        ));
        assert!(opened.status.success(), "{kind}/{name}: {opened:?}");
        for (who, verb, more) in acts {
            self.by(who).done(&[&[words.as_str(), verb, name][..], more].concat());
        }
    }

    /// All that must be decided before the bank may call.
    fn decide(&self) {
        let officer = "林望舒";
        let plan = json!({"unit": "bank", "title": "数据安全事件应急处置预案", "officer": officer, "contact": "安全部",
            "events": ["数据泄露"], "steps": ["停止调用"]});
        let filed: &[&str] = &["--reason", "内容完整"];
        self.case("EmergencyPlan", "bank-plan", &plan, &[("wu", "submit", &[]), ("li", "file", filed)]);
        for (scenario, product, operation, provider) in WANTS {
            let review = json!({"product": product, "evidence": "出域测试报告"});
            let found: &[&str] = &[
                "--reason",
                "按输出契约，不能还原",
                "--field",
                "noRawData=true",
                "--field",
                "notReversible=true",
                "--field",
                "noJoiningRisk=true",
            ];
            let acts = [("sun", "submit", &[][..]), (provider, "opine", found), ("li", "pass", found)];
            self.case("ExitReview", product, &review, &acts);
            let purpose = if product == "census-report" { "sector" } else { "industry" };
            let spec = json!({"unit": "bank", "purpose": purpose, "title": scenario, "mode": "scenario",
                "window": {"from": "2025-01-01", "until": "2031-01-01"}, "necessity": "仅用于办理本人申请的业务",
                "needs": [{"product": product, "operations": [operation]}], "measures": ["专线接入"],
                "securityOfficer": officer, "emergencyPlan": "bank-plan",
                "volume": {"callsPerDay": 20_000, "subjectsPerDay": 5_000}});
            let favourable: &[&str] = &["--field", "favourable=true", "--reason", "用途明确"];
            let acts = [
                ("wu", "submit", &[][..]),
                (provider, "agree", &[]),
                ("zhou", "opine", favourable),
                ("li", "approve", &["--reason", "同意"]),
            ];
            self.case("Scenario", scenario, &spec, &acts);
        }
        let window = json!({"from": "2025-01-01", "until": "2030-01-01"});
        let agreement = json!({"unit": "bank", "window": window, "scenarios": WANTS.map(|(scenario, ..)| scenario),
            "parties": ["data-bureau", "yunze-data", "yunze-bank"], "scope": "经批准的应用场景",
            "split": [{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 7_000}],
            "securityOfficer": officer});
        let signs = |who| (who, "sign", &[][..]);
        let acts = [("wu", "submit", &[][..]), signs("wu"), signs("sun"), signs("li")];
        self.case("Agreement", "bank-2025", &agreement, &acts);
        for (scenario, product, operation, _) in WANTS {
            let grant = json!({"unit": "bank", "scenario": scenario, "agreement": "bank-2025", "product": product,
                "operations": [operation], "window": window, "rate": {"calls": 100, "perSeconds": 1, "burst": 200}});
            self.case("Grant", product, &grant, &[("qian", "issue", &[])]);
        }
    }
}
